//! The settings of quotes, and of the texts of contracts and who signs them.

use std::{collections::BTreeMap, path::PathBuf};

use domain::Role;
use serde::Deserialize;

/// The most days for which a quote is valid.
pub const MOST_VALID_DAYS: i64 = 365;
/// All of a price, in basis points.
pub const WHOLE_BP: u32 = 10_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuoteSettings {
    /// For how many days a quote is valid that says no day itself.
    pub valid_days: i64,
    /// The most discount that a role gives alone, in basis points (1000 are 10 %); none where it is left out.
    pub discount_bp: BTreeMap<Role, u32>,
}

impl Default for QuoteSettings {
    fn default() -> Self {
        Self {
            valid_days: 30,
            discount_bp: BTreeMap::from([(Role::Contracts, 1000), (Role::Operator, 3000)]),
        }
    }
}

impl QuoteSettings {
    /// The most discount that a role gives alone.
    pub fn alone(&self, role: Role) -> u32 {
        self.discount_bp.get(&role).copied().unwrap_or(0)
    }

    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self) -> Option<String> {
        if !(1..=MOST_VALID_DAYS).contains(&self.valid_days) {
            return Some(format!(
                "`quotes.valid_days` is {}: it must be 1 to {MOST_VALID_DAYS}",
                self.valid_days
            ));
        }
        let is_wrong = |role: Role| ![Role::Operator, Role::Contracts].contains(&role);
        if let Some(role) = self.discount_bp.keys().find(|role| is_wrong(**role)) {
            return Some(format!(
                "`quotes.discount_bp` names `{}`, which draws up no quotes: name operator or contracts",
                role.code()
            ));
        }
        let (role, most) = self.discount_bp.iter().find(|(_, most)| **most > WHOLE_BP)?;
        Some(format!("`quotes.discount_bp.{}` is {most}: it must be at most {WHOLE_BP}", role.code()))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// Whether no contract becomes active without a text that both sides have signed. Where it is off, those that have a text
    /// need the signatures, and others don't.
    pub required: bool,
    /// Whose signature is the center's: `operator`, `contracts`.
    pub center_roles: Vec<Role>,
    /// Whose signature is the tenant's: `admin`, `finance`.
    pub tenant_roles: Vec<Role>,
    /// Templates in the place of the program's own.
    pub template_zh: Option<PathBuf>,
    pub template_en: Option<PathBuf>,
    pub amendment_zh: Option<PathBuf>,
    pub amendment_en: Option<PathBuf>,
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self {
            required: false,
            center_roles: vec![Role::Operator, Role::Contracts],
            tenant_roles: vec![Role::Admin],
            template_zh: None,
            template_en: None,
            amendment_zh: None,
            amendment_en: None,
        }
    }
}

impl SigningSettings {
    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self) -> Option<String> {
        let sides = [
            ("center_roles", &self.center_roles, [Role::Operator, Role::Contracts]),
            ("tenant_roles", &self.tenant_roles, [Role::Admin, Role::Finance]),
        ];
        for (key, roles, known) in sides {
            if roles.is_empty() {
                return Some(format!("`signing.{key}` is empty: nobody could sign"));
            }
            if let Some(role) = roles.iter().find(|role| !known.contains(role)) {
                let known = known.map(Role::code).join(" or ");
                return Some(format!("`signing.{key}` has `{}`: name {known}", role.code()));
            }
        }
        let pairs = [
            ("template_zh", "template_en", &self.template_zh, &self.template_en),
            ("amendment_zh", "amendment_en", &self.amendment_zh, &self.amendment_en),
        ];
        let (zh, en, ..) = pairs.into_iter().find(|(_, _, zh, en)| zh.is_some() != en.is_some())?;
        Some(format!("`signing.{zh}` and `signing.{en}` say the same in two languages: name both or neither"))
    }
}
