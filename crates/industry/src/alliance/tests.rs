//! The pages of alliances, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::{
    NOUN,
    page::{AlliancePage, AlliancesPage},
};

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain([&NOUN]).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let lists = AlliancesPage::samples(&page).into_iter().map(|sample| sample.render());
        let shows = AlliancePage::samples(&page).into_iter().map(|sample| sample.render());
        for text in lists.chain(shows).map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(read.said.iter().all(|said| !said.starts_with("alliance-")), "{:?}", read.said);
        }
    }
}

#[test]
fn both_languages_have_the_same_texts() {
    for [zh, en] in NOUN.texts {
        assert_eq!(texts::keys(zh), texts::keys(en));
    }
    let words = texts::keys(NOUN.texts[0][0]);
    assert!(NOUN.actions.iter().all(|action| words.contains(&format!("action-{}", action.code()).as_str())));
    texts::load(center::PLATFORM.nouns.iter().chain([&NOUN]).flat_map(|noun| noun.texts).copied());
    for text in NOUN.actions.iter().flat_map(|action| action.details()).flat_map(|detail| detail.texts()) {
        assert!(Lang::ALL.iter().all(|lang| texts::find(*lang, &text, &[]).is_some()), "{text}");
    }
}
