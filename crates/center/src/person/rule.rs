//! Who may do what with persons, and how their addresses look.

use base::{auth::Action, detail::Detail, error::AppError};
use domain::{
    problem::{Wrong, field},
    text::email,
};

/// Everybody who can sign in, with their memberships: a matter of the center alone.
pub const READ: Action = Action::new("read_person", "read");
/// A person's name, address and password, and whether they may sign in anywhere.
pub const MANAGE: Action = Action::new("manage_person", "run_center").keeps(DETAILS);
/// A person changed what is their own.
pub const CHANGE_OWN: Action = Action::deed("change_own_person").keeps(DETAILS);

const DETAILS: &[Detail] = &[
    Detail::text("login"),
    Detail::yes_no("is_enabled"),
    Detail::yes_no("new_password"),
    Detail::yes_no("new_name"),
    Detail::yes_no("new_email"),
];

/// Reads an e-mail address; nothing is none. Whether mail gets there only mail can tell.
pub fn read_email(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || email::is_address(text) {
        return Ok(text.to_owned());
    }
    Err(AppError::invalid(field::EMAIL, Wrong::NotAnEmail { given: text.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_without_the_blanks_around_it_and_may_be_left_out() {
        for (given, read) in [("", ""), (" ", ""), (" lin@univ.edu.cn ", "lin@univ.edu.cn")] {
            assert_eq!(read_email(given).expect(given), read);
        }
        assert!(read_email("lin").is_err());
    }
}
