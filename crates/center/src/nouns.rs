//! The center's own nouns: all that others need to know of each, said once.

use base::{
    auth::{Action, Caller},
    noun::{Noun, Part, Place, Platform},
    page::routes::Routes,
};
use domain::TenantId;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    actions, amendment, api, app::overview, backup, budget, center::Center, correction, debt, device, disk,
    event_kinds, evidence, first_steps, generated, invitation, notices, oidc, period, person, portal, price,
    retirement, role, scim, second_factor, secret, session, signing, tenant, usage,
};

pub const PLATFORM: Platform<Center> = Platform { name: "center", nouns: NOUNS };

const NOUNS: &[Noun<Center>] = &[
    OVERVIEW,
    SESSION,
    JOB,
    RUN,
    secret::NOUN,
    EVENT,
    NODE,
    CONTRACT,
    STATEMENT,
    amendment::NOUN,
    signing::NOUN,
    correction::NOUN,
    price::NOUN,
    budget::NOUN,
    usage::NOUN,
    LEDGER,
    evidence::NOUN,
    debt::NOUN,
    period::NOUN,
    CAPACITY_BALANCE,
    person::NOUN,
    MEMBER,
    invitation::NOUN,
    oidc::NOUN,
    scim::NOUN,
    PROJECT,
    tenant::NOUN,
    role::NOUN,
    first_steps::NOUN,
    generated::NOUN,
    retirement::NOUN,
    TRIAL,
    AUDIT_RECORD,
    API,
    disk::NOUN,
    TOKEN,
    session::NOUN,
    second_factor::NOUN,
    device::NOUN,
    backup::NOUN,
    notices::NOUN,
    SLURM_ACCOUNT,
    CLOCK,
];

/// The texts of pages, from their files.
macro_rules! texts {
    ($($page:literal),*) => {
        &[$([
            include_str!(concat!("../locales/zh/", $page, ".ftl")),
            include_str!(concat!("../locales/en/", $page, ".ftl")),
        ]),*]
    };
}

const OVERVIEW: Noun<Center> = Noun {
    actions: &[actions::READ_CENTER, actions::READ_METRICS],
    texts: texts!("overview"),
    api: || OpenApiRouter::new().routes(routes!(api::ops::overview)).routes(routes!(api::ops::loops)),
    pages: || Routes::default().page("/", portal::overview::page),
    places: &[Place { part: Part::Work, key: "overview", href: "/", shown: |_, _| Some(0) }],
    ..Noun::named("overview")
};

const SESSION: Noun<Center> = Noun {
    texts: texts!("sign_in"),
    api: || OpenApiRouter::new().routes(routes!(api::accounts::login)),
    pages: || {
        Routes::default()
            .page("/sign-in", portal::sign_in::page)
            .form("/sign-in", portal::sign_in::enter)
            .form("/sign-in/failures/seen", portal::sign_in::failures_seen)
            .page("/carried", portal::sign_in::carried)
            .form("/sign-out", portal::sign_in::leave)
    },
    ..Noun::named("session")
};

const JOB: Noun<Center> = Noun {
    actions: &[
        actions::SUBMIT_JOB,
        actions::CANCEL_JOB,
        actions::READ_JOB,
        actions::READ_SCRIPT,
        actions::READ_LOG,
    ],
    events: &[
        event_kinds::JOB_SUBMITTED,
        event_kinds::JOB_STOPPING,
        event_kinds::TASKS_CANCELLED,
        event_kinds::JOB_ENDED,
    ],
    texts: texts!("jobs", "job", "submit"),
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::jobs::list, api::jobs::submit))
            .routes(routes!(api::jobs::submit_script))
            .routes(routes!(api::jobs::dry_run))
            .routes(routes!(api::jobs::show))
            .routes(routes!(api::jobs::cancel))
            .routes(routes!(api::jobs::cancel_many))
            .routes(routes!(api::jobs::why))
            .routes(routes!(api::jobs::runs))
            .routes(routes!(api::jobs::events))
            .routes(routes!(api::jobs::runs_by_digits))
            .routes(routes!(api::logs::read))
            .routes(routes!(api::logs::follow))
            .routes(routes!(api::logs::raw))
            .routes(routes!(api::logs::merged))
            .routes(routes!(api::logs::search))
    },
    pages: || {
        Routes::default()
            .page("/submit", portal::jobs::submit::page)
            .form("/submit", portal::jobs::submit::submit)
            .form("/submit/dry-run", portal::jobs::submit::dry_run)
            .page("/jobs", portal::jobs::list::page)
            .page("/jobs/export", portal::jobs::bulk::export)
            .form("/jobs/cancel", portal::jobs::bulk::cancel)
            .page("/jobs/{id}", portal::jobs::show::page)
            .form("/jobs/{id}/cancel", portal::jobs::show::cancel)
            .page("/jobs/{id}/script", portal::jobs::script::download)
            .page("/jobs/{id}/log", portal::jobs::log::download)
            .page("/jobs/{id}/log/part", portal::jobs::log::part)
            .page("/jobs/{id}/log/stream", portal::jobs::follow::stream)
    },
    places: &[
        Place {
            part: Part::Work,
            key: "submit",
            href: "/submit",
            shown: |center, caller| {
                seen(center, caller, actions::SUBMIT_JOB, caller.member.tenant.map(Some)?)
            },
        },
        Place { part: Part::Work, key: "jobs", href: "/jobs", shown: overview::active_jobs },
    ],
    ..Noun::named("job")
};

const RUN: Noun<Center> = Noun {
    actions: &[actions::BILL_DIRECT_JOB],
    events: &[event_kinds::RUN_STARTED, event_kinds::RUN_ENDED],
    ..Noun::named("run")
};

const EVENT: Noun<Center> = Noun {
    api: || OpenApiRouter::new().routes(routes!(api::streams::events)),
    pages: || {
        Routes::default()
            .page("/events", portal::event_list::page)
            .page("/events/stream", portal::events::stream)
    },
    ..Noun::named("event")
};

const NODE: Noun<Center> = Noun {
    actions: &[actions::READ_NODE, actions::CHANGE_NODE, actions::MIRROR_NODE],
    events: &[event_kinds::NODE_CHANGED],
    texts: texts!("nodes"),
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::nodes::list))
            .routes(routes!(api::nodes::show))
            .routes(routes!(api::nodes::drain))
            .routes(routes!(api::nodes::resume))
            .routes(routes!(api::nodes::set_labels))
            .routes(routes!(api::nodes::set_maintenance, api::nodes::cancel_maintenance))
            .routes(routes!(api::nodes::pools))
    },
    pages: || {
        Routes::default()
            .page("/nodes", portal::nodes::list::list)
            .page("/nodes/{name}", portal::nodes::show::page)
            .form("/nodes/{name}/drain", portal::nodes::show::drain)
            .form("/nodes/{name}/resume", portal::nodes::show::resume)
            .form("/nodes/{name}/labels", portal::nodes::show::set_labels)
            .form("/nodes/{name}/maintenance", portal::nodes::show::set_maintenance)
            .form("/nodes/{name}/maintenance/cancel", portal::nodes::show::cancel_maintenance)
    },
    places: &[Place { part: Part::Work, key: "nodes", href: "/nodes", shown: overview::nodes_seen }],
    ..Noun::named("node")
};

const CONTRACT: Noun<Center> = Noun {
    actions: &[
        actions::READ_CONTRACT,
        actions::SUBMIT_CONTRACT,
        actions::DECIDE_CONTRACT,
        actions::TOP_UP,
        actions::END_CONTRACT,
        actions::WAKE_CONTRACT,
    ],
    events: &[event_kinds::CONTRACT_CHANGED],
    texts: texts!("contracts"),
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::money::list_contracts, api::money::new_contract))
            .routes(routes!(api::money::show_contract, api::money::change_draft))
            .routes(routes!(api::money::contract_events))
            .routes(routes!(api::money::contract_action))
            .routes(routes!(api::money::top_up))
    },
    pages: || {
        Routes::default()
            .page("/contracts", portal::contracts::list::list)
            .page("/contracts/new", portal::contracts::draft::form)
            .form("/contracts/new", portal::contracts::draft::create)
            .page("/contracts/{id}", portal::contracts::show::page)
            .page("/contracts/{id}/edit", portal::contracts::draft::edit_form)
            .form("/contracts/{id}/edit", portal::contracts::draft::edit)
            .form("/contracts/{id}/act", portal::contracts::acts::act)
            .page("/contracts/{id}/act/{action}", portal::contracts::acts::look)
            .page("/contracts/{id}/top-up", portal::contracts::top_up::top_up_form)
            .form("/contracts/{id}/top-up", portal::contracts::top_up::top_up)
    },
    places: &[Place {
        part: Part::Money,
        key: "contracts",
        href: "/contracts",
        shown: overview::contracts_seen,
    }],
    ..Noun::named("contract")
};

const STATEMENT: Noun<Center> = Noun {
    actions: &[actions::READ_STATEMENT],
    texts: texts!("statement"),
    api: || OpenApiRouter::new().routes(routes!(api::money::statement)),
    pages: || {
        Routes::default()
            .page("/contracts/{id}/statement", portal::contracts::statement::page)
            .page("/statements", portal::contracts::statement::newest)
    },
    places: &[Place { part: Part::Money, key: "statement", href: "/statements", shown: statements }],
    ..Noun::named("statement")
};

const LEDGER: Noun<Center> = Noun {
    actions: &[actions::READ_LEDGER, actions::MAKE_ROOT],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::money::transfers))
            .routes(routes!(api::money::check_ledger))
            .routes(routes!(api::ledger::roots, api::ledger::make_root))
    },
    ..Noun::named("ledger")
};

const CAPACITY_BALANCE: Noun<Center> = Noun {
    actions: &[actions::READ_CAPACITY],
    texts: texts!("capacity"),
    api: || OpenApiRouter::new().routes(routes!(api::ops::capacity_balance)),
    pages: || Routes::default().page("/capacity", portal::capacity::page),
    places: &[Place {
        part: Part::Money,
        key: "balance",
        href: "/capacity",
        shown: |center, caller| seen(center, caller, actions::READ_CAPACITY, None),
    }],
    ..Noun::named("capacity balance")
};

const MEMBER: Noun<Center> = Noun {
    actions: &[actions::READ_MEMBER, actions::MANAGE_MEMBER, actions::FIRST_OPERATOR],
    texts: texts!("people"),
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::accounts::list_members, api::accounts::new_member))
            .routes(routes!(api::accounts::change_member))
    },
    pages: || {
        Routes::default()
            .page("/people", portal::people::page)
            .form("/people/members", portal::people::new_member)
            .form("/people/members/known", portal::people::new_known_member)
            .form("/people/members/{id}", portal::people::change_member)
            .page("/people/members/{id}", portal::member::page)
            .form("/people/members/{id}/change", portal::member::change)
            .form("/people/members/{id}/password", portal::member::set_password)
    },
    places: &[Place {
        part: Part::Administration,
        key: "members",
        href: "/people",
        shown: |center, caller| seen(center, caller, actions::READ_MEMBER, caller.member.tenant),
    }],
    ..Noun::named("member")
};

const PROJECT: Noun<Center> = Noun {
    actions: &[actions::READ_PROJECT, actions::MANAGE_PROJECT],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::accounts::list_projects, api::accounts::new_project))
            .routes(routes!(api::accounts::change_project))
    },
    pages: || {
        Routes::default()
            .form("/people/projects", portal::people::new_project)
            .form("/people/projects/{id}", portal::people::change_project)
    },
    ..Noun::named("project")
};

const TRIAL: Noun<Center> = Noun {
    texts: texts!("twin"),
    api: || OpenApiRouter::new().routes(routes!(api::ops::history)),
    pages: || {
        Routes::default()
            .page("/twin", portal::twin::page)
            .form("/twin", portal::twin::start)
            .page("/twin/{id}", portal::twin::trial)
            .page("/twin/{id}/report", portal::twin::report)
    },
    places: &[Place {
        part: Part::Administration,
        key: "twin",
        href: "/twin",
        shown: |center, caller| seen(center, caller, actions::READ_CAPACITY, None),
    }],
    ..Noun::named("trial of the twin")
};

const AUDIT_RECORD: Noun<Center> = Noun {
    actions: &[actions::READ_AUDIT],
    texts: texts!("audit"),
    api: || OpenApiRouter::new().routes(routes!(api::ops::audit)),
    pages: || Routes::default().page("/audit", portal::audit::page),
    places: &[Place {
        part: Part::Administration,
        key: "audit",
        href: "/audit",
        shown: |center, caller| seen(center, caller, actions::READ_AUDIT, caller.member.tenant),
    }],
    ..Noun::named("audit record")
};

/// The API itself, as a page.
const API: Noun<Center> = Noun {
    texts: texts!("api"),
    pages: || Routes::default().page("/api/docs", portal::api_docs::page),
    places: &[Place { part: Part::Administration, key: "api", href: "/api/docs", shown: |_, _| Some(0) }],
    ..Noun::named("api")
};

const TOKEN: Noun<Center> = Noun {
    texts: texts!("tokens"),
    actions: &[actions::NEW_TOKEN, actions::REVOKE_TOKEN],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::accounts::list_tokens, api::accounts::new_token))
            .routes(routes!(api::accounts::revoke_token))
    },
    pages: || {
        Routes::default()
            .page("/tokens", portal::tokens::page)
            .form("/tokens", portal::tokens::make)
            .form("/tokens/password", portal::tokens::change_password)
            .form("/tokens/{id}/revoke", portal::tokens::revoke)
    },
    ..Noun::named("token")
};

const SLURM_ACCOUNT: Noun<Center> = Noun {
    actions: &[actions::MANAGE_SLURM, actions::KEEP_SLURM_ACCOUNTS],
    api: || {
        OpenApiRouter::new().routes(routes!(api::slurm::accounts)).routes(routes!(api::slurm::apply_accounts))
    },
    ..Noun::named("account in Slurm")
};

/// The clock of the center's machine, by which all times are told.
const CLOCK: Noun<Center> = Noun { actions: &[actions::CLOCK_SET], ..Noun::named("clock") };

/// An entry without a number, for those who may do `action` to things of `owner`.
fn seen(center: &Center, caller: &Caller, action: Action, owner: Option<TenantId>) -> Option<usize> {
    center.policies.check(caller, action, owner).ok().map(|()| 0)
}

/// Statements are there where contracts are.
fn statements(center: &Center, caller: &Caller) -> Option<usize> {
    overview::contracts_seen(center, caller).filter(|count| *count > 0)?;
    seen(center, caller, actions::READ_STATEMENT, caller.member.tenant)
}

/// Takes in the texts of the center's own nouns alone.
#[cfg(test)]
pub fn load_texts() {
    base::page::texts::load(NOUNS.iter().flat_map(|noun| noun.texts).copied());
}

/// The keys of all texts of a language.
#[cfg(test)]
pub fn keys(lang: domain::Lang) -> Vec<&'static str> {
    let at = usize::from(lang == domain::Lang::En);
    let texts = base::page::texts::FRAME.iter().chain(NOUNS.iter().flat_map(|noun| noun.texts));
    texts.flat_map(|texts| base::page::texts::keys(texts[at])).collect()
}

#[cfg(test)]
mod tests;
