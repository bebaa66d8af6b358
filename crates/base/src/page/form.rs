//! A form: what was typed, and what is wrong with it, kept together, so that a form that is shown again has
//! both beside each field.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::http::StatusCode;
use domain::{
    CardMs, Lang, MicroCny, Timestamp,
    decimal::grouped,
    problem::{Place, SpecProblem, Wrong},
};

use crate::page::{told::sentence, words::Ui};
use crate::{error::AppError, http::status, params::MOST_AMOUNT};

/// One of several things that a field offers: what it sends, and how it reads.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub word: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, word: impl Into<String>) -> Self {
        Self { value: value.into(), word: word.into() }
    }

    pub fn is(&self, value: &str) -> bool {
        self.value == value
    }
}

/// Fields as a browser sends them, and texts of what is wrong, by the name of the field.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: Vec<(String, String)>,
    problems: BTreeMap<String, String>,
    /// The fault that belongs to no field, in words.
    pub notice: String,
}

impl Form {
    pub fn of(values: Vec<(String, String)>) -> Self {
        Self { values, ..Self::default() }
    }

    /// A form that begins with these values.
    pub fn with(values: &[(&str, String)]) -> Self {
        Self::of(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// The same form with that value alone under a name.
    #[must_use]
    pub fn replaced(self, name: &str, value: String) -> Self {
        let mut form = self.without(name);
        form.values.push((name.to_owned(), value));
        form
    }

    /// The same form without what was sent under one name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.values.retain(|(known, _)| known != name);
        self
    }

    /// The text that was typed into a field, without the space around it; empty where none was. Of several of
    /// one name, the first.
    pub fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The value that a field was shown with, where the form has it.
    pub fn was(&self, name: &str) -> &str {
        self.value(&format!("was-{name}"))
    }

    /// The text that was typed into a field, space and all, such as a password or a script. Of several of one
    /// name, the first.
    pub fn raw(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether a box or choice of that name is taken.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values.iter().any(|(known, given)| known == name && given == value)
    }

    /// All that was taken under one name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.values.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// Everything that was sent, in its order.
    pub fn fields(&self) -> &[(String, String)] {
        &self.values
    }

    pub fn problem(&self, name: &str) -> &str {
        self.problems.get(name).map_or("", String::as_str)
    }

    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.notice.is_empty()
    }

    /// Says what is wrong with a field; the first that is said stays.
    pub fn blame(&mut self, name: &str, text: impl Into<String>) {
        self.problems.entry(name.to_owned()).or_insert_with(|| text.into());
    }

    /// The rule of that name, said at a field.
    pub fn blame_by(&mut self, ui: Ui, name: &str, rule_name: &str) {
        self.blame(name, ui.word("rule", rule_name));
    }

    /// Says at a field what is wrong with its value, and how it is written right.
    pub fn blame_for(&mut self, ui: Ui, name: &str, wrong: impl Into<Wrong>) {
        self.blame(name, at_field(ui.lang, &wrong.into()));
    }

    /// Says why the center refused what was sent: beside the field where the error names one that `field`
    /// knows, above the form otherwise. Gives the status with which the form is shown again, or gives the
    /// error back if it is no matter of the form.
    pub fn explain(
        &mut self,
        ui: Ui,
        error: AppError,
        field: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<StatusCode, AppError> {
        let status = status(&error);
        match error {
            AppError::Invalid(problems) => {
                for problem in problems {
                    self.explain_one(ui, problem, &field);
                }
            }
            AppError::Refused(refused) if field(refused.code()).is_some() => {
                let told = [refused.text(ui.lang), refused.hint(ui.lang)];
                let told = told.map(|part| quoted(ui.lang, &sentence(ui.lang, &part)));
                self.blame(field(refused.code()).unwrap_or_default(), in_a_row(ui.lang, told));
            }
            AppError::Refused(_) | AppError::TooMany { .. } => {
                let told = crate::page::told::told(ui, &error);
                let parts = std::iter::once(told.title).chain(told.details).chain([told.hint]);
                self.notice = in_a_row(ui.lang, parts);
            }
            AppError::NotFound { noun, .. } if field(noun).is_some() => {
                self.blame_by(ui, field(noun).unwrap_or_default(), noun);
            }
            other => return Err(other),
        }
        Ok(status)
    }

    fn explain_one(&mut self, ui: Ui, problem: SpecProblem, field: impl Fn(&str) -> Option<&'static str>) {
        let known = match problem.place {
            Place::Field(named) => field(named.code),
            _ => None,
        };
        if let Some(name) = known {
            self.blame_for(ui, name, problem.wrong);
        } else {
            let told = [std::mem::take(&mut self.notice), problem.text(ui.lang)];
            self.notice = in_a_row(ui.lang, told);
        }
    }

    /// A whole number in that range. Says what is wrong where it is none.
    pub fn number(&mut self, ui: Ui, name: &str, range: RangeInclusive<u32>) -> u32 {
        let plain = self.value(name).replace([',', '，'], "");
        if let Some(number) = plain.parse::<u32>().ok().filter(|number| range.contains(number)) {
            number
        } else {
            let (least, most) = (range.start().to_string(), grouped(&range.end().to_string()));
            self.blame(name, ui.t2("rule-number-from-to", least, most));
            *range.start()
        }
    }

    /// [`Self::number`] that may be left out.
    pub fn number_or_none(&mut self, ui: Ui, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        (!self.value(name).is_empty()).then(|| self.number(ui, name, range))
    }

    /// An amount in yuan, 0 or more.
    pub fn yuan(&mut self, ui: Ui, name: &str) -> MicroCny {
        let read = self.value(name).trim_start_matches(['¥', '￥']).replace('，', ",").parse::<MicroCny>();
        if let Some(amount) = read.ok().filter(|amount| (0..=MOST_AMOUNT).contains(&amount.0)) {
            amount
        } else {
            self.blame_by(ui, name, "amount");
            MicroCny::ZERO
        }
    }

    /// Card-hours above 0, as card-milliseconds.
    pub fn hours(&mut self, ui: Ui, name: &str) -> CardMs {
        let read = CardMs::of_hours(&self.value(name).replace('，', ","));
        if let Some(card_ms) = read.filter(|read| read.0 <= MOST_AMOUNT) {
            card_ms
        } else {
            self.blame_by(ui, name, "hours");
            CardMs::ZERO
        }
    }

    /// A day as browsers send it, as the instant at which it begins at the center.
    pub fn day(&mut self, ui: Ui, name: &str) -> String {
        let read = ui.zone.parse(self.value(name)).ok().filter(|_| self.value(name).len() == 10);
        self.at(ui, name, "day", read)
    }

    /// An instant as browsers send it, by the center's clock.
    pub fn instant(&mut self, ui: Ui, name: &str) -> String {
        let read = ui.zone.parse_local(self.value(name)).ok();
        self.at(ui, name, "instant", read)
    }

    fn at(&mut self, ui: Ui, name: &str, rule_name: &str, read: Option<Timestamp>) -> String {
        if read.is_none() {
            self.blame_by(ui, name, rule_name);
        }
        read.map(|at| at.to_string()).unwrap_or_default()
    }
}

/// What is wrong with a value, for a reader who sees the field: whole sentences, with what was typed in quotes.
fn at_field(lang: Lang, wrong: &Wrong) -> String {
    let problem = match lang {
        Lang::Zh => wrong.problem(lang),
        // It begins with its verb.
        Lang::En => format!("it {}", wrong.problem(lang)),
    };
    let told =
        [problem, wrong.hint(lang)].map(|part| if part.is_empty() { part } else { sentence(lang, &part) });
    quoted(lang, &in_a_row(lang, told))
}

/// The text with its pieces of code in quotes, for readers who write none.
fn quoted(lang: Lang, text: &str) -> String {
    if lang == Lang::Zh || text.matches('`').count() % 2 == 1 {
        return text.to_owned();
    }
    let mut parts = text.split('`');
    let mut told = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        told.push(if at % 2 == 0 { '“' } else { '”' });
        told.push_str(part);
    }
    told
}

/// Texts one behind the other, each a sentence of its own.
fn in_a_row(lang: Lang, parts: impl IntoIterator<Item = String>) -> String {
    let mut told = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let is_whole = told.is_empty() || told.ends_with(['.', '!', '?', '。', '！', '？', ':', '：']);
        match (told.is_empty(), lang) {
            (true, _) => {}
            (false, Lang::Zh) if is_whole => {}
            (false, Lang::Zh) => told.push('。'),
            (false, Lang::En) if is_whole => told.push(' '),
            (false, Lang::En) => told.push_str(". "),
        }
        told.push_str(&part);
    }
    told
}

#[cfg(test)]
mod tests {
    use domain::problem::field;

    use super::*;
    use crate::refusal::Refused;

    fn ui() -> Ui {
        Ui::of(Lang::Zh)
    }

    fn filled(value: &str) -> Form {
        Form::with(&[("x", value.to_owned())])
    }

    #[test]
    fn what_is_wrong_at_a_field_reads_as_sentences() {
        let wrong = || Wrong::NotAnEmail { given: "foo@".into() };
        let told = |lang| {
            let mut form = Form::default();
            form.blame_for(Ui::of(lang), "email", wrong());
            form.problem("email").to_owned()
        };
        let en = "It is “foo@”, which is not an e-mail address. Write it as “name@example.com”.";
        assert_eq!(told(Lang::En), en);
        assert_eq!(told(Lang::Zh), "“foo@”不是电子邮箱地址。请写成 name@example.com 的样子。");
        // What belongs to no field stands above the form, and what was said before it stays apart.
        let mut form = Form { notice: "First".into(), ..Form::default() };
        form.explain(ui(), AppError::invalid(field::SLUG, wrong()), |_| None).expect("it is of the form");
        assert!(form.notice.starts_with("First。"), "{}", form.notice);
    }

    #[test]
    fn a_refusal_has_its_title_and_its_text_apart() {
        for (lang, joint) in [(Lang::En, ". A tenant"), (Lang::Zh, "已经存在。已经")] {
            let refused = || AppError::from(Refused::AlreadyThere { what: "a tenant with this name".into() });
            let mut form = Form::default();
            form.explain(Ui::of(lang), refused(), |_| None).expect("it is of the form");
            assert!(form.notice.contains(joint), "{}", form.notice);
        }
    }

    #[test]
    fn amounts_hours_and_numbers_read_as_people_write_them() {
        assert_eq!(filled(" ¥1,234.50 ").yuan(ui(), "x"), MicroCny(1_234_500_000));
        assert_eq!(filled("1，000").yuan(ui(), "x"), MicroCny(1_000_000_000));
        assert_eq!(filled("1.5").hours(ui(), "x"), CardMs(5_400_000));
        assert_eq!(filled("10000").hours(ui(), "x"), CardMs(36_000_000_000));
        assert_eq!(filled("0.0001").hours(ui(), "x"), CardMs(360));
        assert_eq!(filled("1,024").number(ui(), "x", 1..=5000), 1024);
        assert_eq!(filled("").number_or_none(ui(), "x", 1..=5), None);
        assert_eq!(filled("2026-05-20").day(ui(), "x"), "2026-05-19T16:00:00.000Z");
    }

    #[test]
    fn what_is_none_is_said_at_its_field() {
        for bad in ["", "-1", "x", "1e3", "99999999999999999999", "0.0000001"] {
            let mut read = filled(bad);
            read.yuan(ui(), "x");
            assert!(!read.is_good() && !read.problem("x").is_empty(), "{bad}");
            let mut read = filled(bad);
            read.hours(ui(), "x");
            assert!(!read.is_good(), "{bad}");
            let mut read = filled(bad);
            read.number(ui(), "x", 1..=9);
            assert!(read.problem("x").contains('9'), "{bad}: {}", read.problem("x"));
            let mut read = filled(bad);
            read.day(ui(), "x");
            assert!(!read.is_good(), "{bad}");
        }
    }
}
