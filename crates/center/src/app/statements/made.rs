//! A statement as it is made from the ledger: the balance before a month, every line that moved it, and the balance after.

use std::collections::BTreeMap;

use base::text::Text;
use domain::{
    CardMs, Contract, ContractId, JobId, MicroCny, Month, RatePerCardHour, Rfc3339, ServiceClass, Timestamp,
    Zone, contract::ContractKindName, ledger::Unit,
};
use serde::{Deserialize, Serialize};
use store::{
    StoreError, Tx,
    ledger::{self, By, EndedRuns, Group, Line},
    payments, periods, recent,
    tenants::get_tenant,
};

use super::face::{Due, Face, Fees, Issuer, Payer};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    /// The number under which it was given out, once its month is closed: `2026-11-0001`.
    pub number: Option<String>,
    pub contract_id: ContractId,
    /// The contract's number.
    pub contract: String,
    pub kind: ContractKindName,
    pub tenant_slug: String,
    /// The tenant's name, as contracts have it.
    pub tenant_name: Text,
    /// `YYYY-MM`, in `time_zone`.
    pub month: String,
    pub time_zone: String,
    pub from: Rfc3339,
    pub to: Rfc3339,
    /// When it was given out: as its month was closed.
    pub issued_at: Option<Rfc3339>,
    /// The month is closed: no byte of this ever changes.
    pub is_final: bool,
    /// The balance at the beginning of the month: credits less debits.
    pub opening: Balances,
    /// All that was posted in the month. The opening balance and all lines are the closing balance.
    pub lines: Vec<StatementLine>,
    /// The balance at the end of the month, or now.
    pub closing: Balances,
    /// The lines added up by cause.
    pub totals: Vec<CauseTotal>,
    /// Card time used, less what was given back and waived.
    pub used_card_ms: CardMs,
    /// The charge for that card time.
    pub charge_micro_cny: MicroCny,
    /// Runs that ended in the month, of those that had begun.
    pub ended_runs: u64,
    /// Who pays whom how much; statements that were given out by a program of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Face>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Balances {
    pub card_ms: CardMs,
    pub micro_cny: MicroCny,
}

impl Balances {
    fn plus(self, other: Self) -> Self {
        Self {
            card_ms: CardMs(self.card_ms.0.saturating_add(other.card_ms.0)),
            micro_cny: MicroCny(self.micro_cny.0.saturating_add(other.micro_cny.0)),
        }
    }
}

/// Entries of one cause, added up; those of runs by project, pool, service class and rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementLine {
    /// Why they were made, such as `top_up`, `package`, `fee`, `use`, `refund` or `waiver`.
    pub cause: String,
    /// The closed month that they correct, `YYYY-MM`.
    pub corrects: Option<String>,
    pub project: Option<String>,
    pub pool: Option<String>,
    pub service_class: Option<ServiceClass>,
    pub rate_micro_cny_per_card_hour: Option<RatePerCardHour>,
    /// Runs that ended in the month, of those that had begun; told with their use.
    pub ended_runs: u64,
    /// The amounts that the line adds to the balance; below zero where it takes from the balance.
    pub card_ms: CardMs,
    pub micro_cny: MicroCny,
}

/// All lines of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CauseTotal {
    pub cause: String,
    pub card_ms: CardMs,
    pub micro_cny: MicroCny,
}

/// The entries about runs that a statement's lines add up, job by job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StatementAnnex {
    /// The statement's number, once its month is closed.
    pub number: Option<String>,
    pub contract: String,
    pub tenant_slug: String,
    pub month: String,
    pub is_final: bool,
    pub lines: Vec<JobLine>,
    pub used_card_ms: CardMs,
    pub charge_micro_cny: MicroCny,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct JobLine {
    pub job: JobId,
    pub job_name: String,
    #[serde(flatten)]
    pub line: StatementLine,
}

/// The first instant of a month and that of the next. What is closed stays as it was closed, and the next month follows
/// it without a gap, whatever the time zone is now.
pub fn bounds(tx: &Tx, zone: &Zone, month: Month) -> Result<(Timestamp, Timestamp), StoreError> {
    if let Some(closed) = periods::find(tx, month)? {
        return Ok((closed.from, closed.until));
    }
    let (from, until) = zone.bounds(month);
    let last = periods::last(tx)?.filter(|last| last.month.next() == month);
    Ok((last.map_or(from, |last| last.until), until))
}

/// The statement of a contract for a month that is open.
pub fn make(tx: &Tx, issuer: &Issuer, contract: &Contract, month: Month) -> Result<Statement, StoreError> {
    let (from, until) = bounds(tx, &issuer.zone, month)?;
    let ended = ledger::ended_runs(tx, Some(contract.id), from, until, By::Project)?;
    make_with(tx, issuer, contract, month, ended)
}

/// [`make`] with the runs of the contract that ended in the month.
pub fn make_with(
    tx: &Tx,
    issuer: &Issuer,
    contract: &Contract,
    month: Month,
    ended: Vec<EndedRuns>,
) -> Result<Statement, StoreError> {
    let (from, until) = bounds(tx, &issuer.zone, month)?;
    let balance = |at| {
        let [card_ms, micro_cny] =
            [Unit::CardMs, Unit::MicroCny].map(|unit| recent::balance_at(tx, contract.id, unit, at));
        Ok::<_, StoreError>(Balances { card_ms: CardMs(card_ms?), micro_cny: MicroCny(micro_cny?) })
    };
    let lines = lines(ledger::lines_between(tx, contract.id, from, until, By::Project)?, ended);
    let lines: Vec<StatementLine> = lines.into_iter().map(|(_, line)| line).collect();
    let tenant = get_tenant(tx, contract.tenant)?;
    let used = of_runs(&lines);
    let (fees, closing) = (Fees::of(payments::fee_moves(tx, contract.id)?, from, until), balance(until)?);
    let face = Face {
        payer: Payer::of(&tenant),
        payee: issuer.payee.clone(),
        due: Due::of(fees.as_ref(), closing.micro_cny),
        fees,
    };
    Ok(Statement {
        number: None,
        contract_id: contract.id,
        contract: contract.number.clone(),
        kind: contract.kind.name(),
        tenant_slug: tenant.slug,
        tenant_name: Text { zh: tenant.name_zh, en: tenant.name_en },
        month: month.to_string(),
        time_zone: issuer.zone.name().to_owned(),
        from: from.into(),
        to: until.into(),
        issued_at: None,
        is_final: periods::find(tx, month)?.is_some(),
        opening: balance(from)?,
        closing,
        totals: totals(&lines),
        used_card_ms: CardMs(-used.card_ms.0),
        charge_micro_cny: MicroCny(-used.micro_cny.0),
        ended_runs: lines.iter().map(|line| line.ended_runs).sum(),
        lines,
        face: Some(face),
    })
}

/// The annex of a statement: its lines about runs, job by job.
pub fn annex(tx: &Tx, contract: &Contract, of: &Statement) -> Result<StatementAnnex, StoreError> {
    let (from, until) = (of.from.0, of.to.0);
    let ended = ledger::ended_runs(tx, Some(contract.id), from, until, By::Job)?;
    let made = lines(ledger::lines_between(tx, contract.id, from, until, By::Job)?, ended);
    let of_jobs = made.into_iter().filter_map(|(group, line)| {
        let (job, job_name) = group?.job?;
        Some(JobLine { job, job_name, line })
    });
    let lines: Vec<JobLine> = of_jobs.collect();
    Ok(StatementAnnex {
        number: of.number.clone(),
        contract: of.contract.clone(),
        tenant_slug: of.tenant_slug.clone(),
        month: of.month.clone(),
        is_final: of.is_final,
        used_card_ms: CardMs(-lines.iter().map(|line| line.line.card_ms.0).sum::<i64>()),
        charge_micro_cny: MicroCny(-lines.iter().map(|line| line.line.micro_cny.0).sum::<i64>()),
        lines,
    })
}

const USE: &str = "use";

/// The causes in the order in which a statement has them; those that are not named here follow by their codes.
const ORDER: [&str; 8] =
    ["top_up", "package", "fee", USE, "refund", "waiver", BY_VOUCHERS[0], BY_VOUCHERS[1]];

/// The causes by which vouchers pay and take back.
const BY_VOUCHERS: [&str; 2] = ["redemption", "redemption_reversal"];

/// The lines as a statement has them, with the runs that they are about: those of the month itself, then those that
/// correct closed months. Runs that ended without any use get a line of nothing.
fn lines(made: Vec<Line>, ended: Vec<EndedRuns>) -> Vec<(Option<Group>, StatementLine)> {
    let mut ended: BTreeMap<Group, u64> = ended.into_iter().map(|ended| (ended.group, ended.runs)).collect();
    let mut all: Vec<(Option<Group>, StatementLine)> = Vec::with_capacity(made.len());
    for Line { cause, corrects, group, used, amount } in made {
        let tells_runs = cause == USE && corrects.is_none();
        let runs = group.as_ref().filter(|_| tells_runs).and_then(|group| ended.remove(group));
        let line = line(cause, corrects, group.as_ref(), runs.unwrap_or(0));
        all.push((group, StatementLine { card_ms: used, micro_cny: amount, ..line }));
    }
    for (group, runs) in ended {
        let line = line(USE.to_owned(), None, Some(&group), runs);
        all.push((Some(group), line));
    }
    all.sort_by_cached_key(|(group, line)| {
        let place = ORDER.iter().position(|cause| *cause == line.cause).unwrap_or(ORDER.len());
        (line.corrects.clone(), place, line.cause.clone(), group.clone())
    });
    all
}

fn line(cause: String, corrects: Option<Month>, group: Option<&Group>, ended_runs: u64) -> StatementLine {
    StatementLine {
        cause,
        corrects: corrects.map(|month| month.to_string()),
        project: group.map(|group| group.project.clone()),
        pool: group.map(|group| group.pool.clone()),
        service_class: group.map(|group| group.class),
        rate_micro_cny_per_card_hour: group.map(|group| group.rate),
        ended_runs,
        card_ms: CardMs::ZERO,
        micro_cny: MicroCny::ZERO,
    }
}

fn totals(lines: &[StatementLine]) -> Vec<CauseTotal> {
    let mut totals: Vec<CauseTotal> = Vec::new();
    for StatementLine { cause, card_ms, micro_cny, .. } in lines {
        if let Some(total) = totals.iter_mut().find(|total| total.cause == *cause) {
            total.card_ms += *card_ms;
            total.micro_cny = MicroCny(total.micro_cny.0 + micro_cny.0);
        } else {
            totals.push(CauseTotal { cause: cause.clone(), card_ms: *card_ms, micro_cny: *micro_cny });
        }
    }
    totals
}

/// The sum of the lines about runs.
fn of_runs(lines: &[StatementLine]) -> Balances {
    lines
        .iter()
        .filter(|line| line.project.is_some())
        .fold(Balances::default(), |sum, line| sum.plus(line.moved()))
}

impl StatementLine {
    pub fn moved(&self) -> Balances {
        Balances { card_ms: self.card_ms, micro_cny: self.micro_cny }
    }
}

impl Statement {
    /// How much of the month's charges vouchers paid, less what they took back: nobody else owes it.
    pub fn by_vouchers(&self) -> MicroCny {
        let of_vouchers = |line: &&StatementLine| BY_VOUCHERS.contains(&line.cause.as_str());
        MicroCny(self.lines.iter().filter(of_vouchers).map(|line| line.micro_cny.0).sum())
    }

    /// Whether the opening balance and all lines are the closing balance, of the account and of the fee.
    pub fn adds_up(&self) -> bool {
        let fees = self.face.as_ref().and_then(|face| face.fees.as_ref());
        self.lines.iter().fold(self.opening, |sum, line| sum.plus(line.moved())) == self.closing
            && fees.is_none_or(Fees::add_up)
    }

    /// Gives it a number and the day until which it is paid.
    pub fn give_out(&mut self, number: String, now: Timestamp, issuer: &Issuer) {
        self.number = Some(number);
        self.issued_at = Some(now.into());
        if let Some(face) = &mut self.face {
            face.due.on = Some(issuer.due_on(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(project: &str) -> Group {
        Group {
            project: project.into(),
            pool: "ascend".into(),
            class: ServiceClass::Normal,
            rate: RatePerCardHour(MicroCny(5_000_000)),
            job: None,
        }
    }

    fn made(cause: &str, corrects: Option<&str>, project: Option<&str>, amount: i64) -> Line {
        Line {
            cause: cause.into(),
            corrects: corrects.map(|month| month.parse().unwrap()),
            group: project.map(group),
            used: CardMs(amount * 10),
            amount: MicroCny(amount),
        }
    }

    #[test]
    fn no_cause_is_dropped_and_corrections_come_last() {
        let ended = |project: &str, runs| EndedRuns {
            contract: ContractId::from_bytes([1; 16]),
            group: group(project),
            runs,
        };
        let all = lines(
            vec![
                made("refund", Some("2026-10"), Some("vision"), 3),
                made("reversal", None, None, -7),
                made("waiver", None, Some("vision"), 2),
                made("use", None, Some("vision"), -40),
                made("use", Some("2026-10"), Some("vision"), -1),
                made("top_up", None, None, 100),
            ],
            vec![ended("vision", 4), ended("idle", 1)],
        );
        let all: Vec<StatementLine> = all.into_iter().map(|(_, line)| line).collect();
        let told: Vec<_> = all
            .iter()
            .map(|line| {
                let [project, corrects] =
                    [&line.project, &line.corrects].map(|text| text.as_deref().unwrap_or("-"));
                (&*line.cause, project, corrects, line.ended_runs, line.micro_cny.0)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("top_up", "-", "-", 0, 100),
                ("use", "idle", "-", 1, 0),
                ("use", "vision", "-", 4, -40),
                ("waiver", "vision", "-", 0, 2),
                ("reversal", "-", "-", 0, -7),
                ("use", "vision", "2026-10", 0, -1),
                ("refund", "vision", "2026-10", 0, 3),
            ]
        );
        let by_cause: Vec<_> =
            totals(&all).into_iter().map(|total| (total.cause, total.micro_cny.0)).collect();
        assert_eq!(by_cause[1], ("use".to_owned(), -41));
        assert_eq!(by_cause.len(), 5);
        assert_eq!(of_runs(&all), Balances { card_ms: CardMs(-360), micro_cny: MicroCny(-36) });
    }
}
