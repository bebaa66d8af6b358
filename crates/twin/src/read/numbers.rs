//! Numbers as traces write them. Any bytes give a number or nothing.

/// The longest time that a trace may name: 3,000 years.
const MAX_SECONDS: i64 = 100_000_000_000;

/// A whole number, with or without a sign. A fraction of zeros is allowed (`4.0`).
pub fn whole(text: &[u8]) -> Option<i64> {
    let (number, fraction) = parts(text)?;
    (fraction == 0).then_some(number)
}

/// Seconds with a fraction, as milliseconds; further places are cut off.
pub fn seconds(text: &[u8]) -> Option<i64> {
    let (number, fraction) = parts(text)?;
    if number.abs() > MAX_SECONDS {
        return None;
    }
    let sign = if text.first() == Some(&b'-') { -1 } else { 1 };
    Some(number * 1000 + sign * fraction)
}

/// The whole part and the thousandths.
fn parts(text: &[u8]) -> Option<(i64, i64)> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut number = 0_i64;
    let mut at = 0;
    while let Some(digit) = digits.get(at).filter(|byte| byte.is_ascii_digit()) {
        number = number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
        at += 1;
    }
    let mut thousandths = 0;
    if at < digits.len() {
        let fraction = digits[at..].strip_prefix(b".")?;
        if !fraction.iter().all(u8::is_ascii_digit) || at == 0 && fraction.is_empty() {
            return None;
        }
        for place in 0..3 {
            thousandths = thousandths * 10 + i64::from(fraction.get(place).map_or(0, |digit| digit - b'0'));
        }
    } else if at == 0 {
        return None;
    }
    Some((if negative { -number } else { number }, thousandths))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read() {
        for (text, number) in
            [("0", 0), ("-1", -1), ("+7", 7), ("4.0", 4), ("4.", 4), ("9223372036854775807", i64::MAX)]
        {
            assert_eq!(whole(text.as_bytes()), Some(number), "{text}");
        }
        for bad in ["", "-", ".", "1.5", "1e3", "--1", "0x1", "9223372036854775808", " 1"] {
            assert_eq!(whole(bad.as_bytes()), None, "{bad}");
        }
        for (text, ms) in [("1.5", 1500), ("-0.25", -250), (".5", 500), ("12", 12_000), ("0.0009", 0)] {
            assert_eq!(seconds(text.as_bytes()), Some(ms), "{text}");
        }
        assert_eq!(seconds(b"100000000001"), None);
    }

    proptest! {
        #[test]
        fn whole_numbers_come_back(number: i64) {
            prop_assume!(number != i64::MIN);
            prop_assert_eq!(whole(number.to_string().as_bytes()), Some(number));
        }
    }
}
