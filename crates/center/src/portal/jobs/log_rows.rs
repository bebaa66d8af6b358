//! Lines of a log as markup: colours as classes, and beside each line when it came and from where.

use std::fmt::Write as _;

use base::page::words::{Ui, escape};
use domain::{Timestamp, decimal::grouped};
use engines::Stream;

use crate::log::{
    Part,
    ask::{MAX_STYLES, RunLog},
    lines::{Content, Line},
    search,
};

/// How the lines of one log are shown.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    pub ui: Ui,
    pub log: &'a RunLog,
    /// Lines of one stream alone don't say of which they are.
    pub is_one_stream: bool,
    /// Lines of one node alone don't say of which they are.
    pub is_one_node: bool,
    /// A text that is marked, in lower case.
    pub marked: &'a str,
    /// Lines can change after they were shown, so each has its number as an id.
    pub is_live: bool,
}

/// Lines one after the other.
pub fn rows(look: &Look<'_>, lines: &[Line]) -> String {
    lines.iter().map(|line| row(look, line)).collect()
}

/// A line with its end.
pub fn row(look: &Look<'_>, line: &Line) -> String {
    let mut class = "ln".to_owned();
    let mut tags = Vec::new();
    if let Some(name) = look.log.node_name(line.source.node).filter(|_| !look.is_one_node) {
        tags.push(escape(name));
    }
    let text = match &line.content {
        Content::LeftOut(bytes) => {
            class.push_str(" is-center");
            escape(look.ui.t1("log-left-out", "n", grouped(&bytes.to_string())))
        }
        Content::Text(parts) => {
            if line.source.stream == Stream::Stderr && !look.is_one_stream {
                class.push_str(" is-err");
                tags.push("err".to_owned());
            }
            text(parts, look.marked)
        }
    };
    let mut row = format!(r#"<span class="{class}""#);
    if let Some(number) = line.number.filter(|_| look.is_live) {
        let _never_fails = write!(row, r#" id="ln-{number}""#);
    }
    if let Some(at) = line.at {
        let (day, time) = clock(look.ui, at);
        let _never_fails = write!(row, r#" data-at="{time}" title="{day} {time}""#);
    }
    if !tags.is_empty() {
        let _never_fails = write!(row, r#" data-of="{}""#, tags.join(" "));
    }
    let _never_fails = writeln!(row, ">{text}\n</span>");
    row.pop();
    row
}

/// The day, and the time to the millisecond, by the center's clock.
fn clock(ui: Ui, at: Timestamp) -> (String, String) {
    let clock = ui.clock(at);
    let (day, time) = clock.split_once(' ').unwrap_or(("", &clock));
    (day.to_owned(), format!("{time}.{:03}", at.as_micros().rem_euclid(1_000_000) / 1000))
}

fn text(parts: &[Part], marked: &str) -> String {
    let mut html = String::new();
    for (at, part) in parts.iter().enumerate() {
        let class = if at < MAX_STYLES { part.style.classes() } else { String::new() };
        if !class.is_empty() {
            let _never_fails = write!(html, r#"<span class="{class}">"#);
        }
        html.push_str(&with_marks(&part.text, marked));
        if !class.is_empty() {
            html.push_str("</span>");
        }
    }
    html
}

/// Text with the places marked where another is in it.
pub fn with_marks(text: &str, marked: &str) -> String {
    let (mut html, mut at) = (String::new(), 0);
    for place in search::places(text, marked) {
        html.push_str(&escape(&text[at..place.start]));
        let _never_fails = write!(html, "<mark>{}</mark>", escape(&text[place.clone()]));
        at = place.end;
    }
    html.push_str(&escape(&text[at..]));
    html
}

/// Bytes as people say them.
pub fn amount(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{}.{} MiB", bytes >> 20, (bytes >> 10) % 1024 * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;

    use super::*;
    use crate::log::{Style, lines::Source};

    #[test]
    fn a_line_is_safe_markup_that_says_where_it_is_from() {
        let log = RunLog {
            run: "run_00000000000000000000000000"
                .parse()
                .unwrap_or_else(|_| domain::RunId::from_bytes([1; 16])),
            nodes: vec!["a".into(), "b<".into()],
        };
        let look = Look {
            ui: Ui::of(Lang::En),
            log: &log,
            is_one_stream: false,
            is_one_node: false,
            marked: "x",
            is_live: true,
        };
        let parts = vec![
            Part { style: Style { ink: Some(1), is_bold: true, ..Style::PLAIN }, text: "<b>".into() },
            Part { style: Style::PLAIN, text: " & x".into() },
        ];
        let source = Source { stream: Stream::Stderr, node: Some(1) };
        let at = Some(Timestamp::from_millis(1_790_000_000_123));
        let line = Line { number: Some(7), source, at, content: Content::Text(parts) };
        let html = row(&look, &line);
        assert!(html.starts_with(r#"<span class="ln is-err" id="ln-7" data-at=""#), "{html}");
        assert!(html.contains(r#".123""#) && html.contains(r#" data-of="b&lt; err""#), "{html}");
        assert!(
            html.ends_with("<span class=\"sgr-f1 sgr-bold\">&lt;b&gt;</span> &amp; <mark>x</mark>\n</span>"),
            "{html}"
        );
        let left_out = Line { content: Content::LeftOut(1_234_567), ..line };
        assert!(row(&look, &left_out).contains("1,234,567"), "{}", row(&look, &left_out));
        assert_eq!(
            (amount(12), amount(70_000), amount(66_060_288)),
            ("12 B".into(), "68 KiB".into(), "63.0 MiB".into())
        );
    }
}
