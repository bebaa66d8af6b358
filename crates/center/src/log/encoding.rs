//! The text of logs, most of which is UTF-8. A line that is not is read by a guess, which is named, or as somebody chose.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};

/// The encodings that a page offers.
pub const OFFERED: [&str; 8] =
    ["UTF-8", "GB18030", "Big5", "Shift_JIS", "EUC-JP", "EUC-KR", "windows-1251", "windows-1252"];
/// The most bytes from which an encoding is guessed.
const SAMPLE_BYTES: usize = 64 << 10;
/// From so few bytes no language can be told.
const SHORT_BYTES: usize = 32;
/// Bytes below this one are never a part of a longer character, in any of these encodings.
const NEVER_IN_CHARACTERS: u8 = 0x30;

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All in one encoding, as somebody chose.
    Chosen(&'static Encoding),
    /// Lines that are no UTF-8 in the encoding that they look like, once there is such a line.
    Guessed(Option<&'static Encoding>),
}

impl Default for Reading {
    fn default() -> Self {
        Self::Guessed(None)
    }
}

impl Reading {
    /// By the name of an encoding, as the Web knows them. `None` where there is none of that name, or its text has no lines
    /// that end in a byte `\n`.
    pub fn named(name: &str) -> Option<Self> {
        let encoding = Encoding::for_label(name.as_bytes())?;
        encoding.is_ascii_compatible().then_some(Self::Chosen(encoding))
    }

    /// The name of the encoding.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chosen(encoding) | Self::Guessed(Some(encoding)) => encoding_name(encoding),
            Self::Guessed(None) => UTF_8.name(),
        }
    }

    /// Looks at bytes before they are read: the first that are no UTF-8 decide what is guessed.
    pub fn learn(&mut self, bytes: &[u8]) {
        if *self == Self::Guessed(None) {
            *self = Self::Guessed(guess(bytes));
        }
    }

    /// The text of some lines.
    pub fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, std::str::from_utf8(bytes)) {
            (Self::Chosen(encoding), _) => encoding.decode_without_bom_handling(bytes).0,
            (Self::Guessed(None), _) => String::from_utf8_lossy(bytes),
            (Self::Guessed(Some(_)), Ok(text)) if text.is_ascii() => Cow::Borrowed(text),
            (Self::Guessed(Some(encoding)), _) => {
                let line = |line: &[u8]| match std::str::from_utf8(line) {
                    Ok(text) if is_likely_utf8(text, encoding) => text.to_owned(),
                    _ => encoding.decode_without_bom_handling(line).0.into_owned(),
                };
                Cow::Owned(lines(bytes).map(line).collect())
            }
        }
    }

    /// How many bytes to take so that a character that has begun is left for later. Where some lines are no UTF-8, a line
    /// that has not ended is left as well, so that all of it is read in one way.
    pub fn whole(self, bytes: &[u8]) -> usize {
        let after_last = |is_end: fn(&u8) -> bool| bytes.iter().rposition(is_end).map_or(0, |at| at + 1);
        let line_end = after_last(|byte| matches!(byte, b'\n' | b'\r'));
        match (self, std::str::from_utf8(bytes)) {
            (Self::Guessed(None), Ok(_)) => bytes.len(),
            (Self::Guessed(None), Err(error)) if error.error_len().is_none() => error.valid_up_to(),
            _ if bytes[line_end..].is_ascii() => bytes.len(),
            (Self::Guessed(_), _) => line_end,
            (Self::Chosen(_), _) => after_last(|byte| *byte < NEVER_IN_CHARACTERS),
        }
    }
}

/// Whether a line of a log that has another encoding is UTF-8 as well. Two characters of Chinese in GBK are at times one of
/// UTF-8 with two bytes, where Chinese in UTF-8 has three each.
fn is_likely_utf8(text: &str, other: &'static Encoding) -> bool {
    other.is_single_byte() || text.is_ascii() || text.chars().any(|c| c.len_utf8() > 2)
}

/// The name that people know: the encoding that the Web calls GBK reads all of GB 18030.
fn encoding_name(encoding: &'static Encoding) -> &'static str {
    if encoding == GBK || encoding == GB18030 { "GB18030" } else { encoding.name() }
}

/// Lines with their ends. Each `\r` ends one as well, as bars use it.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'))
}

/// The encoding of the lines that are no UTF-8; `None` where all are.
fn guess(bytes: &[u8]) -> Option<&'static Encoding> {
    // It may begin within a character, and end within one.
    let torn = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    match std::str::from_utf8(&bytes[torn..]) {
        Ok(_) => return None,
        Err(error) if error.error_len().is_none() => return None,
        Err(_) => {}
    }
    // The last line may be torn within a character.
    let whole = bytes.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |at| at + 1);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut fed = 0;
    for line in lines(&bytes[..whole]).filter(|line| std::str::from_utf8(line).is_err()) {
        let line = &line[..line.len().min(SAMPLE_BYTES - fed)];
        detector.feed(line, false);
        fed += line.len();
        if fed == SAMPLE_BYTES {
            break;
        }
    }
    // A center of this country: of a few characters, those that can be Chinese are.
    let country = (fed <= SHORT_BYTES).then_some(&b"cn"[..]);
    (fed > 0).then(|| detector.guess(country, Utf8Detection::Deny))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
        encoding.encode(text).0.into_owned()
    }

    fn learned(bytes: &[u8]) -> (&'static str, String) {
        let mut reading = Reading::default();
        reading.learn(bytes);
        (reading.name(), reading.text(bytes).into_owned())
    }

    #[test]
    fn what_is_no_utf_8_is_read_as_what_it_looks_like_and_that_is_named() {
        let text = "训练完成\n";
        assert_eq!(learned(text.as_bytes()), ("UTF-8", text.to_owned()));
        assert_eq!(learned(&encoded(GBK, text)), ("GB18030", text.to_owned()));
        let mixed =
            [encoded(GBK, "错误：内存不足\n"), "损失 0.5\n".as_bytes().to_vec(), b"ok\n".to_vec()].concat();
        assert_eq!(learned(&mixed), ("GB18030", "错误：内存不足\n损失 0.5\nok\n".to_owned()));
        let japanese = "学習が完了しました。損失は小さいです。\n";
        assert_eq!(learned(&encoded(encoding_rs::SHIFT_JIS, japanese)), ("Shift_JIS", japanese.to_owned()));
        assert_eq!(learned(b"caf\xe9 cr\xe8me\n"), ("windows-1252", "café crème\n".to_owned()));
    }

    #[test]
    fn a_chosen_encoding_holds_for_all() {
        let reading = Reading::named("gbk").unwrap();
        assert_eq!((reading.name(), reading.text(&encoded(GBK, "训练")).as_ref()), ("GB18030", "训练"));
        assert!(
            OFFERED.iter().all(|name| Reading::named(name).is_some_and(|reading| reading.name() == *name))
        );
        assert_eq!((Reading::named("klingon"), Reading::named("utf-16le")), (None, None));
    }

    proptest! {
        #[test]
        fn text_read_in_parts_is_the_text(text in "[a-z训练江🌊é\n ]{0,40}", size in 4_usize..9, is_gbk: bool) {
            let text = text.replace(['é', '🌊'], if is_gbk { "" } else { "é" }) + "\n";
            let bytes = if is_gbk { encoded(GBK, &text) } else { text.clone().into_bytes() };
            let mut reading = Reading::default();
            reading.learn(&bytes);
            let (mut waiting, mut seen) = (Vec::new(), String::new());
            for part in bytes.chunks(size) {
                waiting.extend_from_slice(part);
                let rest = waiting.split_off(reading.whole(&waiting));
                seen.push_str(&reading.text(&waiting));
                waiting = rest;
            }
            seen.push_str(&reading.text(&waiting));
            if !is_gbk {
                prop_assert_eq!(seen, text);
            } else if reading.name() == "GB18030" {
                prop_assert_eq!(seen, text);
            }
        }
    }
}
