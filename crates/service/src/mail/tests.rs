//! The page of mails, rendered from its samples.

use askama::Template;
use base::page::{frame::Page, live, texts, words::Ui};
use center::notices::{job_mail, outside};
use domain::{
    Lang,
    job::{JobOutcome, mail::Happened},
};
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

#[test]
fn each_mail_about_a_job_or_to_a_stranger_has_a_word_for_what_it_is_for() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
    let ended = JobOutcome::ALL.map(Happened::Ended);
    let of_jobs = ended.into_iter().chain([Happened::Began, Happened::TriedAgain]).map(job_mail::purpose);
    for purpose in of_jobs.chain(outside::PURPOSES) {
        for lang in [Lang::Zh, Lang::En] {
            let word = texts::find(lang, &format!("mail-for-{purpose}"), &[]);
            assert!(word.is_some(), "{purpose} has no word in {lang:?}");
        }
    }
}
