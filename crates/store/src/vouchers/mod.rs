//! Programmes of vouchers, the money of their pots, vouchers, and the charges of which vouchers pay a share.

mod claims;

use domain::{
    ApplicationId, ContractId, FundingId, MemberId, MicroCny, PoolId, ProgrammeId, Run, TenantId, Timestamp,
    VoucherId,
    voucher::{FacilityKind, FundingState, Level, Mode, TenantSize, Terms, Usage, VoucherState},
};

use crate::db::{Record, Row, StoreError, Tx, params, rows, statements};

pub use claims::{
    Claim, ClaimAct, acts_of_claim, claim_before, find_claim, held, insert_act, insert_claim,
    last_claim_number, list_claims, set_claim,
};

/// A programme of vouchers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    pub id: ProgrammeId,
    pub slug: String,
    pub name_zh: String,
    pub name_en: String,
    pub authority: String,
    pub level: Level,
    pub year: u32,
    pub mode: Mode,
    /// The most that is put into its pot.
    pub pot_micro_cny: MicroCny,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub terms: Terms,
    pub created_by: MemberId,
    pub created_at: Timestamp,
}

/// Money that an authority puts into a pot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    pub id: FundingId,
    pub programme: ProgrammeId,
    pub amount_micro_cny: MicroCny,
    /// Of the authority's document, as references are compared.
    pub reference: String,
    pub state: FundingState,
    pub proposed_by: MemberId,
    pub proposed_at: Timestamp,
    pub decided_by: Option<MemberId>,
    pub decided_at: Option<Timestamp>,
    /// Why it was refused.
    pub note: String,
}

/// A voucher for a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    pub id: VoucherId,
    pub number: String,
    pub programme: ProgrammeId,
    pub tenant: TenantId,
    pub contract: ContractId,
    /// The programme's.
    pub mode: Mode,
    pub application: ApplicationId,
    /// What it was asked for.
    pub amount_micro_cny: MicroCny,
    /// All that its tenant asked for in the year, by which its rule was looked up.
    pub year_total_micro_cny: MicroCny,
    pub facility_kind: FacilityKind,
    /// As declared by a member.
    pub usage: Usage,
    pub tenant_size: TenantSize,
    pub declared_by: MemberId,
    /// Of the programme's, from 1.
    pub rule: u32,
    pub rate_bp: u32,
    pub combined_bp: u32,
    pub face_micro_cny: MicroCny,
    /// Whose runs it pays for.
    pub pools: Vec<PoolId>,
    pub granted_at: Timestamp,
    /// When the pot gave its face; `None` while it waits.
    pub from_at: Option<Timestamp>,
    pub until_at: Timestamp,
    /// When what is left of it goes back: claims come later than what they are about.
    pub closes_at: Timestamp,
    pub state: VoucherState,
    /// When it expired or was revoked.
    pub ended_at: Option<Timestamp>,
    /// Why it was revoked.
    pub reason: String,
}

impl Voucher {
    /// Whether charges of a run are among those of which it pays a share at once.
    pub fn counts(&self, run: &Run, pool: PoolId) -> bool {
        let planned_at = run.state.planned_at();
        let is_in_time = self.from_at.is_some_and(|from| from <= planned_at) && planned_at < self.until_at;
        self.mode == Mode::Deduct && self.contract == run.contract && is_in_time && self.pools.contains(&pool)
    }
}

rows! { programme: Programme =
    id, slug, name_zh, name_en, authority, level as code, year, mode as code, pot_micro_cny, starts_at, ends_at, terms as json,
    created_by, created_at
}

rows! { funding: Funding =
    id, programme, amount_micro_cny, reference, state as code, proposed_by, proposed_at, decided_by, decided_at, note
}

rows! { voucher: Voucher =
    id, number, programme, tenant, contract, mode as code, application, amount_micro_cny, year_total_micro_cny, facility_kind as code,
    usage as code, tenant_size as code, declared_by, rule, rate_bp, combined_bp, face_micro_cny, pools as json, granted_at,
    from_at, until_at, closes_at, state as code, ended_at, reason
}

statements! { "vouchers", unique: {
        "programmes.slug": "a programme with this short name",
        "fundings.reference": "a funding with this reference",
        "vouchers.number": "a voucher with this number",
        "vouchers.application": "a voucher of this application",
    };
    INSERT_PROGRAMME = programme!(insert into "programmes");
    GET_PROGRAMME = concat!("SELECT ", programme!(columns), " FROM programmes WHERE id = ?1");
    FIND_PROGRAMME = concat!("SELECT ", programme!(columns), " FROM programmes WHERE slug = ?1");
    PROGRAMMES = concat!("SELECT ", programme!(columns), " FROM programmes ORDER BY year DESC, slug LIMIT ?1");
    INSERT_FUNDING = funding!(insert into "fundings");
    GET_FUNDING = concat!("SELECT ", funding!(columns), " FROM fundings WHERE id = ?1");
    FUNDINGS = concat!("SELECT ", funding!(columns), " FROM fundings WHERE programme = ?1 ORDER BY id");
    DECIDE_FUNDING = "UPDATE fundings SET state = ?2, decided_by = ?3, decided_at = ?4, note = ?5 \
                      WHERE id = ?1 AND state = 'proposed'";
    FUNDED = "SELECT CAST(COALESCE(SUM(amount_micro_cny), 0) AS BIGINT) FROM fundings \
              WHERE programme = ?1 AND state = 'booked'";
    INSERT = voucher!(insert into "vouchers");
    GET = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE id = ?1");
    FIND = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE number = ?1");
    LAST_NUMBER = "SELECT number FROM vouchers WHERE number >= ?1 AND number < ?2 \
                   ORDER BY length(number) DESC, number DESC LIMIT 1";
    LIST = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE (?1 IS NULL OR tenant = ?1) \
                   AND (?2 IS NULL OR programme = ?2) AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4");
    ALL = concat!("SELECT ", voucher!(columns), " FROM vouchers ORDER BY id");
    OF_CONTRACT = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE contract = ?1 ORDER BY until_at, id");
    PAYING = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE contract = ?1 AND mode = 'deduct' \
                     ORDER BY until_at, id");
    HAS_PAYING = "SELECT 1 FROM vouchers WHERE contract = ?1 AND mode = 'deduct' LIMIT 1";
    WAITING = concat!("SELECT ", voucher!(columns), " FROM vouchers WHERE programme = ?1 AND state = 'waiting' ORDER BY id");
    OVER = concat!("SELECT ", voucher!(columns), " FROM vouchers \
                   WHERE state IN ('active', 'waiting') AND closes_at <= ?1 ORDER BY closes_at, id LIMIT ?2");
    TAKEN = "SELECT CAST(COALESCE(SUM(face_micro_cny), 0) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN state <> 'revoked' THEN amount_micro_cny END), 0) AS BIGINT) FROM vouchers \
             WHERE programme = ?1 AND tenant = ?2";
    SET = "UPDATE vouchers SET state = ?2, from_at = ?3, ended_at = ?4, reason = ?5 WHERE id = ?1";
    PAID = "SELECT base_micro_cny, redeemed_micro_cny, entries FROM voucher_bases WHERE voucher = ?1";
    SET_PAID = "INSERT INTO voucher_bases (voucher, base_micro_cny, redeemed_micro_cny, entries) VALUES (?1, ?2, ?3, ?4) \
                ON CONFLICT (voucher) DO UPDATE SET base_micro_cny = excluded.base_micro_cny, \
                redeemed_micro_cny = excluded.redeemed_micro_cny, entries = excluded.entries";
    POOL_OF_RUN = "SELECT n.pool FROM runs r JOIN nodes n ON n.id = substr(r.placement, 1, 16) WHERE r.id = ?1";
    MOVED = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfers WHERE key >= ?1 AND key < ?2";
}

pub fn insert_programme(tx: &Tx, programme: &Programme) -> Result<(), StoreError> {
    programme.insert(tx, INSERT_PROGRAMME)
}

pub fn get_programme(tx: &Tx, id: ProgrammeId) -> Result<Programme, StoreError> {
    tx.get(GET_PROGRAMME, &id, Programme::read)
}

pub fn find_programme(tx: &Tx, slug: &str) -> Result<Option<Programme>, StoreError> {
    tx.find(FIND_PROGRAMME, params![slug], Programme::read)
}

/// Programmes, those of the latest year first.
pub fn list_programmes(tx: &Tx, limit: u32) -> Result<Vec<Programme>, StoreError> {
    tx.all(PROGRAMMES, params![limit], Programme::read)
}

pub fn insert_funding(tx: &Tx, funding: &Funding) -> Result<(), StoreError> {
    funding.insert(tx, INSERT_FUNDING)
}

pub fn get_funding(tx: &Tx, id: FundingId) -> Result<Funding, StoreError> {
    tx.get(GET_FUNDING, &id, Funding::read)
}

pub fn list_fundings(tx: &Tx, programme: ProgrammeId) -> Result<Vec<Funding>, StoreError> {
    tx.all(FUNDINGS, params![&programme], Funding::read)
}

/// Keeps a decision; `false` where it was decided before.
pub fn decide_funding(tx: &Tx, funding: &Funding) -> Result<bool, StoreError> {
    let Funding { id, state, decided_by, decided_at, note, .. } = funding;
    Ok(tx.changed(DECIDE_FUNDING, params![id, state.code(), decided_by, *decided_at, note])? > 0)
}

/// All that was put into a pot.
pub fn funded(tx: &Tx, programme: ProgrammeId) -> Result<MicroCny, StoreError> {
    tx.one(FUNDED, params![&programme], |row| row.get(0))
}

pub fn insert(tx: &Tx, voucher: &Voucher) -> Result<(), StoreError> {
    voucher.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: VoucherId) -> Result<Voucher, StoreError> {
    tx.get(GET, &id, Voucher::read)
}

pub fn find(tx: &Tx, number: &str) -> Result<Option<Voucher>, StoreError> {
    tx.find(FIND, params![number], Voucher::read)
}

/// The last number that begins so, and comes before `end`.
pub fn last_number(tx: &Tx, prefix: &str, end: &str) -> Result<Option<String>, StoreError> {
    tx.find(LAST_NUMBER, params![prefix, end], |row| row.get(0))
}

/// The newest vouchers that are older than `after`.
pub fn list(
    tx: &Tx,
    tenant: Option<TenantId>,
    programme: Option<ProgrammeId>,
    after: Option<VoucherId>,
    limit: u32,
) -> Result<Vec<Voucher>, StoreError> {
    tx.all(LIST, params![&tenant, &programme, &after, limit], Voucher::read)
}

/// All vouchers, in the order in which they were granted.
pub fn list_all(tx: &Tx) -> Result<Vec<Voucher>, StoreError> {
    tx.all(ALL, params![], Voucher::read)
}

/// The vouchers of a contract that are deducted at once, in the order in which they pay: the one that ends first comes first.
pub fn paying(tx: &Tx, contract: ContractId) -> Result<Vec<Voucher>, StoreError> {
    tx.all(PAYING, params![&contract], Voucher::read)
}

/// All vouchers of a contract.
pub fn of_contract(tx: &Tx, contract: ContractId) -> Result<Vec<Voucher>, StoreError> {
    tx.all(OF_CONTRACT, params![&contract], Voucher::read)
}

/// Whether a contract ever had a voucher that is deducted at once.
pub fn has_paying(tx: &Tx, contract: ContractId) -> Result<bool, StoreError> {
    Ok(tx.find(HAS_PAYING, params![&contract], |_| Ok(()))?.is_some())
}

/// The vouchers that wait for a pot, in the order in which they were granted.
pub fn waiting(tx: &Tx, programme: ProgrammeId) -> Result<Vec<Voucher>, StoreError> {
    tx.all(WAITING, params![&programme], Voucher::read)
}

/// Vouchers whose end has come by an instant, that are not over yet.
pub fn over(tx: &Tx, by: Timestamp, limit: u32) -> Result<Vec<Voucher>, StoreError> {
    tx.all(OVER, params![by, limit], Voucher::read)
}

/// The faces that a tenant got of a programme, and the amounts for which it asked and has vouchers.
pub fn taken(tx: &Tx, programme: ProgrammeId, tenant: TenantId) -> Result<(MicroCny, MicroCny), StoreError> {
    tx.one(TAKEN, params![&programme, &tenant], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Keeps where a voucher stands.
pub fn set_state(tx: &Tx, voucher: &Voucher) -> Result<(), StoreError> {
    let Voucher { id, state, from_at, ended_at, reason, .. } = voucher;
    tx.execute(SET, params![id, state.code(), *from_at, *ended_at, reason])
}

/// How far a voucher has paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// The charges of which it pays a share, less what was given back of them.
    pub base: MicroCny,
    /// What it has paid, less what it took back.
    pub redeemed: MicroCny,
    /// By how many entries.
    pub entries: i64,
}

pub fn paid(tx: &Tx, voucher: VoucherId) -> Result<Paid, StoreError> {
    let read = |row: Row<'_>| Ok(Paid { base: row.get(0)?, redeemed: row.get(1)?, entries: row.get(2)? });
    Ok(tx.find(PAID, params![&voucher], read)?.unwrap_or_default())
}

pub fn set_paid(tx: &Tx, voucher: VoucherId, paid: Paid) -> Result<(), StoreError> {
    tx.execute(SET_PAID, params![&voucher, paid.base, paid.redeemed, paid.entries])
}

/// The pool of a run's first node.
pub fn pool_of_run(tx: &Tx, run: &Run) -> Result<Option<PoolId>, StoreError> {
    tx.find(POOL_OF_RUN, params![&run.id], |row| row.get(0))
}

/// How much was moved under keys that begin so.
pub fn moved(tx: &Tx, prefix: &str) -> Result<MicroCny, StoreError> {
    // `0` comes right after `/`.
    let end = format!("{}0", prefix.strip_suffix('/').unwrap_or(prefix));
    tx.one(MOVED, params![prefix, end.as_str()], |row| row.get(0))
}
