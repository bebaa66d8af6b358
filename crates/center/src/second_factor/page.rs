//! The page of one's own second factor: setting it up, its recovery codes, removing it.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::second_factor::PAGE,
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
    },
};

use super::{
    ask::{self, Offer, SecondFactorView},
    qr::{self, Picture},
};
use crate::{app::members, center::Center};

#[derive(Template)]
#[template(path = "second_factor/show.html")]
pub struct SecondFactorPage {
    page: Page,
    factor: SecondFactorView,
    /// Nothing else is possible before it is set up.
    is_gate: bool,
    offer: Option<Offer>,
    picture: Option<Picture>,
    /// The recovery codes just made: they are shown this once.
    made: Vec<String>,
    forms: Forms,
}

/// The forms of the page that came back.
#[derive(Default)]
struct Forms {
    begin: Form,
    confirm: Form,
    renew: Form,
    remove: Form,
}

/// Where new recovery codes wait for the page that shows them once.
fn kept_for(visitor: &Visitor) -> String {
    format!("recovery {}", visitor.csrf)
}

pub async fn show(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show_with(&center, &visitor, StatusCode::OK, Forms::default()).await
}

async fn show_with(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    forms: Forms,
) -> Result<Response, AppError> {
    let factor = ask::show(center, &visitor.caller).await?;
    let offer = ask::offered(center, &visitor.caller, &visitor.front.center_name).await?;
    let made = center.secrets.take(&kept_for(visitor)).unwrap_or_default();
    let page = SecondFactorPage {
        page: visitor.page("tokens", visitor.front.ui.t("second-factor")),
        is_gate: factor.is_asked && factor.since.is_none(),
        picture: offer.as_ref().and_then(|offer| qr::picture(&offer.address)),
        factor,
        offer,
        made: made.split_whitespace().map(str::to_owned).collect(),
        forms,
    };
    Ok(render(status, &page))
}

fn field(name: &str) -> Option<&'static str> {
    match name {
        "code" => Some("code"),
        "old_password" => Some("old"),
        _ => None,
    }
}

fn done() -> Response {
    Redirect::to(PAGE).into_response()
}

pub async fn begin(
    State(center): State<Center>,
    Sent { visitor, form: mut begin }: Sent,
) -> Result<Response, AppError> {
    match ask::begin(&center, &visitor.caller, begin.raw("old")).await {
        Ok(()) => Ok(done()),
        Err(error) => {
            let status = begin.explain(visitor.front.ui, error, field)?;
            show_with(&center, &visitor, status, Forms { begin, ..Forms::default() }).await
        }
    }
}

pub async fn confirm(
    State(center): State<Center>,
    Sent { visitor, form: mut confirm }: Sent,
) -> Result<Response, AppError> {
    match ask::bind(&center, &visitor.caller, &visitor.csrf, confirm.value("code")).await {
        Ok(codes) => {
            center.secrets.put(&kept_for(&visitor), codes.join(" "));
            Ok(done())
        }
        Err(error) => {
            let status = confirm.explain(visitor.front.ui, error, field)?;
            show_with(&center, &visitor, status, Forms { confirm, ..Forms::default() }).await
        }
    }
}

pub async fn renew(
    State(center): State<Center>,
    Sent { visitor, form: mut renew }: Sent,
) -> Result<Response, AppError> {
    match ask::renew(&center, &visitor.caller, renew.value("code")).await {
        Ok(codes) => {
            center.secrets.put(&kept_for(&visitor), codes.join(" "));
            Ok(done())
        }
        Err(error) => {
            let status = renew.explain(visitor.front.ui, error, field)?;
            show_with(&center, &visitor, status, Forms { renew, ..Forms::default() }).await
        }
    }
}

pub async fn remove(
    State(center): State<Center>,
    Sent { visitor, form: mut remove }: Sent,
) -> Result<Response, AppError> {
    match ask::remove(&center, &visitor.caller, remove.raw("old"), remove.value("remove_code")).await {
        Ok(()) => Ok(done()),
        Err(error) => {
            let of_form = |name: &str| if name == "code" { Some("remove_code") } else { field(name) };
            let status = remove.explain(visitor.front.ui, error, of_form)?;
            show_with(&center, &visitor, status, Forms { remove, ..Forms::default() }).await
        }
    }
}

/// Removes that of a member's person, who lost it.
pub async fn reset(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    let member = members::show(&center, &visitor.caller, &id).await?;
    ask::reset(&center, &visitor.caller, &member.person.to_string()).await?;
    Ok(Redirect::to(&format!("/people/members/{id}")).into_response())
}

#[cfg(test)]
mod tests {
    use domain::{Rfc3339, problem::SignInFault};

    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for SecondFactorPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |is_bound: bool, is_asked: bool, forms: Forms| Self {
                page: page.clone(),
                factor: SecondFactorView {
                    since: is_bound.then_some(Rfc3339(views::AT)),
                    recovery_codes_left: if is_asked { 1 } else { 9 },
                    is_asked,
                },
                is_gate: is_asked && !is_bound,
                offer: None,
                picture: None,
                made: Vec::new(),
                forms,
            };
            let address = "otpauth://totp/x:li?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
            let offer = |form: Form| Self {
                offer: Some(Offer { secret: "GEZDGNBVGY3TQOJQ".into(), address: address.into() }),
                picture: qr::picture(address),
                ..sample(false, false, Forms { confirm: form, ..Forms::default() })
            };
            let wrong = |names: &[&str]| {
                let mut form = Form::default();
                for name in names {
                    form.blame_for(page.ui, name, SignInFault::NotTheCode);
                }
                form
            };
            let all = Forms {
                begin: wrong(&["old"]),
                confirm: Form::default(),
                renew: wrong(&["code"]),
                remove: wrong(&["old", "remove_code"]),
            };
            vec![
                sample(false, false, Forms::default()),
                sample(false, true, Forms { begin: wrong(&["old"]), ..Forms::default() }),
                offer(Form::default()),
                Self { picture: None, ..offer(wrong(&["code"])) },
                sample(true, true, all),
                Self { made: vec!["0123-4567-89ab-cdef".into()], ..sample(true, false, Forms::default()) },
            ]
        }
    }
}
