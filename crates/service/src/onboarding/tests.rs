//! The pages of the front door, rendered from their samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use domain::Lang;
use testkit::markup;

use super::{
    door::WelcomePage,
    page::{AccountPage, ApplyPage, TrackPage},
};
use crate::PLATFORM;

#[test]
fn each_page_is_well_formed_in_both_languages() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let rendered = [
            WelcomePage::samples(&page).iter().map(Template::render).collect::<Vec<_>>(),
            ApplyPage::samples(&page).iter().map(Template::render).collect(),
            TrackPage::samples(&page).iter().map(Template::render).collect(),
            AccountPage::samples(&page).iter().map(Template::render).collect(),
        ];
        for text in rendered.into_iter().flatten().map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families = ["welcome-", "offer-", "way-", "apply-", "join-", "track-", "account-", "front-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}

#[test]
fn search_engines_read_what_is_for_everybody_and_no_more() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    let page = Page::bare(Ui::of(Lang::En), "A title");
    for public in [WelcomePage::samples(&page)[0].render(), ApplyPage::samples(&page)[0].render()] {
        let public = public.expect("it renders");
        assert!(public.contains("name=\"description\"") && !public.contains("noindex"), "{public}");
    }
    for own in [TrackPage::samples(&page)[0].render(), AccountPage::samples(&page)[0].render()] {
        assert!(own.expect("it renders").contains("noindex"));
    }
}
