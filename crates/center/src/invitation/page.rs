//! Invitations in a browser: who may invite sees them, and whoever has a link takes one.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::credentials::SESSION_COOKIE,
    error::AppError,
    http::{Id, cookie, status},
    page::{
        extract::{Sent, SentByStranger},
        fault,
        form::{Choice, Form},
        frame::{Front, Page, Visitor, render},
    },
    refusal::Refused,
};
use domain::Member;

use super::{
    ask::{self, InvitationView, Joining, NewInvitation, Offer},
    rule::{self, InvitationState},
};
use crate::{
    app::sign_in,
    center::Center,
    entry::{door, state::Onward},
    oidc::issuers::Offered,
    portal::{address, tenants::tenants_by_name},
    role::rule::least_first,
    session::rule::Way,
};

#[derive(Template)]
#[template(path = "invitation/list.html")]
pub struct InvitationsPage {
    page: Page,
    invitations: Vec<InvitationView>,
    with_tenant: bool,
    may_invite: bool,
    /// The link just made: it is shown this once.
    made: Option<String>,
    days: i64,
    /// The center sends mail.
    sends: bool,
    roles: Vec<Choice>,
    /// The center's own people are last.
    tenants: Vec<Choice>,
    form: Form,
}

/// Under which the link of an invitation is kept until its page is asked for.
fn kept_for(visitor: &Visitor) -> String {
    format!("invitation {}", visitor.csrf)
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show_list(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show_list(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let invitations = ask::list(center, &visitor.caller).await?;
    let own = visitor.caller.member.tenant;
    let of_tenants = least_first(&center.policies, false);
    let of_center = if own.is_none() { least_first(&center.policies, true) } else { Vec::new() };
    let roles = of_tenants.into_iter().chain(of_center);
    let mut tenants = tenants_by_name(center, visitor).await?;
    if own.is_none() {
        tenants.push(Choice::new("", ui.t("center")));
    }
    let page = InvitationsPage {
        page: visitor.page("members", ui.t("invitations")),
        invitations,
        with_tenant: own.is_none(),
        may_invite: visitor.may(center, rule::INVITE, own),
        made: center.secrets.take(&kept_for(visitor)),
        days: center.settings.sign_in.invitation_days,
        sends: center.common.mail.is_on(),
        roles: roles.map(|role| Choice::new(role.code(), ui.word("role", role.code()))).collect(),
        tenants,
        form,
    };
    Ok(render(status, &page))
}

pub async fn invite(
    State(center): State<Center>,
    headers: HeaderMap,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let new = NewInvitation {
        email: form.value("email").to_owned(),
        role: form.value("role").to_owned(),
        tenant: Some(form.value("tenant").to_owned()).filter(|slug| !slug.is_empty()),
        send: form.has("send", "yes"),
    };
    match ask::invite(&center, &visitor.caller, new).await {
        Ok(made) => {
            center.secrets.put(&kept_for(&visitor), address::whole(&center, &headers, &made.path));
            Ok(Redirect::to("/people/invitations").into_response())
        }
        Err(error) => {
            let fields = ["email", "role", "tenant"];
            let field = |name: &str| fields.into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            show_list(&center, &visitor, status, form).await
        }
    }
}

pub async fn take_back(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::take_back(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/people/invitations").into_response())
}

#[derive(Template)]
#[template(path = "invitation/join.html")]
pub struct JoinPage {
    page: Page,
    token: String,
    /// The tenant's name, or that of the center.
    place: String,
    offer: Offer,
    issuers: Vec<Offered>,
    /// The login of whoever is signed in.
    own: Option<String>,
    own_form: Form,
    known: Form,
    /// Whoever has a second factor gives its code as well.
    asks_code: bool,
    new: Form,
    least_chars: usize,
}

/// The forms of the page that came back.
#[derive(Default)]
struct Forms {
    own: Form,
    known: Form,
    asks_code: bool,
    new: Form,
}

pub async fn look(State(center): State<Center>, Id(token): Id, front: Front) -> Result<Response, AppError> {
    show(&center, front, StatusCode::OK, token, Forms::default()).await
}

async fn show(
    center: &Center,
    front: Front,
    status: StatusCode,
    token: String,
    forms: Forms,
) -> Result<Response, AppError> {
    let offer = ask::look(center, &token).await?;
    let ui = front.ui;
    let place = match &offer.tenant {
        Some(name) => name.in_lang(ui.lang).to_owned(),
        None => front.center_name.clone(),
    };
    let own = front.session.as_ref().map(|session| session.member.login.clone());
    let is_typed = !forms.new.fields().is_empty();
    let new = if is_typed { forms.new } else { Form::with(&[("new_login", offer.email.clone())]) };
    let title = ui.t("invitation");
    let (own_form, known, asks_code) = (forms.own, forms.known, forms.asks_code);
    let least_chars = center.settings.sign_in.password_chars;
    let issuers = center.issuers.offered(ui.lang);
    let page = Page::new(front, "", title);
    let page =
        JoinPage { page, token, place, offer, issuers, own, own_form, known, asks_code, new, least_chars };
    Ok(render(status, &page))
}

/// Somebody is a member, and goes on in this browser as that.
async fn entered(
    center: &Center,
    front: &Front,
    (member, way): (Member, Way),
    headers: &HeaderMap,
) -> Result<Response, AppError> {
    // The session of before, if there is one, is of another member.
    if let Some(secret) = cookie(headers, SESSION_COOKIE) {
        sign_in::end_session(center, secret).await?;
    }
    door::enter(center, front, member, way, Onward::default()).await
}

pub async fn join_new(
    State(center): State<Center>,
    Id(token): Id,
    headers: HeaderMap,
    SentByStranger { front, form: mut new }: SentByStranger,
) -> Result<Response, AppError> {
    let joining = Joining {
        token: token.clone(),
        login: new.value("new_login").to_owned(),
        password: new.raw("new_password").to_owned(),
        code: None,
        name: Some(new.value("new_name").to_owned()),
    };
    let source = door::source(&center, &front, &joining.login).await?;
    match ask::join(&center, &source, joining).await {
        Ok(joined) => entered(&center, &front, joined, &headers).await,
        Err(error) => {
            let field = |name: &str| match name {
                "login" | "already_there" => Some("new_login"),
                "password" => Some("new_password"),
                "name" => Some("new_name"),
                _ => None,
            };
            let status = new.explain(front.ui, error, field)?;
            show(&center, front, status, token, Forms { new, ..Forms::default() }).await
        }
    }
}

pub async fn join_known(
    State(center): State<Center>,
    Id(token): Id,
    headers: HeaderMap,
    SentByStranger { front, form: mut known }: SentByStranger,
) -> Result<Response, AppError> {
    let joining = Joining {
        token: token.clone(),
        login: known.value("login").to_owned(),
        password: known.raw("password").to_owned(),
        code: Some(known.value("code").to_owned()),
        name: None,
    };
    let source = door::source(&center, &front, &joining.login).await?;
    let joined = ask::join(&center, &source, joining).await;
    let asks_code = match &joined {
        Err(AppError::Refused(refused)) => **refused == Refused::CodeNeeded,
        Err(AppError::Invalid(_)) => true,
        _ => false,
    };
    let status = match joined {
        Ok(joined) => return entered(&center, &front, joined, &headers).await,
        Err(error @ AppError::WrongPassword) => {
            known.notice = fault::told(front.ui, &error).title;
            status(&error)
        }
        Err(error) => known.explain(front.ui, error, |name| (name == "code").then_some("code"))?,
    };
    show(&center, front, status, token, Forms { known, asks_code, ..Forms::default() }).await
}

pub async fn join_own(
    State(center): State<Center>,
    Id(token): Id,
    headers: HeaderMap,
    Sent { visitor, form: mut own }: Sent,
) -> Result<Response, AppError> {
    match ask::join_as(&center, &visitor.caller, &token).await {
        Ok(member) => {
            let way = visitor.front.session.as_ref().map_or(Way::Password, |session| session.way);
            entered(&center, &visitor.front, (member, way), &headers).await
        }
        Err(error) => {
            let status = own.explain(visitor.front.ui, error, |_| None)?;
            show(&center, visitor.front, status, token, Forms { own, ..Forms::default() }).await
        }
    }
}

#[cfg(test)]
mod samples {
    use domain::{Role, problem::Wrong};

    use super::*;
    use crate::portal::sample::{Sample, views};
    use base::text::Text;

    impl Sample for InvitationsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = |state: InvitationState, tenant: Option<&str>| InvitationView {
                id: views::id("inv_"),
                tenant_slug: tenant.map(str::to_owned),
                email: "lin@univ.example".into(),
                role: Role::Developer,
                state,
                invited_by: "admin".into(),
                created_at: views::AT.into(),
                expires_at: views::LATER.into(),
                taken_by: (state == InvitationState::Taken).then(|| "lin".to_owned()),
            };
            let mut form = Form::with(&[("email", "lin".into())]);
            for field in ["email", "role", "tenant"] {
                form.blame_for(page.ui, field, Wrong::HasNul);
            }
            let all = InvitationState::ALL.map(|state| line(state, Some("univ")));
            let sample = |is_of_center: bool, may_invite: bool, form: Form| Self {
                page: page.clone(),
                invitations: all.iter().cloned().chain([line(InvitationState::Open, None)]).collect(),
                with_tenant: is_of_center,
                may_invite,
                made: may_invite.then(|| "https://center.example/join/SECRET".to_owned()),
                days: 7,
                sends: is_of_center,
                roles: vec![Choice::new("developer", "Developer < 1")],
                tenants: views::tenants(),
                form,
            };
            vec![
                sample(true, true, Form::default()),
                sample(false, true, form),
                sample(true, false, Form::default()),
                Self { invitations: Vec::new(), made: None, ..sample(false, true, Form::default()) },
            ]
        }
    }

    impl Sample for JoinPage {
        fn samples(page: &Page) -> Vec<Self> {
            let wrong = |fields: &[&str]| {
                let mut form = Form::with(&[("new_login", "li".into()), ("login", "li".into())]);
                for field in fields {
                    form.blame_for(page.ui, field, Wrong::HasNul);
                }
                form.notice = "no <way>".into();
                form
            };
            let sample = |own: Option<&str>, forms: Forms| Self {
                page: page.clone(),
                token: "SECRET".into(),
                place: "Univ < A".into(),
                offer: Offer {
                    tenant: Some(Text { zh: "大学".into(), en: "Univ".into() }),
                    role: Role::Developer,
                    email: "lin@univ.example".into(),
                    expires_at: views::LATER.into(),
                },
                issuers: own
                    .map(|_| Offered { name: "a".into(), label: "Univ < A".into() })
                    .into_iter()
                    .collect(),
                own: own.map(str::to_owned),
                own_form: forms.own,
                known: forms.known,
                asks_code: forms.asks_code,
                new: forms.new,
                least_chars: 10,
            };
            let faulty = Forms {
                own: wrong(&[]),
                known: wrong(&["code"]),
                asks_code: true,
                new: wrong(&["new_login", "new_name", "new_password"]),
            };
            vec![
                sample(None, Forms::default()),
                sample(Some("li"), Forms::default()),
                sample(Some("li"), Forms { own: wrong(&[]), ..Forms::default() }),
                sample(None, faulty),
            ]
        }
    }
}
