//! Disks in a browser.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    page::frame::{Page, Visitor, ok},
};

use super::ask::{self, DiskReport, TenantOnDisk};
use crate::center::Center;

#[derive(Template)]
#[template(path = "disk/show.html")]
pub struct DiskPage {
    page: Page,
    report: DiskReport,
    tenants: Vec<Line>,
}

/// A tenant by its name in the page's language.
struct Line {
    name: String,
    held: TenantOnDisk,
}

impl DiskPage {
    fn new(page: Page, mut report: DiskReport) -> Self {
        let named =
            |held: TenantOnDisk| Line { name: held.tenant_name.in_lang(page.ui.lang).to_owned(), held };
        let tenants = std::mem::take(&mut report.tenants).into_iter().map(named).collect();
        Self { page, report, tenants }
    }
}

pub async fn show(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let report = ask::show(&center, &visitor.caller).await?;
    let page = visitor.page("disk", visitor.front.ui.t("nav-disk"));
    Ok(ok(&DiskPage::new(page, report)))
}

#[cfg(test)]
mod samples {
    use base::text::Text;

    use super::*;
    use crate::{
        disk::{ask::DiskView, rule},
        portal::sample::{Sample, views},
    };

    impl Sample for DiskPage {
        fn samples(page: &Page) -> Vec<Self> {
            let disk = rule::sample();
            let with_room = rule::Disk { full_since: None, ..disk };
            let tenant = |is_over: bool| TenantOnDisk {
                tenant_slug: "univ".into(),
                tenant_name: Text { zh: "大学 <1>".into(), en: "Univ <1>".into() },
                used_bytes: if is_over { 9 << 30 } else { 0 },
                allowed_bytes: 8 << 30,
                files: 7,
                allowed_files: 5_000_000,
                is_over,
                looked_at: is_over.then_some(views::AT.into()),
            };
            let full = DiskReport {
                disks: vec![DiskView::from(&disk), DiskView::from(&with_room)],
                is_full: true,
                tenants: vec![tenant(true), tenant(false)],
                run_allowed_bytes: Some(1 << 30),
            };
            let empty = DiskReport {
                disks: Vec::new(),
                is_full: false,
                tenants: Vec::new(),
                run_allowed_bytes: None,
            };
            vec![Self::new(page.clone(), full), Self::new(page.clone(), empty)]
        }
    }
}
