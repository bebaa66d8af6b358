//! Bars and columns of cards, and the legend to their looks.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    clippy::ref_option,
    reason = "templates call these through the page and hand over fields by reference"
)]

use std::fmt::Write as _;

use super::words::{Html, Ui, escape};

impl Ui {
    /// Cards by state as one bar.
    pub fn bar(&self, parts: &[(&'static str, i64)], height: u32, label: &str) -> Html {
        let whole: i64 = parts.iter().map(|(_, part)| part).sum();
        let (mut rects, mut before) = (String::new(), 0_i64);
        for (kind, part) in parts.iter().filter(|(_, part)| *part > 0) {
            let (x, width) = (percent(before, whole), percent(*part, whole));
            let _ = write!(rects, r#"<rect {} x="{x}%" width="{width}%" height="{height}"/>"#, fill(kind));
            before += part;
        }
        let label = escape(label);
        Html(format!(r#"<svg class="bar" height="{height}" role="img" aria-label="{label}">{rects}</svg>"#))
    }

    /// Progress as one bar of plain colours: classes `b-ok`, `b-failed`, `b-left`, `b-wait`, and what is left
    /// empty.
    pub fn progress(&self, parts: &[(&'static str, i64)], whole: &i64, height: u32, label: &str) -> Html {
        let (mut rects, mut before) = (String::new(), 0_i64);
        for (class, part) in parts.iter().filter(|(_, part)| *part > 0) {
            let (x, width) = (percent(before, *whole), percent(*part, *whole));
            let _ = write!(
                rects,
                r#"<rect class="{class} b-edge" x="{x}%" width="{width}%" height="{height}"/>"#
            );
            before += part;
        }
        let label = escape(label);
        Html(format!(r#"<svg class="bar" height="{height}" role="img" aria-label="{label}">{rects}</svg>"#))
    }

    /// What is spent and what runs of some whole, with marks at these shares of it, in percent.
    pub fn spent(&self, spent: i64, running: i64, whole: i64, marks: &[u8], label: &str) -> Html {
        let (spent, running) = (spent.max(0), running.max(0));
        let is_over = spent.saturating_add(running) >= whole;
        let parts = [(if is_over { "b-low" } else { "b-left" }, spent), ("b-wait", running)];
        let mut inner = String::new();
        let mut before = 0_i64;
        for (class, part) in parts.into_iter().filter(|(_, part)| *part > 0 && whole > 0) {
            let part = part.min(whole.saturating_sub(before));
            let (x, width) = (percent(before, whole), percent(part, whole));
            let _ = write!(inner, r#"<rect class="{class}" x="{x}%" width="{width}%" height="10"/>"#);
            before += part;
        }
        for mark in marks {
            let _ = write!(inner, r#"<line class="b-mark" x1="{mark}%" x2="{mark}%" y1="0" y2="10"/>"#);
        }
        let label = escape(label);
        Html(format!(r#"<svg class="bar" height="10" role="img" aria-label="{label}">{inner}</svg>"#))
    }

    /// How full something is, in thousandths.
    pub fn level(&self, permille: &u32, height: u32) -> Html {
        let permille = (*permille).min(1000);
        let class = if permille < 100 { "b-low" } else { "b-left" };
        let label = escape(self.t1("left-share", "share", format!("{}.{} %", permille / 10, permille % 10)));
        Html(format!(
            r#"<svg class="bar is-thin" height="{height}" role="img" aria-label="{label}"><rect class="{class}" width="{}.{}%" height="{height}"/></svg>"#,
            permille / 10,
            permille % 10
        ))
    }

    /// Columns of stacked parts, each as high as its share of `most`.
    pub fn columns(&self, columns: &[Vec<(&'static str, i64)>], most: i64, height: u32, label: &str) -> Html {
        let n = i64::try_from(columns.len().max(1)).unwrap_or(1);
        let mut inner = String::from(
            r#"<line class="grid" x1="0" x2="100%" y1="0.5" y2="0.5"/><line class="grid" x1="0" x2="100%" y1="50%" y2="50%"/><line class="grid" x1="0" x2="100%" y1="100%" y2="100%"/>"#,
        );
        for (i, parts) in (0..).zip(columns) {
            // Of each column's width 72 % are drawn, the rest is between.
            let (x, width) = (percent(i * 100 + 14, n * 100), percent(72, n * 100));
            let mut sum = 0_i64;
            for (kind, part) in parts.iter().filter(|(_, part)| *part > 0) {
                sum += part;
                let (y, height) = (percent(most.saturating_sub(sum), most), percent(*part, most));
                let _ = write!(
                    inner,
                    r#"<rect {} x="{x}%" width="{width}%" y="{y}%" height="{height}%"/>"#,
                    fill(kind)
                );
            }
        }
        let label = escape(label);
        Html(format!(
            r#"<svg class="columns" height="{height}" role="img" aria-label="{label}">{inner}</svg>"#
        ))
    }

    /// The legend of the cards' looks, with a number or share for each.
    pub fn legend(&self, counts: &[(&'static str, String)]) -> Html {
        let item = |(kind, n): &(&'static str, String)| {
            let word = escape(self.word("card", kind));
            format!(
                r#"<li><i class="card is-{kind}" aria-hidden="true"></i>{word} <b>{}</b></li>"#,
                escape(n)
            )
        };
        Html(format!(r#"<ul class="legend">{}</ul>"#, counts.iter().map(item).collect::<String>()))
    }
}

/// `part` of `whole` in per cent with two places.
fn percent(part: i64, whole: i64) -> String {
    let share = if whole <= 0 { 0 } else { i128::from(part) * 10_000 / i128::from(whole) };
    let share = share.clamp(0, 10_000);
    format!("{}.{:02}", share / 100, share % 100)
}

fn fill(kind: &str) -> String {
    match kind {
        "sold" => r#"class="b-sold b-edge""#.to_owned(),
        other => format!(r#"class="b-edge" fill="url(#p-{other})""#),
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;

    use super::*;

    #[test]
    fn what_is_spent_never_passes_the_whole_and_shares_are_marked() {
        let ui = Ui::of(Lang::En);
        let Html(half) = ui.spent(40, 10, 100, &[50, 80], "A < B");
        assert!(half.contains(r#"<rect class="b-left" x="0.00%" width="40.00%""#), "{half}");
        assert!(half.contains(r#"<rect class="b-wait" x="40.00%" width="10.00%""#), "{half}");
        assert!(half.contains(r#"x1="80%" x2="80%""#) && half.contains("A &lt; B"), "{half}");
        let Html(over) = ui.spent(90, 30, 100, &[], "A");
        assert!(over.contains(r#"<rect class="b-low" x="0.00%" width="90.00%""#), "{over}");
        assert!(over.contains(r#"<rect class="b-wait" x="90.00%" width="10.00%""#), "{over}");
        let Html(back) = ui.spent(-5, 0, 100, &[], "A");
        assert!(!back.contains("<rect"), "{back}");
    }

    #[test]
    fn bars_fill_their_whole_width() {
        let ui = Ui::of(Lang::En);
        let bar = ui.bar(&[("sold", 1), ("idle", 3)], 10, "x").0;
        assert!(
            bar.contains(r#"x="0.00%" width="25.00%""#) && bar.contains(r#"x="25.00%" width="75.00%""#),
            "{bar}"
        );
        assert!(!ui.bar(&[("sold", 0)], 10, "x").0.contains("<rect"));
    }
}
