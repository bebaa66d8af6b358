//! The pages of vouchers, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::{
    found::FoundPage,
    page::{ApplyPage, ClaimPage, ProgrammePage, VoucherPage, VouchersPage},
};
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let mut all: Vec<String> = Vec::new();
        let mut add = |text: Result<String, askama::Error>| all.push(text.expect("it renders"));
        for sample in VouchersPage::samples(&page) {
            add(sample.render());
        }
        for sample in ProgrammePage::samples(&page) {
            add(sample.render());
        }
        for sample in ApplyPage::samples(&page) {
            add(sample.render());
        }
        for sample in FoundPage::samples(&page) {
            add(sample.render());
        }
        for sample in VoucherPage::samples(&page) {
            add(sample.render());
        }
        for sample in ClaimPage::samples(&page) {
            add(sample.render());
        }
        assert_eq!(all.len(), 14);
        for text in all.iter().map(|text| live::whole(text)) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families =
                ["voucher-", "vouchers-", "claim-", "funding-", "facility-", "usage-", "tenant-size-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}
