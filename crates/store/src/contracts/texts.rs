//! The texts of contracts and amendments as they were frozen, the signatures on them, and which contract goes on after which.

use domain::{
    AmendmentId, ContractId, ContractTextId, MemberId, PersonId, Role, SignatureId, Timestamp, codes,
};

use crate::{
    chain::sha256,
    db::{Record, StoreError, Tx, params, rows, statements},
};

/// What stands between the two languages in the bytes that are signed.
const BETWEEN: &str = "\n\n----------------------------------------\n\n";

/// A text in both languages, as it was frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractText {
    pub id: ContractTextId,
    pub contract: ContractId,
    /// From 1, over the contract's own texts and those of its amendments.
    pub version: i64,
    /// The amendment that it is of; `None`: the contract itself.
    pub amendment: Option<AmendmentId>,
    pub zh: String,
    pub en: String,
    pub sha256: [u8; 32],
    /// `None`: the center, for an applicant who had no account yet.
    pub made_by: Option<MemberId>,
    pub made_at: Timestamp,
}

codes! {
    /// The two that a contract is between.
    pub enum Side {
        Center = "center",
        Tenant = "tenant",
    }

    /// By what a person showed that it was they who signed.
    pub enum Factor {
        /// The password, given again, by whoever has no second factor.
        Password = "password",
        /// A code of the second factor.
        Code = "code",
        /// A recovery code in the place of one.
        Recovery = "recovery_code",
    }
}

/// Somebody's signature on a text, for one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub id: SignatureId,
    pub text: ContractTextId,
    pub side: Side,
    /// The digest that was signed.
    pub sha256: [u8; 32],
    pub person: PersonId,
    pub member: MemberId,
    pub role: Role,
    /// Login and name as they were then.
    pub login: String,
    pub name: String,
    pub factor: Factor,
    pub from_address: String,
    pub at: Timestamp,
}

rows! { text: ContractText = id, contract, version, amendment, zh, en, sha256, made_by, made_at }

rows! { signature: Signature =
    id, text, side as code, sha256, person, member, role as code, login, name, factor as code, from_address, at
}

statements! { "contract_texts", unique: {
    "contract_texts.contract, contract_texts.version": "this version of the contract's text",
    "signatures.text, signatures.side": "a signature of this side"
};
    INSERT = text!(insert into "contract_texts");
    OF_CONTRACT = concat!("SELECT ", text!(columns), " FROM contract_texts WHERE contract = ?1 ORDER BY version");
    OF_AMENDMENT = concat!("SELECT ", text!(columns), " FROM contract_texts WHERE amendment = ?1 ORDER BY version DESC LIMIT 1");
    NEWEST = concat!("SELECT ", text!(columns),
        " FROM contract_texts WHERE contract = ?1 AND amendment IS NULL ORDER BY version DESC LIMIT 1");
    LAST_VERSION = "SELECT COALESCE(MAX(version), 0) FROM contract_texts WHERE contract = ?1";
    SIGN = signature!(insert into "signatures");
    SIGNATURES = concat!("SELECT ", signature!(columns), " FROM signatures WHERE text = ?1 ORDER BY at, id");
    RENEW = "INSERT INTO renewals (contract, renews) VALUES (?1, ?2)";
    RENEWED_BY = "SELECT contract FROM renewals WHERE renews = ?1 ORDER BY contract";
    RENEWS = "SELECT renews FROM renewals WHERE contract = ?1";
}

/// The bytes that are signed, of which the digest is: both languages.
pub fn signed_bytes(zh: &str, en: &str) -> String {
    format!("{zh}{BETWEEN}{en}")
}

/// The digest of a text.
pub fn digest(zh: &str, en: &str) -> [u8; 32] {
    sha256(signed_bytes(zh, en).as_bytes())
}

pub fn insert(tx: &Tx, text: &ContractText) -> Result<(), StoreError> {
    text.insert(tx, INSERT)
}

/// All texts of a contract and its amendments, by version.
pub fn list(tx: &Tx, contract: ContractId) -> Result<Vec<ContractText>, StoreError> {
    tx.all(OF_CONTRACT, params![&contract], ContractText::read)
}

/// The text of the contract itself that counts: the newest.
pub fn newest(tx: &Tx, contract: ContractId) -> Result<Option<ContractText>, StoreError> {
    tx.find(NEWEST, params![&contract], ContractText::read)
}

/// The text of an amendment, where it has one.
pub fn of_amendment(tx: &Tx, amendment: AmendmentId) -> Result<Option<ContractText>, StoreError> {
    tx.find(OF_AMENDMENT, params![&amendment], ContractText::read)
}

/// The version of the newest of all texts of a contract; 0 where it has none.
pub fn last_version(tx: &Tx, contract: ContractId) -> Result<i64, StoreError> {
    tx.one(LAST_VERSION, params![&contract], |row| row.get(0))
}

pub fn sign(tx: &Tx, signature: &Signature) -> Result<(), StoreError> {
    signature.insert(tx, SIGN)
}

/// The signatures on a text, oldest first.
pub fn signatures(tx: &Tx, text: ContractTextId) -> Result<Vec<Signature>, StoreError> {
    tx.all(SIGNATURES, params![&text], Signature::read)
}

/// Whether both sides have signed a text.
pub fn is_signed(tx: &Tx, text: ContractTextId) -> Result<bool, StoreError> {
    let signed = signatures(tx, text)?;
    Ok(Side::ALL.iter().all(|side| signed.iter().any(|one| one.side == *side)))
}

/// Keeps that a contract goes on where another one ends.
pub fn renew(tx: &Tx, contract: ContractId, renews: ContractId) -> Result<(), StoreError> {
    tx.execute(RENEW, params![&contract, &renews])
}

/// The contracts that were drafted to go on after this one.
pub fn renewed_by(tx: &Tx, contract: ContractId) -> Result<Vec<ContractId>, StoreError> {
    tx.all(RENEWED_BY, params![&contract], |row| row.get(0))
}

/// The contract after which this one goes on.
pub fn renews(tx: &Tx, contract: ContractId) -> Result<Option<ContractId>, StoreError> {
    tx.find(RENEWS, params![&contract], |row| row.get(0))
}
