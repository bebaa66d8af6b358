//! Compares the texts of contracts with their digests, the signatures with what they sign, and what became active with what was
//! signed.

use std::ops::ControlFlow;

use domain::{AmendmentId, ContractId, ContractTextId, SignatureId};

use super::{
    encode::{Digest, sha256},
    report::{Fault, FaultCode, Report},
};
use crate::{
    db::{StoreError, Tx, params, statements},
    ledger::Told,
    texts::signed_bytes,
};

statements! { "contract_texts";
    TEXTS = "SELECT id, zh, en, sha256 FROM contract_texts";
    OTHERS = "SELECT s.id FROM signatures s JOIN contract_texts t ON t.id = s.text WHERE s.sha256 <> t.sha256";
    // A person may be a member on either side, and speaks for one of them.
    BOTH_SIDES = "SELECT s.id FROM signatures s JOIN signatures o ON o.text = s.text AND o.side > s.side \
                  AND o.person = s.person";
    // No text is made of a contract that was active, so that its newest is the one that counted.
    UNSIGNED = "SELECT t.contract, t.version FROM contract_texts t WHERE t.amendment IS NULL \
                AND EXISTS (SELECT 1 FROM contract_events e WHERE e.contract = t.contract AND e.action = 'activate') \
                AND t.version = (SELECT MAX(o.version) FROM contract_texts o WHERE o.contract = t.contract \
                AND o.amendment IS NULL) AND (SELECT COUNT(*) FROM signatures s WHERE s.text = t.id) < 2";
    UNSIGNED_AMENDMENTS = "SELECT a.id FROM amendments a JOIN contract_texts t ON t.amendment = a.id \
                           WHERE a.from_at IS NOT NULL AND (SELECT COUNT(*) FROM signatures s WHERE s.text = t.id) < 2";
}

pub(super) fn verify(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(TEXTS, params![], |row| {
        let (id, digest): (ContractTextId, Digest) = (row.get(0)?, row.get(3)?);
        if sha256(signed_bytes(row.text(1)?, row.text(2)?).as_bytes()) != digest {
            let detail = told("与其 SHA-256 不符", "it is not what its SHA-256 says");
            fault(report, "contract_texts", id.to_string(), "zh", detail);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(OTHERS, params![], |row| {
        let detail = told("签署的不是该文本的 SHA-256", "what it signs is not the digest of its text");
        fault(report, "signatures", row.get::<SignatureId>(0)?.to_string(), "sha256", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(BOTH_SIDES, params![], |row| {
        let detail = told("同一人代表双方签署", "one person signed for both sides");
        fault(report, "signatures", row.get::<SignatureId>(0)?.to_string(), "person", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNSIGNED, params![], |row| {
        let (contract, version): (ContractId, i64) = (row.get(0)?, row.get(1)?);
        let detail = told(
            "合同已生效，双方却未都签署此文本",
            "the contract became active without both signatures on it",
        );
        fault(report, "contract_texts", format!("{contract} @ {version}"), "", detail);
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(UNSIGNED_AMENDMENTS, params![], |row| {
        let detail =
            told("已批准，双方却未都签署其文本", "it is approved without both signatures on its text");
        fault(report, "amendments", row.get::<AmendmentId>(0)?.to_string(), "", detail);
        Ok(ControlFlow::Continue(()))
    })
}

fn told(zh: &str, en: &str) -> Told {
    Told { zh: zh.to_owned(), en: en.to_owned() }
}

fn fault(report: &mut Report, table: &str, id: String, field: &str, detail: Told) {
    let (table, field) = (table.to_owned(), Some(field.to_owned()).filter(|field| !field.is_empty()));
    let code = FaultCode::BooksDisagree;
    report.fault(Fault { code, table, id, field, detail, link: None, sealed_at: None });
}
