//! Signing in and out, and the tokens that programs use.

use domain::{
    Member, MemberId, Millis, PersonId, Rfc3339, SessionId, TokenId,
    problem::{Wrong, field},
};
use serde::Serialize;
use serde_json::json;
use store::{
    credentials::{self as rows, OriginRow, SessionRow, TokenRow, Way},
    failed_sign_ins, tenants,
};

use super::members::MemberView;
use crate::{actions, center::Center, person::password, session::rule::kept};
use base::{
    auth::{
        Caller, May,
        credentials::{self, Session, TOKEN_PREFIX},
        identity::{self, session},
        limits::Source,
    },
    change::Changed,
    error::AppError,
    lookup::Names,
    moment::{self, new_id},
    params,
    refusal::Refused,
};

/// A new token. Its text is told this once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NewToken {
    pub token: String,
    pub id: TokenId,
    pub expires_at: Rfc3339,
    pub member: MemberView,
    /// Tries to sign in as this person that failed, where this is the first they hear of them.
    pub failed_sign_ins: Option<FailedView>,
}

/// Tries to sign in that failed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FailedView {
    pub tries: i64,
    pub since: Rfc3339,
    pub last_at: Rfc3339,
    /// The address of the last.
    pub last_from: String,
}

/// Tells a person of tries that failed, once.
pub async fn tell_failures(center: &Center, person: PersonId) -> Result<Option<FailedView>, AppError> {
    let Some(found) = center.read(move |tx| failed_sign_ins::find(tx, person)).await? else {
        return Ok(None);
    };
    let forget = move |tx: &store::Tx| Ok(failed_sign_ins::forget(tx, person)?);
    center.write(forget, move |center, ()| center.credentials.forget_person(person)).await?;
    Ok(Some(FailedView {
        tries: found.tries,
        since: found.since.into(),
        last_at: found.last_at.into(),
        last_from: found.last_from,
    }))
}

/// The word for the center where a tenant's short name is asked for: no short name begins with it.
pub const OF_CENTER: &str = "-";

/// Checks a login and a password; slowed down for those who guess. Gives what the person may sign in as, which is
/// something: the member chosen last first. A second factor is not looked at: see [`pass`](crate::second_factor::ask::pass).
pub async fn check(
    center: &Center,
    source: &Source,
    login: &str,
    secret: &str,
) -> Result<Vec<Member>, AppError> {
    let (person, members) = password::owner(center, source, login, secret).await?;
    if members.is_empty() {
        let from = &source.address;
        tracing::warn!(login = person.login, %from, "a sign-in failed: every membership is disabled");
        return Err(AppError::WrongPassword);
    }
    Ok(members)
}

/// As what somebody signs in who has shown who they are: the member chosen last.
pub async fn first_member(center: &Center, person: PersonId) -> Result<Member, AppError> {
    let members = center.read(move |tx| tenants::memberships_of(tx, person)).await?;
    members.into_iter().find(|member| member.is_enabled).ok_or(AppError::WrongPassword)
}

/// The one of a person's members who is of that tenant, or the only one there is.
pub async fn choose(
    center: &Center,
    members: Vec<Member>,
    tenant: Option<String>,
) -> Result<Member, AppError> {
    let places = center
        .read(move |tx| {
            Ok(identity::places(tx, members.clone())?
                .into_iter()
                .map(|place| {
                    let member = members.iter().find(|member| member.id == place.member).cloned();
                    (place.slug().unwrap_or(OF_CENTER).to_owned(), member)
                })
                .collect::<Vec<_>>())
        })
        .await?;
    let names = || places.iter().map(|(name, _)| name.clone()).collect();
    let found = match (&tenant, &*places) {
        (None, [(_, member)]) => member.clone(),
        (None, _) => return Err(Refused::ChooseTenant { tenants: names() }.into()),
        (Some(wanted), all) => {
            all.iter().find(|(name, _)| name == wanted).and_then(|(_, member)| member.clone())
        }
    };
    found.ok_or_else(|| AppError::invalid(field::TENANT, Wrong::NoSuch { given: tenant.unwrap_or_default() }))
}

/// Makes a token for a member.
pub async fn new_token(center: &Center, caller: &Caller, name: &str) -> Result<NewToken, AppError> {
    let name = params::line::<64>(field::NAME, name)?;
    let now = moment::now();
    let token = credentials::new_secret(TOKEN_PREFIX);
    let row = TokenRow {
        id: new_id!(TokenId),
        member: caller.member.id,
        name: name.into(),
        hash: credentials::hash(&token),
        created_at: now,
        expires_at: now.plus(Millis::from_hours(center.settings.limits.token_days * 24)),
        last_used_at: None,
    };
    let may = May::of_own_account(caller, actions::NEW_TOKEN);
    let (id, expires_at, member) = (row.id, row.expires_at, caller.member.clone());
    let write = move |tx: &store::Tx| {
        rows::insert_token(tx, &row)?;
        let view = MemberView::of(&mut Names::of(tx), &member)?;
        Ok(Changed::new(row.id, json!({ "name": row.name }), view))
    };
    let member = center.change(may, write, |_, _| ()).await?;
    Ok(NewToken { token, id, expires_at: expires_at.into(), member, failed_sign_ins: None })
}

/// A token as its owner sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TokenView {
    pub id: TokenId,
    pub name: String,
    pub created_at: Rfc3339,
    pub expires_at: Rfc3339,
    /// To within ten minutes; `null` where it never was.
    pub last_used_at: Option<Rfc3339>,
}

/// The caller's own tokens.
pub async fn list_tokens(center: &Center, caller: &Caller) -> Result<Vec<TokenView>, AppError> {
    let member = caller.member.id;
    let rows = center.read(move |tx| rows::list_tokens(tx, member)).await?;
    let view = |row: TokenRow| TokenView {
        id: row.id,
        name: row.name,
        created_at: row.created_at.into(),
        expires_at: row.expires_at.into(),
        last_used_at: row.last_used_at.map(Rfc3339),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Ends one of the caller's own tokens.
pub async fn revoke_token(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let id: TokenId = params::id(id, "token")?;
    let (may, member) = (May::of_own_account(caller, actions::REVOKE_TOKEN), caller.member.id);
    let write = move |tx: &store::Tx| {
        let own = rows::list_tokens(tx, member)?;
        let row = own.into_iter().find(|row| row.id == id).ok_or_else(|| AppError::not_found("token", id))?;
        rows::revoke_token(tx, id, moment::now())?;
        Ok(Changed::new(id, json!({ "name": row.name }), row.hash))
    };
    center.change(may, write, |center, hash| center.credentials.forget(hash)).await?;
    Ok(())
}

/// The browser that somebody signs in with: its address, and what it says of itself.
#[derive(Clone, Debug)]
pub struct Browser {
    pub from: String,
    pub program: String,
}

/// A new browser session: the secret for the cookie, and the session.
pub async fn new_session(
    center: &Center,
    member: Member,
    browser: Browser,
    way: Way,
) -> Result<(String, Session), AppError> {
    new_session_by(center, member, browser, way, None).await
}

/// [`new_session`] of somebody whom an issuer signed in: it has the id that is kept with the issuer's word.
pub async fn new_session_by(
    center: &Center,
    member: Member,
    browser: Browser,
    way: Way,
    origin: Option<OriginRow>,
) -> Result<(String, Session), AppError> {
    let now = moment::now();
    let secret = credentials::new_secret("");
    let csrf = credentials::new_secret("");
    let row = SessionRow {
        id: origin.as_ref().map_or_else(|| new_id!(SessionId), |origin| origin.session),
        member: member.id,
        hash: credentials::hash(&secret),
        csrf,
        created_at: now,
        expires_at: now.plus(Millis::from_hours(center.settings.limits.session_hours)),
        from_address: browser.from,
        program: kept(&browser.program),
        way,
    };
    let asked_of = center.common.second_factor;
    let write = move |tx: &store::Tx| -> Result<Session, AppError> {
        rows::delete_expired(tx, now)?;
        rows::insert_session(tx, &row)?;
        if let Some(origin) = &origin {
            rows::insert_origin(tx, origin)?;
        }
        tenants::choose_member(tx, member.id, now)?;
        Ok(session(tx, member, row, asked_of)?)
    };
    let session = center.write(write, |_, _| ()).await?;
    Ok((secret, session))
}

/// Goes on as another member that the session's person is, until the session would have ended. The secret for the cookie
/// is another one, and so is the token of forms: none that was shown to one member is taken from the other. Gives how many
/// seconds are left as well.
pub async fn go_on_as(center: &Center, secret: &str, member: &str) -> Result<(String, i64), AppError> {
    let id: MemberId = params::id(member, "member")?;
    let (hash, now) = (credentials::hash(secret), moment::now());
    let secret = credentials::new_secret("");
    let new_hash = credentials::hash(&secret);
    let write = move |tx: &store::Tx| -> Result<i64, AppError> {
        const OVER: AppError = AppError::Unauthenticated("the session has ended: sign in again");
        let (row, own) = rows::find_session(tx, &hash)?.ok_or(OVER)?;
        let mut members = tenants::memberships_of(tx, own.person)?.into_iter();
        let wanted = members.find(|member| member.id == id && member.is_enabled);
        let wanted = wanted.ok_or_else(|| AppError::not_found("member", id))?;
        let origin = rows::find_origin(tx, row.id)?;
        rows::delete_session(tx, row.id)?;
        let left_s = row.expires_at.since(now).0 / 1000;
        let csrf = credentials::new_secret("");
        let new = SessionRow { id: new_id!(SessionId), member: wanted.id, hash: new_hash, csrf, ..row };
        rows::insert_session(tx, &new)?;
        if let Some(origin) = origin {
            rows::insert_origin(tx, &OriginRow { session: new.id, ..origin })?;
        }
        tenants::choose_member(tx, wanted.id, now)?;
        Ok(left_s)
    };
    let left_s = center.write(write, move |center, _| center.credentials.forget(&hash)).await?;
    Ok((secret, left_s))
}

/// Ends a browser session. Gives what an issuer said of its sign-in, where one began it.
pub async fn end_session(center: &Center, secret: &str) -> Result<Option<OriginRow>, AppError> {
    let hash = credentials::hash(secret);
    let write = move |tx: &store::Tx| -> Result<Option<OriginRow>, AppError> {
        let Some((row, _)) = rows::find_session(tx, &hash)? else { return Ok(None) };
        let origin = rows::find_origin(tx, row.id)?;
        rows::delete_session(tx, row.id)?;
        Ok(origin)
    };
    center.write(write, move |center, _| center.credentials.forget(&hash)).await
}
