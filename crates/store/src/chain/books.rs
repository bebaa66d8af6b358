//! Compares derived figures of the books with their sources: sums, charges, states, and the acts behind
//! entries.

use std::{collections::HashMap, ops::ControlFlow};

use domain::{
    AmendmentId, CardMs, ContractId, CorrectionId, JobId, MicroCny, ProjectId, RunId, Timestamp,
    ledger::Unit, metering::Metered,
};

use super::{
    compare::shown,
    encode::{Digest, sha256},
    invoiced,
    kinds::find,
    report::{Fault, FaultCode, Report},
};
use crate::{
    db::{Row, StoreError, Tx, params, statements},
    ledger::{self, Told},
};

/// How far a line of the audit log may be from the entry that it is about, in milliseconds.
const NEAR_MS: i64 = 60_000;

statements! { "jobs";
    WRONG_JOBS = "SELECT j.id, j.used_card_ms, j.charged_micro_cny, COALESCE(CAST(SUM(r.used_card_ms) AS BIGINT), 0), \
                  COALESCE(CAST(SUM(r.charged_micro_cny) AS BIGINT), 0) FROM jobs j LEFT JOIN runs r ON r.job = j.id \
                  GROUP BY j.id HAVING j.used_card_ms <> COALESCE(SUM(r.used_card_ms), 0) \
                  OR j.charged_micro_cny <> COALESCE(SUM(r.charged_micro_cny), 0)";
    USE_OF_JOBS = "SELECT project, CAST(SUM(used_card_ms) AS BIGINT), CAST(SUM(charged_micro_cny) AS BIGINT) FROM jobs \
                   GROUP BY project";
    USE_OF_DAYS = "SELECT project, CAST(SUM(used_card_ms) AS BIGINT), CAST(SUM(charged_micro_cny) AS BIGINT) \
                   FROM use_by_day GROUP BY project";
    HISTORY = "SELECT contract, from_state, to_state, seq FROM contract_events ORDER BY contract, seq";
    STATES = "SELECT id, state FROM contracts";
    STATEMENTS = "SELECT number, body, sha256 FROM statements";
    ACTS = "SELECT t.seq, t.id, c.id, c.number FROM transfers t \
            JOIN contracts c ON c.id = COALESCE(t.credit_contract, t.debit_contract) \
            WHERE t.cause IN ('top_up', 'package', 'fee')";
    UNFOUNDED = "SELECT t.seq, t.cause FROM transfers t WHERE t.cause IN ('reversal', 'pay_out', 'credit_note', 'transfer', \
                 'allowance', 'write_off') AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.state = 'booked' AND \
                 c.kind = t.cause AND ((c.amount_micro_cny = t.amount AND t.key = 'cor_' || lower(hex(c.id))) OR \
                 (t.unit = 'card_ms' AND t.key = 'cor_' || lower(hex(c.id)) || '/time' AND t.amount = \
                 (SELECT p.card_ms FROM payments p WHERE p.reference = c.corrects))))";
    UNBOOKED = "SELECT c.id FROM corrections c WHERE c.state = 'booked' AND NOT EXISTS \
                (SELECT 1 FROM transfers t WHERE t.key IN ('cor_' || lower(hex(c.id)), 'cor_' || lower(hex(c.id)) || '/time'))";
    // The terms of a contract are those of its newest version that is in force.
    OTHER_TERMS = "SELECT c.id, v.number FROM contracts c JOIN contract_versions v ON v.contract = c.id WHERE v.number = \
                   (SELECT MAX(w.number) FROM contract_versions w LEFT JOIN amendments a ON a.id = w.amendment \
                   WHERE w.contract = c.id AND (w.number = 1 OR a.state = 'in_force')) \
                   AND (c.kind <> v.kind OR c.ends_at <> v.ends_at OR c.queue <> v.queue)";
    UNAPPROVED = "SELECT v.number, v.contract FROM contract_versions v WHERE v.number > 1 AND NOT EXISTS \
                  (SELECT 1 FROM amendments a WHERE a.id = v.amendment AND a.contract = v.contract \
                  AND a.state IN ('approved', 'in_force', 'lapsed') AND a.decided_by IS NOT NULL \
                  AND a.from_at = v.from_at AND a.kind = v.kind AND a.ends_at = v.ends_at AND a.queue = v.queue)";
    UNMADE = "SELECT a.id FROM amendments a WHERE (a.state IN ('approved', 'in_force') OR a.from_at IS NOT NULL) \
              AND NOT EXISTS (SELECT 1 FROM contract_versions v WHERE v.amendment = a.id)";
    STRAY_RUNS = "SELECT r.id FROM runs r JOIN jobs j ON j.id = r.job WHERE r.contract <> j.contract OR r.tenant <> j.tenant";
    // What a job asks for is in two places: the columns are sealed, and runs are started by the other. Of jobs that have
    // ended the runs are what counts.
    OTHER_SPECS = "SELECT j.id, j.nodes, s.spec ->> 'nodes', j.cards_per_node, s.spec ->> 'cards_per_node', j.class, \
                   s.spec ->> 'service_class', j.time_limit_ms, s.spec ->> 'time_limit_ms' FROM jobs j \
                   JOIN job_specs s ON s.job = j.id WHERE j.ended_at IS NULL";
    FOREIGN = "SELECT found_at, kind, key, part FROM foreign_changes ORDER BY seq";
    // Money of pots and faces of vouchers have the row that says so, and the other way round.
    UNGRANTED = "SELECT t.seq, t.cause FROM transfers t WHERE (t.cause = 'funding' AND NOT EXISTS (SELECT 1 FROM fundings f \
                 WHERE f.state = 'booked' AND t.key = 'fnd_' || lower(hex(f.id)) AND t.amount = f.amount_micro_cny \
                 AND t.credit = 'pot:prg_' || lower(hex(f.programme)))) OR (t.cause = 'issue' AND NOT EXISTS \
                 (SELECT 1 FROM vouchers v WHERE t.key = 'vou_' || lower(hex(v.id)) || '/issue' \
                 AND t.amount = v.face_micro_cny AND t.at = v.from_at)) OR (t.cause IN ('reimbursement', 'recovery') \
                 AND NOT EXISTS (SELECT 1 FROM claims c WHERE t.amount = c.amount_micro_cny AND \
                 (c.state = 'recovered' OR (c.state = 'paid' AND t.cause = 'reimbursement')) AND \
                 t.key = 'vou_' || lower(hex(c.voucher)) || CASE t.cause WHEN 'recovery' THEN '/recovery/' ELSE '/claim/' END \
                 || c.number))";
    UNMOVED = "SELECT 'fundings', 'fnd_' || lower(hex(f.id)) FROM fundings f WHERE f.state = 'booked' AND NOT EXISTS \
               (SELECT 1 FROM transfers t WHERE t.key = 'fnd_' || lower(hex(f.id))) UNION ALL \
               SELECT 'vouchers', 'vou_' || lower(hex(v.id)) FROM vouchers v WHERE v.from_at IS NOT NULL AND NOT EXISTS \
               (SELECT 1 FROM transfers t WHERE t.key = 'vou_' || lower(hex(v.id)) || '/issue') UNION ALL \
               SELECT 'claims', c.number FROM claims c WHERE c.state IN ('paid', 'recovered') AND NOT EXISTS \
               (SELECT 1 FROM transfers t WHERE t.key = 'vou_' || lower(hex(c.voucher)) || '/claim/' || c.number)";
    UNPAID = "SELECT p.reference FROM payments p WHERE p.booked_by IS NOT NULL AND p.amount_micro_cny > 0 AND NOT EXISTS \
              (SELECT 1 FROM transfers t WHERE t.amount = p.amount_micro_cny AND t.cause = 'top_up' AND \
              t.key = 'con_' || lower(hex(p.contract)) || '/top-up/money/' || p.reference)";
    AUDITED = "SELECT 1 FROM audit WHERE id >= ?1 AND id < ?2 AND (subject = ?3 OR subject = ?4 OR \
               instr(detail, ?3) > 0 OR instr(detail, ?4) > 0) LIMIT 1";
}

fn told(zh: &str, en: &str) -> Told {
    Told { zh: zh.to_owned(), en: en.to_owned() }
}

fn fault(
    report: &mut Report,
    code: FaultCode,
    table: &str,
    id: String,
    field: &str,
    detail: impl Into<Told>,
) {
    let (table, field) = (table.to_owned(), Some(field.to_owned()).filter(|field| !field.is_empty()));
    report.fault(Fault { code, table, id, field, detail: detail.into(), link: None, sealed_at: None });
}

pub(super) fn verify(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    match ledger::verify(tx) {
        Ok(found) => {
            (report.transfers, report.runs) = (found.transfers, found.runs);
            for told in found.faults {
                report.whole(FaultCode::BooksDisagree, "transfers", told.told());
            }
        }
        Err(error) => report.whole(FaultCode::BooksDisagree, "transfers", error.to_string()),
    }
    foreign(tx, report)?;
    jobs(tx, report)?;
    specs(tx, report)?;
    days(tx, report)?;
    states(tx, report)?;
    versions(tx, report)?;
    statements(tx, report)?;
    invoiced::verify(tx, report)?;
    founded(tx, report)?;
    acts(tx, report)
}

/// Entries that put something right have their correction, and what was decided or paid has its entry.
fn founded(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    let code = FaultCode::BooksDisagree;
    tx.each(UNFOUNDED, params![], |row| {
        let detail = Told {
            zh: format!("没有与其金额相符的已入账更正（{}）", row.text(1)?),
            en: format!("no booked {} of this amount is its reason", row.text(1)?),
        };
        fault(report, code, "transfers", row.get::<i64>(0)?.to_string(), "", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNBOOKED, params![], |row| {
        let id: CorrectionId = row.get(0)?;
        fault(
            report,
            code,
            "corrections",
            id.to_string(),
            "",
            told("已入账，却没有分录", "it is booked and has no entry"),
        );
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNGRANTED, params![], |row| {
        let detail = Told {
            zh: format!("没有与其金额相符的券款、算力券或兑付申请（{}）", row.text(1)?),
            en: format!("no funding, voucher or claim of this amount is its reason ({})", row.text(1)?),
        };
        fault(report, code, "transfers", row.get::<i64>(0)?.to_string(), "", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNMOVED, params![], |row| {
        let table = row.text(0)?.to_owned();
        fault(
            report,
            code,
            &table,
            row.get(1)?,
            "",
            told("已生效，却没有分录", "it is in force and has no entry"),
        );
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNPAID, params![], |row| {
        fault(
            report,
            code,
            "payments",
            row.get(0)?,
            "",
            told("没有与其金额相符的分录", "it has no entry of its amount"),
        );
        Ok(ControlFlow::Continue(()))
    })
}

/// Rows that were changed past the center, whatever was sealed since.
fn foreign(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(FOREIGN, params![], |row| {
        let (found_at, name): (Timestamp, &str) = (row.get(0)?, row.text(1)?);
        let Some(kind) = find(name) else { return Ok(ControlFlow::Continue(())) };
        let key = [row.value(2)?, row.value(3)?];
        let detail = Told { zh: format!("发现于 {found_at}"), en: format!("found {found_at}") };
        let id = kind.show(&key[..kind.key.len()]);
        fault(report, FaultCode::ForeignChange, kind.table, id, "", detail);
        Ok(ControlFlow::Continue(()))
    })
}

/// A job's sums are those of its runs, which are on its contract.
fn jobs(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(STRAY_RUNS, params![], |row| {
        let (id, detail) =
            (row.get::<RunId>(0)?, told("不在其作业的合同上", "it is not on its job's contract"));
        fault(report, FaultCode::BooksDisagree, "runs", id.to_string(), "contract", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(WRONG_JOBS, params![], |row| {
        let id: JobId = row.get(0)?;
        let kept: (i64, i64) = (row.get(1)?, row.get(2)?);
        let due: (i64, i64) = (row.get(3)?, row.get(4)?);
        let sums = [
            ("used_card_ms", Unit::CardMs, kept.0, due.0),
            ("charged_micro_cny", Unit::MicroCny, kept.1, due.1),
        ];
        for (field, unit, kept, due) in sums {
            if kept != due {
                let detail = ledger::unlike_in(unit, kept, due, ["各次运行合计", "its runs have"]);
                fault(report, FaultCode::BooksDisagree, "jobs", id.to_string(), field, detail);
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// A job that waits or runs asks for what its columns say.
fn specs(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(OTHER_SPECS, params![], |row| {
        let id: JobId = row.get(0)?;
        for (field, place) in [("nodes", 1), ("cards_per_node", 3), ("class", 5), ("time_limit_ms", 7)] {
            let (kept, told) = (row.value(place)?, row.value(place + 1)?);
            if kept != told {
                let detail = format!("{} ≠ {}", shown(&told), shown(&kept));
                fault(report, FaultCode::BooksDisagree, "job_specs", id.to_string(), field, detail);
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The use of all days is that of all jobs, project by project.
fn days(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    let read = |row: Row<'_>| Ok((row.get::<ProjectId>(0)?, (row.get::<i64>(1)?, row.get::<i64>(2)?)));
    let of_jobs: HashMap<_, _> = tx.all(USE_OF_JOBS, params![], read)?.into_iter().collect();
    let of_days: HashMap<_, _> = tx.all(USE_OF_DAYS, params![], read)?.into_iter().collect();
    for project in of_jobs.keys().chain(of_days.keys().filter(|project| !of_jobs.contains_key(project))) {
        let sums = |all: &HashMap<ProjectId, (i64, i64)>| all.get(project).copied().unwrap_or_default();
        let (kept, due) = (sums(&of_days), sums(&of_jobs));
        if kept != due {
            let metered = |(used, charged)| Metered { used: CardMs(used), charged: MicroCny(charged) };
            let detail = ledger::unlike(metered(kept), metered(due), ["各作业合计", "its jobs have"]);
            fault(report, FaultCode::BooksDisagree, "use_by_day", project.to_string(), "", detail);
        }
    }
    Ok(())
}

/// A contract's state is the last of its history, which has no gaps.
fn states(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    let mut last: HashMap<ContractId, String> = HashMap::new();
    tx.each(HISTORY, params![], |row| {
        let (contract, from): (ContractId, &str) = (row.get(0)?, row.text(1)?);
        let before = last.insert(contract, row.get(2)?);
        if let Some(before) = before.filter(|before| before != from) {
            let (id, detail) = (row.get::<i64>(3)?.to_string(), format!("{from} ≠ {before}"));
            fault(report, FaultCode::BooksDisagree, "contract_events", id, "from_state", detail);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(STATES, params![], |row| {
        let id: ContractId = row.get(0)?;
        let state = row.text(1)?;
        if let Some(due) = last.get(&id).filter(|due| *due != state) {
            let detail = format!("{state} ≠ {due}");
            fault(report, FaultCode::BooksDisagree, "contracts", id.to_string(), "state", detail);
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// A contract's terms are those of its version in force, and each version but the first is an approved amendment.
fn versions(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    let code = FaultCode::BooksDisagree;
    tx.each(OTHER_TERMS, params![], |row| {
        let (id, number): (ContractId, i64) = (row.get(0)?, row.get(1)?);
        let detail = Told {
            zh: format!("与其第 {number} 版不符"),
            en: format!("they are not those of its version {number}"),
        };
        fault(report, code, "contracts", id.to_string(), "kind", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNAPPROVED, params![], |row| {
        let (number, contract): (i64, ContractId) = (row.get(0)?, row.get(1)?);
        let (id, detail) = (
            format!("{contract} @ {number}"),
            told("没有批准过与其条款相同的变更", "no approved amendment has these terms"),
        );
        fault(report, code, "contract_versions", id, "", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNMADE, params![], |row| {
        let id: AmendmentId = row.get(0)?;
        fault(
            report,
            code,
            "amendments",
            id.to_string(),
            "",
            told("已批准，却没有对应的版本", "it is approved and made no version"),
        );
        Ok(ControlFlow::Continue(()))
    })
}

/// A statement's bytes are those of its digest.
fn statements(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(STATEMENTS, params![], |row| {
        let digest: Digest = row.get(2)?;
        if sha256(row.text(1)?.as_bytes()) != digest {
            let detail = told("与其 SHA-256 不符", "it is not what its SHA-256 says");
            fault(report, FaultCode::BooksDisagree, "statements", row.get(0)?, "body", detail);
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Money that somebody moved has a line in the audit log.
fn acts(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    let mut without = Vec::new();
    tx.each(ACTS, params![], |row| {
        let (seq, made): (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
        let (contract, number): (ContractId, &str) = (row.get(2)?, row.text(3)?);
        let ms = made[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte));
        let bound = |ms: i64| domain::AuditId::new(Timestamp::from_millis(ms.max(0)), [0; 10]);
        let (from, until) = (bound(ms - NEAR_MS), bound(ms + NEAR_MS));
        let contract = contract.to_string();
        if tx.find(AUDITED, params![&from, &until, &contract, number], |_| Ok(()))?.is_none() {
            without.push(seq);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for seq in without {
        fault(report, FaultCode::WithoutAudit, "transfers", seq.to_string(), "", String::new());
    }
    Ok(())
}
