//! The pages of invoices, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::page::{InvoicePage, InvoicesPage, NewInvoicePage};
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let lists = InvoicesPage::samples(&page).into_iter().map(|sample| sample.render());
        let drafts = NewInvoicePage::samples(&page).into_iter().map(|sample| sample.render());
        let shows = InvoicePage::samples(&page).into_iter().map(|sample| sample.render());
        for text in lists.chain(drafts).chain(shows).map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let is_key = |said: &String| said.starts_with("invoice-") || said.starts_with("invoices-");
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}
