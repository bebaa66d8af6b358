//! The proof that vouchers paid what they may: pots and vouchers are followed entry by entry.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
};

use domain::{
    ContractId, MicroCny, Month, NodeId, PoolId, Run, RunId, VoucherId, Zone,
    ledger::{Account, Cause, CorrectionKind, Transfer, Unit},
    voucher::{Mode, VoucherCause, share_of},
};

use super::{
    fault::Fault,
    find_entry,
    report::LedgerReport,
    rows::{transfer_columns, transfer_row},
};
use crate::{
    corrections,
    db::{StoreError, Tx, params, statements},
    pools, runs, settings,
    vouchers::{self, Voucher},
};

statements! { "transfers";
    ALL = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE unit = 'micro_cny' ORDER BY seq");
}

/// What is known of vouchers while entries are followed.
struct Follow {
    of_contract: HashMap<ContractId, Vec<Voucher>>,
    pools: HashMap<NodeId, PoolId>,
    zone: Zone,
    left: BTreeMap<Account, i64>,
    bases: HashMap<VoucherId, i64>,
    redeemed: HashMap<VoucherId, i64>,
}

/// Follows every entry of money. Nothing is read where there never was a voucher or a pot.
pub(super) fn verify_vouchers(tx: &Tx, report: &mut LedgerReport) -> Result<(), StoreError> {
    let all = vouchers::list_all(tx)?;
    let has_programmes = !vouchers::list_programmes(tx, 1)?.is_empty();
    if all.is_empty() && !has_programmes {
        return Ok(());
    }
    let mut of_contract: HashMap<_, Vec<Voucher>> = HashMap::new();
    for voucher in all.iter().filter(|one| one.mode == Mode::Deduct) {
        of_contract.entry(voucher.contract).or_default().push(voucher.clone());
    }
    let mut follow = Follow {
        of_contract,
        pools: pools::pools_of_nodes(tx)?.into_iter().collect(),
        zone: settings::in_force(tx)?.get("time_zone").and_then(|text| text.parse().ok()).unwrap_or_default(),
        left: BTreeMap::new(),
        bases: HashMap::new(),
        redeemed: HashMap::new(),
    };
    tx.each(ALL, params![], |row| {
        let found = transfer_row(row)?;
        follow.entry(tx, found.seq, &found.transfer, report)?;
        Ok(ControlFlow::Continue(()))
    })?;
    for voucher in &all {
        let kept = vouchers::paid(tx, voucher.id)?;
        let of = |sums: &HashMap<VoucherId, i64>| MicroCny(sums.get(&voucher.id).copied().unwrap_or(0));
        let (base, redeemed) = (of(&follow.bases), of(&follow.redeemed));
        let id = voucher.id;
        if base != kept.base {
            wrong(report, Fault::Base { voucher: id, kept: kept.base, due: base });
        }
        if redeemed != kept.redeemed {
            wrong(report, Fault::Redeemed { voucher: id, kept: kept.redeemed, due: redeemed });
        }
        let most = share_of(base, voucher.rate_bp).min(voucher.face_micro_cny);
        if redeemed > most {
            wrong(report, Fault::Share { voucher: id, redeemed, most });
        }
    }
    Ok(())
}

fn wrong(report: &mut LedgerReport, fault: Fault) {
    report.vouchers_agree = false;
    report.fault(|| fault);
}

impl Follow {
    fn entry(
        &mut self,
        tx: &Tx,
        seq: i64,
        entry: &Transfer,
        report: &mut LedgerReport,
    ) -> Result<(), StoreError> {
        if entry.unit != Unit::MicroCny {
            return Ok(());
        }
        for (account, amount) in [(entry.debit, -entry.amount), (entry.credit, entry.amount)] {
            if matches!(account, Account::Pot(_) | Account::Voucher(_)) {
                let left = self.left.entry(account).or_default();
                *left += amount;
                if *left < 0 {
                    let left = MicroCny(*left);
                    wrong(report, Fault::BelowZero { entry: seq, account, left });
                }
            }
        }
        match entry.cause {
            Cause::Voucher(VoucherCause::Redemption | VoucherCause::RedemptionReversal) => {
                self.paid(entry);
                Ok(())
            }
            Cause::Use(run) | Cause::Refund(run) | Cause::Waiver(run) => {
                let amount = if entry.debit.contract().is_some() { entry.amount } else { -entry.amount };
                self.of_run(tx, run, |_| amount)
            }
            Cause::Correction(CorrectionKind::CreditNote | CorrectionKind::Allowance) => {
                self.given_back(tx, entry)
            }
            _ => Ok(()),
        }
    }

    fn paid(&mut self, entry: &Transfer) {
        // A voucher that is over takes back into its pot: whose entry it is, its key tells.
        let id = entry.key.split('/').next().and_then(|text| text.parse().ok());
        let sign = if entry.cause == Cause::Voucher(VoucherCause::Redemption) { 1 } else { -1 };
        if let Some(id) = id {
            *self.redeemed.entry(id).or_default() += sign * entry.amount;
        }
    }

    /// Adds to what the vouchers pay for that a run counts for, by what each has so far.
    fn of_run(&mut self, tx: &Tx, run: RunId, amount: impl Fn(i64) -> i64) -> Result<(), StoreError> {
        let Some(found) = runs::find_run(tx, run)? else { return Ok(()) };
        let run: &Run = &found.run;
        let Some(pool) = run.placement.0.first().and_then(|slot| self.pools.get(&slot.node)) else {
            return Ok(());
        };
        for voucher in self.of_contract.get(&run.contract).into_iter().flatten() {
            if voucher.counts(run, *pool) {
                let base = self.bases.entry(voucher.id).or_default();
                *base += amount(*base);
            }
        }
        Ok(())
    }

    fn given_back(&mut self, tx: &Tx, entry: &Transfer) -> Result<(), StoreError> {
        let (Some(contract), Ok(id)) = (entry.credit.contract(), entry.key.parse()) else { return Ok(()) };
        if !self.of_contract.contains_key(&contract) {
            return Ok(());
        }
        let text = corrections::get(tx, id)?.corrects;
        // No more than the voucher pays for.
        let less = |base: i64| -entry.amount.min(base.max(0));
        if let Ok(run) = text.parse::<RunId>() {
            return self.of_run(tx, run, less);
        }
        if let Ok(month) = text.parse::<Month>() {
            let (from, until) = self.zone.bounds(month);
            for voucher in self.of_contract.get(&contract).into_iter().flatten() {
                if voucher.from_at.is_some_and(|begin| begin < until) && from < voucher.until_at {
                    let base = self.bases.entry(voucher.id).or_default();
                    *base += less(*base);
                }
            }
            return Ok(());
        }
        let named = text.parse().ok().map(|seq| find_entry(tx, seq)).transpose()?.flatten();
        match named.and_then(|row| row.transfer.cause.run().copied()) {
            Some(run) => self.of_run(tx, run, less),
            None => Ok(()),
        }
    }
}
