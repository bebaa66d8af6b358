//! What was typed into a form, and what is wrong with it: kept together, so that a form that is shown again has both
//! beside each field.

use std::{collections::BTreeMap, ops::RangeInclusive};

use domain::{
    CardMs, MicroCny,
    problem::{Place, SpecProblem, Wrong},
};

use super::kit::Ui;
use crate::error::AppError;

/// The most yuan, and the most card-hours, of one field: what the center takes in micro-CNY and card-milliseconds.
const MOST: i64 = 1_000_000_000_000_000;

/// Fields as a browser sends them, and texts of what is wrong, by the name of the field.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    values: Vec<(String, String)>,
    problems: BTreeMap<String, String>,
    /// What is wrong and belongs to no field.
    pub notice: String,
}

impl Typed {
    pub fn of(values: Vec<(String, String)>) -> Self {
        Self { values, ..Self::default() }
    }

    /// What a form begins with.
    pub fn with(values: &[(&str, String)]) -> Self {
        Self::of(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// What was typed there, without the space around it; empty where nothing was.
    pub fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a box or choice of that name is taken.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values.iter().any(|(known, given)| known == name && given == value)
    }

    /// All that was taken under one name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.values.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
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

    /// Says at a field what is wrong with its value.
    pub fn blame_for(&mut self, ui: Ui, name: &str, wrong: impl Into<Wrong>) {
        self.blame(name, wrong.into().text(ui.lang));
    }

    /// Takes in why the center refused: beside the field where it names one that `field` knows, above the form otherwise.
    /// Gives back what is no matter of the form.
    pub fn take(
        &mut self,
        ui: Ui,
        error: AppError,
        field: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<(), AppError> {
        match error {
            AppError::Invalid(problems) => {
                for problem in problems {
                    self.take_one(ui, problem, &field);
                }
            }
            AppError::Refused { code, .. } if field(code.code()).is_some() => {
                let (title, hint) = super::fault::refusal_words(ui, code);
                let joint = ui.t("sentence-joint");
                self.blame(field(code.code()).unwrap_or_default(), format!("{title}{joint}{hint}"));
            }
            AppError::Refused { .. } => {
                let told = super::fault::told(ui, &error);
                [told.title, told.details.join(" "), told.hint].join(" ").trim().clone_into(&mut self.notice);
            }
            AppError::NotFound { noun, .. } if field(noun).is_some() => {
                self.blame_by(ui, field(noun).unwrap_or_default(), noun);
            }
            other => return Err(other),
        }
        Ok(())
    }

    fn take_one(&mut self, ui: Ui, problem: SpecProblem, field: impl Fn(&str) -> Option<&'static str>) {
        let known = match problem.place {
            Place::Field(named) => field(named.code),
            _ => None,
        };
        if let Some(name) = known {
            self.blame_for(ui, name, problem.wrong);
        } else {
            let both = format!("{} {}", self.notice, problem.text(ui.lang));
            both.trim().clone_into(&mut self.notice);
        }
    }

    /// A whole number in that range. Says what is wrong where it is none.
    pub fn number(&mut self, ui: Ui, name: &str, range: RangeInclusive<u32>) -> u32 {
        let plain = self.value(name).replace([',', '，'], "");
        if let Some(number) = plain.parse::<u32>().ok().filter(|number| range.contains(number)) {
            number
        } else {
            let (least, most) = (range.start().to_string(), super::kit::grouped(&range.end().to_string()));
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
        if let Some(amount) = read.ok().filter(|amount| (0..=MOST).contains(&amount.0)) {
            amount
        } else {
            self.blame_by(ui, name, "amount");
            MicroCny::ZERO
        }
    }

    /// Card-hours above 0, as card-milliseconds.
    pub fn hours(&mut self, ui: Ui, name: &str) -> CardMs {
        // Hours with at most six places read as money does.
        let read = self.value(name).replace('，', ",").parse::<MicroCny>().ok();
        let card_ms = read.map(|millionths| i128::from(millionths.0) * 36 / 10);
        if let Some(card_ms) =
            card_ms.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| (1..=MOST).contains(ms))
        {
            CardMs(card_ms)
        } else {
            self.blame_by(ui, name, "hours");
            CardMs::ZERO
        }
    }

    /// A day as browsers send it, as the instant at which it begins at the center.
    pub fn day(&mut self, ui: Ui, name: &str) -> String {
        let text = format!("{}T00:00:00+08:00", self.value(name));
        if self.value(name).len() == 10 && text.parse::<domain::Timestamp>().is_ok() {
            return text;
        }
        self.blame_by(ui, name, "day");
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;

    use super::*;

    const UI: Ui = Ui { lang: Lang::Zh };

    fn typed(value: &str) -> Typed {
        Typed::with(&[("x", value.to_owned())])
    }

    #[test]
    fn amounts_hours_and_numbers_read_as_people_write_them() {
        assert_eq!(typed(" ¥1,234.50 ").yuan(UI, "x"), MicroCny(1_234_500_000));
        assert_eq!(typed("1，000").yuan(UI, "x"), MicroCny(1_000_000_000));
        assert_eq!(typed("1.5").hours(UI, "x"), CardMs(5_400_000));
        assert_eq!(typed("10000").hours(UI, "x"), CardMs(36_000_000_000));
        assert_eq!(typed("0.0001").hours(UI, "x"), CardMs(360));
        assert_eq!(typed("1,024").number(UI, "x", 1..=5000), 1024);
        assert_eq!(typed("").number_or_none(UI, "x", 1..=5), None);
        assert_eq!(typed("2026-05-20").day(UI, "x"), "2026-05-20T00:00:00+08:00");
    }

    #[test]
    fn what_is_none_is_said_at_its_field() {
        for bad in ["", "-1", "x", "1e3", "99999999999999999999", "0.0000001"] {
            let mut read = typed(bad);
            read.yuan(UI, "x");
            assert!(!read.is_good() && !read.problem("x").is_empty(), "{bad}");
            let mut read = typed(bad);
            read.hours(UI, "x");
            assert!(!read.is_good(), "{bad}");
            let mut read = typed(bad);
            read.number(UI, "x", 1..=9);
            assert!(read.problem("x").contains('9'), "{bad}: {}", read.problem("x"));
            let mut read = typed(bad);
            read.day(UI, "x");
            assert!(!read.is_good(), "{bad}");
        }
    }
}
