//! Whose a token or a session is.

use std::sync::Arc;

use domain::{Member, PersonId, TokenId};
use store::{
    StoreError,
    credentials::{self as rows, SessionRow, Way},
    failed_sign_ins, second_factors,
};

use crate::auth::{
    credentials::{self, Place, Session, Shown},
    second_factor::SecondFactorOf,
};
use crate::{Base, error::AppError, moment, refusal::Refused};

/// The member of a bearer token.
pub async fn by_token(base: &Base, token: &str) -> Result<Member, AppError> {
    const UNKNOWN: AppError = AppError::Unauthenticated("the token is not valid any more: sign in again");
    let (hash, now) = (credentials::hash(token), moment::now());
    if let Some((member, must_enrol, to_note)) = base.credentials.token(&hash, now) {
        if let Some(id) = to_note {
            note_use(base, id, now);
        }
        return if must_enrol { Err(Refused::SecondFactorNeeded.into()) } else { Ok(member) };
    }
    let asked_of = base.common.second_factor;
    let read = move |tx: &store::Tx| {
        let found = rows::find_token(tx, &hash)?;
        let Some((row, member)) = found.filter(|(row, member)| now < row.expires_at && member.is_enabled)
        else {
            return Ok(None);
        };
        let must_enrol = must_enrol(tx, asked_of, member.person)?;
        Ok(Some((row, member, must_enrol)))
    };
    let (row, member, must_enrol) = base.read(read).await?.ok_or(UNKNOWN)?;
    let shown = Shown::new(row.id, member.clone(), must_enrol, row.last_used_at);
    if shown.is_to_be_noted(now) {
        note_use(base, row.id, now);
    }
    base.credentials.keep_token(hash, shown, row.expires_at);
    if must_enrol { Err(Refused::SecondFactorNeeded.into()) } else { Ok(member) }
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
    let asked_of = base.common.second_factor;
    let read = move |tx: &store::Tx| {
        let found = rows::find_session(tx, &hash)?;
        let Some((row, member)) = found.filter(|(row, member)| now < row.expires_at && member.is_enabled)
        else {
            return Ok(None);
        };
        let expires_at = row.expires_at;
        Ok(Some((session(tx, member, row, asked_of)?, expires_at)))
    };
    let Some((session, expires_at)) = base.read(read).await? else { return Ok(None) };
    base.credentials.keep_session(hash, session.clone(), expires_at);
    Ok(Some(session))
}

pub fn session(
    tx: &store::Tx,
    member: Member,
    row: SessionRow,
    asked_of: SecondFactorOf,
) -> Result<Session, StoreError> {
    let tenant = member.tenant.map(|id| store::tenants::get_tenant(tx, id)).transpose()?;
    let must_enrol = row.way != Way::IssuerWithFactor && must_enrol(tx, asked_of, member.person)?;
    let failed = failed_sign_ins::find(tx, member.person)?;
    let places = places(tx, store::tenants::memberships_of(tx, member.person)?)?;
    let SessionRow { csrf, way, .. } = row;
    Ok(Session { member, tenant: tenant.map(Arc::new), places: places.into(), csrf, way, must_enrol, failed })
}

/// Whether a person must have a second factor and has none.
pub fn must_enrol(tx: &store::Tx, asked_of: SecondFactorOf, person: PersonId) -> Result<bool, StoreError> {
    let is_asked = asked_of.is_asked_of(&store::tenants::memberships_of(tx, person)?);
    Ok(is_asked && !second_factors::is_bound(tx, person)?)
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
