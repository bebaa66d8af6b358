//! The evidence of a claim: what metering says of the month, taken from the statement that was given out, and what the tenant
//! declares.

use std::collections::BTreeMap;

use base::{error::AppError, refusal::VoucherRefusal as Why};
use center::app::statements::Statement;
use domain::{CardMs, MicroCny, Month};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    periods::{self, Frozen},
    pools,
    vouchers::Voucher,
};

use super::rule::refused;

/// Causes of lines that a voucher pays a share of, where they are of runs in its pools.
const OF_RUNS: [&str; 3] = ["use", "refund", "waiver"];
/// Causes of lines that are the whole contract's.
const OF_CONTRACT: [&str; 3] = ["term", "credit_note", "allowance"];
const HOUR_MS: i128 = 3_600_000;

/// Use of the cards of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelUse {
    pub card_model: String,
    pub card_ms: CardMs,
    /// Thousandths of a PFLOPS·h (FP16, dense), rounded down.
    pub mpflops_hours: i64,
}

/// What a claim rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// The SHA-256 of the statement, in hexadecimal digits.
    pub statement_sha256: String,
    pub eligible_micro_cny: MicroCny,
    pub used: Vec<ModelUse>,
    /// As declared: number of the invoice, proof of the payment, and that buyer and seller are unrelated.
    pub invoice_no: String,
    pub payment_proof: String,
    pub is_unrelated: bool,
    /// Who declared it: a login.
    pub declared_by: String,
}

/// The figures of a month for a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub statement: String,
    pub sha256: String,
    pub eligible: MicroCny,
    pub used: Vec<ModelUse>,
}

/// Computes the figures of a closed month from the statement's bytes.
pub fn figures(tx: &Tx, voucher: &Voucher, month: Month) -> Result<Figures, AppError> {
    let frozen = periods::find_statement(tx, voucher.contract, month)?;
    let Frozen { number, body, sha256, .. } = frozen.ok_or_else(|| refused(Why::MonthNotClosed))?;
    let statement: Statement = serde_json::from_str(&body).map_err(AppError::internal)?;
    let of_voucher = pools::list_pools(tx)?.into_iter().filter(|pool| voucher.pools.contains(&pool.id));
    let models: BTreeMap<String, domain::CardModel> =
        of_voucher.map(|pool| (pool.name, pool.model)).collect();
    let (mut eligible, mut by_model) = (0, BTreeMap::<&str, (i64, u32)>::new());
    for line in &statement.lines {
        let model = line.pool.as_ref().and_then(|pool| models.get(pool));
        match model {
            Some(model) if OF_RUNS.contains(&line.cause.as_str()) => {
                eligible -= line.micro_cny.0;
                let used = by_model.entry(&model.name).or_insert((0, model.fp16_tflops));
                used.0 -= line.card_ms.0;
            }
            _ if OF_CONTRACT.contains(&line.cause.as_str()) => eligible -= line.micro_cny.0,
            _ => {}
        }
    }
    let used = by_model.into_iter().map(|(card_model, (card_ms, tflops))| {
        let tflops_hours = i128::from(card_ms) * i128::from(tflops) / HOUR_MS;
        ModelUse {
            card_model: card_model.to_owned(),
            card_ms: CardMs(card_ms),
            mpflops_hours: i64::try_from(tflops_hours).unwrap_or(i64::MAX),
        }
    });
    let sha256 = store::chain::hex(&sha256);
    Ok(Figures { statement: number, sha256, eligible: MicroCny(eligible.max(0)), used: used.collect() })
}
