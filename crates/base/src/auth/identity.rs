//! Whose a token or a session is.

use std::sync::Arc;

use domain::{Member, TokenId};
use store::{StoreError, credentials as rows};

use crate::auth::credentials::{self, Place, Session, Shown};
use crate::{Base, error::AppError, moment};

/// The member of a bearer token.
pub async fn by_token(base: &Base, token: &str) -> Result<Member, AppError> {
    const UNKNOWN: AppError = AppError::Unauthenticated("the token is not valid any more: sign in again");
    let (hash, now) = (credentials::hash(token), moment::now());
    if let Some((member, to_note)) = base.credentials.token(&hash, now) {
        if let Some(id) = to_note {
            note_use(base, id, now);
        }
        return Ok(member);
    }
    let found = base.read(move |tx| rows::find_token(tx, &hash)).await?;
    let (row, member) =
        found.filter(|(row, member)| now < row.expires_at && member.is_enabled).ok_or(UNKNOWN)?;
    let shown = Shown::new(row.id, member.clone(), row.last_used_at);
    if shown.is_to_be_noted(now) {
        note_use(base, row.id, now);
    }
    base.credentials.keep_token(hash, shown, row.expires_at);
    Ok(member)
}

/// Notes that a token was shown, while the request goes on.
fn note_use(base: &Base, id: TokenId, now: domain::Timestamp) {
    let base = base.clone();
    tokio::spawn(async move {
        let note = move |tx: &store::Tx| Ok::<_, AppError>(rows::note_token_use(tx, id, now)?);
        if let Err(error) = base.write(note, |_, ()| ()).await {
            tracing::debug!(%error, "a token's use was not noted");
        }
    });
}

/// The session of a cookie's secret, if it is one.
pub async fn by_session(base: &Base, secret: &str) -> Result<Option<Session>, AppError> {
    let (hash, now) = (credentials::hash(secret), moment::now());
    if let Some(session) = base.credentials.session(&hash, now) {
        return Ok(Some(session));
    }
    let read = move |tx: &store::Tx| {
        let found = rows::find_session(tx, &hash)?;
        let Some((row, member)) = found.filter(|(row, member)| now < row.expires_at && member.is_enabled)
        else {
            return Ok(None);
        };
        Ok(Some((session(tx, member, row.csrf)?, row.expires_at)))
    };
    let Some((session, expires_at)) = base.read(read).await? else { return Ok(None) };
    base.credentials.keep_session(hash, session.clone(), expires_at);
    Ok(Some(session))
}

pub fn session(tx: &store::Tx, member: Member, csrf: String) -> Result<Session, StoreError> {
    let tenant = member.tenant.map(|id| store::tenants::get_tenant(tx, id)).transpose()?;
    let places = places(tx, store::tenants::memberships_of(tx, member.person)?)?;
    Ok(Session { member, tenant: tenant.map(Arc::new), places: places.into(), csrf })
}

/// Those of a person's memberships that they may sign in as.
pub fn places(tx: &store::Tx, members: Vec<Member>) -> Result<Vec<Place>, StoreError> {
    let place = |member: Member| {
        let tenant = member.tenant.map(|id| store::tenants::get_tenant(tx, id)).transpose()?;
        Ok(Place { member: member.id, role: member.role, tenant })
    };
    let enabled = members.into_iter().filter(|member| member.is_enabled);
    let mut places = enabled.map(place).collect::<Result<Vec<_>, StoreError>>()?;
    places.sort_by(|one, other| one.slug().cmp(&other.slug()));
    Ok(places)
}

impl Place {
    /// The tenant's short name; none for the center.
    pub fn slug(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.slug.as_str())
    }
}
