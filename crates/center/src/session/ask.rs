//! What can be asked of one's own sessions.

use domain::{Lang, Rfc3339, SessionId};
use serde::Serialize;
use serde_json::json;
use store::{
    Tx,
    credentials::{self as rows, OriginRow},
};

use super::rule;
use crate::{center::Center, oidc::issuers::Issuers};
use base::{
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    lookup::Names,
    moment, params,
    text::Text,
};

/// A browser that the caller is signed in with.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    pub id: SessionId,
    /// The short name of the tenant as whose member the browser goes on; `null` for the center.
    pub tenant_slug: Option<String>,
    pub created_at: Rfc3339,
    pub expires_at: Rfc3339,
    /// The address that the sign-in came from.
    pub from: String,
    /// What the program said of itself, in short.
    pub program: String,
    /// What an issuer said of the sign-in; `null` where it was by password.
    pub by: Option<SignedInBy>,
    /// How the person has shown who they are.
    pub way: rule::Way,
    /// This one asks.
    pub is_own: bool,
}

/// The word of an issuer on a sign-in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SignedInBy {
    pub issuer: Text,
    /// The session at the issuer; `null` where it named none.
    pub sid: Option<String>,
    /// How sure the issuer is of who it is, in its own word.
    pub acr: Option<String>,
    /// How the issuer found out, in words such as `pwd` and `otp`.
    pub amr: Vec<String>,
    pub auth_time: Option<Rfc3339>,
}

impl SignedInBy {
    fn of(issuers: &Issuers, origin: OriginRow) -> Self {
        let label = |lang| issuers.label(&origin.issuer, lang);
        Self {
            issuer: Text { zh: label(Lang::Zh), en: label(Lang::En) },
            sid: origin.sid,
            acr: origin.acr,
            amr: origin.amr.split_whitespace().map(str::to_owned).collect(),
            auth_time: origin.auth_time.map(Rfc3339),
        }
    }
}

/// The browsers that the caller's person is signed in with, as whichever member, the newest first. `csrf` is the token of
/// the session that asks, where one does.
pub async fn list(
    center: &Center,
    caller: &Caller,
    csrf: Option<&str>,
) -> Result<Vec<SessionView>, AppError> {
    let (person, now) = (caller.member.person, moment::now());
    let (csrf, issuers) = (csrf.map(str::to_owned), center.issuers.clone());
    center
        .read(move |tx| {
            let mut names = Names::of(tx);
            let mut views = Vec::new();
            for (row, member) in rows::sessions_of(tx, person, now)? {
                let tenant = member.tenant.map(|id| names.tenant(id)).transpose()?;
                let origin = rows::find_origin(tx, row.id)?;
                views.push(SessionView {
                    id: row.id,
                    by: origin.map(|origin| SignedInBy::of(&issuers, origin)),
                    tenant_slug: tenant.map(|tenant| tenant.slug),
                    created_at: row.created_at.into(),
                    expires_at: row.expires_at.into(),
                    program: rule::program(&row.program),
                    way: row.way,
                    is_own: csrf.as_ref() == Some(&row.csrf),
                    from: row.from_address,
                });
            }
            Ok(views)
        })
        .await
}

/// Ends a session of the caller's person: that browser is signed out.
pub async fn end(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let id: SessionId = params::id(id, "session")?;
    let (may, person, now) = (May::of_own_account(caller, rule::END), caller.member.person, moment::now());
    let write = move |tx: &Tx| {
        let own = rows::sessions_of(tx, person, now)?.into_iter();
        let (row, _) = own
            .into_iter()
            .find(|(row, _)| row.id == id)
            .ok_or_else(|| AppError::not_found("session", id))?;
        rows::delete_session(tx, id)?;
        Ok(Changed::new(id, json!({}), row.hash))
    };
    center.change(may, write, |center, hash| center.credentials.forget(hash)).await?;
    Ok(())
}
