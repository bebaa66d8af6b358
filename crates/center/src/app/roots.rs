//! The chain's links and its roots: sealing what is not sealed, making roots, giving them out.

use std::{
    fs::OpenOptions,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use domain::{Rfc3339, Timestamp, problem::field};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::chain::{self, Root, RootLine, RootRow, SigningKey};

use crate::{actions, center::Center};
use base::{auth::Caller, change::Changed, error::AppError, moment, params};

/// How many transfers one link covers at most, and how many other rows.
const MOST_ROWS: u32 = 2_000;
/// How long a program has to sign.
const SIGNS_WITHIN: Duration = Duration::from_secs(10);
/// How often a root is made anew where another was made meanwhile.
const TRIES: usize = 8;
/// The most roots of one answer.
const MOST_SHOWN: u32 = 100;

/// A root of the books.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RootView {
    pub number: i64,
    pub at: Rfc3339,
    /// `day 2026-11-29`, `month 2026-11` or `asked`.
    pub occasion: String,
    /// The link of the chain that it is about.
    pub link: i64,
    /// The text that is signed.
    pub root: String,
    /// The public key, where it is known.
    pub key: Option<String>,
    pub signature: Option<String>,
    /// When it was sent to the address of the settings.
    pub pushed_at: Option<Rfc3339>,
}

impl RootView {
    pub fn of(row: RootRow) -> Result<Self, AppError> {
        let line: RootLine = serde_json::from_str(&row.line).map_err(AppError::internal)?;
        Ok(Self {
            number: row.number,
            at: row.at.into(),
            occasion: row.occasion,
            link: row.link,
            root: line.root,
            key: line.key,
            signature: line.signature,
            pushed_at: row.pushed_at.map(Into::into),
        })
    }

    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }
}

/// The newest roots, newest first.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<RootView>, AppError> {
    center.policies.check(caller, actions::READ_LEDGER, None)?;
    let rows = center.read(|tx| chain::list_roots(tx, None, MOST_SHOWN)).await?;
    rows.into_iter().map(RootView::of).collect()
}

/// The last root, for pages.
pub async fn last(center: &Center, caller: &Caller) -> Result<Option<RootView>, AppError> {
    center.policies.check(caller, actions::READ_LEDGER, None)?;
    center.read(chain::last_root).await?.map(RootView::of).transpose()
}

/// A request for a root.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedRoot {
    /// For the audit log.
    #[schema(value_type = domain::schema::Line200)]
    pub reason: String,
}

/// Makes a root now.
pub async fn ask(center: &Center, caller: &Caller, asked: AskedRoot) -> Result<RootView, AppError> {
    let may = center.policies.may(caller, actions::MAKE_ROOT, None)?;
    let reason = params::line::<200>(field::REASON, asked.reason.trim()).map(String::from)?;
    let own = center.clone();
    let made = tokio::task::spawn_blocking(move || {
        let made = make(&own, "asked")?;
        write_file(&own)?;
        Ok::<_, AppError>(made)
    });
    let root = RootView::of(made.await??)?;
    let detail = json!({ "link": root.link, "is_signed": root.is_signed(), "reason": reason });
    let changed = Changed::new(root.number, detail, ());
    center.change(may, move |_| Ok(changed), |_, ()| ()).await?;
    Ok(root)
}

/// Seals all that is not sealed.
pub fn seal(center: &Center) -> Result<(), AppError> {
    loop {
        let Some(prepared) = center.store.read(|tx| chain::prepare(tx, MOST_ROWS))? else { return Ok(()) };
        let (is_all, now) = (prepared.is_all, moment::now());
        let is_added = center.store.write(move |tx| chain::append(tx, prepared, now))?;
        if is_all && is_added {
            return Ok(());
        }
    }
}

/// Seals all, and keeps a root of it.
pub fn make(center: &Center, occasion: &str) -> Result<RootRow, AppError> {
    for _ in 0..TRIES {
        seal(center)?;
        let now = moment::now();
        let root = center.store.read(|tx| chain::next_root(tx, now, occasion))?;
        let root = root.ok_or_else(|| AppError::internal("the chain has no link yet"))?;
        let line = serde_json::to_string(&signed(center, &root.0)?).map_err(AppError::internal)?;
        if center.store.write(move |tx| chain::insert_root(tx, &root, &line))? {
            let last = center.store.read(chain::last_root)?;
            return last.ok_or_else(|| AppError::internal("the root is gone"));
        }
    }
    Err(AppError::internal(format!("{TRIES} tries to make a root each met a newer one")))
}

/// A root's line, signed as the settings say.
fn signed(center: &Center, root: &Root) -> Result<RootLine, AppError> {
    let books = &center.settings.books;
    let root = root.text();
    let mut line = RootLine { root, key: None, signature: None };
    if let Some(path) = &books.signing_key {
        let text = std::fs::read_to_string(path)
            .map_err(|error| AppError::internal_at(format!("the key {}", path.display()), error))?;
        let key = SigningKey::parse(&text)
            .map_err(|error| AppError::internal_at(format!("the key {}", path.display()), error))?;
        line.key = Some(key.public().to_string());
        line.signature = Some(chain::hex(&key.sign(line.root.as_bytes())));
    } else if let [program, arguments @ ..] = books.sign_command.as_slice() {
        line.signature = Some(signed_by(program, arguments, &line.root)?);
    }
    Ok(line)
}

/// The signature that a program makes: 64 bytes, or their hexadecimal digits.
fn signed_by(program: &str, arguments: &[String], text: &str) -> Result<String, AppError> {
    let failed = |cause: String| AppError::internal_at(format!("signing by `{program}`"), cause);
    let io = |error: std::io::Error| failed(error.to_string());
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(io)?;
    let begun = Instant::now();
    if let Some(mut to) = child.stdin.take() {
        // A root is shorter than a pipe is wide. A program that does not read it makes no signature of it either.
        let _ = to.write_all(text.as_bytes());
    }
    let status = loop {
        if let Some(status) = child.try_wait().map_err(io)? {
            break status;
        }
        if begun.elapsed() > SIGNS_WITHIN {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(format!("it takes longer than {} s", SIGNS_WITHIN.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut out = Vec::new();
    if let Some(from) = child.stdout.take() {
        from.take(4096).read_to_end(&mut out).map_err(io)?;
    }
    if !status.success() {
        return Err(failed(format!("it ended with {status}")));
    }
    if out.len() == 64 {
        return Ok(chain::hex(&out));
    }
    let text = String::from_utf8_lossy(&out);
    let digits = chain::from_hex::<64>(text.trim());
    digits.map(|bytes| chain::hex(&bytes)).ok_or_else(|| failed("it gives no signature of 64 bytes".into()))
}

/// Where roots are written.
pub fn file(center: &Center) -> PathBuf {
    let given = center.settings.books.roots_file.clone();
    given.unwrap_or_else(|| center.settings.data_dir.join("roots.jsonl"))
}

/// Appends the roots that the file lacks.
pub fn write_file(center: &Center) -> Result<(), AppError> {
    let path = file(center);
    let failed =
        |error: std::io::Error| AppError::internal_at(format!("the roots in {}", path.display()), error);
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    // Until the end of this function: somebody may ask for a root while the loop makes one.
    file.lock().map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    // A line without its end was being written as the machine went down.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let mut kept = center.store.read(|tx| chain::list_roots(tx, None, u32::MAX))?;
    kept.reverse();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let stranger = lines.iter().find(|line| !kept.iter().any(|row| row.line == **line));
    if let Some(line) = stranger {
        let told: String = line.chars().take(80).collect();
        let problem = format!(
            "it has a root that the books do not have ({told}…): were they restored from an older copy? Keep this file \
             elsewhere, and begin another"
        );
        return Err(AppError::internal_at(format!("the roots in {}", path.display()), problem));
    }
    let new: String = kept
        .iter()
        .filter(|row| !lines.contains(&row.line.as_str()))
        .map(|row| row.line.clone() + "\n")
        .collect();
    if whole < bytes.len() {
        file.set_len(whole as u64).map_err(failed)?;
    }
    if !new.is_empty() {
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.write_all(new.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
    }
    Ok(())
}

/// The occasions that are due: closed months without a root; where there are none of these, the day, if it
/// has none.
pub fn due(center: &Center, now: Timestamp) -> Result<Vec<String>, AppError> {
    let zone = center.settings.time_zone;
    let midnight = zone.day_begins(zone.day(now));
    let day = format!("day {}", zone.local(now).date());
    center.store.read(|tx| {
        let mut due = Vec::new();
        if chain::head(tx)?.0 == 0 {
            return Ok(due);
        }
        for period in store::periods::list(tx)? {
            let occasion = format!("month {}", period.month);
            if !chain::has_root(tx, &occasion)? {
                due.push(occasion);
            }
        }
        due.reverse();
        if due.is_empty() && chain::last_root(tx)?.is_none_or(|root| root.at < midnight) {
            due.push(day);
        }
        Ok(due)
    })
}

/// Sends the roots that were not sent yet, oldest first.
pub fn push(center: &Center) -> Result<(), AppError> {
    let Some(url) = &center.settings.books.roots_url else { return Ok(()) };
    let config = ureq::Agent::config_builder().timeout_global(Some(SIGNS_WITHIN)).build();
    let agent = ureq::Agent::new_with_config(config);
    for row in center.store.read(chain::unpushed_roots)? {
        let sent = agent.post(url).header("content-type", "application/json").send(row.line.as_str());
        sent.map_err(|error| AppError::internal_at(format!("sending root {} to {url}", row.number), error))?;
        let (number, now) = (row.number, moment::now());
        center.store.write(move |tx| chain::mark_pushed(tx, number, now))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_signs_with_bytes_or_digits_and_nothing_else() {
        let sh = |script: &str| signed_by("sh", &["-c".to_owned(), script.to_owned()], "text");
        assert_eq!(sh("cat >/dev/null; printf '%0128d' 0").unwrap(), "0".repeat(128));
        assert_eq!(sh("head -c 64 /dev/zero").unwrap(), "0".repeat(128));
        for bad in ["echo no", "exit 3", "cat"] {
            assert!(sh(bad).is_err(), "{bad}");
        }
    }
}
