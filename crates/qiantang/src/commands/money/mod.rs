//! Commands of a finance office: statements, debts, budgets, the months of the books.

pub mod budgets;
pub mod debts;
pub mod focus;
pub mod invoices;
pub mod periods;
pub mod statements;
