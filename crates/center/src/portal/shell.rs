//! The shell around every page: the navigation, and who looks at it.

use super::{
    kit::Ui,
    page::{Group, Host, Link, Shell},
};
use crate::{
    app::overview,
    auth::{Action, Caller, credentials::Session},
    base::Base,
    center::Center,
};

impl Host for Center {
    fn base(&self) -> &Base {
        &self.base
    }

    fn shell(&self, session: &Session, ui: Ui) -> Shell {
        let member = &session.member;
        let caller = Caller { member: member.clone(), from: String::new(), once: None };
        // A page is shown without these figures rather than not at all.
        let glance = overview::glance(self, &caller).unwrap_or_default();
        let place = match &session.tenant {
            Some(tenant) => tenant.name(ui.lang).to_owned(),
            None => ui.t("center"),
        };
        Shell {
            links: links(self, &caller, &glance),
            who: format!("{} · {place}", ui.word("role", member.role.code())),
            is_all_virtual: glance.is_all_virtual,
        }
    }
}

fn links(center: &Center, caller: &Caller, glance: &overview::Glance) -> Vec<Group> {
    let own = caller.member.tenant;
    let may = |action, owner| center.policies.check(caller, action, owner).is_ok();
    let link = |key, href| Link { key, href, count: None };
    let counted = |key, href, n: usize| Link { key, href, count: Some(n.to_string()).filter(|_| n > 0) };
    let some = |is_shown: bool, link: Link| is_shown.then_some(link);
    let work = [
        Some(link("overview", "/")),
        some(own.is_some() && may(Action::SubmitJob, own), link("submit", "/submit")),
        glance.active_jobs.map(|n| counted("jobs", "/jobs", n)),
        glance.nodes.map(|n| counted("nodes", "/nodes", n)),
    ];
    let money = [
        glance.contracts.map(|n| counted("contracts", "/contracts", n)),
        some(
            may(Action::ReadStatement, own) && glance.contracts.is_some_and(|n| n > 0),
            link("statement", "/statements"),
        ),
        some(may(Action::ReadCapacity, None), link("balance", "/capacity")),
    ];
    let administration = [
        some(may(Action::ReadMember, own), link("members", "/people")),
        some(may(Action::ReadCapacity, None), link("twin", "/twin")),
        some(may(Action::ReadAudit, own), link("audit", "/audit")),
        Some(link("api", "/api/docs")),
    ];
    let group = |head, links: Vec<Link>| Group { head, links };
    vec![
        group("", work.into_iter().flatten().collect()),
        group("money", money.into_iter().flatten().collect()),
        group("administration", administration.into_iter().flatten().collect()),
    ]
}
