//! Files that commands write.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use crate::errors::Failure;

/// Writes a file that is there whole or not at all: what breaks off stays beside it under the name `FILE.part`, and what was
/// there before stays.
pub fn save(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| Failure::not_in_folder(path, &error);
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut out = BufWriter::new(File::create(&part).map_err(failed)?);
    let bytes = write(&mut out)?;
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entries.csv");
        let breaks_off = |out: &mut dyn Write| {
            out.write_all(b"half").unwrap();
            Err(Failure::broken_answer(&std::io::Error::other("it broke off")))
        };
        assert!(save(&path, breaks_off).is_err() && !path.exists());
        let whole = |out: &mut dyn Write| {
            out.write_all(b"whole").unwrap();
            Ok(5)
        };
        assert_eq!(save(&path, whole).unwrap(), 5);
        assert!(save(&path, breaks_off).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }
}
