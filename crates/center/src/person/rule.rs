//! Who may do what with persons, and how their addresses look.

use base::{auth::Action, detail::Detail, error::AppError};
use domain::problem::{Wrong, field};

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

/// The most characters of an e-mail address.
pub const MOST_EMAIL_CHARS: usize = 128;

/// Reads an e-mail address; nothing is none. Whether mail gets there only mail can tell.
pub fn read_email(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    let is_address = |text: &str| {
        let (local, host) = text.rsplit_once('@')?;
        let is_fine = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\",;:@".contains(c))
        };
        (is_fine(local)
            && is_fine(host)
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.'))
        .then_some(())
    };
    let fits = text.chars().count() <= MOST_EMAIL_CHARS;
    if text.is_empty() || (fits && is_address(text).is_some()) {
        return Ok(text.to_owned());
    }
    Err(AppError::invalid(field::EMAIL, Wrong::NotAnEmail { given: text.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for ok in ["", " lin@univ.edu.cn ", "a+b@x.io", "张三@例子.中国"] {
            assert_eq!(read_email(ok).expect(ok), ok.trim());
        }
        let long = format!("{}@x.io", "a".repeat(MOST_EMAIL_CHARS));
        for bad in [
            "lin", "@x.io", "lin@", "lin@host", "a b@x.io", "a@b@x.io", "a@.io", "a@io.", "a\n@x.io",
            "<a@x.io>", &long,
        ] {
            assert!(read_email(bad).is_err(), "{bad}");
        }
    }
}
