//! The page of mails, rendered from its samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::page::MailsPage;
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        for text in MailsPage::samples(&page).iter().map(Template::render) {
            let text = live::whole(&text.expect("it renders"));
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let is_key = |said: &String| said.starts_with("mails-") || said.starts_with("mail-");
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}
