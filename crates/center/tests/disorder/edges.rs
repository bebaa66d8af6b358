//! Where vouchers and balances end: to the instant, and under a thousand hands at once.

use std::sync::Arc;

use base::{
    approval::{
        Terms as Approval,
        keep::{Asker, New, draw_up},
    },
    error::AppError,
    moment,
};
use center::{
    app,
    center::Center,
    live::Live,
    loops::{meter, plan, watch},
    voucher::{keep, redeem},
};
use domain::{
    ContractState, JobSpec, MicroCny, Millis, Timestamp,
    ledger::{Account, Unit},
    voucher::VoucherState,
};
use store::{Tx, ledger, vouchers as rows};

use crate::{
    hall::Hall,
    scene::{BEGINNING, Template, caller, open, runtime, set_clock},
    vouchers,
};

const YUAN: i64 = 1_000_000;

/// A center with a job of M-1 on eight cards that runs from `begin` on.
fn running(template: &Template) -> (Center, Arc<Hall>, tempfile::TempDir, Timestamp) {
    let folder = tempfile::tempdir_in(template.folder.path()).expect("a folder");
    let database = folder.path().join("center.db");
    std::fs::copy(&template.file, &database).expect("a copy");
    let begin: Timestamp = BEGINNING.parse().expect("an instant");
    let begin = begin.plus(Millis::from_hours(1));
    set_clock(begin);
    let hall = Arc::new(Hall::default());
    let center = open(&database, &hall);
    let spec = JobSpec {
        name: "job".into(),
        script: "#!/bin/sh\n".into(),
        project: Some("m-1".into()),
        nodes: 1,
        cards_per_node: 8,
        time_limit_ms: Some(Millis::from_hours(24)),
        ..JobSpec::default()
    };
    let developer = caller(&center, "firm");
    runtime().block_on(app::jobs::submit(&center, &developer, spec, None)).expect("it is taken");
    plan::once(&center);
    for (id, _) in hall.alive() {
        hall.start(id);
    }
    look(&center);
    (center, hall, folder, begin)
}

fn look(center: &Center) {
    let all = center.live().runs().map(|known| known.run.id).collect();
    watch::look(center, &all);
}

fn contract(live: &Live) -> (domain::ContractId, ContractState, i64) {
    let known = live.contracts().find(|known| known.contract.number == "M-1").expect("it is there");
    (known.contract.id, known.contract.state, known.balance.money_balance.0)
}

/// 200 yuan, 800 yuan and a bit an hour: of the first 300 V-1 pays 90, its face; V-2 pays 60.01 % all the time.
pub fn a_run_lasts_as_long_as_its_balance_and_what_vouchers_pay(template: &Template) {
    let (center, hall, _folder, begin) = running(template);
    let (id, state, money) = contract(&center.live());
    assert_eq!((state, money), (ContractState::Active, 200 * YUAN));
    let mut now = begin;
    for _ in 0..5_000 {
        let next = meter::step(&center, now, false);
        if contract(&center.live()).1 == ContractState::Exhausted {
            break;
        }
        // Not one look too many: the next one is when the balance would end.
        now = next.expect("something burns").max(now.plus(Millis(1)));
        set_clock(now);
        hall.speak();
        look(&center);
    }
    let (_, state, money) = contract(&center.live());
    assert_eq!(state, ContractState::Exhausted, "at {now}");
    // What a millisecond of eight cards costs, of which vouchers pay a part.
    let of_ms = 8 * (100 * YUAN + 1) / 3_600_000 + 1;
    assert!((-of_ms..=0).contains(&money), "{money} are left, and a millisecond costs {of_ms}");
    let paid = center
        .store
        .read(|tx| {
            let all = rows::of_contract(tx, id)?;
            all.iter().map(|one| rows::paid(tx, one.id)).collect::<Result<Vec<_>, _>>()
        })
        .expect("they are read");
    assert_eq!(paid[0].redeemed, MicroCny(90 * YUAN));
    let (base, by_second) = (paid[1].base.0, paid[1].redeemed.0);
    assert_eq!(by_second, i64::try_from(i128::from(base) * 6_001 / 10_000).expect("it fits"));
    assert_eq!(money, 200 * YUAN - base + 90 * YUAN + by_second);
    let report = center.store.read(ledger::verify).expect("the books are read");
    assert!(report.is_right(), "{:#?}", report.faults);
}

/// The most that a voucher pays is its face, and the most that vouchers get is what is in the pot, whoever comes first.
pub fn a_thousand_at_once_take_no_more_than_there_is(template: &Template) {
    const HANDS: usize = 8;
    const EACH: usize = 125;
    let (center, _hall, _folder, now) = running(template);
    let run = center.live().runs().next().expect("a run").run.clone();
    let at_once = |work: &(dyn Fn(&Center, usize) + Sync)| {
        std::thread::scope(|scope| {
            for hand in 0..HANDS {
                let center = center.clone();
                scope.spawn(move || (0..EACH).for_each(|turn| work(&center, hand * EACH + turn)));
            }
        });
    };
    at_once(&|center, _| {
        let run = run.clone();
        let work = move |tx: &Tx| redeem::charged(tx, &run, MicroCny(YUAN), (now, None));
        center.write_now(work, |_, _| ()).expect("it is posted");
    });
    let read = |tx: &Tx| {
        let all = rows::of_contract(tx, run.contract)?;
        let paid = all.iter().map(|one| rows::paid(tx, one.id)).collect::<Result<Vec<_>, _>>()?;
        let left = all.iter().map(|one| ledger::balance(tx, Account::Voucher(one.id), Unit::MicroCny));
        Ok::<_, store::StoreError>((paid, left.collect::<Result<Vec<_>, _>>()?))
    };
    let (paid, left) = center.store.read(read).expect("they are read");
    // A thousand yuan were charged: none is lost, and none is paid twice.
    assert!(paid.iter().all(|one| one.base == MicroCny(1_000 * YUAN)), "{paid:?}");
    assert_eq!([paid[0].redeemed.0, paid[1].redeemed.0], [90 * YUAN, 600_100_000]);
    assert_eq!(left, [0, 4_000 * YUAN - 600_100_000]);

    // The one that waits for more than the pot has gives up its place.
    let firm = caller(&center, "firm").member;
    let (zone, hour) = (center.settings.time_zone, Millis::from_hours(1));
    let terms = Approval { draft: hour, due: hour, review: hour };
    let give_up = move |tx: &Tx| -> Result<(), AppError> {
        let mut waits = rows::find(tx, "V-5")?.expect("it is there");
        keep::end(tx, &mut waits, VoucherState::Revoked, "gives up", now).map(drop)
    };
    center.write_now(give_up, |_, ()| ()).expect("it ends");
    at_once(&|center, number| {
        let firm = firm.clone();
        let work = move |tx: &Tx| -> Result<(), AppError> {
            let contracts = store::contracts::list_contracts(tx, None)?;
            let contract = contracts.iter().find(|known| known.number == "M-2").expect("it is there");
            let asker = Asker::Member { member: firm.id, tenant: firm.tenant };
            let (answers, domain) = (base::approval::Answers::new(), domain::TenantDomain::Enterprise);
            let new = New { kind: "voucher", form_version: 1, domain, asker, answers };
            let application = draw_up(tx, zone, new, now, &terms)?.application.id;
            let programme = rows::list_programmes(tx, 1)?.remove(0).id;
            let until = now.plus(Millis::from_hours(24));
            let ids = (programme, firm.id, application);
            let face = MicroCny(YUAN / 4);
            let voucher =
                vouchers::voucher(contract, &format!("T-{number}"), ids, (1_000, 10_000), face, (now, until));
            keep::grant(tx, &voucher, moment::now()).map(drop)
        };
        center.write_now(work, |_, ()| ()).expect("it is granted");
    });
    let read = |tx: &Tx| {
        let programme = rows::list_programmes(tx, 1)?.remove(0).id;
        let left = ledger::balance(tx, Account::Pot(programme), Unit::MicroCny)?;
        Ok::<_, store::StoreError>((left, rows::waiting(tx, programme)?.len(), rows::list_all(tx)?.len()))
    };
    // 40 yuan were left: 160 faces of a quarter.
    assert_eq!(center.store.read(read).expect("they are read"), (0, 840, 1_005));
}
