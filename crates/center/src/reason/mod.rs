//! Why runs and jobs ended as they did, as API and portal show it.

#[cfg(test)]
mod tests;
mod view;

pub use view::ReasonView;
