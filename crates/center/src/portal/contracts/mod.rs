//! Contracts: the list, one contract, drawing up, what is done to them, payments, statements.

pub mod acts;
pub mod draft;
pub mod list;
pub mod show;
pub mod statement;
pub mod top_up;
pub mod vessel;
