//! Decimal numbers as people write them, as integers.

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
