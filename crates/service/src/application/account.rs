//! The first account of a tenant that came of an application: its administrator sets a password once, by the application's
//! tracking secret, or by a link that a reviewer has made.

use base::{
    approval::{
        Application,
        actions::{FIRST_PASSWORD, MAKE_LINK},
        rows,
    },
    audit::{self, Change},
    auth::{Caller, credentials},
    change::Changed,
    error::AppError,
    moment,
    refusal::Refused,
};
use center::{app::members, center::Center, person::password};
use domain::{ApplicationId, Member, MemberId, Millis, Rfc3339, Timestamp};
use serde::Serialize;
use serde_json::json;
use store::{
    StoreError, Tx,
    db::{Record, params, rows as columns, statements},
    tenants,
};

/// How long a reviewer's link leads somewhere.
const LINK_AGE: Millis = Millis::from_hours(7 * 24);

/// Whose account came of an application.
#[derive(Clone, Debug)]
struct FirstAccount {
    application: ApplicationId,
    member: MemberId,
    link: Option<[u8; 32]>,
    link_ends_at: Option<Timestamp>,
}

columns! { account: FirstAccount = application, member, link, link_ends_at }

statements! { "first_accounts";
    INSERT = account!(insert into "first_accounts");
    FIND = concat!("SELECT ", account!(columns), " FROM first_accounts WHERE application = ?1");
    SET_LINK = "UPDATE first_accounts SET link = ?2, link_ends_at = ?3 WHERE application = ?1";
}

/// Whose account it is, as long as nobody has set its password, and afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub login: String,
    pub is_set: bool,
}

/// A link by which a first password is set.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AccountLink {
    /// The path at the center's address. It is told this once.
    pub path: String,
    pub login: String,
    pub ends_at: Rfc3339,
}

/// Keeps that this member's account came of the application.
pub fn open(tx: &Tx, application: ApplicationId, member: MemberId) -> Result<(), StoreError> {
    FirstAccount { application, member, link: None, link_ends_at: None }.insert(tx, INSERT)
}

fn find(tx: &Tx, application: ApplicationId) -> Result<Option<(FirstAccount, Member, bool)>, StoreError> {
    let found = tx.find(FIND, params![&application], FirstAccount::read)?;
    let Some(account) = found else { return Ok(None) };
    let member = tenants::get_member(tx, account.member)?;
    let has_password = tenants::find_login(tx, &member.login)?.is_some_and(|(_, hash)| hash.is_some());
    Ok(Some((account, member, has_password)))
}

/// How the account of an application stands, where one came of it.
pub fn standing(tx: &Tx, application: ApplicationId) -> Result<Option<Standing>, StoreError> {
    let found = find(tx, application)?;
    Ok(found.map(|(_, member, is_set)| Standing { login: member.login, is_set }))
}

/// The path that an applicant sets the password at.
pub fn path(number: &str, secret: &str) -> String {
    format!("/apply/{number}/account?secret={secret}")
}

/// Makes a link, in place of the one before.
pub async fn make_link(center: &Center, caller: &Caller, number: &str) -> Result<AccountLink, AppError> {
    let may = center.policies.may(caller, MAKE_LINK, None)?;
    let secret = credentials::new_secret("");
    let (hash, ends_at) = (credentials::hash(&secret), moment::now().plus(LINK_AGE));
    let number = number.to_owned();
    let work = move |tx: &Tx| {
        let not_found = || AppError::not_found("application", &number);
        let application = rows::find(tx, &number)?.ok_or_else(not_found)?;
        let (_, member, is_set) = find(tx, application.id)?.ok_or_else(not_found)?;
        if is_set {
            return Err(Refused::PasswordWasSet.into());
        }
        tx.execute(SET_LINK, params![&application.id, &hash, ends_at])?;
        let link = AccountLink {
            path: path(&number, &secret),
            login: member.login.clone(),
            ends_at: ends_at.into(),
        };
        let detail = json!({ "number": number, "login": member.login });
        let changed = Changed::new(member.id, detail, link);
        Ok(match member.tenant {
            Some(tenant) => changed.of_tenant(tenant),
            None => changed,
        })
    };
    center.change(may, work, |_, _| ()).await
}

/// The account that a secret is for. Whoever guesses is slowed down.
pub async fn look(center: &Center, from: &str, number: &str, secret: &str) -> Result<Standing, AppError> {
    let (asked, hash, now) = (number.to_owned(), credentials::hash(secret), moment::now());
    let found = center.read(move |tx| of_secret(tx, &asked, &hash, now)).await?;
    if let Some((_, member, is_set)) = found {
        return Ok(Standing { login: member.login, is_set });
    }
    center.limits.application(from)?;
    Err(AppError::not_found("application", number))
}

/// Sets the first password of the account that a secret is for: once.
pub async fn set_password(
    center: &Center,
    from: &str,
    (number, secret): (&str, &str),
    given: String,
) -> Result<(), AppError> {
    center.limits.application(from)?;
    let standing = look(center, from, number, secret).await?;
    let hash = password::new_hash(center, given, vec![standing.login]).await?;
    let (number, secret, now) = (number.to_owned(), credentials::hash(secret), moment::now());
    let from = from.to_owned();
    let work = move |tx: &Tx| {
        let found = of_secret(tx, &number, &secret, now)?;
        let (_, member, is_set) = found.ok_or_else(|| AppError::not_found("application", &number))?;
        if is_set {
            return Err(Refused::PasswordWasSet.into());
        }
        members::set_password(tx, member.person, &hash)?;
        let detail = json!({ "number": number, "login": member.login });
        let (tenant, subject) = (member.tenant, member.id.to_string());
        let change = Change { tenant, action: FIRST_PASSWORD, subject, detail };
        audit::record_stranger(tx, &from, change)?;
        Ok(member.person)
    };
    center.write(work, |center, person| center.credentials.forget_person(*person)).await?;
    Ok(())
}

/// The account of an application, where the secret is the application's own or that of a link that leads there.
fn of_secret(
    tx: &Tx,
    number: &str,
    secret: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(Application, Member, bool)>, StoreError> {
    let Some(application) = rows::find(tx, number)? else { return Ok(None) };
    let Some((account, member, is_set)) = find(tx, application.id)? else { return Ok(None) };
    let is_link = account.link.as_ref() == Some(secret) && account.link_ends_at.is_some_and(|end| now < end);
    let is_own = application.tracking.as_ref() == Some(secret);
    Ok((is_link || is_own).then_some((application, member, is_set)))
}
