//! The folders of a run.
//!
//! - `work/<tenant>/`, the home of the tenant's runs, and `work/<tenant>/<job>/`, where the job's processes start and
//!   what they write stays;
//! - `tmp/<tenant's index>/<12 digits>/`, the run's own: its script, its rank table, TMPDIR; removed at its end. Its path is
//!   short, because sockets are made in it, whose names have at most 107 bytes.
//!
//! Everything below `work/<tenant>` and `tmp/<index>` belongs to the tenant, who may put links anywhere in it. So here
//! it is only touched with the rights of the tenant's uid.

use std::{
    fs,
    io::{self, Write as _},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, chownat, fstat, mkdirat, openat, unlinkat},
    io::Errno,
};

use super::{config::LocalConfig, sys};
use crate::LaunchSpec;

/// The folders of one run, made and open.
#[derive(Debug)]
pub(crate) struct Folders {
    pub home: PathBuf,
    pub home_fd: OwnedFd,
    pub work: PathBuf,
    pub work_fd: OwnedFd,
    pub temporary: PathBuf,
    pub temporary_fd: OwnedFd,
    temporary_parent: OwnedFd,
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
    /// Makes the folders for a run, as far as they aren't there.
    pub(crate) fn make(config: &LocalConfig, spec: &LaunchSpec) -> io::Result<Self> {
        let owner = config.uid(spec.uid_index);
        let home = config.data_dir.join("work").join(spec.tenant.to_string());
        let home_fd = make_for(&home, owner)?;
        let all_temporary = config.data_dir.join("tmp").join(spec.uid_index.to_string());
        let temporary_parent = make_for(&all_temporary, owner)?;

        let job = spec.job.to_string();
        let digits = spec.run.to_string();
        let mut name = digits[digits.len() - 12..].to_owned();
        let (work_fd, temporary_fd) = sys::with_file_owner(owner, || -> io::Result<_> {
            make(&home_fd, job.as_str())?;
            let work_fd = open(&home_fd, job.as_str())?;
            if mkdirat(&temporary_parent, &name, Mode::RWXU) == Err(Errno::EXIST) {
                name = digits;
                mkdirat(&temporary_parent, &name, Mode::RWXU)?;
            }
            Ok((work_fd, open(&temporary_parent, name.as_str())?))
        })?;
        let (work, temporary) = (home.join(job), all_temporary.join(name));
        Ok(Self { home, home_fd, work, work_fd, temporary, temporary_fd, temporary_parent, owner })
    }

    /// Writes a file of the run's own folder that wasn't there before; nobody sees it half written.
    pub(crate) fn write(&self, name: &str, mode: Mode, bytes: &[u8]) -> io::Result<PathBuf> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::with_file_owner(self.owner, || {
            let mut file = fs::File::from(openat(&self.temporary_fd, name, flags, mode)?);
            file.write_all(bytes)
        })?;
        Ok(self.temporary.join(name))
    }

    /// Removes the run's own folder with all that is in it.
    pub(crate) fn remove_temporary(&self) {
        // Most runs leave nothing but the script.
        let _gone = unlinkat(&self.temporary_fd, "script", AtFlags::empty());
        let Some(name) = self.temporary.file_name() else { return };
        if unlinkat(&self.temporary_parent, name, AtFlags::REMOVEDIR).is_err() {
            // Follows no links, so it is safe with the center's own rights, and those get past modes of 000.
            let _left = fs::remove_dir_all(&self.temporary);
        }
    }
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
