//! The pages of quotes, rendered without a server.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::page::{ApplicantQuotePage, NewPage, QuotePage, QuotesPage};
use crate::PLATFORM;

#[test]
fn the_pages_of_quotes_are_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A <title>");
        let rendered: Vec<Result<String, askama::Error>> = [
            QuotesPage::samples(&page).iter().map(Template::render).collect::<Vec<_>>(),
            NewPage::samples(&page).iter().map(Template::render).collect(),
            QuotePage::samples(&page).iter().map(Template::render).collect(),
            ApplicantQuotePage::samples(&page).iter().map(Template::render).collect(),
        ]
        .into_iter()
        .flatten()
        .collect();
        for text in rendered.into_iter().map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families = ["quote-", "quotes-", "nav-", "rule-", "kind-", "class-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}
