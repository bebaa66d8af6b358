//! The Cedar policies, asked once for every role, action and relation when the center starts, and then looked up.
//!
//! The answer depends on nothing but the caller's role and whether the thing is of the caller's tenant, of another's or
//! of the center itself. So a table holds all answers, and it is this table that the golden matrix in the tests shows.

use std::{collections::HashMap, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use domain::{Role, TenantId};

use crate::auth::Caller;
use crate::{detail::Detail, error::AppError};

/// Something that can be done, in a group that the policies speak of; or a deed, which the center does by itself or a member
/// does to their own account, and no policy decides. Its word in both languages is the text `action-<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    code: &'static str,
    group: Option<&'static str>,
    details: &'static [Detail],
}

impl Action {
    pub const fn new(code: &'static str, group: &'static str) -> Self {
        Self { code, group: Some(group), details: &[] }
    }

    pub const fn deed(code: &'static str) -> Self {
        Self { code, group: None, details: &[] }
    }

    /// The details that the audit log keeps of it.
    #[must_use]
    pub const fn keeps(self, details: &'static [Detail]) -> Self {
        Self { details, ..self }
    }

    pub const fn details(self) -> &'static [Detail] {
        self.details
    }

    /// As the policies and the audit log name it.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Whether the policies decide who may do it.
    pub fn is_decided(self) -> bool {
        self.group.is_some()
    }

    /// Whether it changes something, and so is found in the audit log.
    pub fn is_change(self) -> bool {
        !self.code.starts_with("read_")
    }
}

/// Groups that are part of other groups.
const GROUPS: &[(&str, &[&str])] = &[
    ("work", &[]),
    ("read", &[]),
    ("read_work", &["read"]),
    // The contents of work: scripts and logs.
    ("read_content", &["read"]),
    ("read_account", &["read"]),
    ("read_money", &["read"]),
    ("read_public", &["read"]),
    ("read_vouchers", &["read"]),
    ("claim_vouchers", &[]),
    ("audit_claims", &[]),
    ("pay_claims", &[]),
    ("administer_read", &["read", "administer"]),
    ("administer", &[]),
    ("run_center", &[]),
    ("keep_contracts", &[]),
    ("keep_money", &[]),
    // What a tenant asks of the center about its money.
    ("answer_for_money", &[]),
];

/// Whose the thing is, seen from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    OwnTenant,
    OtherTenant,
    Center,
}

impl Relation {
    pub const ALL: [Self; 3] = [Self::OwnTenant, Self::OtherTenant, Self::Center];
}

/// That a caller may do something: the policies, or its own account, give it, and no change by a person is made without
/// (see [`crate::Base::change`]).
#[derive(Clone, Debug)]
pub struct May {
    pub(crate) caller: Caller,
    pub(crate) action: Action,
    pub(crate) owner: Option<TenantId>,
}

impl May {
    /// Members may change their own account, whatever their role.
    pub fn of_own_account(caller: &Caller, action: Action) -> Self {
        Self { caller: caller.clone(), action, owner: caller.member.tenant }
    }
}

/// All answers.
#[derive(Clone, Debug)]
pub struct Policies(HashMap<(Role, Action, Relation), bool>);

impl Policies {
    /// Reads the policies, in Cedar's language, and asks them everything.
    ///
    /// # Errors
    /// If the policy text or what is asked of it is not valid Cedar: a fault of the build.
    pub fn load(actions: impl IntoIterator<Item = Action>, policies: &str) -> Result<Self, String> {
        let policies = PolicySet::from_str(policies).map_err(|error| error.to_string())?;
        let mut answers = HashMap::new();
        for action in actions.into_iter().filter(|action| action.is_decided()) {
            for role in Role::ALL {
                for relation in Relation::ALL {
                    answers.insert((role, action, relation), ask(&policies, role, action, relation)?);
                }
            }
        }
        Ok(Self(answers))
    }

    pub fn allows(&self, role: Role, action: Action, relation: Relation) -> bool {
        self.0.get(&(role, action, relation)).copied().unwrap_or(false)
    }

    /// Fails unless `caller` may do `action` to a thing of `owner` (`None`: of the center itself).
    pub fn check(&self, caller: &Caller, action: Action, owner: Option<TenantId>) -> Result<(), AppError> {
        let relation = match (caller.member.tenant, owner) {
            (_, None) => Relation::Center,
            (Some(own), Some(owner)) if own == owner => Relation::OwnTenant,
            _ => Relation::OtherTenant,
        };
        if self.allows(caller.role(), action, relation) {
            Ok(())
        } else {
            Err(AppError::Forbidden { action: action.code() })
        }
    }

    /// [`Self::check`] before a change, which can't be made without what comes of it.
    pub fn may(&self, caller: &Caller, action: Action, owner: Option<TenantId>) -> Result<May, AppError> {
        self.check(caller, action, owner)?;
        Ok(May { caller: caller.clone(), action, owner })
    }
}

fn uid(kind: &str, name: &str) -> Result<EntityUid, String> {
    EntityUid::from_str(&format!("{kind}::\"{name}\"")).map_err(|error| error.to_string())
}

fn ask(policies: &PolicySet, role: Role, action: Action, relation: Relation) -> Result<bool, String> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let mut caller = HashMap::from([("role".to_owned(), text(role.code()))]);
    if !role.is_of_center() {
        caller.insert("tenant".to_owned(), text("own"));
    }
    let thing = match relation {
        Relation::OwnTenant => HashMap::from([("tenant".to_owned(), text("own"))]),
        Relation::OtherTenant => HashMap::from([("tenant".to_owned(), text("other"))]),
        Relation::Center => HashMap::new(),
    };
    let (principal, resource) = (uid("Member", "caller")?, uid("Thing", "thing")?);
    let entity = |uid: &EntityUid, attributes| {
        Entity::new(uid.clone(), attributes, std::collections::HashSet::new())
            .map_err(|error| error.to_string())
    };
    let parents = |names: &[&str]| names.iter().map(|name| uid("Action", name)).collect::<Result<_, _>>();
    let mut entities = vec![entity(&principal, caller)?, entity(&resource, thing)?];
    for (group, parts_of) in GROUPS {
        entities.push(Entity::new_no_attrs(uid("Action", group)?, parents(parts_of)?));
    }
    entities.push(Entity::new_no_attrs(uid("Action", action.code())?, parents(action.group.as_slice())?));
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    let request = Request::new(principal, uid("Action", action.code())?, resource, Context::empty(), None)
        .map_err(|error| error.to_string())?;
    let answer = Authorizer::new().is_authorized(&request, policies, &entities);
    if let Some(error) = answer.diagnostics().errors().next() {
        return Err(error.to_string());
    }
    Ok(answer.decision() == Decision::Allow)
}
