//! Output for people: tables, figures, both languages.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};
use domain::{Both, CardMs, Lang, MicroCny, Millis, RatePerCardHour, Timestamp, Zone, both};
use serde_json::Value;

use crate::errors::Failure;

/// The text of `value[key]`, empty if there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_default()
}

/// The language of this terminal.
pub fn lang(wanted: Option<&str>) -> Lang {
    let from_env = || {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        set.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
    };
    let name = wanted.map_or_else(from_env, str::to_owned);
    if name.starts_with("zh") { Lang::Zh } else { Lang::En }
}

pub fn pick<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// The items of a list that the API gave.
pub fn list(value: &Value) -> Result<&[Value], Failure> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| {
        let message = both("中心的回答不是列表", "the center answered with something else than a list");
        Failure::system("no_list", message, other_version())
    })
}

/// Advice where an answer is not understood.
pub fn other_version() -> Both {
    both("中心与本程序的版本是否不同？", "is the center of another version than this program?")
}

/// The items of what stands under `key` in a thing; none where it has no such list.
pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A table with a title row; columns from `numbers_from` on are set to the right.
pub fn table(titles: &[&str], rows: Vec<Vec<String>>, numbers_from: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(titles.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in numbers_from..titles.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// The digits of an id by which people know a thing: the last. The first tell the time, and are much alike.
pub fn last_digits(id: &str) -> String {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id).to_owned()
}

/// `20 of 300`, by what the API says there are in all.
pub fn of_total(lang: Lang, shown: usize, total: &Value) -> String {
    let count = total["count"].as_u64().unwrap_or(shown as u64);
    let more = if total["and_more"] == true { "+" } else { "" };
    match lang {
        Lang::Zh => format!("共 {count}{more} 个，显示 {shown} 个"),
        Lang::En => format!("{shown} of {count}{more}"),
    }
}

pub fn money(micro_cny: i64) -> String {
    MicroCny(micro_cny).to_string()
}

/// A price of a card-hour, whole.
pub fn rate(micro_cny: i64) -> String {
    RatePerCardHour(MicroCny(micro_cny)).to_string()
}

pub fn card_hours(card_ms: i64) -> String {
    CardMs(card_ms).to_string()
}

pub fn duration(ms: i64) -> String {
    Millis(ms).to_string()
}

/// How a terminal tells times: by the center's clock, which it names.
#[derive(Clone, Debug)]
pub struct Clock {
    pub lang: Lang,
    pub zone: Zone,
}

impl Clock {
    /// The instant `value[key]`, to the second; empty if there is none.
    pub fn instant(&self, value: &Value, key: &str) -> String {
        let text = text(value, key);
        text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |at| self.zone.clock(at))
    }

    /// The title of instants, which says by which clock they are: `started (Asia/Shanghai)`.
    pub fn title(&self, zh: &str, en: &str) -> String {
        match self.lang {
            Lang::Zh => format!("{zh}（{}）", self.zone),
            Lang::En => format!("{en} ({})", self.zone),
        }
    }
}

/// Why something waits, with the forecast.
pub fn verdict(clock: &Clock, verdict: &Value) -> String {
    let Clock { lang, zone } = clock;
    let lang = *lang;
    let why = text(&verdict["text"], pick(lang, "zh", "en"));
    let ahead = number(verdict, "ahead");
    let start = clock.instant(verdict, "forecast_start");
    let certainty = text(verdict, "certainty");
    let mut lines = vec![why.to_owned()];
    if ahead > 0 {
        lines.push(match lang {
            Lang::Zh => format!("前面有 {ahead} 个作业。"),
            Lang::En => format!("Jobs ahead: {ahead}."),
        });
    }
    if !start.is_empty() {
        lines.push(match (lang, certainty) {
            (Lang::Zh, "exact") => format!("预计开始：{start}（{zone}，已预留）。"),
            (Lang::Zh, _) => format!("预计开始：{start}（{zone}，估计）。"),
            (Lang::En, "exact") => format!("Forecast start: {start} {zone} (held)."),
            (Lang::En, _) => format!("Forecast start: {start} {zone} (estimate)."),
        });
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_told_by_the_center_s_clock_which_is_named() {
        let clock = |lang| Clock { lang, zone: "America/New_York".parse().unwrap() };
        let run = json!({ "started_at": "2026-05-20T02:30:05.123Z", "ended_at": null });
        assert_eq!(clock(Lang::En).instant(&run, "started_at"), "2026-05-19 22:30:05");
        assert_eq!(clock(Lang::En).instant(&run, "ended_at"), "");
        assert_eq!(clock(Lang::En).title("开始", "started"), "started (America/New_York)");
        assert_eq!(clock(Lang::Zh).title("开始", "started"), "开始（America/New_York）");
        let waits = json!({ "text": { "zh": "等待", "en": "Waits" }, "forecast_start": "2026-05-20T02:30:05.123Z",
            "certainty": "exact" });
        assert!(verdict(&clock(Lang::En), &waits).ends_with("2026-05-19 22:30:05 America/New_York (held)."));
        assert!(
            verdict(&clock(Lang::Zh), &waits).ends_with("2026-05-19 22:30:05（America/New_York，已预留）。")
        );
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_an_empty_one() {
        assert_eq!(list(&json!([])).map(<[Value]>::len), Ok(0));
        for other in [json!(null), json!({}), json!("none")] {
            assert_eq!(list(&other).unwrap_err().code, "no_list", "{other}");
        }
    }
}
