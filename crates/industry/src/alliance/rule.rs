//! Who may do what with alliances.

use base::{auth::Action, detail::Detail};

/// Who is in an alliance is public within the center.
pub const READ: Action = Action::new("read_alliance", "read_public");
pub const MANAGE: Action = Action::new("manage_alliance", "run_center").keeps(&[
    Detail::text("slug"),
    Detail::text("name_zh"),
    Detail::text("name_en"),
    Detail::count("lending_limit"),
]);
