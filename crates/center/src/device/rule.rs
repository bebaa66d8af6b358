//! The codes of programs that wait, how long they wait, and how they are called.

use base::{auth::Action, detail::Detail};

/// Somebody let a program in as them, or refused to.
pub const ANSWER: Action = Action::deed("answer_device").keeps(&[
    Detail::text("machine"),
    Detail::text("from_address"),
    Detail::yes_no("is_allowed"),
]);

/// The programs that may ask, by the name that they send. There is one: the command line.
pub const CLIENTS: [&str; 1] = ["qiantang"];
/// For how long a program waits, in seconds.
pub const AGE_S: i64 = 600;
/// The seconds that a program leaves between two questions, and those that are added each time it asks too early.
pub const INTERVAL_S: i64 = 5;
/// So many programs wait at once, over the whole center.
pub const MOST_WAITING: usize = 2000;
/// The most characters that are kept of what a program says of its machine.
const MOST_MACHINE_CHARS: usize = 32;

/// Consonants, so that no words come about, without those that look like others.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODE_CHARS: usize = 8;

/// The code that a person types, of random bytes; none in the rare case that they don't give enough letters.
pub fn user_code(random: [u8; 32]) -> Option<String> {
    // Bytes above would make some letters likelier than others.
    let even = random.into_iter().filter(|byte| *byte < 240).take(CODE_CHARS);
    let letters: String = even.map(|byte| char::from(LETTERS[usize::from(byte % 20)])).collect();
    (letters.len() == CODE_CHARS).then_some(letters)
}

/// A code as it is shown: in two halves.
pub fn shown(code: &str) -> String {
    let (first, second) = code.split_at(code.len().min(CODE_CHARS / 2));
    format!("{first}-{second}")
}

/// The code that was typed, with whatever stands between its letters.
pub fn read(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).take(9).collect();
    let is_code = letters.len() == CODE_CHARS && letters.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(letters)
}

/// What is kept of what a program says of its machine: it may say anything.
pub fn machine(said: &str) -> String {
    said.trim().chars().filter(|c| !c.is_control()).take(MOST_MACHINE_CHARS).collect()
}

/// The name of the token that a program gets.
pub fn token_name(machine: &str) -> String {
    if machine.is_empty() {
        "qiantang (device)".to_owned()
    } else {
        format!("qiantang on {machine} (device)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = user_code(std::array::from_fn(|n| u8::try_from(n * 31 % 256).unwrap_or_default()));
        let code = code.expect("enough letters");
        assert_eq!(read(&shown(&code)), Some(code.clone()));
        assert_eq!(read(&format!(" {} ", shown(&code).to_lowercase().replace('-', " "))), Some(code.clone()));
        for bad in
            ["", "BCDF", &code[1..], &format!("{code}B"), "AAAA-AAAA", "1234-5678", "ＢＣＤＦ-ＧＨＪＫ"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(user_code([255; 32]), None);
    }

    #[test]
    fn what_a_program_says_of_its_machine_is_one_short_line() {
        assert_eq!(machine(" lin's\nlaptop "), "lin'slaptop");
        let long = machine(&"机".repeat(100));
        assert_eq!(long.chars().count(), 32);
        assert!(token_name(&long).chars().count() <= 64);
    }
}
