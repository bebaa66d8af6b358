//! `qiantang serve`: the center as a service.

use std::{ffi::OsString, io::Write as _, path::Path};

use base::error::chain;
use center::settings::{LogFormat, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::errors::Failure;

/// The program and argument that end up in the engine's host process.
pub fn host_command() -> Vec<OsString> {
    let program =
        std::env::current_exe().map_or_else(|_| "qiantang".into(), std::path::PathBuf::into_os_string);
    vec![program, "engine-host".into()]
}

/// Runs a center until it is told to stop by SIGTERM or SIGINT.
pub fn run(config: Option<&Path>) -> Result<(), Failure> {
    let settings = match Settings::load(config, std::env::vars_os()) {
        Ok(settings) => settings,
        Err(error) => return Err(failed(&error.to_string())),
    };
    start_logs(settings.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Err(failed(&error.to_string())),
    };
    let served = runtime.block_on(async {
        let (mut term, mut int) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(term), Ok(int)) => (term, int),
            (Err(error), _) | (_, Err(error)) => return Err(error.to_string()),
        };
        let stop = async move {
            tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        };
        center::serve(qiantang::PLATFORMS, settings, host_command(), announce, stop)
            .await
            .map_err(|error| chain(&error))
    });
    served.map_err(|problem| failed(&problem))
}

/// Logs go to standard error: `RUST_LOG` chooses what of them.
pub fn start_logs(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only if logs were started before, and then they are there.
    let _ = match format {
        LogFormat::Text => logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed over by the one who started the center")]
fn announce(ready: center::Ready) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "listening on http://{}", ready.address);
    if let Some(first) = &ready.first_operator {
        let _ = writeln!(out, "first operator: {} password: {}", first.login, first.password);
        let _ = writeln!(out, "sign in and change this password; it is not shown again");
    }
    let _ = out.flush();
}

fn failed(problem: &str) -> Failure {
    Failure::system("not_serving", problem, "")
}
