//! The pages of notices, rendered from their samples; each topic in words.

use askama::Template;
use base::{
    notice::{said, topic::Channel},
    noun::nouns,
    page::{frame::Page, live, texts, words::Ui},
};
use domain::Lang;
use serde_json::json;
use testkit::markup;

use super::page::{NoticesPage, UnsubscribePage, WishesPage};
use crate::PLATFORM;

fn load() {
    texts::load(center::PLATFORM.nouns.iter().chain(PLATFORM.nouns).flat_map(|noun| noun.texts).copied());
}

#[test]
fn each_page_is_well_formed_in_both_languages() {
    load();
    for lang in [Lang::Zh, Lang::En] {
        let page = Page::bare(Ui::of(lang), "A title");
        let rendered = [
            NoticesPage::samples(&page).iter().map(Template::render).collect::<Vec<_>>(),
            WishesPage::samples(&page).iter().map(Template::render).collect(),
            UnsubscribePage::samples(&page).iter().map(Template::render).collect(),
        ];
        for text in rendered.into_iter().flatten().map(|text| live::whole(&text.expect("it renders"))) {
            let read = markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let families = ["notice-", "notices-", "wish-", "wishes-", "unsubscribe-", "channel-", "topic-"];
            let is_key = |said: &String| families.iter().any(|family| said.starts_with(family));
            assert!(!read.said.iter().any(is_key), "{:?}", read.said);
        }
    }
}

#[test]
fn each_topic_has_its_words_and_concerns_somebody() {
    load();
    let all = [center::PLATFORM, PLATFORM];
    let kinds: Vec<_> = nouns(&all).flat_map(|noun| noun.events).copied().collect();
    let topics: Vec<_> = said::topics(&kinds).collect();
    assert!(topics.len() >= 12, "the table has {}", topics.len());
    for topic in topics {
        assert!(!topic.to.is_empty(), "{}", topic.code);
        for key in [topic.key(), format!("topic-{}", topic.code)] {
            assert!(Lang::ALL.iter().all(|lang| texts::find(*lang, &key, &[]).is_some()), "{key}");
        }
        for (_, family) in topic.words {
            let known = texts::keys(include_str!("../../../center/src/notices/en.ftl")).into_iter();
            let is_of_family = known.into_iter().any(|key| key.starts_with(&format!("{family}-")));
            let is_elsewhere = ["succeeded", "active", "submitted", "admin", "sent"]
                .iter()
                .any(|code| texts::find(Lang::Zh, &format!("{family}-{code}"), &[]).is_some());
            assert!(is_of_family || is_elsewhere, "{family}");
        }
    }
}

#[test]
fn a_notice_is_said_in_both_languages_with_words_for_codes() {
    load();
    let all = [center::PLATFORM, PLATFORM];
    let kinds: Vec<_> = nouns(&all).flat_map(|noun| noun.events).copied().collect();
    let data = json!({ "name": "train", "outcome": "timed_out", "job": "job_1" });
    let en = said::event(&kinds, Lang::En, "job_ended", &data);
    assert!(en.starts_with("The job train ended: ") && !en.contains("timed_out"), "{en}");
    let zh = said::event(&kinds, Lang::Zh, "job_ended", &data);
    assert!(zh.starts_with("作业 train 已结束：") && !zh.contains("timed_out"), "{zh}");
    let failed = said::topic(&kinds, "job_failed").expect("it is there");
    assert!((failed.when)(&data) && !(failed.when)(&json!({ "outcome": "succeeded" })));
    assert!(failed.by_default.contains(&Channel::Inbox));
    assert_eq!(failed.page_of(&data), "/jobs/job_1");
    // What comes a second time says so.
    let once = json!({ "number": "A-1", "opens": "operator" });
    let review = said::topic(&kinds, "application_to_review").expect("it is there");
    assert!((review.when)(&once) && !(review.when)(&json!({ "number": "A-1" })));
    let twice = json!({ "number": "A-1", "opens": "operator", "again": "yes" });
    for (lang, words) in [(Lang::En, "again"), (Lang::Zh, "重新提交")] {
        assert!(!said::of_topic(review, lang, &once).contains(words));
        assert!(said::of_topic(review, lang, &twice).contains(words));
    }
}
