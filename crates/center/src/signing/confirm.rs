//! That it is the person themself who signs: the one place that says by what this is shown.

use base::{auth::Caller, error::AppError};
use domain::{
    PersonId,
    problem::{Wrong, field},
};
use store::texts::Factor;

use crate::{app::sign_in, center::Center};

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

/// Has somebody who is signed in confirm what they are about to do, by their password.
pub async fn confirm(center: &Center, caller: &Caller, password: &str) -> Result<Confirmed, AppError> {
    match sign_in::known(center, &caller.from, &caller.member.login, password).await {
        Ok((person, _)) if person.id == caller.member.person => {
            Ok(Confirmed { person: person.id, factor: Factor::Password })
        }
        Ok(_) | Err(AppError::WrongPassword) => Err(AppError::invalid(field::PASSWORD, Wrong::WrongPassword)),
        Err(other) => Err(other),
    }
}
