//! Tenants 租户, their members 成员 and projects 项目, and alliances 产业联盟.

use serde::{Deserialize, Serialize};

use crate::{AllianceId, ContractId, Lang, MemberId, ProjectId, TenantId, Timestamp, codes};

codes! {
    /// The three domains 领域. Each has its own price class and data rules, and every report splits by it.
    pub enum TenantDomain {
        Research = "research",
        Enterprise = "enterprise",
        Government = "government",
    }

    /// The role of a member. The policy files say what each role may do.
    pub enum Role {
        /// Runs the center.
        Operator = "operator",
        /// Reads everything in the center and changes nothing.
        Auditor = "auditor",
        /// Keeps the center's contracts: draws them up and decides them, and takes no money.
        Contracts = "contracts",
        /// Keeps the center's money: payments, corrections, the closing of months.
        CenterFinance = "center_finance",
        /// Runs one tenant: members, projects, contracts.
        Admin = "admin",
        /// Submits work for one tenant.
        Developer = "developer",
        /// Sees one tenant's money and work, and submits none.
        Finance = "finance",
    }
}

/// A company, university or department that uses the center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: TenantId,
    /// The short name, unique in the center: `qiantang-univ`.
    pub slug: String,
    pub name_zh: String,
    pub name_en: String,
    pub domain: TenantDomain,
    pub alliance: Option<AllianceId>,
    /// A small number of its own, which is never used again. The uid of its runs is made of it.
    pub uid_index: u32,
    pub created_at: Timestamp,
}

impl Tenant {
    pub fn name(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.name_zh,
            Lang::En => &self.name_en,
        }
    }
}

/// A group of tenants with shared assets and a shared, lendable quota: the queues of its tenants are one
/// cohort 共享组.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alliance {
    pub id: AllianceId,
    pub slug: String,
    pub name_zh: String,
    pub name_en: String,
    /// How many of their idle guaranteed cards its queues lend to queues outside of it; `None`: all.
    pub lending_limit: Option<u32>,
}

/// A group of jobs of a tenant, whose use is charged to one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    pub tenant: TenantId,
    /// The short name, unique in the tenant. `--account` in a script names it.
    pub slug: String,
    pub name: String,
    /// The contract that its jobs are charged to.
    pub contract: Option<ContractId>,
    pub created_at: Timestamp,
}

impl Role {
    /// Whether it is a role of the center's own people, who belong to no tenant.
    pub fn is_of_center(self) -> bool {
        matches!(self, Self::Operator | Self::Auditor | Self::Contracts | Self::CenterFinance)
    }
}

/// A person who signs in. The center's own people have no tenant; everybody else has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub tenant: Option<TenantId>,
    /// The name to sign in with, unique in the center.
    pub login: String,
    pub name: String,
    pub role: Role,
    pub is_enabled: bool,
    pub created_at: Timestamp,
}

/// Why a text is not a short name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a short name: use 1 to 40 lower-case letters, digits and inner hyphens, as in `west-lake-univ`"
)]
pub struct InvalidSlug(pub String);

/// The most characters of a short name.
pub const MAX_SLUG_CHARS: usize = 40;

/// Checks a short name: lower-case ASCII letters, digits, inner hyphens.
pub fn check_slug(text: &str) -> Result<(), InvalidSlug> {
    let ok = (1..=MAX_SLUG_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if ok { Ok(()) } else { Err(InvalidSlug(text.chars().take(80).collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        for ok in ["a", "west-lake-univ", "7x"] {
            assert_eq!(check_slug(ok), Ok(()));
        }
        for bad in ["", "-a", "a-", "A", "a b", "a/b", "大学", &"x".repeat(41)] {
            assert!(check_slug(bad).is_err(), "{bad}");
        }
    }
}
