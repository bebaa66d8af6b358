//! Who may do what with tenants, and whom their statements are made out to.

use base::{auth::Action, detail::Detail, error::AppError, params};
use domain::{
    Tenant, TenantDomain,
    problem::{Wrong, field},
    tenant::read_credit_code,
};
use serde::Deserialize;

use crate::actions::SLUG;

pub const READ: Action = Action::new("read_tenant", "read_account");
pub const MANAGE: Action = Action::new("manage_tenant", "run_center").keeps(&[
    SLUG,
    Detail::word::<TenantDomain>("domain", "domain"),
    Detail::text("name_zh"),
    Detail::text("name_en"),
    Detail::text("alliance"),
    Detail::text("legal_name"),
    Detail::text("tax_number"),
    Detail::text("other_tax_number"),
]);

/// The changes of a tenant. A field that is left out stays. An empty text takes away the alliance or a field of the payer;
/// a name can't be empty.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    #[schema(value_type = Option<domain::schema::Line128>)]
    pub name_zh: Option<String>,
    #[schema(value_type = Option<domain::schema::Line128>)]
    pub name_en: Option<String>,
    /// An alliance's short name; an empty text takes the tenant out of its alliance.
    pub alliance: Option<String>,
    pub legal_name: Option<String>,
    /// The unified social credit code; it takes the place of a number of another kind.
    pub tax_number: Option<String>,
    /// A tax number of another kind; it takes the place of a unified social credit code.
    pub other_tax_number: Option<String>,
}

/// Whom a tenant's statements are made out to; texts are empty where nobody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    pub legal_name: String,
    /// The unified social credit code.
    pub tax_number: String,
    /// A tax number of another kind, where there is no such code.
    pub other: String,
}

impl Payer {
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            legal_name: tenant.legal_name.clone(),
            tax_number: tenant.tax_number.clone(),
            other: tenant.other_tax_number.clone(),
        }
    }

    /// With what is asked for. A number of one kind takes the place of one of the other.
    pub fn with(self, change: TenantChange) -> Self {
        let TenantChange { legal_name, tax_number, other_tax_number, .. } = change;
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let (takes_code, takes_other) = (given(&tax_number), given(&other_tax_number));
        let stays = |kept: String, is_replaced: bool| if is_replaced { String::new() } else { kept };
        Self {
            legal_name: legal_name.unwrap_or(self.legal_name),
            tax_number: tax_number.unwrap_or_else(|| stays(self.tax_number, takes_other)),
            other: other_tax_number.unwrap_or_else(|| stays(self.other, takes_code)),
        }
    }

    /// Refuses what is no name or number, and numbers of both kinds.
    pub fn read(self) -> Result<Self, AppError> {
        let legal_name = match self.legal_name.trim() {
            "" => String::new(),
            name => params::line::<128>(field::LEGAL_NAME, name)?.into(),
        };
        let tax_number = match self.tax_number.trim() {
            "" => String::new(),
            given => read_credit_code(given).map_err(|fault| {
                AppError::invalid(field::TAX_NUMBER, Wrong::CreditCode { given: given.to_owned(), fault })
            })?,
        };
        let other = match self.other.trim() {
            "" => String::new(),
            number => params::line::<32>(field::OTHER_TAX_NUMBER, number)?.into(),
        };
        if !tax_number.is_empty() && !other.is_empty() {
            let wrong = Wrong::NotBeside { other: field::TAX_NUMBER };
            return Err(AppError::invalid(field::OTHER_TAX_NUMBER, wrong));
        }
        Ok(Self { legal_name, tax_number, other })
    }

    pub fn put_into(self, tenant: Tenant) -> Tenant {
        let Self { legal_name, tax_number, other: other_tax_number } = self;
        Tenant { legal_name, tax_number, other_tax_number, ..tenant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "91330100799655058B";

    fn payer(tax_number: &str, other: &str) -> Payer {
        Payer { legal_name: "某公司".into(), tax_number: tax_number.into(), other: other.into() }
    }

    #[test]
    fn a_number_is_of_one_kind_and_right() {
        assert_eq!(payer(" 91330100799655058b", "").read().unwrap(), payer(CODE, ""));
        assert_eq!(payer("", " DE 123 ").read().unwrap(), payer("", "DE 123"));
        for wrong in [payer("91330100799655058C", ""), payer("DE 123", ""), payer(CODE, "DE 123")] {
            assert!(wrong.clone().read().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_number_takes_the_place_of_one_of_the_other_kind() {
        let change = |tax_number: Option<&str>, other: Option<&str>| TenantChange {
            tax_number: tax_number.map(str::to_owned),
            other_tax_number: other.map(str::to_owned),
            ..TenantChange::default()
        };
        assert_eq!(payer(CODE, "").with(change(None, Some("DE 123"))), payer("", "DE 123"));
        assert_eq!(payer("", "DE 123").with(change(Some(CODE), None)), payer(CODE, ""));
        assert_eq!(payer(CODE, "").with(change(Some(""), None)), payer("", ""));
        assert_eq!(payer(CODE, "").with(change(None, None)), payer(CODE, ""));
        // Both at once are told apart later, where they are refused.
        assert_eq!(payer("", "").with(change(Some(CODE), Some("DE 123"))), payer(CODE, "DE 123"));
    }
}
