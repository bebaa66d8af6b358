//! The settings beside a script. The script says what the job is: each setting is read from it, and written into it once
//! it is changed. Each field comes with the value that it was shown with, so that a change of the field is told from a
//! change of the script.

use base::page::{
    form::{Choice, Form},
    words::Ui,
};
use domain::script::{
    self,
    edit::{self, Setting},
};

/// The name under which a field's value comes as it was shown.
fn shown_name(setting: Setting) -> String {
    format!("was-{}", setting.code())
}

/// A form whose settings are in its script.
#[derive(Debug, Default)]
pub struct Merged {
    pub form: Form,
    /// The script is not the one that was sent.
    pub is_written: bool,
    /// What the script and a field say otherwise, in words; nothing is done with such a form.
    pub conflicts: Vec<String>,
}

/// Writes the fields that were changed into the script. What the script says by itself stays: where both were changed,
/// both are told.
pub fn merge(ui: Ui, form: Form) -> Merged {
    // Browsers send line ends as CR LF, whatever was typed.
    let sent = form.raw("script").replace("\r\n", "\n");
    let mut merged = Merged { form, ..Merged::default() };
    if domain::taskfile::is_one(&sent) {
        return merged;
    }
    let mut text = sent.clone();
    for setting in Setting::ALL {
        let typed = setting.plain(merged.form.value(setting.code()));
        let shown = setting.plain(merged.form.was(setting.code()));
        if typed.is_empty() || typed == shown {
            continue;
        }
        let said = edit::says(&sent, setting).then(|| read_back(&sent, setting)).flatten();
        let name = ui.word("setting", setting.code());
        match said {
            Some(said) if said == typed => {}
            Some(said) if said != shown => {
                let told = ui.t2("settings-conflict", format!("{name}: {said}"), &typed);
                merged.form.blame(setting.code(), told.as_str());
                merged.conflicts.push(told);
            }
            // A project that the script does not name is the field's.
            None if setting == Setting::Project => {}
            _ => {
                if let Some(written) = edit::write(&text, setting, &typed) {
                    text = written;
                } else {
                    let told = ui.t2("settings-unwritten", &name, &typed);
                    merged.form.blame(setting.code(), told.as_str());
                    merged.conflicts.push(told);
                }
            }
        }
    }
    merged.is_written = text != sent;
    merged.form = merged.form.replaced("script", text);
    merged
}

/// A setting as the script has it, or as it is where the script does not say it.
fn read_back(text: &str, setting: Setting) -> Option<String> {
    script::parse(text).ok().map(|parsed| setting.of(&parsed.spec))
}

/// The fields as they are shown: what the script says, but for those whose change was not taken.
pub fn shown(form: Form, projects: &mut Vec<Choice>) -> Form {
    let text = form.raw("script").replace("\r\n", "\n");
    let parsed = script::parse(&text).ok();
    let mut form = form;
    for setting in Setting::ALL {
        let typed = form.value(setting.code()).to_owned();
        let is_said = edit::says(&text, setting);
        let said = match (&parsed, setting) {
            (Some(_), Setting::Project | Setting::Name | Setting::Time) if !is_said => None,
            (Some(parsed), _) => Some(setting.of(&parsed.spec)),
            (None, _) => None,
        };
        let value = match (said, setting) {
            (Some(said), _) => said,
            (None, Setting::Project) => typed.clone(),
            (None, _) if parsed.is_none() => typed.clone(),
            (None, _) => String::new(),
        };
        if setting == Setting::Project && !value.is_empty() && !projects.iter().any(|known| known.is(&value))
        {
            projects.push(Choice::new(value.as_str(), value.as_str()));
        }
        form = form.replaced(&shown_name(setting), value.clone());
        if form.problem(setting.code()).is_empty() {
            form = form.replaced(setting.code(), value);
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use domain::Lang;

    use super::*;

    fn merged(script: &str, fields: &[(&str, &str)]) -> Merged {
        crate::nouns::load_texts();
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let all = std::iter::once(("script".to_owned(), script.to_owned())).chain(fields);
        merge(Ui::of(Lang::En), Form::of(all.collect()))
    }

    const NORMAL: &str = "#!/bin/sh\n#SBATCH --gres=npu:1\n#SBATCH --qos=normal\ntrue\n";

    #[test]
    fn a_changed_field_is_written_and_a_changed_script_stays() {
        let of_field = merged(NORMAL, &[("class", "spot"), ("was-class", "normal")]);
        assert!(of_field.is_written && of_field.conflicts.is_empty());
        assert!(of_field.form.raw("script").contains("#SBATCH --qos=spot\n"));
        let of_script = merged(NORMAL, &[("class", "urgent"), ("was-class", "urgent")]);
        assert!(!of_script.is_written && of_script.conflicts.is_empty());
        let both = merged(NORMAL, &[("class", "spot"), ("was-class", "urgent")]);
        assert!(!both.is_written && both.conflicts.len() == 1, "{:?}", both.conflicts);
        assert!(
            both.conflicts[0].contains("normal") && both.conflicts[0].contains("spot"),
            "{:?}",
            both.conflicts
        );
    }

    #[test]
    fn a_script_that_says_nothing_takes_the_field_and_what_can_not_be_written_is_told() {
        let cards = merged("#!/bin/sh\r\ntrue\r\n", &[("cards", "8"), ("nodes", "2"), ("was-nodes", "1")]);
        assert!(
            cards.form.raw("script").contains("--gres=npu:8\n#SBATCH --nodes=2\n"),
            "{}",
            cards.form.raw("script")
        );
        let wrong = merged(NORMAL, &[("time", "soon"), ("was-time", "")]);
        assert!(!wrong.is_written && wrong.conflicts.len() == 1 && !wrong.form.problem("time").is_empty());
        let task_file = merged("name: x\nscript: 'true'\n", &[("cards", "8"), ("was-cards", "1")]);
        assert!(!task_file.is_written && task_file.conflicts.is_empty());
    }

    #[test]
    fn fields_show_what_the_script_says() {
        let mut projects = vec![Choice::new("work", "Work")];
        let form = Form::with(&[
            ("script", "#!/bin/sh\n#SBATCH -N 2 --gres=npu:4 -t 90 --account=other --qos=spot\n".to_owned()),
            ("project", "work".to_owned()),
        ]);
        let form = shown(form, &mut projects);
        let values = ["nodes", "cards", "time", "project", "class", "name", "was-project"]
            .map(|name| form.value(name));
        assert_eq!(values, ["2", "4", "01:30:00", "other", "spot", "", "other"]);
        assert_eq!(projects.len(), 2, "a project that is not offered is shown nevertheless");
    }
}
