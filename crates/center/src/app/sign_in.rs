//! Signing in and out, and the tokens that programs use.

use domain::{
    Lang, Member, MemberId, Millis, Rfc3339, SessionId, TokenId,
    problem::{Wrong, field},
    tenant::Person,
};
use serde::Serialize;
use serde_json::json;
use store::{
    credentials::{self as rows, OriginRow, SessionRow, TokenRow},
    tenants,
};

use super::members::MemberView;
use crate::{actions, center::Center, oidc::rows as identities, session::rule::kept};
use base::{
    auth::{
        Caller, May,
        credentials::{self, Session, TOKEN_PREFIX},
        identity::{self, session},
        password,
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
}

/// The word for the center where a tenant's short name is asked for: no short name begins with it.
pub const OF_CENTER: &str = "-";

/// Checks a login and a password; slowed down for those who guess. Gives what the person may sign in as, which is
/// something: the member chosen last first.
pub async fn check(center: &Center, from: &str, login: &str, secret: &str) -> Result<Vec<Member>, AppError> {
    let (person, members) = known(center, from, login, secret).await?;
    if members.is_empty() {
        tracing::warn!(login = person.login, %from, "a sign-in failed: every membership is disabled");
        return Err(AppError::WrongPassword);
    }
    Ok(members)
}

/// [`check`] for those as well who may sign in as nothing now.
pub async fn known(
    center: &Center,
    from: &str,
    login: &str,
    secret: &str,
) -> Result<(Person, Vec<Member>), AppError> {
    let login: String = login.trim().chars().take(128).collect();
    center.limits.sign_in(from, &login)?;
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
        _ => {
            tracing::warn!(%login, %from, "a sign-in failed");
            Err(AppError::WrongPassword)
        }
    }
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
    Ok(NewToken { token, id, expires_at: expires_at.into(), member })
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

/// What an issuer said of the sign-in, for the session that it begins.
pub type Origin = Box<dyn FnOnce(SessionId) -> OriginRow + Send>;

/// A new browser session: the secret for the cookie, and the session.
pub async fn new_session(
    center: &Center,
    member: Member,
    browser: Browser,
) -> Result<(String, Session), AppError> {
    new_session_by(center, member, browser, None).await
}

/// [`new_session`] of somebody whom an issuer signed in.
pub async fn new_session_by(
    center: &Center,
    member: Member,
    browser: Browser,
    origin: Option<Origin>,
) -> Result<(String, Session), AppError> {
    let now = moment::now();
    let secret = credentials::new_secret("");
    let csrf = credentials::new_secret("");
    let row = SessionRow {
        id: new_id!(SessionId),
        member: member.id,
        hash: credentials::hash(&secret),
        csrf: csrf.clone(),
        created_at: now,
        expires_at: now.plus(Millis::from_hours(center.settings.limits.session_hours)),
        from_address: browser.from,
        program: kept(&browser.program),
    };
    let write = move |tx: &store::Tx| -> Result<Session, AppError> {
        rows::delete_expired(tx, now)?;
        rows::insert_session(tx, &row)?;
        if let Some(origin) = origin {
            rows::insert_origin(tx, &origin(row.id))?;
        }
        tenants::choose_member(tx, member.id, now)?;
        Ok(session(tx, member, csrf)?)
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
