//! What can be asked of issuers, of who people are there, and of those who came by one and have no place.

use base::{
    auth::{Caller, May, credentials},
    change::Changed,
    error::AppError,
    lookup, moment, params,
    refusal::Refused,
    text::Text,
};
use domain::{Lang, MemberId, PersonId, Rfc3339, tenant::Person};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, credentials as sessions, tenants};

use super::{
    fault::Fault,
    issuer::{Ask, Issuer},
    issuers::{Flow, Purpose},
    rows,
    rule::{self, Identity, IdentityId, RECENT},
};
use crate::{actions, app::members, center::Center, person::rule as persons};

/// An issuer, as the center's people see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct IssuerView {
    pub name: String,
    /// Its address.
    pub issuer: String,
    pub label: Text,
    /// The short name of the tenant whose people it signs in; `null` where it may give places anywhere.
    pub tenant: Option<String>,
    pub email_domains: Vec<String>,
    /// What is to be registered there: where it sends browsers back, where they go after signing out, and where it tells of
    /// sessions that ended.
    pub redirect_uri: String,
    pub post_logout_redirect_uri: String,
    pub backchannel_logout_uri: String,
    /// How many keys it publishes; `null` where it was never reached.
    pub keys: Option<usize>,
    /// Why it was not reached when it was asked last.
    pub error: Option<String>,
    /// Claims of the map that were absent of late: roles stayed as they were.
    pub absent_claims: Option<String>,
    /// Tenants that the settings name and that are not there.
    pub unknown_tenants: Vec<String>,
}

/// The issuers of the settings. With `check` each is asked now.
pub async fn list(center: &Center, caller: &Caller, check: bool) -> Result<Vec<IssuerView>, AppError> {
    center.policies.check(caller, rule::READ, None)?;
    let issuers = center.issuers.clone();
    if check {
        let asked = issuers.clone();
        tokio::task::spawn_blocking(move || {
            for issuer in asked.all() {
                drop(issuer.read());
            }
        })
        .await?;
    }
    center
        .read(move |tx| {
            let there: Vec<String> =
                tenants::list_tenants(tx)?.into_iter().map(|tenant| tenant.slug).collect();
            Ok(issuers.all().iter().map(|issuer| view(issuer, &issuers.center_url, &there)).collect())
        })
        .await
}

fn view(issuer: &Issuer, center_url: &str, there: &[String]) -> IssuerView {
    let settings = &issuer.settings;
    let named = settings.map.iter().filter_map(|line| settings.place(line)?.tenant);
    let mut unknown: Vec<String> = named.chain(settings.tenant.clone()).collect();
    unknown.retain(|slug| !there.contains(slug));
    unknown.sort();
    unknown.dedup();
    IssuerView {
        name: settings.name.clone(),
        issuer: settings.issuer.clone(),
        label: Text { zh: settings.label_zh.clone(), en: settings.label_en.clone() },
        tenant: settings.tenant.clone(),
        email_domains: settings.email_domains.clone(),
        redirect_uri: issuer.redirect.clone(),
        post_logout_redirect_uri: format!("{center_url}/sign-in"),
        backchannel_logout_uri: format!("{center_url}/sign-in/oidc/{}/logout", settings.name),
        keys: issuer.remembered().map(|metadata| metadata.jwks().keys().len()),
        error: issuer.failure().map(|fault| fault.to_string()),
        absent_claims: issuer.absent(),
        unknown_tenants: unknown,
    }
}

/// Sends a browser to an issuer. Gives where to, and the secret for the cookie by which the browser is known when it comes
/// back; `known` is the one that it has.
pub async fn begin(
    center: &Center,
    issuer: &str,
    purpose: Purpose,
    from: &str,
    known: Option<&str>,
) -> Result<(String, String), AppError> {
    let issuer = center.issuers.named(issuer).ok_or_else(|| AppError::not_found("issuer", issuer))?.clone();
    // People of one organisation often come from one address, and nothing is guessed here.
    center.limits.request(&format!("issuer {from}"))?;
    let ask = Ask {
        state: credentials::new_secret(""),
        nonce: credentials::new_secret(""),
        verifier: credentials::new_secret(""),
    };
    let secret = known.filter(|known| known.len() >= 40).map(str::to_owned);
    let secret = secret.unwrap_or_else(|| credentials::new_secret(""));
    let is_anew = matches!(purpose, Purpose::Link { .. });
    let (asked, of) = (ask.clone(), issuer.clone());
    let url = tokio::task::spawn_blocking(move || of.authorize_url(&asked, is_anew)).await?;
    let url = url.map_err(|fault| fault.refused(&issuer.settings))?;
    let browser = credentials::hash(&secret);
    let state = ask.state.clone();
    let flow = Flow { issuer: issuer.settings.name.clone(), ask, browser, purpose };
    center.issuers.flows.put(&state, flow);
    Ok((url, secret))
}

/// What an issuer sends a browser back with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    pub code: String,
    pub state: String,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// The sign-in that a browser comes back for, which is under way no longer; its code is changed for what the issuer says
/// of who it is.
pub async fn returned(
    center: &Center,
    name: &str,
    returned: Returned,
    known: Option<&str>,
) -> Result<(std::sync::Arc<Issuer>, Flow, super::issuer::Told), AppError> {
    let issuer = center.issuers.named(name).ok_or_else(|| AppError::not_found("issuer", name))?.clone();
    let refused = |fault: Fault| fault.refused(&issuer.settings);
    let flow = center.issuers.flows.take(&returned.state).filter(|flow| {
        flow.issuer == name && known.is_some_and(|secret| credentials::hash(secret) == flow.browser)
    });
    let flow = flow.ok_or_else(|| refused(Fault::State))?;
    let says_who = issuer.remembered().is_some_and(|metadata| {
        metadata.additional_metadata().authorization_response_iss_parameter_supported
    });
    match &returned.iss {
        Some(iss) if *iss != issuer.settings.issuer => return Err(refused(Fault::WrongIssuer)),
        None if says_who => return Err(refused(Fault::WrongIssuer)),
        _ => {}
    }
    if let Some(error) = returned.error {
        return Err(refused(Fault::Denied(error.chars().take(80).collect())));
    }
    if returned.code.is_empty() {
        return Err(refused(Fault::Malformed));
    }
    let (ask, asked) = (flow.ask.clone(), issuer.clone());
    let told = tokio::task::spawn_blocking(move || asked.exchange(returned.code, &ask)).await?;
    let told = told.map_err(refused)?;
    Ok((issuer, flow, told))
}

/// Who the caller is at an issuer.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct IdentityView {
    pub id: IdentityId,
    pub issuer: Text,
    pub subject: String,
    /// As the issuer told it last; empty where it did not.
    pub email: String,
    pub created_at: Rfc3339,
    pub last_used_at: Rfc3339,
}

impl IdentityView {
    fn of(center: &Center, identity: Identity) -> Self {
        let label = |lang| center.issuers.label(&identity.issuer, lang);
        Self {
            id: identity.id,
            issuer: Text { zh: label(Lang::Zh), en: label(Lang::En) },
            subject: identity.subject,
            email: identity.email,
            created_at: identity.created_at.into(),
            last_used_at: identity.last_used_at.into(),
        }
    }
}

/// Who the caller's person is at issuers.
pub async fn identities(center: &Center, caller: &Caller) -> Result<Vec<IdentityView>, AppError> {
    let person = caller.member.person;
    let all = center.read(move |tx| rows::of_person(tx, person)).await?;
    Ok(all.into_iter().map(|identity| IdentityView::of(center, identity)).collect())
}

/// Looses an identity of the caller's person, unless it is the last way in.
pub async fn unlink(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let id: IdentityId = params::id(id, "identity")?;
    let may = May::of_own_account(caller, rule::LINK);
    let (person, login, issuers) =
        (caller.member.person, caller.member.login.clone(), center.issuers.clone());
    let write = move |tx: &Tx| {
        let all = rows::of_person(tx, person)?;
        let identity =
            all.iter().find(|one| one.id == id).ok_or_else(|| AppError::not_found("identity", id))?;
        if all.len() == 1 && !tenants::has_password(tx, person)? {
            return Err(Refused::LastWayIn.into());
        }
        rows::delete(tx, id)?;
        let begun = sessions::begun_by(tx, &identity.issuer, Some(&identity.subject), None)?;
        for session in &begun {
            sessions::delete_session(tx, session.id)?;
        }
        let issuer = issuers
            .at(&identity.issuer)
            .map_or_else(|| identity.issuer.clone(), |one| one.settings.name.clone());
        let detail = json!({ "login": login, "issuer": issuer, "is_removed": true });
        Ok(Changed::new(id, detail, ()))
    };
    center.change(may, write, move |center, ()| center.credentials.forget_person(person)).await
}

/// Refuses somebody whose session was not begun lately. `csrf` is the token of the session.
pub async fn check_recent(center: &Center, caller: &Caller, csrf: &str) -> Result<(), AppError> {
    let (person, now, csrf) = (caller.member.person, moment::now(), csrf.to_owned());
    let all = center.read(move |tx| sessions::sessions_of(tx, person, now)).await?;
    let own = all.into_iter().find(|(row, _)| row.csrf == csrf);
    if own.is_some_and(|(row, _)| now.since(row.created_at).0 <= RECENT.0) {
        return Ok(());
    }
    Err(Refused::SignInAgain { minutes: RECENT.as_secs() / 60 }.into())
}

/// Somebody who came by an issuer and has no place.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PendingView {
    pub id: PersonId,
    pub login: String,
    pub name: String,
    /// As the issuer told it last; empty where it did not.
    pub email: String,
    pub issuer: Text,
    pub came_at: Rfc3339,
}

/// Those without a place whom the caller may give one: all for whoever may manage persons, and for a tenant's
/// administrators those who came by their tenant's issuer.
pub async fn pending(center: &Center, caller: &Caller) -> Result<Vec<PendingView>, AppError> {
    let tenant = caller.member.tenant;
    center.policies.check(caller, actions::MANAGE_MEMBER, tenant)?;
    let of_center = center.clone();
    center
        .read(move |tx| {
            let slug = tenant.map(|id| tenants::get_tenant(tx, id)).transpose()?.map(|tenant| tenant.slug);
            let all = rows::pending(tx)?.into_iter();
            Ok(all
                .filter(|(identity, _)| is_for(&of_center, identity, slug.as_deref()))
                .map(|(identity, person)| {
                    let Person { id, login, name, .. } = person;
                    let seen = IdentityView::of(&of_center, identity);
                    PendingView {
                        id,
                        login,
                        name,
                        email: seen.email,
                        issuer: seen.issuer,
                        came_at: seen.created_at,
                    }
                })
                .collect())
        })
        .await
}

/// Whether somebody who came by an issuer is a matter of that tenant's; of the center's without one.
fn is_for(center: &Center, identity: &Identity, tenant: Option<&str>) -> bool {
    let Some(tenant) = tenant else { return true };
    let issuer = center.issuers.at(&identity.issuer);
    issuer.and_then(|issuer| issuer.settings.tenant.as_deref()) == Some(tenant)
}

/// A place for somebody who has none.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    /// One of a tenant's: `admin`, `developer`, `finance`; without a tenant one of the center's own people's.
    #[schema(value_type = domain::Role)]
    pub role: String,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
}

/// Gives a place to somebody who came by an issuer and has none.
pub async fn place(
    center: &Center,
    caller: &Caller,
    id: &str,
    new: NewPlace,
) -> Result<members::MemberView, AppError> {
    let tenant = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, actions::MANAGE_MEMBER, tenant)?;
    if caller.member.tenant.is_none() {
        center.policies.check(caller, persons::MANAGE, None)?;
    }
    let id: PersonId = params::id(id, "person")?;
    let role = members::role_for(&new.role, tenant)?;
    if !pending(center, caller).await?.iter().any(|one| one.id == id) {
        return Err(AppError::not_found("person", id));
    }
    let write = move |tx: &Tx| {
        let member: MemberId = members::join(tx, id, role, tenant)?;
        let found = tenants::get_member(tx, member)?;
        let detail = json!({ "login": found.login, "role": role.code() });
        let view = members::MemberView::of(&mut lookup::Names::of(tx), &found)?;
        Ok(Changed::new(member, detail, view))
    };
    center.change(may, write, move |center, _| center.credentials.forget_person(id)).await
}
