//! All that can be done in the center, and all that it does by itself, as the audit log names it.

use base::{
    auth::Action,
    detail::{Detail, Reads},
};
use domain::{
    NodeStatus, Role,
    contract::{ContractAction, ContractKindName},
};
use store::{invoices::InvoiceKind, payments::Purpose};

// Details that several actions keep.
pub const NAME: Detail = Detail::text("name");
pub const NUMBER: Detail = Detail::text("number");
pub const SLUG: Detail = Detail::text("slug");
pub const REASON: Detail = Detail::text("reason");
pub const AMOUNT: Detail = Detail::new("amount_micro_cny", Reads::Money);
const LOGIN: Detail = Detail::text("login");
pub const NODE: Detail = Detail::text("node");
const ROLE: Detail = Detail::word::<Role>("role", "role");
const NODE_STATE: Detail = Detail::word::<NodeStatus>("state", "node");
const CONTRACT_ACTION: Detail = Detail::word::<ContractAction>("action", "act");
const COMMANDS: Detail = Detail::text("commands");
const MAINTENANCE: Detail = Detail::new(
    "maintenance",
    Reads::Fields(&[Detail::new("from", Reads::Instant), Detail::new("until", Reads::Instant), REASON]),
);

pub const SUBMIT_JOB: Action = Action::new("submit_job", "work").keeps(&[
    NAME,
    Detail::text("project"),
    Detail::count("nodes"),
    Detail::count("cards_per_node"),
    Detail::count("tasks"),
]);
pub const CANCEL_JOB: Action = Action::new("cancel_job", "work").keeps(&[NAME, Detail::text("task")]);
pub const READ_JOB: Action = Action::new("read_job", "read_work");
/// The script, arguments and environment of a job.
pub const READ_SCRIPT: Action = Action::new("read_script", "read_content");
pub const READ_LOG: Action = Action::new("read_log", "read_content");
pub const READ_MEMBER: Action = Action::new("read_member", "read_account");
pub const READ_PROJECT: Action = Action::new("read_project", "read_account");
pub const READ_CONTRACT: Action = Action::new("read_contract", "read_account");
pub const READ_USAGE: Action = Action::new("read_usage", "read_account");
pub const READ_STATEMENT: Action = Action::new("read_statement", "read_money");
pub const READ_LEDGER: Action = Action::new("read_ledger", "read_money");
pub const READ_NODE: Action = Action::new("read_node", "read_public");
pub const READ_CAPACITY: Action = Action::new("read_capacity", "read");
pub const READ_CENTER: Action = Action::new("read_center", "read");
/// The figures for Prometheus.
pub const READ_METRICS: Action = Action::new("read_metrics", "read");
/// The whole log for the center's people, their tenant's part for administrators.
pub const READ_AUDIT: Action = Action::new("read_audit", "administer_read");
pub const MANAGE_MEMBER: Action = Action::new("manage_member", "administer").keeps(&[
    LOGIN,
    ROLE,
    Detail::text("name"),
    Detail::yes_no("is_enabled"),
    Detail::yes_no("new_password"),
    Detail::yes_no("on_the_machine"),
]);
pub const MANAGE_PROJECT: Action =
    Action::new("manage_project", "administer").keeps(&[SLUG, Detail::text("contract")]);
pub const SUBMIT_CONTRACT: Action = Action::new("submit_contract", "administer").keeps(&[
    NUMBER,
    Detail::word::<ContractKindName>("kind", "kind"),
    CONTRACT_ACTION,
    REASON,
    // Of a draft that is changed: the fields, and the contract as it was.
    Detail::text("changed"),
    Detail::text("before"),
]);
pub const DECIDE_CONTRACT: Action =
    Action::new("decide_contract", "keep_contracts").keeps(&[NUMBER, CONTRACT_ACTION, REASON]);
pub const TOP_UP: Action = Action::new("top_up", "keep_money").keeps(&[
    NUMBER,
    AMOUNT,
    Detail::new("card_ms", Reads::CardTime),
    Detail::text("reference"),
    Detail::word::<Purpose>("purpose", "purpose"),
]);
/// A tenant's people ask the center for an invoice.
pub const REQUEST_INVOICE: Action = Action::new("request_invoice", "answer_for_money").keeps(&[
    Detail::text("request"),
    Detail::word::<InvoiceKind>("kind", "invoice-kind"),
    AMOUNT,
    Detail::text("statements"),
]);
pub const CHANGE_NODE: Action = Action::new("change_node", "run_center").keeps(&[
    NODE,
    NODE_STATE,
    REASON,
    Detail::text("labels"),
    MAINTENANCE,
]);
pub const BACKUP: Action = Action::new("backup", "run_center").keeps(&[Detail::count("bytes")]);
pub const MAKE_ROOT: Action = Action::new("make_root", "run_center").keeps(&[
    Detail::count("link"),
    Detail::yes_no("is_signed"),
    REASON,
]);
pub const MANAGE_SLURM: Action = Action::new("manage_slurm", "run_center").keeps(&[COMMANDS]);

/// The first operator was made when the center was started for the first time.
pub const FIRST_OPERATOR: Action = Action::deed("first_operator").keeps(&[LOGIN, ROLE]);
/// A contract ended by itself, as its balance or its term did.
pub const END_CONTRACT: Action = Action::deed("end_contract").keeps(&[NUMBER, CONTRACT_ACTION]);
/// A contract whose balance had ended is active again, as use was given back.
pub const WAKE_CONTRACT: Action = Action::deed("wake_contract").keeps(&[
    NUMBER,
    Detail::new("used_card_ms", Reads::CardTime),
    Detail::new("charge_micro_cny", Reads::Money),
]);
/// The machine's clock was set.
pub const CLOCK_SET: Action = Action::deed("clock_set").keeps(&[Detail::new("by_ms", Reads::Millis)]);
/// A node changed in Slurm, and here with it.
pub const MIRROR_NODE: Action = Action::deed("mirror_node").keeps(&[NODE, NODE_STATE, REASON]);
/// A job that came to Slurm past the center was taken in.
pub const BILL_DIRECT_JOB: Action =
    Action::deed("bill_direct_job").keeps(&[NAME, Detail::text("comment"), Detail::count("cards")]);
/// Accounts in Slurm were brought in step.
pub const KEEP_SLURM_ACCOUNTS: Action = Action::deed("keep_slurm_accounts").keeps(&[COMMANDS]);
/// A member made a token of their own.
pub const NEW_TOKEN: Action = Action::deed("new_token").keeps(&[NAME]);
/// A member ended a token of their own.
pub const REVOKE_TOKEN: Action = Action::deed("revoke_token").keeps(&[NAME]);
