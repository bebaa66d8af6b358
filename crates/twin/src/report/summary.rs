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

/// Sentences on the jobs that no figure counts because they never started. Of several replays, the one with
/// the most such jobs is told of. None where every job started.
pub fn never_started<'a>(lang: Lang, runs: impl Iterator<Item = &'a Figures>) -> Vec<String> {
    let runs: Vec<&Figures> = runs.collect();
    let most = |of: fn(&Figures) -> u64| runs.iter().copied().map(of).max().filter(|jobs| *jobs > 0);
    let wide = most(|run| run.jobs_too_wide).map(|jobs| match lang {
        Lang::Zh => {
            format!("{jobs} 个作业始终未能启动，未计入：所需超出可用的加速卡，或超出其队列可用的部分。")
        }
        Lang::En => format!(
            "{jobs} jobs never started and are not counted: they ask for more than the hall has, or than their queue may have."
        ),
    });
    let barred = most(|run| run.jobs_barred).map(|jobs| match lang {
        Lang::Zh => format!("{jobs} 个作业无法启动，未计入，也不占用加速卡：合同已结束、暂停或余额用尽，或其服务等级没有价格。"),
        Lang::En => format!(
            "{jobs} jobs can't start, are not counted and hold no cards: their contract has ended, is paused or can't pay, or there is no price for their class."
        ),
    });
    wide.into_iter().chain(barred).collect()
}

/// A length of time as people read it.
pub fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "waits of a trace, shown to people")]
    let whole = (seconds * 1000.0).round() as i64;
    Millis(whole).to_string()
}
