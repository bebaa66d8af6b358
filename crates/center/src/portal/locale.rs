//! The portal's texts in both languages, from Fluent files that are part of the program.

use std::sync::LazyLock;

use domain::Lang;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};

/// The texts of a page, or of all pages, in both languages.
struct Texts {
    name: &'static str,
    zh: &'static str,
    en: &'static str,
}

impl Texts {
    fn of(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

macro_rules! texts {
    ($($name:literal),*) => {
        &[$(Texts {
            name: $name,
            zh: include_str!(concat!("../../locales/zh/", $name, ".ftl")),
            en: include_str!(concat!("../../locales/en/", $name, ".ftl")),
        }),*]
    };
}

/// All texts. A test finds a file that is not named here.
const TEXTS: &[Texts] = texts![
    "shell",
    "words",
    "forms",
    "faults",
    "sign_in",
    "overview",
    "jobs",
    "job",
    "submit",
    "nodes",
    "contracts",
    "statement",
    "capacity",
    "people",
    "tokens",
    "audit",
    "twin"
];

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [bundle(Lang::Zh), bundle(Lang::En)]);

fn bundle(lang: Lang) -> Bundle {
    let locale = match lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    };
    let mut bundle = FluentBundle::new_concurrent(vec![locale.parse().expect("a language's code")]);
    // The marks that keep directions apart would end up in attributes; both languages run left to right.
    bundle.set_use_isolating(false);
    for texts in TEXTS {
        let resource = match FluentResource::try_new(texts.of(lang).to_owned()) {
            Ok(resource) => resource,
            Err((_, errors)) => panic!("{}.ftl in {locale} is not Fluent: {errors:?}", texts.name),
        };
        if let Err(errors) = bundle.add_resource(resource) {
            panic!("{}.ftl in {locale} has texts that are elsewhere: {errors:?}", texts.name);
        }
    }
    bundle
}

fn of(lang: Lang) -> &'static Bundle {
    let [zh, en] = &*BUNDLES;
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// The text of that key; the key itself where there is none, which a test keeps from happening.
pub fn text(lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
    find(lang, key, args).unwrap_or_else(|| key.to_owned())
}

/// The text of that key, if there is one.
pub fn find(lang: Lang, key: &str, args: &[(&str, &str)]) -> Option<String> {
    let bundle = of(lang);
    let pattern = bundle.get_message(key)?.value()?;
    let mut given = FluentArgs::new();
    for (name, value) in args {
        // `n` is a number and chooses the plural; all else is text, digits too.
        match value.parse::<u32>() {
            Ok(number) if *name == "n" => given.set(*name, number),
            _ => given.set(*name, *value),
        }
    }
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, Some(&given), &mut errors).into_owned())
}

/// All keys of a language, in the order of its files.
pub fn keys(lang: Lang) -> Vec<&'static str> {
    TEXTS.iter().flat_map(|texts| keys_of(texts.of(lang))).collect()
}

fn keys_of(source: &'static str) -> impl Iterator<Item = &'static str> {
    let is_key = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    source.lines().filter(is_key).filter_map(|line| line.split_once(" =")).map(|(key, _)| key)
}

/// The language that a browser asks for: the first of its list that is one of ours, by weight; Chinese otherwise.
pub fn accepted(header: &str) -> Lang {
    let mut wanted: Vec<(u32, &str)> = header
        .split(',')
        .take(20)
        .map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let tag = fields.next().unwrap_or_default();
            let weight =
                fields.find_map(|field| field.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok());
            // In thousandths; what is no weight counts as none given.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let weight = (weight.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u32;
            (weight, tag)
        })
        .filter(|(weight, _)| *weight > 0)
        .collect();
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let known = |tag: &str| match tag.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "zh" => Some(Lang::Zh),
        "en" => Some(Lang::En),
        _ => None,
    };
    wanted.into_iter().find_map(|(_, tag)| known(tag)).unwrap_or(Lang::Zh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_language_that_they_ask_for() {
        for (header, want) in [
            ("", Lang::Zh),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Lang::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("fr, en;q=0.3, zh;q=0.5", Lang::Zh),
            ("en;q=0, *", Lang::Zh),
            ("EN", Lang::En),
        ] {
            assert_eq!(accepted(header), want, "{header}");
        }
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_parts() {
        for texts in TEXTS {
            let keys: Vec<&str> = keys_of(texts.zh).collect();
            assert_eq!(keys, keys_of(texts.en).collect::<Vec<_>>(), "{}.ftl", texts.name);
            for key in keys {
                assert_eq!(parts(texts.zh, key), parts(texts.en, key), "{key}");
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

    #[test]
    fn every_file_of_texts_is_taken_in_and_can_be_read() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
        let files = crate::portal::sample::files(&root);
        let named = TEXTS
            .iter()
            .flat_map(|texts| ["en", "zh"].map(|lang| root.join(lang).join(format!("{}.ftl", texts.name))));
        let mut named: Vec<std::path::PathBuf> = named.collect();
        named.sort();
        assert_eq!(files, named, "each file is named in the list");
        for file in files {
            let lines = std::fs::read_to_string(&file).expect("text").lines().count();
            assert!(lines <= 500, "{} has {lines} lines", file.display());
        }
    }

    #[test]
    fn plurals_follow_the_number() {
        assert_eq!(text(Lang::En, "unit-cards", &[("n", "1")]), "1 card");
        assert_eq!(text(Lang::En, "unit-cards", &[("n", "8")]), "8 cards");
        assert_eq!(text(Lang::Zh, "unit-cards", &[("n", "8")]), "8 张加速卡");
    }

    /// Families of words that are looked up by a code: what stands before the code.
    const FAMILIES: [&str; 24] = [
        "account-",
        "act-",
        "action-",
        "card-",
        "cause-",
        "certainty-",
        "class-",
        "detail-",
        "domain-",
        "effect-",
        "event-",
        "example-",
        "fault-",
        "kind-",
        "log-tab-",
        "nav-",
        "nav-group-",
        "node-",
        "policy-",
        "refused-",
        "role-",
        "rule-",
        "state-",
        "unreadable-",
    ];

    /// All of the portal's code and templates.
    fn sources() -> String {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = [root.join("src/portal"), root.join("templates")];
        let paths = folders.iter().flat_map(|folder| crate::portal::sample::files(folder));
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).expect("text");
        paths.filter(|path| !path.ends_with("locale.rs")).map(read).collect()
    }

    #[test]
    fn each_text_that_is_asked_for_is_there_and_none_is_left_over() {
        let sources = sources();
        let known: std::collections::BTreeSet<&str> = keys(Lang::Zh).into_iter().collect();
        let mut asked = std::collections::BTreeSet::new();
        for call in [".t(\"", ".t1(\"", ".t2(\""] {
            // A call may be broken after its bracket.
            let flat =
                sources.replace("(\n", "(").split("( ").map(str::trim_start).collect::<Vec<_>>().join("(");
            let found: Vec<String> = flat
                .split(call)
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned)
                .collect();
            asked.extend(found);
        }
        assert!(asked.len() > 150, "the search found {}", asked.len());
        let missing: Vec<&String> = asked.iter().filter(|key| !known.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "asked for and not there: {missing:?}");
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
            ContractState, Role, ServiceClass, TenantDomain, contract::ContractAction, job::JobOutcome,
            run::StopCause,
        };
        let mut words: Vec<String> = Vec::new();
        words.extend(Role::ALL.map(|role| format!("role-{}", role.code())));
        words.extend(TenantDomain::ALL.map(|domain| format!("domain-{}", domain.code())));
        words.extend(ServiceClass::ALL.map(|class| format!("class-{}", class.code())));
        words.extend(ContractState::ALL.map(|state| format!("state-{}", state.code())));
        words.extend(ContractAction::ALL.map(|action| format!("act-{}", action.code())));
        let by_people = ContractAction::ALL.into_iter().filter(|action| !action.is_automatic());
        words.extend(by_people.map(|action| format!("effect-{}", action.code())));
        words.extend(crate::auth::Action::ALL.iter().map(|action| format!("action-{}", action.code())));
        words.extend(JobOutcome::ALL.map(|outcome| format!("state-{}", outcome.code())));
        words.extend(StopCause::ALL.map(|cause| format!("state-{}", cause.code())));
        words.extend(crate::app::hall::CardState::ALL.map(|card| format!("card-{}", card.code())));
        for word in words {
            for lang in [Lang::Zh, Lang::En] {
                assert!(find(lang, &word, &[]).is_some(), "{word}");
            }
        }
    }

    #[test]
    fn every_refusal_has_its_words_and_no_words_are_left_over() {
        use std::collections::BTreeSet;
        let refusals = crate::refusal::Refusal::ALL.iter().map(|refusal| ("refused", refusal.code()));
        let unreadable = crate::error::Unreadable::ALL.map(|part| ("unreadable", part.code()));
        let codes: BTreeSet<(&str, &str)> = refusals.chain(unreadable).collect();
        let keys_of =
            |(family, code): &(&str, &str)| [format!("{family}-{code}"), format!("{family}-{code}-hint")];
        let wanted: BTreeSet<String> = codes.iter().flat_map(keys_of).collect();
        for lang in [Lang::Zh, Lang::En] {
            let is_one = |key: &&str| key.starts_with("refused-") || key.starts_with("unreadable-");
            let there: BTreeSet<String> = keys(lang).into_iter().filter(is_one).map(str::to_owned).collect();
            assert_eq!(there, wanted);
            assert!(wanted.iter().all(|key| find(lang, key, &[]).is_some_and(|text| !text.is_empty())));
        }
    }
}
