//! The table that sets replays side by side, for the page and for terminals.

use domain::{Lang, Millis};

use super::figures::Figures;

const COLUMNS: usize = 11;

pub fn titles(lang: Lang) -> [&'static str; COLUMNS] {
    match lang {
        Lang::Zh => [
            "策略",
            "加速卡",
            "作业",
            "平均等待",
            "P95 等待",
            "最长等待",
            "平均减速比",
            "利用率",
            "公平度",
            "收入（元）",
            "电量（MWh）",
        ],
        Lang::En => [
            "policy",
            "cards",
            "jobs",
            "mean wait",
            "p95 wait",
            "max wait",
            "mean slowdown",
            "utilization",
            "fairness",
            "revenue (CNY)",
            "energy (MWh)",
        ],
    }
}

/// The row of one replay, below [`titles`].
pub fn cells(figures: &Figures) -> [String; COLUMNS] {
    [
        figures.name(),
        figures.cards.to_string(),
        figures.jobs.to_string(),
        span(figures.average_wait_s),
        span(figures.wait_s.p95),
        span(figures.max_wait_s),
        format!("{:.2}", figures.average_bounded_slowdown),
        format!("{:.1} %", figures.utilization * 100.0),
        format!("{:.3}", figures.fairness),
        figures.revenue_micro_cny.to_string(),
        format!("{:.1}", figures.energy_kwh / 1000.0),
    ]
}

/// A length of time as people read it.
pub fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "waits of a trace, shown to people")]
    let whole = (seconds * 1000.0).round() as i64;
    Millis(whole).to_string()
}
