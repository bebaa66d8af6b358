//! How commands speak: their language, and what they refuse.

mod language;
mod refused;
