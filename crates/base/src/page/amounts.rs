//! Lengths of time and uses of cards as people say them: with the units and the digits that matter.

use domain::{CardMs, Lang, Millis, decimal::grouped};

/// A unit: its length in milliseconds; in Chinese; in English by one, by many, and in little room.
type Unit = (i64, &'static str, [&'static str; 3]);

const UNITS: [Unit; 4] = [
    (86_400_000, "天", ["day", "days", "d"]),
    (3_600_000, "小时", ["hour", "hours", "h"]),
    (60_000, "分钟", ["minute", "minutes", "min"]),
    (1000, "秒", ["second", "seconds", "s"]),
];

/// The two largest units of a length of time, the second one only where there is some of it. Less than a minute is told in
/// seconds with a place, less than a second in milliseconds.
pub fn span(lang: Lang, span: Millis, in_words: bool) -> String {
    let ms = span.0.max(0);
    match ms {
        0 => said(lang, "0", 0, UNITS[3], in_words),
        1..1000 => match lang {
            Lang::Zh => format!("{ms} 毫秒"),
            Lang::En => format!("{ms} ms"),
        },
        1000..60_000 => {
            let tenths = ms / 100;
            let number = if tenths % 10 == 0 {
                (tenths / 10).to_string()
            } else {
                format!("{}.{}", tenths / 10, tenths % 10)
            };
            said(lang, &number, tenths, UNITS[3], in_words)
        }
        _ => {
            let first = UNITS.iter().position(|unit| ms >= unit.0).unwrap_or_default();
            let (large, small) = (UNITS[first], UNITS[first + 1]);
            let (count, rest) = (ms / large.0, ms % large.0 / small.0);
            let large = said(lang, &grouped(&count.to_string()), count * 10, large, in_words);
            if rest == 0 {
                large
            } else {
                format!("{large} {}", said(lang, &rest.to_string(), rest * 10, small, in_words))
            }
        }
    }
}

fn said(lang: Lang, number: &str, tenths: i64, (_, zh, [one, many, short]): Unit, in_words: bool) -> String {
    let unit = match lang {
        Lang::Zh => zh,
        Lang::En if !in_words => short,
        Lang::En if tenths == 10 => one,
        Lang::En => many,
    };
    format!("{number} {unit}")
}

/// Card-hours with two places, from a thousand on with one; less than a hundredth is said to be that. What an overrun of
/// moments leaves below 0 is nothing.
pub fn hours(used: CardMs) -> String {
    let sign = if used.0 < 0 { "− " } else { "" };
    let ms = used.0.unsigned_abs();
    let hundredths = (u128::from(ms) * 100 + 1_800_000) / 3_600_000;
    match hundredths {
        0 if ms == 0 || used.0 < 0 => "0".to_owned(),
        0 => "< 0.01".to_owned(),
        1..100_000 => format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100),
        _ => {
            let tenths = (u128::from(ms) * 10 + 1_800_000) / 3_600_000;
            format!("{sign}{}", grouped(&format!("{}.{}", tenths / 10, tenths % 10)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_by_their_two_largest_units() {
        let (s, m, h, d) = (1000, 60_000, 3_600_000, 86_400_000);
        for (ms, zh, en, short) in [
            (0, "0 秒", "0 seconds", "0 s"),
            (-5, "0 秒", "0 seconds", "0 s"),
            (340, "340 毫秒", "340 ms", "340 ms"),
            (s, "1 秒", "1 second", "1 s"),
            (12 * s + 340, "12.3 秒", "12.3 seconds", "12.3 s"),
            (59_999, "59.9 秒", "59.9 seconds", "59.9 s"),
            (m, "1 分钟", "1 minute", "1 min"),
            (5 * m + 12 * s, "5 分钟 12 秒", "5 minutes 12 seconds", "5 min 12 s"),
            (h + m + s, "1 小时 1 分钟", "1 hour 1 minute", "1 h 1 min"),
            (2 * h + 5 * s, "2 小时", "2 hours", "2 h"),
            (d, "1 天", "1 day", "1 d"),
            (3 * d + 11 * h + 16 * m + 20 * s, "3 天 11 小时", "3 days 11 hours", "3 d 11 h"),
            (1234 * d, "1,234 天", "1,234 days", "1,234 d"),
        ] {
            assert_eq!(span(Lang::Zh, Millis(ms), true), zh);
            assert_eq!(span(Lang::En, Millis(ms), true), en);
            assert_eq!(span(Lang::En, Millis(ms), false), short);
        }
        assert!(span(Lang::En, Millis(i64::MAX), true).ends_with("hours"), "no length is too long");
    }

    #[test]
    fn card_hours_have_the_digits_that_matter() {
        let h = 3_600_000;
        for (ms, text) in [
            (0, "0"),
            (1, "< 0.01"),
            (-4320, "0"),
            (18_000, "0.01"),
            (h / 2, "0.50"),
            (12 * h + 25 * 60_000, "12.42"),
            (-2 * h, "− 2.00"),
            (999 * h, "999.00"),
            (12_345 * h + h / 2, "12,345.5"),
            (i64::MAX, "2,562,047,788,015.2"),
        ] {
            assert_eq!(hours(CardMs(ms)), text);
        }
    }
}
