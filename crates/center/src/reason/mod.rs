//! Why runs and jobs ended as they did, as API and portal show it.

mod view;

pub use view::ReasonView;
