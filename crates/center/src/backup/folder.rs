//! The folder for backups: which files of it are backups, and where a new one may be written.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

use domain::Timestamp;

use super::rule;

/// The first bytes of a database.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// A backup in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub bytes: u64,
    pub made_at: Timestamp,
    /// The center made it by itself.
    pub is_scheduled: bool,
}

/// The backups in the folder, the newest first; none where there is no such folder. Files that are no databases are left out,
/// and so is what is not verified yet.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_file() && !rule::is_left_over(&name) && is_database(&entry.path()) {
            let meta = entry.metadata()?;
            let scheduled = rule::made_at(&name);
            let changed =
                meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            let changed = Timestamp::from_micros(i64::try_from(changed.as_micros()).unwrap_or(i64::MAX));
            all.push(Found {
                name,
                bytes: meta.len(),
                made_at: scheduled.unwrap_or(changed),
                is_scheduled: scheduled.is_some(),
            });
        }
    }
    all.sort_by(|a, b| b.made_at.cmp(&a.made_at).then_with(|| a.name.cmp(&b.name)));
    Ok(all)
}

fn is_database(path: &Path) -> bool {
    let mut first = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first == MAGIC
}

/// Removes what is left of backups that were cut off.
pub fn tidy(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(rule::is_left_over) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the folder, for the center's eyes only, where it is not there.
pub fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Has the names in the folder on disk.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The file that the path names in the folder: a name in it, or the whole path of one.
pub fn beneath(folder: &Path, path: &Path) -> Option<PathBuf> {
    let inside = if path.is_absolute() { path.strip_prefix(folder).ok()? } else { path };
    let is_plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && inside.file_name().is_some()).then(|| folder.join(inside))
}

/// Whether no link on the way leads out of the folder.
pub fn is_truly_beneath(folder: &Path, file: &Path) -> io::Result<bool> {
    let parent = file.parent().unwrap_or(folder).canonicalize()?;
    Ok(parent.starts_with(folder.canonicalize()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_a_file_in_the_folder_for_backups() {
        let folder = Path::new("/var/backups/center");
        let file = |path: &str| beneath(folder, Path::new(path));
        for (path, inside) in
            [("a.db", "a.db"), ("2026/a.db", "2026/a.db"), ("/var/backups/center/a.db", "a.db")]
        {
            assert_eq!(file(path), Some(folder.join(inside)), "{path}");
        }
        for path in [
            "",
            "/",
            "..",
            "../a.db",
            "a/../../b",
            "/etc/a.db",
            "/var/backups/center",
            "/var/backups/center2/a.db",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn links_that_lead_out_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/tmp", folder.path().join("out")).expect("a link");
        let is_in =
            |file: &str| is_truly_beneath(folder.path(), &folder.path().join(file)).expect("it is there");
        assert_eq!((is_in("a.db"), is_in("out/a.db")), (true, false));
    }

    #[test]
    fn databases_are_listed_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(list(&folder.path().join("none")).expect("nothing is there"), []);
        let write =
            |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).expect("it is written");
        write("center-20261128T183000Z.db", b"SQLite format 3\0...");
        write("mine", b"SQLite format 3\0");
        write("notes.db", b"notes");
        write("unverified-center-20261129T183000Z.db", b"SQLite format 3\0");
        fs::create_dir(folder.path().join("more.db")).expect("a folder");
        let names = || -> Vec<String> {
            list(folder.path()).expect("a list").into_iter().map(|one| one.name).collect()
        };
        let mut found = names();
        found.sort();
        assert_eq!(found, ["center-20261128T183000Z.db", "mine"]);
        tidy(folder.path()).expect("it is removed");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4);
        assert_eq!(names().len(), 2);
    }
}
