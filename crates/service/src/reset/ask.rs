//! What whoever forgot a password may do. Nobody learns from an answer, or from how long it takes, whose addresses are known.

use base::{
    audit::{self, Change},
    auth::{credentials, limits::Source},
    error::AppError,
    moment,
    notice::{mail::outbox::Mail, rows as notices},
    refusal::Refused,
};
use center::{
    app::members,
    center::Center,
    notices::send,
    person::{
        password::{names_of, new_hash},
        rule::read_email,
    },
};
use domain::{Timestamp, tenant::Person};
use serde_json::json;
use store::Tx;

use super::{
    rows,
    rule::{AGE, MOST_OPEN, RESET},
};

/// Sends a link to each person who has that address. The answer is the same, and as fast, where nobody has.
pub fn forgot(center: &Center, from: &str, email: &str) -> Result<(), AppError> {
    send::check_on(center)?;
    center.limits.application(from)?;
    let email = read_email(email)?;
    center.limits.sign_in(&Source::new(from), &email.to_lowercase())?;
    let center = center.clone();
    tokio::spawn(async move {
        if let Err(error) = send_links(&center, email).await {
            let error = base::error::chain(&error);
            tracing::error!(error, "a link for another password was not kept to be sent");
        }
    });
    Ok(())
}

async fn send_links(center: &Center, email: String) -> Result<(), AppError> {
    let handle = center.clone();
    let write = move |tx: &Tx| {
        let now = moment::now();
        rows::delete_over(tx, now)?;
        for person in rows::with_email(tx, &email)? {
            if rows::count(tx, person.id, now)? < MOST_OPEN {
                send_link(&handle, tx, &person, now)?;
            }
        }
        Ok(())
    };
    center.write(write, |_, ()| ()).await
}

fn send_link(center: &Center, tx: &Tx, person: &Person, now: Timestamp) -> Result<(), AppError> {
    let secret = credentials::new_secret("");
    rows::insert(tx, &credentials::hash(&secret), person.id, (now, now.plus(AGE)))?;
    let lang = notices::manners(tx, person.id)?.lang;
    let mail = Mail::new("reset", &person.email, json!({ "login": person.login }), now);
    let mail = Mail { person: Some(person.id), lang, path: "/reset/".to_owned(), ..mail };
    send::insert_secret(center, tx, mail, &secret)
}

/// The login whose password a link sets.
pub async fn look(center: &Center, from: &str, token: &str) -> Result<String, AppError> {
    Ok(found(center, from, token).await?.login)
}

/// The person whose password a link sets.
async fn found(center: &Center, from: &str, token: &str) -> Result<Person, AppError> {
    let (hash, now) = (credentials::hash(token), moment::now());
    if let Some(person) = center.read(move |tx| rows::find(tx, &hash, now)).await? {
        return Ok(person);
    }
    center.limits.application(from)?;
    Err(Refused::ResetOver.into())
}

/// Sets a password by a link, once. All browsers and programs of the person are signed out.
pub async fn set(center: &Center, from: &str, token: &str, password: String) -> Result<(), AppError> {
    let person = found(center, from, token).await?;
    let new = new_hash(center, password, names_of(&person)).await?;
    let (hash, from) = (credentials::hash(token), from.to_owned());
    let write = move |tx: &Tx| {
        let now = moment::now();
        let person = rows::find(tx, &hash, now)?.ok_or_else(|| AppError::from(Refused::ResetOver))?;
        members::set_password(tx, person.id, &new)?;
        rows::delete_of(tx, person.id)?;
        store::credentials::end_all_of_person(tx, person.id, now)?;
        let (subject, detail) = (person.id.to_string(), json!({ "login": person.login }));
        audit::record_stranger(tx, &from, Change { tenant: None, action: RESET, subject, detail })?;
        Ok(person.id)
    };
    center.write(write, |center, person| center.credentials.forget_person(*person)).await?;
    Ok(())
}
