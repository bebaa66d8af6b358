//! What happens reaches people: mail through a real mail server, webhooks to a receiver with the official verifier.

mod mail;
mod webhooks;

use serde_json::{Value, json};
use testkit::{Relay, Site};

use crate::QIANTANG;

/// The settings of a center whose mail goes to a port of this machine.
fn mailing(port: u16) -> String {
    format!(
        "[limits]\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\n\
         [notices]\nurl = \"https://center.example\"\naddresses = [\"127.0.0.0/8\"]\n\
         [mail]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\n\
         from = \"钱塘中心 <no-reply@center.example>\"\n"
    )
}

/// A center with a mail server beside it.
struct Mailing {
    site: Site,
    relay: Relay,
}

impl Mailing {
    /// None where `./test` did not install the mail server.
    fn start() -> Option<Self> {
        let relay = Relay::start()?;
        let site = Site::new(QIANTANG, 1, &mailing(relay.port));
        Some(Self { site, relay })
    }

    fn mails(&self) -> Vec<Value> {
        self.relay.mails()
    }

    /// The first mail to an address whose subject has these words.
    fn mail(&self, to: &str, about: &str) -> Value {
        self.site.wait_for(&format!("a mail to {to} about {about}"), || self.relay.find(to, about))
    }
}

/// Gives the caller an address.
fn with_address(site: &Site, token: &str, email: &str) {
    let (status, answer) = site.ask("PATCH", "/api/v1/me", token, Some(&json!({ "email": email })));
    assert_eq!(status, 200, "{answer}");
}

/// The first address in a text that begins so, without the center's part.
fn link(text: &str, begin: &str) -> String {
    let whole = format!("https://center.example{begin}");
    let from = text.find(&whole).unwrap_or_else(|| panic!("{begin} in {text}"));
    let path = &text[from + "https://center.example".len()..];
    path[..path.find(char::is_whitespace).unwrap_or(path.len())].to_owned()
}
