//! Who may do what with tenants.

use base::auth::Action;

pub const READ: Action = Action::new("read_tenant", "read_account");
pub const MANAGE: Action = Action::new("manage_tenant", "run_center");
