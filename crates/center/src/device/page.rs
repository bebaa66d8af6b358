//! The page on which somebody who is signed in lets a program in, or does not.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::{AppError, Unreadable},
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};
use serde::Deserialize;

use super::{ask, rule, waiting::Program};
use crate::center::Center;

#[derive(Template)]
#[template(path = "device/show.html")]
pub struct DevicePage {
    page: Page,
    form: Form,
    /// The program that waits with the code.
    program: Option<Program>,
    code: String,
    /// As whom the program may speak.
    places: Vec<Choice>,
    done: Done,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    #[default]
    Nothing,
    Allowed,
    Denied,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeviceQuery {
    /// Typed for the person by the program. It is looked at once they say so.
    user_code: String,
    done: Done,
}

pub async fn show(visitor: Visitor, Asked(query): Asked<DeviceQuery>) -> Response {
    let code = rule::read(&query.user_code).map(|code| rule::shown(&code)).unwrap_or_default();
    entry(&visitor, StatusCode::OK, Form::with(&[("user_code", code)]), query.done)
}

fn page(visitor: &Visitor, form: Form) -> DevicePage {
    DevicePage {
        page: visitor.page("tokens", visitor.front.ui.t("device")),
        form,
        program: None,
        code: String::new(),
        places: Vec::new(),
        done: Done::Nothing,
    }
}

fn entry(visitor: &Visitor, status: StatusCode, form: Form, done: Done) -> Response {
    render(status, &DevicePage { done, ..page(visitor, form) })
}

fn field(name: &str) -> Option<&'static str> {
    (name == "user_code").then_some("user_code")
}

/// The program that waits with the code that was typed. Nothing is done with it yet.
pub async fn look(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    match ask::look(&center, &visitor.caller, form.value("user_code")) {
        Ok((code, program)) => {
            let places = visitor.front.session.iter().flat_map(|session| session.places.iter());
            let places = places.map(|place| {
                let tenant = place.tenant.as_ref();
                let name = tenant.map_or_else(|| ui.t("center"), |tenant| tenant.name(ui.lang).to_owned());
                let word = format!("{name} · {}", ui.word("role", place.role.code()));
                Choice::new(place.member.to_string(), word)
            });
            let places = places.collect();
            let form = Form::with(&[("member", visitor.caller.member.id.to_string())]);
            let code = rule::shown(&code);
            let shown = DevicePage { program: Some(program), code, places, ..page(&visitor, form) };
            Ok(render(StatusCode::OK, &shown))
        }
        Err(error) => {
            let status = form.explain(ui, error, field)?;
            Ok(entry(&visitor, status, form, Done::Nothing))
        }
    }
}

pub async fn answer(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let (member, to) = match form.value("answer") {
        "allow" => (Some(form.value("member").to_owned()), "/device?done=allowed"),
        "deny" => (None, "/device?done=denied"),
        _ => {
            let message = "`answer` is neither `allow` nor `deny`".into();
            return Err(AppError::Unreadable { part: Unreadable::Form, message });
        }
    };
    match ask::answer(&center, &visitor.caller, form.value("user_code"), member.as_deref()).await {
        Ok(()) => Ok(Redirect::to(to).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, field)?;
            Ok(entry(&visitor, status, form, Done::Nothing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for DevicePage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |form: Form, done: Done| Self {
                page: page.clone(),
                form,
                program: None,
                code: String::new(),
                places: Vec::new(),
                done,
            };
            let asks = |machine: &str, places: usize| Self {
                program: Some(Program {
                    client: "qiantang".into(),
                    machine: machine.into(),
                    from: "192.0.2.1".into(),
                    asked_at: views::AT,
                }),
                code: "BCDF-GHJK".into(),
                places: [("a", "Univ · developer"), ("b", "The center · operator")][..places]
                    .iter()
                    .map(|(value, word)| Choice::new(*value, *word))
                    .collect(),
                ..sample(Form::with(&[("member", "a".into())]), Done::Nothing)
            };
            let mut wrong = Form::with(&[("user_code", "BCDF".into())]);
            wrong.blame_for(page.ui, "user_code", domain::problem::SignInFault::NotAUserCode);
            vec![
                sample(Form::default(), Done::Nothing),
                sample(wrong, Done::Nothing),
                sample(Form::default(), Done::Allowed),
                sample(Form::default(), Done::Denied),
                asks("laptop <1>", 2),
                asks("", 1),
            ]
        }
    }
}
