//! The folders of a run.
//!
//! - `work/<tenant>/` is the home of the tenant's runs. The job's processes start in `work/<tenant>/<job>/`,
//!   and what they write there stays. A job that leaves its folder untouched leaves none: the folder waits as
//!   `.spare-<slot>` for another job.
//! - `tmp/<tenant's index>/<slot>/` is the run's own while it lasts, with its script, its rank table and
//!   TMPDIR. It is emptied when the run ends and then serves another run of the tenant. Its path is short,
//!   because programs make sockets in it, whose names have at most 107 bytes.
//!
//! Nothing is made anew for each run, because that would be the slowest part of a short one: ext4 looks for
//! inodes that were not in use lately, and the more were removed in the last minutes, the longer it looks.
//!
//! Everything below `work/<tenant>` and `tmp/<index>` belongs to the tenant, who may put links anywhere in
//! it. So this process touches it with the rights of the tenant's uid only.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use domain::{JobId, TenantId};
use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, FlockOperation, Gid, Mode, OFlags, RawDir, RenameFlags, SeekFrom,
        Timespec, Timestamps, Uid, chownat, flock, fstat, futimens, mkdirat, openat, renameat, renameat_with,
        seek, unlinkat,
    },
    io::Errno,
};

use super::{config::LocalConfig, sys};

/// The most runs of one tenant at a time.
const MAX_SLOTS: u32 = 4096;
const SCRIPT: &str = "script";
/// The modification time that marks a run's own folder as empty.
const EMPTY_MTIME: i64 = 1;
const READ_FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The folders of a tenant's runs, one after the other, made and open.
#[derive(Debug)]
pub(crate) struct Folders {
    pub home: PathBuf,
    pub home_fd: OwnedFd,
    pub temporary: PathBuf,
    /// Locked while this value lives.
    pub temporary_fd: OwnedFd,
    tenant: TenantId,
    owner: Option<u32>,
    /// The name of the next job's folder until then. Nobody else uses it.
    spare_name: String,
    spare: Option<OwnedFd>,
}

/// The folder of a job, open.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    pub path: PathBuf,
    pub fd: OwnedFd,
    /// The last change of the folder, as the kernel counts it: a run can't set it back.
    changed_at: (i64, u64),
}

/// Makes the folders that all runs share. `is_passable` says that runs have other uids and must get through
/// to their folders.
pub(crate) fn prepare(data_dir: &Path, is_passable: bool) -> io::Result<()> {
    let mode = if is_passable { Mode::RWXU | Mode::XGRP | Mode::XOTH } else { Mode::RWXU };
    rustix::fs::chmod(data_dir, mode)?;
    for name in ["work", "tmp"] {
        let path = data_dir.join(name);
        make(CWD, &path)?;
        rustix::fs::chmod(&path, mode)?;
    }
    Ok(())
}

impl Folders {
    /// Makes the folders for runs of a tenant, as far as they aren't there. `first_slot` is probably free.
    pub(crate) fn make(
        config: &LocalConfig,
        tenant: TenantId,
        uid_index: u32,
        first_slot: u32,
    ) -> io::Result<Self> {
        let owner = config.uid(uid_index);
        let mut home = config.data_dir.join("work").join(tenant.to_string());
        let mut home_fd = make_for(&home, owner)?;
        let slots = config.data_dir.join("tmp").join(uid_index.to_string());
        let slots_fd = make_for(&slots, owner)?;
        let take = |first| sys::with_file_owner(owner, || take_slot(&slots_fd, first));
        let mut slot = take(first_slot)?;
        loop {
            let temporary = slots.join(slot.0.to_string());
            let spare_name = format!(".spare-{}", slot.0);
            let spare = sys::with_file_owner(owner, || open_spare(&home_fd, &spare_name));
            let temporary_fd = slot.1;
            let folders = Self { home, home_fd, temporary, temporary_fd, tenant, owner, spare_name, spare };
            // The supervisor of the last run may have left the folder, or the run may have left something in
            // it that can't be removed.
            match folders.empty() {
                Ok(()) => return Ok(folders),
                Err(_) if slot.0 + 1 < MAX_SLOTS => slot = take(slot.0 + 1)?,
                Err(error) => return Err(error),
            }
            Self { home, home_fd, .. } = folders;
        }
    }

    /// Whether the folders can serve a run of that tenant.
    pub(crate) fn are_for(&self, tenant: TenantId) -> bool {
        let is_there = |fd| fstat(fd).is_ok_and(|stat| stat.st_nlink > 0);
        self.tenant == tenant && is_there(&self.home_fd) && is_there(&self.temporary_fd)
    }

    /// Makes the folder of a job, if it isn't there, and writes the script over that of the run before.
    /// Returns the folder and the path of the script.
    pub(crate) fn make_work(&mut self, job: JobId, script: &[u8]) -> io::Result<(WorkFolder, PathBuf)> {
        let name = job.to_string();
        let spare = self.spare.take();
        let fd = sys::with_file_owner(self.owner, || {
            self.write_script(script)?;
            if let Some(spare) = spare {
                let (home, old) = (&self.home_fd, self.spare_name.as_str());
                match renameat_with(home, old, home, name.as_str(), RenameFlags::NOREPLACE) {
                    Ok(()) => return Ok(spare),
                    // The job has a folder already, or the tenant took the spare one away.
                    Err(Errno::EXIST | Errno::NOENT) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            make(&self.home_fd, name.as_str())?;
            Ok::<_, io::Error>(openat(&self.home_fd, name.as_str(), READ_FOLDER, Mode::empty())?)
        })?;
        let changed_at = changed_at(&fd)?;
        Ok((WorkFolder { path: self.home.join(name), fd, changed_at }, self.temporary.join(SCRIPT)))
    }

    /// Keeps a job's folder for another job, if nothing happened to it since it was made for this one. No
    /// other run of the job may be alive, or come later and expect anything in it.
    pub(crate) fn take_back(&mut self, job: JobId, work: WorkFolder) -> io::Result<()> {
        if self.spare.is_some() || changed_at(&work.fd)? != work.changed_at || !is_empty(&work.fd)? {
            return Ok(());
        }
        let (home, name) = (&self.home_fd, job.to_string());
        sys::with_file_owner(self.owner, || renameat(home, name, home, self.spare_name.as_str()))?;
        self.spare = Some(work.fd);
        Ok(())
    }

    fn write_script(&self, text: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (file, old_len) = match openat(&self.temporary_fd, SCRIPT, flags, Mode::empty())
            .map(|file| plain_script_len(&file).map(|len| (file, len)))
        {
            Ok(Some(known)) => known,
            other => {
                if other.is_ok() || other.is_err_and(|error| error != Errno::NOENT) {
                    unlinkat(&self.temporary_fd, SCRIPT, AtFlags::empty())?;
                }
                let flags = flags | OFlags::CREATE | OFlags::EXCL;
                let file = openat(&self.temporary_fd, SCRIPT, flags, Mode::RWXU)?;
                self.mark_empty()?;
                (file, 0)
            }
        };
        let mut file = fs::File::from(file);
        file.write_all(text)?;
        let len = text.len() as u64;
        if old_len > len { file.set_len(len) } else { Ok(()) }
    }

    /// Writes another file into the run's own folder.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::with_file_owner(self.owner, || {
            let mut file = fs::File::from(openat(&self.temporary_fd, name, flags, Mode::RUSR | Mode::WUSR)?);
            file.write_all(bytes)
        })?;
        Ok(self.temporary.join(name))
    }

    /// Makes the run's own folder ready for the next run: removes all but the script.
    pub(crate) fn empty(&self) -> io::Result<()> {
        // The folder itself tells whether anything was put into it since it was emptied.
        if fstat(&self.temporary_fd)?.st_mtime == EMPTY_MTIME {
            return Ok(());
        }
        for entry in Dir::read_from(&self.temporary_fd)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_script =
                name.to_bytes() == SCRIPT.as_bytes() && entry.file_type() == FileType::RegularFile;
            if is_script || matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if unlinkat(&self.temporary_fd, name, AtFlags::empty()).is_err() {
                let path = self.temporary.join(OsStr::from_bytes(name.to_bytes()));
                // The call follows no links, so it is safe with the center's own rights, which get past modes
                // of 000.
                if fs::remove_dir_all(&path).is_err() {
                    open_up(&path)?;
                    fs::remove_dir_all(&path)?;
                }
            }
        }
        self.mark_empty()
    }

    fn mark_empty(&self) -> io::Result<()> {
        let mark = Timespec { tv_sec: EMPTY_MTIME, tv_nsec: 0 };
        Ok(futimens(&self.temporary_fd, &Timestamps { last_access: mark, last_modification: mark })?)
    }
}

/// Gives the owner all rights to a folder and to the folders in it, so that they can be removed without being
/// root.
fn open_up(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// The length of the file, if it is a script as a run finds it after a well-behaved run.
fn plain_script_len(file: &OwnedFd) -> Option<u64> {
    let stat = fstat(file).ok()?;
    let is_plain = stat.st_mode == (FileType::RegularFile.as_raw_mode() | 0o700) && stat.st_nlink == 1;
    is_plain.then(|| u64::try_from(stat.st_size).ok()).flatten()
}

/// The folder that the last supervisor with the same slot left for the next job.
fn open_spare(home: &OwnedFd, name: &str) -> Option<OwnedFd> {
    let fd = openat(home, name, READ_FOLDER, Mode::empty()).ok()?;
    let is_as_made = fstat(&fd).is_ok_and(|stat| stat.st_mode == (FileType::Directory.as_raw_mode() | 0o700));
    (is_as_made && is_empty(&fd).unwrap_or(false)).then_some(fd)
}

fn changed_at(folder: &OwnedFd) -> io::Result<(i64, u64)> {
    let stat = fstat(folder)?;
    Ok((stat.st_ctime, stat.st_ctime_nsec))
}

fn is_empty(folder: &OwnedFd) -> io::Result<bool> {
    seek(folder, SeekFrom::Start(0))?;
    let mut buffer = [std::mem::MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes a folder that no other run of the tenant has, made if needed. The search begins at `first`, which
/// the host believes to be free.
fn take_slot(slots: &OwnedFd, first: u32) -> io::Result<(u32, OwnedFd)> {
    for slot in (first..MAX_SLOTS).chain(0..first) {
        let name = slot.to_string();
        let fd = match openat(slots, &name, READ_FOLDER, Mode::empty()) {
            Err(Errno::NOENT) => {
                make(slots, name.as_str())?;
                openat(slots, &name, READ_FOLDER, Mode::empty())?
            }
            Ok(fd) => fd,
            // An earlier run made something else of it.
            Err(_) => continue,
        };
        if flock(&fd, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok((slot, fd));
        }
    }
    Err(io::Error::other("too many runs of one tenant"))
}

fn make(parent: impl AsFd, name: impl rustix::path::Arg) -> io::Result<()> {
    match mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn open(parent: impl AsFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Opens a folder of the center in which everything belongs to `owner`, made if needed.
fn make_for(path: &Path, owner: Option<u32>) -> io::Result<OwnedFd> {
    let fd = match open(CWD, path) {
        Ok(fd) => fd,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(CWD, path)?;
            open(CWD, path)?
        }
        Err(error) => return Err(error),
    };
    if let Some(id) = owner
        && fstat(&fd)?.st_uid != id
    {
        chownat(&fd, "", Some(Uid::from_raw(id)), Some(Gid::from_raw(id)), AtFlags::EMPTY_PATH)?;
    }
    Ok(fd)
}
