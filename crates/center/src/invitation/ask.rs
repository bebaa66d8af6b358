//! What can be asked of invitations.

use domain::{
    Lang, Member, MemberId, Millis, PersonId, Rfc3339, Role, TenantId, Timestamp, problem::field,
    tenant::Person,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, tenants};

use super::{
    rows,
    rule::{self, Invitation, InvitationId, InvitationState, MOST_OPEN},
};
use crate::{
    app::members::{self, MemberView},
    center::Center,
    notices::send,
    person::{password, rule::read_email},
    second_factor::ask as second_factor,
    session::rule::Way,
};
use base::{
    auth::{Caller, May, credentials, limits::Source},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    lookup::{self, Names},
    moment::{self, new_id},
    notice::mail::outbox::Mail,
    params,
    refusal::Refused,
    text::Text,
};

/// An invitation, as those see it who may invite.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    pub id: InvitationId,
    /// The tenant's short name; `null` for the center.
    pub tenant_slug: Option<String>,
    pub email: String,
    pub role: Role,
    pub state: InvitationState,
    pub invited_by: String,
    pub created_at: Rfc3339,
    pub expires_at: Rfc3339,
    /// The login of who became a member by it.
    pub taken_by: Option<String>,
}

impl InvitationView {
    fn of(names: &mut Names<'_>, one: &Invitation, now: Timestamp) -> Result<Self, store::StoreError> {
        Ok(Self {
            id: one.id,
            tenant_slug: one.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug),
            email: one.email.clone(),
            role: one.role,
            state: one.state(now),
            invited_by: names.login(one.invited_by)?,
            created_at: one.created_at.into(),
            expires_at: one.expires_at.into(),
            taken_by: one.taken_by.map(|id| names.login(id)).transpose()?,
        })
    }
}

/// The invitations that are there: of the caller's tenant, or all for the center's people.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<InvitationView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, rule::READ, scope)?;
    let now = moment::now();
    center
        .read(move |tx| {
            let mut names = Names::of(tx);
            rows::list(tx, scope)?.iter().map(|one| InvitationView::of(&mut names, one, now)).collect()
        })
        .await
}

/// A new invitation.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Whom it is for. Whoever invites gives the link on, or has the center send it.
    pub email: String,
    /// One of a tenant's: `admin`, `developer`, `finance`; without a tenant one of the center's own people's.
    #[schema(value_type = Role)]
    pub role: String,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
    /// Whether the center sends the link to that address.
    #[serde(default)]
    pub send: bool,
}

/// An invitation that was made. Its link is told this once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MadeInvitation {
    pub invitation: InvitationView,
    /// The link's path at the center, as `/join/…`.
    pub path: String,
}

/// Makes an invitation. Whether the address is that of somebody who is known is neither looked at nor told.
pub async fn invite(
    center: &Center,
    caller: &Caller,
    new: NewInvitation,
) -> Result<MadeInvitation, AppError> {
    let tenant = lookup::named_or_own(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, rule::INVITE, tenant)?;
    let email = read_email(&new.email)?;
    if email.is_empty() {
        return Err(AppError::invalid(
            field::EMAIL,
            domain::problem::Wrong::NotAnEmail { given: String::new() },
        ));
    }
    let role = members::role_for(&new.role, tenant)?;
    if new.send {
        send::check_on(center)?;
    }
    let (now, token) = (moment::now(), credentials::new_secret(""));
    let invitation = Invitation {
        id: new_id!(InvitationId),
        tenant,
        email,
        role,
        hash: credentials::hash(&token),
        invited_by: caller.member.id,
        created_at: now,
        expires_at: now.plus(Millis::from_hours(center.settings.sign_in.invitation_days * 24)),
        ended_at: None,
        taken_by: None,
    };
    let (for_mail, secret) = (center.clone(), new.send.then(|| token.clone()));
    let write = move |tx: &Tx| {
        if rows::count_open(tx, tenant, now)? >= MOST_OPEN {
            return Err(Refused::TooManyInvitations { most: MOST_OPEN }.into());
        }
        rows::insert(tx, &invitation)?;
        if let Some(secret) = &secret {
            send_link(&for_mail, tx, &invitation, secret)?;
        }
        let view = InvitationView::of(&mut Names::of(tx), &invitation, now)?;
        Ok(Changed::new(invitation.id, json!({ "role": role.code() }), view))
    };
    let invitation = center.change(may, write, |_, _| ()).await?;
    Ok(MadeInvitation { invitation, path: format!("/join/{token}") })
}

/// Has the center send the link.
fn send_link(center: &Center, tx: &Tx, invitation: &Invitation, secret: &str) -> Result<(), AppError> {
    let place = match invitation.tenant {
        Some(id) => {
            let tenant = tenants::get_tenant(tx, id)?;
            Text { zh: tenant.name_zh, en: tenant.name_en }
        }
        None => Text { zh: center.name(Lang::Zh).to_owned(), en: center.name(Lang::En).to_owned() },
    };
    let date = center.common.time_zone.date(invitation.expires_at);
    let told =
        json!({ "place_zh": place.zh, "place_en": place.en, "role": invitation.role.code(), "date": date });
    let mail = Mail::new("invitation", &invitation.email, told, invitation.created_at);
    send::insert_secret(center, tx, Mail { path: "/join/".to_owned(), ..mail }, secret)
}

/// Takes an invitation back: its link opens nothing any more.
pub async fn take_back(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let id: InvitationId = params::id(id, "invitation")?;
    let scope = caller.scope()?.tenant();
    let found = center.read(move |tx| rows::get(tx, id)).await?;
    if scope.is_some() && scope != found.tenant {
        return Err(AppError::not_found("invitation", id));
    }
    let may = center.policies.may(caller, rule::INVITE, found.tenant)?;
    let now = moment::now();
    let write = move |tx: &Tx| {
        rows::end(tx, id, now, None)?;
        Ok(Changed::new(id, json!({ "role": found.role.code(), "is_removed": true }), ()))
    };
    center.change(may, write, |_, ()| ()).await
}

/// What an invitation offers to whoever has its link.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Offer {
    /// The tenant's name; `null` for the center.
    pub tenant: Option<Text>,
    pub role: Role,
    pub email: String,
    pub expires_at: Rfc3339,
}

/// The offer of a link, if it is open.
pub async fn look(center: &Center, token: &str) -> Result<Offer, AppError> {
    let open = open(center, token).await?;
    let tenant = open.tenant;
    let name = move |tx: &Tx| {
        let tenant = tenant.map(|id| tenants::get_tenant(tx, id)).transpose()?;
        Ok(tenant.map(|tenant| Text { zh: tenant.name_zh, en: tenant.name_en }))
    };
    let tenant = center.read(name).await?;
    let Invitation { role, email, expires_at, .. } = open;
    Ok(Offer { tenant, role, email, expires_at: expires_at.into() })
}

/// The open invitation of a link, as the store has it now.
fn open_in(tx: &Tx, center: &Center, hash: &[u8; 32], now: Timestamp) -> Result<Invitation, AppError> {
    let over = || AppError::from(Refused::InvitationOver);
    let found = rows::find(tx, hash)?.ok_or_else(over)?;
    // It is worth no more than the right of who made it.
    let member = tenants::get_member(tx, found.invited_by)?;
    let is_enabled = member.is_enabled;
    let inviter = Caller { member, from: String::new(), once: None };
    let may_invite = is_enabled && center.policies.check(&inviter, rule::INVITE, found.tenant).is_ok();
    if found.state(now) == InvitationState::Open && may_invite { Ok(found) } else { Err(over()) }
}

async fn open(center: &Center, token: &str) -> Result<Invitation, AppError> {
    let (hash, now, of_center) = (credentials::hash(token), moment::now(), center.clone());
    center.read(move |tx| Ok(open_in(tx, &of_center, &hash, now))).await?
}

/// Who becomes a member.
enum Who {
    New { login: String, name: String, hash: String },
    Known { id: PersonId, login: String, name: String },
}

/// A login and its password: of somebody who is there, or, with a name, of somebody new.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Joining {
    /// The last part of the link.
    pub token: String,
    #[schema(value_type = domain::schema::Login)]
    pub login: String,
    #[schema(value_type = domain::schema::Password)]
    pub password: String,
    /// A code of the second factor of a login that is there, or a recovery code. Needed where it has one.
    pub code: Option<String>,
    /// Makes a new login for a person of this name; where left out, the login is one that is there.
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub name: Option<String>,
}

impl std::fmt::Debug for Joining {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joining").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Makes a member of whoever has the link, and signs in, or makes a login.
pub async fn join(center: &Center, source: &Source, joining: Joining) -> Result<(Member, Way), AppError> {
    let Joining { token, login, password, code, name } = joining;
    let from = &*source.address;
    let Some(name) = name else {
        let (person, _) = password::owner(center, source, &login, &password).await?;
        open(center, &token).await?;
        let way = second_factor::pass(center, source, person.id, code.as_deref()).await?;
        let Person { id, login, name, .. } = person;
        return Ok((take(center, from, &token, Who::Known { id, login, name }).await?, way));
    };
    // Which logins there are is not to be tried out faster than passwords are.
    center.limits.sign_in(source, &login)?;
    members::check_login(&login)?;
    let name: String = params::line::<64>(field::NAME, name)?.into();
    let email = open(center, &token).await?.email;
    let names = vec![login.clone(), name.clone(), email];
    let hash = password::new_hash(center, password, names).await?;
    Ok((take(center, from, &token, Who::New { login, name, hash }).await?, Way::Password))
}

/// Makes a member of somebody who is signed in, and has the link.
pub async fn join_as(center: &Center, caller: &Caller, token: &str) -> Result<Member, AppError> {
    let Member { person: id, login, name, .. } = caller.member.clone();
    take(center, &caller.from, token, Who::Known { id, login, name }).await
}

/// Makes a member of a person whom an issuer signed in, and who has the link.
pub async fn join_with(
    center: &Center,
    from: &str,
    token: &str,
    person: PersonId,
) -> Result<Member, AppError> {
    let Person { id, login, name, .. } = center.read(move |tx| tenants::get_person(tx, person)).await?;
    take(center, from, token, Who::Known { id, login, name }).await
}

async fn take(center: &Center, from: &str, token: &str, who: Who) -> Result<Member, AppError> {
    let (hash, now, of_center) = (credentials::hash(token), moment::now(), center.clone());
    let open = open(center, token).await?;
    let (person, login, name) = match &who {
        Who::New { login, name, .. } => (new_id!(PersonId), login, name),
        Who::Known { id, login, name } => (*id, login, name),
    };
    let (tenant, role): (Option<TenantId>, Role) = (open.tenant, open.role);
    let (login, name) = (login.clone(), name.clone());
    let member = Member {
        id: new_id!(MemberId),
        person,
        tenant,
        login,
        name,
        role,
        is_enabled: true,
        created_at: now,
    };
    let caller = Caller { member: member.clone(), from: from.to_owned(), once: None };
    let may = May::of_own_account(&caller, rule::JOIN);
    let write = move |tx: &Tx| {
        // Of two who have the link one is first.
        let open = open_in(tx, &of_center, &hash, now)?;
        match who {
            Who::New { hash, .. } => {
                let Member { id: _, person: id, login, name, created_at, .. } = member.clone();
                let email = open.email;
                let new = Person { id, login, name, email, is_enabled: true, created_at, kept_by: None };
                tenants::insert_person(tx, &new, Some(&hash))?;
                tenants::insert_membership(tx, &member)?;
            }
            Who::Known { id, .. } => {
                tenants::insert_membership(tx, &member)?;
                tenants::set_kept_by(tx, id, None)?;
            }
        }
        rows::end(tx, open.id, now, Some(member.id))?;
        let data = json!({ "member": member.id, "login": member.login, "role": role.code() });
        let about = About { tenant, ..About::default() };
        let event = events::record(tx, now, about, rule::MEMBER_JOINED, data)?;
        let detail = json!({ "login": member.login, "role": role.code(), "invitation": open.id });
        Ok(Changed::new(member.id, detail, (member, event)))
    };
    let told = |center: &Center, (member, event): &(Member, Event)| {
        center.credentials.forget_person(member.person);
        center.tell(event.clone());
    };
    let (member, _) = center.change(may, write, told).await?;
    Ok(member)
}

/// The member as others see them.
pub async fn seen(center: &Center, member: Member) -> Result<MemberView, AppError> {
    center.read(move |tx| MemberView::of(&mut Names::of(tx), &member)).await
}
