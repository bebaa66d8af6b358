//! The Cedar policies, asked once for every role, action and relation when the center starts, and then looked up.
//!
//! The answer depends on nothing but the caller's role and whether the thing is of the caller's tenant, of another's or
//! of the center itself. So a table holds all answers, and it is this table that the golden matrix in the tests shows.

use std::{collections::HashMap, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use domain::{Role, TenantId};

use super::Caller;
use crate::error::AppError;

const POLICIES: &str = include_str!("../../policies/center.cedar");

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal in $group:literal,)*) => {
        /// What can be done, each in a group that the policies speak of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As the policies name it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            fn group(self) -> &'static str {
                match self { $(Self::$name => $group,)* }
            }
        }
    };
}

actions! {
    SubmitJob = "submit_job" in "work",
    CancelJob = "cancel_job" in "work",
    ReadJob = "read_job" in "read_work",
    ReadLog = "read_log" in "read_work",
    ReadTenant = "read_tenant" in "read_account",
    ReadMember = "read_member" in "read_account",
    ReadProject = "read_project" in "read_account",
    ReadContract = "read_contract" in "read_account",
    ReadUsage = "read_usage" in "read_account",
    ReadStatement = "read_statement" in "read_money",
    ReadLedger = "read_ledger" in "read_money",
    ReadNode = "read_node" in "read_public",
    ReadPrice = "read_price" in "read_public",
    ReadCapacity = "read_capacity" in "read",
    ReadCenter = "read_center" in "read",
    /// The whole log for the center's people, their tenant's part for administrators.
    ReadAudit = "read_audit" in "administer_read",
    ManageMember = "manage_member" in "administer",
    ManageProject = "manage_project" in "administer",
    SubmitContract = "submit_contract" in "administer",
    ManageTenant = "manage_tenant" in "run_center",
    DecideContract = "decide_contract" in "run_center",
    TopUp = "top_up" in "run_center",
    ManagePrice = "manage_price" in "run_center",
    ChangeNode = "change_node" in "run_center",
    Backup = "backup" in "run_center",
    ManageSlurm = "manage_slurm" in "run_center",
}

/// Groups that are part of other groups.
const GROUPS: &[(&str, &[&str])] = &[
    ("work", &[]),
    ("read", &[]),
    ("read_work", &["read"]),
    ("read_account", &["read"]),
    ("read_money", &["read"]),
    ("read_public", &["read"]),
    ("administer_read", &["read", "administer"]),
    ("administer", &[]),
    ("run_center", &[]),
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

/// All answers.
#[derive(Debug)]
pub struct Policies(HashMap<(Role, Action, Relation), bool>);

impl Policies {
    /// Reads the policies and asks them everything.
    ///
    /// # Errors
    /// If the policy text or what is asked of it is not valid Cedar: a fault of the build.
    pub fn load() -> Result<Self, String> {
        let policies = PolicySet::from_str(POLICIES).map_err(|error| error.to_string())?;
        let mut answers = HashMap::new();
        for role in Role::ALL {
            for &action in Action::ALL {
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
    entities.push(Entity::new_no_attrs(uid("Action", action.code())?, parents(&[action.group()])?));
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    let request = Request::new(principal, uid("Action", action.code())?, resource, Context::empty(), None)
        .map_err(|error| error.to_string())?;
    let answer = Authorizer::new().is_authorized(&request, policies, &entities);
    if let Some(error) = answer.diagnostics().errors().next() {
        return Err(error.to_string());
    }
    Ok(answer.decision() == Decision::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden matrix: for each action, what each role may do it to: `o` a thing of its own tenant, `x` of another's,
    /// `c` of the center.
    const MATRIX: &str = "\
action           operator auditor admin developer finance
submit_job       -        -       o     o         -
cancel_job       oxc      -       o     o         -
read_job         oxc      oxc     o     o         o
read_log         oxc      oxc     o     o         o
read_tenant      oxc      oxc     o     o         o
read_member      oxc      oxc     o     o         o
read_project     oxc      oxc     o     o         o
read_contract    oxc      oxc     o     o         o
read_usage       oxc      oxc     o     o         o
read_statement   oxc      oxc     o     -         o
read_ledger      oxc      oxc     o     -         o
read_node        oxc      oxc     oxc   oxc       oxc
read_price       oxc      oxc     oxc   oxc       oxc
read_capacity    oxc      oxc     -     -         -
read_center      oxc      oxc     -     -         -
read_audit       oxc      oxc     o     -         -
manage_member    oxc      -       o     -         -
manage_project   oxc      -       o     -         -
submit_contract  oxc      -       o     -         -
manage_tenant    oxc      -       -     -         -
decide_contract  oxc      -       -     -         -
top_up           oxc      -       -     -         -
manage_price     oxc      -       -     -         -
change_node      oxc      -       -     -         -
backup           oxc      -       -     -         -
manage_slurm     oxc      -       -     -         -
";

    #[test]
    fn the_policies_give_the_golden_matrix() {
        let policies = Policies::load().unwrap();
        let mut seen = format!("{:<17}{}\n", "action", "operator auditor admin developer finance");
        for &action in Action::ALL {
            let cell = |role: Role| {
                let letters: String = Relation::ALL
                    .into_iter()
                    .zip("oxc".chars())
                    .filter(|(relation, _)| policies.allows(role, action, *relation))
                    .map(|(_, letter)| letter)
                    .collect();
                if letters.is_empty() { "-".to_owned() } else { letters }
            };
            let row = format!(
                "{:<17}{:<9}{:<8}{:<6}{:<10}{}\n",
                action.code(),
                cell(Role::Operator),
                cell(Role::Auditor),
                cell(Role::Admin),
                cell(Role::Developer),
                cell(Role::Finance)
            );
            seen.push_str(&row);
        }
        assert_eq!(seen, MATRIX);
    }
}
