//! The folders of a run.
//!
//! - `work/<tenant>/`, the home of the tenant's runs, and `work/<tenant>/<job>/`, where the job's processes start and
//!   what they write stays;
//! - `tmp/<tenant's index>/<slot>/`, the run's own while it lasts: its script, its rank table, TMPDIR. It is emptied when
//!   the run ends and then serves another run of the tenant: making and removing a folder and a file for each run would
//!   be the slowest part of it, because ext4 looks for inodes that were not in use lately. The path is short, because
//!   sockets are made in it, whose names have at most 107 bytes.
//!
//! Everything below `work/<tenant>` and `tmp/<index>` belongs to the tenant, who may put links anywhere in it. So here
//! it is only touched with the rights of the tenant's uid.

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
        AtFlags, CWD, Dir, FileType, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, Uid, chownat,
        flock, fstat, futimens, mkdirat, openat, unlinkat,
    },
    io::Errno,
};

use super::{config::LocalConfig, sys};

/// The most runs of one tenant at a time.
const MAX_SLOTS: u32 = 4096;
const SCRIPT: &str = "script";
/// The time of change that marks a run's own folder as empty.
const EMPTY_MTIME: i64 = 1;

/// The folders of a tenant's runs, one after the other, made and open.
#[derive(Debug)]
pub(crate) struct Folders {
    pub home: PathBuf,
    pub home_fd: OwnedFd,
    pub temporary: PathBuf,
    /// Locked as long as this lives.
    pub temporary_fd: OwnedFd,
    tenant: TenantId,
    owner: Option<u32>,
}

/// Makes what all runs share. `is_passable`: runs have other uids and must get through to their folders.
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
    /// Makes the folders for runs of a tenant, as far as they aren't there. `first_slot` is believed to be free.
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
            let folders = Self { home, home_fd, temporary, temporary_fd: slot.1, tenant, owner };
            // The last run in it may have been left by its supervisor, or with something that can't be removed.
            match folders.empty() {
                Ok(()) => return Ok(folders),
                Err(_) if slot.0 + 1 < MAX_SLOTS => slot = take(slot.0 + 1)?,
                Err(error) => return Err(error),
            }
            Self { home, home_fd, .. } = folders;
        }
    }

    /// Whether they do for a run of that tenant.
    pub(crate) fn are_for(&self, tenant: TenantId) -> bool {
        let is_there = |fd| fstat(fd).is_ok_and(|stat| stat.st_nlink > 0);
        self.tenant == tenant && is_there(&self.home_fd) && is_there(&self.temporary_fd)
    }

    /// Makes the folder of a job, if it isn't there.
    pub(crate) fn make_work(&self, job: JobId) -> io::Result<(PathBuf, OwnedFd)> {
        let name = job.to_string();
        let fd = sys::with_file_owner(self.owner, || {
            make(&self.home_fd, name.as_str())?;
            open(&self.home_fd, name.as_str())
        })?;
        Ok((self.home.join(name), fd))
    }

    /// Writes the script to run, in place of that of the run before.
    pub(crate) fn write_script(&self, text: &str) -> io::Result<PathBuf> {
        sys::with_file_owner(self.owner, || {
            let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.temporary_fd, SCRIPT, flags, Mode::empty()) {
                Ok(file) if is_plain_script(&file) => file,
                known => {
                    if known.is_ok() || known.is_err_and(|error| error != Errno::NOENT) {
                        unlinkat(&self.temporary_fd, SCRIPT, AtFlags::empty())?;
                    }
                    let flags = flags | OFlags::CREATE | OFlags::EXCL;
                    let file = openat(&self.temporary_fd, SCRIPT, flags, Mode::RWXU)?;
                    self.mark_empty()?;
                    file
                }
            };
            let mut file = fs::File::from(file);
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)
        })?;
        Ok(self.temporary.join(SCRIPT))
    }

    /// Writes another file of the run's own folder.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::with_file_owner(self.owner, || {
            let mut file = fs::File::from(openat(&self.temporary_fd, name, flags, Mode::RUSR | Mode::WUSR)?);
            file.write_all(bytes)
        })?;
        Ok(self.temporary.join(name))
    }

    /// Makes the run's own folder ready for the next one: removes all but the script.
    pub(crate) fn empty(&self) -> io::Result<()> {
        // The folder says itself whether anything was put into it since it was emptied.
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
                // Follows no links, so it is safe with the center's own rights too, and those get past modes of 000.
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

/// Gives the owner all rights to a folder and those in it, so that it can be removed without being root.
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

/// Whether the file is what a run finds there if the one before left it alone.
fn is_plain_script(file: &OwnedFd) -> bool {
    fstat(file)
        .is_ok_and(|stat| stat.st_mode == (FileType::RegularFile.as_raw_mode() | 0o700) && stat.st_nlink == 1)
}

/// Takes a folder that no other run of the tenant has, makes it if needed. Looks from `first` on, which the host
/// believes to be free.
fn take_slot(slots: &OwnedFd, first: u32) -> io::Result<(u32, OwnedFd)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for slot in (first..MAX_SLOTS).chain(0..first) {
        let name = slot.to_string();
        let fd = match openat(slots, &name, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                make(slots, name.as_str())?;
                openat(slots, &name, flags, Mode::empty())?
            }
            Ok(fd) => fd,
            // Whatever an earlier run made of it.
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

/// A folder of the center in which everything belongs to `owner`.
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
