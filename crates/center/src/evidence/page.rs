//! The evidence of a run, to read and to print.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    http::Id,
    page::{
        frame::{Page, Visitor, ok},
        words::Ui,
    },
};
use domain::{CardMs, MicroCny, Timestamp, decimal::grouped};

use super::{
    ask::{self, Evidence, RateOf},
    rule::DayLine,
};
use crate::{center::Center, portal::jobs::runs::places};

#[derive(Template)]
#[template(path = "evidence/show.html")]
pub struct EvidencePage {
    page: Page,
    evidence: Evidence,
    places: String,
    /// The price book, in words; empty where there is none.
    book: String,
    /// The multiplication, a line a step.
    steps: Vec<Step>,
    days: Vec<Day>,
    /// The link and the root that seal the run, in words; empty where none does yet.
    sealed: String,
    covered: String,
}

/// A step from use to charge.
struct Step {
    name: String,
    sum: String,
    result: String,
}

/// The entries of a day and cause.
struct Day {
    name: String,
    entries: u64,
    hours: String,
    amount: String,
}

fn money(amount: MicroCny) -> String {
    format!("¥ {}", grouped(&amount.exact())).replacen("¥ -", "− ¥ ", 1)
}

fn hours(used: CardMs) -> String {
    grouped(&used.exact()).replacen('-', "− ", 1)
}

fn steps(ui: Ui, evidence: &Evidence) -> Vec<Step> {
    let charged = &evidence.charged;
    let step = |name: &str, sum: String, result: String| Step { name: ui.t(name), sum, result };
    let count = |n: i64| grouped(&n.to_string());
    let use_sum = format!("{} × {} ms", charged.cards, count(charged.charged_ms));
    let rate = charged.rate_micro_cny_per_card_hour.0;
    let mut all = vec![
        step("evidence-use", use_sum, format!("{} card-ms", count(charged.card_ms.0))),
        step("evidence-hours", format!("{} ÷ 3,600,000", count(charged.card_ms.0)), hours(charged.card_ms)),
        step(
            "evidence-charge",
            format!("{} × {} ÷ 3,600,000", money(rate), count(charged.card_ms.0)),
            money(charged.charge_micro_cny),
        ),
    ];
    if charged.waived_percent > 0 {
        let waived = format!("{} % · {}", charged.waived_percent, hours(charged.waived_card_ms));
        all.push(step("evidence-waived", waived, money(MicroCny(-charged.waived_micro_cny.0))));
    }
    all.push(step("evidence-due", hours(charged.due_card_ms), money(charged.due_micro_cny)));
    all.push(step("evidence-posted", hours(charged.posted_card_ms), money(charged.posted_micro_cny)));
    all
}

fn day(ui: Ui, line: &DayLine) -> Day {
    let cause = ui.word("cause", line.cause);
    let cause = line.corrects.map_or(cause.clone(), |month| ui.t2("statement-corrects", cause, month));
    Day {
        name: format!("{} · {cause}", line.day),
        entries: line.entries,
        hours: hours(line.card_ms),
        amount: money(line.micro_cny),
    }
}

fn of(page: Page, evidence: Evidence) -> EvidencePage {
    let ui = page.ui;
    let sealed =
        evidence.link.as_ref().map(|link| ui.t2("evidence-link", link.link, ui.zone.rfc3339(link.at.0)));
    let covered = evidence.root.as_ref().map(|root| ui.t2("evidence-root", root.number, &root.occasion));
    let book = evidence.price.as_ref();
    let book = book.map(|price| ui.t2("evidence-book", &price.name, ui.zone.clock(price.effective_from.0)));
    EvidencePage {
        book: book.unwrap_or_default(),
        places: places(&evidence.run.places),
        steps: steps(ui, &evidence),
        days: evidence.days.iter().map(|line| day(ui, line)).collect(),
        sealed: sealed.unwrap_or_default(),
        covered: covered.unwrap_or_default(),
        page,
        evidence,
    }
}

impl EvidencePage {
    /// An instant to its last digit.
    fn exact(&self, at: impl AsRef<Timestamp>) -> String {
        self.page.ui.zone.rfc3339(*at.as_ref())
    }
}

pub async fn show(State(center): State<Center>, Id(id): Id, visitor: Visitor) -> Result<Response, AppError> {
    let evidence = ask::show(&center, &visitor.caller, &id).await?;
    let title = visitor.front.ui.t("evidence");
    Ok(ok(&of(visitor.page("jobs", title), evidence)))
}

impl RateOf {
    fn key(self) -> &'static str {
        match self {
            Self::PriceBook => "evidence-rate-price_book",
            Self::Package => "evidence-rate-package",
            Self::Contract => "evidence-rate-contract",
        }
    }
}

#[cfg(test)]
mod samples {
    use domain::{
        RatePerCardHour, RunStatus, ServiceClass, TenantDomain, contract::ContractKindName, ledger::CauseName,
    };

    use super::*;
    use crate::{
        app::jobs::RunView,
        evidence::{
            ask::{LinkView, PriceLine},
            rule::Charged,
        },
        portal::sample::{Sample, views},
    };

    fn run(has_ended: bool) -> RunView {
        RunView {
            id: views::id("run_"),
            job: views::id("job_"),
            task: 0,
            attempt: 1,
            state: if has_ended { RunStatus::Lost } else { RunStatus::Running },
            exit_code: None,
            reason: None,
            stopping: None,
            planned_at: views::AT.into(),
            started_at: Some(views::AT.into()),
            ended_at: has_ended.then(|| views::LATER.into()),
            elapsed_ms: 3_600_000,
            places: Vec::new(),
            rate_micro_cny_per_card_hour: RatePerCardHour(MicroCny(1_750_000)),
            price_book: None,
            used_card_ms: CardMs(7_200_001),
            charge_micro_cny: MicroCny(2_625_000),
            waived_micro_cny: MicroCny(875_000),
            is_generated: has_ended,
        }
    }

    fn sample(page: &Page, is_sealed: bool) -> EvidencePage {
        let used = CardMs(7_200_001);
        let charged = Charged {
            cards: 2,
            charged_ms: 3_600_000,
            card_ms: used,
            card_hours: used.exact(),
            rate_micro_cny_per_card_hour: RatePerCardHour(MicroCny(1_750_000)),
            charge_micro_cny: MicroCny(3_500_000),
            waived_percent: if is_sealed { 25 } else { 0 },
            waived_card_ms: CardMs(1_800_001),
            waived_micro_cny: MicroCny(875_000),
            due_card_ms: CardMs(5_400_000),
            due_micro_cny: MicroCny(2_625_000),
            posted_card_ms: CardMs(5_400_000),
            posted_micro_cny: MicroCny(2_625_000),
            agrees: is_sealed.then_some(false),
        };
        let line = DayLine {
            day: "2026-05-20".into(),
            cause: CauseName::Waiver,
            corrects: is_sealed.then(|| "2026-04".parse().expect("a month")),
            entries: 1,
            card_ms: CardMs(-1),
            micro_cny: MicroCny(-875_000),
        };
        let price = PriceLine {
            book: views::id("pb_"),
            name: "2026 <a>".into(),
            effective_from: views::AT.into(),
            rate_micro_cny_per_card_hour: is_sealed.then_some(RatePerCardHour(MicroCny(1_750_000))),
        };
        let evidence = Evidence {
            run: run(is_sealed),
            job_name: "Sweep <1>".into(),
            tenant_slug: "univ".into(),
            project: "vision".into(),
            contract: "HZ-<1>".into(),
            contract_kind: ContractKindName::Metered,
            pool: "hall".into(),
            service_class: ServiceClass::Normal,
            domain: TenantDomain::Research,
            charged_until: views::LATER.into(),
            charged_at_most_ms: is_sealed.then_some(3_610_000),
            rate_of: if is_sealed { RateOf::PriceBook } else { RateOf::Contract },
            price: Some(price).filter(|_| is_sealed),
            charged,
            days: if is_sealed { vec![line] } else { Vec::new() },
            entries: views::transfers(),
            entry_count: 2,
            link: is_sealed.then(|| LinkView { link: 9, at: views::AT.into(), digest: "ab".repeat(32) }),
            root: is_sealed.then(|| views::root(true)),
        };
        of(page.clone(), evidence)
    }

    impl Sample for EvidencePage {
        fn samples(page: &Page) -> Vec<Self> {
            vec![sample(page, true), sample(page, false)]
        }
    }
}
