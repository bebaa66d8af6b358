//! The commands about people: members of tenants and of the center, and the persons that they are.

pub mod issuers;
pub mod members;
pub mod persons;
