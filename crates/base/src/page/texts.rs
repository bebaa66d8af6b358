//! The portal's texts in both languages, from Fluent files that are part of the program.

use std::sync::{LazyLock, OnceLock};

use domain::Lang;
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};

type Bundle = FluentBundle<FluentResource>;

/// Texts of one noun, or of the frame around all: Chinese, then English.
pub type Texts = [&'static str; 2];

macro_rules! frame {
    ($($name:literal),*) => {
        /// The texts of the frame itself.
        pub const FRAME: &[Texts] = &[$([
            include_str!(concat!("../../locales/zh/", $name, ".ftl")),
            include_str!(concat!("../../locales/en/", $name, ".ftl")),
        ]),*];
    };
}

frame!["shell", "words", "forms", "faults", "notices"];

/// The sources of all texts, once they are loaded.
static SOURCES: OnceLock<Vec<Texts>> = OnceLock::new();

/// All texts. Reading the sources takes milliseconds, which a command that says nothing need not wait for.
static ALL: OnceLock<[Bundle; 2]> = OnceLock::new();

/// The frame's own, which are there before the others are loaded.
static OF_FRAME: LazyLock<[Bundle; 2]> = LazyLock::new(|| bundles(FRAME));

/// Takes in the texts of all nouns, beside the frame's. The first call counts: a program has one set of
/// nouns. The texts are read when the first of them is asked for, which panics if one is not Fluent, or is
/// there twice: a fault of the build, which a test finds.
pub fn load(nouns: impl IntoIterator<Item = Texts>) {
    SOURCES.get_or_init(|| FRAME.iter().copied().chain(nouns).collect());
}

fn bundles(all: &[Texts]) -> [Bundle; 2] {
    [("zh-CN", 0), ("en", 1)].map(|(locale, at)| bundle(locale, all.iter().map(|texts| texts[at])))
}

fn bundle(locale: &str, sources: impl Iterator<Item = &'static str>) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(vec![locale.parse().expect("a language's code")]);
    // The marks that keep directions apart would end up in attributes; both languages run left to right.
    bundle.set_use_isolating(false);
    for source in sources {
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) => resource,
            Err((_, errors)) => panic!("the texts of {locale} are not Fluent: {errors:?}"),
        };
        if let Err(errors) = bundle.add_resource(resource) {
            panic!("a text of {locale} is there twice: {errors:?}");
        }
    }
    bundle
}

fn of(lang: Lang) -> &'static Bundle {
    let [zh, en] = match SOURCES.get() {
        Some(sources) => ALL.get_or_init(|| bundles(sources)),
        None => &OF_FRAME,
    };
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

/// All keys of one language's texts, in their order.
pub fn keys(source: &str) -> Vec<&str> {
    let is_key = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    source.lines().filter(is_key).filter_map(|line| line.split_once(" =")).map(|(key, _)| key).collect()
}

/// The language that a browser asks for: the first of its list that is one of ours, by weight; Chinese
/// otherwise.
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
    fn plurals_follow_the_number() {
        assert_eq!(text(Lang::En, "unit-cards", &[("n", "1")]), "1 card");
        assert_eq!(text(Lang::En, "unit-cards", &[("n", "8")]), "8 cards");
        assert_eq!(text(Lang::Zh, "unit-cards", &[("n", "8")]), "8 张加速卡");
    }

    #[test]
    fn every_refusal_has_its_words_and_no_words_are_left_over() {
        use std::collections::BTreeSet;
        let refusals = crate::refusal::samples::all();
        let refusals = refusals.iter().map(|refused| format!("refused-{}", refused.code()));
        let unreadable = crate::error::Unreadable::ALL.map(crate::error::Unreadable::code).into_iter();
        let of_unreadable =
            unreadable.flat_map(|code| [format!("unreadable-{code}"), format!("unreadable-{code}-hint")]);
        let wanted: BTreeSet<String> = refusals.chain(of_unreadable).collect();
        for (lang, at) in [(Lang::Zh, 0), (Lang::En, 1)] {
            let is_one = |key: &&str| key.starts_with("refused-") || key.starts_with("unreadable-");
            let all = FRAME.iter().flat_map(|texts| keys(texts[at]));
            let there: BTreeSet<String> = all.filter(is_one).map(str::to_owned).collect();
            assert_eq!(there, wanted);
            assert!(wanted.iter().all(|key| find(lang, key, &[]).is_some_and(|text| !text.is_empty())));
        }
    }
}
