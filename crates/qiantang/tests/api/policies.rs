//! Who may do what, over the actions of all nouns.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use base::{
    auth::{Policies, policy::Relation},
    page::texts,
};
use center::start::{POLICIES, actions_of};
use domain::{Lang, Role};
use qiantang::PLATFORMS;
use testkit::assert_golden;

/// For each action, by each role: `o` a thing of its own tenant, `x` of another's, `c` of the center.
#[test]
fn the_policies_give_the_golden_matrix() {
    let policies = Policies::load(actions_of(PLATFORMS), POLICIES).expect("the policies are Cedar");
    let roles = Role::ALL.map(Role::code);
    let mut seen = format!("{:<19}{}\n", "action", roles.join(" "));
    let mut actions: Vec<_> = actions_of(PLATFORMS).filter(|action| action.is_decided()).collect();
    actions.sort_by_key(|action| action.code());
    for action in actions {
        let cell = |role: Role| {
            let relations = Relation::ALL.into_iter().zip("oxc".chars());
            let letters: String = relations
                .filter(|(relation, _)| policies.allows(role, action, *relation))
                .map(|(_, letter)| letter)
                .collect();
            if letters.is_empty() { "-".to_owned() } else { letters }
        };
        let mut line = format!("{:<19}", action.code());
        for role in Role::ALL {
            let _ = write!(line, "{:<width$}", cell(role), width = role.code().len() + 1);
        }
        let _ = writeln!(seen, "{}", line.trim_end());
    }
    assert_golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/policies.txt"), &seen);
}

/// A line of the audit log, or an event, that has no word is shown as its code: nobody may read it.
#[test]
fn every_action_and_event_of_every_noun_has_its_word_and_stands_once() {
    qiantang::load_texts();
    let nouns = || PLATFORMS.iter().flat_map(|platform| platform.nouns);
    let actions = nouns().flat_map(|noun| noun.actions).map(|action| format!("action-{}", action.code()));
    let events =
        nouns().flat_map(|noun| noun.events).map(|kind| format!("event-{}", kind.code().replace('_', "-")));
    let keys: Vec<String> = actions.chain(events).collect();
    assert!(keys.len() > 35, "{keys:?}");
    for key in &keys {
        for lang in [Lang::Zh, Lang::En] {
            assert!(texts::find(lang, key, &[]).is_some(), "{key} has no word");
        }
    }
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "an action or event is two nouns'");
}
