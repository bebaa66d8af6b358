//! The page's language: words with their icon, times, amounts. All of it is safe to put into a page: text
//! from outside is escaped here.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    clippy::ref_option,
    reason = "templates call these through the page and hand over fields by reference"
)]

use std::{borrow::Borrow, fmt};

use domain::{CardMs, Lang, MicroCny, Millis, Rfc3339, Timestamp, decimal::grouped};

use crate::{loops::LoopState, page::texts};

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

/// The page's language, with all that is said in it.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    pub lang: Lang,
}

impl Ui {
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

    fn state_as(&self, code: &str, word: &str) -> Html {
        let icon = match code {
            "queued" | "starting" | "submitted" => "wait",
            "running" => "run",
            "stopping" | "stopped" | "suspended" | "drained" | "balance_ended" | "contract_ended"
            | "preempted" => "stop",
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
            "balance_ended" | "contract_ended" | "preempted" => "stopped",
            other => other,
        };
        Html(format!(r#"<span class="state is-{}">{}{}</span>"#, escape(look), self.ico(icon), escape(word)))
    }

    pub fn tag(&self, family: &str, code: impl AsRef<str>) -> Html {
        Html(format!(r#"<span class="tag">{}</span>"#, escape(self.word(family, code))))
    }

    /// The mark of what is on virtual nodes.
    pub fn virt(&self, is_virtual: impl Borrow<bool>) -> Html {
        if !*is_virtual.borrow() {
            return Html::default();
        }
        Html(format!(r#"<span class="virtual">{}</span>"#, escape(self.t("virtual"))))
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

    /// An instant in full.
    pub fn time(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &local(at), "")
    }

    /// An instant that scripts show as how long ago.
    pub fn ago(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &local(at), " data-relative")
    }

    /// An instant in little room: the time alone where it is today, with the day otherwise.
    pub fn short(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        let full = local(at);
        let text = match full.split_once(' ') {
            Some((day, time)) if day == local_day(crate::moment::now()) => time,
            Some(_) => full.get(5..16).unwrap_or(&full),
            None => &full,
        };
        Self::time_as(at, text, &format!(r#" title="{full}""#))
    }

    /// [`Self::short`] where there may be none.
    pub fn short_or_none(&self, at: &Option<Rfc3339>) -> Html {
        at.as_ref().map(|at| self.short(at)).unwrap_or_default()
    }

    pub fn day(&self, at: impl AsRef<Timestamp>) -> Html {
        let at = *at.as_ref();
        Self::time_as(at, &local_day(at), "")
    }

    fn time_as(at: Timestamp, text: &str, more: &str) -> Html {
        Html(format!(r#"<time datetime="{at}"{more}>{text}</time>"#))
    }

    pub fn millis(&self, ms: &i64) -> String {
        Millis(*ms).to_string()
    }

    /// Yuan, to the fen.
    pub fn yuan(&self, amount: &MicroCny) -> Html {
        let sign = if amount.0 < 0 { "− " } else { "" };
        let text = MicroCny(amount.0.saturating_abs()).to_string();
        Html(format!(r#"<span class="nowrap">{sign}¥ {text}</span>"#))
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

    /// Card-hours where the column's head says so.
    pub fn plain_hours(&self, used: &CardMs) -> String {
        grouped(&used.to_string()).replacen('-', "− ", 1)
    }

    pub fn count(&self, n: impl fmt::Display) -> String {
        grouped(&n.to_string())
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

/// `2026-11-23 14:31:48` in the center's own time, which is UTC+8 all year. An instant beyond the calendar, such
/// as the end of funds of which hardly any are used, reads as [`Timestamp`] writes it.
pub fn local(at: Timestamp) -> String {
    let Ok(shifted) = jiff::Timestamp::from_millisecond(at.floor_millis()) else { return at.to_string() };
    let there = jiff::tz::Offset::constant(8).to_datetime(shifted);
    there.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The day alone: `2026-11-23`.
pub fn local_day(at: Timestamp) -> String {
    let full = local(at);
    full.split_once(' ').map_or(full.as_str(), |(day, _)| day).to_owned()
}

/// What a browser's field for an instant gives is the center's own time, which is UTC+8.
pub fn instant(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.parse::<Timestamp>().is_ok() {
        return Some(text.to_owned());
    }
    let seconds = if text.len() == 16 { ":00" } else { "" };
    Some(format!("{text}{seconds}+08:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_browsers_are_the_center_s_time() {
        let read = |text: &str| instant(text).unwrap().parse::<Timestamp>().unwrap().to_string();
        assert_eq!(read("2026-11-23T08:00"), "2026-11-23T00:00:00.000Z");
        assert_eq!(read("2026-11-23T08:00:05"), "2026-11-23T00:00:05.000Z");
        assert_eq!(read("2026-11-23T00:00:00Z"), "2026-11-23T00:00:00.000Z");
        assert_eq!(instant(""), None);
    }

    #[test]
    fn amounts_and_times_read_as_people_write_them() {
        let ui = Ui { lang: Lang::En };
        assert_eq!(ui.yuan(&MicroCny(-12_345_678_900)).0, r#"<span class="nowrap">− ¥ 12,345.68</span>"#);
        let at: Timestamp = "2026-11-23T23:00:00Z".parse().unwrap();
        assert_eq!((local(at), local_day(at)), ("2026-11-24 07:00:00".into(), "2026-11-24".into()));
        let never = Timestamp::from_micros(i64::MAX);
        assert_eq!(local_day(never), never.to_string());
        assert_eq!(ui.day(Rfc3339(at)).0, r#"<time datetime="2026-11-23T23:00:00.000Z">2026-11-24</time>"#);
        assert_eq!(ui.share(&1, &3), "33.3 %");
        assert_eq!((ui.pflops(40_960), ui.pflops(2_048)), ("40.96".into(), "2.05".into()));
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let ui = Ui { lang: Lang::Zh };
        for html in [ui.state("<b>"), ui.copy("\"><script>"), ui.tag("kind", "<u>")] {
            assert!(!html.0.contains("<b>") && !html.0.contains("<script"), "{html}");
            assert!(!html.0.contains("<u>"), "{html}");
        }
    }
}
