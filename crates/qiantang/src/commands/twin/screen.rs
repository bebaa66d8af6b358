//! How the twin's commands read traces and show how far they are.

use crate::tell::tell;
use std::{fmt::Display, fs::File, io::Read, path::Path};

use domain::{Both, Lang, both};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use twin::{Faults, Format, Trace};

use super::options::Input;
use crate::errors::{Failure, said};

pub struct Screen {
    pub lang: Lang,
    pub json: bool,
}

pub fn read(screen: &Screen, input: &Input) -> Result<(Trace, Faults), Failure> {
    let format = input.format.as_deref().and_then(Format::from_code);
    let name = input.trace.display();
    let source: Box<dyn Read> = if input.trace == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&input.trace).map_err(|error| {
            Failure::usage("no_trace", not_opened(&name, &error), both("请检查路径", "check the path"))
        })?)
    };
    let (trace, faults) = twin::read_from(source, format);
    tell_faults(screen, &input.trace, &faults);
    if trace.jobs.is_empty() {
        let why = |lang| faults.samples.first().map_or_else(String::new, |fault| fault.flaw.text(lang));
        let hint = both(
            "支持的格式：SWF、openb、sacct -P、本平台的 CSV（docs/twin.md）",
            "the formats: SWF, openb, sacct -P, this platform's CSV (docs/twin.md)",
        );
        let message = Both::of(|lang| match lang {
            Lang::Zh => format!("{name} 中没有作业：{}", why(lang)),
            Lang::En => format!("{name} has no jobs: {}", why(lang)),
        });
        return Err(Failure::usage("no_jobs", message, hint));
    }
    Ok((trace, faults))
}

/// A file that could not be opened.
pub fn not_opened(name: &impl Display, error: &std::io::Error) -> Both {
    let said = said(error);
    both(format!("无法打开 {name}：{}", said.zh), format!("failed to open {name}: {}", said.en))
}

/// Says to people which lines of a file are bad, of many the first few; programs get their count.
pub fn tell_faults(screen: &Screen, file: &Path, faults: &Faults) {
    if screen.json {
        return;
    }
    for fault in faults.samples.iter().take(5) {
        tell!("{}:{}: {}: {}", file.display(), fault.line, fault.flaw.text(screen.lang), fault.sample);
    }
    let left = faults.bad.saturating_sub(5);
    match screen.lang {
        _ if left == 0 => {}
        Lang::Zh => tell!("另有 {left} 行有误"),
        Lang::En => tell!("and {left} more bad lines"),
    }
}

/// Says to programs what was wrong with the trace.
pub fn add_faults(object: &mut Value, faults: &Faults) {
    object["bad_lines"] = json!(faults.bad);
    object["skipped_lines"] = json!(faults.skipped);
}

/// A bar for so many jobs, where somebody looks.
pub fn bar(screen: &Screen, jobs: u64) -> ProgressBar {
    let target = if screen.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(jobs), target);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
