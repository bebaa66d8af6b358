//! The encoding of a script that is no UTF-8. It is kept as text that people can read, with the name of the
//! encoding, from which each of its bytes comes back as it was.

use std::borrow::Cow;

use encoding_rs::GB18030;

use crate::codes;

codes! {
    /// How the text of a script becomes its bytes.
    pub enum Encoding {
        /// Chinese, as GBK and GB 2312 are too.
        Gb18030 = "gb18030",
        /// A character for each byte.
        Latin1 = "latin1",
    }
}

impl Encoding {
    /// The bytes of a text; `None` where it has characters that are not of this encoding.
    pub fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Gb18030 => {
                let (bytes, _, has_others) = GB18030.encode(text);
                (!has_others).then_some(bytes)
            }
            Self::Latin1 => {
                let byte = |c: char| u8::try_from(u32::from(c)).ok();
                text.chars().map(byte).collect::<Option<Vec<u8>>>().map(Cow::Owned)
            }
        }
    }
}

/// The text of bytes, and its encoding where that is not UTF-8: Chinese if all of them can be that, else a
/// character for each byte. Either gives the same bytes back.
pub fn read(bytes: &[u8]) -> (Cow<'_, str>, Option<Encoding>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Cow::Borrowed(text), None);
    }
    if let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(bytes)
        && Encoding::Gb18030.encode(&text).is_some_and(|again| *again == *bytes)
    {
        return (text, Some(Encoding::Gb18030));
    }
    (bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(), Some(Encoding::Latin1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chinese_bytes_are_read_as_chinese() {
        let gbk = b"# \xd1\xb5\xc1\xb7\n";
        assert_eq!(read(gbk), ("# 训练\n".into(), Some(Encoding::Gb18030)));
        assert_eq!(read("# 训练\n".as_bytes()), ("# 训练\n".into(), None));
        assert_eq!(read(b"# caf\xe9\n"), ("# café\n".into(), Some(Encoding::Latin1)));
    }

    proptest! {
        #[test]
        fn each_byte_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let (text, encoding) = read(&bytes);
            let again = match encoding {
                Some(encoding) => encoding.encode(&text).unwrap(),
                None => text.as_bytes().into(),
            };
            prop_assert_eq!(&*again, bytes.as_slice());
        }
    }
}
