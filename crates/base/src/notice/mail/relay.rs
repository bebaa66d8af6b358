//! The relay that takes the center's mail, by SMTP.

use std::{fs, time::Duration};

use lettre::{
    Message, SmtpTransport, Transport as _,
    message::{
        Mailbox, MultiPart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{letter::Letter, outbox::MailId};
use crate::notice::settings::{MailSettings, Security};

/// How long the relay may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The most characters that are kept of an answer.
const MOST_OF_ANSWER: usize = 300;

/// Why a mail did not go.
#[derive(Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The relay said that it never will.
    Never(String),
    /// Another time it may.
    NotNow(String),
}

/// The relay of the settings.
#[derive(Debug)]
pub struct Relay {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Relay {
    /// The relay as the settings have it, with the password as its file has it now. Nothing is sent yet.
    pub fn of(settings: &MailSettings) -> Result<Self, String> {
        let from: Mailbox = settings.from.parse().map_err(|_| "`mail.from` is not an address".to_owned())?;
        let mut parameters = TlsParameters::builder(settings.host.clone());
        if let Some(path) = &settings.ca_file {
            let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let certificate = Certificate::from_pem(&pem);
            let certificate = certificate.map_err(|error| format!("{}: {error}", path.display()))?;
            parameters = parameters.add_root_certificate(certificate);
        }
        let parameters = parameters.build().map_err(|error| error.to_string())?;
        let tls = match settings.security {
            Security::Starttls => Tls::Required(parameters),
            Security::Tls => Tls::Wrapper(parameters),
            Security::Plain => Tls::None,
        };
        let mut transport = SmtpTransport::builder_dangerous(&settings.host)
            .port(settings.port())
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(path) = &settings.password_file {
            let password = fs::read_to_string(path);
            let password = password.map_err(|error| format!("{}: {error}", path.display()))?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            transport = transport.credentials(Credentials::new(settings.user.clone(), password));
        }
        Ok(Self { transport: transport.build(), from })
    }

    /// Whether the relay answers and lets the center in.
    pub fn check(&self) -> Result<(), String> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err("the relay does not answer as it should".to_owned()),
            Err(error) => Err(shortened(&chain(&error))),
        }
    }

    /// Sends a mail. The id is the same at each try, so that who gets it twice can tell.
    pub fn send(&self, id: MailId, to: &str, letter: Letter) -> Result<(), NotSent> {
        let to: Mailbox =
            to.parse().map_err(|_| NotSent::Never(format!("`{}` is not an address", shortened(to))))?;
        let message = self.message(id, to, letter).map_err(|error| NotSent::Never(error.to_string()))?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(NotSent::Never(shortened(&chain(&error)))),
            Err(error) => Err(NotSent::NotNow(shortened(&chain(&error)))),
        }
    }

    fn message(&self, id: MailId, to: Mailbox, letter: Letter) -> Result<Message, lettre::error::Error> {
        let Letter { subject, text, html, unsubscribe } = letter;
        let domain = self.from.email.domain();
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(AutoSubmitted);
        if let Some(address) = unsubscribe {
            message = message.header(ListUnsubscribe(format!("<{address}>"))).header(OneClick);
        }
        message.multipart(
            MultiPart::alternative()
                .singlepart(lettre::message::SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text))
                .singlepart(lettre::message::SinglePart::builder().header(ContentType::TEXT_HTML).body(html)),
        )
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A header with one fixed or given value.
macro_rules! header {
    ($(#[$doc:meta])* $name:ident, $as:literal, $value:expr) => {
        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($as)
            }

            fn parse(_: &str) -> Result<Self, Failed> {
                Err("it is only written".into())
            }

            fn display(&self) -> HeaderValue {
                let value: fn(&Self) -> String = $value;
                // Written as it is: what is encoded or folded is no address to those who look for one.
                let text = value(self);
                HeaderValue::dangerous_new_pre_encoded(Self::name(), text.clone(), text)
            }
        }
    };
}

/// Where mail of this kind ends (RFC 2369).
#[derive(Clone)]
struct ListUnsubscribe(String);
/// It ends there with one request (RFC 8058).
#[derive(Clone)]
struct OneClick;
/// Nobody answers a machine (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

header!(ListUnsubscribe, "List-Unsubscribe", |header| header.0.clone());
header!(OneClick, "List-Unsubscribe-Post", |_| "List-Unsubscribe=One-Click".to_owned());
header!(AutoSubmitted, "Auto-Submitted", |_| "auto-generated".to_owned());

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_OF_ANSWER).collect()
}
