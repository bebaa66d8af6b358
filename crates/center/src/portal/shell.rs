//! The shell around every page: the navigation, and who looks at it.

use base::{
    Base,
    auth::{Caller, credentials::Session},
    noun::navigation,
    page::{
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
        Shell {
            links: navigation(self.platforms, self, &caller),
            who: format!("{} · {place}", ui.word("role", member.role.code())),
            is_all_virtual: overview::is_all_virtual(self),
            generated: self.generated.map(|past| past.told(ui)).unwrap_or_default(),
        }
    }
}
