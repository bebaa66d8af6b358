//! Who asks, and whether they may.

pub mod credentials;
pub mod csrf;
pub mod identity;
pub mod limits;
pub mod once;
pub mod password;
pub mod policy;
pub mod second_factor;

use std::sync::Arc;

use domain::{Member, Role, TenantId};

use crate::{error::AppError, events::Event};

pub use once::Once;
pub use policy::{Action, May, Policies};

/// Who asks: a member who has shown a token or a session.
#[derive(Clone, Debug)]
pub struct Caller {
    pub member: Member,
    /// The address that the request came from, for the audit log.
    pub from: String,
    /// The idempotency key of the request, if it came with one.
    pub once: Option<Arc<Once>>,
}

/// Whose rows a caller may see at all: goes into the SQL of every list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Center,
    Tenant(TenantId),
}

impl Scope {
    /// The filter for a store's list: `None` for all tenants.
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Center => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }

    /// Whether an event is of a thing whose rows it sees.
    pub fn sees(self, event: &Event) -> bool {
        match self {
            Self::Center => true,
            Self::Tenant(own) => event.tenant == Some(own),
        }
    }
}

impl Caller {
    pub fn role(&self) -> Role {
        self.member.role
    }

    /// A member without a tenant sees all rows only in a role of the center.
    pub fn scope(&self) -> Result<Scope, AppError> {
        match self.member.tenant {
            Some(tenant) => Ok(Scope::Tenant(tenant)),
            None if self.member.role.is_of_center() => Ok(Scope::Center),
            None => Err(AppError::internal("a member has neither a tenant nor a role of the center")),
        }
    }

    /// Whether rows of `tenant` exist for this caller.
    pub fn sees(&self, tenant: TenantId) -> bool {
        match self.scope() {
            Ok(Scope::Center) => true,
            Ok(Scope::Tenant(own)) => own == tenant,
            Err(_) => false,
        }
    }
}
