//! What is there already, as far as the store alone knows.

use domain::Role;
use store::{StoreError, Tx, db::params, statements};

statements! { "first steps";
    ROLES = "SELECT DISTINCT role FROM members WHERE tenant IS NOT NULL AND is_enabled = 1";
    OWN_PEOPLE = "SELECT role FROM members WHERE tenant IS NULL AND is_enabled = 1";
    PAID_PROJECTS = "SELECT 1 FROM projects JOIN contracts ON contracts.id = projects.contract \
                     WHERE contracts.state NOT IN ('draft', 'submitted', 'approved') LIMIT 1";
    PRICE_BOOKS = "SELECT 1 FROM price_books LIMIT 1";
}

/// The roles that tenants' members have who may sign in.
pub fn roles(tx: &Tx) -> Result<Vec<Role>, StoreError> {
    tx.all(ROLES, params![], |row| row.code(0))
}

/// The roles of the center's own people who may sign in, one for each of them.
pub fn own_people(tx: &Tx) -> Result<Vec<Role>, StoreError> {
    tx.all(OWN_PEOPLE, params![], |row| row.code(0))
}

/// Whether a project has a contract that was active.
pub fn has_paid_project(tx: &Tx) -> Result<bool, StoreError> {
    Ok(tx.find(PAID_PROJECTS, params![], |_| Ok(()))?.is_some())
}

pub fn has_price_book(tx: &Tx) -> Result<bool, StoreError> {
    Ok(tx.find(PRICE_BOOKS, params![], |_| Ok(()))?.is_some())
}
