//! The pages of another password, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::page::{ForgotPage, ResetPage};
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let rendered = [
            ForgotPage::samples(&page).iter().map(Template::render).collect::<Vec<_>>(),
            ResetPage::samples(&page).iter().map(Template::render).collect(),
        ];
        for text in rendered.into_iter().flatten().map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let is_key = |said: &String| said.starts_with("forgot-") || said.starts_with("reset-");
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
            assert!(text.contains("noindex"), "it is nobody's to find");
        }
    }
}
