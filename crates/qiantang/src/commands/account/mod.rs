//! Accounts: signing in and out, passwords, tokens, and the sign-ins that are kept here.

mod by_browser;
pub mod login;
mod person;
mod profiles;
mod sessions;
mod tokens;

pub use login::{Login, Logout};
pub use person::{Passwd, Whoami};
pub use profiles::Profiles;
pub use sessions::Sessions;
pub use tokens::Tokens;
