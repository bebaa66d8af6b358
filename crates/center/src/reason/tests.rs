//! Each documented code of an end, a wait and a refusal, through the views that API and pages are made of. The samples
//! are exhaustive: a new code without one does not compile.

use std::collections::BTreeSet;

use askama::Template as _;
use base::{
    api::Problem,
    error::AppError,
    page::{
        fault,
        frame::Page,
        words::{Ui, escape},
    },
    refusal,
};
use domain::{
    BudgetId, ContractState, JobId, JobStatus, Lang, ServiceClass, Timestamp, Zone,
    budget::{UsedUp, WhoseKind},
    job::JobOutcome,
    ledger::Unit,
    reason::{JobEnd, samples},
};
use scheduler::{Limit, Misfit};
use serde_json::json;

use super::ReasonView;
use crate::{
    app::{jobs::JobView, verdict::VerdictView},
    portal::{jobs::show::JobPage, sample::views},
};

const DOCS: &str = include_str!("../../../../docs/reasons.md");
const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];

macro_rules! samples {
    ($type:ident: $($variant:ident $({ $($any:tt)* })? => $samples:expr),+ $(,)?) => {{
        let mut all: Vec<$type> = Vec::new();
        $(all.extend($samples);)+
        let is_known = |sample: &$type| match sample {
            $($type::$variant $({ $($any)* })? => true),+
        };
        assert!(all.iter().all(is_known));
        all
    }};
}

fn used_up() -> UsedUp {
    UsedUp {
        whose: WhoseKind::Project,
        name: "vision".into(),
        month: Some("2026-05".into()),
        from: Timestamp::from_secs(1_777_564_800),
        unit: Unit::MicroCny,
        amount: 1_000_000_000,
        spent: 1_000_000_000,
    }
}

fn limits() -> Vec<Limit> {
    let (at, job) = (Timestamp::from_secs(1_779_242_400), JobId::from_bytes([7; 16]));
    let misfits = samples!(Misfit:
        NothingAsked => [Misfit::NothingAsked],
        NoSuchModel { .. } => [Misfit::NoSuchModel { models: ["ascend-910b2".into()].into() }],
        NoSuchLabels { .. } => [Misfit::NoSuchLabels { labels: ["ib".into()].into() }],
        CardsPerNode { .. } => [None, Some("npu".into())].map(|pool| Misfit::CardsPerNode { most: 8, node: "hz-01".into(), pool }),
        Affinity { .. } => [Misfit::Affinity { asked: 6, allowed: [1, 2, 4, 8].into() }],
        TooManyNodes { .. } => [Misfit::TooManyNodes { usable: 2 }],
        AboveContractLimit { .. } => [Misfit::AboveContractLimit { limit: 8 }],
    );
    samples!(Limit:
        NeverFits { .. } => misfits.into_iter().map(|why| Limit::NeverFits { nodes: 1, cards_per_node: 16, why }),
        NoPrice { .. } => ServiceClass::ALL.map(|class| Limit::NoPrice { class }),
        ContractClosed { .. } => ContractState::ALL.map(|state| Limit::ContractClosed { state }),
        ContractNotStarted { .. } => [Limit::ContractNotStarted { starts_at: at }],
        DiskFull { .. } => [Limit::DiskFull { free_mib: 90, floor_mib: 1024 }],
        BudgetUsedUp { .. } => [None, Some(std::sync::Arc::new(used_up()))].map(|stands| Limit::BudgetUsedUp { budget: BudgetId::from_bytes([9; 16]), stands }),
        Dependency { .. } => [Limit::Dependency { waits_for: 2, first: job }],
        ArrayLimit { .. } => [Limit::ArrayLimit { running: 2, limit: 2 }],
        MaxRunningCards { .. } => [Limit::MaxRunningCards { running: 8, asked: 1, limit: 8 }],
        NodesOut { .. } => [Limit::NodesOut { out: 1, usable: 1, needed: 2 }],
        FreeCards { .. } => [Limit::FreeCards { free: 1, asked: 2 }],
        Fragmented { .. } => [Limit::Fragmented { free: 8, asked: 8, nodes_fitting: 0, nodes_needed: 1 }],
        Behind { .. } => [Limit::Behind { job, ahead: 3 }],
        KeptForOthers { .. } => [Limit::KeptForOthers { available: 1, asked: 2 }],
        Reclaiming { .. } => [Limit::Reclaiming { asked: 2, until: at }],
        Maintenance { .. } => [Limit::Maintenance { from: at }],
        MaxStarts { .. } => [Limit::MaxStarts { limit: 64 }],
        NotPlanned => [Limit::NotPlanned],
        Starting { .. } => [Limit::Starting { since: at }],
    )
}

/// The codes that a section of the docs lists.
fn documented(section: &str) -> BTreeSet<&'static str> {
    let from = DOCS.find(&format!("## {section}")).unwrap_or_else(|| panic!("no section {section}"));
    let text = &DOCS[from + 3..];
    let text = text.find("\n## ").map_or(text, |end| &text[..end]);
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    rows.flat_map(|cell| cell.split('`')).filter(|word| !word.trim_matches([',', ' ']).is_empty()).collect()
}

#[test]
fn each_documented_code_is_one_that_there_is_and_none_is_left_out() {
    let runs: BTreeSet<&str> = samples::run_ends().iter().map(domain::reason::RunEnd::code).collect();
    assert_eq!(documented("Why a run ended"), runs);
    let jobs: BTreeSet<&str> = samples::job_ends().iter().map(JobEnd::code).collect();
    let own: BTreeSet<&str> = documented("Why a job ended").into_iter().collect();
    assert_eq!(own.union(&runs).copied().collect::<BTreeSet<_>>(), jobs.union(&runs).copied().collect());
    assert!(own.is_subset(&jobs), "{own:?}");
    let waits: BTreeSet<&str> = limits().iter().map(Limit::code).collect();
    assert_eq!(documented("Why a job waits"), waits);
    let all = refusal::samples::all();
    let refusals: BTreeSet<&str> = all.iter().map(refusal::Refused::code).collect();
    assert_eq!(documented("Why something is refused"), refusals);
}

/// The page of a job, as it is sent.
fn page(lang: Lang, job: JobView) -> String {
    JobPage::of_view(&Page::bare(Ui::of(lang), "A title"), job).render().expect("it renders")
}

#[test]
fn each_end_is_told_by_the_api_and_by_pages_in_both_languages() {
    let zone = Zone::utc();
    for end in samples::job_ends() {
        let view = ReasonView::of_job(&end, &zone);
        let told = json!(view);
        assert_eq!((&told["code"], told["values"].is_object()), (&json!(end.code()), true));
        for lang in LANGS {
            assert_eq!(told["text"][lang.code()], end.text(lang, &zone));
            let state = JobStatus::from(end.outcome);
            let html = page(lang, JobView { state, reason: Some(view.clone()), ..views::job() });
            let is_told = html.contains(&escape(end.text(lang, &zone)));
            assert!(is_told || end.outcome == JobOutcome::Succeeded, "{end:?}");
        }
    }
    for end in samples::run_ends() {
        let told = json!(ReasonView::of_run(&end, &zone));
        assert_eq!(
            (&told["code"], &told["text"]["zh"]),
            (&json!(end.code()), &json!(end.text(Lang::Zh, &zone)))
        );
    }
}

#[test]
fn each_wait_is_told_by_the_api_and_by_pages_in_both_languages() {
    let zone = Zone::utc();
    for limit in limits() {
        let view = VerdictView::unplanned(&limit, &zone);
        let told = json!(view);
        assert_eq!((&told["code"], &told["limit"]["code"]), (&json!(limit.code()), &json!(limit.code())));
        let [zh, en] = LANGS.map(|lang| limit.text(lang, &zone));
        assert!(zh != en && !en.contains(|c: char| ('\u{2e80}'..='\u{9fff}').contains(&c)), "{zh} {en}");
        for lang in LANGS {
            let html =
                page(lang, JobView { state: JobStatus::Queued, verdict: Some(view.clone()), ..views::job() });
            assert!(html.contains(&escape(limit.text(lang, &zone))), "{limit:?}");
        }
    }
}

#[test]
fn each_refusal_is_told_by_the_api_and_by_pages_in_both_languages() {
    for refused in refusal::samples::all() {
        let error = AppError::from(refused.clone());
        let told = json!(Problem::from(&error));
        // A full disk is no fault of who asks.
        let status = match refused.code() {
            "disk_full" => 507,
            "code_needed" | "second_factor_needed" => 403,
            _ => 409,
        };
        assert_eq!((&told["status"], &told["code"]), (&json!(status), &json!(refused.code())));
        assert_eq!((&told["detail"], &told["values"]), (&json!(refused.text(Lang::En)), &refused.values()));
        for lang in LANGS {
            assert_eq!(told["text"][lang.code()], refused.text(lang));
            let on_page = fault::told(Ui::of(lang), &error);
            let details = on_page.details.concat();
            assert!(details.to_lowercase().contains(&refused.text(lang).to_lowercase()), "{on_page:?}");
            assert!(!on_page.title.starts_with("refused-") && !on_page.hint.is_empty(), "{on_page:?}");
        }
    }
}
