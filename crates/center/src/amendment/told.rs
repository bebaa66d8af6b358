//! Whether a contract's page offers an amendment.

use base::page::frame::Visitor;

use super::rule::{self, DRAW_UP};
use crate::{app::contracts::ContractView, center::Center};

/// Whether a contract's page offers an amendment to this reader.
pub fn may_amend(center: &Center, visitor: &Visitor, contract: &ContractView) -> bool {
    rule::has_terms(contract.state) && visitor.may(center, DRAW_UP, Some(contract.tenant))
}
