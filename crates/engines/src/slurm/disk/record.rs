//! The records of runs on disk: a file of lines for each run, which moves from `open` to `over` with the line
//! of its end.
//!
//! Slurm itself keeps a run's job, which is found by its name. So a lost line is never a lost run: without
//! the line, the engine looks in Slurm before it submits anything. That is why no line is forced to the disk:
//! an end that a power failure takes is found again.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{observation::Observation, slurm::runs::direct_job::DirectJob, spec::LaunchSpec};

/// An event in the life of a run: a line of its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunEvent {
    /// The center launched the run.
    Launch(Box<LaunchSpec>),
    /// The center wants the run's end, from then on at the latest.
    Stop(Timestamp),
    /// Slurm did not start the run for so many milliseconds: it is to be ended and given back.
    Back(u64),
    /// The engine is about to submit the run's job.
    Submitting(Timestamp),
    /// Slurm has the run's job.
    Submitted { number: u32, at: Timestamp },
    /// Somebody submitted the job to Slurm directly.
    Direct(Box<DirectJob>),
    /// The run is over; nothing follows.
    Over(Box<FinishedRun>),
}

/// The part that is kept of a run that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FinishedRun {
    pub observation: Observation,
    pub number: Option<u32>,
    /// The owner of the run's files.
    pub uid: u32,
    pub log_limit_bytes: u64,
}

/// A run that was not over when the engine before this one ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnfinishedRun {
    pub spec: Option<Arc<LaunchSpec>>,
    pub stop: bool,
    pub waited_too_long: Option<Duration>,
    pub number: Option<u32>,
    pub submitted_at: Option<Timestamp>,
    pub direct: Option<Arc<DirectJob>>,
    pub over: Option<FinishedRun>,
}

/// The time for which the accounting was swept for direct jobs, in seconds since 1970.
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

    pub(crate) fn append(&self, run: RunId, line: &RunEvent) -> io::Result<()> {
        // The line break comes first, so that the line is whole even if the one before it is torn.
        let mut text = vec![b'\n'];
        serde_json::to_writer(&mut text, line)?;
        // One call writes the line, so that lines of two threads don't mix.
        File::options().create(true).append(true).open(self.path("open", run))?.write_all(&text)
    }

    /// Keeps the end of a run.
    pub(crate) fn end(&self, run: RunId, over: FinishedRun) -> io::Result<()> {
        self.append(run, &RunEvent::Over(Box::new(over)))?;
        fs::rename(self.path("open", run), self.path("over", run))
    }

    /// The end of a run that is over.
    pub(crate) fn finished(&self, run: RunId) -> io::Result<Option<FinishedRun>> {
        let is_over = |line: &[u8]| match serde_json::from_slice(line) {
            Ok(RunEvent::Over(over)) => Some(*over),
            _ => None,
        };
        // The end is the last line. A file without one lost it to a power failure, and the run is looked for
        // again.
        Ok(self.bytes_of(run)?.rsplit(|byte| *byte == b'\n').find_map(is_over))
    }

    /// The description of a run that is over, even if its end is lost.
    pub(crate) fn spec(&self, run: RunId) -> io::Result<Option<Arc<LaunchSpec>>> {
        Ok(read(&self.bytes_of(run)?).spec)
    }

    fn bytes_of(&self, run: RunId) -> io::Result<Vec<u8>> {
        match fs::read(self.path("over", run)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// All runs that are not over. A file that can't be read is passed over: its run counts as never
    /// launched, and the center launches it again.
    pub(crate) fn load(&self) -> io::Result<Vec<(RunId, UnfinishedRun)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.dir.join("open"))? {
            let entry = entry?;
            let Some(run) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if self.finished(run)?.is_some() {
                remove(&entry.path())?;
                continue;
            }
            let bytes = fs::read(entry.path())?;
            let kept = read(&bytes);
            if kept.over.is_some() {
                fs::rename(entry.path(), self.path("over", run))?;
                continue;
            }
            if kept.spec.is_none() && kept.direct.is_none() && !kept.stop {
                tracing::warn!(%run, "failed to read the record of a run; the run counts as never launched");
                remove(&entry.path())?;
                continue;
            }
            all.push((run, kept));
        }
        Ok(all)
    }

    /// `None` before the first sweep.
    pub(crate) fn swept(&self) -> io::Result<Option<Swept>> {
        let path = self.dir.join("swept");
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(swept) => Ok(Some(swept)),
            // A power failure can take what was written last.
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "failed to read how far Slurm's accounting was swept; it is swept from now on");
                Ok(None)
            }
        }
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

/// Reads the lines that are whole.
fn read(bytes: &[u8]) -> UnfinishedRun {
    let mut kept = UnfinishedRun::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice(line) else { continue };
        match line {
            RunEvent::Launch(spec) => kept.spec = kept.spec.take().or_else(|| Some(Arc::from(spec))),
            RunEvent::Stop(_) => kept.stop = true,
            RunEvent::Back(waited_ms) => {
                (kept.stop, kept.waited_too_long) = (true, Some(Duration::from_millis(waited_ms)));
            }
            RunEvent::Submitting(_) => {}
            RunEvent::Direct(direct) => kept.direct = Some(Arc::from(direct)),
            RunEvent::Submitted { number, at } => (kept.number, kept.submitted_at) = (Some(number), Some(at)),
            RunEvent::Over(over) => kept.over = Some(*over),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_hides_no_other() {
        let at = Timestamp::from_secs(1_700_000_000);
        let text = |line: &RunEvent| [b"\n".to_vec(), serde_json::to_vec(line).unwrap()].concat();
        let (first, last) = (text(&RunEvent::Stop(at)), text(&RunEvent::Submitted { number: 7, at }));
        for len in 0..=first.len() {
            let kept = read(&[&first[..len], &last].concat());
            assert_eq!((kept.stop, kept.number), (len == first.len(), Some(7)), "{len}");
        }
        for len in 0..=last.len() {
            let kept = read(&[&first, &last[..len]].concat());
            assert_eq!((kept.stop, kept.number), (true, (len == last.len()).then_some(7)), "{len}");
        }
        let kept = read(&text(&RunEvent::Back(30_000)));
        assert_eq!((kept.stop, kept.waited_too_long), (true, Some(Duration::from_secs(30))));
    }

    #[test]
    fn the_record_of_an_earlier_version_is_read() {
        let line = r#"{"over":{"observation":{"state":"vanished","started":null,"last_seen":null,"machine_restarted":false},"number":7,"uid":1,"log_limit_bytes":2}}"#;
        let finished = read(line.as_bytes()).over.unwrap();
        assert_eq!(finished.number, Some(7));
        assert_eq!(finished.observation, Observation::Vanished { started: None, last_seen: None });
    }

    #[test]
    fn an_end_that_is_torn_is_no_end() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::open(dir.path()).unwrap();
        let at = Timestamp::from_secs(1_700_000_000);
        let run = RunId::new(at, [7; 10]);
        let over = FinishedRun {
            observation: Observation::NotLaunched,
            number: Some(7),
            uid: 1,
            log_limit_bytes: 2,
        };
        let is_over = || records.finished(run).unwrap().is_some_and(|over| over.number == Some(7));
        records.append(run, &RunEvent::Stop(at)).unwrap();
        assert!(!is_over());
        records.end(run, over.clone()).unwrap();
        assert!(is_over());
        assert!(records.load().unwrap().is_empty());
        // As after a power failure: the file has moved, but its last bytes have not reached the disk.
        let path = records.path("over", run);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(!is_over());
        // Or the other way about.
        records.end(run, over).unwrap();
        fs::rename(&path, records.path("open", run)).unwrap();
        assert!(records.load().unwrap().is_empty());
        assert!(is_over());
    }
}
