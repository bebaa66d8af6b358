//! The center, and the real programs beside it: a mail server, a receiver of webhooks, and the sign-in of the tenant-to-be.

use std::path::Path;

use serde_json::{Value, json};
use testkit::{Person, Receiver, Relay, Site, credit_code};

use crate::{QIANTANG, provider::Provider};

/// The tenant-to-be, and where its people have mail.
pub const SLUG: &str = "qianwan-ai";
/// Who comes by the tenant's own sign-in, with their groups there.
pub const LIN: &str = "lin";
pub const MEI: &str = "mei";

pub struct Center {
    pub site: Site,
    pub relay: Relay,
    pub receiver: Receiver,
    pub provider: Provider,
}

impl Center {
    /// `None` where one of the programs is not installed; with `CI=true` the test fails then.
    pub fn new() -> Option<Self> {
        let (relay, receiver) = (Relay::start()?, Receiver::start()?);
        // Sessions outlast the month that the test passes over.
        let settings = format!(
            "[limits]\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\nsession_hours = 2000\n\
             [signing]\nrequired = true\n\
             [books]\nseparate_duties = true\ninvoice_rates_bp = [600]\n\
             [books.payee]\nname = \"钱塘智算有限公司\"\ntax_number = \"{}\"\nbank = \"ICBC\"\naccount = \"6222\"\n\
             [[pools]]\nname = \"ascend-910\"\ncard_model = \"ascend-910\"\n\
             nodes = [{{ name = \"npu-\", count = 2, cards = 8, cards_per_ring = 4, virtual = true }}]\n",
            credit_code("qiantang"),
        );
        let mut site = Site::with_settings(QIANTANG, &settings);
        site.keep_address();
        let groups = json!({ LIN: ["/qianwan/computing"], MEI: ["money"] });
        let provider = Provider::start("qianwan", &site.url, "RS256", true, &groups)?;
        let secret = site.folder.path().join("secret");
        std::fs::write(&secret, "a secret of the client\n").expect("it is written");
        site.stop();
        let text = std::fs::read_to_string(site.settings()).expect("the settings are there");
        let more = beside(&site.url, relay.port, &provider.url, &secret);
        std::fs::write(site.settings(), format!("{text}\n{more}")).expect("they are written");
        site.start();
        Some(Self { site, relay, receiver, provider })
    }

    /// Somebody who has not been here yet; with `WAY_PICTURES` in the environment pictures are kept of all that they see.
    pub fn person(&self, name: &'static str, lang: &'static str) -> Option<Person> {
        let mut person = Person::new(&self.site, name, lang)?;
        if std::env::var_os("WAY_PICTURES").is_some() {
            person = person.with_pictures(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots/way"));
        }
        // The pages of the provider are not what is tested here.
        person.browser.allow(&self.provider.url);
        person.browser.allow("fonts.googleapis.com");
        Some(person)
    }

    /// The text of a mail to an address whose subject has these words, in whichever language.
    pub fn mail(&self, to: &str, about: &str) -> String {
        let mail =
            self.site.wait_for(&format!("a mail to {to} about {about}"), || self.relay.find(to, about));
        mail["text"].as_str().expect("text").to_owned()
    }

    /// The address in a mail that begins so after the center's.
    pub fn link(&self, mail: &str, begin: &str) -> String {
        let whole = format!("{}{begin}", self.site.url);
        let from = mail.find(&whole).unwrap_or_else(|| panic!("{begin} is not in {mail}"));
        mail[from..].split(char::is_whitespace).next().expect("an address").to_owned()
    }

    /// What the receiver was posted of a type.
    pub fn posted(&self, kind: &str) -> Option<Value> {
        self.receiver.kept().into_iter().find(|kept| kept["body"]["type"] == kind)
    }
}

/// The settings that need the addresses of what is beside the center.
fn beside(url: &str, mail_port: u16, issuer: &str, secret: &Path) -> String {
    format!(
        "[sign_in]\nurl = \"{url}\"\nsecond_factor = \"center\"\n\
         [notices]\nurl = \"{url}\"\naddresses = [\"127.0.0.0/8\"]\n\
         [mail]\nhost = \"127.0.0.1\"\nport = {mail_port}\nsecurity = \"plain\"\n\
         from = \"钱塘中心 <no-reply@center.example>\"\n\
         [[oidc]]\nname = \"qianwan\"\nissuer = \"{issuer}\"\nclient_id = \"qiantang\"\n\
         client_secret_file = \"{}\"\nlabel_zh = \"钱湾智能\"\nlabel_en = \"Qianwan AI\"\n\
         email_domains = [\"qianwan.example\"]\ntenant = \"{SLUG}\"\n\
         [[oidc.map]]\nclaim = \"groups\"\nvalue = \"qianwan/computing\"\nrole = \"developer\"\n\
         [[oidc.map]]\nclaim = \"groups\"\nvalue = \"money\"\nrole = \"finance\"\n",
        secret.display()
    )
}
