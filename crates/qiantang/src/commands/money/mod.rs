//! What a finance office works with: statements, debts, the months of the books.

pub mod debts;
pub mod periods;
pub mod statements;
