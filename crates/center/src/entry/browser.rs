//! Browsers that a person has signed in with before. A cookie proves it, and gives the person tries to sign in there that
//! nobody else can spend. It opens nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

/// The cookie of the people who have signed in with a browser.
pub const COOKIE: &str = base::page::frame::BROWSER_COOKIE;
/// How long a browser is known, in seconds.
pub const AGE_S: i64 = 400 * 24 * 3600;
/// So many people are known in one browser; the one of longest ago goes first.
const MOST: usize = 4;
const JOINT: char = '~';

pub type Key = [u8; 32];

/// The mark of a browser for a login: not to be made without the key, and not to be told from another without the login.
fn mark(key: &Key, name: &str, login: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut signed = hmac::Context::with_key(&key);
    for part in ["browser", name, login] {
        signed.update(&(part.len() as u64).to_le_bytes());
        signed.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&signed.sign().as_ref()[..18])
}

/// The name of the browser for this login, where the cookie proves that its person has signed in with it.
pub fn known_as(key: &Key, cookie: &str, login: &str) -> Option<String> {
    let mut pairs = cookie.split(JOINT).take(MOST).filter_map(|pair| pair.split_once('.'));
    let is_right = |name: &str, shown: &str| {
        subtle::ConstantTimeEq::ct_eq(mark(key, name, login).as_bytes(), shown.as_bytes()).into()
    };
    pairs.find(|(name, shown)| is_right(name, shown)).map(|(name, _)| name.to_owned())
}

/// The cookie with which the browser is known for this login as well, where it is not yet.
pub fn remembered(key: &Key, cookie: &str, login: &str, random: [u8; 12]) -> Option<String> {
    if known_as(key, cookie, login).is_some() {
        return None;
    }
    let name = URL_SAFE_NO_PAD.encode(random);
    let new = format!("{name}.{}", mark(key, &name, login));
    let is_pair = |pair: &&str| pair.len() < 64 && pair.split_once('.').is_some();
    let others = cookie.split(JOINT).filter(is_pair).take(MOST - 1);
    Some(std::iter::once(&*new).chain(others).collect::<Vec<_>>().join(&JOINT.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_for_those_who_signed_in_with_it_and_for_nobody_else() {
        let key = [7; 32];
        let cookie = remembered(&key, "", "lin", [1; 12]).expect("it is new");
        let name = known_as(&key, &cookie, "lin").expect("it is known");
        assert_eq!(known_as(&key, &cookie, "ann"), None);
        assert_eq!(known_as(&[8; 32], &cookie, "lin"), None, "another center's");
        assert_eq!(remembered(&key, &cookie, "lin", [2; 12]), None, "once is enough");
        let both = remembered(&key, &cookie, "ann", [2; 12]).expect("ann is new");
        assert_eq!(known_as(&key, &both, "lin"), Some(name.clone()));
        assert!(known_as(&key, &both, "ann").is_some_and(|other| other != name));
        // Made up, cut off, or with another's mark.
        for bad in
            ["", "~", "a.b", &cookie[..cookie.len() - 1], &format!("x{cookie}"), &cookie.replace('.', "")]
        {
            assert_eq!(known_as(&key, bad, "lin"), None, "{bad}");
        }
    }

    #[test]
    fn a_cookie_stays_short_whoever_signs_in() {
        let key = [7; 32];
        let mut cookie = "x".repeat(5000);
        for n in 0..20_u8 {
            cookie = remembered(&key, &cookie, &format!("login-{n}"), [n; 12]).expect("it is new");
        }
        assert!(cookie.len() < 300, "{cookie}");
        assert!(
            known_as(&key, &cookie, "login-19").is_some() && known_as(&key, &cookie, "login-0").is_none()
        );
    }
}
