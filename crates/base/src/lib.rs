//! The ground of every noun, and no noun itself: who asks and whether they may, one change with its line in the audit log
//! and its event, the frames of API and pages, texts, and the table of nouns.

pub mod api;
pub mod approval;
pub mod audit;
pub mod auth;
pub mod change;
pub mod detail;
pub mod error;
pub mod events;
pub mod handle;
pub mod http;
pub mod listing;
pub mod lookup;
pub mod loops;
pub mod metrics;
pub mod moment;
pub mod notice;
pub mod noun;
pub mod page;
pub mod params;
pub mod refusal;
pub mod settings;
pub mod text;

pub use handle::{Base, Ground};
