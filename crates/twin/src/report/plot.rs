//! Plots as inline SVG: curves over time, and bars with their values beside them. Colours come from the
//! page's classes.
#![expect(clippy::cast_precision_loss, reason = "places on a page")]

use std::fmt::Write as _;

/// The width of all plots in their own units; they scale with the page.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 10.0;

/// How many replays have a colour of their own; further ones use the colours again.
pub const COLOURS: usize = 6;

/// A curve over time, with its points spread evenly. `None` leaves a gap.
pub struct Curve<'a> {
    pub class: usize,
    pub points: &'a [Option<f64>],
    /// The share of the plot's width that the points take.
    pub reach: f64,
}

/// A plot of curves. The scale goes up to `top` at least; `ticks` are labels at shares of the width.
pub fn curves(title: &str, curves: &[Curve<'_>], top: f64, ticks: &[(f64, String)]) -> String {
    let most = curves.iter().flat_map(|curve| curve.points).flatten().copied().fold(top, f64::max);
    let (step, most) = scale(most);
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / most);
    let width = WIDTH - LEFT - 8.0;
    let mut svg = begin(title, HEIGHT);
    let mut level = 0.0;
    while level <= most * 1.000_001 {
        let at = y(level);
        let _ = write!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{:.1}"/>"#, WIDTH - 8.0);
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            at + 3.5,
            short(level)
        );
        level += step;
    }
    for (share, label) in ticks {
        let anchor = if *share < 0.05 {
            "start"
        } else if *share > 0.95 {
            "end"
        } else {
            "middle"
        };
        let x = LEFT + width * share;
        let _ = write!(
            svg,
            r#"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            HEIGHT - 5.0,
            escape(label)
        );
    }
    for curve in curves {
        let mut path = String::new();
        let mut pen_down = false;
        for (at, point) in curve.points.iter().enumerate() {
            let Some(value) = point else {
                pen_down = false;
                continue;
            };
            let share = (at as f64 + 0.5) / curve.points.len() as f64 * curve.reach;
            let letter = if pen_down { 'L' } else { 'M' };
            let _ = write!(path, "{letter}{:.1} {:.1}", LEFT + width * share, y(*value));
            pen_down = true;
        }
        let _ = write!(svg, r#"<path class="line r{}" d="{path}"/>"#, curve.class % COLOURS);
    }
    svg + "</svg>"
}

/// A bar with its value in words.
pub struct Bar {
    pub class: String,
    pub value: f64,
    pub text: String,
}

/// A plot of bars below the names of their groups, on one scale.
pub fn bars(title: &str, groups: &[(String, Vec<Bar>)]) -> String {
    const ROW: f64 = 15.0;
    const NAME: f64 = 17.0;
    let most = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.value).fold(0.0, f64::max);
    let named = groups.iter().filter(|(name, _)| !name.is_empty()).count();
    let rows: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let height = named as f64 * NAME + rows as f64 * ROW + groups.len() as f64 * 4.0 + 4.0;
    let mut svg = begin(title, height);
    let room = WIDTH - 82.0;
    let mut y = 2.0;
    for (name, bars) in groups {
        if !name.is_empty() {
            y += NAME;
            let _ = write!(svg, r#"<text class="name" x="0" y="{:.1}">{}</text>"#, y - 5.0, escape(name));
        }
        for bar in bars {
            let width = if most > 0.0 { (bar.value / most * room).max(1.0) } else { 1.0 };
            let _ =
                write!(svg, r#"<rect class="track" x="0" y="{y:.1}" width="{room}" height="11" rx="2"/>"#);
            let _ = write!(
                svg,
                r#"<rect class="bar {}" x="0" y="{y:.1}" width="{width:.1}" height="11" rx="2"/><text x="{:.1}" y="{:.1}">{}</text>"#,
                bar.class,
                room + 7.0,
                y + 9.5,
                escape(&bar.text)
            );
            y += ROW;
        }
        y += 4.0;
    }
    svg + "</svg>"
}

/// A plot with a bar for each row, cut into parts that add up to it: the class and share of each.
pub fn stacks(title: &str, rows: &[(String, Vec<(&'static str, f64)>)]) -> String {
    const ROW: f64 = 44.0;
    let mut svg = begin(title, rows.len() as f64 * ROW);
    for (at, (name, parts)) in rows.iter().enumerate() {
        let y = at as f64 * ROW;
        let _ = write!(svg, r#"<text class="name" x="0" y="{:.1}">{}</text>"#, y + 12.0, escape(name));
        let mut x = 0.0;
        for (class, share) in parts {
            let width = share.max(0.0) * WIDTH;
            let _ = write!(
                svg,
                r#"<rect class="bar {class}" x="{x:.1}" y="{:.1}" width="{width:.2}" height="18"/>"#,
                y + 18.0
            );
            x += width;
        }
    }
    svg + "</svg>"
}

fn begin(title: &str, height: f64) -> String {
    format!(r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{}">"#, escape(title))
}

/// A round step and the top of the scale, three to six steps up.
fn scale(most: f64) -> (f64, f64) {
    if most <= 0.0 || !most.is_finite() {
        return (1.0, 1.0);
    }
    let power = 10_f64.powf((most / 4.0).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| most / step <= 5.0).unwrap_or(power * 10.0);
    (step, (most / step - 1e-9).ceil() * step)
}

/// A number for an axis: `0.25`, `1.5k`, `20M`.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        magnitude if magnitude >= 1e9 => (value / 1e9, "G"),
        magnitude if magnitude >= 1e6 => (value / 1e6, "M"),
        magnitude if magnitude >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_reach_the_top() {
        for most in [0.003, 0.9, 1.0, 7.3, 99.0, 100.0, 1152.0, 123_456.0, 8e12] {
            let (step, top) = scale(most);
            assert!(top >= most * 0.999_999 && top <= most * 1.7, "{most}: {top}");
            assert!((2.0..=6.5).contains(&(top / step)), "{most}: {step}");
        }
        assert!((scale(0.0).1 - 1.0).abs() < 1e-9 && (scale(f64::NAN).1 - 1.0).abs() < 1e-9);
        assert_eq!([0.25, 0.0, 1500.0, 2e7].map(short), ["0.25", "0", "1.5k", "20M"]);
    }

    #[test]
    fn names_can_not_break_the_page() {
        let svg = bars("<t>", &[("<script>\"&".into(), vec![])]);
        assert!(svg.contains("&lt;script&gt;&quot;&amp;") && !svg.contains("<script>"));
    }

    #[test]
    fn gaps_stay_gaps() {
        let points = [Some(1.0), None, Some(2.0), Some(3.0)];
        let svg = curves("t", &[Curve { class: 0, points: &points, reach: 1.0 }], 0.0, &[]);
        let path = svg.rsplit("d=\"").next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1));
    }
}
