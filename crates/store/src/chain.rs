//! The chain: digests by which a change of the past shows, whoever made it.
//!
//! Each link has the SHA-256 of the rows that it covers and of the link before. What decides about money or changes
//! seldom is sealed in the transaction that changes it ([`seal_changes`]); transfers, the audit log and runs that have
//! ended are sealed some seconds later ([`prepare`], [`append`]), so that no job waits for it. A root is the chain's
//! head as it was signed and given out; [`verify`] compares a database with its chain and with roots kept elsewhere.

mod books;
mod compare;
mod compare_roots;
mod encode;
mod invoiced;
mod kinds;
mod report;
mod roots;
mod seal;
mod sealed;
mod signing;
mod verify;

pub use encode::{Digest, from_hex, hex, sha256};
pub use report::{Fault, FaultCode, Report, Unsealed};
pub use roots::{
    NewRoot, Root, RootLine, RootRow, SignatureState, covering as root_covering, has as has_root,
    insert as insert_root, last as last_root, list as list_roots, mark_pushed, next as next_root,
    parse_file as parse_roots, unpushed as unpushed_roots,
};
pub use seal::{Prepared, append, head, note_foreign, prepare, seal_changes};
pub use sealed::{Sealed, sealed};
pub use signing::{KeyError, PublicKey, SigningKey};
pub use verify::{Given, verify, verify_books, verify_chain, verify_file};
