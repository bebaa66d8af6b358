//! What an issuer or a directory gives and takes: memberships, and nothing that others gave.

use base::{
    audit::{self, Change},
    error::AppError,
    events::{self, About, Event},
};
use domain::{MemberId, PersonId, Role, TenantId, Timestamp, tenant::Person};
use serde_json::json;
use store::{Tx, credentials, tenants};

use super::rule::{self, Deed, There};
use crate::app::members;

/// Who gives places: an issuer, or a directory.
#[derive(Debug)]
pub struct Places<'a> {
    /// As memberships name it.
    pub giver: &'a str,
    /// As it is told.
    pub issuer: &'a str,
    pub now: Timestamp,
}

impl Places<'_> {
    /// Gives and takes what a plan says.
    pub fn apply(
        &self,
        tx: &Tx,
        person: &Person,
        plan: &rule::Plan,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        for (place, wanted) in &plan.places {
            let tenant = match place {
                None => None,
                Some(slug) => {
                    let found = tenants::find_tenant(tx, slug)?;
                    if found.is_none() {
                        tracing::error!(
                            issuer = self.issuer,
                            slug,
                            "the map names a tenant that is not there"
                        );
                        continue;
                    }
                    found.map(|tenant| tenant.id)
                }
            };
            let there = there(tx, person.id, tenant)?;
            if let Some(deed) = rule::deed(wanted, there.as_ref(), self.giver) {
                self.act(tx, person, tenant, there.as_ref(), deed, events)?;
            }
        }
        Ok(())
    }

    /// Does one thing at a place, unless it would leave the center without an operator.
    pub fn act(
        &self,
        tx: &Tx,
        person: &Person,
        tenant: Option<TenantId>,
        there: Option<&There>,
        deed: Deed,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let loses = match deed {
            Deed::Make(_) => false,
            Deed::Set(_, role) => role != Role::Operator,
            Deed::TakeAway(_) => true,
        };
        let is_operator = there.is_some_and(|there| there.is_enabled && there.role == Role::Operator);
        let data = json!({ "login": person.login, "issuer": self.issuer });
        if loses && is_operator && tenants::count_operators(tx)? <= 1 {
            tracing::error!(issuer = self.issuer, login = person.login, "the last operator stays one");
            events.push(events::record(tx, self.now, About::default(), rule::OPERATOR_KEPT, data)?);
            return Ok(());
        }
        let (member, role, is_enabled) = match deed {
            Deed::Make(role) => (self.make(tx, person, tenant, role)?, role, true),
            Deed::Set(id, role) => {
                tenants::set_member_role(tx, id, role)?;
                tenants::set_member_enabled(tx, id, true)?;
                (id, role, true)
            }
            Deed::TakeAway(id) => {
                tenants::set_member_enabled(tx, id, false)?;
                credentials::end_all_of_member(tx, id, self.now)?;
                let about = About { tenant, ..About::default() };
                events.push(events::record(tx, self.now, about, rule::MEMBER_OUT, data)?);
                (id, tenants::get_member(tx, id)?.role, false)
            }
        };
        let detail = json!({ "login": person.login, "issuer": self.issuer, "role": role.code(), "is_enabled": is_enabled });
        audit::record_own(tx, Change { tenant, action: rule::GIVE, subject: member.to_string(), detail })
    }

    fn make(
        &self,
        tx: &Tx,
        person: &Person,
        tenant: Option<TenantId>,
        role: Role,
    ) -> Result<MemberId, AppError> {
        let id = members::join(tx, person.id, role, tenant)?;
        tenants::set_given_by(tx, id, Some(self.giver))?;
        Ok(id)
    }
}

/// The membership of a person at a place.
pub fn there(tx: &Tx, person: PersonId, tenant: Option<TenantId>) -> Result<Option<There>, AppError> {
    let mut all = tenants::memberships_of(tx, person)?.into_iter();
    let Some(member) = all.find(|member| member.tenant == tenant) else { return Ok(None) };
    let given_by = tenants::given_by(tx, member.id)?;
    Ok(Some(There { id: member.id, role: member.role, is_enabled: member.is_enabled, given_by }))
}
