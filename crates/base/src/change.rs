//! A change by a person: who may, the write, its line in the audit log and its idempotency key, and who is told.

use std::fmt::Display;

use domain::TenantId;
use serde_json::Value;
use store::Tx;

use crate::{
    audit::{self, Change},
    auth::May,
    error::AppError,
    handle::Base,
};

/// The outcome of a change, and what the audit log is to say of it.
#[derive(Debug)]
pub struct Changed<T> {
    outcome: T,
    lines: Vec<AuditLine>,
}

#[derive(Debug)]
struct AuditLine {
    subject: String,
    detail: Value,
    tenant: Option<TenantId>,
}

impl<T> Changed<T> {
    /// `subject` is the id of the thing that was changed.
    pub fn new(subject: impl Display, detail: Value, outcome: T) -> Self {
        Self::each([(subject.to_string(), detail)], outcome)
    }

    /// Several things of one kind were changed at once: each has its line.
    pub fn each(things: impl IntoIterator<Item = (String, Value)>, outcome: T) -> Self {
        let line = |(subject, detail)| AuditLine { subject, detail, tenant: None };
        Self { outcome, lines: things.into_iter().map(line).collect() }
    }

    /// Several things were changed at once, each a matter of its own tenant.
    pub fn each_of(things: impl IntoIterator<Item = (TenantId, String, Value)>, outcome: T) -> Self {
        let line = |(tenant, subject, detail)| AuditLine { subject, detail, tenant: Some(tenant) };
        Self { outcome, lines: things.into_iter().map(line).collect() }
    }

    /// Everything was as asked for already, or is to be asked for anew: there is nothing to tell.
    pub fn nothing(outcome: T) -> Self {
        Self { outcome, lines: Vec::new() }
    }

    /// The change is a matter of this tenant, and not of the one that was asked about.
    #[must_use]
    pub fn of_tenant(mut self, tenant: TenantId) -> Self {
        self.lines.iter_mut().for_each(|line| line.tenant = Some(tenant));
        self
    }
}

impl Base {
    /// [`Self::write`] for a person: with the change its line in the audit log and its idempotency key are committed, or
    /// nothing is.
    pub async fn change<T: Send + 'static>(
        &self,
        may: May,
        work: impl FnOnce(&Tx) -> Result<Changed<T>, AppError> + Send + 'static,
        effects: impl FnOnce(&Self, &T) + Send + 'static,
    ) -> Result<T, AppError> {
        let May { caller, action, owner } = may;
        let recorded = move |tx: &Tx| {
            let Changed { outcome, lines } = work(tx)?;
            for AuditLine { subject, detail, tenant } in lines {
                let tenant = tenant.or(owner);
                audit::record(tx, &caller, Change { tenant, action, subject, detail })?;
            }
            Ok(outcome)
        };
        self.write(recorded, effects).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Member, MemberId, PersonId, Role, Timestamp};
    use serde_json::json;
    use store::{audit::AuditFilter, idempotency, tenants};

    use super::*;
    use crate::{
        auth::{Action, Caller, Once, Policies},
        detail::Detail,
    };

    const MANAGE: Action = Action::new("manage_member", "run_center").keeps(&[Detail::count("n")]);
    const POLICIES: &str = r#"permit (principal, action, resource) when { principal.role == "operator" };"#;

    fn member(role: Role) -> Member {
        Member {
            id: MemberId::new(testkit::now(), testkit::rows::unique()),
            person: PersonId::new(testkit::now(), testkit::rows::unique()),
            tenant: None,
            login: role.code().into(),
            name: role.code().into(),
            role,
            is_enabled: true,
            created_at: Timestamp::from_secs(0),
        }
    }

    fn caller(member: &Member, key: &str) -> Caller {
        let once = Once::new(member.id, key, &[b"POST"]).expect("the key is one");
        Caller { member: member.clone(), from: "192.0.2.1".into(), once: Some(Arc::new(once)) }
    }

    /// Adds a member, or fails when the row is written.
    fn adds(new: Member, fails: bool) -> impl FnOnce(&Tx) -> Result<Changed<()>, AppError> {
        move |tx| {
            tenants::insert_member(tx, &new, None)?;
            if fails { Err(AppError::Stopping) } else { Ok(Changed::new(new.id, json!({ "n": 1 }), ())) }
        }
    }

    #[tokio::test]
    async fn a_change_comes_with_its_line_and_its_key_or_not_at_all() {
        let folder = testkit::open_folder();
        let store = testkit::rows::open(&folder.path().join("center.db"));
        let policies = Policies::load([MANAGE], POLICIES).expect("the policies are valid");
        let base = Base::new(crate::settings::Settings::default(), store, policies);
        let (operator, auditor) = (member(Role::Operator), member(Role::Auditor));
        let people = [operator.clone(), auditor.clone()];
        let insert =
            move |tx: &Tx| people.iter().try_for_each(|member| tenants::insert_member(tx, member, None));
        base.store.write(insert).expect("they are new");
        let kept = |caller: &Member, key: &'static str| {
            let (base, caller) = (base.clone(), caller.id);
            async move {
                let read = move |tx: &Tx| {
                    let members = tenants::list_members(tx, None)?.len();
                    let lines = store::audit::list(tx, &AuditFilter::default(), None, 9)?;
                    Ok((members, lines, idempotency::find(tx, caller, key)?.is_some()))
                };
                base.read(read).await.expect("the store answers")
            }
        };

        // The policies refuse: there is nothing to make a change with.
        let refused = base.policies.may(&caller(&auditor, "a"), MANAGE, None);
        assert!(matches!(refused, Err(AppError::Forbidden { action: "manage_member" })));
        // The work refuses.
        let may = base.policies.may(&caller(&operator, "b"), MANAGE, None).expect("an operator may");
        let effects = |_: &Base, (): &()| panic!("nothing is to be told");
        let never = Member { login: "never".into(), ..member(Role::Auditor) };
        let refused = base.change(may, adds(never, true), effects).await;
        assert!(matches!(refused, Err(AppError::Stopping)));
        let (members, lines, is_kept) = kept(&operator, "b").await;
        assert_eq!((members, lines.len(), is_kept), (2, 0, false));

        let new = Member { login: "new".into(), ..member(Role::Auditor) };
        let may = base.policies.may(&caller(&operator, "c"), MANAGE, None).expect("an operator may");
        base.change(may, adds(new.clone(), false), |_, ()| ()).await.expect("it is made");
        let (members, lines, is_kept) = kept(&operator, "c").await;
        assert_eq!((members, is_kept), (3, true));
        let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
        assert_eq!((line.actor, &line.subject), (Some(operator.id), &new.id.to_string()));
        assert_eq!((line.action.as_str(), line.from_address.as_str()), ("manage_member", "192.0.2.1"));

        // The key is kept: the same again changes nothing.
        let may = base.policies.may(&caller(&operator, "c"), MANAGE, None).expect("an operator may");
        let twin = Member { login: "twin".into(), ..member(Role::Auditor) };
        assert!(base.change(may, adds(twin, false), |_, ()| ()).await.is_err());
        let (members, lines, _) = kept(&operator, "c").await;
        assert_eq!((members, lines.len()), (3, 1));
        // Where nothing changed, nothing is told.
        let may = base.policies.may(&caller(&operator, "d"), MANAGE, None).expect("an operator may");
        base.change(may, |_| Ok(Changed::nothing(())), |_, ()| ()).await.expect("it is no error");
        let (_, lines, is_kept) = kept(&operator, "d").await;
        assert_eq!((lines.len(), is_kept), (1, false));
    }
}
