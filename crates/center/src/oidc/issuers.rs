//! All issuers of the settings, and the sign-ins that are under way.

use std::sync::Arc;

use base::{auth::credentials::Hash, page::kept::Kept};
use domain::{Lang, PersonId};

use super::{
    issuer::{Ask, Issuer},
    rule::is_of_domain,
};
use crate::settings::Settings;

/// A sign-in that was begun may be finished for so many minutes.
pub const FLOW_MINUTES: i64 = 10;
/// The most sign-ins under way; beyond that the oldest are over.
const MOST_FLOWS: usize = 20_000;

/// A sign-in under way.
#[derive(Clone)]
pub struct Flow {
    /// The issuer's short name.
    pub issuer: String,
    pub ask: Ask,
    /// The hash of the browser's cookie.
    pub browser: Hash,
    pub purpose: Purpose,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why somebody is sent to an issuer.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// To go on to that page.
    SignIn { next: String },
    /// To take the invitation with this link.
    Join { token: String },
    /// To bind the account of whoever is signed in to who they are there.
    Link { person: PersonId },
}

/// The issuers, in the order of the settings.
#[derive(Debug)]
pub struct Issuers {
    all: Vec<Arc<Issuer>>,
    pub flows: Kept<Flow>,
    /// The center's address; empty where there is no issuer.
    pub center_url: String,
}

impl Default for Issuers {
    fn default() -> Self {
        Self { all: Vec::new(), flows: Kept::new(FLOW_MINUTES, MOST_FLOWS), center_url: String::new() }
    }
}

/// An issuer as the form for signing in offers it.
#[derive(Clone, Debug)]
pub struct Offered {
    pub name: String,
    pub label: String,
}

impl Issuers {
    /// Those of the settings, none of which is asked yet.
    pub fn of(settings: &Settings) -> Result<Self, String> {
        let center_url = settings.sign_in.url.clone().unwrap_or_default();
        let all = settings.oidc.iter().map(|one| Issuer::new(one, &center_url).map(Arc::new));
        Ok(Self { all: all.collect::<Result<_, _>>()?, center_url, ..Self::default() })
    }

    pub fn all(&self) -> &[Arc<Issuer>] {
        &self.all
    }

    pub fn named(&self, name: &str) -> Option<&Arc<Issuer>> {
        self.all.iter().find(|one| one.settings.name == name)
    }

    /// The issuer with that address.
    pub fn at(&self, address: &str) -> Option<&Arc<Issuer>> {
        self.all.iter().find(|one| one.settings.issuer == address)
    }

    /// The name of an issuer for people; its address where the settings don't have it any more.
    pub fn label(&self, address: &str, lang: Lang) -> String {
        self.at(address).map_or_else(|| address.to_owned(), |one| one.label(lang).to_owned())
    }

    /// The issuer of those with addresses like this.
    pub fn for_email(&self, email: &str) -> Option<&Arc<Issuer>> {
        let has =
            |one: &&Arc<Issuer>| one.settings.email_domains.iter().any(|domain| is_of_domain(email, domain));
        self.all.iter().find(has)
    }

    pub fn offered(&self, lang: Lang) -> Vec<Offered> {
        let offered = |one: &Arc<Issuer>| Offered {
            name: one.settings.name.clone(),
            label: one.label(lang).to_owned(),
        };
        self.all.iter().map(offered).collect()
    }
}

impl Issuer {
    pub fn label(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.settings.label_zh,
            Lang::En => &self.settings.label_en,
        }
    }
}
