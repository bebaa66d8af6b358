//! Who may do what with secrets, and which of several of the same name a job gets.

use base::{auth::Action, detail::Detail};
use domain::{MemberId, ProjectId, TenantId};
pub use store::secrets::SecretScope;

/// The names, never the values.
pub const READ: Action = Action::new("read_secret", "work");
/// One's own, for the jobs that one submits.
pub const KEEP_OWN: Action = Action::new("keep_own_secret", "work").keeps(DETAILS);
/// Those of a tenant and of its projects.
pub const KEEP: Action = Action::new("keep_secret", "administer").keeps(DETAILS);
/// Another key for all secrets of the center.
pub const ROTATE: Action = Action::new("rotate_secret_key", "run_center").keeps(&[Detail::count("secrets")]);

const DETAILS: &[Detail] = &[
    Detail::text("name"),
    Detail::word::<SecretScope>("scope", "secret-scope"),
    Detail::text("project"),
    Detail::yes_no("is_removed"),
];

/// The most secrets of one tenant, with those of its projects and people.
pub const MOST_OF_TENANT: u64 = 1000;

/// The owners whose secrets a job may have, the one that wins first.
pub fn owners(tenant: TenantId, project: ProjectId, person: MemberId) -> [[u8; 16]; 3] {
    [*person.as_bytes(), *project.as_bytes(), *tenant.as_bytes()]
}
