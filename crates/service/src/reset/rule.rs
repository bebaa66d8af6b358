//! How a link for another password is kept to.

use base::{auth::Action, detail::Detail};
use domain::Millis;

/// A person set another password by a link that was sent to their address.
pub const RESET: Action = Action::deed("reset_password").keeps(&[Detail::text("login")]);

/// How long a link leads somewhere.
pub const AGE: Millis = Millis::from_hours(1);
/// The most links of one person at a time.
pub const MOST_OPEN: u64 = 3;
