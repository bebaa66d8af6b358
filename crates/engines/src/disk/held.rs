//! How much of a disk folders and processes hold.

use std::{
    collections::HashSet,
    ffi::CString,
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};

/// How many folders, one in the other, are open at once. The others are opened again on the way back.
const OPEN_FOLDERS: usize = 64;
/// The most open files of processes that one look looks at.
const MOST_OPEN_FILES: usize = 100_000;
const BLOCK_BYTES: u64 = 512;

/// What is held of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Room that is taken, not the lengths of files.
    pub bytes: u64,
    /// Files and folders.
    pub files: u64,
    /// There was more than was looked at: the figures are the least.
    pub is_partial: bool,
}

impl std::ops::AddAssign for Held {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.files = self.files.saturating_add(other.files);
        self.is_partial = self.is_partial || other.is_partial;
    }
}

/// A folder on the way down.
struct Frame {
    fd: Option<OwnedFd>,
    id: (u64, u64),
    /// Folders in it that are still to be looked at.
    folders: Vec<CString>,
}

/// What is held beneath `path`, on its file system alone. A file with several names counts once. The look ends after
/// `most_files`. It follows no links, and whoever owns the folders may change them meanwhile.
pub fn held_beneath(path: &Path, most_files: u64) -> io::Result<Held> {
    let mut walk = Walk { held: Held::default(), most_files, linked: HashSet::new() };
    let root = match open_folder(CWD, path) {
        Err(Errno::NOENT) => return Ok(Held::default()),
        other => other?,
    };
    let mut frames = vec![walk.enter(root, None)?];
    while let Some(frame) = frames.last_mut() {
        if walk.held.files > most_files {
            walk.held.is_partial = true;
            break;
        }
        if let (Some(name), Some(fd)) = (frame.folders.pop(), &frame.fd) {
            let device = frame.id.0;
            // What is gone meanwhile, or can't be opened, holds nothing that could be told.
            if let Ok(inner) = open_folder(fd, name.as_c_str()).map_err(io::Error::from)
                && let Ok(entered) = walk.enter(inner, Some(device))
            {
                frames.push(entered);
                if let Some(far) = frames.len().checked_sub(OPEN_FOLDERS + 1) {
                    frames[far].fd = None;
                }
            }
            continue;
        }
        let Some(left) = frames.pop() else { break };
        if let Some(outer) = frames.last_mut()
            && outer.fd.is_none()
        {
            let back = left.fd.and_then(|fd| open_folder(fd, c"..").ok());
            outer.fd = back.filter(|fd| fstat(fd).is_ok_and(|stat| id_of(&stat) == outer.id));
            if outer.fd.is_none() {
                // It was moved away, and what else is in the folders above can't be found from here.
                walk.held.is_partial = true;
                break;
            }
        }
    }
    Ok(walk.held)
}

struct Walk {
    held: Held,
    most_files: u64,
    /// Files with several names that were counted.
    linked: HashSet<(u64, u64)>,
}

impl Walk {
    /// Counts what is in a folder.
    fn enter(&mut self, fd: OwnedFd, device: Option<u64>) -> io::Result<Frame> {
        let own = fstat(&fd)?;
        let mut frame = Frame { fd: None, id: id_of(&own), folders: Vec::new() };
        if device.is_some_and(|device| device != frame.id.0) {
            frame.fd = Some(fd);
            return Ok(frame);
        }
        for entry in Dir::read_from(&fd)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(stat) = statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if !is_folder && stat.st_nlink > 1 && !self.linked.insert(id_of(&stat)) {
                continue;
            }
            self.held.files += 1;
            self.held.bytes += blocks_of(&stat);
            if self.held.files > self.most_files {
                break;
            }
            if is_folder {
                frame.folders.push(name.to_owned());
            }
        }
        frame.fd = Some(fd);
        Ok(frame)
    }
}

fn open_folder(at: impl AsFd, name: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty())
}

fn id_of(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn blocks_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES)
}

/// The room on those devices that files take which processes have open and which have no name any more.
pub(crate) fn unlinked_bytes(pids: &[i32], devices: &[u64]) -> u64 {
    let (mut counted, mut looked_at, mut bytes) = (HashSet::new(), 0, 0_u64);
    for pid in pids {
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > MOST_OPEN_FILES {
                return bytes;
            }
            let Ok(file) = fs::metadata(entry.path()) else { continue };
            if file.is_file()
                && file.nlink() == 0
                && devices.contains(&file.dev())
                && counted.insert((file.dev(), file.ino()))
            {
                bytes = bytes.saturating_add(file.blocks().saturating_mul(BLOCK_BYTES));
            }
        }
    }
    bytes
}

/// How many bytes processes have written since they were started, by the kernel's count.
pub(crate) fn written_bytes(pids: &[i32]) -> u64 {
    let of = |pid: &i32| {
        let told = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
        let figure = |key: &str| -> Option<u64> {
            told.lines().find_map(|line| line.strip_prefix(key))?.trim().parse().ok()
        };
        // What is written by a call is in the first, what a mapping changed in the second alone.
        Some(figure("wchar:")?.max(figure("write_bytes:")?))
    };
    pids.iter().filter_map(of).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &Path) -> Held {
        held_beneath(path, u64::MAX).unwrap()
    }

    #[test]
    fn room_is_counted_and_not_lengths_or_names() {
        let folder = tempfile::tempdir().unwrap();
        let empty = held(folder.path());
        assert_eq!((empty.files, empty.is_partial), (0, false));
        fs::write(folder.path().join("full"), vec![7; 1 << 20]).unwrap();
        let full = held(folder.path());
        assert_eq!(full.files, 1);
        assert!((1 << 20..2 << 20).contains(&full.bytes), "{full:?}");
        // A hole takes no room, a second name neither, and a link leads nowhere.
        fs::File::create(folder.path().join("hole")).unwrap().set_len(1 << 40).unwrap();
        fs::hard_link(folder.path().join("full"), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        let same = held(folder.path());
        assert_eq!(same.files, 3);
        assert!(same.bytes < full.bytes + (64 << 10), "{same:?}");
        assert_eq!(held(&folder.path().join("nowhere")), Held::default());
    }

    #[test]
    fn folders_are_looked_through_however_deep_and_many_they_are() {
        const DEEP: u64 = 3000;
        let folder = tempfile::tempdir().unwrap();
        let mut fd = open_folder(CWD, folder.path()).unwrap();
        for depth in 0..DEEP {
            for name in ["a", "b"] {
                rustix::fs::mkdirat(&fd, name, Mode::RWXU).unwrap();
            }
            // Now the one, now the other is gone into, so that something is left to be done on the way back.
            fd = open_folder(&fd, if depth % 3 == 0 { "a" } else { "b" }).unwrap();
        }
        let all = held(folder.path());
        assert_eq!((all.files, all.is_partial), (2 * DEEP, false));
        let some = held_beneath(folder.path(), 100).unwrap();
        assert!(some.is_partial && some.files > 100 && some.files < 110, "{some:?}");
    }

    #[test]
    fn files_without_a_name_are_found_in_the_processes_that_have_them_open() {
        let folder = tempfile::tempdir().unwrap();
        let own = [std::process::id().cast_signed()];
        let devices = [fs::metadata(folder.path()).unwrap().dev()];
        let before = (unlinked_bytes(&own, &devices), written_bytes(&own));
        let path = folder.path().join("gone");
        let mut file = fs::File::create(&path).unwrap();
        io::Write::write_all(&mut file, &vec![7; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(held(folder.path()).bytes, 0);
        assert!(unlinked_bytes(&own, &devices) >= before.0 + (1 << 20));
        assert!(written_bytes(&own) >= before.1 + (1 << 20));
        assert_eq!(unlinked_bytes(&own, &[]), 0);
    }
}
