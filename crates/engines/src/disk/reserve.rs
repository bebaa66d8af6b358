//! Room that is kept back for the center.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

/// Written where a file system can't set room aside by itself.
static BLOCK: [u8; 64 << 10] = [0; 64 << 10];

/// A file that takes room and holds nothing. Given up, its room is the center's to write in.
#[derive(Debug)]
pub struct Reserve {
    file: File,
    bytes: u64,
}

impl Reserve {
    /// Opens the file, made if needed, which is to take so many bytes. It takes none yet.
    pub fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        Ok(Self { file, bytes })
    }

    /// Whether the room is taken.
    pub fn is_kept(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() >= self.bytes)
    }

    /// Takes the room. Where there is not enough it takes none.
    pub fn keep(&mut self) -> io::Result<()> {
        let taken = match fallocate(&self.file, FallocateFlags::empty(), 0, self.bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.fill(),
            other => other.map_err(io::Error::from),
        };
        taken.inspect_err(|_| drop(self.file.set_len(0)))
    }

    /// Gives the room up.
    pub fn give_up(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut left = self.bytes;
        while left > 0 {
            let part = left.min(BLOCK.len() as u64);
            self.file.write_all(&BLOCK[..usize::try_from(part).expect("it is at most a block")])?;
            left -= part;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn room_is_taken_and_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let taken = || std::fs::metadata(&path).unwrap().blocks() * 512;
        let mut reserve = Reserve::open(&path, 300_000).unwrap();
        assert_eq!((reserve.is_kept().unwrap(), taken()), (false, 0));
        reserve.keep().unwrap();
        assert!(reserve.is_kept().unwrap() && taken() >= 300_000);
        reserve.give_up().unwrap();
        assert_eq!((reserve.is_kept().unwrap(), taken()), (false, 0));
        reserve.fill().unwrap();
        assert!(reserve.is_kept().unwrap() && taken() >= 300_000);
        // What there is no room for is not begun.
        let mut greedy = Reserve::open(&path, 1 << 60).unwrap();
        greedy.keep().unwrap_err();
        assert_eq!(taken(), 0);
    }
}
