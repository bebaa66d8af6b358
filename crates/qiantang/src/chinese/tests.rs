use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _, FromArgMatches as _, error::ErrorKind};
use domain::Lang;

use super::{help, in_language, refused, texts};
use crate::{cli::Cli, commands::sbatch};

fn is_chinese(letter: char) -> bool {
    ('\u{2e80}'..='\u{9fff}').contains(&letter)
}

/// The names of all texts that the tree of commands needs, each with the English one.
fn needed(command: &Command, path: &str, all: &mut BTreeMap<String, String>) {
    let about = command.get_long_about().or(command.get_about());
    all.insert(path.to_owned(), about.map(ToString::to_string).unwrap_or_default());
    for arg in command.get_arguments() {
        let english = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        // What holds for every command is told once.
        let is_global = path != "qiantang" && ["json", "lang", "url"].contains(&arg.get_id().as_str());
        if !is_global {
            all.insert(format!("{path}.{}", arg.get_id()), english);
        }
        for value in arg.get_possible_values() {
            if let Some(english) = value.get_help() {
                all.insert(format!("{path}.{}--{}", arg.get_id(), value.get_name()), english.to_string());
            }
        }
    }
    for sub in command.get_subcommands() {
        needed(sub, &help::below(path, sub.get_name()), all);
    }
}

fn whole() -> Command {
    Cli::command().mut_subcommand("submit", sbatch::described)
}

/// The names of the texts in the files, without those of the frame and of faults.
fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut message = "";
    for line in texts::SOURCES.iter().flat_map(|source| source.lines()) {
        let Some((name, _)) = line.split_once(" =") else { continue };
        if let Some(attribute) = name.strip_prefix("    .") {
            known.insert(format!("{message}.{attribute}"));
        } else if name.starts_with(|first: char| first.is_ascii_lowercase()) {
            message = name;
            known.insert(name.to_owned());
        }
    }
    known
}

const OWN: [&str; 11] =
    ["heading-", "any-", "between-", "note-", "help-of-", "fault", "tip", "see-", "why-", "term-", "list-"];

#[test]
fn every_command_argument_and_value_has_its_chinese_text_and_no_text_is_left_over() {
    let mut all = BTreeMap::new();
    needed(&whole(), "qiantang", &mut all);
    let known = known();
    let is_own = |name: &&String| OWN.iter().any(|own| name.starts_with(own)) && !all.contains_key(*name);
    let lacking: Vec<_> = all.keys().filter(|name| !known.contains(*name)).collect();
    let left: Vec<_> = known.iter().filter(|name| !all.contains_key(*name) && !is_own(name)).collect();
    assert!(lacking.is_empty() && left.is_empty(), "lacking: {lacking:#?}\nleft over: {left:#?}");
    for (name, english) in &all {
        let (message, attribute) = match name.split_once('.') {
            Some((message, attribute)) => (message, Some(attribute)),
            None => (name.as_str(), None),
        };
        let chinese = texts::find(message, attribute, &[]).unwrap_or_default();
        assert!(chinese.contains(is_chinese), "{name}: {chinese}");
        assert_eq!(chinese.contains("\n\n"), english.contains("\n\n"), "{name}: paragraphs");
        // Options and examples stand in both.
        let marks = |text: &str| {
            let words = text.split(|letter: char| !letter.is_ascii() || " ,;:()`.".contains(letter));
            words.filter(|word| word.starts_with("--")).map(str::to_owned).collect::<BTreeSet<_>>()
        };
        assert_eq!(marks(&chinese), marks(english), "{name}: {chinese}");
    }
}

/// Help in Chinese of each command below this one, with the words that lead there.
fn each_help(command: &mut Command, words: &str, see: &mut impl FnMut(&str, String)) {
    see(words, command.render_help().to_string());
    see(words, command.render_long_help().to_string());
    for sub in command.get_subcommands_mut() {
        let words = format!("{words} {}", sub.get_name());
        each_help(sub, &words, see);
    }
}

#[test]
fn all_help_is_chinese() {
    let mut whole = in_language(whole(), Lang::Zh);
    let mut count = 0;
    each_help(&mut whole, "qiantang", &mut |words, text| {
        count += 1;
        for english in [
            "Usage:",
            "Commands:",
            "Arguments:",
            "Options:",
            "[default",
            "[possible",
            "[env",
            "[alias",
            "OPTIONS",
            "[COMMAND]",
            "<COMMAND>",
            "Print help",
            "Print version",
            "Possible values",
        ] {
            assert!(!text.contains(english), "{words}: {english}\n{text}");
        }
        // A line of words alone, without a Chinese letter, is a text that was left in English.
        for line in text.lines().filter(|line| !line.contains(is_chinese)) {
            let is_example = line.trim_start().starts_with(['-', '<', '[']) || line.contains("qiantang");
            assert!(line.trim().is_empty() || is_example, "{words}: {line}\n{text}");
        }
    });
    assert!(count > 150, "{count}");
}

#[test]
fn help_tells_defaults_values_and_variables() {
    let mut whole = in_language(whole(), Lang::Zh);
    let mut long = |words: &[&str]| {
        let mut command = &mut whole;
        for word in words {
            command = command.find_subcommand_mut(word).expect("there is one");
        }
        command.render_long_help().to_string()
    };
    let root = long(&[]);
    for part in
        ["用法：qiantang [选项] <命令>", "命令：", "选项：", "（环境变量：QIANTANG_URL）", "（可选：zh、en）"]
    {
        assert!(root.contains(part), "{part}\n{root}");
    }
    assert!(long(&["jobs"]).contains("最多列出多少个作业（默认：20）"));
    let new = long(&["contracts", "new"]);
    assert!(new.contains("prepaid：预付卡时") && new.contains("--kind <KIND>"), "{new}");
    assert!(long(&["show"]).contains("参数：\n"));
}

#[test]
fn a_translated_command_line_reads_as_the_english_one() {
    for line in
        ["jobs --mine --limit 3", "--lang zh contracts top-up C1 --yuan 5 --reference r", "show 12345678"]
    {
        let words = || std::iter::once("qiantang").chain(line.split(' '));
        let read = |lang| {
            let mut matches = in_language(Cli::command(), lang).try_get_matches_from(words()).expect(line);
            format!("{:?}", Cli::from_arg_matches_mut(&mut matches).expect("it is one").command)
        };
        assert_eq!(read(Lang::Zh), read(Lang::En));
    }
    let asked = in_language(Cli::command(), Lang::Zh).try_get_matches_from(["qiantang", "help", "jobs"]);
    let help = asked.expect_err("it is help");
    assert_eq!(help.kind(), ErrorKind::DisplayHelp);
    assert!(help.to_string().starts_with("列出作业\n\n用法：qiantang jobs [选项]"), "{help}");
}

/// What is said of a line that can't be understood.
fn said(line: &str) -> (ErrorKind, String) {
    let words: Vec<_> = line.split(' ').map(std::ffi::OsString::from).collect();
    let mut whole = in_language(Cli::command(), Lang::Zh);
    let all = std::iter::once("qiantang".into()).chain(words.iter().cloned());
    let error = whole.try_get_matches_from_mut(all).expect_err(line);
    let told = refused(&error, &mut whole, &words);
    (error.kind(), told)
}

#[test]
fn lines_that_cannot_be_understood_are_told_in_chinese() {
    for (line, kind, told) in [
        (
            "jobs --limt 3",
            ErrorKind::UnknownArgument,
            "错误：没有参数 `--limt`\n\n  提示：是否想用 `--limit`？",
        ),
        ("job", ErrorKind::InvalidSubcommand, "错误：没有命令 `job`\n\n  提示：是否想用命令 `jobs`"),
        ("jobs --limit", ErrorKind::InvalidValue, "错误：`--limit <LIMIT>` 缺少值"),
        (
            "jobs --limit many",
            ErrorKind::ValueValidation,
            "`many` 无效：不是整数。此参数的含义：最多列出多少个作业",
        ),
        ("jobs --limit 99999999999", ErrorKind::ValueValidation, "`99999999999` 无效：超出允许的范围"),
        ("twin replay t --price x", ErrorKind::ValueValidation, "`x` 无效：不是以元为单位的金额"),
        (
            "twin generate t -o x --days 0",
            ErrorKind::ValueValidation,
            "超出允许的范围。此参数的含义：持续多少天，1 至 36500",
        ),
        ("demo --engine moon", ErrorKind::InvalidValue, "的值不能是 `moon`，可选：local、slurm"),
        ("show", ErrorKind::MissingRequiredArgument, "错误：缺少必需的参数：<JOBS>..."),
        ("logs a --all --stderr", ErrorKind::ArgumentConflict, "`--all` 不能与 `--stderr` 同时使用"),
        ("jobs --mine --mine", ErrorKind::ArgumentConflict, "`--mine` 只能使用一次"),
        ("jobs --mine=yes", ErrorKind::TooManyValues, "`--mine` 不能再有值 `yes`"),
        ("resume node-1 node-2", ErrorKind::UnknownArgument, "没有参数 `node-2`"),
        ("show -x", ErrorKind::UnknownArgument, "如果它是值而不是选项，请写成 `-- -x`"),
        ("backup file list", ErrorKind::ArgumentConflict, "命令 `list` 不能与 `[FILE]` 同时使用"),
    ] {
        let (found, text) = said(line);
        assert_eq!(found, kind, "{line}: {text}");
        assert!(text.contains(told), "{line}: {text}");
        // Names of options, commands and values stand between marks, in the usage, or behind a colon.
        let prose = text.split("\n用法：").next().unwrap_or_default();
        let prose: String = prose.split('`').step_by(2).collect();
        let foreign = prose.split(|letter: char| !letter.is_ascii_alphabetic()).find(|word| {
            let is_name = line.contains(word) || ["local", "slurm", "JOBS"].contains(word);
            !word.is_empty() && !is_name
        });
        assert!(foreign.is_none(), "{line}: {foreign:?} in {text}");
        assert!(text.contains("用法：qiantang") && !text.contains("OPTIONS"), "{text}");
    }
}

/// Kinds that no line of this program's brings about, told by their values alone.
#[test]
fn every_kind_of_fault_has_its_words() {
    use clap::error::{ContextKind, ContextValue};

    let string = |text: &str| ContextValue::String(text.to_owned());
    for (kind, context, told) in [
        (ErrorKind::NoEquals, vec![(ContextKind::InvalidArg, string("--a"))], "`--a` 的值必须写在等号后面"),
        (
            ErrorKind::TooFewValues,
            vec![
                (ContextKind::InvalidArg, string("--a")),
                (ContextKind::MinValues, ContextValue::Number(2)),
                (ContextKind::ActualNumValues, ContextValue::Number(1)),
            ],
            "`--a` 至少要有 2 个值，只给出 1 个",
        ),
        (
            ErrorKind::WrongNumberOfValues,
            vec![
                (ContextKind::InvalidArg, string("--a")),
                (ContextKind::ExpectedNumValues, ContextValue::Number(3)),
                (ContextKind::ActualNumValues, ContextValue::Number(1)),
            ],
            "`--a` 要有 3 个值，给出了 1 个",
        ),
        (
            ErrorKind::MissingSubcommand,
            vec![
                (ContextKind::InvalidSubcommand, string("twin")),
                (ContextKind::ValidSubcommand, ContextValue::Strings(vec!["a".into(), "b".into()])),
            ],
            "`twin` 后面缺少命令，可用的有：a、b",
        ),
        (ErrorKind::MissingSubcommand, vec![], "缺少命令"),
        (ErrorKind::InvalidUtf8, vec![], "命令行中有不是 UTF-8 的字符"),
        (ErrorKind::ArgumentConflict, vec![(ContextKind::InvalidArg, string("--a"))], "有参数不能同时使用"),
        (
            ErrorKind::InvalidValue,
            vec![
                (ContextKind::InvalidArg, string("--a")),
                (ContextKind::InvalidValue, string("x")),
                (ContextKind::SuggestedValue, string("y")),
            ],
            "`--a` 的值 `x` 无效\n\n  提示：是否想写 `y`？",
        ),
    ] {
        let mut whole = in_language(Cli::command(), Lang::Zh);
        let mut error = clap::Error::new(kind);
        for (kind, value) in context {
            error.insert(kind, value);
        }
        let text = refused(&error, &mut whole, &[]);
        assert!(text.starts_with(&format!("错误：{told}")), "{text}");
    }
}
