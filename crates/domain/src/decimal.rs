//! Decimal numbers as people write and read them.

/// A number with at most six places, in millionths: `1,234.5` is 1,234,500,000. Commas and blanks around the
/// number are passed over. `None` if the text is no such number, or the number does not fit.
pub fn millionths(text: &str) -> Option<i64> {
    let plain = text.trim().replace(',', "");
    let (negative, magnitude) = plain.strip_prefix('-').map_or((false, plain.as_str()), |rest| (true, rest));
    let (whole, places) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || places.len() > 6 || !digits_only(whole) || !digits_only(places) {
        return None;
    }
    let whole = whole.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    let number = whole.checked_add(format!("{places:0<6}").parse().ok()?)?;
    Some(if negative { -number } else { number })
}

/// A number with commas between its thousands: `-1,234,567.8901`, `1,234:30:00`. The text is one of digits, perhaps with
/// a sign before and anything behind.
pub fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let mut text = String::from(sign);
    for (at, digit) in rest[..whole].chars().enumerate() {
        if at > 0 && (whole - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + &rest[whole..]
}

/// An amount of bytes in the largest unit of which there is one, with one place: `1.5 GiB`.
pub fn bytes(amount: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut unit, mut size) = ("B", 1_u64);
    for larger in units {
        if amount / size < 1024 {
            break;
        }
        (unit, size) = (larger, size * 1024);
    }
    let tenths = u128::from(amount) * 10 / u128::from(size);
    if size == 1 { format!("{amount} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_their_largest_unit() {
        for (amount, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_600_000, "1.5 MiB"),
            (4 << 30, "4.0 GiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(bytes(amount), text);
        }
    }

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [
            ("0", "0"),
            ("999", "999"),
            ("-999", "-999"),
            ("1000", "1,000"),
            ("-1048576", "-1,048,576"),
            ("1234567.8901", "1,234,567.8901"),
            ("-1234:30:00.001", "-1,234:30:00.001"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
