//! Getting back in when nobody who may can sign in: a member's password is set, or a second factor removed, in the database of
//! a center that is stopped, by who has its data folder. The audit log has it.

use base::{
    audit::{self, Change},
    auth::password,
    error::AppError,
    moment,
};
use domain::{
    Lang,
    problem::{SignInFault, Wrong},
    tenant::Person,
};
use serde_json::json;
use store::{Store, StoreError, Tx, chain, credentials, second_factors, tenants};

use crate::{
    actions, app::members, person::password as rule, second_factor::rule::RESET, settings::Settings,
};

/// Why a password could not be set.
#[derive(Debug, thiserror::Error)]
pub enum BreakGlassError {
    #[error("there is no center's database at {path}")]
    NoDatabase { path: String },
    #[error("the password {}", Wrong::from(*.0).problem(Lang::En))]
    Password(SignInFault),
    #[error("`{login}` has no second factor")]
    NoSecondFactor { login: String },
    #[error("there is no login `{login}`; those of the center are {known}")]
    NoLogin { login: String, known: String },
    #[error("`{login}` is a member of nothing")]
    NoMember { login: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error("failed to hash the password: {0}")]
    Hash(String),
}

/// Sets the password of a login, lets its person in, and ends their sessions and tokens.
/// [`StoreError::AlreadyOpen`] while the center runs.
pub fn set_password(settings: &Settings, login: &str, secret: &str) -> Result<(), BreakGlassError> {
    let store = open(settings)?;
    if let Some(fault) = rule::fault(secret, settings.sign_in.password_chars, &[login.to_owned()]) {
        return Err(BreakGlassError::Password(fault));
    }
    let hash = password::hash(secret).map_err(BreakGlassError::Hash)?;
    let login = login.to_owned();
    store.write(move |tx| {
        let person = person_of(tx, &login)?;
        tenants::set_person_enabled(tx, person.id, true)?;
        members::set_password(tx, person.id, &hash)?;
        // As one of the center's own people, where they are one; a tenant's own people are let in by that tenant.
        let places = tenants::memberships_of(tx, person.id)?;
        let of_center = places.iter().find(|member| member.tenant.is_none());
        let Some(member) = of_center.or(places.first()) else {
            return Err(BreakGlassError::NoMember { login });
        };
        tenants::set_member_enabled(tx, member.id, true)?;
        let detail =
            json!({ "login": login, "is_enabled": true, "new_password": true, "on_the_machine": true });
        let (action, subject) = (actions::MANAGE_MEMBER, member.id.to_string());
        Ok(audit::record_own(tx, Change { tenant: member.tenant, action, subject, detail })?)
    })
}

/// Removes the second factor of a login whose device and recovery codes are lost, and ends their sessions and tokens.
/// [`StoreError::AlreadyOpen`] while the center runs.
pub fn remove_second_factor(settings: &Settings, login: &str) -> Result<(), BreakGlassError> {
    let store = open(settings)?;
    let login = login.to_owned();
    store.write(move |tx| {
        let person = person_of(tx, &login)?;
        if !second_factors::delete(tx, person.id)? {
            return Err(BreakGlassError::NoSecondFactor { login });
        }
        credentials::end_all_of_person(tx, person.id, moment::now())?;
        let detail = json!({ "login": login, "on_the_machine": true });
        let (action, subject) = (RESET, person.id.to_string());
        Ok(audit::record_own(tx, Change { tenant: None, action, subject, detail })?)
    })
}

/// The database of a center that is stopped.
fn open(settings: &Settings) -> Result<Store, BreakGlassError> {
    let path = settings.data_dir.join("database/center.db");
    if !path.exists() {
        return Err(BreakGlassError::NoDatabase { path: path.display().to_string() });
    }
    let store = Store::open(&path)?;
    store.before_each_commit(|tx| chain::seal_changes(tx, moment::now()));
    Ok(store)
}

fn person_of(tx: &Tx, login: &str) -> Result<Person, BreakGlassError> {
    if let Some((person, _)) = tenants::find_login(tx, login)? {
        return Ok(person);
    }
    let known = tenants::list_persons(tx)?.into_iter().map(|person| person.login);
    let known = known.collect::<Vec<_>>().join(", ");
    Err(BreakGlassError::NoLogin { login: login.to_owned(), known })
}
