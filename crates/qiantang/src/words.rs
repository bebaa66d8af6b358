//! Words for codes, as commands and the demo print them: in Chinese those of the portal, in English the codes themselves, which
//! are the words that options take.

use domain::Lang;
use serde_json::Value;

use crate::output::{pick, text};

/// The word for `code` in its family of words: `state`, `role`, `domain`, `class`, `kind`, `node`, `card`, `slurm`,
/// `cause`, `period-state`.
pub fn word(lang: Lang, family: &str, code: &str) -> String {
    match lang {
        Lang::En => code.to_owned(),
        Lang::Zh => {
            let key = format!("{family}-{code}");
            Some(base::page::texts::text(lang, &key, &[]))
                .filter(|text| *text != key)
                .unwrap_or_else(|| code.to_owned())
        }
    }
}

/// A state of a job, run or contract as people read it.
pub fn state(lang: Lang, code: &str) -> String {
    word(lang, "state", code)
}

/// The state of a job or a run, with a mark on what never happened.
pub fn state_of(lang: Lang, thing: &Value) -> String {
    let state = state(lang, text(thing, "state"));
    if thing["is_generated"] != true {
        return state;
    }
    format!("{state}{}", pick(lang, "（生成）", " (generated)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_says_so() {
        qiantang::load_texts();
        let told = |lang, is_generated: bool| {
            state_of(lang, &serde_json::json!({ "state": "failed", "is_generated": is_generated }))
        };
        assert_eq!(
            (told(Lang::En, false), told(Lang::En, true)),
            ("failed".into(), "failed (generated)".into())
        );
        assert_eq!(told(Lang::Zh, true), format!("{}（生成）", told(Lang::Zh, false)));
    }

    #[test]
    fn every_code_has_a_chinese_word() {
        qiantang::load_texts();
        let families: [(&str, Vec<&str>); 9] = [
            ("state", domain::contract::ContractState::ALL.iter().map(|state| state.code()).collect()),
            ("state", domain::job::JobOutcome::ALL.iter().map(|outcome| outcome.code()).collect()),
            ("node", vec!["up", "drained", "failed", "leaving", "retired", "removed"]),
            ("slurm", vec!["open", "paused", "missing", "foreign"]),
            ("cause", vec!["top_up", "package", "fee", "use", "refund", "waiver"]),
            ("period-state", vec!["open", "closing", "closed"]),
            ("role", domain::Role::ALL.iter().map(|role| role.code()).collect()),
            ("domain", domain::TenantDomain::ALL.iter().map(|domain| domain.code()).collect()),
            ("class", domain::ServiceClass::ALL.iter().map(|class| class.code()).collect()),
        ];
        for (family, codes) in families {
            for code in codes {
                assert_ne!(word(Lang::Zh, family, code), code, "{family}");
            }
        }
        assert_eq!(word(Lang::Zh, "state", "no_such_state"), "no_such_state");
    }
}
