//! The views that the center would give of a small hall, which samples of pages are made of.

use base::{
    lookup::TenantName,
    loops::{LoopState, LoopView},
    page::{
        fault::Told,
        form::Choice,
        words::{Html, Ui},
    },
    text::Text,
};
use domain::{
    CardMs, ContractState, JobStatus, MicroCny, Millis, NodeStatus, RatePerCardHour, Rfc3339, Role,
    ServiceClass, TenantDomain, Timestamp,
    capacity::CapacityBalance,
    contract::{ContractKind, ContractKindName, Funds, QueueTerms},
    job::Tasks,
    ledger::{AccountName, CauseName, Unit},
};

use crate::{
    app::{
        capacity::CapacityView,
        contracts::ContractView,
        jobs::JobView,
        members::MemberView,
        nodes::{CardStatus, CardView, MaintenanceView, NodeView, PoolView},
        projects::ProjectView,
        roots::RootView,
        statements::{
            self, Balances, CauseTotal, Due, Face, FeeLine, FeeMove, Fees, Payer, Statement, StatementLine,
        },
        transfers::TransferView,
    },
    portal::{
        contracts::vessel::{Vessel, vessel},
        event_list::EventLine,
        jobs::table::{JobLine, JobTable},
        nodes::{groups::Group, map::Tile},
    },
    settings::PayeeSettings,
};

/// An instant long past, so that pages show it with its day whenever they are rendered.
pub const AT: Timestamp = Timestamp::from_secs(1_779_238_923);
pub const LATER: Timestamp = Timestamp::from_secs(1_779_270_300);

/// The id of everything, behind a prefix for its kind.
pub const ID: &str = "019e4300000070008000000000000001";

pub fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(prefix: &str) -> T {
    format!("{prefix}{ID}").parse().expect("an id")
}

/// A loop that fares well, and where asked for one that fails, and one that has had no turn yet.
pub fn loops(with_trouble: bool) -> Vec<LoopView> {
    let good = LoopView {
        name: "plan".into(),
        state: LoopState::Done,
        turned_at: Some(AT.into()),
        took_ms: Some(Millis(12)),
        since_good_ms: Millis(1200),
        is_late: false,
        failures: 0,
        failures_in_a_row: 0,
        failing_since: None,
        error: None,
    };
    if !with_trouble {
        return vec![good];
    }
    let failing = LoopView {
        name: "meter".into(),
        state: LoopState::Failing,
        is_late: true,
        failures: 3,
        failures_in_a_row: 3,
        failing_since: Some(AT.into()),
        error: Some("disk <full>".into()),
        ..good.clone()
    };
    let new = LoopView {
        name: "mirror".into(),
        state: LoopState::Starting,
        turned_at: None,
        took_ms: None,
        ..good.clone()
    };
    vec![failing, new, good]
}

pub fn owner() -> TenantName {
    let name = Text { zh: "之江大学".into(), en: "Zhijiang University".into() };
    TenantName { slug: "univ".into(), name, domain: TenantDomain::Research }
}

pub fn job() -> JobView {
    JobView {
        id: id("job_"),
        name: "Llama <tune>".into(),
        tenant: id("ten_"),
        tenant_slug: "univ".into(),
        owner: owner(),
        project: "vision".into(),
        contract: "HZ-1".into(),
        contract_id: id("con_"),
        state: JobStatus::Running,
        nodes: 2,
        cards_per_node: 8,
        service_class: ServiceClass::Spot,
        tasks: Tasks { total: 1, next: 1, running: 1, ..Tasks::default() },
        submitted_at: AT.into(),
        submitted_by: "Li".into(),
        started_at: Some(Rfc3339(AT)),
        ended_at: None,
        used_card_ms: CardMs(7_200_000),
        charge_micro_cny: MicroCny(3_500_000),
        verdict: None,
        reason: None,
        is_generated: true,
    }
}

/// Two jobs, one of which waits.
pub fn jobs(name: &str, with_tenant: bool) -> JobTable {
    let running = JobLine {
        key: format!("{name}-1"),
        id: job().id.to_string(),
        name: job().name,
        sub: "Vision".into(),
        tenant: "Univ".into(),
        domain: "Science".into(),
        state: JobStatus::Running,
        class: ServiceClass::Spot,
        asked: "2 × 8".into(),
        why: String::new(),
        forecast: String::new(),
        submitted_at: AT,
        took: "2h 3m".into(),
        is_running: true,
        is_started: true,
        is_generated: true,
        charge: MicroCny(3_500_000),
    };
    let waiting = JobLine {
        key: format!("{name}-2"),
        name: "Sweep".into(),
        state: JobStatus::Queued,
        class: ServiceClass::Normal,
        why: "8 > 4".into(),
        forecast: "05-20 18:00".into(),
        took: String::new(),
        is_running: false,
        is_started: false,
        is_generated: false,
        ..running.clone()
    };
    JobTable { rows: vec![running, waiting], with_tenant, with_why: true, ..JobTable::default() }
}

pub fn contract() -> ContractView {
    ContractView {
        id: id("con_"),
        number: "HZ-1".into(),
        tenant: id("ten_"),
        tenant_slug: "univ".into(),
        owner: owner(),
        kind: ContractKindName::Prepaid,
        terms: ContractKind::Prepaid { package: CardMs(36_000_000_000), fee: MicroCny::from_yuan(50_000) },
        state: ContractState::Active,
        pools: vec!["HALL-1".into()],
        starts_at: AT.into(),
        ends_at: AT.plus(Millis::from_hours(365 * 24)).into(),
        queue: QueueTerms {
            guaranteed_cards: 8,
            borrowing_limit: None,
            lending_limit: Some(4),
            weight: 2,
            max_running_cards: 16,
        },
        as_of: LATER.into(),
        funds: Funds::CardTime { card_ms: CardMs(1_800_000_000) },
        used_permille: Some(950),
        money_balance_micro_cny: MicroCny::ZERO,
        use_balance_card_ms: CardMs(-1_800_000_000),
        posted_money_balance_micro_cny: MicroCny::ZERO,
        posted_use_balance_card_ms: CardMs(-1_790_000_000),
        running_cards: 8,
        waiting_jobs: 3,
        lasts_until: None,
        grace_ends_at: None,
        fee_open_micro_cny: Some(MicroCny::from_yuan(1200)),
    }
}

/// A statement of a closed month, or of one that goes on.
pub fn statement(is_final: bool) -> Statement {
    let line = |cause: &str, card_ms, micro_cny| StatementLine {
        cause: cause.into(),
        corrects: None,
        project: None,
        pool: None,
        service_class: None,
        rate_micro_cny_per_card_hour: None,
        ended_runs: 0,
        card_ms: CardMs(card_ms),
        micro_cny: MicroCny(micro_cny),
    };
    let of_runs = |cause: &str, ended_runs, card_ms, micro_cny| StatementLine {
        project: Some("Vision".into()),
        pool: Some("HALL-1".into()),
        service_class: Some(ServiceClass::Normal),
        rate_micro_cny_per_card_hour: Some(RatePerCardHour(MicroCny(1_750_000))),
        ended_runs,
        ..line(cause, card_ms, micro_cny)
    };
    let mut lines = vec![
        line("top_up", 0, 5_000_000),
        line("package", 36_000_000, 0),
        of_runs("use", 1200, -7_200_000, -3_500_000),
    ];
    if is_final {
        let corrects = Some("2026-04".to_owned());
        lines.push(StatementLine { corrects, ..of_runs("waiver", 0, 3_600_000, 1_750_000) });
    }
    let total = |cause: &str, card_ms, micro_cny| CauseTotal {
        cause: cause.into(),
        card_ms: CardMs(card_ms),
        micro_cny: MicroCny(micro_cny),
    };
    let (card_ms, micro_cny) = if is_final { (32_400_000, 3_250_000) } else { (28_800_000, 1_500_000) };
    Statement {
        number: is_final.then(|| "2026-05-0001".into()),
        contract_id: id("con_"),
        contract: "HZ-1".into(),
        kind: ContractKindName::Prepaid,
        tenant_slug: "univ".into(),
        tenant_name: owner().name,
        month: "2026-05".into(),
        time_zone: "Asia/Shanghai".into(),
        from: AT.into(),
        to: LATER.into(),
        issued_at: is_final.then(|| LATER.into()),
        is_final,
        opening: Balances::default(),
        lines,
        closing: Balances { card_ms: CardMs(card_ms), micro_cny: MicroCny(micro_cny) },
        totals: vec![total("top_up", 0, 5_000_000), total("use", -7_200_000, -3_500_000)],
        used_card_ms: CardMs(7_200_000),
        charge_micro_cny: MicroCny(3_500_000),
        ended_runs: 1200,
        face: Some(face(is_final)),
    }
}

fn face(is_final: bool) -> Face {
    let line = |what, reference: &str, micro_cny| FeeLine {
        what,
        at: AT.into(),
        reference: reference.into(),
        micro_cny: MicroCny(micro_cny),
    };
    let fees = Fees {
        opening_micro_cny: MicroCny::ZERO,
        lines: vec![line(FeeMove::Fee, "", 9_000_000), line(FeeMove::Payment, "-ICBC <1>", -4_000_000)],
        closing_micro_cny: MicroCny(5_000_000),
    };
    let payee = PayeeSettings {
        name: "Center <1>".into(),
        tax_number: "91330100799655058B".into(),
        bank: "ICBC".into(),
        account: "12020".into(),
    };
    Face {
        payer: if is_final {
            Payer { name: "Univ <1>".into(), tax_number: "9144".into(), other_tax_number: String::new() }
        } else {
            Payer { name: String::new(), tax_number: String::new(), other_tax_number: "DE <1>".into() }
        },
        payee: is_final.then_some(payee),
        due: Due { on: is_final.then(|| "2026-07-01".into()), ..Due::of(Some(&fees), MicroCny(-1)) },
        fees: is_final.then_some(fees),
    }
}

/// A line of the annex.
pub fn job_line() -> statements::JobLine {
    let mut lines = statement(true).lines.into_iter();
    let line = lines.rfind(|line| line.corrects.is_some()).expect("a line that corrects");
    statements::JobLine { job: id("job_"), job_name: "Sweep <1>".into(), line }
}

/// A contract of which little is left, and one without an end.
pub fn vessels(ui: Ui) -> Vec<Vessel> {
    let open = ContractView {
        number: "HZ-2".into(),
        kind: ContractKindName::Grant,
        terms: ContractKind::Grant { cap: None },
        funds: Funds::Unlimited,
        used_permille: None,
        ..contract()
    };
    vec![vessel(ui, &contract()), vessel(ui, &open)]
}

pub fn node() -> NodeView {
    let card = |index: u8| CardView {
        index,
        ring: index / 2,
        state: CardStatus::Idle,
        job: None,
        job_name: None,
        tenant_slug: None,
        tenant: None,
    };
    let own = CardView {
        state: CardStatus::Busy,
        job: Some(job().id),
        job_name: Some(job().name),
        tenant_slug: Some("Univ".into()),
        ..card(1)
    };
    let cards = vec![
        card(0),
        own,
        CardView { state: CardStatus::Busy, ..card(2) },
        CardView { state: CardStatus::Drained, ..card(3) },
    ];
    NodeView {
        id: id("node_"),
        name: "HZ-01".into(),
        pool: "HALL-1".into(),
        card_model: "Ascend 910".into(),
        is_virtual: true,
        state: NodeStatus::Up,
        reason: String::new(),
        switch: "S1".into(),
        labels: vec!["NVME".into(), "IB-400".into()],
        maintenance: None,
        cards,
        free_cards: 1,
        fp16_tflops: 1024,
    }
}

pub fn maintenance() -> MaintenanceView {
    MaintenanceView { from: AT.into(), until: LATER.into(), reason: "Fans".into() }
}

pub fn pool() -> PoolView {
    PoolView {
        name: "HALL-1".into(),
        card_model: "Ascend 910".into(),
        fp16_tflops_per_card: 256,
        nodes: 2,
        cards: 16,
        free_cards: 3,
    }
}

/// Two nodes of two rings each.
pub fn tiles() -> Vec<Tile> {
    let tile = |name: &str, look, use_text: &str| Tile {
        name: name.into(),
        short: name.into(),
        look,
        use_text: use_text.into(),
        label: format!("{name}: 4"),
        rings: vec![vec!["sold", "granted"], vec!["idle", "failed"]],
    };
    vec![tile("HZ-01", "up", "2/4"), tile("HZ-02", "drained", "")]
}

pub fn group(key: &str) -> Group {
    Group {
        key: key.into(),
        pool: "HALL-1".into(),
        name: "S1 <a>".into(),
        href: "/nodes?pool=HALL-1".into(),
        nodes: 2,
        cards: 8,
        busy: 3,
        free: 4,
        out: vec![("drained", 1), ("maintenance", 1)],
        cells: Html(r#"<svg class="cells" role="img" aria-label="S1"></svg>"#.into()),
    }
}

pub fn member() -> MemberView {
    MemberView {
        id: id("mem_"),
        person: id("per_"),
        keeps_account: false,
        tenant: Some(id("ten_")),
        tenant_slug: Some("univ".into()),
        login: "li".into(),
        name: "Li".into(),
        role: Role::Developer,
        given_by: Some("oidc:univ".into()),
        is_enabled: true,
        created_at: AT.into(),
    }
}

pub fn project() -> ProjectView {
    ProjectView {
        id: id("prj_"),
        tenant_slug: "univ".into(),
        slug: "vision".into(),
        name: "Vision".into(),
        contract: Some(id("con_")),
        contract_number: Some("HZ-1".into()),
        created_at: AT.into(),
    }
}

/// One entry in each unit.
pub fn transfers() -> Vec<TransferView> {
    let money = TransferView {
        seq: 1204,
        at: AT.into(),
        key: "K".into(),
        unit: Unit::MicroCny,
        debit: AccountName::Cash,
        debit_contract: None,
        credit: AccountName::Contract,
        credit_contract: Some("HZ-1".into()),
        amount: 3_500_000,
        cause: CauseName::TopUp,
        run: None,
        corrects: None,
        job: None,
        job_name: None,
    };
    let time = TransferView {
        unit: Unit::CardMs,
        amount: 7_200_000,
        cause: CauseName::Use,
        run: Some(id("run_")),
        corrects: Some("2026-04".parse().expect("a month")),
        job: Some(job().id),
        job_name: Some(job().name),
        ..money.clone()
    };
    vec![money, time]
}

pub fn capacity(closes: bool) -> CapacityView {
    let balance = CapacityBalance {
        capacity_card_ms: CardMs(100_000_000),
        sold_card_ms: CardMs(50_000_000),
        granted_card_ms: CardMs(20_000_000),
        idle_card_ms: CardMs(20_000_000),
        drained_card_ms: CardMs(6_000_000),
        failed_card_ms: CardMs(2_000_000),
        preempted_card_ms: CardMs(1_000_000),
        lost_card_ms: CardMs(1_000_000),
    };
    CapacityView { from: AT.into(), to: LATER.into(), balance, closes }
}

pub fn events(ui: Ui) -> Vec<EventLine> {
    let html = format!(r#"{} <a href="/jobs/{}">Sweep</a>"#, ui.state("succeeded"), job().id);
    vec![EventLine { at: AT, html: Html(html) }]
}

pub fn told(ui: Ui) -> Told {
    Told {
        title: ui.t("fault-invalid"),
        hint: ui.t("fault-invalid-hint"),
        details: vec!["--gres: 3 <8>".into()],
    }
}

pub fn tenants() -> Vec<Choice> {
    vec![Choice::new("univ", "Univ"), Choice::new("corp", "Corp")]
}

/// A root of the books, with a signature or without.
pub fn root(is_signed: bool) -> RootView {
    RootView {
        number: 3,
        at: Timestamp::from_secs(1_764_000_000).into(),
        occasion: "day 2025-11-25".into(),
        link: 12,
        root: String::new(),
        key: None,
        signature: is_signed.then(String::new),
        pushed_at: None,
    }
}
