//! What is wrong with a form or script, in the reader's language. The center's parts say it in English; in Chinese it is
//! said anew from the place that they name, never with their words between.

use domain::{Lang, spec::SpecProblem};

use super::{kit::Ui, locale};

/// What is asked of a field, if that is written down.
pub fn rule(ui: Ui, field: &str) -> Option<String> {
    locale::find(ui.lang, &format!("rule-{}", key(field)), &[])
}

fn key(field: &str) -> String {
    field.to_lowercase().replace('_', "-")
}

/// One wrong place, with what to write instead.
pub fn problem_text(ui: Ui, problem: &SpecProblem) -> String {
    let SpecProblem { field, problem: said, hint } = problem;
    if ui.lang == Lang::En {
        return format!("{field}: {said}; {hint}");
    }
    if let Some(place) = field.strip_prefix("line ") {
        return line_text(ui, place, said);
    }
    // The planner's own sentence comes in both languages.
    let own = hint.rsplit_once('(').and_then(|(_, zh)| zh.strip_suffix(')'));
    if let Some(own) = own.filter(|zh| zh.chars().any(|c| c > '\u{2fff}')) {
        return own.to_owned();
    }
    if field.starts_with("--") {
        return option_text(ui, field, said);
    }
    let word = ui.word("field", &key(field));
    let rule = rule(ui, field).unwrap_or_else(|| ui.t("rule-unknown"));
    format!("{word}：{rule}")
}

/// `place` is the number of the line, perhaps with an option: `3: --nodes`.
fn line_text(ui: Ui, place: &str, said: &str) -> String {
    let (line, option) = place.split_once(": ").unwrap_or((place, ""));
    let what = match option {
        "" if said.contains("is not closed") => ui.t("rule-quote"),
        "" => format!("{}{}", ui.t("rule-task-file"), quoted(ui, said)),
        option => option_text(ui, option, said),
    };
    format!("{}{what}", ui.t1("at-line", "line", line))
}

/// An option with what it takes, and what was given where that is said.
fn option_text(ui: Ui, option: &str, said: &str) -> String {
    let name = option.trim_start_matches('-');
    let rule = if said == "is not an option" {
        ui.t("option-none")
    } else {
        let own = locale::find(ui.lang, &format!("option-{name}"), &[]);
        own.unwrap_or_else(|| ui.t("option-unknown"))
    };
    format!("{option}{}：{rule}", quoted(ui, said))
}

/// What was given, which messages put between backticks.
fn quoted(ui: Ui, said: &str) -> String {
    match said.split('`').nth(1) {
        Some(given) if !given.is_empty() => ui.t1("given", "text", given),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of the messages' own language: names of options, keys and units are neither.
    fn has_english_prose(text: &str) -> bool {
        let words = text.split(|c: char| !c.is_ascii_alphabetic());
        let prose = [
            "is", "are", "the", "a", "write", "use", "ask", "not", "of", "at", "has", "give", "send",
            "needs", "for",
        ];
        words.into_iter().any(|word| prose.contains(&word))
    }

    #[test]
    fn whatever_is_wrong_with_a_script_is_said_in_chinese() {
        let ui = Ui { lang: Lang::Zh };
        let scripts = [
            "--nodes=0",
            "--nodes=2-",
            "--constraint=[x*2]",
            "--gres=tpu:1",
            "-G 7 -N 2",
            "--array=1-",
            "--array=0-9999999",
            "--dependency=singleton",
            "--dependency=afterok:123",
            "--qos=gold",
            "--job-name",
            "--job-name='x",
            "nonsense",
            "--hold",
            "--time=soon",
            "--time=0",
            "--export=A",
            "--wrap=x",
            "--begin=now",
            "--nodelist=a",
            "--ntasks=0",
            "--gpus=x",
        ];
        for options in scripts {
            let text = format!("#!/bin/bash\n#SBATCH {options}\ntrue\n");
            let problems = domain::script::parse(&text).expect_err(options);
            for problem in problems {
                let told = problem_text(ui, &problem);
                assert!(!has_english_prose(&told), "{options}: {told}");
                assert!(!told.contains("rule-") && !told.contains("option-"), "{options}: {told}");
                assert!(told.chars().any(|c| c > '\u{2fff}'), "{options}: {told}");
            }
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_task_file_is_said_in_chinese() {
        let ui = Ui { lang: Lang::Zh };
        let files = [
            "name: x\n",
            "name: x\ncommands: 1\n",
            "name: [\n",
            "type: service\nname: x\ncommands: [a]\n",
            "name: x\nscript: a\ncommands: [a]\n",
            "name: x\nscript: a\nmax_duration: soon\n",
            "name: x\nscript: a\nservice_class: gold\n",
            "name: x\nscript: a\narray: 1-\n",
            "name: x\nscript: a\nenv: [A]\n",
            "a: &b 1\n",
            "frobnicate: 1\n",
            "name: x\nscript: a\nresources: { cards: 1, cards_per_node: 2 }\n",
        ];
        for file in files {
            for problem in domain::taskfile::parse(file).expect_err(file) {
                let told = problem_text(ui, &problem);
                assert!(!has_english_prose(&told), "{file}: {told}");
            }
        }
        let mut spec = domain::JobSpec {
            nodes: 0,
            max_nodes: Some(5000),
            labels: vec![String::new()],
            cards_per_node: 0,
            ..Default::default()
        };
        spec.name = "\n".into();
        spec.args = vec!["\0".into(); 300];
        for problem in spec.problems() {
            let told = problem_text(ui, &problem);
            assert!(!has_english_prose(&told), "{told}");
        }
    }
}
