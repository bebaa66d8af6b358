//! Debts in a browser.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    page::{
        frame::{Page, Visitor, ok},
        words::Ui,
    },
};
use domain::MicroCny;

use super::{
    ask::{self, Ageing},
    rule::Ages,
};
use crate::center::Center;

#[derive(Template)]
#[template(path = "debt/list.html")]
pub struct DebtsPage {
    page: Page,
    lines: Vec<Line>,
}

/// A row of the table: the debts of a tenant, of one of its contracts, or all.
struct Line {
    name: String,
    /// Where the contract's statements are; empty for a sum.
    href: String,
    detail: String,
    ages: [MicroCny; 6],
}

fn lines(ui: Ui, ageing: Ageing) -> Vec<Line> {
    let mut lines = Vec::new();
    let sum = |name: String, ages: Ages| Line {
        name,
        href: String::new(),
        detail: String::new(),
        ages: ages.parts(),
    };
    for tenant in ageing.tenants {
        let name = tenant.tenant_name.in_lang(ui.lang).to_owned();
        for debt in tenant.debts {
            lines.push(Line {
                href: format!("/contracts/{}/statement", debt.contract_id),
                detail: [name.clone(), ui.word("kind", debt.kind), ui.word("debt", debt.what)].join(" · "),
                name: debt.contract,
                ages: debt.ages.parts(),
            });
        }
        lines.push(sum(ui.t1("debt-of", "tenant", name), tenant.total));
    }
    lines.push(sum(ui.t("total"), ageing.total));
    lines
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let ageing = ask::list(&center, &visitor.caller).await?;
    let lines = if ageing.tenants.is_empty() { Vec::new() } else { lines(ui, ageing) };
    Ok(ok(&DebtsPage { page: visitor.page("debts", ui.t("nav-debts")), lines }))
}

#[cfg(test)]
mod samples {
    use base::text::Text;
    use domain::contract::ContractKindName;

    use super::*;
    use crate::{
        debt::{
            ask::{DebtView, TenantDebt},
            rule::DebtKind,
        },
        portal::sample::{Sample, views},
    };

    impl Sample for DebtsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let ages = super::super::rule::ages(5_000_000, &[]);
            let debt = |what| DebtView {
                contract_id: views::contract().id,
                contract: "HZ-<1>".into(),
                kind: ContractKindName::Metered,
                what,
                ages,
            };
            let tenant = TenantDebt {
                tenant_slug: "univ".into(),
                tenant_name: Text { zh: "大学 <1>".into(), en: "Univ <1>".into() },
                total: ages,
                debts: vec![debt(DebtKind::Fee), debt(DebtKind::Balance)],
            };
            let ageing = Ageing { as_of: views::AT.into(), total: ages, tenants: vec![tenant] };
            vec![
                Self { page: page.clone(), lines: lines(page.ui, ageing) },
                Self { page: page.clone(), lines: Vec::new() },
            ]
        }
    }
}
