//! The center's settings: one TOML file, unknown keys refused, each key also from the environment.
//!
//! `QIANTANG__ENGINE__ISOLATION=none` sets `isolation` in `[engine]`: the path to the key, two underscores between.

mod backup;
mod books;
mod disk;
mod engine;
#[cfg(test)]
mod guide_tests;
mod http;
pub mod oidc;
mod pools;
mod secrets;
mod sign_in;
mod signing;
mod slurm;

use std::{collections::BTreeMap, ffi::OsString, net::SocketAddr, path::PathBuf};

use base::{
    approval::settings::ApprovalSettings,
    notice::settings::{MailSettings, NoticeSettings},
    settings::{self, LimitSettings},
};
use domain::{JobSpec, Millis, Zone};
use scheduler::Policy;
use serde::{Deserialize, Deserializer};

pub use backup::{BackupSettings, Schedule, TimeOfDay};
pub use books::{BooksSettings, PayeeSettings};
pub use disk::DiskSettings;
pub use engine::{EngineKind, EngineSettings, Isolation, Network, OutsideSettings};
pub use http::{HttpSettings, TlsSettings};
pub use pools::{NodeSettings, PoolSettings, wish};
pub use secrets::SecretSettings;
pub use sign_in::SignInSettings;
pub use signing::{MOST_VALID_DAYS, QuoteSettings, SigningSettings, WHOLE_BP};
pub use slurm::{DirectJobs, SlurmAccountsSettings, SlurmSettings};

/// The key of the time zone among the settings in force.
pub const TIME_ZONE: &str = "time_zone";

/// The setting that says how many days after its month was closed a statement is due.
pub const DUE_DAYS: &str = "books.due_days";

/// The setting that says whether duties are separate.
pub const SEPARATE_DUTIES: &str = "books.separate_duties";
/// The prefix of all names in the environment.
const ENV_PREFIX: &str = "QIANTANG__";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// Everything that the center keeps: database, runs, work folders.
    pub data_dir: PathBuf,
    /// Where backups are written, and nowhere else.
    pub backup_dir: PathBuf,
    pub backup: BackupSettings,
    pub name_zh: String,
    pub name_en: String,
    /// By whose days and months the center meters, bills and tells the time: a name in the IANA database.
    #[serde(deserialize_with = "for_good")]
    pub time_zone: &'static Zone,
    /// Whether cookies are sent over HTTPS only: set it when a proxy in front speaks TLS. Where the center speaks it, they
    /// always are.
    pub secure_cookies: bool,
    pub http: HttpSettings,
    pub log: LogFormat,
    /// Whether `/metrics` answers without a token.
    pub open_metrics: bool,
    pub engine: EngineSettings,
    pub jobs: JobSettings,
    pub billing: BillingSettings,
    pub books: BooksSettings,
    pub limits: LimitSettings,
    pub approval: ApprovalSettings,
    pub disk: DiskSettings,
    pub secrets: SecretSettings,
    pub sign_in: SignInSettings,
    pub quotes: QuoteSettings,
    pub signing: SigningSettings,
    pub oidc: Vec<oidc::OidcSettings>,
    pub notices: NoticeSettings,
    pub mail: MailSettings,
    pub pools: Vec<PoolSettings>,
}

impl Settings {
    /// Whether browsers send cookies over HTTPS only.
    pub fn has_secure_cookies(&self) -> bool {
        self.secure_cookies || self.http.tls.is_some()
    }

    /// The part of the settings that the ground stands on.
    pub fn common(&self) -> settings::Settings {
        settings::Settings {
            name_zh: self.name_zh.clone(),
            name_en: self.name_en.clone(),
            time_zone: self.time_zone,
            limits: self.limits.clone(),
            approval: self.approval.clone(),
            second_factor: self.sign_in.second_factor,
            notices: self.notices.clone(),
            mail: self.mail.clone(),
        }
    }
}

/// Settings are read once, when the program starts.
fn for_good<'de, D: Deserializer<'de>>(from: D) -> Result<&'static Zone, D::Error> {
    Ok(Zone::deserialize(from)?.for_good())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSettings {
    /// For jobs that name no time limit.
    pub default_time_limit_ms: Millis,
    /// The most jobs of one tenant that may be queued or running.
    pub max_active_per_tenant: u32,
    /// The most that scripts, arguments and variables of one tenant's waiting jobs may have together.
    pub waiting_mib_per_tenant: u64,
    /// Variables that every run gets besides the engine's own.
    pub env: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BillingSettings {
    /// How long the runs of a contract go on after its balance ended.
    pub grace_ms: Millis,
    /// How often running runs are metered.
    pub accrue_every_ms: Millis,
    /// After how long use counts half in fair share.
    pub use_half_life_ms: Millis,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            data_dir: PathBuf::from("qiantang-data"),
            backup_dir: PathBuf::from("/var/backups/qiantang"),
            backup: BackupSettings::default(),
            name_zh: "人工智能计算中心".into(),
            name_en: "AI Computing Center".into(),
            time_zone: Default::default(),
            secure_cookies: false,
            http: HttpSettings::default(),
            log: LogFormat::Text,
            open_metrics: false,
            engine: EngineSettings::default(),
            jobs: JobSettings::default(),
            billing: BillingSettings::default(),
            books: BooksSettings::default(),
            limits: LimitSettings::default(),
            approval: ApprovalSettings::default(),
            disk: DiskSettings::default(),
            secrets: SecretSettings::default(),
            sign_in: SignInSettings::default(),
            quotes: QuoteSettings::default(),
            signing: SigningSettings::default(),
            oidc: Vec::new(),
            notices: NoticeSettings::default(),
            mail: MailSettings::default(),
            pools: Vec::new(),
        }
    }
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            default_time_limit_ms: Millis::from_hours(1),
            max_active_per_tenant: 100_000,
            waiting_mib_per_tenant: 2048,
            env: BTreeMap::new(),
        }
    }
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self {
            grace_ms: Millis::from_secs(60),
            accrue_every_ms: Millis::from_secs(60),
            use_half_life_ms: Millis::from_hours(7 * 24),
        }
    }
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("failed to read the settings file {path}: {cause}")]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("the settings in {origin} are not valid: {cause}")]
    Parse { origin: String, cause: Box<toml::de::Error> },
    #[error("the settings in {origin} are not valid: {problem}")]
    Invalid { origin: String, problem: String },
    #[error("the variable {name} is not text in UTF-8")]
    NotText { name: String },
}

impl Settings {
    /// Whether duties are separate. The center says so at its start where the settings don't.
    pub fn are_duties_separate(&self) -> bool {
        self.books.separate_duties.unwrap_or(true)
    }

    /// The settings by which the center counts, as they are kept with their history.
    pub fn of_books(&self) -> [(&'static str, String); 12] {
        let payee = &self.books.payee;
        [
            (TIME_ZONE, self.time_zone.to_string()),
            ("billing.accrue_every_ms", self.billing.accrue_every_ms.0.to_string()),
            ("billing.grace_ms", self.billing.grace_ms.0.to_string()),
            ("engine.kill_grace_ms", self.engine.kill_grace_ms.0.to_string()),
            ("jobs.default_time_limit_ms", self.jobs.default_time_limit_ms.0.to_string()),
            (SEPARATE_DUTIES, self.are_duties_separate().to_string()),
            (
                "books.approve_up_to_micro_cny",
                self.books
                    .approve_up_to_micro_cny
                    .map_or_else(|| "none".to_owned(), |most| most.0.to_string()),
            ),
            (DUE_DAYS, self.books.due_days.to_string()),
            ("books.payee.name", payee.name.clone()),
            ("books.payee.tax_number", payee.tax_number.clone()),
            ("books.payee.bank", payee.bank.clone()),
            ("books.payee.account", payee.account.clone()),
        ]
    }

    /// How this center plans.
    pub fn planning(&self) -> Policy {
        Policy {
            use_half_life: self.billing.use_half_life_ms,
            preemption_grace: self.engine.kill_grace_ms,
            ..Policy::default()
        }
    }

    /// The nodes of the settings that are to be real.
    pub fn real_nodes(&self) -> Vec<engines::detect::RealNode> {
        self.pools.iter().flat_map(PoolSettings::real_nodes).collect()
    }

    /// The time limit of a job's runs.
    pub fn time_limit(&self, spec: &JobSpec) -> Millis {
        spec.time_limit_ms.unwrap_or(self.jobs.default_time_limit_ms)
    }

    /// The longest time that a run's use is charged for: its time limit, and the time that its processes get to end.
    pub fn charged_at_most(&self, spec: &JobSpec) -> Millis {
        Millis(self.time_limit(spec).0.saturating_add(self.engine.kill_grace_ms.0.max(0)))
    }

    /// Reads the file at `path` (none: all defaults) and lays `env` over it.
    pub fn load(
        path: Option<&std::path::Path>,
        env: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let (origin, text) = match path {
            None => ("the environment".to_owned(), String::new()),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|cause| SettingsError::Read { path: path.to_owned(), cause })?;
                (path.display().to_string(), text)
            }
        };
        // Whatever else is in the environment need not be text.
        let ours = env.filter_map(|(name, value)| {
            Some((name.into_string().ok().filter(|name| name.starts_with(ENV_PREFIX))?, value))
        });
        let as_text = |(name, value): (String, OsString)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(SettingsError::NotText { name }),
        };
        let env = ours.map(as_text).collect::<Result<Vec<_>, _>>()?;
        Self::parse(&origin, &text, env.into_iter())
    }

    /// The settings that `text` and `env` make together; `origin` names the text in errors.
    pub fn parse(
        origin: &str,
        text: &str,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let parse_error = |cause| SettingsError::Parse { origin: origin.to_owned(), cause: Box::new(cause) };
        // Parsed once as it is, so that an error names the line.
        toml::from_str::<Self>(text).map_err(parse_error)?;
        let mut table: toml::Table = toml::from_str(text).map_err(parse_error)?;
        for (name, value) in env {
            if let Some(path) = name.strip_prefix(ENV_PREFIX) {
                let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
                overlay(&mut table, &keys, &value);
            }
        }
        let settings: Self = toml::Value::Table(table).try_into().map_err(parse_error)?;
        match settings.problem() {
            None => Ok(settings),
            Some(problem) => Err(SettingsError::Invalid { origin: origin.to_owned(), problem }),
        }
    }

    fn problem(&self) -> Option<String> {
        let slurm = &self.engine.slurm;
        if let Some(problem) = slurm.problem(self.engine.kind == EngineKind::Slurm) {
            return Some(problem);
        }
        if self.backup_dir.starts_with(&self.data_dir) {
            return Some(
                "`backup_dir` is in `data_dir`: a backup does not belong beside its original".to_owned(),
            );
        }
        if self.data_dir.starts_with(&self.backup_dir) {
            return Some("`data_dir` is in `backup_dir`: give backups a folder of their own".to_owned());
        }
        if self.engine.isolation == Isolation::None
            && matches!(self.engine.network, Some(Network::Tenant | Network::None))
        {
            return Some("`engine.network` needs `engine.isolation = \"full\"`".to_owned());
        }
        let is_shared = matches!(self.engine.network, Some(Network::None | Network::Host));
        if self.engine.outside.open == Some(true) && is_shared {
            return Some("`engine.outside.open` is for `engine.network = \"tenant\"`".to_owned());
        }
        if let Some(problem) = self.http.problem(self.listen) {
            return Some(problem);
        }
        if let Some(problem) = self.backup.problem() {
            return Some(problem);
        }
        if let Some(problem) = self.books.problem() {
            return Some(problem);
        }
        if let Some(problem) = self.approval.problem() {
            return Some(problem);
        }
        if let Some(problem) = self.quotes.problem().or_else(|| self.signing.problem()) {
            return Some(problem);
        }
        if let Some(problem) = self.sign_in.problem() {
            return Some(problem);
        }
        if let Some(problem) = self.mail.problem(&self.notices) {
            return Some(problem);
        }
        if let Some(problem) = self.disk.problem() {
            return Some(problem);
        }
        if let Some(problem) = oidc::problem(&self.oidc, self.sign_in.url.as_deref()) {
            return Some(problem);
        }
        if let Some(problem) = pools::problem(&self.pools) {
            return Some(problem);
        }
        let positive = [
            ("billing.accrue_every_ms", self.billing.accrue_every_ms.0),
            ("billing.use_half_life_ms", self.billing.use_half_life_ms.0),
            ("jobs.default_time_limit_ms", self.jobs.default_time_limit_ms.0),
            ("engine.shm_mib", i64::try_from(self.engine.shm_mib.min(1 << 40)).unwrap_or(i64::MAX)),
            ("limits.session_hours", self.limits.session_hours),
            ("limits.token_days", self.limits.token_days),
            ("sign_in.invitation_days", self.sign_in.invitation_days),
            ("engine.slurm.cpus_per_card", i64::from(slurm.cpus_per_card)),
            ("engine.slurm.pending_limit_ms", slurm.pending_limit_ms.0),
        ];
        if let Some((key, value)) = positive.into_iter().find(|(_, value)| *value <= 0) {
            return Some(format!("`{key}` is {value}: it must be above 0"));
        }
        (self.billing.grace_ms.0 < 0).then(|| "`billing.grace_ms` is below 0".to_owned())
    }
}

/// Sets one key; numbers and booleans are read as such.
fn overlay(table: &mut toml::Table, keys: &[String], text: &str) {
    let [first, rest @ ..] = keys else { return };
    if rest.is_empty() {
        let value = text
            .parse::<i64>()
            .map(toml::Value::Integer)
            .or_else(|_| text.parse::<bool>().map(toml::Value::Boolean))
            .unwrap_or_else(|_| toml::Value::String(text.to_owned()));
        table.insert(first.clone(), value);
    } else if let Some(inner) =
        table.entry(first.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new())).as_table_mut()
    {
        overlay(inner, rest, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, env: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::parse("test.toml", text, env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let text = "listen = \"127.0.0.1:1\"\n[engine]\nisolation = \"full\"\nlog_limit_mib = 3\n";
        let env =
            [("QIANTANG__ENGINE__ISOLATION", "none"), ("QIANTANG__BILLING__GRACE_MS", "0"), ("HOME", "/")];
        let settings = parse(text, &env).unwrap();
        assert_eq!(settings.engine.isolation, Isolation::None);
        assert_eq!(settings.engine.log_limit_mib, 3);
        assert_eq!(settings.billing.grace_ms, Millis(0));
        assert_eq!(settings.time_zone.name(), "Asia/Shanghai");
        let settings = parse("time_zone = \"UTC\"", &[("QIANTANG__TIME_ZONE", "America/New_York")]).unwrap();
        assert_eq!(settings.common().time_zone.name(), "America/New_York");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, env, want) in [
            ("[engine]\nisolatoin = \"full\"", [("A", "")], "isolatoin"),
            ("\n\nlistne = \"127.0.0.1:1\"", [("A", "")], "line 3"),
            ("listen = 7", [("A", "")], "listen"),
            ("data_dir = \"/a\"\nbackup_dir = \"/a/b\"", [("A", "")], "`backup_dir` is in `data_dir`"),
            ("data_dir = \"/a/b\"\nbackup_dir = \"/a\"", [("A", "")], "`data_dir` is in `backup_dir`"),
            ("", [("QIANTANG__NO_SUCH_KEY", "1")], "no_such_key"),
            ("[billing]\naccrue_every_ms = 0", [("A", "")], "accrue_every_ms"),
            ("[limits]\nrequests_per_second = 0", [("A", "")], "nonzero"),
            ("time_zone = \"Mars/Olympus\"", [("A", "")], "time_zone"),
            ("time_zone = \"Mars/Olympus\"", [("A", "")], "such as Asia/Shanghai or UTC"),
            ("", [("QIANTANG__TIME_ZONE", "UTC+8")], "time_zone"),
            ("[limits]\ntoken_days = 0", [("A", "")], "token_days"),
            ("[sign_in]\ninvitation_days = 0", [("A", "")], "invitation_days"),
            ("[books]\napprove_up_to_micro_cny = -1", [("A", "")], "approve_up_to_micro_cny"),
            ("[quotes]\nvalid_days = 0", [("A", "")], "quotes.valid_days"),
            ("[quotes.discount_bp]\nfinance = 1", [("A", "")], "draws up no quotes"),
            ("[quotes.discount_bp]\noperator = 10001", [("A", "")], "quotes.discount_bp.operator"),
            ("[signing]\ncenter_roles = []", [("A", "")], "nobody could sign"),
            ("[signing]\ntenant_roles = [\"developer\"]", [("A", "")], "signing.tenant_roles"),
            ("[signing]\namendment_en = \"/a\"", [("A", "")], "name both or neither"),
            ("[books]\ndue_days = 366", [("A", "")], "due_days"),
            ("[books]\ninvoice_rates_bp = []", [("A", "")], "invoice_rates_bp"),
            ("[books]\ninvoice_rates_bp = [600, 5001]", [("A", "")], "invoice_rates_bp"),
            ("[books.payee]\nname = \"x\"\nbank = \"y\"", [("A", "")], "books.payee.account"),
            (
                "[books.payee]\nname = \"x\"\nbank = \"y\"\naccount = \"1\"\ntax_number = \"91330100799655058C\"",
                [("A", "")],
                "books.payee.tax_number",
            ),
            ("[books]\nroots_url = \"ftp://here\"", [("A", "")], "roots_url"),
            ("[books]\nsigning_key = \"/k\"\nsign_command = [\"sign\"]", [("A", "")], "sign_command"),
            ("[disk]\nfloor_percent = 51", [("A", "")], "disk.floor_percent"),
            ("", [("QIANTANG__DISK__RUN_MIB", "0")], "disk.run_mib"),
            ("[[pools]]\nname = \"a\"\ncard_model = \"x1\"", [("A", "")], "x1"),
            (
                "[[pools]]\nname = \"a\"\ncard_model = \"ascend-910\"\nnodes = [{name = \"n\", cards = 65}]",
                [("A", "")],
                "65 cards",
            ),
        ] {
            let message = parse(text, &env).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = parse(&text, &[]);
        }
    }
}
