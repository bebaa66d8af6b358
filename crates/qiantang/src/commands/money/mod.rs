//! Commands of a finance office: statements, debts, the months of the books.

pub mod debts;
pub mod focus;
pub mod invoices;
pub mod periods;
pub mod statements;
