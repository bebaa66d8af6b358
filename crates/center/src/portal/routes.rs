//! The table of the portal's routes: pages, which are asked for, and forms, which are sent. The router is made of it, and
//! tests go over it.

use axum::{
    Router,
    handler::Handler,
    routing::{get, post},
};

use super::extract::{Sent, SentByStranger};
use crate::center::Center;

#[derive(Default)]
pub struct Routes {
    pub router: Router<Center>,
    /// The paths that take a form.
    pub forms: Vec<&'static str>,
}

impl Routes {
    /// A page, or a part or stream of one: asking for it changes nothing.
    pub fn page<A: 'static>(self, path: &'static str, handler: impl Handler<A, Center>) -> Self {
        Self { router: self.router.route(path, get(handler)), ..self }
    }

    /// Where a form is sent to. Its handler has the form as its last argument, and thereby knows that it came from a page
    /// of the center's own.
    pub fn form<A: EndWithForm + 'static>(
        mut self,
        path: &'static str,
        handler: impl Handler<A, Center>,
    ) -> Self {
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

impl<M, A, F: CheckedForm> EndWithForm for (M, A, F) {}
impl<M, A, B, F: CheckedForm> EndWithForm for (M, A, B, F) {}
