//! The frame of pages: the shell around each, forms, words, faults, the table of routes, texts in both
//! languages.

mod amounts;
pub mod assets;
mod bars;
pub mod carried;
pub mod extract;
pub mod failed;
pub mod fault;
pub mod form;
pub mod frame;
pub mod kept;
pub mod live;
pub mod routes;
pub mod texts;
pub mod told;
pub mod words;
