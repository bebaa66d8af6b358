//! Operations on periods: listing the months of the books, showing one with its faults, and closing it.

use base::{auth::Caller, change::Changed, error::AppError, lookup::Names, moment};
use domain::{ContractId, Month, Rfc3339};
use serde::Serialize;
use serde_json::json;
use store::{StoreError, Tx, contracts, periods};

use super::{
    closing::{self, LastSeen, Missing},
    rule::{MANAGE, PeriodState, READ},
};
use crate::{
    app::{
        runs::news,
        statements::{self, Issuer, named_month},
    },
    center::Center,
};

/// A month of the books.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PeriodView {
    /// `YYYY-MM`, in the center's time zone.
    pub month: String,
    pub state: PeriodState,
    pub from: Rfc3339,
    /// Its end: the first instant of the next month.
    pub until: Rfc3339,
    pub closed_at: Option<Rfc3339>,
    /// The login of the one who closed it.
    pub closed_by: Option<String>,
    /// How many statements were frozen.
    pub statements: u64,
}

/// A month with what it lacks to be closed, or with its statements.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PeriodDetail {
    #[serde(flatten)]
    pub period: PeriodView,
    /// It has ended and all months before it are closed.
    pub is_next: bool,
    /// Faults to put right before it can be closed, 100 at most; only the next month to close is looked at.
    pub missing: Vec<Missing>,
    /// Its statements by number, once it is closed.
    pub given_out: Vec<FrozenView>,
}

/// A statement that was frozen.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FrozenView {
    pub number: String,
    pub contract_id: ContractId,
    /// The contract's number.
    pub contract: String,
    pub tenant_slug: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// The months of the books, the newest first.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<PeriodView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    let read = move |tx: &Tx| {
        let books = closing::books(tx, zone, now)?;
        let counts = periods::count_statements(tx)?;
        let open = books.open_months().into_iter().map(|month| Ok((month, None)));
        let closed = periods::list(tx)?.into_iter().map(|period| Ok((period.month, Some(period))));
        let mut names = Names::of(tx);
        open.chain(closed)
            .map(|each: Result<_, StoreError>| {
                let (month, closed) = each?;
                let (from, until) = statements::bounds(tx, zone, month)?;
                let closed_by = closed.as_ref().map(|period| names.login(period.closed_by)).transpose()?;
                Ok(PeriodView {
                    month: month.to_string(),
                    state: books.state(month),
                    from: from.into(),
                    until: until.into(),
                    closed_at: closed.map(|period| period.closed_at.into()),
                    closed_by,
                    statements: counts.get(&month).copied().unwrap_or(0),
                })
            })
            .collect()
    };
    center.read(read).await
}

/// One month: what it lacks to be closed, or its statements.
pub async fn show(center: &Center, caller: &Caller, month: &str) -> Result<PeriodDetail, AppError> {
    center.policies.check(caller, READ, None)?;
    let month = named_month(month)?;
    let found = list(center, caller).await?.into_iter().find(|period| period.month == month.to_string());
    let period = found.ok_or_else(|| AppError::not_found("period", month))?;
    let (zone, now, until) = (center.settings.time_zone, moment::now(), period.until.0);
    let seen = last_seen(center);
    let (is_next, missing, given_out) = center
        .read(move |tx| {
            let is_next = closing::books(tx, zone, now)?.may_close(month).is_ok();
            let missing = if is_next { closing::missing(tx, until, &seen)? } else { Vec::new() };
            Ok((is_next, missing, given_out(tx, month)?))
        })
        .await?;
    Ok(PeriodDetail { period, is_next, missing, given_out })
}

fn given_out(tx: &Tx, month: Month) -> Result<Vec<FrozenView>, StoreError> {
    let mut names = Names::of(tx);
    let mut view = |frozen: periods::Frozen| {
        let contract = contracts::get_contract(tx, frozen.contract)?;
        Ok(FrozenView {
            number: frozen.number,
            contract_id: contract.id,
            contract: contract.number,
            tenant_slug: names.tenant(contract.tenant)?.slug,
            sha256: store::chain::hex(&frozen.sha256),
        })
    };
    periods::list_statements(tx, month)?.into_iter().map(&mut view).collect()
}

/// When the engine last saw each run that has not ended.
fn last_seen(center: &Center) -> LastSeen {
    center.live().runs().map(|live| (live.run.id, live.seen_at)).collect()
}

/// Closes a month for ever.
pub async fn close(center: &Center, caller: &Caller, month: &str) -> Result<PeriodDetail, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let wanted = named_month(month)?;
    let issuer = Issuer::of(&center.settings);
    let (seen, by, now) = (last_seen(center), caller.member.id, moment::now());
    center
        .change(
            may,
            move |tx| {
                let closing = closing::close(tx, &issuer, wanted, by, now, &seen)?;
                let detail = json!({ "month": wanted, "statements": closing.statements });
                Ok(Changed::new(wanted, detail, closing))
            },
            |center, closing| {
                let now = moment::now();
                let mut live = center.live();
                for news::Posted { run, metered, parts } in &closing.metered {
                    live.run_metered(*run, *metered, parts, now);
                }
                for (id, balance) in &closing.balances {
                    live.balance_changed(*id, *balance);
                }
                drop(live);
                for event in closing.issued.iter().chain([&closing.event]) {
                    center.tell(event.clone());
                }
                center.compute.wakers.meter();
            },
        )
        .await?;
    show(center, caller, month).await
}
