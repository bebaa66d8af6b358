//! What tenants are billed for closed months: invoices over their statements, and charges in the columns of FOCUS.

mod focus;
mod invoices;
