//! Users of the operating system.

use std::io;

/// The exit code of `id` for a user that it does not know.
const NO_SUCH_USER: i32 = 1;

/// The user who owns a run's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnixUser {
    pub uid: u32,
    pub gid: u32,
    pub name: String,
}

impl UnixUser {
    /// The user of this process, without a name.
    pub(crate) fn own() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Self { uid, gid, name: String::new() }
    }

    /// Looks a user up by name; `None` means the user of this process. The command `id` also knows users that
    /// are kept elsewhere, such as in LDAP.
    pub(crate) fn find(name: Option<&str>) -> io::Result<Option<Self>> {
        let ask = |option: &str| -> io::Result<Option<String>> {
            let mut command = std::process::Command::new("id");
            command.arg(option);
            command.args(name.map(|name| ["--", name]).into_iter().flatten());
            let out = command.output()?;
            match out.status.code() {
                Some(0) => Ok(Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())),
                Some(NO_SUCH_USER) => Ok(None),
                _ => Err(io::Error::other(format!("`id {option}` ended with {}", out.status))),
            }
        };
        let (Some(uid), Some(gid), Some(name)) = (ask("-u")?, ask("-g")?, ask("-un")?) else {
            return Ok(None);
        };
        Ok(uid.parse().ok().zip(gid.parse().ok()).map(|(uid, gid)| Self { uid, gid, name }))
    }
}
