//! The table of the portal's routes: pages, which are asked for, and forms, which are sent. The router is
//! made of it, and tests go over it.

use axum::{
    Router,
    handler::Handler,
    routing::{get, post},
};

use crate::page::extract::{FilesByStranger, Sent, SentByMail, SentByStranger};

pub struct Routes<C> {
    pub router: Router<C>,
    /// The paths of pages, with those of their parts and streams.
    pub pages: Vec<&'static str>,
    /// The paths that take a form.
    pub forms: Vec<&'static str>,
}

impl<C: Clone + Send + Sync + 'static> Default for Routes<C> {
    fn default() -> Self {
        Self { router: Router::new(), pages: Vec::new(), forms: Vec::new() }
    }
}

impl<C> std::fmt::Debug for Routes<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes")
            .field("pages", &self.pages)
            .field("forms", &self.forms)
            .finish_non_exhaustive()
    }
}

impl<C: Clone + Send + Sync + 'static> Routes<C> {
    /// These and those of another noun.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.pages.extend(others.pages);
        self.forms.extend(others.forms);
        Self { router: self.router.merge(others.router), ..self }
    }

    /// A page, or a part or stream of one: asking for it changes nothing.
    #[must_use]
    pub fn page<A: 'static>(mut self, path: &'static str, handler: impl Handler<A, C>) -> Self {
        self.pages.push(path);
        Self { router: self.router.route(path, get(handler)), ..self }
    }

    /// Where a form is sent to. Its handler has the form as its last argument, and thereby knows that it came
    /// from a page of the center's own.
    #[must_use]
    pub fn form<A: EndWithForm + 'static>(mut self, path: &'static str, handler: impl Handler<A, C>) -> Self {
        self.forms.push(path);
        Self { router: self.router.route(path, post(handler)), ..self }
    }
}

/// Arguments of a handler, with a form that was looked at as the last of them.
pub trait EndWithForm {}

/// A form that can't be had without looking at where it came from.
trait CheckedForm {}

impl CheckedForm for Sent {}
impl CheckedForm for SentByStranger {}
impl CheckedForm for FilesByStranger {}
impl CheckedForm for SentByMail {}

impl<M, A, F: CheckedForm> EndWithForm for (M, A, F) {}
impl<M, A, B, F: CheckedForm> EndWithForm for (M, A, B, F) {}
impl<M, A, B, C, F: CheckedForm> EndWithForm for (M, A, B, C, F) {}
