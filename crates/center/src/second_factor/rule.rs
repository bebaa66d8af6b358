//! Which codes are right, how recovery codes look, and who may remove whose second factor.

use base::{auth::Action, detail::Detail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{PersonId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// A person set up a second factor of their own.
pub const ENROL: Action = Action::deed("enrol_second_factor").keeps(LOGIN);
/// A person had new recovery codes made.
pub const RENEW: Action = Action::deed("renew_recovery_codes").keeps(LOGIN);
/// A person removed their own second factor, by their password and a code.
pub const REMOVE: Action = Action::deed("remove_second_factor").keeps(LOGIN);
/// An operator removes that of somebody else, who lost it. One's own can't be removed this way.
pub const RESET: Action = Action::new("drop_second_factor", "run_center")
    .keeps(&[Detail::text("login"), Detail::yes_no("on_the_machine")]);

const LOGIN: &[Detail] = &[Detail::text("login")];

/// The name under which the secret is sealed. No secret of a tenant has a space in its name.
pub const NAME: &str = "second factor";

pub const SECRET_BYTES: usize = 20;
/// How long a code is shown by devices, in seconds.
pub const STEP_S: u64 = 30;
/// A clock may be wrong by so many steps.
const SKEW: u16 = 1;
const DIGITS: u8 = 6;

pub const RECOVERY_CODES: usize = 10;
/// Crockford's, in which nothing looks like something else.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RECOVERY_CHARS: usize = 16;
/// Wrong codes after which a sign-in begins anew with the password.
pub const MOST_WRONG: u32 = 5;

/// The device's codes of a secret.
pub fn codes_of(secret: [u8; SECRET_BYTES]) -> Totp {
    let made = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(Secret::from(secret))
        .build();
    made.expect("160 bits and 6 digits are as RFC 4226 has them")
}

/// The secret as it is sealed.
pub fn to_text(secret: [u8; SECRET_BYTES]) -> String {
    STANDARD.encode(secret)
}

pub fn from_text(text: &str) -> Option<[u8; SECRET_BYTES]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The step of a code that is right at `now` and comes after the step of the last one.
pub fn step_of(codes: &Totp, code: &str, now: Timestamp, last_step: i64) -> Option<i64> {
    let secs = u64::try_from(now.as_micros() / 1_000_000).ok()?;
    let step = codes.check(code, secs).and_then(|step| i64::try_from(step).ok())?;
    (step > last_step).then_some(step)
}

/// Somebody's code as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Given {
    Device(String),
    Recovery(String),
    Neither,
}

/// Reads a code: with spaces and hyphens wherever people put them, and letters as people read them.
pub fn read(typed: &str) -> Given {
    let meant = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let plain = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(meant);
    let plain: String = plain.take(RECOVERY_CHARS + 1).collect();
    let is_of = |letters: &[u8]| plain.bytes().all(|byte| letters.contains(&byte));
    match plain.len() {
        len if len == usize::from(DIGITS) && is_of(b"0123456789") => Given::Device(plain),
        RECOVERY_CHARS if is_of(LETTERS) => Given::Recovery(plain),
        _ => Given::Neither,
    }
}

/// A recovery code of 80 random bits, in groups of four.
pub fn recovery_code(random: [u8; RECOVERY_CHARS]) -> String {
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let groups = letters.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// The hash that is kept of a person's recovery code. They are random and long, so a plain SHA-256 is enough.
pub fn hash_of(person: PersonId, plain: &str) -> [u8; 32] {
    Sha256::new().chain_update(person.as_bytes()).chain_update(plain).finalize().into()
}

/// The address by which a device takes the secret, as all of them know it.
pub fn address(codes: &Totp, center: &str, login: &str) -> String {
    let escaped = |text: &str| utf8_percent_encode(&text.replace(':', " "), NON_ALPHANUMERIC).to_string();
    let (center, login, secret) = (escaped(center), escaped(login), codes.secret().to_base32());
    format!("otpauth://totp/{center}:{login}?secret={secret}&issuer={center}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and times of RFC 6238, appendix B, for SHA-1.
    const SECRET: [u8; 20] = *b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        let codes = codes_of(SECRET);
        for (secs, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (20_000_000_000, "353130")]
        {
            let now = Timestamp::from_secs(secs);
            assert_eq!(step_of(&codes, code, now, 0), Some(secs / 30), "{secs}");
        }
        assert_eq!(from_text(&to_text(SECRET)), Some(SECRET));
        assert_eq!(from_text("AAAA"), None);
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_and_never_twice() {
        let codes = codes_of(SECRET);
        let at = 1_111_111_111_i64;
        let step = at / 30;
        let code = "050471";
        for (off, want) in [(-2, None), (-1, Some(step)), (0, Some(step)), (1, Some(step)), (2, None)] {
            assert_eq!(step_of(&codes, code, Timestamp::from_secs(at + off * 30), 0), want, "{off}");
        }
        let now = Timestamp::from_secs(at);
        assert_eq!(step_of(&codes, code, now, step), None, "the same again");
        assert_eq!(step_of(&codes, code, now, step + 1), None, "one of before");
        assert_eq!(step_of(&codes, code, now, step - 1), Some(step));
        for wrong in ["050472", "", "+50471", "50471", "0504711"] {
            assert_eq!(step_of(&codes, wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let recovery = recovery_code(std::array::from_fn(|n| u8::try_from(n * 17 % 256).unwrap_or_default()));
        assert_eq!(recovery.len(), 19);
        assert_eq!(read(" 287 082 "), Given::Device("287082".into()));
        assert_eq!(read(&recovery), Given::Recovery(recovery.replace('-', "")));
        for same in [
            recovery.replace('-', " "),
            recovery.to_uppercase(),
            recovery.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(read(&same), read(&recovery), "{same}");
        }
        for bad in ["", "28708", "2870821", "28708a", &recovery[1..], "uuuuuuuuuuuuuuuu", "００００００"]
        {
            assert_eq!(read(bad), Given::Neither, "{bad}");
        }
    }

    #[test]
    fn a_recovery_code_is_one_person_s() {
        let of = |n: u8| hash_of(PersonId::from_bytes([n; 16]), "x");
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn an_address_names_center_and_login_whatever_they_are() {
        let told = address(&codes_of(SECRET), "钱塘: 中心", "li+1@x");
        assert!(
            told.starts_with("otpauth://totp/%E9%92%B1%E5%A1%98%20%20%E4%B8%AD%E5%BF%83:li%2B1%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="),
            "{told}"
        );
        assert_eq!(told.matches(':').count(), 2);
    }
}
