//! The center's keys for what is kept sealed beside secrets: the keyring of the secrets.

use base::{
    error::AppError,
    moment,
    notice::{
        endpoint::rows::{self as endpoints, CONFIDENTIAL},
        mail::outbox::{self, LINK},
        vault::{Sealed, Vault},
    },
};
use domain::ApplicationId;
use store::{
    StoreError, Tx,
    db::params,
    second_factors::{self, SecondFactorRow},
    secrets::{self, SecretKey},
    statements,
};

use crate::{center::Center, second_factor::rule as second_factor};

statements! { "application_links";
    LINKS = "SELECT application, sealed, sealing_key FROM application_links";
    PUT = "INSERT INTO application_links (application, sealed, sealing_key) VALUES (?1, ?2, ?3) \
        ON CONFLICT (application) DO UPDATE SET sealed = excluded.sealed, sealing_key = excluded.sealing_key";
    FIND = "SELECT application, sealed, sealing_key FROM application_links WHERE application = ?1";
}

/// The use that the ends of applicants' links are sealed for.
const APPLICATION: &str = "application";

/// Nothing is sealed yet, so that a key may be made.
pub(crate) fn is_new(tx: &Tx) -> Result<bool, StoreError> {
    Ok(secrets::list(tx)?.is_empty()
        && endpoints::list(tx, true, None)?.is_empty()
        && outbox::sealed(tx)?.is_empty()
        && links(tx)?.is_empty()
        && second_factors::list(tx)?.is_empty())
}

impl Vault for Center {
    fn seal(&self, tx: &Tx, owner: &[u8; 16], usage: &str, value: &str) -> Result<Sealed, AppError> {
        let key = self.compute.keyring.in_use(&self.settings, is_new(tx)?)?;
        Ok(seal(&key, owner, usage, value))
    }

    fn open(&self, owner: &[u8; 16], usage: &str, sealed: &Sealed) -> Result<String, AppError> {
        self.compute.keyring.open_at(&self.settings, &sealed.key, (owner, usage), &sealed.text)
    }
}

fn seal(key: &SecretKey, owner: &[u8; 16], usage: &str, value: &str) -> Sealed {
    Sealed { text: key.seal(owner, usage, value, moment::random()), key: key.name() }
}

fn links(tx: &Tx) -> Result<Vec<(ApplicationId, Sealed)>, StoreError> {
    tx.all(LINKS, params![], read)
}

fn read(row: store::db::Row<'_>) -> Result<(ApplicationId, Sealed), StoreError> {
    Ok((row.get(0)?, Sealed { text: row.get(1)?, key: row.get(2)? }))
}

fn put_link(tx: &Tx, application: ApplicationId, sealed: &Sealed) -> Result<(), StoreError> {
    tx.execute(PUT, params![&application, &sealed.text, &sealed.key])
}

/// Keeps the secret of an applicant's link, for mails that bring it again.
pub(super) fn keep_link(
    center: &Center,
    tx: &Tx,
    application: ApplicationId,
    secret: &str,
) -> Result<(), AppError> {
    let sealed = center.seal(tx, application.as_bytes(), APPLICATION, secret)?;
    Ok(put_link(tx, application, &sealed)?)
}

/// The secret of an applicant's link, where it was kept.
pub(super) fn link_of(
    center: &Center,
    tx: &Tx,
    application: ApplicationId,
) -> Result<Option<String>, AppError> {
    let found = tx.find(FIND, params![&application], read)?;
    found.map(|(id, sealed)| center.open(id.as_bytes(), APPLICATION, &sealed)).transpose()
}

/// All that is sealed beside secrets, opened, to be sealed under another key.
#[derive(Debug)]
pub struct Opened {
    endpoints: Vec<(endpoints::Endpoint, String)>,
    mails: Vec<(outbox::Mail, String)>,
    links: Vec<(ApplicationId, String)>,
    factors: Vec<(SecondFactorRow, String)>,
}

impl Opened {
    pub fn of(center: &Center, tx: &Tx) -> Result<Self, AppError> {
        let mut opened =
            Self { endpoints: Vec::new(), mails: Vec::new(), links: Vec::new(), factors: Vec::new() };
        for endpoint in endpoints::list(tx, true, None)? {
            let value = center.open(endpoint.id.as_bytes(), CONFIDENTIAL, &endpoint.confidential())?;
            opened.endpoints.push((endpoint, value));
        }
        for mail in outbox::sealed(tx)? {
            if let Some(sealed) = mail.secret() {
                let value = center.open(mail.id.as_bytes(), LINK, &sealed)?;
                opened.mails.push((mail, value));
            }
        }
        for (id, sealed) in links(tx)? {
            opened.links.push((id, center.open(id.as_bytes(), APPLICATION, &sealed)?));
        }
        for row in second_factors::list(tx)? {
            let place = (row.person.as_bytes(), second_factor::NAME);
            let value = center.compute.keyring.open_at(&center.settings, &row.key, place, &row.sealed)?;
            opened.factors.push((row, value));
        }
        Ok(opened)
    }

    pub fn seal_again(&self, tx: &Tx, key: &SecretKey) -> Result<(), StoreError> {
        for (endpoint, value) in &self.endpoints {
            endpoints::reseal(tx, endpoint.id, &seal(key, endpoint.id.as_bytes(), CONFIDENTIAL, value))?;
        }
        for (mail, value) in &self.mails {
            outbox::reseal(tx, mail.id, &seal(key, mail.id.as_bytes(), LINK, value))?;
        }
        for (id, value) in &self.links {
            put_link(tx, *id, &seal(key, id.as_bytes(), APPLICATION, value))?;
        }
        for (row, value) in &self.factors {
            let Sealed { text: sealed, key } = seal(key, row.person.as_bytes(), second_factor::NAME, value);
            second_factors::put(tx, &SecondFactorRow { sealed, key, ..row.clone() })?;
        }
        Ok(())
    }
}
