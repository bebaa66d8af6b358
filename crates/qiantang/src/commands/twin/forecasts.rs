//! `twin replay --forecasts`: what waiting jobs would have been told, and what came of it.

use domain::Lang;
use twin::{
    Setup, Trace,
    forecasts::{Forecasts, forecasts, told},
    report::summary::span,
};

use super::screen::{Screen, bar};
use crate::output::{pick, table};

pub(super) fn work_out(screen: &Screen, trace: &Trace, setup: &Setup) -> Forecasts {
    let bar = bar(screen, trace.jobs.len() as u64);
    let found = forecasts(trace, &told(trace, setup, &mut |jobs| bar.set_position(jobs)));
    bar.finish_and_clear();
    found
}

pub(super) fn shown(lang: Lang, found: &Forecasts) -> String {
    let titles = match lang {
        Lang::Zh => {
            ["等待过的作业", "有预测", "误差 P5", "P25", "中位", "P75", "P95", "10 分钟内", "承诺", "未兑现"]
        }
        Lang::En => [
            "waited",
            "forecast",
            "error p5",
            "p25",
            "p50",
            "p75",
            "p95",
            "within 10 min",
            "promised",
            "broken",
        ],
    };
    let signed = |seconds: f64| format!("{}{}", if seconds < 0.0 { "-" } else { "+" }, span(seconds.abs()));
    let error = &found.error_s;
    let row = vec![
        found.waited.to_string(),
        found.forecast.to_string(),
        signed(error.p5),
        signed(error.p25),
        signed(error.p50),
        signed(error.p75),
        signed(error.p95),
        format!("{:.1} %", found.within_10_min * 100.0),
        found.promised.to_string(),
        found.promises_broken.to_string(),
    ];
    let note = pick(
        lang,
        "误差 = 实际开始 − 提交时的预测；负数为更早开始。",
        "error = start − what was forecast at submission; below 0 it started earlier.",
    );
    format!("\n{}\n{note}", table(&titles, vec![row], 0))
}
