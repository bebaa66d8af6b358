//! The pages of endpoints, rendered from their samples; each kind of event in words.

use askama::Template;
use base::{
    noun::nouns,
    page::{frame::Page, live, texts, words::Ui},
};
use domain::Lang;
use testkit::markup;

use super::page::{WebhookPage, WebhooksPage};
use crate::PLATFORM;

fn load() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
}

#[test]
fn each_page_is_well_formed_in_both_languages() {
    load();
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let lists = WebhooksPage::samples(&page).into_iter().map(|sample| sample.render());
        let shows = WebhookPage::samples(&page).into_iter().map(|sample| sample.render());
        for text in lists.chain(shows).map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families = ["webhook-", "webhooks-", "endpoint-", "delivery-", "event-name-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}

#[test]
fn each_kind_of_event_that_can_be_chosen_has_its_words() {
    load();
    let all = [center::PLATFORM, PLATFORM];
    for kind in nouns(&all).flat_map(|noun| noun.events) {
        let key = format!("event-name-{}", kind.code().replace('_', "-"));
        assert!(Lang::ALL.iter().all(|lang| texts::find(*lang, &key, &[]).is_some()), "{key}");
    }
}
