//! Starting the center: opening what it keeps, reading what is live, and taking up where it was left.

mod first_operator;
mod rehearsal;

use std::{
    ffi::OsString,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    CardModel, Lang, Member, MemberId, PersonId, Role, RunId, Tenant, card::Affinity, problem::Wrong,
};
use engines::{
    AHEAD_VARIABLE, Engine,
    detect::FoundCards,
    local::{self, LocalConfig, LocalEngine},
    slurm::{Access, Owner, SlurmConfig, SlurmEngine, Token},
};
use serde_json::json;
use store::{Store, StoreError, Tx, chain, tenants};

use crate::{
    actions,
    app::{jobs::ending::give_up, runs::restored},
    center::Center,
    compute::Compute,
    generated::{self, GeneratedPast},
    inventory::compare_cards,
    load::load,
    loops::watch,
    oidc::issuers::Issuers,
    person::password as rule,
    retirement::{ask as retirement, rows, wish::Wish},
    settings::{
        self, DirectJobs, EngineKind, Isolation, Network, NodeSettings, OutsideSettings, PoolSettings,
        SEPARATE_DUTIES, Settings,
    },
    signing::template::{TemplateError, Templates},
    tls::PairError,
    wakers::{self, Sleepers, Wakers},
};
use base::{
    Base,
    audit::{self, Change},
    auth::Action,
    auth::{Policies, credentials, password},
    error::AppError,
    moment::{self, new_id},
    noun::{Platform, approvals, nouns},
};

pub use first_operator::FirstOperator;

/// All actions that there are.
pub fn actions_of(platforms: &[Platform<Center>]) -> impl Iterator<Item = Action> {
    nouns(platforms).flat_map(|noun| noun.actions).copied()
}

/// Who may do what.
pub const POLICIES: &str = include_str!("../policies/center.cedar");

/// Why the center can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("failed to make {path}")]
    Folder {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    #[error("{AHEAD_VARIABLE} is `{given}`: give a whole number of milliseconds, or leave it out")]
    Clock { given: String },
    #[error("failed to read the policies: {0}")]
    Policies(String),
    #[error("the settings name `approval.{kind}`, and there is no such kind of application: {known}")]
    UnknownKind { kind: String, known: String },
    #[error("failed to listen on {address}")]
    Listen {
        address: String,
        #[source]
        cause: std::io::Error,
    },
    #[error(
        "{PASSWORD_VARIABLE} {problem}: give {} to {} characters, or leave it out to be given a password",
        password::MIN_CHARS,
        password::MAX_CHARS
    )]
    FirstPassword { problem: String },
    #[error("failed to hash the first operator's password: {0}")]
    Hash(String),
    #[error("failed to read {0}")]
    Issuer(String),
    #[error("no HTTPS can be spoken")]
    Certificate(#[from] PairError),
    #[error("failed to start the thread of a loop")]
    Loop(#[source] std::io::Error),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("failed to start")]
    App(#[from] AppError),
    /// A part that has its own thread panicked.
    #[error("a part of the center ended before its time")]
    CutOff(#[from] tokio::task::JoinError),
}

/// The variable that chooses the first operator's password.
const PASSWORD_VARIABLE: &str = "QIANTANG_OPERATOR_PASSWORD";

/// The first operator's login.
const FIRST_LOGIN: &str = "operator";

/// The file in the data folder with the first operator's password, where that was made up.
const PASSWORD_FILE: &str = "first-password";

/// Keeps which rows something else has changed, and says so.
fn foreign(tx: &Tx) -> Result<(), StoreError> {
    let rows = chain::note_foreign(tx, moment::now())?;
    if rows > 0 {
        tracing::error!(
            rows,
            "the database was changed by something else than the center; `qiantang ledger check` tells where"
        );
    }
    Ok(())
}

/// Opens everything and reads what is live. `host_command` starts the engine's host process.
pub fn open(
    platforms: &'static [Platform<Center>],
    mut settings: Settings,
    host_command: Vec<OsString>,
) -> Result<(Center, Sleepers, Option<FirstOperator>), StartError> {
    let began = std::time::Instant::now();
    rehearsal::begin(std::env::var_os(AHEAD_VARIABLE)).map_err(|given| StartError::Clock { given })?;
    let policies = Policies::load(actions_of(platforms), POLICIES).map_err(StartError::Policies)?;
    check_kinds(platforms, &settings)?;
    Templates::load(&settings.signing)?;
    let store = open_store(&mut settings)?;
    let (wakers, sleepers) = wakers::wakers();
    let for_hints = wakers.clone();
    let on_hint = move |run| for_hints.watch(run);
    let (engine, slurm): (Arc<dyn Engine>, _) = match settings.engine.kind {
        EngineKind::Local => {
            (Arc::new(LocalEngine::start(engine_config(&settings, host_command), on_hint)?), None)
        }
        EngineKind::Slurm => {
            let tenants = store.read(tenants::list_tenants)?;
            let engine = Arc::new(SlurmEngine::start(slurm_config(&settings, &tenants), on_hint)?);
            (Arc::clone(&engine) as Arc<dyn Engine>, Some(engine))
        }
    };
    let (center, first_operator) =
        put_together(platforms, settings, policies, store, (engine, slurm, wakers))?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(took_ms, "the center is up");
    Ok((center, sleepers, first_operator))
}

/// Where the books of a center are.
pub fn database(settings: &Settings) -> PathBuf {
    settings.data_dir.join("database").join("center.db")
}

/// Opens a new center that is to play a past that never happened, by a clock that its caller sets and on an engine that
/// runs nothing. It has no loops: the caller takes their turns.
pub fn open_past(
    platforms: &'static [Platform<Center>],
    mut settings: Settings,
    engine: Arc<dyn Engine>,
    past: GeneratedPast,
) -> Result<(Center, Option<FirstOperator>), StartError> {
    let policies = Policies::load(actions_of(platforms), POLICIES).map_err(StartError::Policies)?;
    let store = open_store(&mut settings)?;
    generated::mark(&store, past)?;
    // Nobody sleeps who could be woken.
    let (wakers, _) = wakers::wakers();
    put_together(platforms, settings, policies, store, (engine, None, wakers))
}

/// Makes the folders of the center and opens its store there.
fn open_store(settings: &mut Settings) -> Result<Store, StartError> {
    make_data_folder(settings)?;
    let database = database(settings);
    if let Some(folder) = database.parent() {
        make_folder(folder, 0o700)?;
    }
    open_books(&database, settings)
}

/// Refuses paths of kinds of applications that no noun has.
fn check_kinds(platforms: &'static [Platform<Center>], settings: &Settings) -> Result<(), StartError> {
    let known: Vec<&str> = approvals(platforms).map(|kind| kind.code).collect();
    let unknown = settings.approval.paths.keys().find(|kind| !known.contains(&kind.as_str()));
    let told = |kind: &String| StartError::UnknownKind { kind: kind.clone(), known: known.join(", ") };
    unknown.map_or(Ok(()), |kind| Err(told(kind)))
}

/// Opens the store, whose changes are sealed from then on, and keeps the settings by which the center counts.
pub fn open_books(database: &Path, settings: &mut Settings) -> Result<Store, StartError> {
    let store = Store::open(database)?;
    // What changes about money is sealed with the change; a schema that is new here has rows to be sealed first.
    store.before_each_commit(|tx| chain::seal_changes(tx, moment::now()));
    if store.was_touched() {
        store.write(foreign)?;
    }
    store.write(|_| Ok::<(), StoreError>(()))?;
    store.at_each_begin(foreign);
    keep_settings(&store, settings)?;
    Ok(store)
}

/// Makes a center of its store and what turns jobs into runs, and takes up what was going on.
pub fn put_together(
    platforms: &'static [Platform<Center>],
    settings: Settings,
    policies: Policies,
    store: Store,
    (engine, slurm, wakers): (Arc<dyn Engine>, Option<Arc<SlurmEngine>>, Wakers),
) -> Result<(Center, Option<FirstOperator>), StartError> {
    let issuers = Issuers::of(&settings).map_err(StartError::Issuer)?;
    let first_operator = seed(&store, &settings)?;
    let wish = wish_of(&settings);
    if let Some(wish) = wish.clone() {
        store.write(move |tx| rows::bring_in(tx, &wish, moment::now()).map(drop))?;
    }
    if settings.engine.kind == EngineKind::Local {
        store
            .write(move |tx| -> Result<(), AppError> { compare_cards(tx, &engines::detect::cards_here()) })?;
    }
    let (live, hopeless) = load(&store, &settings)?;
    retirement::log(&retirement::differences(wish.as_ref(), &retirement::here(&live)));
    let active: Vec<RunId> = live.runs().map(|known| known.run.id).collect();
    let (jobs, nodes) = (live.jobs().len(), live.nodes().len());
    let compute = Compute::new(engine, slurm, settings.planning(), wakers);
    if let Some(wish) = wish {
        compute.wish_is(wish);
    }
    let generated = generated::find(&store)?;
    let mut center = {
        let base = Base::new(settings.common(), store, policies);
        base.know_kinds(nouns(platforms).flat_map(|noun| noun.events).copied());
        base.read_now(|tx| Ok(base.unread.load(tx)?))?;
        Center::new(platforms, settings, base, compute, live)
    };
    center.generated = generated;
    center.templates = Arc::new(Templates::load(&center.settings.signing)?);
    center.issuers = Arc::new(issuers);
    retirement::recount(&center);
    if !hopeless.is_empty() {
        give_up(&center, hopeless);
    }
    // What was going on when the last center ended: each is looked at, and taken up or taken in. Nothing is metered of a
    // run before its engine has seen it.
    watch::look(&center, &restored::end(&center, active.iter().copied().collect())?);
    center.compute.wakers.plan();
    center.compute.wakers.meter();
    tracing::info!(nodes, jobs, runs = active.len(), "what was going on is taken up");
    Ok((center, first_operator))
}

/// Keeps the settings by which the center counts. Where they don't say whether duties are separate, that stays as it was;
/// in a new center they are.
fn keep_settings(store: &Store, settings: &mut Settings) -> Result<(), StartError> {
    if settings.books.separate_duties.is_none() {
        let (kept, is_new) = store.read(|tx| -> Result<_, StoreError> {
            let kept = store::settings::in_force(tx)?.remove(SEPARATE_DUTIES);
            Ok((kept, tenants::list_members(tx, None)?.is_empty()))
        })?;
        settings.books.separate_duties = Some(kept.map_or(is_new, |kept| kept == "true"));
    }
    let values = settings.of_books();
    store.write(move |tx| store::settings::keep(tx, moment::now(), &values))?;
    Ok(())
}

/// Makes the center's folder. Runs with a uid of their own pass through it to their work folder; they can't list it.
pub(crate) fn make_data_folder(settings: &Settings) -> Result<(), StartError> {
    make_folder(&settings.data_dir, 0o711)
}

fn make_folder(path: &Path, mode: u32) -> Result<(), StartError> {
    let failed = |cause| StartError::Folder { path: path.display().to_string(), cause };
    std::fs::create_dir_all(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)
}

/// The engine's settings from the center's.
pub fn engine_config(settings: &Settings, host_command: Vec<OsString>) -> LocalConfig {
    let mut config = LocalConfig::new(&settings.data_dir, host_command);
    config.isolation = match settings.engine.isolation {
        Isolation::Full => local::Isolation::Full,
        Isolation::None => local::Isolation::None,
    };
    config.uid_base = Some(settings.engine.uid_base);
    config.network = settings.engine.network.map(|network| match network {
        Network::Tenant => local::Network::Tenant,
        Network::None => local::Network::None,
        Network::Host => local::Network::Host,
    });
    let OutsideSettings { open, only, never } = &settings.engine.outside;
    config.outside = local::Outside { is_open: *open, only: only.clone(), never: never.clone() };
    config.shm_bytes = settings.engine.shm_mib.saturating_mul(1 << 20);
    config.readonly_paths.clone_from(&settings.engine.readable);
    config
}

/// The Slurm engine's settings from the center's.
pub fn slurm_config(settings: &Settings, tenants: &[Tenant]) -> SlurmConfig {
    let slurm = &settings.engine.slurm;
    let mut config = SlurmConfig::new(&settings.data_dir, &slurm.shared_dir);
    config.access = match &slurm.url {
        Some(url) => Access::Rest {
            url: url.clone(),
            token: slurm
                .jwt_key
                .clone()
                .map_or_else(|| Token::Scontrol { conf: slurm.conf.clone() }, Token::Key),
        },
        None => Access::Commands { bin: slurm.bin.clone(), conf: slurm.conf.clone() },
    };
    config.owner = Owner { user: slurm.user.clone(), account: slurm.account.clone(), project: None };
    config.tenants = slurm.users_of(tenants);
    config.direct = slurm.direct_jobs == DirectJobs::Bill;
    config.partition.clone_from(&slurm.partition);
    config.qos.clone_from(&slurm.qos);
    config.gres.clone_from(&slurm.gres);
    config.cpus_per_card = slurm.cpus_per_card;
    config.notices.clone_from(&slurm.notices);
    config.keeps_accounts = slurm.accounts.keep;
    config.times.pending =
        std::time::Duration::from_millis(u64::try_from(slurm.pending_limit_ms.0).unwrap_or(u64::MAX));
    config
}

/// The hall that the settings name, with this machine's own cards; on Slurm its nodes come from Slurm.
pub fn wish_of(settings: &Settings) -> Option<Wish> {
    if settings.engine.kind == EngineKind::Slurm {
        return None;
    }
    let mut wanted = settings.pools.clone();
    if settings.engine.detect {
        wanted.extend(found_here());
    }
    Some(settings::wish(&wanted))
}

/// Makes the first operator where there is no member yet.
fn seed(store: &Store, settings: &Settings) -> Result<Option<FirstOperator>, StartError> {
    // Before anything is kept: a password that can't be is for whoever starts the center to mend.
    let first = if store.read(|tx| tenants::list_members(tx, None))?.is_empty() {
        let chosen = std::env::var_os(PASSWORD_VARIABLE);
        let is_chosen = chosen.is_some();
        let password = first_password(chosen, settings.sign_in.password_chars)?;
        // Before the member is there, so that no password is lost.
        let file = (!is_chosen).then(|| keep_password(&settings.data_dir, &password)).transpose()?;
        Some(FirstOperator { login: FIRST_LOGIN.into(), password_file: file, password })
    } else {
        None
    };
    let Some(first) = first else { return Ok(None) };
    let hash = password::hash(&first.password).map_err(StartError::Hash)?;
    let member = Member {
        id: new_id!(MemberId),
        person: new_id!(PersonId),
        tenant: None,
        login: first.login.clone(),
        name: first.login.clone(),
        role: Role::Operator,
        is_enabled: true,
        created_at: moment::now(),
    };
    store.write(move |tx| -> Result<(), AppError> {
        tenants::insert_member(tx, &member, Some(&hash))?;
        let detail = json!({ "login": member.login, "role": member.role.code() });
        let (action, subject) = (actions::FIRST_OPERATOR, member.id.to_string());
        audit::record_own(tx, Change { tenant: None, action, subject, detail })
    })?;
    Ok(Some(first))
}

/// Writes a password into a file that its owner alone reads: whoever reads the log of the center does not learn it.
fn keep_password(data_dir: &Path, password: &str) -> Result<PathBuf, StartError> {
    let path = data_dir.join(PASSWORD_FILE);
    let failed = |cause| StartError::Folder { path: path.display().to_string(), cause };
    // One that an earlier start left behind may have other rights.
    match std::fs::remove_file(&path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(format!("{password}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(path)
}

/// The password that was given; without one, made up.
fn first_password(given: Option<OsString>, least: usize) -> Result<String, StartError> {
    let Some(given) = given else { return Ok(credentials::new_secret("").chars().take(20).collect()) };
    let wrong = |problem: String| StartError::FirstPassword { problem };
    let given = given.into_string().map_err(|_| wrong("is not text in UTF-8".into()))?;
    match rule::fault(&given, least, &[FIRST_LOGIN.to_owned()]) {
        None => Ok(given),
        Some(fault) => Err(wrong(Wrong::from(fault).problem(Lang::En))),
    }
}

/// This machine's own cards: a pool for each model, with this machine as its node.
fn found_here() -> Vec<PoolSettings> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let found = engines::detect::cards_here();
    let is_one = found.len() == 1;
    let pool = |found: FoundCards| {
        let numbers: Vec<u8> = found.cards.iter().map(|card| card.index).collect();
        let cards = numbers.iter().max().map_or(0, |highest| highest + 1);
        let memory_mib = found.cards.iter().filter_map(|card| card.memory_mib).max().unwrap_or(0);
        tracing::info!(model = %found.model, cards = numbers.len(), driver = %found.driver, "found accelerators");
        if numbers.len() != usize::from(cards)
            || found.cards.iter().any(|card| card.is_healthy == Some(false))
        {
            tracing::warn!(model = %found.model, ?numbers, "cards are missing or report a fault: drain the node if they can't work");
        }
        // What is not known of a model is 0 and shown as such; the settings can say it.
        let unknown = CardModel {
            name: found.model.clone(),
            vendor: found.vendor,
            fp16_tflops: 0,
            memory_mib,
            tdp_watts: 0,
            affinity: Affinity::Any,
        };
        let node = NodeSettings {
            name: if is_one { host.trim().to_owned() } else { format!("{}-{}", host.trim(), found.model) },
            count: 1,
            cards,
            cards_per_ring: found
                .rings
                .first()
                .and_then(|ring| u8::try_from(ring.len()).ok())
                .filter(|len| *len > 0),
            is_virtual: false,
            switch: String::new(),
            labels: Vec::new(),
        };
        let model = CardModel::known(&found.model).or(Some(unknown));
        PoolSettings { name: found.model.clone(), card_model: found.model, model, nodes: vec![node] }
    };
    found.into_iter().filter(|found| !found.cards.is_empty()).map(pool).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use base::error::chain;

    use super::*;

    #[test]
    fn a_first_password_that_can_t_be_is_refused() {
        let told = |given: OsString| chain(&first_password(Some(given), 10).expect_err("it is refused"));
        for (given, told) in [
            (told("123456789".into()), "QIANTANG_OPERATOR_PASSWORD has 9 characters"),
            (told(OsString::new()), "QIANTANG_OPERATOR_PASSWORD has 0 characters"),
            (told("密".repeat(257).into()), "QIANTANG_OPERATOR_PASSWORD has 257 characters"),
            (told(OsString::from_vec(vec![0xff; 12])), "QIANTANG_OPERATOR_PASSWORD is not text in UTF-8"),
        ] {
            assert_eq!(
                given,
                format!("{told}: give 10 to 256 characters, or leave it out to be given a password")
            );
        }
        assert_eq!(
            first_password(Some("一二三四五六七八九十".into()), 10).expect("10 characters"),
            "一二三四五六七八九十"
        );
        assert_eq!(first_password(None, 10).expect("one is made up").len(), 20);
    }

    #[test]
    fn causes_are_kept_and_told() {
        let cause = std::io::Error::other("no room");
        let error = StartError::from(AppError::internal_at("the pools", cause));
        assert_eq!(chain(&error), "failed to start: the center failed to do this: the pools: no room");
    }
}
