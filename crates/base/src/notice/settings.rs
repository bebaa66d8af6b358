//! Settings of notices and of mail.

use std::{net::IpAddr, path::PathBuf};

use ipnet::IpNet;
use lettre::message::Mailbox;
use serde::Deserialize;

domain::codes! {
    /// How the connection to the relay is kept from others.
    #[derive(Default)]
    pub enum Security {
        /// It begins in the clear and must change to TLS before anything is said.
        #[default]
        Starttls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// In the clear, to a relay that is near. Nobody signs in there.
        Plain = "plain",
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoticeSettings {
    /// The center's address as people type it, for links: `https://center.example`.
    pub url: String,
    /// Addresses that are not public and that endpoints may have all the same.
    pub addresses: Vec<IpNet>,
    /// For how many days a notice is kept after it was read, and a delivery or a mail after it ended.
    pub kept_days: u16,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { url: String::new(), addresses: Vec::new(), kept_days: 90 }
    }
}

impl NoticeSettings {
    /// An address of the center itself.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// Whether the settings list an address.
    pub fn lists(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|net| net.contains(&ip))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// The relay that takes the center's mail. Without it the center sends none.
    pub host: String,
    /// 587, 465 or 25, by `security`, where it is left out.
    pub port: Option<u16>,
    pub security: Security,
    /// Who it is from: `钱塘中心 <no-reply@center.example>`.
    pub from: String,
    pub user: String,
    /// The file with the password of `user`.
    pub password_file: Option<PathBuf>,
    /// A file of certificates that the relay's is made out by, where it is nobody's that the world knows.
    pub ca_file: Option<PathBuf>,
}

impl MailSettings {
    /// Whether the center sends mail.
    pub fn is_on(&self) -> bool {
        !self.host.is_empty()
    }

    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::Plain => 25,
        })
    }

    /// The first thing that is wrong with these settings.
    pub fn problem(&self, notices: &NoticeSettings) -> Option<String> {
        let is_address = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        if !notices.url.is_empty() && !is_address(&notices.url) {
            return Some(format!(
                "`notices.url` is `{}`: it must begin with http:// or https://",
                notices.url
            ));
        }
        if !self.is_on() {
            return None;
        }
        if notices.url.is_empty() {
            return Some(
                "`mail.host` is set and `notices.url` is not: mail has links to the center".to_owned(),
            );
        }
        if self.from.parse::<Mailbox>().is_err() {
            return Some(format!("`mail.from` is `{}`, which is not an address", self.from));
        }
        if self.user.is_empty() != self.password_file.is_none() {
            return Some("`mail.user` and `mail.password_file` go together: name both or neither".to_owned());
        }
        let is_open = self.security == Security::Plain && !self.user.is_empty();
        is_open.then(|| "`mail.security` is `plain`, which would send the password in the clear".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_set_is_refused() {
        let notices = NoticeSettings { url: "https://center.example/".into(), ..NoticeSettings::default() };
        assert_eq!(notices.link("/jobs"), "https://center.example/jobs");
        let good = MailSettings {
            host: "mail.example".into(),
            from: "钱塘 <no-reply@center.example>".into(),
            ..MailSettings::default()
        };
        assert_eq!(good.problem(&notices), None);
        assert_eq!(MailSettings::default().problem(&NoticeSettings::default()), None, "no mail is fine");
        let wrong = |change: &dyn Fn(&mut MailSettings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.problem(&notices).expect("it is wrong")
        };
        assert!(good.problem(&NoticeSettings::default()).is_some_and(|text| text.contains("notices.url")));
        let odd = NoticeSettings { url: "center.example".into(), ..NoticeSettings::default() };
        assert!(good.problem(&odd).is_some_and(|text| text.contains("http://")));
        assert!(wrong(&|settings| settings.from = "nobody".into()).contains("mail.from"));
        assert!(wrong(&|settings| settings.user = "center".into()).contains("go together"));
        let open = |settings: &mut MailSettings| {
            settings.security = Security::Plain;
            settings.user = "center".into();
            settings.password_file = Some("/etc/password".into());
        };
        assert!(wrong(&open).contains("in the clear"));
    }
}
