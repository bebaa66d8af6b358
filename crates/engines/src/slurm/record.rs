//! What is on disk of runs: a file of lines for each that is not over, and a line for each that is.
//!
//! Slurm itself keeps a run's job, found by its name, so a lost line is never a lost run: without one, the engine looks in
//! Slurm before it hands anything in.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{direct::DirectJob, files::Account};
use crate::{LaunchSpec, Observation};

/// A line of the file of a run that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// It is to be handed in.
    Launch(Box<LaunchSpec>),
    /// It is to be ended, at the latest from then on.
    Stop(Timestamp),
    /// Slurm is about to get it.
    Submitting(Timestamp),
    /// Slurm has it.
    Submitted { number: u32, at: Timestamp },
    /// Somebody handed it to Slurm directly.
    Direct(Box<DirectJob>),
}

/// What is left of a run that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Over {
    pub observation: Observation,
    pub number: Option<u32>,
    /// The user of its files.
    pub uid: u32,
    pub log_limit_bytes: u64,
}

/// A run that was not over when the engine before this one ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub spec: Option<Arc<LaunchSpec>>,
    pub stop: bool,
    pub number: Option<u32>,
    pub submitted_at: Option<Timestamp>,
    pub direct: Option<Arc<DirectJob>>,
}

/// The stretch of time in which the accounting was looked at for jobs of others, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Swept {
    pub from_s: i64,
    pub until_s: i64,
}

#[derive(Debug)]
pub(crate) struct Records {
    dir: PathBuf,
}

impl Records {
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let dir = data_dir.join("slurm");
        for name in ["open", "over"] {
            fs::create_dir_all(dir.join(name))?;
        }
        Ok(Self { dir })
    }

    pub(crate) fn append(&self, run: RunId, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // In one call, so that lines of two threads don't mix.
        File::options().create(true).append(true).open(self.path("open", run))?.write_all(&text)
    }

    /// Keeps the end on disk for good, then lets go of the lines before it.
    pub(crate) fn end(&self, run: RunId, over: &Over) -> io::Result<()> {
        let (path, new) = (self.path("over", run), self.dir.join(format!("over/.{run}")));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(over)?)?;
        file.sync_data()?;
        fs::rename(new, path)?;
        remove(&self.path("open", run))
    }

    pub(crate) fn over(&self, run: RunId) -> io::Result<Option<Over>> {
        match fs::read(self.path("over", run)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn remove(&self, run: RunId) -> io::Result<()> {
        remove(&self.path("open", run))?;
        remove(&self.path("over", run))
    }

    /// All runs that are not over. What can't be read is passed over: its run counts as never launched, and the center asks
    /// for it again.
    pub(crate) fn load(&self) -> io::Result<Vec<(RunId, Kept)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.dir.join("open"))? {
            let entry = entry?;
            let Some(run) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if self.over(run)?.is_some() {
                remove(&entry.path())?;
                continue;
            }
            let bytes = fs::read(entry.path())?;
            let kept = read(&bytes);
            if kept.spec.is_none() && kept.direct.is_none() && !kept.stop {
                tracing::warn!(%run, "the record of a run can't be read: it is taken for one that was never launched");
                remove(&entry.path())?;
                continue;
            }
            all.push((run, kept));
        }
        Ok(all)
    }

    /// `None` before the first look.
    pub(crate) fn swept(&self) -> Option<Swept> {
        serde_json::from_slice(&fs::read(self.dir.join("swept")).ok()?).ok()
    }

    pub(crate) fn set_swept(&self, swept: Swept) -> io::Result<()> {
        let new = self.dir.join("swept.new");
        fs::write(&new, serde_json::to_vec(&swept)?)?;
        fs::rename(new, self.dir.join("swept"))
    }

    fn path(&self, kind: &str, run: RunId) -> PathBuf {
        self.dir.join(kind).join(run.to_string())
    }
}

/// Reads lines up to the first that is not whole.
fn read(bytes: &[u8]) -> Kept {
    let mut kept = Kept::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice(line) else { break };
        match line {
            Line::Launch(spec) => kept.spec = kept.spec.take().or_else(|| Some(Arc::from(spec))),
            Line::Stop(_) => kept.stop = true,
            Line::Submitting(_) => {}
            Line::Direct(direct) => kept.direct = Some(Arc::from(direct)),
            Line::Submitted { number, at } => (kept.number, kept.submitted_at) = (Some(number), Some(at)),
        }
    }
    kept
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The user by that name; `None` is this process's own. The system's tools know of users that are kept elsewhere too.
pub(crate) fn account(user: Option<&str>) -> io::Result<Option<Account>> {
    let ask = |option: &str| -> io::Result<Option<String>> {
        let mut command = std::process::Command::new("id");
        command.arg(option);
        command.args(user.map(|user| ["--", user]).into_iter().flatten());
        let out = command.output()?;
        Ok(out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned()))
    };
    let (Some(uid), Some(gid), Some(name)) = (ask("-u")?, ask("-g")?, ask("-un")?) else { return Ok(None) };
    Ok(uid.parse().ok().zip(gid.parse().ok()).map(|(uid, gid)| Account { uid, gid, name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_hides_nothing_before_it() {
        let at = Timestamp::from_secs(1_700_000_000);
        let lines = [Line::Stop(at), Line::Submitted { number: 7, at }];
        let whole: Vec<u8> = lines
            .iter()
            .flat_map(|line| [serde_json::to_vec(line).unwrap(), b"\n".to_vec()].concat())
            .collect();
        let first_len = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for len in 0..=whole.len() {
            let kept = read(&whole[..len]);
            assert_eq!(kept.stop, len >= first_len - 1, "{len}");
            assert_eq!(kept.number, (len >= whole.len() - 1).then_some(7), "{len}");
        }
    }
}
