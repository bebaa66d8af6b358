//! Rules that hold for each noun of the table.

use base::page::texts::{FRAME, find, keys as keys_of};
use domain::Lang;

use super::{NOUNS, keys, load_texts};
use testkit::files_below as files;

#[test]
fn both_languages_have_the_same_texts_with_the_same_parts() {
    let of_nouns = NOUNS.iter().flat_map(|noun| noun.texts);
    for [zh, en] in FRAME.iter().chain(of_nouns).copied() {
        let keys = keys_of(zh);
        assert_eq!(keys, keys_of(en));
        for key in keys {
            assert_eq!(parts(zh, key), parts(en, key), "{key}");
        }
    }
}

/// The names of what is filled into a text.
fn parts(source: &str, key: &str) -> std::collections::BTreeSet<String> {
    let (_, rest) = source.split_once(&format!("\n{key} =")).expect("it is there");
    let is_key = |line: &str| line.starts_with(|first: char| first.is_ascii_lowercase() || first == '#');
    let lines = rest.lines().enumerate().take_while(|(i, line)| *i == 0 || !is_key(line));
    let text: String = lines.map(|(_, line)| line).collect();
    let names = text.split("{ $").skip(1);
    let names = names.filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next());
    names.map(str::to_owned).collect()
}

/// Families of words that are looked up by a code: what stands before the code.
const FAMILIES: &[&str] = &[
    "amend-term-",
    "amendment-state-",
    "backup-kept-",
    "effective-",
    "account-",
    "act-",
    "action-",
    "api-topic-",
    "budget-span-",
    "budget-unit-",
    "budget-whose-",
    "card-",
    "cause-",
    "certainty-",
    "class-",
    "correction-state-",
    "correction-text-",
    "debt-",
    "device-client-",
    "domain-",
    "effect-",
    "disk-name-",
    "event-",
    "example-",
    "fault-",
    "fee-move-",
    "first-step-",
    "kind-",
    "log-switch-",
    "log-tab-",
    "mail-",
    "invitation-state-",
    "loop-",
    "nav-",
    "nav-group-",
    "notice-",
    "node-",
    "period-none-",
    "period-state-",
    "policy-",
    "refused-",
    "right-",
    "role-",
    "rule-",
    "setting-",
    "secret-scope-",
    "slurm-",
    "state-",
    "endpoint-why-",
    "topic-",
    "unreadable-",
    "waits-",
    "way-",
    "wish-",
];

/// The texts by which the audit log tells its details.
fn details() -> impl Iterator<Item = String> {
    let details = NOUNS.iter().flat_map(|noun| noun.actions).flat_map(|action| action.details());
    details.flat_map(|detail| detail.texts())
}

/// All of the portal's code and templates.
fn sources() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "templates", "../base/src", "../base/templates"].map(|path| root.join(path));
    let paths = folders.iter().flat_map(|path| files(path));
    paths.map(|path| std::fs::read_to_string(path).expect("text")).collect()
}

#[test]
fn each_text_that_is_asked_for_is_there_and_none_is_left_over() {
    let sources = sources();
    let known: std::collections::BTreeSet<&str> = keys(Lang::Zh).into_iter().collect();
    let mut asked = std::collections::BTreeSet::new();
    for call in [".t(\"", ".t1(\"", ".t2(\""] {
        // A call may be broken after its bracket.
        let flat = sources.replace("(\n", "(").split("( ").map(str::trim_start).collect::<Vec<_>>().join("(");
        let found: Vec<String> =
            flat.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
        asked.extend(found);
    }
    assert!(asked.len() > 150, "the search found {}", asked.len());
    let missing: Vec<&String> = asked.iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "asked for and not there: {missing:?}");
    asked.extend(details());
    let is_used = |key: &&&str| {
        asked.contains(**key)
            || sources.contains(&format!("\"{key}\""))
            || FAMILIES.iter().any(|family| key.starts_with(family))
    };
    let unused: Vec<&&str> = known.iter().filter(|key| !is_used(key)).collect();
    assert!(unused.is_empty(), "there and never asked for: {unused:?}");
}

#[test]
fn every_code_of_the_domain_has_its_word() {
    use domain::{
        ContractState, Role, ServiceClass, TenantDomain,
        amendment::{Effective, Term},
        contract::ContractAction,
        job::JobOutcome,
        ledger::{AccountName, CauseName},
        run::StopCause,
    };
    use store::amendments::AmendmentState;
    let mut words: Vec<String> = Vec::new();
    words.extend(Role::ALL.map(|role| format!("role-{}", role.code())));
    words.extend(TenantDomain::ALL.map(|domain| format!("domain-{}", domain.code())));
    words.extend(ServiceClass::ALL.map(|class| format!("class-{}", class.code())));
    words.extend(ContractState::ALL.map(|state| format!("state-{}", state.code())));
    words.extend(ContractAction::ALL.map(|action| format!("act-{}", action.code())));
    let by_people = ContractAction::ALL.into_iter().filter(|action| !action.is_automatic());
    words.extend(by_people.map(|action| format!("effect-{}", action.code())));
    words
        .extend(NOUNS.iter().flat_map(|noun| noun.actions).map(|action| format!("action-{}", action.code())));
    words.extend(
        NOUNS
            .iter()
            .flat_map(|noun| noun.events)
            .map(|kind| format!("event-{}", kind.code().replace('_', "-"))),
    );
    words.extend(details());
    words.extend(Term::ALL.map(|term| format!("amend-term-{}", term.code())));
    words.extend(Effective::ALL.map(|effective| format!("effective-{}", effective.code())));
    words.extend(AmendmentState::ALL.map(|state| format!("amendment-state-{}", state.code())));
    words.extend(JobOutcome::ALL.map(|outcome| format!("state-{}", outcome.code())));
    words.extend(CauseName::ALL.map(|cause| format!("cause-{}", cause.code())));
    words.extend(AccountName::ALL.map(|account| format!("account-{}", account.code())));
    words.extend(crate::backup::Keeping::ALL.map(|kept| format!("backup-kept-{}", kept.code())));
    words.extend(crate::debt::DebtKind::ALL.map(|kind| format!("debt-{}", kind.code())));
    words.extend(store::payments::FeeMove::ALL.map(|what| format!("fee-move-{}", what.code())));
    words.extend(StopCause::ALL.map(|cause| format!("state-{}", cause.code())));
    words.extend(crate::app::hall::CardState::ALL.map(|card| format!("card-{}", card.code())));
    words.extend(base::loops::LoopState::ALL.map(|state| format!("loop-state-{}", state.code())));
    words.extend(crate::wakers::ALL.map(|name| format!("loop-{name}")));
    load_texts();
    for word in words {
        for lang in [Lang::Zh, Lang::En] {
            assert!(find(lang, &word, &[]).is_some(), "{word}");
        }
    }
}

#[test]
fn the_operators_guide_has_a_line_for_each_loop() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("../../docs/operators.md")).expect("text");
    let (_, table) = guide.split_once("| loop | what it does |").expect("the table of loops");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let named: Vec<&str> = lines.filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(named, crate::wakers::ALL);
}

#[test]
fn every_limit_that_holds_a_job_back_has_its_word() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scheduler/src/limit.rs");
    let source = std::fs::read_to_string(path).expect("text");
    let (_, codes) = source.split_once("pub fn code(&self)").expect("limits have codes");
    let codes: Vec<&str> = codes.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        let word = format!("waits-{}", code.replace('_', "-"));
        assert!(keys(Lang::Zh).contains(&word.as_str()), "{word}");
    }
}
