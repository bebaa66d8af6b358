//! Passwords: who has one, what a new one may be, and what has to be shown before one's own is changed.

use base::{
    auth::{Caller, limits::Source, password},
    error::AppError,
    moment,
    refusal::Refused,
};
use domain::{
    Lang, Member, PersonId,
    problem::{Field, SignInFault, field},
    tenant::Person,
};
use store::{failed_sign_ins, tenants};

use crate::{center::Center, oidc::rows as identities};

/// Below so many guesses, as a power of ten, a password is found by trying the commonest.
const FEWEST_GUESSES_LOG10: f64 = 6.0;

/// What is wrong with a new password of a person with these names: login, name, e-mail address.
pub fn fault(password: &str, least: usize, names: &[String]) -> Option<SignInFault> {
    let (chars, most) = (password.chars().count(), password::MAX_CHARS);
    if !(least..=most).contains(&chars) {
        return Some(SignInFault::PasswordLength { chars, least, most });
    }
    let plain = password.trim().to_lowercase();
    if names.iter().any(|name| !name.is_empty() && name.to_lowercase() == plain) {
        return Some(SignInFault::PasswordIsName);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let guessed = zxcvbn::zxcvbn(password, &names);
    (guessed.guesses_log10() < FEWEST_GUESSES_LOG10).then_some(SignInFault::PasswordIsEasy)
}

/// The names of a person that no password of theirs may be.
pub fn names_of(person: &Person) -> Vec<String> {
    vec![person.login.clone(), person.name.clone(), person.email.clone()]
}

/// The hash of a new password of somebody with these names, if it can be one.
pub async fn new_hash(center: &Center, password: String, names: Vec<String>) -> Result<String, AppError> {
    let least = center.settings.sign_in.password_chars;
    let work = move || match fault(&password, least, &names) {
        Some(fault) => Err(AppError::invalid(field::PASSWORD, fault)),
        None => password::hash(&password).map_err(AppError::internal),
    };
    tokio::task::spawn_blocking(work).await?
}

/// Who has this login and password, and what they may be now; slowed down for those who guess.
pub async fn owner(
    center: &Center,
    source: &Source,
    login: &str,
    secret: &str,
) -> Result<(Person, Vec<Member>), AppError> {
    let login: String = login.trim().chars().take(128).collect();
    center.limits.sign_in(source, &login)?;
    let asked = login.clone();
    let read = move |tx: &store::Tx| {
        let Some((person, hash)) = tenants::find_login(tx, &asked)? else { return Ok(None) };
        let mut members = tenants::memberships_of(tx, person.id)?;
        members.retain(|member| member.is_enabled);
        let issuers = if hash.is_none() { identities::of_person(tx, person.id)? } else { Vec::new() };
        Ok(Some((person, members, hash, issuers)))
    };
    let (found, hash, issuers) = match center.read(read).await? {
        Some((person, members, hash, issuers)) => (Some((person, members)), hash, issuers),
        None => (None, None, Vec::new()),
    };
    // No password is longer; hashing megabytes would be a way to keep the center busy.
    let secret: String = secret.chars().take(1024).collect();
    let is_right = tokio::task::spawn_blocking(move || password::verify(&secret, hash.as_deref())).await?;
    match found {
        Some((person, members)) if is_right && person.is_enabled => Ok((person, members)),
        Some((person, _)) if person.is_enabled && !issuers.is_empty() => {
            let address = &issuers[0].issuer;
            let [zh, en] = [Lang::Zh, Lang::En].map(|lang| center.issuers.label(address, lang));
            Err(Refused::NoPassword { zh, en }.into())
        }
        found => {
            tracing::warn!(%login, from = source.address, "a sign-in failed");
            if let Some((person, _)) = found {
                note_failure(center, person.id, &source.address);
            }
            Err(AppError::WrongPassword)
        }
    }
}

/// Notes for a person that somebody failed to sign in as them, while the request goes on: how long that takes tells nobody
/// which logins there are.
pub fn note_failure(center: &Center, person: PersonId, from: &str) {
    let (center, from) = (center.clone(), from.to_owned());
    tokio::spawn(async move {
        let note = move |tx: &store::Tx| Ok(failed_sign_ins::note(tx, person, moment::now(), &from)?);
        if let Err(error) = center.write(note, |_, ()| ()).await {
            tracing::debug!(%error, "a failed sign-in was not noted");
        }
    });
}

/// Refuses whoever is signed in and does not have the password of their account. Those without one have nothing to show.
pub async fn check_own(center: &Center, caller: &Caller, secret: &str) -> Result<(), AppError> {
    check(center, caller, field::OLD_PASSWORD, secret).await.map(drop)
}

/// Refuses whoever is signed in and does not have the password of their account, of which this field is; tells whether they
/// have one at all.
pub async fn check(center: &Center, caller: &Caller, of: Field, secret: &str) -> Result<bool, AppError> {
    let login = caller.member.login.clone();
    let asked = login.clone();
    let found = center.read(move |tx| tenants::find_login(tx, &asked)).await?;
    if found.is_none_or(|(_, hash)| hash.is_none()) {
        return Ok(false);
    }
    // Whoever is signed in has tries that nobody else can spend.
    let source = Source::new(&caller.from).by(Some(format!("signed in as {}", caller.member.person)));
    match owner(center, &source, &login, secret).await {
        Ok(_) => Ok(true),
        Err(AppError::WrongPassword) => Err(AppError::invalid(of, SignInFault::NotThePassword)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["lin.zhou.2024".into(), "林舟 of the lake".into(), "lin@univ.example".into()]
    }

    #[test]
    fn a_password_is_long_and_none_of_the_person_s_names_and_not_common() {
        let of = |password: &str| fault(password, 10, &names());
        assert_eq!(of("short"), Some(SignInFault::PasswordLength { chars: 5, least: 10, most: 256 }));
        assert!(matches!(of(&"钱".repeat(257)), Some(SignInFault::PasswordLength { .. })));
        for name in ["lin.zhou.2024", "LIN.Zhou.2024", "林舟 of the lake", " lin@univ.example "] {
            assert_eq!(of(name), Some(SignInFault::PasswordIsName), "{name}");
        }
        for easy in
            ["password123", "1234567890", "qwertyuiop", "aaaaaaaaaaaa", "Password12", "lin.zhou.20241"]
        {
            assert_eq!(of(easy), Some(SignInFault::PasswordIsEasy), "{easy}");
        }
        for good in ["another-long-password", "潮起海天阔扬帆正当时", "tide at the eighteenth"] {
            assert_eq!(of(good), None, "{good}");
        }
        assert!(matches!(fault("another-long-password", 30, &[]), Some(SignInFault::PasswordLength { .. })));
        assert_eq!(fault("another-long-password", 10, &[String::new()]), None, "an address that nobody gave");
    }
}
