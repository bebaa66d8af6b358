//! All that may happen to a center.

mod budgets;

use std::{path::PathBuf, sync::Arc};

use base::{
    auth::Caller,
    error::{AppError, chain},
    moment,
};
use center::{
    app,
    app::contracts::{TopUp, term},
    center::Center,
    correction::ask::{self as corrections, Decision, NewCorrection},
    loops::{meter, plan, watch},
    period::ask as periods,
    voucher::keep,
};
use domain::{
    ContractId, ContractState, CorrectionId, JobSpec, Millis, ServiceClass, Timestamp, Zone,
    contract::ContractKind,
    ledger::{Account, CorrectionKind},
    run::StopCause,
};
use engines::Exit;
use store::ledger;
use testkit::Dice;
use tokio::runtime::Runtime;

use crate::{
    books::{self, Seen},
    hall::Hall,
    scene::{BEGINNING, Template, caller, contracts, open, publish, runtime, set_clock},
    told::Told,
    vouchers,
};

pub struct World {
    center: Option<Center>,
    pub seen: Seen,
    hall: Arc<Hall>,
    database: PathBuf,
    runtime: Runtime,
    operator: Caller,
    dice: Dice,
    now: Timestamp,
    zone: &'static Zone,
    /// The references of payments, with their contracts and amounts.
    paid: Vec<(String, ContractId, i64)>,
    proposed: Vec<CorrectionId>,
    looked: Option<term::Looked>,
    told: Told,
    _folder: tempfile::TempDir,
}

// The acts of a step are alike, also those that nothing refuses.
#[allow(clippy::unnecessary_wraps)]
impl World {
    pub fn new(template: &Template, seed: u64) -> Self {
        let folder = tempfile::tempdir_in(template.folder.path()).expect("a folder");
        let database = folder.path().join("center.db");
        std::fs::copy(&template.file, &database).expect("a copy");
        let now: Timestamp = BEGINNING.parse().expect("an instant");
        let now = now.plus(Millis::from_hours(1));
        set_clock(now);
        let hall = Arc::new(Hall::default());
        let center = open(&database, &hall);
        let operator = caller(&center, "operator");
        let zone = center.settings.time_zone;
        Self {
            center: Some(center),
            seen: Seen::default(),
            hall,
            database,
            runtime: runtime(),
            operator,
            dice: Dice::new(seed),
            now,
            zone,
            paid: Vec::new(),
            proposed: Vec::new(),
            looked: None,
            told: Told::default(),
            _folder: folder,
        }
    }

    pub fn center(&self) -> &Center {
        self.center.as_ref().expect("it is open")
    }

    pub fn play(mut self, steps: u32) -> Told {
        let zone = self.zone;
        for step in 1..=steps {
            let what = self.step();
            let failing = self.center().loops.list(moment::now()).into_iter().find(|one| one.failures > 0);
            assert!(failing.is_none(), "step {step}, {what}: {failing:?}");
            let contract = (step < steps).then(|| self.contract().0);
            books::assert_right(&mut self, zone, contract);
            if step % 25 == 0 {
                app::roots::seal(self.center()).expect("all is sealed");
                books::assert_sealed(&self.center().store);
            }
        }
        self.count();
        self.told
    }

    /// Counts what came about by itself.
    fn count(&mut self) {
        let (events, transfers) = self
            .center()
            .store
            .read(|tx| {
                let mut events = Vec::new();
                for contract in store::contracts::list_contracts(tx, None)? {
                    events.extend(store::contracts::list_contract_events(tx, contract.id)?);
                }
                Ok::<_, store::StoreError>((events, ledger::list_transfers(tx, None, 0, u32::MAX)?))
            })
            .expect("they are read");
        let kinds = |tx: &store::Tx| store::events::list_after(tx, 0, None, None, u32::MAX);
        let all = self.center().store.read(kinds).expect("events");
        let is_told = |name: &str, code: &str| {
            let of = |event: &&store::events::Event| {
                event.event.data["outcome"] == code || event.event.kind == name
            };
            all.iter().filter(of).count()
        };
        let (alerts, budget_ended) = (is_told("budget_alert", "-"), is_told("-", "budget_ended"));
        let of = |cause: &str| transfers.iter().filter(|row| row.transfer.cause.code() == cause).count();
        let counted = |count: usize| u32::try_from(count).expect("it is small");
        (self.told.alerts, self.told.budget_ended) = (counted(alerts), counted(budget_ended));
        self.told.exhausted =
            counted(events.iter().filter(|event| event.to == ContractState::Exhausted).count());
        (self.told.forfeited, self.told.terms) = (counted(of("forfeiture")), counted(of("term")));
        (self.told.redeemed, self.told.issued) = (counted(of("redemption")), counted(of("issue")));
        self.told.taken_back = counted(of("redemption_reversal"));
        self.told.returned = counted(of("return"));
        self.told.booked = CorrectionKind::ALL.map(|kind| counted(of(kind.code())));
    }

    /// Something happens. Refusals are as good as acts; a fault of the center's own is not.
    fn step(&mut self) -> &'static str {
        let by = self.below(60_000);
        self.pass(Millis(by));
        let (what, done) = match self.dice.below(31) {
            0..3 => ("pay", self.pay()),
            3 => ("pay again", self.pay_again()),
            4..8 => ("submit", self.submit()),
            8 => ("start", self.start()),
            9..11 => ("end", self.end()),
            11 => ("lose", self.lose()),
            12 => ("preempt", self.preempt()),
            13..17 => ("correct", self.correct()),
            17 => ("decide", self.decide()),
            18..20 => ("close", self.close()),
            20 => ("silence", self.fall_silent()),
            21 => ("act", self.act()),
            22 => ("price", self.publish()),
            23 => ("restart", self.restart()),
            24 => ("voucher", self.touch_vouchers()),
            25..28 => ("budget", self.budget()),
            _ => {
                self.let_time_pass();
                ("time", Ok(()))
            }
        };
        if let Err(error) = done {
            let is_fault =
                matches!(error, AppError::Internal(_) | AppError::Stopping | AppError::TooMany { .. });
            assert!(!is_fault, "{what}: {}", chain(&error));
            self.told.refused += 1;
        }
        if self.dice.below(3) > 0 {
            self.loops();
        }
        what
    }

    /// A turn of each loop.
    fn loops(&mut self) {
        let center = self.center().clone();
        if self.dice.below(2) == 0 {
            for (id, _) in self.hall.alive() {
                self.hall.start(id);
            }
        }
        let all = center.live().runs().map(|known| known.run.id).collect();
        watch::look(&center, &all);
        let now = moment::now();
        meter::step(&center, now, self.dice.below(2) == 0);
        let looked = self.looked.take().unwrap_or_default();
        self.looked = Some(term::keep(&center, now, looked).expect("the passing of terms is booked"));
        keep::expire(&center, now);
        plan::once(&center);
    }

    /// A pot gets money, or a voucher is taken back.
    fn touch_vouchers(&mut self) -> Result<(), AppError> {
        let (fund, which) = (self.dice.below(2) == 0, self.dice.below(8));
        let amount = 1 + self.below(100_000_000);
        vouchers::touch(self.center(), fund, usize::try_from(which).expect("it is small"), amount)
    }

    fn below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.dice.below(bound)).expect("it is small")
    }

    fn pass(&mut self, by: Millis) {
        self.now = self.now.plus(by);
        set_clock(self.now);
    }

    fn let_time_pass(&mut self) {
        let to_month_end = self.zone.bounds(self.zone.month(self.now)).1.since(self.now);
        let by = match self.dice.below(8) {
            0..4 => Millis::from_hours(1 + self.below(30)),
            4..6 => Millis::from_hours(24 * 5),
            // A moment before a month ends, and a moment after it.
            6 => Millis((to_month_end.0 - 2_000).max(0)),
            _ => Millis(to_month_end.0 + 2_000),
        };
        self.pass(by);
    }

    /// One of the contracts: its id, number and kind.
    fn contract(&mut self) -> (ContractId, String, ContractKind) {
        let live = self.center().live();
        let all: Vec<_> = live
            .contracts()
            .map(|known| (known.contract.id, known.contract.number.clone(), known.contract.kind))
            .collect();
        drop(live);
        self.dice.pick(&all).clone()
    }

    fn pay(&mut self) -> Result<(), AppError> {
        let (mut id, _, mut kind) = self.contract();
        if !matches!(kind, ContractKind::Metered { .. }) {
            // Most are paid for those that live on it.
            (id, _, kind) = self.contract();
        }
        let amount = 1 + self.below(200_000_000);
        let gives_time = match kind {
            ContractKind::Grant { .. } => true,
            ContractKind::Prepaid { .. } => self.dice.below(2) == 0,
            ContractKind::Metered { .. } | ContractKind::Reserved { .. } => self.dice.below(16) == 0,
        };
        let reference = format!("ICBC-{}", self.paid.len());
        let card_ms = if gives_time { amount / 10 } else { 0 };
        let amount_micro_cny = if gives_time { 0 } else { amount };
        let top_up = TopUp { amount_micro_cny, card_ms, reference: reference.clone(), ..TopUp::default() };
        self.runtime.block_on(app::contracts::top_up(
            self.center(),
            &self.operator,
            &id.to_string(),
            top_up,
        ))?;
        self.paid.push((reference.to_lowercase(), id, amount_micro_cny));
        self.told.payments += 1;
        Ok(())
    }

    /// A reference that was used: the same payment changes nothing, another is refused.
    fn pay_again(&mut self) -> Result<(), AppError> {
        if self.paid.is_empty() {
            return Ok(());
        }
        let (reference, id, amount_micro_cny) = self.dice.pick(&self.paid).clone();
        let more = self.below(2);
        let top_up = TopUp { amount_micro_cny: amount_micro_cny + more, reference, ..TopUp::default() };
        let id = id.to_string();
        let asked = app::contracts::top_up(self.center(), &self.operator, &id, top_up);
        assert!(!self.runtime.block_on(asked)?.booked, "it is booked twice");
        Ok(())
    }

    fn submit(&mut self) -> Result<(), AppError> {
        let (_, number, _) = self.contract();
        let slug = contracts().into_iter().find(|(known, ..)| *known == number).expect("it is known").1;
        let developer = caller(self.center(), slug);
        let spec = JobSpec {
            name: "job".into(),
            script: "#!/bin/sh\n".into(),
            project: Some(number.to_lowercase()),
            nodes: 1,
            cards_per_node: *self.dice.pick(&[1, 2, 4, 8]),
            service_class: *self.dice.pick(&[ServiceClass::Normal, ServiceClass::Urgent, ServiceClass::Spot]),
            time_limit_ms: Some(Millis::from_hours(*self.dice.pick(&[1, 24, 24 * 20]))),
            ..JobSpec::default()
        };
        self.runtime.block_on(app::jobs::submit(self.center(), &developer, spec, None))?;
        plan::once(self.center());
        self.told.jobs += 1;
        Ok(())
    }

    /// A run of the hall that is not over.
    fn run(&mut self) -> Option<domain::RunId> {
        let alive = self.hall.alive();
        if alive.is_empty() { None } else { Some(self.dice.pick(&alive).0) }
    }

    fn start(&mut self) -> Result<(), AppError> {
        if let Some(id) = self.run() {
            self.hall.start(id);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), AppError> {
        if let Some(id) = self.run() {
            let how = [
                Exit::Code(0),
                Exit::Code(3),
                Exit::Signal(9),
                Exit::TimedOut,
                Exit::MachineLost,
                Exit::Preempted,
            ];
            self.hall.end(id, self.dice.pick(&how).clone());
            self.told.ended += 1;
        }
        Ok(())
    }

    fn lose(&mut self) -> Result<(), AppError> {
        if let Some(id) = self.run() {
            let ago = Millis(self.below(1 << 30));
            self.hall.lose(id, ago);
            self.told.lost += 1;
        }
        Ok(())
    }

    fn preempt(&mut self) -> Result<(), AppError> {
        let center = self.center().clone();
        let all: Vec<domain::RunId> = center.live().runs().map(|known| known.run.id).collect();
        if !all.is_empty() {
            app::runs::stopping::stop(&center, vec![*self.dice.pick(&all)], StopCause::Preempted);
            self.told.preempted += 1;
        }
        Ok(())
    }

    /// A subject for a correction: a month, a run or an entry that was charged, or the contract.
    fn subject(&mut self, id: ContractId, number: &str, kind: CorrectionKind) -> String {
        if !matches!(kind, CorrectionKind::CreditNote | CorrectionKind::Allowance) {
            return number.to_owned();
        }
        let read = move |tx: &store::Tx| ledger::list_transfers(tx, Some(id), 0, u32::MAX);
        let entries = self.center().store.read(read).expect("entries");
        let charges: Vec<_> =
            entries.iter().filter(|row| row.transfer.debit == Account::Contract(id)).collect();
        if charges.is_empty() || self.dice.below(4) == 0 {
            return self.zone.month(self.now).to_string();
        }
        let charge = *self.dice.pick(&charges);
        match (self.dice.below(3), charge.transfer.cause.run()) {
            (0, Some(run)) => run.to_string(),
            (1, _) => self.zone.month(charge.transfer.at).to_string(),
            _ => charge.seq.to_string(),
        }
    }

    fn correct(&mut self) -> Result<(), AppError> {
        let kind = *self.dice.pick(&CorrectionKind::ALL);
        let (mut id, mut number, _) = self.contract();
        if kind == CorrectionKind::WriteOff {
            let live = self.center().live();
            let owes = live.contracts().find(|known| known.balance.money_balance.0 < 0);
            if let Some(known) = owes {
                (id, number) = (known.contract.id, known.contract.number.clone());
            }
        }
        let (_, other, _) = self.contract();
        let balance = self.center().live().contract(id).map_or(0, |known| known.balance.money_balance.0);
        let mut amount = match self.dice.below(3) {
            0 => balance.abs(),
            1 => 1 + self.below(1_000_000),
            _ => balance.abs() / 2 + 1,
        };
        let mut corrects = self.subject(id, &number, kind);
        if kind == CorrectionKind::Reversal && !self.paid.is_empty() {
            (corrects, id, amount) = self.dice.pick(&self.paid).clone();
            let live = self.center().live();
            number.clone_from(&live.contract(id).expect("it is known").contract.number);
        }
        // One in sixteen was used before.
        let reference = format!(
            "OUT-{}",
            self.proposed.len() - usize::from(self.dice.below(16) == 0).min(self.proposed.len())
        );
        let new = NewCorrection {
            kind: kind.code().into(),
            contract: number,
            to_contract: (kind == CorrectionKind::Transfer).then_some(other),
            amount_micro_cny: amount,
            corrects,
            reason: "typed wrongly".into(),
            reference: if kind == CorrectionKind::PayOut { reference } else { String::new() },
        };
        let view = self.runtime.block_on(corrections::propose(self.center(), &self.operator, new))?;
        self.proposed.push(view.id);
        if self.dice.below(4) > 0 { self.decide() } else { Ok(()) }
    }

    /// Decides one that was proposed, or was decided already.
    fn decide(&mut self) -> Result<(), AppError> {
        let at = self.proposed.len() - self.proposed.len().min(3);
        if self.proposed.is_empty() {
            return Ok(());
        }
        let id = self.dice.pick(&self.proposed[at..]).to_string();
        let decision = Decision { book: self.dice.below(5) > 0, note: "looked at".into() };
        let asked = corrections::decide(self.center(), &self.operator, &id, decision);
        self.runtime.block_on(asked).map(drop)
    }

    /// Closes the next month, if it has ended.
    fn close(&mut self) -> Result<(), AppError> {
        let months = self.runtime.block_on(periods::list(self.center(), &self.operator))?;
        let open: Vec<String> = months
            .into_iter()
            .filter(|period| period.closed_at.is_none())
            .map(|period| period.month)
            .collect();
        let Some(next) = open.last() else { return Ok(()) };
        self.hall.speak();
        let center = self.center().clone();
        let all = center.live().runs().map(|known| known.run.id).collect();
        watch::look(&center, &all);
        self.runtime.block_on(periods::close(&center, &self.operator, next))?;
        self.told.closings += 1;
        Ok(())
    }

    fn fall_silent(&mut self) -> Result<(), AppError> {
        if self.dice.below(2) == 0 {
            self.hall.fall_silent();
        } else {
            self.hall.speak();
        }
        Ok(())
    }

    /// A contract is paused or goes on; seldom it is terminated.
    fn act(&mut self) -> Result<(), AppError> {
        let (id, ..) = self.contract();
        let often = ["suspend", "resume", "resume"];
        let action = if self.dice.below(12) == 0 { "terminate" } else { *self.dice.pick(&often) };
        let id = id.to_string();
        let asked = app::contracts::act(self.center(), &self.operator, &id, action, "test");
        self.runtime.block_on(asked).map(drop)
    }

    fn publish(&mut self) -> Result<(), AppError> {
        let yuan = 1 + self.below(400);
        self.runtime.block_on(publish(self.center(), &self.operator, yuan))
    }

    /// The center's process ends and another takes up what was going on.
    fn restart(&mut self) -> Result<(), AppError> {
        self.center = None;
        self.looked = None;
        self.center = Some(open(&self.database, &self.hall));
        self.told.restarts += 1;
        Ok(())
    }
}
