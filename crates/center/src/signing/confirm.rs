//! That it is the person themself who signs: the one place that says by what this is shown.

use base::{auth::Caller, error::AppError, refusal::Refused};
use domain::{PersonId, problem::field};
use store::{credentials::Way, texts::Factor};

use crate::{center::Center, person::password, second_factor};

/// That somebody who is signed in has just shown once more who they are. Nothing else makes it.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed {
    person: PersonId,
    factor: Factor,
}

impl Confirmed {
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// By what it was shown.
    pub fn factor(&self) -> Factor {
        self.factor
    }
}

/// Whether somebody confirms by a code: whoever has a second factor. All others do by their password.
pub async fn is_by_code(center: &Center, caller: &Caller) -> Result<bool, AppError> {
    second_factor::ask::is_bound(center, caller.member.person).await
}

/// Has somebody who is signed in confirm what they are about to do. Whoever has neither a second factor nor a password has
/// nothing to show, and confirms nothing.
pub async fn confirm(
    center: &Center,
    caller: &Caller,
    code: Option<&str>,
    password: Option<&str>,
) -> Result<Confirmed, AppError> {
    let person = caller.member.person;
    if is_by_code(center, caller).await? {
        let code = code.filter(|code| !code.trim().is_empty());
        let code = code.ok_or_else(|| AppError::from(Refused::CodeNeeded))?;
        let factor = match second_factor::ask::confirm(center, caller, code).await?.way() {
            Way::PasswordAndRecovery | Way::IssuerAndRecovery => Factor::Recovery,
            Way::Password
            | Way::PasswordAndCode
            | Way::Issuer
            | Way::IssuerWithFactor
            | Way::IssuerAndCode => Factor::Code,
        };
        return Ok(Confirmed { person, factor });
    }
    if password::check(center, caller, field::PASSWORD, password.unwrap_or_default()).await? {
        Ok(Confirmed { person, factor: Factor::Password })
    } else {
        Err(Refused::NoSecondFactor.into())
    }
}
