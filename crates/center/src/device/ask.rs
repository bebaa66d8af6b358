//! What programs and people ask when a program signs in by a browser.

use base::{
    auth::{Caller, May, credentials, identity, limits::CodeBy},
    change::Changed,
    error::AppError,
    moment, params,
    refusal::Refused,
};
use domain::{
    MemberId,
    problem::{SignInFault, field},
};
use serde_json::json;
use store::{Tx, tenants};

use super::{
    rule,
    waiting::{Answer, Heard, Program},
};
use crate::{
    app::sign_in::{self, NewToken},
    center::Center,
};

/// The codes of a program that waits: its own, which nobody else has, and the one that a person types.
#[derive(Clone, Debug)]
pub struct Codes {
    pub device: String,
    pub user: String,
}

/// A program begins to wait.
pub fn begin(center: &Center, client: &str, machine: &str, from: &str) -> Result<Codes, AppError> {
    center.limits.device(from)?;
    let program = Program {
        client: client.to_owned(),
        machine: rule::machine(machine),
        from: from.to_owned(),
        asked_at: moment::now(),
    };
    let device = credentials::new_secret("");
    let user = std::iter::repeat_with(|| rule::user_code(moment::random())).flatten().next();
    let user = user.ok_or_else(|| AppError::internal("no code could be made"))?;
    if center.entry.devices.add(&device, &user, program) {
        Ok(Codes { device, user })
    } else {
        Err(Refused::TooManyDevices.into())
    }
}

fn no_such() -> AppError {
    AppError::invalid(field::USER_CODE, SignInFault::NotAUserCode)
}

/// The program that waits with a code. Whoever guesses is slowed down.
pub fn look(center: &Center, caller: &Caller, typed: &str) -> Result<(String, Program), AppError> {
    center.limits.code(caller.member.person, CodeBy::Device)?;
    let code = rule::read(typed).ok_or_else(no_such)?;
    let program = center.entry.devices.look(&code, moment::now()).ok_or_else(no_such)?;
    Ok((code, program))
}

/// Lets a program in as one of the caller's members, or refuses to where that is none.
pub async fn answer(
    center: &Center,
    caller: &Caller,
    typed: &str,
    member: Option<&str>,
) -> Result<(), AppError> {
    let (code, program) = look(center, caller, typed)?;
    let member: Option<MemberId> = member.map(|id| params::id(id, "member")).transpose()?;
    let person = caller.member.person;
    let detail =
        json!({ "machine": program.machine, "from_address": program.from, "is_allowed": member.is_some() });
    let write = move |tx: &Tx| {
        if let Some(id) = member {
            let own = tenants::memberships_of(tx, person)?;
            let is_own = own.iter().any(|member| member.id == id && member.is_enabled);
            is_own.then_some(()).ok_or_else(|| AppError::not_found("member", id))?;
        }
        Ok(Changed::new(member.map_or_else(|| person.to_string(), |id| id.to_string()), detail, ()))
    };
    let given = member.map_or(Answer::Denied, Answer::Allowed);
    let told = move |center: &Center, (): &()| {
        center.entry.devices.answer(&code, moment::now(), given);
    };
    center.change(May::of_own_account(caller, rule::ANSWER), write, told).await
}

/// Why a program gets no token, or none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Not {
    Known,
    InTime,
    Answered,
    SoFast,
    Allowed,
}

/// The token of a program that was let in.
pub async fn collect(center: &Center, device_code: &str) -> Result<Result<NewToken, Not>, AppError> {
    let (member, program) = match center.entry.devices.hear(device_code, moment::now()) {
        Heard::Unknown => return Ok(Err(Not::Known)),
        Heard::Expired => return Ok(Err(Not::InTime)),
        Heard::Pending => return Ok(Err(Not::Answered)),
        Heard::SlowDown => return Ok(Err(Not::SoFast)),
        Heard::Denied => return Ok(Err(Not::Allowed)),
        Heard::Allowed(member, program) => (member, program),
    };
    let asked_of = center.common.second_factor;
    let read = move |tx: &Tx| {
        let member = tenants::get_member(tx, member)?;
        let is_let_in = member.is_enabled && !identity::must_enrol(tx, asked_of, member.person)?;
        Ok(is_let_in.then_some(member))
    };
    // Since the answer they may have been kept out.
    let Some(member) = center.read(read).await? else { return Ok(Err(Not::Allowed)) };
    let caller = Caller { member, from: program.from, once: None };
    sign_in::new_token(center, &caller, &rule::token_name(&program.machine)).await.map(Ok)
}
