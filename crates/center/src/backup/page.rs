//! Backups in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
    },
};

use super::ask::{self, Backups};
use crate::{actions, center::Center};

#[derive(Template)]
#[template(path = "backup/list.html")]
pub struct BackupsPage {
    page: Page,
    backups: Backups,
    may_make: bool,
    form: Form,
}

impl BackupsPage {
    /// The size in MiB with one decimal, as a file manager shows it.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn size(bytes: &u64) -> String {
        let tenths = (bytes.saturating_mul(10) / (1 << 20)).max(1);
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let backups = ask::list(center, &visitor.caller).await?;
    let may_make = visitor.may(center, actions::BACKUP, None);
    let page = visitor.page("backups", visitor.front.ui.t("nav-backups"));
    Ok(render(status, &BackupsPage { page, backups, may_make, form }))
}

pub async fn make(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match ask::make(&center, &visitor.caller, None).await {
        Ok(_) => Ok(Redirect::to("/backups").into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show(&center, &visitor, status, form).await
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::{
        backup::{Keeping, ask::BackupView},
        portal::sample::{Sample, views},
    };

    impl Sample for BackupsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let view = |kept| BackupView {
                name: "center-<1>.db".into(),
                bytes: 3 << 20,
                made_at: views::AT.into(),
                kept,
            };
            let full = Backups {
                folder: "/var/backups/<1>".into(),
                at: Some("02:30".into()),
                next_at: Some(views::LATER.into()),
                keep_daily: 7,
                keep_weekly: 4,
                error: Some("the disk is full <1>".into()),
                items: [Keeping::Daily, Keeping::Weekly, Keeping::ByHand].map(view).into(),
            };
            let none = Backups { at: None, next_at: None, error: None, items: Vec::new(), ..full.clone() };
            let of =
                |backups, may_make| Self { page: page.clone(), backups, may_make, form: Form::default() };
            vec![of(full, true), of(none, false)]
        }
    }

    #[test]
    fn sizes_are_told_in_mib_and_none_is_nothing() {
        let told = [1, 1 << 20, 1_600_000, 5 << 30].map(|bytes| BackupsPage::size(&bytes));
        assert_eq!(told, ["0.1", "1.0", "1.5", "5120.0"]);
    }
}
