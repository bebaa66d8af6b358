use std::collections::BTreeSet;

use super::{samples, *};
use crate::{code::Code as _, run::StopCause};

fn is_chinese(c: char) -> bool {
    ('\u{2e80}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c)
}

/// English and Chinese each keep to themselves: no sentence of one within the other.
fn check(zh: &str, en: &str) {
    assert!(!en.is_empty() && !en.contains(is_chinese), "{en}");
    assert!(zh.contains(is_chinese), "{zh}");
    let kept = zh.split(is_chinese).map(str::trim).filter(|part| part.matches(' ').count() > 5);
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<&str>::new(), "{zh}");
    for text in [zh, en] {
        assert!(!text.ends_with(['.', '。']) && !text.contains('{') && text.trim() == text, "{text}");
    }
}

#[test]
fn every_reason_has_its_words_in_both_languages() {
    let zone = Zone::utc();
    for end in samples::run_ends() {
        let is_other = matches!(&end, RunEnd::FailedToStart { why: NotStarted::Other(_) });
        if !is_other {
            check(&end.text(Lang::Zh, &zone), &end.text(Lang::En, &zone));
        }
    }
    for end in samples::job_ends() {
        check(&end.text(Lang::Zh, &zone), &end.text(Lang::En, &zone));
    }
    for step in Step::ALL {
        assert_eq!(Step::from_code(step.code()), Some(step));
    }
    assert_eq!(SlurmPart::CODES.len(), 2);
}

#[test]
fn every_reason_is_read_as_it_was_written() {
    for end in samples::run_ends() {
        let json = serde_json::to_string(&end).unwrap();
        assert_eq!(serde_json::from_str::<RunEnd>(&json).unwrap(), end, "{json}");
    }
    for cause in samples::job_causes() {
        let json = serde_json::to_string(&cause).unwrap();
        assert_eq!(serde_json::from_str::<JobCause>(&json).unwrap(), cause, "{json}");
    }
}

#[test]
fn the_code_of_a_reason_is_the_one_that_it_is_written_with() {
    let written = |value: serde_json::Value| value["code"].as_str().map(str::to_owned);
    for why in samples::not_started() {
        let code = written(serde_json::to_value(&why).unwrap());
        assert_eq!(code.as_deref().unwrap_or("failed_to_start"), why.code());
    }
    for why in samples::interruptions() {
        let code = written(serde_json::to_value(&why).unwrap()).unwrap();
        assert!(code == why.code() || why == Interruption::Untold, "{code}");
    }
}

#[test]
fn codes_of_ends_are_distinct() {
    let mut codes = BTreeSet::new();
    for end in samples::run_ends() {
        codes.insert(end.code());
    }
    // Those of not started and of interruptions, of stops, and five more; `nodes_taken` comes in two ways.
    let not_started: BTreeSet<_> = samples::not_started().iter().map(NotStarted::code).collect();
    let interruptions: BTreeSet<_> = samples::interruptions().iter().map(Interruption::code).collect();
    assert_eq!(codes.len(), not_started.len() + interruptions.len() + StopCause::ALL.len() + 5);
}

#[test]
fn reasons_in_words_of_an_earlier_program_are_read() {
    let old: NotStarted = serde_json::from_str(r#""its first line asks for `/x`""#).unwrap();
    assert_eq!(old, NotStarted::Other("its first line asks for `/x`".into()));
}

#[test]
fn an_interpreter_that_is_not_there_is_told_with_its_path() {
    let why = NotStarted::Interpreter {
        path: "/opt/nowhere/python".into(),
        error: SystemError::of_number(2),
        has_windows_line_ends: false,
    };
    let end = RunEnd::FailedToStart { why };
    let (zone, wanted) = (Zone::utc(), "failed to start: /opt/nowhere/python: no such file");
    assert!(end.text(Lang::En, &zone).starts_with(wanted));
    assert!(end.text(Lang::Zh, &zone).starts_with("启动失败：/opt/nowhere/python：文件不存在"));
}
