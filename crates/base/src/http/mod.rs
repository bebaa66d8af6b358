//! HTTP as both fronts of the center, the API and the portal, have it: the status of an error, reading a
//! request, the layers around every answer, streams of events.
//!
//! An [`AppError`](crate::error::AppError) is an answer here, without a form of its own yet. Each front has a
//! layer that gives it one: a problem document, or a page in the reader's language.

mod answer;
mod ask;
mod drain;
mod encode;
mod layers;
mod stream;

pub use answer::{failure_of, retry_after_s, status};
pub use ask::{Id, cookie, last_event_id, method_not_allowed, no_such_route, peer, read_body};
pub use drain::drain;
pub use encode::encode;
pub use layers::{catch_panics, compress, secure};
pub use stream::{open_bytes, open_stream, open_table};
