//! A generated past 生成的历史: what a demo's center did before it was started. It never happened, and wherever it shows it is
//! marked.

mod rows;
pub(crate) mod rule;

use base::{error::AppError, noun::Noun};
use store::Store;

use crate::center::Center;
pub use rule::GeneratedPast;

pub const NOUN: Noun<Center> =
    Noun { texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]], ..Noun::named("generated past") };

/// Marks all that a new center is about to do before `past.until` as generated. One that has people already has a past
/// of its own, of which nothing is marked.
pub fn mark(store: &Store, past: GeneratedPast) -> Result<(), AppError> {
    store.write(move |tx| {
        if !store::tenants::list_members(tx, None)?.is_empty() {
            return Err(AppError::internal("a center that was in use can't be given a generated past"));
        }
        Ok(rows::insert(tx, &past)?)
    })
}

/// The generated past of the center whose store it is.
pub(crate) fn find(store: &Store) -> Result<Option<GeneratedPast>, AppError> {
    Ok(store.read(rows::find)?)
}

#[cfg(test)]
mod tests {
    use base::auth::password;
    use domain::{Lang, Member, MemberId, PersonId, Role, Timestamp};

    use super::*;

    fn past() -> GeneratedPast {
        let at = |text: &str| text.parse().expect("an instant");
        GeneratedPast { from: at("2026-10-30T16:00:00Z"), until: at("2026-11-29T08:00:00Z"), seed: 7 }
    }

    #[test]
    fn a_past_ends_where_the_center_begins() {
        let past = past();
        assert!(past.holds(past.from) && past.holds(Timestamp::from_micros(past.until.as_micros() - 1)));
        assert!(!past.holds(past.until));
        let told = |lang| past.told(crate::portal::sample::ui(lang));
        assert!(
            told(Lang::Zh).contains("2026-10-31") && told(Lang::Zh).contains("生成"),
            "{}",
            told(Lang::Zh)
        );
        assert!(told(Lang::En).contains("2026-11-29"), "by the center's days: {}", told(Lang::En));
    }

    #[test]
    fn a_center_in_use_is_given_no_past() {
        let folder = testkit::open_folder();
        let store = testkit::rows::open(&folder.path().join("center.db"));
        assert_eq!(find(&store).expect("it is read"), None);
        mark(&store, past()).expect("it is new");
        assert_eq!(find(&store).expect("it is read"), Some(past()));
        let member = Member {
            id: MemberId::new(past().from, testkit::rows::unique()),
            person: PersonId::new(past().from, testkit::rows::unique()),
            tenant: None,
            login: "operator".into(),
            name: "operator".into(),
            role: Role::Operator,
            is_enabled: true,
            created_at: past().from,
        };
        let hash = password::hash("a long password").expect("it is hashed");
        store.write(move |tx| store::tenants::insert_member(tx, &member, Some(&hash))).expect("a member");
        assert!(mark(&store, past()).is_err());
    }
}
