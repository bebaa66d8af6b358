//! What is done with the bytes of a run's log: their order, their text, the lines that a terminal shows of them, and finding
//! something in them. Nothing here reads a file but [`ask`].

pub mod ask;
pub mod encoding;
pub mod lines;
pub mod merged;
pub mod order;
pub mod raw;
mod screen;
pub mod search;
mod style;

pub use screen::Part;
pub use style::Style;
