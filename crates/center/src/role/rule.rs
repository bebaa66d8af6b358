//! The rights of each role in words, taken from the policies, so that pages say what is so.

use base::auth::{Action, Policies, policy::Relation};
use domain::Role;

use crate::{actions, budget, voucher};

domain::codes! {
    /// Something that a role may do, of its own tenant or of the center.
    pub enum Right {
        Submit = "submit",
        Stop = "stop",
        SeeWork = "see_work",
        SeeContent = "see_content",
        SeeAccount = "see_account",
        SeeMoney = "see_money",
        AskInvoices = "ask_invoices",
        DrawUp = "draw_up",
        Administer = "administer",
        SeeAudit = "see_audit",
        SeeCenter = "see_center",
        KeepContracts = "keep_contracts",
        KeepBudgets = "keep_budgets",
        KeepMoney = "keep_money",
        RunCenter = "run_center",
        SeeVouchers = "see_vouchers",
        ClaimVouchers = "claim_vouchers",
        AuditClaims = "audit_claims",
        PayClaims = "pay_claims",
    }
}

impl Right {
    /// An action for which this right is needed; the policies know it in one group with the others.
    fn action(self) -> Action {
        match self {
            Self::Submit => actions::SUBMIT_JOB,
            Self::Stop => actions::CANCEL_JOB,
            Self::SeeWork => actions::READ_JOB,
            Self::SeeContent => actions::READ_LOG,
            Self::SeeAccount => actions::READ_CONTRACT,
            Self::SeeMoney => actions::READ_STATEMENT,
            Self::AskInvoices => actions::REQUEST_INVOICE,
            Self::DrawUp => actions::SUBMIT_CONTRACT,
            Self::Administer => actions::MANAGE_MEMBER,
            Self::SeeAudit => actions::READ_AUDIT,
            Self::SeeCenter => actions::READ_CENTER,
            Self::KeepContracts => actions::DECIDE_CONTRACT,
            Self::KeepBudgets => budget::rule::MANAGE,
            Self::KeepMoney => actions::TOP_UP,
            Self::RunCenter => actions::CHANGE_NODE,
            Self::SeeVouchers => voucher::READ,
            Self::ClaimVouchers => voucher::CLAIM,
            Self::AuditClaims => voucher::AUDIT,
            Self::PayClaims => voucher::PAY,
        }
    }

    /// The rights of a role, by the policies.
    pub fn of(policies: &Policies, role: Role) -> Vec<Self> {
        let relation = if role.is_of_center() { Relation::OtherTenant } else { Relation::OwnTenant };
        let has = |right: &Self| {
            policies.allows(role, right.action(), relation)
                || policies.allows(role, right.action(), Relation::Center)
        };
        Self::ALL.into_iter().filter(has).collect()
    }
}

/// Roles with the fewest rights first, as forms offer them; those of a tenant, or of the center's own people.
pub fn least_first(policies: &Policies, is_of_center: bool) -> Vec<Role> {
    let mut roles: Vec<Role> =
        Role::ALL.into_iter().filter(|role| role.is_of_center() == is_of_center).collect();
    // To change something weighs more than to see it.
    let weight = |role: &Role| {
        let rights = Right::of(policies, *role);
        let changes = rights.iter().filter(|right| right.action().is_change()).count();
        (changes, rights.len())
    };
    roles.sort_by_key(weight);
    roles
}
