//! Endpoints in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    notice::endpoint::rule::{DeliveryState, EndpointKind},
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use center::center::Center;
use domain::Lang;

use super::{
    ask::{self, DeliveryView, NewWebhook, WebhookChange, WebhookView},
    rule,
};

#[derive(Template)]
#[template(path = "webhook/list.html")]
pub struct WebhooksPage {
    page: Page,
    webhooks: Vec<WebhookView>,
    /// The reader is of the center's people, who see those of all.
    with_tenant: bool,
    may_keep: bool,
    kinds: Vec<Choice>,
    langs: Vec<Choice>,
    events: Vec<Choice>,
    form: Form,
}

fn events(center: &Center, ui: Ui) -> Vec<Choice> {
    ask::kinds(center).into_iter().map(|kind| Choice::new(kind, event_word(ui, kind))).collect()
}

fn event_word(ui: Ui, kind: &str) -> String {
    ui.word("event-name", kind.replace('_', "-"))
}

fn langs(ui: Ui) -> Vec<Choice> {
    Lang::ALL.iter().map(|lang| Choice::new(lang.code(), ui.word("wish-lang", lang.code()))).collect()
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
    let kind = |kind: &EndpointKind| Choice::new(kind.code(), ui.word("endpoint-kind", kind.code()));
    let page = WebhooksPage {
        webhooks: ask::list(center, &visitor.caller).await?,
        page: visitor.page("webhooks", ui.t("nav-webhooks")),
        with_tenant: visitor.is_of_center(),
        may_keep: visitor.may(center, rule::KEEP, visitor.caller.member.tenant),
        kinds: EndpointKind::ALL.iter().map(kind).collect(),
        langs: langs(ui),
        events: events(center, ui),
        form,
    };
    Ok(render(status, &page))
}

/// Under which a new secret waits for its page.
fn kept_for(visitor: &Visitor, id: &str) -> String {
    format!("{} webhook {id}", visitor.csrf)
}

pub async fn make(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| form.value(name).to_owned();
    let new = NewWebhook {
        name: text("name"),
        kind: text("kind"),
        url: text("url"),
        secret: form.raw("secret").to_owned(),
        events: form.all("events"),
        lang: text("lang"),
        tenant: None,
    };
    match ask::make(&center, &visitor.caller, new).await {
        Ok(made) => {
            let id = made.webhook.id.to_string();
            if let Some(secret) = made.secret {
                center.secrets.put(&kept_for(&visitor, &id), secret);
            }
            Ok(Redirect::to(&format!("/webhooks/{id}")).into_response())
        }
        Err(error) => {
            let field = |name: &str| match name {
                "secrets" => Some("secret"),
                other => ["name", "kind", "url", "events", "lang"].into_iter().find(|known| *known == other),
            };
            let status = form.explain(visitor.front.ui, error, field)?;
            // The secret is typed again: no page holds it.
            show_list(&center, &visitor, status, form.without("secret")).await
        }
    }
}

#[derive(Template)]
#[template(path = "webhook/show.html")]
pub struct WebhookPage {
    page: Page,
    webhook: WebhookView,
    deliveries: Vec<DeliveryView>,
    may_keep: bool,
    /// A secret that was just made, shown this once.
    secret: Option<String>,
    langs: Vec<Choice>,
    events: Vec<Choice>,
    form: Form,
}

impl WebhookPage {
    fn event(&self, kind: &str) -> String {
        event_word(self.page.ui, kind)
    }
}

pub async fn show(State(center): State<Center>, Id(id): Id, visitor: Visitor) -> Result<Response, AppError> {
    show_one(&center, &visitor, StatusCode::OK, &id, None).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    id: &str,
    form: Option<Form>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let webhook = ask::show(center, &visitor.caller, id).await?;
    let form = form.unwrap_or_else(|| {
        let mut values =
            vec![("name".to_owned(), webhook.name.clone()), ("lang".to_owned(), webhook.lang.clone())];
        values.extend(webhook.events.iter().map(|event| ("events".to_owned(), event.clone())));
        Form::of(values)
    });
    let own = visitor.caller.member.tenant;
    let page = WebhookPage {
        deliveries: ask::deliveries(center, &visitor.caller, id, None).await?,
        page: visitor.page("webhooks", webhook.name.clone()),
        may_keep: visitor.may(center, rule::KEEP, own),
        secret: center.secrets.take(&kept_for(visitor, id)),
        langs: langs(ui),
        events: events(center, ui),
        webhook,
        form,
    };
    Ok(render(status, &page))
}

fn back(id: &str) -> Response {
    Redirect::to(&format!("/webhooks/{}", base::http::encode(id))).into_response()
}

pub async fn change(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let change = match form.value("is_enabled") {
        "" => WebhookChange {
            name: Some(form.value("name").to_owned()),
            events: Some(form.all("events")),
            lang: Some(form.value("lang").to_owned()),
            is_enabled: None,
        },
        is_enabled => WebhookChange { is_enabled: Some(is_enabled == "yes"), ..WebhookChange::default() },
    };
    match ask::change(&center, &visitor.caller, &id, change).await {
        Ok(_) => Ok(back(&id)),
        Err(error) => {
            let field = |name: &str| ["name", "events", "lang"].into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            show_one(&center, &visitor, status, &id, Some(form)).await
        }
    }
}

pub async fn rotate(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    let made = ask::rotate(&center, &visitor.caller, &id).await?;
    if let Some(secret) = made.secret {
        center.secrets.put(&kept_for(&visitor, &id), secret);
    }
    Ok(back(&id))
}

pub async fn test(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::test(&center, &visitor.caller, &id).await?;
    Ok(back(&id))
}

pub async fn remove(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::remove(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/webhooks").into_response())
}

pub async fn replay(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    ask::replay(&center, &visitor.caller, &id, form.value("delivery")).await?;
    Ok(back(&id))
}

#[cfg(test)]
pub mod samples {
    use base::notice::endpoint::rule::{DeliveryId, EndpointId};
    use domain::{Timestamp, problem::Wrong};

    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn webhook(kind: EndpointKind, why: &str, tenant: Option<&str>) -> WebhookView {
        WebhookView {
            id: EndpointId::from_bytes([1; 16]),
            tenant_slug: tenant.map(str::to_owned),
            kind,
            name: "Billing <1>".into(),
            address: "https://a.example/hook".into(),
            events: vec!["job_ended".into(), "contract_changed".into()],
            lang: "zh".into(),
            is_enabled: why.is_empty(),
            why: why.into(),
            failures: u32::from(!why.is_empty()),
            rest_until: (!why.is_empty()).then(|| AT.into()),
            old_secret_until: why.is_empty().then(|| AT.into()),
            waiting: 3,
            failed: 1,
            created_at: AT.into(),
        }
    }

    fn choices() -> Vec<Choice> {
        vec![Choice::new("job_ended", "A job <ended>"), Choice::new("contract_changed", "A contract changed")]
    }

    fn wrong(page: &Page) -> Form {
        let mut form = Form::with(&[("name", "x".into()), ("events", "job_ended".into())]);
        for field in ["name", "kind", "url", "secret", "events", "lang"] {
            form.blame_for(page.ui, field, Wrong::HasNul);
        }
        form
    }

    impl WebhooksPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let sample = |webhooks, is_of_center, may_keep, form| Self {
                page: page.clone(),
                webhooks,
                with_tenant: is_of_center,
                may_keep,
                kinds: choices(),
                langs: choices(),
                events: choices(),
                form,
            };
            let some = vec![
                webhook(EndpointKind::Webhook, "", Some("univ")),
                webhook(EndpointKind::Feishu, "gone", None),
            ];
            vec![
                sample(some.clone(), true, true, Form::default()),
                sample(some, false, false, Form::default()),
                sample(Vec::new(), false, true, wrong(page)),
            ]
        }
    }

    impl WebhookPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let delivery = |state: DeliveryState| DeliveryView {
                id: DeliveryId::from_bytes([1; 16]),
                event: Some(7),
                kind: "job_ended".into(),
                state,
                attempts: 2,
                due_at: (state == DeliveryState::Waiting).then(|| AT.into()),
                status: (state != DeliveryState::Failed).then_some(200),
                answer: "no <answer>".into(),
                at: AT.into(),
                tried_at: Some(AT.into()),
            };
            let sample = |webhook, may_keep, secret: Option<&str>, form| Self {
                page: page.clone(),
                webhook,
                deliveries: DeliveryState::ALL.map(delivery).to_vec(),
                may_keep,
                secret: secret.map(str::to_owned),
                langs: choices(),
                events: choices(),
                form,
            };
            let plain = || Form::with(&[("name", "x".into()), ("events", "job_ended".into())]);
            vec![
                sample(webhook(EndpointKind::Webhook, "", None), true, Some("whsec_SECRET"), plain()),
                sample(webhook(EndpointKind::Dingtalk, "failing", Some("univ")), true, None, wrong(page)),
                Self {
                    deliveries: Vec::new(),
                    ..sample(webhook(EndpointKind::Webhook, "gone", None), false, None, plain())
                },
            ]
        }
    }
}
