//! Attachments 附件: what an applicant adds to an application, such as the scan of a licence. They are kept with the
//! application, so that a backup has them.

use axum::body::Bytes;
use domain::Timestamp;
use sha2::{Digest as _, Sha256};

/// The most attachments of one application.
pub const MOST: usize = 8;
/// The most bytes of one, in MiB.
pub const MOST_MIB: usize = 10;
/// The most bytes of all attachments of one application, in MiB.
pub const MOST_OF_ALL_MIB: usize = 30;
/// The most bytes of all attachments to what nobody has handed in yet, in MiB: strangers write them.
pub const MOST_OF_DRAFTS_MIB: i64 = 1024;
const LONGEST_NAME: usize = 120;

domain::codes! {
    /// The forms of files that are taken, told by their first bytes.
    pub enum AttachmentKind {
        Pdf = "pdf",
        Png = "png",
        Jpeg = "jpeg",
        /// GB/T 33190, in which public bodies issue documents.
        Ofd = "ofd",
    }

    /// Why a file is not taken.
    pub enum AttachmentFault {
        Empty = "empty",
        /// It is in none of the forms that are taken.
        Form = "form",
        TooLarge = "too_large",
        TooMany = "too_many",
        /// All of one application's are too large together.
        TooLargeTogether = "too_large_together",
        /// The drafts of all strangers take all the room that they may have.
        NoRoom = "no_room",
    }
}

impl AttachmentKind {
    pub fn of(content: &[u8]) -> Option<Self> {
        const OFD: &[u8] = b"OFD.xml";
        let is_ofd = || content.windows(OFD.len()).any(|window| window == OFD);
        match content {
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'P', b'K', 3, 4, ..] if is_ofd() => Some(Self::Ofd),
            _ => None,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Ofd => "application/ofd",
        }
    }
}

/// An attachment without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// From 1, within its application.
    pub number: u32,
    /// Its file's name on the applicant's machine.
    pub name: String,
    pub kind: AttachmentKind,
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    pub added_at: Timestamp,
}

/// A file that may be added, with all that is worked out of its bytes. That takes as long as reading it several times, so it is
/// done before the file goes to the store, whose writer all others wait for.
#[derive(Clone, Debug)]
pub struct File {
    pub(super) name: String,
    pub(super) kind: AttachmentKind,
    /// Its SHA-256.
    pub(super) digest: [u8; 32],
    pub(super) content: Bytes,
}

impl File {
    /// Looks at a file as it came; what keeps it from being added is told with its name as people see it.
    pub fn read(name: &str, content: Bytes) -> Result<Self, (String, AttachmentFault)> {
        let name = shown_name(name);
        if content.is_empty() {
            return Err((name, AttachmentFault::Empty));
        }
        if content.len() > MOST_MIB << 20 {
            return Err((name, AttachmentFault::TooLarge));
        }
        let Some(kind) = AttachmentKind::of(&content) else { return Err((name, AttachmentFault::Form)) };
        Ok(Self { name, kind, digest: Sha256::digest(&content).into(), content })
    }
}

/// The last part of what a browser gives as a file's name, as one line that a page and a header can have.
fn shown_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !c.is_control() && *c != '"' && !is_bidi(*c));
    let name: String = kept.take(LONGEST_NAME).collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// Characters that make a name read in another order than it is.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        assert_eq!(AttachmentKind::of(b"%PDF-1.7\n..."), Some(AttachmentKind::Pdf));
        assert_eq!(AttachmentKind::of(b"\x89PNG\r\n\x1a\n...."), Some(AttachmentKind::Png));
        assert_eq!(AttachmentKind::of(b"\xff\xd8\xff\xe0"), Some(AttachmentKind::Jpeg));
        assert_eq!(AttachmentKind::of(b"PK\x03\x04....OFD.xml"), Some(AttachmentKind::Ofd));
        for other in [&b"PK\x03\x04word/document.xml"[..], b"<html>", b"MZ", b"", b"<svg>", b"#!/bin/sh"] {
            assert_eq!(AttachmentKind::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_file_is_looked_at_before_it_is_kept() {
        let fault = |content: Vec<u8>| File::read("a/b.pdf", content.into()).map(|_| ()).unwrap_err();
        assert_eq!(fault(Vec::new()), ("b.pdf".to_owned(), AttachmentFault::Empty));
        assert_eq!(fault(b"<html>".to_vec()).1, AttachmentFault::Form);
        let large = [b"%PDF-".to_vec(), vec![b' '; MOST_MIB << 20]].concat();
        assert_eq!(fault(large).1, AttachmentFault::TooLarge);
        let file = File::read("b.pdf", b"%PDF-1.7".as_slice().into()).expect("it is one");
        assert_eq!((file.kind, file.digest), (AttachmentKind::Pdf, Sha256::digest(b"%PDF-1.7").into()));
    }

    #[test]
    fn a_name_is_one_line_without_its_folders() {
        for (given, shown) in [
            ("licence.pdf", "licence.pdf"),
            ("C:\\Users\\li\\营业执照.pdf", "营业执照.pdf"),
            ("../../etc/passwd", "passwd"),
            (".bashrc", "bashrc"),
            ("a\r\nSet-Cookie: x\".pdf", "aSet-Cookie: x.pdf"),
            ("fdp.\u{202e}exe", "fdp.exe"),
            ("", "file"),
            ("..", "file"),
        ] {
            assert_eq!(shown_name(given), shown);
        }
        assert_eq!(shown_name(&"长".repeat(500)).chars().count(), LONGEST_NAME);
    }
}
