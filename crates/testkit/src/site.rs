//! A real center in a process of its own, from the real program.

mod asking;
pub mod jobs;
pub mod tenants;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use domain::Millis;
use engines::AHEAD_VARIABLE;
use ureq::Agent;

use crate::http::agent;

/// The password of everybody at a site.
pub const PASSWORD: &str = "a-long-password";
/// The longest time that a test waits for anything, on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A center's folder and settings. Its process can be stopped, killed and started again.
#[derive(Debug)]
pub struct Site {
    pub folder: tempfile::TempDir,
    data: PathBuf,
    settings: PathBuf,
    program: PathBuf,
    process: Option<Child>,
    pub url: String,
    agent: Agent,
    ca: Option<PathBuf>,
    /// The operator's token.
    pub operator: String,
    /// By how much the center's clock is ahead of the machine's from its next start on.
    pub clock_ahead: Millis,
}

impl Site {
    /// A new center by `program` with virtual nodes of eight cards. `more` is put before the pool in the
    /// settings.
    pub fn new(program: &str, nodes: u32, more: &str) -> Self {
        let settings = format!(
            "{more}\n[[pools]]\nname = \"ascend-910\"\n\
             card_model = \"ascend-910\"\nnodes = [{{ name = \"npu-\", count = {nodes}, cards = 8, cards_per_ring = 4, \
             virtual = true }}]\n"
        );
        Self::with_settings(program, &settings)
    }

    /// A new center by `program` with these settings and an address and a folder of its own.
    pub fn with_settings(program: &str, settings_text: &str) -> Self {
        Self::made(program, settings_text, None)
    }

    /// A new center by `program` with a virtual node of eight cards, which keeps its data in a folder of `disk`.
    pub fn on_disk(program: &str, disk: &Path, more: &str) -> Self {
        let settings = format!(
            "{more}\n[[pools]]\nname = \"ascend-910\"\ncard_model = \"ascend-910\"\n\
             nodes = [{{ name = \"npu-\", count = 1, cards = 8, cards_per_ring = 4, virtual = true }}]\n"
        );
        Self::made(program, &settings, Some(disk.join("data")))
    }

    fn made(program: &str, settings_text: &str, data: Option<PathBuf>) -> Self {
        let folder = tempfile::Builder::new().prefix("qiantang-test-").tempdir().expect("a folder is made");
        // Runs go through it under users of their own.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))
            .expect("a mode is set");
        let settings = folder.path().join("center.toml");
        let data = data.unwrap_or_else(|| folder.path().join("data"));
        // One operator does everything, but where a test is about that.
        let duties =
            if settings_text.contains("[books]") { "" } else { "[books]\nseparate_duties = false\n" };
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\nbackup_dir = \"{}\"\n{settings_text}\n{duties}",
            data.display(),
            folder.path().join("backups").display()
        );
        std::fs::write(&settings, text).expect("the settings are written");
        let mut site = Self {
            folder,
            data,
            settings,
            program: program.into(),
            process: None,
            url: String::new(),
            agent: agent(),
            ca: None,
            operator: String::new(),
            clock_ahead: Millis(0),
        };
        site.start();
        site.operator = site.login("operator");
        site
    }

    /// Trusts centers by the certificates in this file, and by no others.
    pub fn trust(&mut self, ca: &Path) {
        self.agent = crate::http::trusting(&std::fs::read(ca).expect("the file is there"));
        self.ca = Some(ca.to_owned());
    }

    /// The file with the certificates that are trusted.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The folder for backups.
    pub fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// The settings file.
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// Writes `new` in the place of `old` in the settings, for the next start.
    pub fn change_settings(&self, old: &str, new: &str) {
        let text = std::fs::read_to_string(&self.settings).expect("the settings are there");
        assert!(text.contains(old), "{text}");
        std::fs::write(&self.settings, text.replacen(old, new, 1)).expect("they are written");
    }

    /// The program that the center runs.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts the center's process and waits until it is ready. Returns how long that took.
    pub fn start(&mut self) -> Duration {
        assert!(self.process.is_none(), "the center runs already");
        let began = Instant::now();
        // Tests ask more than people do, but for the one about that.
        let is_limited = std::fs::read_to_string(&self.settings)
            .is_ok_and(|settings| settings.contains("requests_per_second"));
        let no_limit = (!is_limited).then_some(("QIANTANG__LIMITS__REQUESTS_PER_SECOND", "1000000"));
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("center.log"));
        let mut child = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(&self.settings)
            .env("QIANTANG_OPERATOR_PASSWORD", PASSWORD)
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .envs((self.clock_ahead != Millis(0)).then(|| (AHEAD_VARIABLE, self.clock_ahead.0.to_string())))
            .envs(no_limit)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log is opened"))
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the program says a line");
        let url = line.trim().strip_prefix("listening on ");
        let Some(url) = url else { panic!("the center did not start: {line}\n{}", self.log()) };
        url.clone_into(&mut self.url);
        // The pipe stays open and is emptied: the center must never write into a closed one.
        std::thread::spawn(move || drop(out.read_to_end(&mut Vec::new())));
        self.process = Some(child);
        began.elapsed()
    }

    /// Has the center listen at the address that it has now when it is started again.
    pub fn keep_address(&self) {
        let address = self.url.split_once("://").expect("an address").1;
        self.change_settings("127.0.0.1:0", address);
    }

    /// The center's log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("center.log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the center runs").id()
    }

    /// Kills the center, which has no chance to tidy up.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("the center runs");
        process.kill().expect("the process is killed");
        process.wait().expect("the process is gone");
    }

    /// Asks the center to end, and waits for that.
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the center runs");
        let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        process.wait().expect("the process is gone")
    }

    /// Looks until `look` finds something; `what` names it, should that take too long.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < until, "waited too long for {what}\n{}", self.log());
            // Soon enough for the test, without taking the processor from the center.
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the clock shows another second.
    ///
    /// Slurm tells times in whole seconds. A job that begins in the second in which its contract did is
    /// billed only from the contract on, which is a part of a second less than Slurm accounts for.
    pub fn wait_for_next_second(&self) {
        let second = || crate::now().as_micros() / 1_000_000;
        let now = second();
        self.wait_for("the next second", || (second() > now).then_some(()));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
            let _ = process.wait();
        }
    }
}
