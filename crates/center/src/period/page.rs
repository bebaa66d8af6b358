//! Periods in a browser: the months of the books, and one of them with the form that closes it.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, ok, render},
        words::Ui,
    },
};
use domain::{decimal::grouped, ledger::Unit};

use super::{
    ask::{self, FrozenView, PeriodDetail, PeriodView},
    closing::Missing,
    entries::{self, AccountView},
    rule::{MANAGE, PeriodState},
};
use crate::center::Center;

#[derive(Template)]
#[template(path = "period/list.html")]
pub struct PeriodsPage {
    page: Page,
    periods: Vec<PeriodView>,
    /// The month that is to be closed next, if one has ended.
    next: String,
    lacks: Vec<Lack>,
    may_manage: bool,
}

#[derive(Template)]
#[template(path = "period/show.html")]
pub struct PeriodPage {
    page: Page,
    period: PeriodView,
    is_next: bool,
    lacks: Vec<Lack>,
    given_out: Vec<FrozenView>,
    accounts: Vec<AccountLine>,
    may_manage: bool,
    form: Form,
}

/// An account in one unit, in figures that add up.
#[derive(Debug, PartialEq, Eq)]
struct AccountLine {
    name: String,
    unit: String,
    opening: String,
    debits: String,
    credits: String,
    closing: String,
}

/// The center's accounts, and those of all contracts as one.
fn account_lines(ui: Ui, accounts: &[AccountView]) -> Vec<AccountLine> {
    let mut all: Vec<AccountView> = Vec::new();
    for account in accounts {
        let same = all.iter_mut().find(|one| (one.account, one.unit) == (account.account, account.unit));
        let Some(one) = same else {
            all.push(account.clone());
            continue;
        };
        for (sum, more) in [
            (&mut one.opening, account.opening),
            (&mut one.debits, account.debits),
            (&mut one.credits, account.credits),
            (&mut one.closing, account.closing),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
    all.sort_by_key(|account| (std::cmp::Reverse(account.unit), account.account));
    let line = |account: AccountView| {
        let told = |amount: i64| grouped(&account.unit.exact(amount)).replacen('-', "− ", 1);
        AccountLine {
            name: ui.word("account", account.account),
            unit: ui.t(match account.unit {
                Unit::MicroCny => "cny",
                Unit::CardMs => "card-hours",
            }),
            opening: told(account.opening),
            debits: told(account.debits),
            credits: told(account.credits),
            closing: told(account.closing),
        }
    };
    all.into_iter().map(line).collect()
}

/// Something that is missing, in words, with where to look.
struct Lack {
    text: String,
    href: String,
}

impl Lack {
    fn of(ui: Ui, missing: &Missing) -> Self {
        match missing {
            Missing::Run { run, job, .. } => {
                Self { text: ui.t1("period-lacks-run", "run", run), href: format!("/jobs/{job}") }
            }
            Missing::Books { fault } => Self {
                text: ui.t1("period-lacks-proof", "fault", fault.in_lang(ui.lang)),
                href: "/capacity".into(),
            },
            Missing::Contract { id, number } => Self {
                text: ui.t1("period-lacks-contract", "number", number),
                href: format!("/contracts/{id}"),
            },
        }
    }
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let periods = ask::list(&center, &visitor.caller).await?;
    let next = periods.iter().rfind(|period| period.state == PeriodState::Closing);
    let next = next.map(|period| period.month.clone()).unwrap_or_default();
    let lacks =
        if next.is_empty() { Vec::new() } else { ask::show(&center, &visitor.caller, &next).await?.missing };
    let page = PeriodsPage {
        page: visitor.page("periods", ui.t("nav-periods")),
        lacks: lacks.iter().map(|missing| Lack::of(ui, missing)).collect(),
        may_manage: visitor.may(&center, MANAGE, None),
        periods,
        next,
    };
    Ok(ok(&page))
}

pub async fn show(
    State(center): State<Center>,
    Id(month): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_one(&center, &visitor, &month, StatusCode::OK, Form::default()).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    month: &str,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let PeriodDetail { period, is_next, missing, given_out } =
        ask::show(center, &visitor.caller, month).await?;
    let accounts = entries::accounts(center, &visitor.caller, month).await?.accounts;
    let page = PeriodPage {
        page: visitor.page("periods", ui.t1("period-of", "month", &period.month)),
        lacks: missing.iter().map(|missing| Lack::of(ui, missing)).collect(),
        may_manage: visitor.may(center, MANAGE, None),
        period,
        is_next,
        given_out,
        accounts: account_lines(ui, &accounts),
        form,
    };
    Ok(render(status, &page))
}

/// The entries of a month, to keep as a file.
pub async fn entries(
    State(center): State<Center>,
    Id(month): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let table = entries::table(&center, &visitor.caller, &month).await?;
    let name = format!("attachment; filename=\"entries-{month}.csv\"");
    Ok(([(header::CONTENT_DISPOSITION, name)], table).into_response())
}

pub async fn close(
    State(center): State<Center>,
    Id(month): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match ask::close(&center, &visitor.caller, &month).await {
        Ok(_) => Ok(Redirect::to(&format!("/periods/{month}")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_one(&center, &visitor, &month, status, form).await
        }
    }
}

#[cfg(test)]
mod samples {
    use base::text::Text;
    use domain::ledger::AccountName;

    use super::*;
    use crate::portal::sample::{Sample, views};

    fn period(month: &str, state: PeriodState) -> PeriodView {
        let is_closed = state == PeriodState::Closed;
        PeriodView {
            month: month.into(),
            state,
            from: views::AT.into(),
            until: views::LATER.into(),
            closed_at: is_closed.then(|| views::LATER.into()),
            closed_by: is_closed.then(|| "operator".into()),
            statements: if is_closed { 12 } else { 0 },
        }
    }

    fn lacks(ui: Ui) -> Vec<Lack> {
        let missing = [
            Missing::Run { run: views::id("run_"), job: views::id("job_"), seen_at: None },
            Missing::Books { fault: Text { zh: "借方 <1>".into(), en: "debits are <1>".into() } },
            Missing::Contract { id: views::contract().id, number: "HZ-1".into() },
        ];
        missing.iter().map(|missing| Lack::of(ui, missing)).collect()
    }

    impl Sample for PeriodsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let periods = || {
                let each = [
                    ("2026-07", PeriodState::Open),
                    ("2026-06", PeriodState::Closing),
                    ("2026-05", PeriodState::Closed),
                ];
                each.map(|(month, state)| period(month, state)).to_vec()
            };
            let sample = |next: &str, lacks, may_manage| Self {
                page: page.clone(),
                periods: periods(),
                next: next.into(),
                lacks,
                may_manage,
            };
            vec![
                sample("2026-06", lacks(page.ui), true),
                sample("2026-06", Vec::new(), true),
                sample("", Vec::new(), false),
            ]
        }
    }

    impl Sample for PeriodPage {
        fn samples(page: &Page) -> Vec<Self> {
            let mut refused = Form::default();
            refused.notice = "2026-06 <no>".into();
            let frozen = FrozenView {
                number: "2026-05-0001".into(),
                contract_id: views::contract().id,
                contract: "HZ-<1>".into(),
                tenant_slug: "univ".into(),
                sha256: "ab".repeat(32),
            };
            let account = |account, contract: &str, opening| AccountView {
                account,
                contract: (!contract.is_empty()).then(|| contract.to_owned()),
                tenant_slug: None,
                unit: Unit::MicroCny,
                opening,
                debits: 0,
                credits: 1_500_000,
                closing: opening + 1_500_000,
            };
            let accounts = [
                account(AccountName::Contract, "HZ-1", 1),
                account(AccountName::Contract, "HZ-2", 2_000_000_000),
                account(AccountName::Cash, "", -1),
            ];
            let sample = |state, is_next, lacks, given_out, form| Self {
                page: page.clone(),
                period: period("2026-06", state),
                is_next,
                lacks,
                given_out,
                accounts: if is_next { Vec::new() } else { account_lines(page.ui, &accounts) },
                may_manage: is_next,
                form,
            };
            vec![
                sample(PeriodState::Closing, true, lacks(page.ui), Vec::new(), refused),
                sample(PeriodState::Closing, true, Vec::new(), Vec::new(), Form::default()),
                sample(PeriodState::Closed, false, Vec::new(), vec![frozen], Form::default()),
                sample(PeriodState::Open, false, Vec::new(), Vec::new(), Form::default()),
            ]
        }
    }

    #[test]
    fn the_accounts_of_all_contracts_are_one_line_that_adds_up() {
        let view = |account, unit, opening, debits, credits| AccountView {
            account,
            contract: None,
            tenant_slug: None,
            unit,
            opening,
            debits,
            credits,
            closing: opening - debits + credits,
        };
        let lines = account_lines(
            Ui::of(domain::Lang::En),
            &[
                view(AccountName::Contract, Unit::MicroCny, 1_000_000_000_000, 250_000, 1),
                view(AccountName::Contract, Unit::CardMs, 0, 0, 3_600_000),
                view(AccountName::Contract, Unit::MicroCny, -1_000_000, 0, 0),
            ],
        );
        let told: Vec<_> =
            lines.iter().map(|line| [&*line.opening, &line.debits, &line.credits, &line.closing]).collect();
        assert_eq!(
            told,
            [
                ["999,999.00", "0.25", "0.000001", "999,998.750001"],
                ["0:00:00.000", "0:00:00.000", "1:00:00.000", "1:00:00.000"],
            ]
        );
    }
}
