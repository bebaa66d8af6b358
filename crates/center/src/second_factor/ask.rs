//! What can be asked of second factors.

use base::{
    auth::{
        Caller, May,
        limits::{CodeBy, Source},
    },
    change::Changed,
    error::AppError,
    moment, params,
    refusal::Refused,
};
use domain::{
    PersonId, Rfc3339, Timestamp,
    problem::{SignInFault, field},
};
use serde::Serialize;
use serde_json::json;
use store::{
    StoreError, Tx,
    credentials::{self, Way},
    second_factors::{self as rows, SecondFactorRow},
    tenants,
};

use super::rule::{self, Given};
use crate::{
    center::Center,
    notices::vault,
    person::password::{check_own, note_failure},
};

/// A second factor, as its person sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SecondFactorView {
    /// When its first code was shown; `null` where there is none.
    pub since: Option<Rfc3339>,
    pub recovery_codes_left: u64,
    /// The settings of the center ask the person for one.
    pub is_asked: bool,
}

/// That somebody who is signed in has just shown a code of their second factor. Nothing else makes it.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed {
    person: PersonId,
    at: Timestamp,
}

impl Confirmed {
    pub fn person(&self) -> PersonId {
        self.person
    }

    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// Whether somebody has one, and what is left of it.
pub async fn show(center: &Center, caller: &Caller) -> Result<SecondFactorView, AppError> {
    let (person, asked_of) = (caller.member.person, center.common.second_factor);
    let read = move |tx: &Tx| {
        let found = rows::find(tx, person)?.and_then(|row| row.confirmed_at);
        Ok(SecondFactorView {
            since: found.map(Rfc3339),
            recovery_codes_left: rows::recovery_codes_left(tx, person)?,
            is_asked: asked_of.is_asked_of(&tenants::memberships_of(tx, person)?),
        })
    };
    center.read(read).await
}

/// A secret for a device, until a code confirms it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// In base 32, for devices that can't look at pictures.
    pub secret: String,
    /// The address that the picture has.
    pub address: String,
}

/// Offers a secret to somebody who has no second factor and knows their password.
pub async fn begin(center: &Center, caller: &Caller, password: &str) -> Result<(), AppError> {
    check_own(center, caller, password).await?;
    let (person, now, secret, nonce) =
        (caller.member.person, moment::now(), moment::random(), moment::random());
    let for_write = center.clone();
    let write = move |tx: &Tx| {
        if rows::is_bound(tx, person)? {
            return Err(Refused::HasSecondFactor.into());
        }
        let is_new = vault::is_new(tx)?;
        let key = for_write.compute.keyring.in_use(&for_write.settings, is_new)?;
        let sealed = key.seal(person.as_bytes(), rule::NAME, &rule::to_text(secret), nonce);
        let row = SecondFactorRow {
            person,
            sealed,
            key: key.name(),
            offered_at: now,
            confirmed_at: None,
            last_step: 0,
        };
        Ok(rows::put(tx, &row)?)
    };
    center.write(write, |_, ()| ()).await
}

/// The secret that waits for its first code. One that was confirmed is never shown again.
pub async fn offered(center: &Center, caller: &Caller, name: &str) -> Result<Option<Offer>, AppError> {
    let person = caller.member.person;
    let found = center.read(move |tx| rows::find(tx, person)).await?;
    let Some(row) = found.filter(|row| row.confirmed_at.is_none()) else { return Ok(None) };
    let codes = opened(center, &row)?;
    let address = rule::address(&codes, name, &caller.member.login);
    Ok(Some(Offer { secret: codes.secret().to_base32(), address }))
}

fn opened(center: &Center, row: &SecondFactorRow) -> Result<totp_rs::Totp, AppError> {
    let place = (row.person.as_bytes(), rule::NAME);
    let text = center.compute.keyring.open_at(&center.settings, &row.key, place, &row.sealed)?;
    let secret = rule::from_text(&text);
    secret.map(rule::codes_of).ok_or_else(|| AppError::internal("a second factor is no secret of 160 bits"))
}

fn wrong() -> AppError {
    AppError::invalid(field::CODE, SignInFault::NotTheCode)
}

/// Takes a code of a person's second factor, which is then good no more.
fn take(tx: &Tx, center: &Center, person: PersonId, code: &str, now: Timestamp) -> Result<Way, AppError> {
    let found = rows::find(tx, person)?.filter(|row| row.confirmed_at.is_some());
    let row = found.ok_or_else(|| AppError::from(Refused::NoSecondFactor))?;
    match rule::read(code) {
        Given::Device(code) => {
            let codes = opened(center, &row)?;
            let last_step = rule::step_of(&codes, &code, now, row.last_step).ok_or_else(wrong)?;
            rows::put(tx, &SecondFactorRow { last_step, ..row })?;
            Ok(Way::PasswordAndCode)
        }
        Given::Recovery(code) => {
            let hash = rule::hash_of(person, &code);
            let is_good = rows::use_recovery_code(tx, person, &hash, now)?;
            is_good.then_some(Way::PasswordAndRecovery).ok_or_else(wrong)
        }
        Given::Neither => Err(wrong()),
    }
}

/// Whether a person has a second factor.
pub async fn is_bound(center: &Center, person: PersonId) -> Result<bool, AppError> {
    center.read(move |tx| rows::is_bound(tx, person)).await
}

/// Takes a code of somebody whose password was right.
pub async fn pass_code(
    center: &Center,
    source: &Source,
    person: PersonId,
    code: &str,
) -> Result<Way, AppError> {
    let by = if source.browser.is_some() { CodeBy::KnownBrowser } else { CodeBy::Stranger };
    center.limits.code(person, by)?;
    let (code, now, of_center) = (code.to_owned(), moment::now(), center.clone());
    let taken = center.write(move |tx| take(tx, &of_center, person, &code, now), |_, _| ()).await;
    if let Err(AppError::Invalid(_)) = &taken {
        note_failure(center, person, &source.address);
    }
    taken
}

/// Lets somebody whose password was right on, by the code where they have a second factor. Whoever must have one and has
/// none is refused: they set it up with a browser.
pub async fn pass(
    center: &Center,
    source: &Source,
    person: PersonId,
    code: Option<&str>,
) -> Result<Way, AppError> {
    let asked_of = center.common.second_factor;
    let read = move |tx: &Tx| {
        Ok((rows::is_bound(tx, person)?, base::auth::identity::must_enrol(tx, asked_of, person)?))
    };
    match (center.read(read).await?, code.filter(|code| !code.trim().is_empty())) {
        ((true, _), Some(code)) => pass_code(center, source, person, code).await,
        ((true, _), None) => Err(Refused::CodeNeeded.into()),
        ((false, true), _) => Err(Refused::SecondFactorNeeded.into()),
        ((false, false), _) => Ok(Way::Password),
    }
}

/// Has somebody who is signed in confirm what they are about to do, by a code of their second factor.
pub async fn confirm(center: &Center, caller: &Caller, code: &str) -> Result<Confirmed, AppError> {
    let person = caller.member.person;
    center.limits.code(person, CodeBy::SignedIn)?;
    let (code, at, of_center) = (code.to_owned(), moment::now(), center.clone());
    center.write(move |tx| take(tx, &of_center, person, &code, at), |_, _| ()).await?;
    Ok(Confirmed { person, at })
}

fn new_recovery_codes(tx: &Tx, person: PersonId) -> Result<Vec<String>, StoreError> {
    let codes: Vec<String> =
        (0..rule::RECOVERY_CODES).map(|_| rule::recovery_code(moment::random())).collect();
    let hashes: Vec<_> = codes.iter().map(|code| rule::hash_of(person, &code.replace('-', ""))).collect();
    rows::set_recovery_codes(tx, person, &hashes)?;
    Ok(codes)
}

/// Binds the secret that was offered, by a code of it. Gives the recovery codes, which are told this once, and ends the
/// sessions of other browsers, who have shown less. `csrf` is the token of the session that goes on.
pub async fn bind(center: &Center, caller: &Caller, csrf: &str, code: &str) -> Result<Vec<String>, AppError> {
    let (person, login) = (caller.member.person, caller.member.login.clone());
    center.limits.code(person, CodeBy::SignedIn)?;
    let (code, csrf, now, of_center) = (code.to_owned(), csrf.to_owned(), moment::now(), center.clone());
    let write = move |tx: &Tx| {
        let row = rows::find(tx, person)?.ok_or_else(|| AppError::from(Refused::NoSecondFactor))?;
        if row.confirmed_at.is_some() {
            return Err(Refused::HasSecondFactor.into());
        }
        let Given::Device(code) = rule::read(&code) else { return Err(wrong()) };
        let last_step = rule::step_of(&opened(&of_center, &row)?, &code, now, 0).ok_or_else(wrong)?;
        rows::put(tx, &SecondFactorRow { last_step, confirmed_at: Some(now), ..row })?;
        let codes = new_recovery_codes(tx, person)?;
        credentials::end_other_sessions(tx, person, &csrf)?;
        Ok(Changed::new(person, json!({ "login": login }), codes))
    };
    let may = May::of_own_account(caller, rule::ENROL);
    center.change(may, write, move |center, _| center.credentials.forget_person(person)).await
}

/// New recovery codes in place of all of before, for whoever shows a code.
pub async fn renew(center: &Center, caller: &Caller, code: &str) -> Result<Vec<String>, AppError> {
    let (person, login) = (confirm(center, caller, code).await?.person(), caller.member.login.clone());
    let write = move |tx: &Tx| {
        let codes = new_recovery_codes(tx, person)?;
        Ok(Changed::new(person, json!({ "login": login }), codes))
    };
    center.change(May::of_own_account(caller, rule::RENEW), write, |_, _| ()).await
}

/// Removes one's own second factor, by the password and a code.
pub async fn remove(center: &Center, caller: &Caller, password: &str, code: &str) -> Result<(), AppError> {
    check_own(center, caller, password).await?;
    let (person, login) = (confirm(center, caller, code).await?.person(), caller.member.login.clone());
    let write = move |tx: &Tx| {
        rows::delete(tx, person)?;
        Ok(Changed::new(person, json!({ "login": login }), ()))
    };
    let may = May::of_own_account(caller, rule::REMOVE);
    center.change(may, write, move |center, ()| center.credentials.forget_person(person)).await
}

/// Removes the second factor of somebody else, who lost it. All their sessions and tokens end: whoever found the device is
/// out as well.
pub async fn reset(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let may = center.policies.may(caller, rule::RESET, None)?;
    let id: PersonId = params::id(id, "person")?;
    if id == caller.member.person {
        return Err(Refused::OwnAccount.into());
    }
    let now = moment::now();
    let write = move |tx: &Tx| {
        let login = tenants::get_person(tx, id)?.login;
        if !rows::delete(tx, id)? {
            return Err(Refused::NoSecondFactor.into());
        }
        credentials::end_all_of_person(tx, id, now)?;
        Ok(Changed::new(id, json!({ "login": login }), ()))
    };
    center.change(may, write, move |center, ()| center.credentials.forget_person(id)).await
}
