//! The file of the keys that secrets are sealed under: a key a line, the one in use first.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base::{error::AppError, moment, refusal::Refused};
use parking_lot::Mutex;
use store::secrets::{SecretKey, SecretRow};

use crate::settings::Settings;

/// The keys, read when the first is needed.
#[derive(Debug, Default)]
pub struct Keyring(Mutex<Option<Vec<SecretKey>>>);

/// The file of the keys.
pub fn path_of(settings: &Settings) -> PathBuf {
    settings.secrets.key_file.clone().unwrap_or_else(|| settings.data_dir.join("secrets.key"))
}

fn failed(path: &Path, cause: io::Error) -> AppError {
    AppError::internal_at(format!("the file of the secrets' key, {}", path.display()), cause)
}

impl Keyring {
    /// The key in use. Where there is no file of keys yet and no secret either (`is_new`), it is made.
    pub fn in_use(&self, settings: &Settings, is_new: bool) -> Result<SecretKey, AppError> {
        let mut known = self.0.lock();
        let keys = loaded(&mut known, settings)?;
        if let Some(first) = keys.first() {
            return Ok(first.clone());
        }
        if !is_new {
            return Err(is_missing(settings));
        }
        let key = SecretKey::of(moment::random());
        write(&path_of(settings), std::slice::from_ref(&key))?;
        keys.push(key.clone());
        Ok(key)
    }

    /// The value of a secret.
    pub fn open(&self, settings: &Settings, secret: &SecretRow) -> Result<String, AppError> {
        self.open_at(settings, &secret.key, (&secret.owner, &secret.name), &secret.sealed)
    }

    /// [`Self::open`] for what is kept elsewhere than among the secrets: sealed under the key of that name, for that owner
    /// and name.
    pub fn open_at(
        &self,
        settings: &Settings,
        key: &str,
        (owner, name): (&[u8; 16], &str),
        sealed: &str,
    ) -> Result<String, AppError> {
        let mut known = self.0.lock();
        let keys = loaded(&mut known, settings)?;
        let key = keys.iter().find(|known| known.name() == key).ok_or_else(|| is_missing(settings))?;
        key.open_at(owner, name, sealed)
            .ok_or_else(|| AppError::internal(format!("the secret `{name}` can't be opened: it was changed")))
    }

    /// Puts a new key before those there are. The others stay until [`Self::keep_only`].
    pub fn add(&self, settings: &Settings) -> Result<SecretKey, AppError> {
        let mut known = self.0.lock();
        let keys = loaded(&mut known, settings)?;
        let key = SecretKey::of(moment::random());
        let all: Vec<SecretKey> = [key.clone()].into_iter().chain(keys.iter().cloned()).collect();
        write(&path_of(settings), &all)?;
        *keys = all;
        Ok(key)
    }

    /// Nothing is sealed under another key any more.
    pub fn keep_only(&self, settings: &Settings, key: &SecretKey) -> Result<(), AppError> {
        let mut known = self.0.lock();
        write(&path_of(settings), std::slice::from_ref(key))?;
        *known = Some(vec![key.clone()]);
        Ok(())
    }
}

fn is_missing(settings: &Settings) -> AppError {
    Refused::NoSecretKey { path: path_of(settings).display().to_string() }.into()
}

fn loaded<'a>(
    known: &'a mut Option<Vec<SecretKey>>,
    settings: &Settings,
) -> Result<&'a mut Vec<SecretKey>, AppError> {
    match known {
        Some(keys) if !keys.is_empty() => {}
        // A file that was not there may have been put back.
        _ => *known = Some(read(&path_of(settings))?),
    }
    Ok(known.get_or_insert_default())
}

fn read(path: &Path) -> Result<Vec<SecretKey>, AppError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| failed(path, error))?,
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            SecretKey::parse(line).ok_or_else(|| {
                let what = format!("{}: a line is no key of 64 hexadecimal digits", path.display());
                AppError::internal(what)
            })
        })
        .collect()
}

/// Writes the file anew, for its owner alone, whole or not at all.
fn write(path: &Path, keys: &[SecretKey]) -> Result<(), AppError> {
    let new = path.with_extension("new");
    let text: String = keys.iter().map(|key| key.to_line() + "\n").collect();
    let written = || -> io::Result<()> {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The name is to be on the disk before anything is sealed under the key.
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().map_err(|error| failed(path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_another_takes_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { data_dir: folder.path().into(), ..Settings::default() };
        let ring = Keyring::default();
        assert!(matches!(
            ring.in_use(&settings, false),
            Err(AppError::Refused(refused)) if matches!(*refused, Refused::NoSecretKey { .. })
        ));
        let first = ring.in_use(&settings, true).expect("it is made");
        let mode = fs::metadata(path_of(&settings)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(ring.in_use(&settings, false).expect("it is there"), first);
        let second = ring.add(&settings).expect("it is added");
        assert_ne!(first, second);
        // A center that starts between the two steps has both.
        let other = Keyring::default();
        assert_eq!(other.in_use(&settings, false).expect("it is there"), second);
        assert_eq!(read(&path_of(&settings)).expect("it is read"), [second.clone(), first]);
        ring.keep_only(&settings, &second).expect("it is written");
        assert_eq!(read(&path_of(&settings)).expect("it is read"), [second]);
        fs::write(path_of(&settings), "not a key\n").expect("it is written");
        assert!(Keyring::default().in_use(&settings, true).is_err(), "and not made anew");
    }
}
