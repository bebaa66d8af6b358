//! A kind of application: what it asks, by which path it goes, and what comes of it. Each is a value in the table of nouns.

use std::fmt;

use domain::{TenantDomain, TenantId};
use serde_json::Value;
use store::Tx;

use super::{application::Application, form::Form, step::Step};
use crate::error::AppError;

/// What came of an application, within the transaction that decided it.
pub struct Effect<C> {
    /// The tenant that it is of from now on.
    pub tenant: Option<TenantId>,
    /// For the audit log, by the details of [`super::actions::EFFECT`].
    pub detail: Value,
    /// What to do once it is on disk, such as to bring up to date what is live.
    pub then: Box<dyn Fn(&C) + Send + Sync>,
}

impl<C> fmt::Debug for Effect<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effect").field("detail", &self.detail).finish_non_exhaustive()
    }
}

/// A kind of application. `C` is the handle that nouns work with.
pub struct Kind<C: 'static> {
    /// Its word is the text `application-kind-<code>`.
    pub code: &'static str,
    pub form: Form,
    /// The question whose answer names an application in lists.
    pub title: &'static str,
    /// The path of a domain, where the settings name none.
    pub path: fn(TenantDomain) -> Vec<Step>,
    /// Makes what was asked for. It is called once, in the transaction that decides the application, and what it refuses is
    /// not decided.
    pub effect: fn(&C, &Tx, &Application) -> Result<Effect<C>, AppError>,
}

impl<C> fmt::Debug for Kind<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kind").field("code", &self.code).finish_non_exhaustive()
    }
}
