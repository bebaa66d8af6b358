//! What can be asked of the texts of contracts: reading them with their signatures, having one made, signing, and renewing.

use std::fmt;

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    events::Event,
    moment::{self, new_id},
    params,
    refusal::{Paper, Refused, Wanted},
};
use domain::{
    AmendmentId, Contract, ContractId, ContractState, ContractTextId, Rfc3339, Role, SignatureId,
    contract::ContractAction,
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Tx,
    amendments::{self, AmendmentState},
    chain::hex,
    contracts as kept,
    texts::{self as rows, ContractText, Signature},
};

pub use store::texts::{Factor, Side, signed_bytes};

use super::{
    confirm::{self, Confirmed},
    freeze,
    rule::{self, MAKE, RENEW, SIGN},
};
use crate::{
    actions,
    app::contracts::{self as contracts, ContractView, StateChange, apart},
    center::Center,
};

/// One version of the text of a contract, or of one of its amendments.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractTextView {
    pub id: ContractTextId,
    /// The contract's number.
    pub contract: String,
    pub contract_id: ContractId,
    pub version: i64,
    /// The amendment that it is of; `null`: the contract itself.
    pub amendment: Option<AmendmentId>,
    /// The newest of the contract, or of its amendment: the one that is signed.
    pub is_current: bool,
    /// Whether it is what its digest says. One that is not was altered in the database.
    pub is_intact: bool,
    pub zh: String,
    pub en: String,
    /// The SHA-256 of both languages as `/contracts/{id}/text?format=txt` gives them.
    pub sha256: String,
    pub made_at: Rfc3339,
    pub signatures: Vec<SignatureView>,
    /// The sides that have not signed.
    pub missing: Vec<Side>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SignatureView {
    pub id: SignatureId,
    pub side: Side,
    pub login: String,
    pub name: String,
    pub role: Role,
    /// By what the signer showed who they are.
    pub factor: Factor,
    pub at: Rfc3339,
    pub from_address: String,
}

/// A signature to give.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignature {
    /// The version that was read.
    pub version: i64,
    /// Its digest, as it was read.
    pub sha256: String,
    /// A code of the signer's second factor.
    pub code: Option<String>,
    /// The signer's password, once more, where they have no second factor.
    pub password: Option<String>,
}

/// Without code and password.
impl fmt::Debug for NewSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSignature").field("version", &self.version).finish_non_exhaustive()
    }
}

/// How a contract is renewed.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// The number of the new contract; that of the old one with `-R` where it is left out.
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub number: Option<String>,
}

fn view(tx: &Tx, contract: &Contract, text: ContractText) -> Result<ContractTextView, AppError> {
    let newest = match text.amendment {
        Some(amendment) => rows::of_amendment(tx, amendment)?,
        None => rows::newest(tx, contract.id)?,
    };
    let of_signature = |one: Signature| SignatureView {
        id: one.id,
        side: one.side,
        login: one.login,
        name: one.name,
        role: one.role,
        factor: one.factor,
        at: one.at.into(),
        from_address: one.from_address,
    };
    Ok(ContractTextView {
        id: text.id,
        contract: contract.number.clone(),
        contract_id: contract.id,
        version: text.version,
        amendment: text.amendment,
        is_current: newest.is_some_and(|newest| newest.id == text.id),
        is_intact: rows::digest(&text.zh, &text.en) == text.sha256,
        signatures: rows::signatures(tx, text.id)?.into_iter().map(of_signature).collect(),
        missing: freeze::missing(tx, text.id)?,
        sha256: hex(&text.sha256),
        made_at: text.made_at.into(),
        zh: text.zh,
        en: text.en,
    })
}

/// All texts of a contract and its amendments, by version.
pub async fn list(center: &Center, caller: &Caller, id: &str) -> Result<Vec<ContractTextView>, AppError> {
    let contract = contracts::visible(center, caller, id, actions::READ_CONTRACT)?;
    let read = move |tx: &Tx| {
        let all = rows::list(tx, contract.id)?;
        all.into_iter().map(|text| view(tx, &contract, text)).collect()
    };
    center.try_read(read).await
}

/// One version of the text; the newest where none is named.
pub async fn show(
    center: &Center,
    caller: &Caller,
    id: &str,
    version: Option<i64>,
) -> Result<ContractTextView, AppError> {
    let all = list(center, caller, id).await?;
    let is_it = |text: &ContractTextView| version.is_none_or(|version| version == text.version);
    let found = all.into_iter().rev().find(is_it);
    found.ok_or_else(|| {
        AppError::not_found("contract text", version.map_or_else(|| id.to_owned(), |v| v.to_string()))
    })
}

/// Has the text of a contract made as the contract stands, so that it is to be signed.
pub async fn make(center: &Center, caller: &Caller, id: &str) -> Result<ContractTextView, AppError> {
    let contract = contracts::visible(center, caller, id, MAKE)?;
    let may = center.policies.may(caller, MAKE, Some(contract.tenant))?;
    let (handle, by, id) = (center.clone(), caller.member.id, contract.id);
    let work = move |tx: &Tx| {
        let contract = kept::get_contract(tx, id)?;
        if !rule::takes_text(contract.state) {
            let (state, wanted) = (contract.state, Wanted::MakeText);
            return Err(Refused::ContractState { contract: contract.number, state, wanted }.into());
        }
        let before = rows::newest(tx, id)?;
        if let Some(before) = &before
            && !rows::signatures(tx, before.id)?.is_empty()
        {
            return Err(Paper::TextSigned { contract: contract.number }.into());
        }
        let text = freeze::contract_text(tx, &handle, &contract, Some(by))?;
        let is_same = before.is_some_and(|before| before.id == text.id);
        let view = view(tx, &contract, text)?;
        if is_same {
            return Ok(Changed::nothing(view));
        }
        let detail = json!({ "number": contract.number, "version": view.version, "sha256": view.sha256 });
        Ok(Changed::new(id, detail, view))
    };
    center.change(may, work, |_, _| ()).await
}

/// The side that a caller may sign this text for now.
pub fn may_sign(
    center: &Center,
    caller: &Caller,
    contract: &ContractView,
    text: &ContractTextView,
) -> Option<Side> {
    let side = rule::side_of(&center.settings.signing, caller.role())?;
    let is_open = text.amendment.is_some() || contract.state == ContractState::Approved;
    let may = center.policies.check(caller, SIGN, Some(contract.tenant)).is_ok();
    (may && is_open && text.is_current && text.missing.contains(&side)).then_some(side)
}

/// Signs the version that the caller has read, for the side that they are of. With the second signature on its text an
/// approved contract becomes active.
pub async fn sign(
    center: &Center,
    caller: &Caller,
    id: &str,
    new: NewSignature,
) -> Result<ContractTextView, AppError> {
    let contract = contracts::visible(center, caller, id, SIGN)?;
    let may = center.policies.may(caller, SIGN, Some(contract.tenant))?;
    let role = caller.role();
    let side = rule::side_of(&center.settings.signing, role)
        .ok_or_else(|| AppError::from(Paper::NotASigner { role }))?;
    let (code, password) = (new.code.as_deref(), new.password.as_deref());
    let confirmed = confirm::confirm(center, caller, code, password).await?;
    let (caller, id, is_apart) = (caller.clone(), contract.id, center.settings.are_duties_separate());
    let work = move |tx: &Tx| signed(tx, &caller, id, side, &confirmed, &new, is_apart);
    let told = |center: &Center, (_, done): &(ContractTextView, Signed)| match done {
        Signed::ByBoth(change) => contracts::applied(center, change),
        Signed::ByOne(event) => center.tell(event.clone()),
    };
    Ok(center.change(may, work, told).await?.0)
}

/// What a signature brings.
enum Signed {
    /// Both sides have signed the contract, which is active with it.
    ByBoth(Box<StateChange>),
    /// The other side is to hear of it.
    ByOne(Event),
}

/// The text of that version, if it is the one to sign and was not altered.
fn to_sign(tx: &Tx, contract: &Contract, new: &NewSignature) -> Result<ContractText, AppError> {
    let all = rows::list(tx, contract.id)?;
    let text = all.into_iter().find(|text| text.version == new.version);
    let text = text.ok_or_else(|| AppError::not_found("contract text", new.version))?;
    if rows::digest(&text.zh, &text.en) != text.sha256 {
        return Err(Paper::TextAltered { contract: contract.number.clone(), version: text.version }.into());
    }
    let counts = match text.amendment {
        Some(amendment) => amendments::get(tx, amendment)?.state == AmendmentState::Proposed,
        None => rows::newest(tx, contract.id)?.is_some_and(|newest| newest.id == text.id),
    };
    if !counts {
        return Err(Paper::TextOver { contract: contract.number.clone(), version: text.version }.into());
    }
    if !new.sha256.eq_ignore_ascii_case(&hex(&text.sha256)) {
        return Err(AppError::invalid(field::SHA256, Wrong::OtherDigest { version: text.version }));
    }
    Ok(text)
}

fn signed(
    tx: &Tx,
    caller: &Caller,
    id: ContractId,
    side: Side,
    confirmed: &Confirmed,
    new: &NewSignature,
    is_apart: bool,
) -> Result<Changed<(ContractTextView, Signed)>, AppError> {
    let contract = kept::get_contract(tx, id)?;
    let text = to_sign(tx, &contract, new)?;
    let is_of_contract = text.amendment.is_none();
    if is_of_contract && contract.state != ContractState::Approved {
        let (state, wanted) = (contract.state, Wanted::Sign);
        return Err(Refused::ContractState { contract: contract.number, state, wanted }.into());
    }
    let others = rows::signatures(tx, text.id)?;
    if others.iter().any(|one| one.side == side) {
        return Err(Paper::SideSigned { contract: contract.number, side }.into());
    }
    if others.iter().any(|one| one.person == confirmed.person()) {
        return Err(Paper::OneForBoth.into());
    }
    if side == Side::Center && is_of_contract {
        apart::signer(tx, is_apart, id, caller.member.id)?;
    }
    let now = moment::now();
    let signature = Signature {
        id: new_id!(SignatureId),
        text: text.id,
        side,
        sha256: text.sha256,
        person: confirmed.person(),
        member: caller.member.id,
        role: caller.role(),
        login: caller.member.login.clone(),
        name: caller.member.name.clone(),
        factor: confirmed.factor(),
        from_address: caller.from.clone(),
        at: now,
    };
    rows::sign(tx, &signature)?;
    let is_whole = is_of_contract && freeze::missing(tx, text.id)?.is_empty();
    let done = if is_whole {
        let by = Some(caller.member.id);
        let action = ContractAction::Activate;
        Signed::ByBoth(Box::new(contracts::change_state(tx, id, action, by, "signed by both sides", now)?))
    } else {
        Signed::ByOne(contracts::touched(tx, &contract, "sign", now)?)
    };
    let view = view(tx, &contract, text)?;
    let detail = json!({ "number": contract.number, "version": view.version, "sha256": view.sha256,
        "side": side.code(), "factor": signature.factor.code() });
    Ok(Changed::new(id, detail, (view, done)))
}

/// Whether a contract's page offers to renew it.
pub fn is_renewable(contract: &ContractView) -> bool {
    rule::has_term(contract.state) && moment::now() >= rule::renewable_from(contract.ends_at.0)
}

/// Drafts the contract that goes on where this one ends: the same terms for the term after it.
pub async fn renew(
    center: &Center,
    caller: &Caller,
    id: &str,
    renewal: Renewal,
) -> Result<ContractView, AppError> {
    let before = contracts::visible(center, caller, id, RENEW)?;
    let may = center.policies.may(caller, RENEW, Some(before.tenant))?;
    let number = renewal.number.filter(|number| !number.is_empty());
    let number: Option<String> =
        number.map(|number| params::line::<64>(field::NUMBER, number)).transpose()?.map(Into::into);
    let (handle, by, zone) = (center.clone(), caller.member.id, center.settings.time_zone);
    let work = move |tx: &Tx| {
        let before = kept::get_contract(tx, before.id)?;
        let now = moment::now();
        if !rule::has_term(before.state) {
            let (state, wanted) = (before.state, Wanted::Renew);
            return Err(Refused::ContractState { contract: before.number, state, wanted }.into());
        }
        let from = rule::renewable_from(before.ends_at);
        if now < from {
            return Err(Paper::RenewedEarly { contract: before.number, from: from.into() }.into());
        }
        for other in rows::renewed_by(tx, before.id)? {
            let other = kept::get_contract(tx, other)?;
            if other.state != ContractState::Terminated {
                return Err(Paper::Renewed { contract: before.number, by: other.number }.into());
            }
        }
        let number = if let Some(number) = &number {
            number.clone()
        } else {
            let number = contracts::free_number(tx, &format!("{}-R", before.number))?;
            params::line::<64>(field::NUMBER, number)?.into()
        };
        let new = Contract {
            id: new_id!(ContractId),
            number,
            starts_at: before.ends_at,
            ends_at: rule::next_end(zone, before.starts_at, before.ends_at),
            state: ContractState::Draft,
            created_at: now,
            ..before.clone()
        };
        contracts::insert(tx, &new)?;
        rows::renew(tx, new.id, before.id)?;
        if rows::newest(tx, before.id)?.is_some() {
            freeze::contract_text(tx, &handle, &new, Some(by))?;
        }
        let detail = json!({ "number": new.number, "renews": before.number,
            "from": Rfc3339(new.starts_at), "until": Rfc3339(new.ends_at) });
        Ok(Changed::new(new.id, detail, new))
    };
    let new = center.change(may, work, contracts::drafted).await?;
    contracts::show(center, caller, &new.id.to_string()).await
}

/// The contracts before and after one, with their numbers: after which it goes on, and which go on after it.
pub async fn neighbours(
    center: &Center,
    caller: &Caller,
    id: &str,
) -> Result<Vec<(ContractId, String)>, AppError> {
    let contract = contracts::visible(center, caller, id, actions::READ_CONTRACT)?.id;
    let read = move |tx: &Tx| {
        let around = rows::renews(tx, contract)?.into_iter().chain(rows::renewed_by(tx, contract)?);
        around.map(|id| Ok((id, kept::get_contract(tx, id)?.number))).collect()
    };
    center.read(read).await
}
