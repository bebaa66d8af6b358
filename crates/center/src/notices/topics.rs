//! Who hears of the center's events, and by which channels where a person said nothing else.
//!
//! The defaults: what asks somebody to do something comes by mail too; what can be looked up does not; what goes well and
//! happens all the time comes to nobody who did not ask for it.

use base::{
    events::Kind,
    notice::topic::{
        Audience::{self, Center, Submitter, Tenant},
        Channel::{self, Inbox, Mail},
        Topic,
    },
};
use domain::Role;
use serde_json::Value;

pub const BOTH: &[Channel] = &[Inbox, Mail];
pub const INBOX: &[Channel] = &[Inbox];
/// The people of a tenant who care for its money.
pub const OF_MONEY: &[Audience] = &[Tenant(Role::Admin), Tenant(Role::Finance)];

fn is(data: &Value, key: &str, one_of: &[&str]) -> bool {
    data.get(key).and_then(Value::as_str).is_some_and(|text| one_of.contains(&text))
}

const OUTCOME: &[(&str, &str)] = &[("outcome", "state")];
const JOB: &str = "/jobs/{job}";
const CONTRACT: &str = "/contracts/{contract}";

pub const JOB_TOPICS: &[Topic] = &[
    Topic {
        code: "job_failed",
        to: &[Submitter],
        when: |data| !is(data, "outcome", &["succeeded", "cancelled"]),
        by_default: INBOX,
        page: JOB,
        words: OUTCOME,
    },
    Topic {
        code: "job_succeeded",
        to: &[Submitter],
        when: |data| is(data, "outcome", &["succeeded"]),
        by_default: &[],
        page: JOB,
        words: OUTCOME,
    },
];

pub const CONTRACT_TOPICS: &[Topic] = &[
    Topic {
        code: "contract_submitted",
        to: &[Center(Role::Contracts), Center(Role::Operator)],
        when: |data| is(data, "action", &["submit"]),
        by_default: BOTH,
        page: CONTRACT,
        words: &[],
    },
    Topic {
        code: "contract_changed",
        to: OF_MONEY,
        when: |data| !is(data, "action", &["submit"]),
        by_default: BOTH,
        page: CONTRACT,
        words: &[("state", "state")],
    },
];

pub const NODE_TOPICS: &[Topic] = &[Topic {
    code: "node_failed",
    to: &[Center(Role::Operator)],
    when: |data| is(data, "state", &["failed"]),
    by_default: BOTH,
    page: "/nodes/{node}",
    words: &[],
}];

pub const PERIOD_TOPICS: &[Topic] = &[Topic {
    code: "period_closed",
    to: &[Center(Role::CenterFinance), Center(Role::Auditor)],
    when: |_| true,
    by_default: INBOX,
    page: "/periods/{month}",
    words: &[],
}];

pub const MEMBER_TOPICS: &[Topic] = &[Topic {
    code: "member_joined",
    to: &[Tenant(Role::Admin)],
    when: |_| true,
    by_default: INBOX,
    page: "/people/members/{member}",
    words: &[("role", "role")],
}];

/// A contract has no more than a share of its funds left.
pub const BALANCE_LOW: Kind = Kind::new("balance_low").tells(&[Topic {
    code: "balance_low",
    to: OF_MONEY,
    when: |_| true,
    by_default: BOTH,
    page: CONTRACT,
    words: &[],
}]);

/// The term of a contract ends soon.
pub const CONTRACT_EXPIRING: Kind = Kind::new("contract_expiring").tells(&[Topic {
    code: "contract_expiring",
    to: OF_MONEY,
    when: |_| true,
    by_default: BOTH,
    page: CONTRACT,
    words: &[],
}]);

/// The statement of a closed month is there.
pub const STATEMENT_ISSUED: Kind = Kind::new("statement_issued").tells(&[Topic {
    code: "statement_issued",
    to: OF_MONEY,
    when: |_| true,
    by_default: BOTH,
    page: "/contracts/{contract}/statement?month={month}",
    words: &[],
}]);

/// The center posts no more to an endpoint.
pub const ENDPOINT_DISABLED: Kind = Kind::new("endpoint_disabled").tells(&[
    Topic {
        code: "endpoint_disabled",
        to: &[Tenant(Role::Admin)],
        when: |_| true,
        by_default: BOTH,
        page: "/webhooks/{endpoint}",
        words: &[("why", "endpoint-why")],
    },
    Topic {
        code: "center_endpoint_disabled",
        to: &[Center(Role::Operator)],
        when: |_| true,
        by_default: BOTH,
        page: "/webhooks/{endpoint}",
        words: &[("why", "endpoint-why")],
    },
]);
