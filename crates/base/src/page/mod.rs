//! The frame of pages: the shell around each, forms, words, faults, the table of routes, texts in both
//! languages.

pub mod assets;
mod bars;
pub mod extract;
pub mod fault;
pub mod form;
pub mod frame;
pub mod live;
pub mod routes;
pub mod texts;
pub mod words;
