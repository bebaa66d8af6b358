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

#[test]
fn what_is_missing_to_close_a_month_is_named_in_both_languages() {
    let first = vec![crate::text::Sentence {
        zh: "账目不一致".to_owned(),
        en: "the books do not agree".to_owned(),
    }];
    let refused = Refused::PeriodIncomplete { month: "2026-05".to_owned(), missing: 3, first };
    assert_eq!(refused.text(Lang::Zh), "2026-05 还不能结账：账目不一致；共 3 项");
    assert_eq!(refused.text(Lang::En), "2026-05 can't be closed yet: the books do not agree; and 2 more");
}

#[test]
fn refusals_are_told_in_words_and_not_in_codes() {
    for refused in samples::all() {
        for lang in [Lang::Zh, Lang::En] {
            let text = refused.text(lang);
            // What stands between backticks is quoted.
            let prose: String = text.split('`').step_by(2).collect();
            let letters: Vec<char> = prose.chars().collect();
            // An id has digits behind the mark.
            let is_code =
                |at: &[char]| at[1] == '_' && at[0].is_ascii_lowercase() && at[2].is_ascii_lowercase();
            assert!(!letters.windows(3).any(is_code), "{text}");
        }
    }
    let refused = Refused::ActionOutOfTurn {
        state: domain::ContractState::Draft,
        action: domain::contract::ContractAction::Replenish,
    };
    assert_eq!(refused.text(Lang::En), "a contract that is a draft can't be replenished");
}
