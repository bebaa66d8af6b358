//! Roots: the chain's head at an instant, in a text that is signed, and the lines of the file that they are written to.

use std::{collections::BTreeMap, fmt::Write};

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    encode::{Digest, from_hex, hex},
    seal::head,
    signing::PublicKey,
};
use crate::db::{Row, StoreError, Tx, params, statements};

/// The first line of a root's text.
const FIRST_LINE: &str = "qiantang root 1";

statements! { "roots";
    COUNTS = "SELECT kind, CAST(SUM(row_count) AS BIGINT) FROM chain_parts WHERE link <= ?1 GROUP BY kind ORDER BY kind";
    LAST_NUMBER = "SELECT COALESCE(MAX(number), 0) FROM roots";
    INSERT = "INSERT INTO roots (number, link, at, occasion, line) VALUES (?1, ?2, ?3, ?4, ?5)";
    LIST = "SELECT number, link, at, occasion, line, pushed_at FROM roots WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
    COVERING = "SELECT number, link, at, occasion, line, pushed_at FROM roots WHERE link >= ?1 ORDER BY number LIMIT 1";
    FIND = "SELECT 1 FROM roots WHERE occasion = ?1 LIMIT 1";
    UNPUSHED = "SELECT number, link, at, occasion, line, pushed_at FROM roots WHERE pushed_at IS NULL ORDER BY number";
    PUSHED = "UPDATE roots SET pushed_at = ?2 WHERE number = ?1";
}

/// The chain's head at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// From 1 on, without gaps.
    pub number: i64,
    pub link: i64,
    pub at: Timestamp,
    pub digest: Digest,
    /// `day 2026-11-29`, `month 2026-11` or `asked`.
    pub occasion: String,
    /// How many rows of each kind all links up to this one cover.
    pub rows: BTreeMap<String, i64>,
}

/// A root before it has its line.
#[derive(Clone, Debug)]
pub struct NewRoot(pub Root);

/// A line of the file of roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootLine {
    /// The text that is signed.
    pub root: String,
    /// The public key, where it is known: 64 hexadecimal digits.
    pub key: Option<String>,
    /// The Ed25519 signature of the text: 128 hexadecimal digits.
    pub signature: Option<String>,
}

/// A root that was read with its line, or the number of what can't be read.
pub type Read = Result<(Root, RootLine), u64>;

/// A root as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRow {
    pub number: i64,
    pub link: i64,
    pub at: Timestamp,
    pub occasion: String,
    pub line: String,
    pub pushed_at: Option<Timestamp>,
}

/// The state of a root's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    Unsigned,
    Genuine,
    /// By a key that is not known here.
    Unknown,
    Bad,
}

impl Root {
    /// The text that is signed: lines of a word and a value, each with its end.
    pub fn text(&self) -> String {
        let Self { number, link, at, digest, occasion, rows } = self;
        let mut text = format!(
            "{FIRST_LINE}\nnumber {number}\nat {at}\noccasion {occasion}\nlink {link}\ndigest {}\n",
            hex(digest)
        );
        for (kind, count) in rows {
            // A text takes all that is written to it.
            let _ = writeln!(text, "rows {kind} {count}");
        }
        text
    }

    /// Reads what [`Self::text`] writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let mut next = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let number = next("number")?.parse().ok()?;
        let at = next("at")?.parse().ok()?;
        let occasion = next("occasion")?.to_owned();
        let link = next("link")?.parse().ok()?;
        let digest = from_hex(next("digest")?)?;
        let mut rows = BTreeMap::new();
        for line in lines {
            let (kind, count) = line.strip_prefix("rows ")?.split_once(' ')?;
            rows.insert(kind.to_owned(), count.parse().ok()?);
        }
        let root = Self { number, link, at, digest, occasion, rows };
        (root.text() == text).then_some(root)
    }
}

impl RootLine {
    /// The state of the signature by `key`; without one, by the key that the line names.
    pub fn state(&self, key: Option<PublicKey>) -> SignatureState {
        let Some(signature) = &self.signature else { return SignatureState::Unsigned };
        let Some(signature) = from_hex(signature) else { return SignatureState::Bad };
        let named = || self.key.as_deref().and_then(|key| PublicKey::parse(key).ok());
        match key.or_else(named) {
            None => SignatureState::Unknown,
            Some(key) if key.has_signed(self.root.as_bytes(), &signature) => SignatureState::Genuine,
            Some(_) => SignatureState::Bad,
        }
    }
}

/// The roots of a file, each with its line; of a line that can't be read, its number.
pub fn parse_file(text: &str) -> Vec<Read> {
    let line = |(number, text): (u64, &str)| {
        let line: RootLine = serde_json::from_str(text).map_err(|_| number)?;
        Ok((Root::parse(&line.root).ok_or(number)?, line))
    };
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

/// The root of the chain as it is now. `None` where there is no link yet.
pub fn next(tx: &Tx, at: Timestamp, occasion: &str) -> Result<Option<NewRoot>, StoreError> {
    let (link, digest) = head(tx)?;
    if link == 0 {
        return Ok(None);
    }
    let rows = tx.all(COUNTS, params![link], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let last: i64 = tx.one(LAST_NUMBER, params![], |row| row.get(0))?;
    let rows = rows.into_iter().collect();
    let occasion = occasion.to_owned();
    Ok(Some(NewRoot(Root { number: last + 1, link, at, digest, occasion, rows })))
}

/// Keeps a root with its line. `false` where another has its number by now.
pub fn insert(tx: &Tx, NewRoot(root): &NewRoot, line: &str) -> Result<bool, StoreError> {
    let last: i64 = tx.one(LAST_NUMBER, params![], |row| row.get(0))?;
    if last + 1 != root.number {
        return Ok(false);
    }
    tx.execute(INSERT, params![root.number, root.link, root.at, &root.occasion, line])?;
    Ok(true)
}

fn root_row(row: Row<'_>) -> Result<RootRow, StoreError> {
    Ok(RootRow {
        number: row.get(0)?,
        link: row.get(1)?,
        at: row.get(2)?,
        occasion: row.get(3)?,
        line: row.get(4)?,
        pushed_at: row.get(5)?,
    })
}

/// The newest roots before number `before`, newest first.
pub fn list(tx: &Tx, before: Option<i64>, limit: u32) -> Result<Vec<RootRow>, StoreError> {
    tx.all(LIST, params![before.unwrap_or(i64::MAX), limit], root_row)
}

/// The first root that is about a link or a later one: it seals all that the link covers.
pub fn covering(tx: &Tx, link: i64) -> Result<Option<RootRow>, StoreError> {
    tx.find(COVERING, params![link], root_row)
}

pub fn last(tx: &Tx) -> Result<Option<RootRow>, StoreError> {
    Ok(list(tx, None, 1)?.pop())
}

/// Whether there is a root of this occasion.
pub fn has(tx: &Tx, occasion: &str) -> Result<bool, StoreError> {
    Ok(tx.find(FIND, params![occasion], |_| Ok(()))?.is_some())
}

/// Roots that were not handed on yet, oldest first.
pub fn unpushed(tx: &Tx) -> Result<Vec<RootRow>, StoreError> {
    tx.all(UNPUSHED, params![], root_row)
}

pub fn mark_pushed(tx: &Tx, number: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(PUSHED, params![number, at])
}

#[cfg(test)]
mod tests {
    use super::{super::signing::SigningKey, *};

    #[test]
    fn a_root_is_read_as_it_was_written_and_signed_as_a_whole() {
        let rows = [("audit".to_owned(), 3), ("transfers".to_owned(), 40)].into();
        let (at, occasion) = (Timestamp::from_secs(1_800_000_000), "day 2027-01-15".to_owned());
        let root = Root { number: 2, link: 9, at, digest: [1; 32], occasion, rows };
        let text = root.text();
        assert_eq!(Root::parse(&text), Some(root));
        assert_eq!(Root::parse(&text.replace("link 9", "link 09")), None);
        assert_eq!(Root::parse(&format!("{text}more 1\n")), None);

        let key = SigningKey::of([3; 32]);
        let signature = Some(hex(&key.sign(text.as_bytes())));
        let mut line = RootLine { root: text, key: Some(key.public().to_string()), signature };
        assert_eq!(line.state(None), SignatureState::Genuine);
        assert_eq!(line.state(Some(SigningKey::of([4; 32]).public())), SignatureState::Bad);
        line.key = None;
        assert_eq!(line.state(None), SignatureState::Unknown);
        assert_eq!(line.state(Some(key.public())), SignatureState::Genuine);
        line.signature = None;
        assert_eq!(line.state(Some(key.public())), SignatureState::Unsigned);
    }
}
