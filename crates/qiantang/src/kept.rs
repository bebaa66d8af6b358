//! The sign-ins that this machine keeps: a file of the person's own with a profile for each center.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use domain::{Both, both};

use crate::errors::{Failure, said};

pub const DEFAULT_URL: &str = "http://127.0.0.1:8470";
/// The profile of those who have only one.
const DEFAULT_NAME: &str = "default";

/// All profiles, as `client.json` keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The profile that commands use where none is named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub current: String,
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
}

/// A center, and the sign-in there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub url: String,
    /// Empty once signed out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// The token's id, by which it is ended; unknown of sign-ins by older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub login: String,
    /// The file with the certificates by which the center is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// The file of versions before profiles, which kept one center.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    url: String,
    token: String,
}

impl Kept {
    /// Reads `path`; nothing is kept where there is no such file. A file that can't be read is refused: taken for nothing,
    /// another center would be asked, or nobody would be signed in.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let damaged = |why: Both| {
            let path = path.display();
            let message = both(
                format!("无法读取保存令牌的文件 {path}：{}", why.zh),
                format!("failed to read {path}, where the token is kept: {}", why.en),
            );
            let hint = both(
                "请删除此文件，再重新登录：qiantang login",
                "remove this file, then sign in again: qiantang login",
            );
            Failure::system("damaged_token", message, hint)
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(damaged(said(&error))),
        };
        let unread = |error: serde_json::Error| damaged(both("内容已损坏", error.to_string()));
        let found: serde_json::Value = serde_json::from_slice(&bytes).map_err(unread)?;
        if found.get("url").is_none() {
            return serde_json::from_value(found).map_err(unread);
        }
        let One { url, token } = serde_json::from_value(found).map_err(unread)?;
        let profile = Profile { url, token, ..Profile::default() };
        Ok(Self { current: DEFAULT_NAME.into(), profiles: [(DEFAULT_NAME.into(), profile)].into() })
    }

    /// Writes all of it to `path`, for the owner's eyes only. The file is whole at every instant.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| Failure {
            code: "not_kept".to_owned(),
            ..Failure::not_in_folder(path, &error)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|error| cannot(error.into()))?;
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(cannot)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&part, path));
        written.map_err(|error| {
            let _ = std::fs::remove_file(&part);
            cannot(error)
        })
    }

    /// The profile to use: the one that is named, else the one of the address that is given, else the current one. Its
    /// name is `None` where nothing is kept yet that fits.
    pub fn pick(&self, named: Option<&str>, url: Option<&str>) -> Result<(Option<String>, Profile), Failure> {
        let url = url.map(|url| url.trim_end_matches('/'));
        let found = match (named, url) {
            (Some(name), _) => Some(self.find(name)?),
            (None, Some(url)) => {
                let mut all = self.profiles.iter();
                self.current()
                    .filter(|(_, profile)| profile.url == url)
                    .or_else(|| all.find(|(_, profile)| profile.url == url))
            }
            (None, None) => self.current(),
        };
        let (name, mut profile) = match found {
            Some((name, profile)) => (Some(name.clone()), profile.clone()),
            None => (None, Profile { url: DEFAULT_URL.into(), ..Profile::default() }),
        };
        // A kept token is for the center that gave it and no other.
        if let Some(url) = url.filter(|url| *url != profile.url) {
            profile = Profile { url: url.into(), ..Profile::default() };
        }
        Ok((name, profile))
    }

    /// The profile of that name.
    pub fn find(&self, name: &str) -> Result<(&String, &Profile), Failure> {
        self.profiles.get_key_value(name).ok_or_else(|| {
            let known: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            let hint = match &*known {
                [] => both(
                    "还没有保存任何登录：请用 `qiantang login` 登录",
                    "none is kept yet: `qiantang login` makes one",
                ),
                known => both(
                    format!("已保存的有 {}", known.join("、")),
                    format!("those kept are {}", known.join(", ")),
                ),
            };
            let message = both(format!("没有名为 `{name}` 的登录"), format!("there is no profile `{name}`"));
            Failure::usage("no_profile", message, hint)
        })
    }

    fn current(&self) -> Option<(&String, &Profile)> {
        self.profiles.get_key_value(&self.current)
    }

    /// Keeps a sign-in and makes it the current one; gives its name. A center that has a profile keeps it. The first has the
    /// default name, further ones that of their host.
    pub fn put(&mut self, named: Option<&str>, profile: Profile) -> String {
        let of_center = self.pick(None, Some(&profile.url)).ok().and_then(|(name, _)| name);
        let name = named.map(str::to_owned).or(of_center).unwrap_or_else(|| {
            if self.profiles.is_empty() { DEFAULT_NAME.into() } else { host(&profile.url).to_owned() }
        });
        self.profiles.insert(name.clone(), profile);
        self.current.clone_from(&name);
        name
    }
}

/// The host and port of an address.
fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url)
}

/// The file in which sign-ins are kept.
pub fn place() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("QIANTANG_CONFIG") {
        return Ok(path.into());
    }
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    base.map(|base| base.join("qiantang/client.json")).ok_or_else(|| {
        let message = both("没有保存令牌的地方", "there is no place to keep the token");
        let hint =
            both("请设置 HOME，或把 QIANTANG_CONFIG 设为一个文件", "set HOME, or QIANTANG_CONFIG to a file");
        Failure::system("no_home", message, hint)
    })
}

/// The token of `QIANTANG_TOKEN`, where it is set. A token with blanks or line breaks in it is refused: no header can carry it.
pub fn given_token() -> Result<Option<String>, Failure> {
    let Some(token) = std::env::var_os("QIANTANG_TOKEN").filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let token = token.into_string().ok().filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
    token.map(Some).ok_or_else(|| {
        let message = both(
            "QIANTANG_TOKEN 不是令牌：其中有空格、换行或令牌不会有的其他字符",
            "QIANTANG_TOKEN is not a token: it has blanks, line breaks or other characters that no token has",
        );
        let hint = both(
            "请只写令牌本身，例如 export QIANTANG_TOKEN=$(cat FILE)",
            "set it to the token alone, such as export QIANTANG_TOKEN=$(cat FILE)",
        );
        Failure::usage("bad_token", message, hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(url: &str, token: &str) -> Profile {
        Profile { url: url.into(), token: token.into(), ..Profile::default() }
    }

    #[test]
    fn the_right_center_is_asked_with_its_own_token_and_no_other() {
        let mut kept = Kept::default();
        assert_eq!(kept.pick(None, None).unwrap(), (None, profile(DEFAULT_URL, "")));
        assert_eq!(kept.put(None, profile("http://a:1", "x")), "default");
        assert_eq!(kept.put(None, profile("http://b:2", "y")), "b:2");
        assert_eq!(kept.put(Some("lab"), profile("http://c:3", "z")), "lab");
        assert_eq!(kept.put(None, profile("http://b:2", "new")), "b:2", "the same center");
        let token = |named: Option<&str>, url: Option<&str>| kept.pick(named, url).unwrap().1.token;
        assert_eq!(token(None, None), "new", "the last sign-in");
        assert_eq!(token(None, Some("http://a:1/")), "x");
        assert_eq!(token(Some("lab"), None), "z");
        assert_eq!(token(Some("lab"), Some("http://a:1")), "", "no token goes to another center");
        assert_eq!(token(None, Some("http://d:4")), "");
        let failure = kept.pick(Some("lap"), None).unwrap_err();
        assert!(failure.hint.en.contains("b:2, default, lab"), "{}", failure.hint);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_also_one_of_before_profiles() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/client.json");
        assert_eq!(Kept::read(&path).unwrap(), Kept::default());
        let mut kept = Kept::default();
        kept.put(None, profile("http://a", "x"));
        kept.write(&path).unwrap();
        kept.write(&path).unwrap();
        assert_eq!(Kept::read(&path).unwrap(), kept);
        std::fs::write(&path, "{\"url\": \"http://a\", \"token\": \"x\"}").unwrap();
        assert_eq!(Kept::read(&path).unwrap(), kept);
        for (text, says) in [
            ("{\"url\": \"http://a", "EOF"),
            ("{\"profile\": {}}", "unknown field `profile`"),
            ("{\"url\": 1}", "expected a string"),
        ] {
            std::fs::write(&path, text).unwrap();
            let message = Kept::read(&path).unwrap_err().message.en;
            assert!(message.contains(path.to_str().unwrap()) && message.contains(says), "{message}");
        }
    }
}
