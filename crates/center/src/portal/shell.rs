//! The shell around every page: the navigation, and who looks at it.

use base::{
    Base,
    auth::{
        Caller,
        credentials::{Place, Session},
    },
    noun::navigation,
    page::{
        form::Choice,
        frame::{Host, Shell},
        words::Ui,
    },
};

use crate::{app::overview, center::Center};

impl Host for Center {
    fn base(&self) -> &Base {
        &self.base
    }

    fn shell(&self, session: &Session, ui: Ui) -> Shell {
        let member = &session.member;
        let caller = Caller { member: member.clone(), from: String::new(), once: None };
        let place = match &session.tenant {
            Some(tenant) => tenant.name(ui.lang).to_owned(),
            None => ui.t("center"),
        };
        let choice = |place: &Place| {
            let name = place
                .tenant
                .as_ref()
                .map_or_else(|| ui.t("center"), |tenant| tenant.name(ui.lang).to_owned());
            let word = format!("{name} · {}", ui.word("role", place.role.code()));
            Choice::new(place.member.to_string(), word)
        };
        let has_several = session.places.len() > 1 && !session.must_enrol;
        Shell {
            places: if has_several { session.places.iter().map(choice).collect() } else { Vec::new() },
            links: if session.must_enrol { Vec::new() } else { navigation(self.platforms, self, &caller) },
            who: format!("{} · {place}", ui.word("role", member.role.code())),
            is_all_virtual: overview::is_all_virtual(self),
            generated: self.generated.map(|past| past.told(ui)).unwrap_or_default(),
        }
    }
}
