//! The bytes of which digests are made. They are described in docs/books.md, so that others can make them too.

use std::fmt::Write;

use crate::db::Value;

/// A SHA-256.
pub type Digest = [u8; 32];

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BLOB: u8 = 3;

pub fn sha256(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// A digest that grows.
pub(super) struct Hasher(ring::digest::Context);

impl Hasher {
    pub fn new() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> Digest {
        let mut digest = Digest::default();
        digest.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}

/// Appends a value: a byte for its type, and what it holds.
pub(super) fn put(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Int(value) => {
            out.push(INT);
            out.extend_from_slice(&value.to_be_bytes());
        }
        Value::Text(text) => put_bytes(out, TEXT, text.as_bytes()),
        Value::Blob(bytes) => put_bytes(out, BLOB, bytes),
    }
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    // SQLite keeps no value of 4 GiB.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The values of some bytes, one after the other; `None` where the bytes are no values.
pub(super) fn values(mut bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut all = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (value, rest) = match *tag {
            NULL => (Value::Null, rest),
            INT => {
                let (int, rest) = rest.split_first_chunk::<8>()?;
                (Value::Int(i64::from_be_bytes(*int)), rest)
            }
            TEXT => {
                let (text, rest) = counted(rest)?;
                (Value::Text(str::from_utf8(text).ok()?), rest)
            }
            BLOB => {
                let (blob, rest) = counted(rest)?;
                (Value::Blob(blob), rest)
            }
            _ => return None,
        };
        all.push(value);
        bytes = rest;
    }
    Some(all)
}

/// Bytes with their number before them, and what comes behind.
pub(super) fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*count) as usize)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a text of hexadecimal digits.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_these_bytes() {
        let mut bytes = Vec::new();
        for value in [Value::Int(-2), Value::Text("元"), Value::Null, Value::Blob(&[7])] {
            put(&mut bytes, value);
        }
        assert_eq!(hex(&bytes), "01fffffffffffffffe0200000003e58583000300000001".to_owned() + "07");
        assert_eq!(
            values(&bytes),
            Some(vec![Value::Int(-2), Value::Text("元"), Value::Null, Value::Blob(&[7])])
        );
        assert_eq!(values(&bytes[..bytes.len() - 1]), None);
        assert_eq!(from_hex::<2>("00fF"), Some([0, 255]));
        assert_eq!(from_hex::<2>("0+ff"), None);
    }
}
