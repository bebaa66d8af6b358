//! The page of the center's state, rendered from its samples, and what makes up the state.

use askama::Template;
use base::{
    loops::{LoopState, LoopView},
    page::{frame::Page, live, texts, words::Ui},
};
use center::wakers;
use domain::{Lang, Millis, Timestamp};
use testkit::markup;

use super::{
    ask::{CenterState, NodeCounts, Part, PartState, parts, state},
    page::StatusPage,
};
use crate::PLATFORM;

#[test]
fn the_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        for sample in StatusPage::samples(&page) {
            let text = live::whole(&sample.render().expect("it renders"));
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let is_key = |said: &String| said.starts_with("status-");
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}

fn fares(name: &str, state: LoopState, failing_since: Option<Timestamp>) -> LoopView {
    LoopView {
        name: name.into(),
        state,
        turned_at: None,
        took_ms: None,
        since_good_ms: Millis(0),
        is_late: false,
        failures: 0,
        failures_in_a_row: 0,
        failing_since: failing_since.map(Into::into),
        error: failing_since.map(|_| "/var/lib/x: no room".into()),
    }
}

#[test]
fn a_part_is_as_its_worst_loop_is() {
    let at = |s| Timestamp::from_secs(s);
    let mut loops: Vec<LoopView> = wakers::ALL.map(|name| fares(name, LoopState::Done, None)).into();
    let (whole, none_failed) = (parts(&loops), NodeCounts::default());
    assert!(whole.iter().all(|part| part.state == PartState::Works && part.since.is_none()));
    assert_eq!(whole.len(), Part::ALL.len());
    assert_eq!(state(&whole, none_failed, false), CenterState::InService);
    assert_eq!(state(&whole, none_failed, true), CenterState::Limited, "a disk is full");
    let one_failed = NodeCounts { failed: 1, ..none_failed };
    assert_eq!(state(&whole, one_failed, false), CenterState::Disturbed);

    loops.push(fares(wakers::MAIL, LoopState::Failing, Some(at(9))));
    loops.push(fares(wakers::WEBHOOKS, LoopState::Failing, Some(at(5))));
    let found = parts(&loops);
    let messages = found.iter().find(|part| part.part == Part::Messages).expect("it is there");
    assert_eq!((messages.state, messages.since.map(|since| since.0)), (PartState::Failing, Some(at(5))));
    assert_eq!(state(&found, none_failed, false), CenterState::Disturbed);
    assert!(
        !serde_json::to_string(&found).expect("it is written").contains("/var"),
        "no failure's own words"
    );

    loops.push(fares(wakers::PLAN, LoopState::Over, Some(at(7))));
    assert_eq!(state(&parts(&loops), none_failed, false), CenterState::Limited);
    let late = LoopView { is_late: true, ..fares(wakers::SEAL, LoopState::Done, None) };
    assert!(
        parts(&[late]).iter().any(|part| (part.part, part.state) == (Part::Accounts, PartState::Failing))
    );
}
