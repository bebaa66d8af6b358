//! A center with contracts of every kind, of which each case gets a copy.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use base::{
    auth::{Caller, Policies},
    error::AppError,
    moment::{self, new_id},
    noun::Platform,
};
use center::{
    PLATFORM, app,
    app::contracts::{NewContract, TopUp},
    center::Center,
    price,
    settings::Settings,
    start, tenant,
    wakers::{METER, PLAN, WATCH, wakers},
};
use domain::{
    CardMs, Member, MemberId, MicroCny, Millis, PersonId, QueueTerms, Role, ServiceClass, Timestamp,
    contract::ContractKind,
};
use engines::Engine;
use store::StoreError;
use tokio::runtime::Runtime;

use crate::{hall::Hall, vouchers};

const PLATFORMS: &[Platform<Center>] = &[PLATFORM];
const SETTINGS: &str = "[billing]\ngrace_ms = 60000\n[books]\nseparate_duties = false\n\
    [[pools]]\nname = \"pool\"\ncard_model = \"ascend-910\"\n\
    nodes = [{ name = \"npu-\", count = 2, cards = 8, cards_per_ring = 4, virtual = true }]\n";
/// When each case begins.
pub const BEGINNING: &str = "2026-01-20T02:00:00Z";
const HOUR: CardMs = CardMs(3_600_000);
const YUAN: i64 = 1_000_000;

/// Number, tenant, terms, end.
pub fn contracts() -> [(&'static str, &'static str, ContractKind, &'static str); 7] {
    let hours = |count: i64| CardMs(HOUR.0 * count);
    let yuan = |count: i64| MicroCny(count * YUAN);
    [
        ("M-1", "firm", ContractKind::Metered { credit_limit: yuan(0) }, "2027-01-01"),
        ("M-2", "bureau", ContractKind::Metered { credit_limit: yuan(50) }, "2027-01-01"),
        ("P-1", "firm", ContractKind::Prepaid { package: hours(40), fee: yuan(200) }, "2026-03-25"),
        ("P-2", "bureau", ContractKind::Prepaid { package: hours(7), fee: yuan(33) }, "2026-05-20"),
        ("R-1", "lab", ContractKind::Reserved { cards: 4, fee: yuan(1000) }, "2026-04-10"),
        ("G-1", "lab", ContractKind::Grant { cap: Some(hours(20)) }, "2026-03-20"),
        ("G-2", "lab", ContractKind::Grant { cap: None }, "2027-01-01"),
    ]
}

pub fn set_clock(at: Timestamp) {
    // `since` counts nothing below 0.
    moment::set_ahead(Millis((at.as_micros() - testkit::now().as_micros()) / 1000));
}

fn settings() -> Settings {
    Settings::parse("here", SETTINGS, std::iter::empty()).expect("they are valid")
}

pub fn open(database: &Path, hall: &Arc<Hall>) -> Center {
    // Read once: reading them takes longer than all else that a start does here.
    static POLICIES: LazyLock<Policies> = LazyLock::new(|| {
        Policies::load(start::actions_of(PLATFORMS), start::POLICIES).expect("they are valid")
    });
    let policies = POLICIES.clone();
    let mut settings = settings();
    database.parent().expect("a file is in a folder").clone_into(&mut settings.data_dir);
    let until = Instant::now() + Duration::from_mins(1);
    let store = loop {
        match start::open_books(database, &mut settings) {
            Ok(store) => break store,
            // The thread that answered the last write of the center before still lets go of it.
            Err(start::StartError::Store(StoreError::AlreadyOpen { .. })) if Instant::now() < until => {
                std::thread::yield_now();
            }
            Err(error) => panic!("the store opens: {error:?}"),
        }
    };
    let (wakers, _) = wakers();
    let engine = Arc::clone(hall) as Arc<dyn Engine>;
    let center = start::put_together(PLATFORMS, settings, policies, store, (engine, None, wakers));
    let center = center.expect("the center starts").0;
    for name in [PLAN, WATCH, METER] {
        center.loops.started(name, Millis::from_secs(60));
    }
    center
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

pub fn caller(center: &Center, login: &str) -> Caller {
    let members = center.store.read(|tx| store::tenants::list_members(tx, None)).expect("members");
    let member = members.into_iter().find(|member| member.login == login).expect("a member");
    Caller { member, from: String::new(), once: None }
}

/// A database with all contracts active, of which each case gets a copy.
pub struct Template {
    pub folder: tempfile::TempDir,
    pub file: PathBuf,
}

impl Template {
    pub fn new() -> Self {
        // In memory, where there is such a folder: a case commits hundreds of times.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        set_clock(BEGINNING.parse().expect("an instant"));
        let center = open(&folder.path().join("first.db"), &Arc::default());
        runtime().block_on(fill(&center)).expect("it is new");
        vouchers::hand_out(&center);
        let file = folder.path().join("template.db");
        center.store.backup(&file).expect("a copy");
        Self { folder, file }
    }
}

async fn fill(center: &Center) -> Result<(), AppError> {
    let operator = caller(center, "operator");
    for (slug, domain) in [("firm", "enterprise"), ("bureau", "government"), ("lab", "research")] {
        let new = tenant::ask::NewTenant {
            slug: slug.into(),
            name_zh: slug.into(),
            name_en: slug.into(),
            domain: domain.into(),
            ..tenant::ask::NewTenant::default()
        };
        let tenant = tenant::ask::create(center, &operator, new).await?.id;
        let member = Member {
            id: new_id!(MemberId),
            person: new_id!(PersonId),
            tenant: Some(tenant),
            login: slug.into(),
            name: slug.into(),
            role: Role::Developer,
            is_enabled: true,
            created_at: moment::now(),
        };
        center.write(move |tx| Ok(store::tenants::insert_member(tx, &member, None)?), |_, ()| ()).await?;
    }
    publish(center, &operator, 100).await?;
    for (number, slug, terms, ends_at) in contracts() {
        let guaranteed_cards = if number == "R-1" { 4 } else { 0 };
        let most = if let ContractKind::Reserved { cards, .. } = terms { cards } else { 16 };
        let new = NewContract {
            number: number.into(),
            terms,
            pools: vec!["pool".into()],
            starts_at: "2026-01-01".into(),
            ends_at: ends_at.into(),
            queue: QueueTerms {
                guaranteed_cards,
                borrowing_limit: None,
                lending_limit: None,
                weight: 1,
                max_running_cards: most,
            },
            tenant: Some(slug.into()),
        };
        let id = app::contracts::create(center, &operator, new).await?.id.to_string();
        for action in ["submit", "approve"] {
            app::contracts::act(center, &operator, &id, action, "test").await?;
        }
        if matches!(terms, ContractKind::Metered { .. }) {
            let (amount_micro_cny, reference) = (200 * YUAN, format!("first of {number}"));
            let paid = TopUp { amount_micro_cny, reference, ..TopUp::default() };
            app::contracts::top_up(center, &operator, &id, paid).await?;
        }
        app::contracts::act(center, &operator, &id, "activate", "test").await?;
        let project = app::projects::NewProject {
            slug: number.to_lowercase(),
            name: number.into(),
            contract: Some(number.into()),
            tenant: Some(slug.into()),
        };
        app::projects::create(center, &operator, project).await?;
    }
    Ok(())
}

pub async fn publish(center: &Center, operator: &Caller, yuan: i64) -> Result<(), AppError> {
    let classes = [ServiceClass::Urgent, ServiceClass::Normal];
    let prices = classes.into_iter().flat_map(|class| {
        ["enterprise", "government", "research"].map(|domain| price::ask::NewPrice {
            pool: "pool".into(),
            service_class: class.code().into(),
            domain: domain.into(),
            rate_micro_cny_per_card_hour: yuan * YUAN + 1,
        })
    });
    let new = price::ask::NewPriceBook {
        name: format!("{yuan} yuan"),
        effective_from: None,
        prices: prices.collect(),
        waivers: domain::price::Waivers { lost_percent: 100, preempted_percent: 30 },
        confirmed: true,
    };
    price::ask::create(center, operator, new).await.map(drop)
}
