//! The shared folder: the files that runs get there, and those that they leave.
//!
//! A run's folder belongs to its user, who may put anything there: links, pipes, folders. So the engine
//! follows nothing in it, and reads only plain files of that user.
//!
//! ```text
//! runs/<run>/  script, start, claim, secrets, stdout, stderr, refused, failed, began.<rank>, ended.<rank>, told, tmp/
//! work/<tenant>/<job>/
//! ```

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use domain::{JobId, RunId, TenantId};
use rustix::{
    fs::{AtFlags, Mode, OFlags, open, openat, unlinkat},
    io::Errno,
};

use super::user::UnixUser;
use crate::{
    environment::Place,
    kept_log::{KeptLog, header},
    log::Stream,
    slurm::{
        script::{job, process, sbatch},
        spawn_lock,
    },
    spec::LaunchSpec,
};

/// The variables that a run gets of secrets: `NAME=value`, each with a NUL behind it.
const SECRETS: &str = "secrets";
/// The longest word that a run can say in a small file.
const MAX_WORD_BYTES: usize = 4096;

#[derive(Debug)]
pub(crate) struct SharedFolder {
    dir: PathBuf,
}

impl SharedFolder {
    /// Opens the folder, and makes what is missing.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        if dir.to_str().is_none_or(|text| text.contains(['\\', '\n'])) {
            let why = "its path is not UTF-8, or has a backslash or a line end in it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        for name in ["runs", "work"] {
            let folder = dir.join(name);
            fs::create_dir_all(&folder)?;
            // Others may pass through, and don't see what there is.
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
        }
        Ok(Self { dir })
    }

    pub(crate) fn run_folder(&self, run: RunId) -> PathBuf {
        self.dir.join("runs").join(run.to_string())
    }

    /// The folders of all runs, and of what they leave.
    pub(crate) fn folders(&self) -> [PathBuf; 2] {
        ["runs", "work"].map(|name| self.dir.join(name))
    }

    /// The folder of all that a tenant's runs leave.
    pub(crate) fn home(&self, tenant: TenantId) -> PathBuf {
        self.dir.join("work").join(tenant.to_string())
    }

    pub(crate) fn work_folder(&self, tenant: TenantId, job: JobId) -> PathBuf {
        self.home(tenant).join(job.to_string())
    }

    /// Keeps the secrets of a run for its start, which empties the file.
    pub(crate) fn keep_secrets(
        &self,
        run: RunId,
        secrets: &[(String, String)],
        user: &UnixUser,
    ) -> io::Result<()> {
        let folder = self.run_folder(run);
        make_folder(&folder, user)?;
        let bytes: Vec<u8> =
            secrets.iter().flat_map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect();
        write_anew(&folder, SECRETS, &bytes, 0o600, user)
    }

    /// Makes the folders of a run with all that it needs. Any number of calls do the same as one. Returns the
    /// shell text that begins a node's process.
    pub(crate) fn prepare(
        &self,
        spec: &LaunchSpec,
        user: &UnixUser,
        path: &str,
        master: &str,
    ) -> io::Result<String> {
        let folder = self.run_folder(spec.run);
        let work = self.work_folder(spec.tenant, spec.job);
        let home = work.parent().expect("it is in the tenant's folder").to_owned();
        for owned in [&folder, &folder.join("tmp"), &home, &work] {
            make_folder(owned, user)?;
        }
        let place = Place {
            home,
            work,
            temporary: folder.join("tmp"),
            user: user.name.clone(),
            path: path.to_owned(),
            master_addr: master.to_owned(),
            master_port: 0,
            rank_table: None,
        };
        if !job::is_inline(spec) {
            write_anew(&folder, "script", &spec.script_bytes(), 0o700, user)?;
        }
        let start = process::start(spec, &place, &folder);
        if !sbatch::is_once(spec) {
            write_anew(&folder, "start", start.as_bytes(), 0o600, user)?;
        }
        Ok(start)
    }

    /// A word that the run or its start left: the first line of a file of its folder.
    pub(crate) fn word(&self, run: RunId, name: &str, uid: u32) -> io::Result<Option<String>> {
        let bytes = self.read_left(run, name, uid, |file| {
            let mut bytes = Vec::new();
            file.take(MAX_WORD_BYTES as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        })?;
        let first_line = |bytes: Vec<u8>| {
            String::from_utf8_lossy(&bytes).lines().next().map(|line| line.trim().to_owned())
        };
        Ok(bytes.and_then(first_line))
    }

    /// The last change of an output, in seconds since 1970. The run's user can't set that back.
    pub(crate) fn changed_s(&self, run: RunId, stream: Stream, uid: u32) -> io::Result<Option<i64>> {
        self.read_left(run, stream.code(), uid, |file| Ok(file.metadata()?.ctime()))
    }

    /// The last few kilobytes of an output.
    pub(crate) fn tail(&self, run: RunId, stream: Stream, uid: u32) -> io::Result<Option<String>> {
        self.read_left(run, stream.code(), uid, |file| {
            let mut bytes = vec![0; MAX_WORD_BYTES];
            let from = file.metadata()?.len().saturating_sub(MAX_WORD_BYTES as u64);
            let len = file.read_at(&mut bytes, from)?;
            Ok(String::from_utf8_lossy(&bytes[..len]).into_owned())
        })
    }

    /// Reads from a file that a run left. Its user may have put something else in the file's place, or have
    /// taken away the right to read it. That counts as no file, or the user could hold up the run's end.
    fn read_left<T>(
        &self,
        run: RunId,
        name: &str,
        uid: u32,
        read: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let opened = match self.open_of(run, name, OFlags::RDONLY, uid) {
            Err(error) if may_be_the_users_doing(&error) => {
                tracing::warn!(%run, name, %error, "a file in a run's folder can't be read as it is; it counts as absent");
                return Ok(None);
            }
            opened => opened,
        };
        let path = self.run_folder(run).join(name);
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        opened.map_err(failed)?.map(|file| read(&file).map_err(failed)).transpose()
    }

    /// Tells the run's user something at the end of its standard error.
    pub(crate) fn tell(&self, run: RunId, user: &UnixUser, text: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let mut file = self.open_of(run, "stderr", flags, user.uid)?;
        if file.is_none() {
            make_folder(&self.run_folder(run), user)?;
            write_anew(&self.run_folder(run), "stderr", b"", 0o600, user)?;
            file = self.open_of(run, "stderr", flags, user.uid)?;
        }
        match file {
            Some(mut file) => file.write_all(format!("qiantang: {text}\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// An output for reading: its head and its tail, where it is longer than its limit.
    pub(crate) fn kept_log(
        &self,
        run: RunId,
        stream: Stream,
        uid: u32,
        limit_bytes: u64,
    ) -> io::Result<KeptLog> {
        let Some(file) = self.open_of(run, stream.code(), OFlags::RDONLY, uid)? else {
            return Ok(KeptLog::default());
        };
        let head_bytes = head_of(limit_bytes);
        // The tail has a file of its own once the output was cut.
        if file.metadata()?.len() <= head_bytes
            && let Some(tail) = self.open_of(run, &tail_name(stream), OFlags::RDONLY, uid)?
        {
            return KeptLog::new(Some(file), Some(tail));
        }
        KeptLog::of_ends(file, head_bytes, limit_bytes - head_bytes)
    }

    /// Tidies up after the end of a run: removes its temporary files, and cuts what is beyond the limit out of its logs.
    pub(crate) fn tidy(&self, run: RunId, user: &UnixUser, limit_bytes: u64) -> io::Result<()> {
        let folder = self.run_folder(run);
        remove_tree(&folder.join("tmp"))?;
        // A run that never began has left them.
        if let Some(secrets) = self.open_of(run, SECRETS, OFlags::WRONLY, user.uid)? {
            secrets.set_len(0)?;
        }
        for stream in Stream::ALL {
            let Some(file) = self.open_of(run, stream.code(), OFlags::RDWR, user.uid)? else { continue };
            let meta = file.metadata()?;
            // A file with another name is the user's own, too, and stays whole.
            if meta.len() <= limit_bytes || meta.nlink() > 1 {
                continue;
            }
            let head_bytes = head_of(limit_bytes);
            let tail_bytes = limit_bytes - head_bytes;
            // The tail first: whatever stops this, nothing of it is lost, and it is done anew.
            write_anew_with(&folder, &tail_name(stream), 0o600, user, |new| {
                new.write_all(&header(meta.len() - tail_bytes))?;
                (&file).seek(SeekFrom::End(-tail_bytes.cast_signed()))?;
                io::copy(&mut (&file).take(tail_bytes), new).map(drop)
            })?;
            file.set_len(head_bytes)?;
        }
        Ok(())
    }

    /// Opens a plain file of the run's folder, if the run's user or this process owns it.
    fn open_of(&self, run: RunId, name: &str, flags: OFlags, uid: u32) -> io::Result<Option<File>> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = match open(self.run_folder(run), folder, Mode::empty()) {
            Ok(at) => at,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            // The file could be a pipe that nobody writes to, so the call does not wait.
            let flags = if parts.peek().is_some() {
                folder
            } else {
                flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY
            };
            at = match openat(&at, part, flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        }
        let file = File::from(at);
        let meta = file.metadata()?;
        let is_owned = meta.uid() == uid || meta.uid() == rustix::process::geteuid().as_raw();
        if !meta.is_file() || !is_owned {
            let why = format!("{name} is not a plain file of the run's user");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(Some(file))
    }
}

/// Whether a run's user can bring this error about by changing the files in the run's folder.
fn may_be_the_users_doing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
        || matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NXIO | Errno::NOTDIR))
}

/// Makes a folder of the user, unless something of that name is there. The parent may be the user's too, so
/// no call by name follows a link.
fn make_folder(path: &Path, user: &UnixUser) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    if rustix::process::geteuid().as_raw() == user.uid {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid))
}

/// The bytes of a log's limit that are for its head.
fn head_of(limit_bytes: u64) -> u64 {
    limit_bytes - limit_bytes / 2
}

/// The file that has the tail of an output that was cut.
fn tail_name(stream: Stream) -> String {
    format!("{}.tail", stream.code())
}

fn write_anew(folder: &Path, name: &str, bytes: &[u8], mode: u32, user: &UnixUser) -> io::Result<()> {
    write_anew_with(folder, name, mode, user, |file| file.write_all(bytes))
}

/// Writes a file in place of anything under that name, whole or not at all.
fn write_anew_with(
    folder: &Path,
    name: &str,
    mode: u32,
    user: &UnixUser,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
    let at = open(folder, flags, Mode::empty())?;
    let new = format!(".{name}.new");
    match unlinkat(&at, OsStr::new(&new), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let no_process_starts = spawn_lock::while_writing();
    let mut file = File::from(openat(&at, &new, flags, Mode::from_raw_mode(0o600))?);
    write(&mut file)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if rustix::process::geteuid().as_raw() != user.uid {
        std::os::unix::fs::fchown(&file, Some(user.uid), Some(user.gid))?;
    }
    drop(file);
    drop(no_process_starts);
    Ok(rustix::fs::renameat(&at, &new, &at, name)?)
}

/// Removes a folder with all that is in it. Links are not followed.
fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn only_a_file_that_is_absent_or_not_the_users_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedFolder::open(dir.path()).unwrap();
        let run = RunId::new(Timestamp::from_secs(1_700_000_000), [7; 10]);
        let uid = rustix::process::geteuid().as_raw();
        let word = |name: &str| shared.word(run, name, uid);
        assert_eq!(word("claim").unwrap(), None, "it has no folder");
        let folder = shared.run_folder(run);
        fs::create_dir_all(folder.join("folder")).unwrap();
        fs::write(folder.join("claim"), "7 \nmore\n").unwrap();
        std::os::unix::fs::symlink("claim", folder.join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
        assert_eq!(word("claim").unwrap().as_deref(), Some("7"));
        for name in ["absent", "folder", "link", "socket"] {
            assert_eq!(word(name).unwrap(), None, "{name}");
        }
        let name = "x".repeat(300);
        let error = word(&name).unwrap_err().to_string();
        assert!(error.contains(&name), "{error}");
    }
}
