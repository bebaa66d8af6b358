//! The page's language: words with their icon, times, amounts. All of it is safe to put into a page: text
//! from outside is escaped here.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    clippy::ref_option,
    reason = "templates call these through the page and hand over fields by reference"
)]

use std::{borrow::Borrow, fmt};

use domain::{CardMs, Lang, MicroCny, Millis, RatePerCardHour, Rfc3339, Timestamp, Zone, decimal::grouped};

use super::amounts;
use crate::{
    approval::application::{Outcome, State},
    listing::Total,
    loops::LoopState,
    moment,
    page::texts,
};

/// Markup that is put into a page as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(pub String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// Text as HTML.
pub fn escape(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The page's language, with all that is said in it, and the center's time zone, by which it tells times and reads them.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    pub lang: Lang,
    pub zone: &'static Zone,
}

impl Ui {
    /// With the default zone, for whoever renders a page without a center.
    pub fn of(lang: Lang) -> Self {
        Self { lang, zone: Default::default() }
    }

    pub fn t(&self, key: &str) -> String {
        texts::text(self.lang, key, &[])
    }

    pub fn t1(&self, key: &str, name: &str, value: impl fmt::Display) -> String {
        texts::text(self.lang, key, &[(name, &value.to_string())])
    }

    pub fn t2(&self, key: &str, a: impl fmt::Display, b: impl fmt::Display) -> String {
        texts::text(self.lang, key, &[("a", &a.to_string()), ("b", &b.to_string())])
    }

    /// A word of a family, such as `state-running`; the code itself where it is none of ours.
    pub fn word(&self, family: &str, code: impl AsRef<str>) -> String {
        let code = code.as_ref();
        texts::find(self.lang, &format!("{family}-{code}"), &[]).unwrap_or_else(|| code.to_owned())
    }

    pub fn ico(&self, name: &str) -> Html {
        let name = escape(name);
        Html(format!(r#"<svg class="ico" aria-hidden="true"><use href="/static/icons.svg#{name}"/></svg>"#))
    }

    /// A state of a job, run, contract or node: icon and word.
    pub fn state(&self, code: impl AsRef<str>) -> Html {
        let code = code.as_ref();
        self.state_as(code, &self.word("state", code))
    }

    /// A node's state: `failed` reads otherwise than a job's.
    pub fn node_state(&self, code: impl AsRef<str>) -> Html {
        let code = code.as_ref();
        self.state_as(code, &self.word("node", code))
    }

    /// How a loop fares.
    pub fn loop_state(&self, state: &LoopState) -> Html {
        let look = match state {
            LoopState::Starting => "starting",
            LoopState::Done => "succeeded",
            LoopState::Failing | LoopState::Over => "failed",
        };
        self.state_as(look, &self.word("loop-state", state.code()))
    }

    /// Where an application stands, by what became of it.
    pub fn application_state(&self, state: &State, outcome: &Option<Outcome>) -> Html {
        let look = match (state, outcome) {
            (State::Submitted, _) => "submitted",
            (State::InReview, _) => "running",
            (State::Returned, _) => "suspended",
            (State::Effected, _) => "succeeded",
            (State::Decided, Some(outcome)) => {
                let look = if *outcome == Outcome::Rejected { "failed" } else { "approved" };
                return self.state_as(look, &self.word("outcome", outcome.code()));
            }
            (State::Withdrawn, _) => "cancelled",
            (State::Expired, _) => "expired",
            _ => "draft",
        };
        self.state_as(look, &self.word("application-state", state.code()))
    }

    /// A state of another family: by the look of a state that is known, with a word of its own.
    pub fn state_as(&self, code: &str, word: &str) -> Html {
        let icon = match code {
            "queued" | "starting" | "submitted" => "wait",
            "running" => "run",
            "stopping" | "stopped" | "suspended" | "drained" | "balance_ended" | "budget_ended"
            | "contract_ended" | "disk_full" | "disk_quota" | "preempted" => "stop",
            "succeeded" | "approved" | "active" | "up" => "ok",
            "failed" | "terminated" | "signaled" | "failed_to_start" => "fail",
            "timed_out" | "expired" => "clock",
            "cancelled" => "cancel",
            "lost" | "exhausted" => "warn",
            _ => "never",
        };
        // Kinds of end that have no colours of their own.
        let look = match code {
            "signaled" | "failed_to_start" => "failed",
            "balance_ended" | "budget_ended" | "contract_ended" | "preempted" | "disk_full"
            | "disk_quota" => "stopped",
            other => other,
        };
        Html(format!(r#"<span class="state is-{}">{}{}</span>"#, escape(look), self.ico(icon), escape(word)))
    }

    pub fn tag(&self, family: &str, code: impl AsRef<str>) -> Html {
        Html(format!(r#"<span class="tag">{}</span>"#, escape(self.word(family, code))))
    }

    /// The mark of what never happened.
    pub fn generated_mark(&self, is_generated: impl Borrow<bool>) -> Html {
        self.mark(*is_generated.borrow(), "generated")
    }

    /// The mark of what is on virtual nodes.
    pub fn virt(&self, is_virtual: impl Borrow<bool>) -> Html {
        self.mark(*is_virtual.borrow(), "virtual")
    }

    fn mark(self, is_so: bool, key: &str) -> Html {
        if !is_so {
            return Html::default();
        }
        Html(format!(r#"<span class="virtual">{}</span>"#, escape(self.t(key))))
    }

    pub fn copy(&self, text: impl fmt::Display) -> Html {
        let text = escape(text);
        Html(format!(
            r#"<button type="button" class="copy" data-copy="{text}" data-done="{}" aria-label="{} {text}" hidden>{}</button>"#,
            escape(self.t("copied")),
            escape(self.t("copy")),
            self.ico("copy")
        ))
    }

    /// Whose times the page tells.
    pub fn times_in(&self) -> String {
        self.t2("times-in", self.zone, self.zone.offset(moment::now()))
    }

    /// An instant in full.
    pub fn time(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &self.zone.clock(at), "")
    }

    /// An instant in full, for a text that has it in its middle.
    pub fn clock(&self, at: impl AsRef<Timestamp>) -> String {
        self.zone.clock(*at.as_ref())
    }

    /// An instant that scripts show as how long ago.
    pub fn ago(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &self.zone.clock(at), " data-relative")
    }

    /// An instant in little room: the time alone where it is today, with the day otherwise.
    pub fn short(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        let full = self.zone.clock(at);
        Self::time_as(at, &self.short_text(at), &format!(r#" title="{full}""#))
    }

    /// The same as text alone.
    pub fn short_text(&self, at: impl AsRef<Timestamp>) -> String {
        let full = self.zone.clock(*at.as_ref());
        let text = match full.split_once(' ') {
            Some((day, time)) if day == self.zone.date(moment::now()) => time,
            Some(_) => full.get(5..16).unwrap_or(&full),
            None => &full,
        };
        text.to_owned()
    }

    /// The end of an id, by which people tell things apart: ids of one time begin alike.
    pub fn short_id(&self, id: impl fmt::Display) -> String {
        let id = id.to_string();
        format!("…{}", id.get(id.len().saturating_sub(8)..).unwrap_or(&id))
    }

    /// [`Self::short`] where there may be none.
    pub fn short_or_none(&self, at: &Option<Rfc3339>) -> Html {
        at.as_ref().map(|at| self.short(at)).unwrap_or_default()
    }

    pub fn day(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &self.zone.date(at), "")
    }

    /// The instant that was typed into a browser's field, in RFC 3339; `None` where the field is empty. The
    /// field names no zone and is read by the center's own clock. A text that is no instant is kept as it is,
    /// for the center to refuse.
    pub fn instant(&self, field: &str) -> Option<String> {
        let read =
            |text: &str| self.zone.parse_local(text).map_or_else(|_| text.to_owned(), |at| at.to_string());
        (!field.is_empty()).then(|| read(field))
    }

    /// The text that such a field begins with, for an instant.
    pub fn field(&self, at: impl AsRef<Timestamp>) -> String {
        self.zone.clock(*at.as_ref()).replace(' ', "T")
    }

    fn time_as(at: Timestamp, text: &str, more: &str) -> Html {
        Html(format!(r#"<time datetime="{at}"{more}>{text}</time>"#))
    }

    /// A length of time in little room, by its two largest units: `2 d 3 h`.
    pub fn millis(&self, ms: &i64) -> String {
        amounts::span(self.lang, Millis(*ms), false)
    }

    /// A length of time in a sentence: `2 days 3 hours`.
    pub fn span(&self, span: Millis) -> String {
        amounts::span(self.lang, span, true)
    }

    /// Yuan, to the fen.
    pub fn yuan(&self, amount: &MicroCny) -> Html {
        Html(format!(r#"<span class="nowrap">{}</span>"#, self.yuan_text(amount)))
    }

    /// The same as text alone.
    pub fn yuan_text(&self, amount: &MicroCny) -> String {
        let sign = if amount.0 < 0 { "− " } else { "" };
        format!("{sign}¥ {}", MicroCny(amount.0.saturating_abs()))
    }

    /// A price of a card-hour, whole: what is shown times what was used is what is charged.
    pub fn rate(&self, rate: &RatePerCardHour) -> Html {
        Html(format!(r#"<span class="nowrap">{}</span>"#, self.rate_text(rate)))
    }

    /// The same as text alone.
    pub fn rate_text(&self, rate: &RatePerCardHour) -> String {
        format!("¥ {rate}")
    }

    pub fn micro(&self, amount: &i64) -> Html {
        self.yuan(&MicroCny(*amount))
    }

    /// Card-hours with their unit.
    pub fn hours(&self, used: &CardMs) -> Html {
        Html(format!(
            r#"{}<span class="unit">{}</span>"#,
            self.plain_hours(used),
            escape(self.t("card-hours"))
        ))
    }

    /// Card-hours where the column's head says so, with as many digits as matter to people.
    pub fn plain_hours(&self, used: &CardMs) -> String {
        amounts::hours(*used)
    }

    /// Card-hours to the fourth place, where amounts are added up or compared.
    pub fn exact_hours(&self, used: &CardMs) -> String {
        grouped(&used.to_string()).replacen('-', "− ", 1)
    }

    /// How many of how many a page of a list shows; nothing where nobody counted.
    pub fn shown_of(&self, shown: usize, total: Option<Total>) -> String {
        let Some(total) = total else { return String::new() };
        self.t2(if total.and_more { "shown-of-more" } else { "shown-of" }, shown, self.count(total.count))
    }

    /// [`Self::exact_hours`] of card-milliseconds.
    pub fn ms_hours(&self, card_ms: &i64) -> String {
        self.exact_hours(&CardMs(*card_ms))
    }

    /// Card-hours as somebody has set them: to the fourth place, as far as there is one.
    pub fn set_hours(&self, used: &CardMs) -> String {
        let exact = self.exact_hours(used);
        exact.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Yuan where something was charged; nothing is said of what costs nothing.
    pub fn charge(&self, amount: &MicroCny) -> Html {
        if *amount == MicroCny::ZERO { Html::default() } else { self.yuan(amount) }
    }

    pub fn count(&self, n: impl fmt::Display) -> String {
        grouped(&n.to_string())
    }

    pub fn bytes(&self, amount: &u64) -> String {
        domain::decimal::bytes(*amount)
    }

    /// `part` of `whole` in per cent with one place.
    pub fn share(&self, part: &i64, whole: &i64) -> String {
        let permille = if *whole <= 0 { 0 } else { i128::from(*part) * 1000 / i128::from(*whole) };
        format!("{}.{} %", permille / 10, permille % 10)
    }

    /// Tera to peta, with two places.
    pub fn pflops(&self, tflops: impl Borrow<u64>) -> String {
        let hundredths = (tflops.borrow() + 5) / 10;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a zone that is not the default one.
    fn in_new_york() -> Ui {
        Ui { lang: Lang::En, zone: "America/New_York".parse::<Zone>().unwrap().for_good() }
    }

    #[test]
    fn fields_of_browsers_are_the_center_s_time() {
        for (ui, at_eight) in
            [(Ui::of(Lang::Zh), "2026-11-23T00:00:00.000Z"), (in_new_york(), "2026-11-23T13:00:00.000Z")]
        {
            assert_eq!(ui.instant("2026-11-23T08:00").as_deref(), Some(at_eight));
            assert_eq!(ui.instant("2026-11-23T00:00:00Z").as_deref(), Some("2026-11-23T00:00:00.000Z"));
            assert_eq!(ui.field(at_eight.parse::<Timestamp>().unwrap()), "2026-11-23T08:00:00");
            assert_eq!((ui.instant(""), ui.instant("soon").as_deref()), (None, Some("soon")));
        }
    }

    #[test]
    fn times_are_told_by_the_center_s_clock_and_the_page_says_by_which() {
        let at: Timestamp = "2026-11-23T23:00:00Z".parse().unwrap();
        let ui = in_new_york();
        assert_eq!(ui.time(at).0, r#"<time datetime="2026-11-23T23:00:00.000Z">2026-11-23 18:00:00</time>"#);
        assert!(ui.day(at).0.contains(">2026-11-23<") && Ui::of(Lang::En).day(at).0.contains(">2026-11-24<"));
        assert!(ui.times_in().starts_with("Times: America/New_York (UTC−"), "{}", ui.times_in());
        assert_eq!(Ui::of(Lang::Zh).times_in(), "时间：Asia/Shanghai（UTC+8）");
    }

    #[test]
    fn amounts_and_times_read_as_people_write_them() {
        let ui = Ui::of(Lang::En);
        assert_eq!(ui.yuan(&MicroCny(-12_345_678_900)).0, r#"<span class="nowrap">− ¥ 12,345.68</span>"#);
        let at: Timestamp = "2026-11-23T23:00:00Z".parse().unwrap();
        assert_eq!(ui.day(Rfc3339(at)).0, r#"<time datetime="2026-11-23T23:00:00.000Z">2026-11-24</time>"#);
        assert_eq!(ui.share(&1, &3), "33.3 %");
        assert_eq!((ui.pflops(40_960), ui.pflops(2_048)), ("40.96".into(), "2.05".into()));
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let ui = Ui::of(Lang::Zh);
        for html in [ui.state("<b>"), ui.copy("\"><script>"), ui.tag("kind", "<u>")] {
            assert!(!html.0.contains("<b>") && !html.0.contains("<script"), "{html}");
            assert!(!html.0.contains("<u>"), "{html}");
        }
    }
}
