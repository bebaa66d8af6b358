//! Tenants 租户, their members 成员 and projects 项目, and alliances 产业联盟.

use serde::{Deserialize, Serialize};

use crate::{AllianceId, ContractId, Lang, MemberId, PersonId, ProjectId, TenantId, Timestamp, codes};

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
        /// Audits claims on vouchers for the city, and reads what they rest on.
        DataBureau = "data_bureau",
        /// Pays claims on vouchers for the city, and reads what they rest on.
        FinanceBureau = "finance_bureau",
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
    /// Whom statements are made out to, as it is registered; empty where nobody said.
    pub legal_name: String,
    /// Its unified social credit code, which is its tax number in China; empty where it has none or nobody said.
    pub tax_number: String,
    /// Its tax number where that is no unified social credit code; empty otherwise.
    pub other_tax_number: String,
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
        matches!(
            self,
            Self::Operator
                | Self::Auditor
                | Self::Contracts
                | Self::CenterFinance
                | Self::DataBureau
                | Self::FinanceBureau
        )
    }
}

/// A person 人员, who signs in. What they may do is said by their memberships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    /// The name to sign in with, unique in the center.
    pub login: String,
    pub name: String,
    /// Empty where nobody said.
    pub email: String,
    /// Whether they may sign in at all.
    pub is_enabled: bool,
    pub created_at: Timestamp,
    /// The tenant whose administrators may name the person and set their password; `None`: the person alone, and the
    /// center's operators.
    pub kept_by: Option<TenantId>,
}

/// A person's place in a tenant, or among the center's own people, who have no tenant; with the role that they have there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub person: PersonId,
    pub tenant: Option<TenantId>,
    /// The person's.
    pub login: String,
    /// The person's.
    pub name: String,
    pub role: Role,
    /// Whether the person may sign in, and be this member.
    pub is_enabled: bool,
    pub created_at: Timestamp,
}

/// Why a text is not a unified social credit code 统一社会信用代码 (GB 32100-2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditCodeFault {
    /// It has another number of characters than 18.
    Length { chars: usize },
    /// It has a character that no such code has.
    Character { given: char },
    /// Its last character is not the one that follows from the others.
    CheckDigit { given: char },
}

/// How many characters a unified social credit code has.
pub const CREDIT_CODE_LEN: usize = 18;
/// Its characters in the order of their values; I, O, S, V and Z are left out.
const CREDIT_CODE_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Reads a unified social credit code; small letters are taken for capitals.
pub fn read_credit_code(text: &str) -> Result<String, CreditCodeFault> {
    let code = text.trim().to_uppercase();
    let chars = code.chars().count();
    if chars != CREDIT_CODE_LEN {
        return Err(CreditCodeFault::Length { chars });
    }
    let value = |given: char| {
        let place = CREDIT_CODE_ALPHABET.iter().position(|known| char::from(*known) == given);
        place.ok_or(CreditCodeFault::Character { given })
    };
    let values = code.chars().map(value).collect::<Result<Vec<usize>, _>>()?;
    let (last, body) = values.split_last().ok_or(CreditCodeFault::Length { chars })?;
    let weights = std::iter::successors(Some(1), |weight| Some(weight * 3 % 31));
    let sum: usize = body.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    if *last == (31 - sum % 31) % 31 {
        return Ok(code);
    }
    Err(CreditCodeFault::CheckDigit { given: char::from(CREDIT_CODE_ALPHABET[*last]) })
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
    fn credit_codes_are_read_with_their_check_digit() {
        // Registered codes of large companies.
        for ok in ["91330100799655058B", "914403001922038216", "91110000802100433B"] {
            assert_eq!(read_credit_code(ok).as_deref(), Ok(ok));
        }
        assert_eq!(read_credit_code(" 91330100799655058b ").as_deref(), Ok("91330100799655058B"));
        let wrong = |text: &str| read_credit_code(text).unwrap_err();
        assert_eq!(wrong("91330100799655058C"), CreditCodeFault::CheckDigit { given: 'C' });
        assert_eq!(wrong("91330100799655508B"), CreditCodeFault::CheckDigit { given: 'B' });
        assert_eq!(wrong("9133010079965505IB"), CreditCodeFault::Character { given: 'I' });
        assert_eq!(wrong("330100799655058"), CreditCodeFault::Length { chars: 15 });
    }

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
