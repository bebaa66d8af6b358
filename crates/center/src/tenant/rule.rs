//! Who may do what with tenants.

use base::{auth::Action, detail::Detail};
use domain::TenantDomain;

use crate::actions::SLUG;

pub const READ: Action = Action::new("read_tenant", "read_account");
pub const MANAGE: Action = Action::new("manage_tenant", "run_center")
    .keeps(&[SLUG, Detail::word::<TenantDomain>("domain", "domain")]);
