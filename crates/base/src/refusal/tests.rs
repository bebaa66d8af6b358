use super::*;

fn is_chinese(c: char) -> bool {
    ('\u{2e80}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c)
}

#[test]
fn every_refusal_has_its_words_in_both_languages_and_its_values() {
    for refused in samples::all() {
        for part in [Refused::text, Refused::hint] {
            let (zh, en) = (part(&refused, Lang::Zh), part(&refused, Lang::En));
            assert!(!en.is_empty() && !en.contains(is_chinese), "{en}");
            assert!(zh.contains(is_chinese), "{zh}");
            assert!(!en.ends_with('.') && !zh.ends_with('。'), "{en} {zh}");
        }
        assert!(refused.values().is_object(), "{refused:?}");
        let written = serde_json::to_value(&refused).expect("it is written");
        assert!(written["code"] == refused.code() || refused.values()["fault"] == written["code"]);
    }
}

#[test]
fn the_numbers_of_a_refusal_are_in_its_words() {
    let refused = Refused::TooManyJobs { active: 812, most: 800 };
    for lang in [Lang::Zh, Lang::En] {
        let text = refused.text(lang);
        assert!(text.contains("812") && text.contains("800"), "{text}");
    }
    assert_eq!(refused.values(), serde_json::json!({ "active": 812, "most": 800 }));
}
