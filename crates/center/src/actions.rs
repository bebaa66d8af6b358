//! All that can be done in the center, and all that it does by itself, as the audit log names it.

use base::auth::Action;

pub const SUBMIT_JOB: Action = Action::new("submit_job", "work");
pub const CANCEL_JOB: Action = Action::new("cancel_job", "work");
pub const READ_JOB: Action = Action::new("read_job", "read_work");
pub const READ_LOG: Action = Action::new("read_log", "read_work");
pub const READ_MEMBER: Action = Action::new("read_member", "read_account");
pub const READ_PROJECT: Action = Action::new("read_project", "read_account");
pub const READ_CONTRACT: Action = Action::new("read_contract", "read_account");
pub const READ_USAGE: Action = Action::new("read_usage", "read_account");
pub const READ_STATEMENT: Action = Action::new("read_statement", "read_money");
pub const READ_LEDGER: Action = Action::new("read_ledger", "read_money");
pub const READ_NODE: Action = Action::new("read_node", "read_public");
pub const READ_CAPACITY: Action = Action::new("read_capacity", "read");
pub const READ_CENTER: Action = Action::new("read_center", "read");
/// The whole log for the center's people, their tenant's part for administrators.
pub const READ_AUDIT: Action = Action::new("read_audit", "administer_read");
pub const MANAGE_MEMBER: Action = Action::new("manage_member", "administer");
pub const MANAGE_PROJECT: Action = Action::new("manage_project", "administer");
pub const SUBMIT_CONTRACT: Action = Action::new("submit_contract", "administer");
pub const DECIDE_CONTRACT: Action = Action::new("decide_contract", "keep_contracts");
pub const TOP_UP: Action = Action::new("top_up", "keep_money");
pub const CHANGE_NODE: Action = Action::new("change_node", "run_center");
pub const BACKUP: Action = Action::new("backup", "run_center");
pub const MAKE_ROOT: Action = Action::new("make_root", "run_center");
pub const MANAGE_SLURM: Action = Action::new("manage_slurm", "run_center");

/// The first operator was made when the center was started for the first time.
pub const FIRST_OPERATOR: Action = Action::deed("first_operator");
/// A contract ended by itself, as its balance or its term did.
pub const END_CONTRACT: Action = Action::deed("end_contract");
/// A contract whose balance had ended is active again, as use was given back.
pub const WAKE_CONTRACT: Action = Action::deed("wake_contract");
/// The machine's clock was set.
pub const CLOCK_SET: Action = Action::deed("clock_set");
/// A node changed in Slurm, and here with it.
pub const MIRROR_NODE: Action = Action::deed("mirror_node");
/// A job that came to Slurm past the center was taken in.
pub const BILL_DIRECT_JOB: Action = Action::deed("bill_direct_job");
/// Accounts in Slurm were brought in step.
pub const KEEP_SLURM_ACCOUNTS: Action = Action::deed("keep_slurm_accounts");
/// A member made a token of their own.
pub const NEW_TOKEN: Action = Action::deed("new_token");
/// A member ended a token of their own.
pub const REVOKE_TOKEN: Action = Action::deed("revoke_token");
