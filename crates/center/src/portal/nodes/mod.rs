//! Nodes: the list, one node, and the map of the hall.

pub mod groups;
pub mod list;
pub mod map;
pub mod show;
