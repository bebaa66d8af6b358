//! The desk's pages, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::page::{ApplicationPage, ApplicationsPage};
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let lists = ApplicationsPage::samples(&page).into_iter().map(|sample| sample.render());
        let shows = ApplicationPage::samples(&page).into_iter().map(|sample| sample.render());
        for text in lists.chain(shows).map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families = ["application-", "applications-", "deed-", "outcome-", "step-", "verdict-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}

#[test]
fn both_languages_have_the_same_texts_and_nothing_is_without_its_word() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for noun in PLATFORM.nouns {
        for [zh, en] in noun.texts {
            assert_eq!(texts::keys(zh), texts::keys(en));
        }
        let actions = noun.actions.iter().map(|action| format!("action-{}", action.code()));
        let details =
            noun.actions.iter().flat_map(|action| action.details()).flat_map(|detail| detail.texts());
        let events = noun.events.iter().map(|kind| format!("event-{}", kind.code().replace('_', "-")));
        let kinds = noun.approvals.iter().flat_map(|kind| {
            let questions = kind.form.questions.iter();
            let questions = questions.map(|question| format!("{}-{}", kind.code, question.field.code));
            questions.chain([format!("application-kind-{}", kind.code)]).collect::<Vec<_>>()
        });
        for text in actions.chain(details).chain(events).chain(kinds) {
            assert!(Lang::ALL.iter().all(|lang| texts::find(*lang, &text, &[]).is_some()), "{text}");
        }
    }
}
