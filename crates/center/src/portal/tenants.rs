//! The tenants that a page offers to choose from.

use base::{
    error::AppError,
    page::{form::Choice, frame::Visitor},
};

use crate::{center::Center, tenant::ask as tenants};

/// Every tenant, by name; none for a tenant's own members.
pub async fn tenants_by_name(center: &Center, visitor: &Visitor) -> Result<Vec<Choice>, AppError> {
    if !visitor.is_of_center() {
        return Ok(Vec::new());
    }
    let lang = visitor.front.ui.lang;
    let tenants = tenants::list(center, &visitor.caller).await?.into_iter();
    let mut all: Vec<Choice> =
        tenants.map(|tenant| Choice::new(tenant.slug, tenant.name.in_lang(lang).to_owned())).collect();
    all.sort_unstable_by(|a, b| a.word.cmp(&b.word).then_with(|| a.value.cmp(&b.value)));
    Ok(all)
}
