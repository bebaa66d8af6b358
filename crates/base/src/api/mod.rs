//! The API's frame: what handlers take from a request, problem documents, keys that make a request take
//! effect once, and the document that describes it all.

pub mod answers;
pub mod docs;
pub mod extract;
pub mod once;
pub mod problem;

mod chinese;
mod shape;
mod strict;

pub use problem::Problem;
