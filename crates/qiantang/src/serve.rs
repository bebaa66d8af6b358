//! `qiantang serve`: the center as a service.

use crate::tell::tell;
use std::{fmt::Write as _, path::Path};

use base::error::chain;
use center::{
    Programs,
    settings::{EngineKind, LogFormat, Settings},
};
use domain::{Both, Lang, both};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{
    context::say,
    errors::{Failure, said},
    output::pick,
};

/// The hidden commands of this program that end up in a center's helpers.
pub const ENGINE_HOST: &str = "engine-host";
pub const PORT_KEEPER: &str = "port-keeper";

/// This program as a center's helpers.
pub fn programs() -> Programs {
    let program =
        std::env::current_exe().map_or_else(|_| "qiantang".into(), std::path::PathBuf::into_os_string);
    Programs { host: vec![program.clone(), ENGINE_HOST.into()], keeper: vec![program, PORT_KEEPER.into()] }
}

/// Runs a center until it is told to stop by SIGTERM or SIGINT.
pub fn run(config: Option<&Path>, lang: Lang) -> Result<(), Failure> {
    let settings = match Settings::load(config, std::env::vars_os()) {
        Ok(settings) => settings,
        Err(error) => return Err(failed(&error.to_string())),
    };
    start_logs(settings.log)?;
    let settings = with_examples(settings, lang);
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
            // One who is not told waits for the end of the process all the same.
            let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Stopping]);
        };
        center::serve(qiantang::PLATFORMS, settings, programs(), |ready| announce(lang, &ready), stop)
            .await
            .map_err(|error| chain(&error))
    });
    served.map_err(|problem| failed(&problem))
}

/// The center with the files of the examples. It can do without them.
fn with_examples(mut settings: Settings, lang: Lang) -> Settings {
    let beneath = match settings.engine.kind {
        EngineKind::Local => settings.data_dir.clone(),
        EngineKind::Slurm => settings.engine.slurm.shared_dir.clone(),
    };
    if let Err(error) = crate::examples::keep(&mut settings, &beneath) {
        let folder = beneath.display();
        let said = said(&error);
        match lang {
            Lang::Zh => {
                tell!("qiantang：无法把示例的文件写入 {folder}：{}；示例作业将找不到它们", said.zh);
            }
            Lang::En => tell!(
                "qiantang: failed to write the examples' files into {folder}: {}; example jobs won't find them",
                said.en
            ),
        }
    }
    settings
}

/// Logs go to standard error: `RUST_LOG` chooses what of them.
fn start_logs(format: LogFormat) -> Result<(), Failure> {
    let wanted = std::env::var_os(EnvFilter::DEFAULT_ENV);
    let filter = filter(wanted.as_ref().map(|text| text.to_string_lossy()).as_deref())?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only if logs were started before, and then they are there.
    let _ = match format {
        LogFormat::Text => logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    Ok(())
}

/// The log filter from the text of `RUST_LOG`; `info` where there is none. A text that is no filter is
/// refused.
fn filter(wanted: Option<&str>) -> Result<EnvFilter, Failure> {
    let wanted = wanted.filter(|text| !text.trim().is_empty()).unwrap_or("info");
    EnvFilter::try_new(wanted).map_err(|error| {
        let message = both(
            format!("RUST_LOG 为 `{wanted}`，无法识别"),
            format!("RUST_LOG is `{wanted}`, which can't be read: {error}"),
        );
        let hint = both("请写作 info，或 warn,center=debug", "write it as info, or as warn,center=debug");
        Failure::usage("bad_log_filter", message, hint)
    })
}

fn announce(lang: Lang, ready: &center::Ready) {
    let scheme = if ready.is_secure { "https" } else { "http" };
    let mut text = format!("{} {scheme}://{}", pick(lang, "正在监听", "listening on"), ready.address);
    if let Some(first) = &ready.first_operator {
        let login = &first.login;
        let _ = match (&first.password_file, lang) {
            (Some(file), Lang::Zh) => write!(
                text,
                "\n第一位运营人员：{login}；密码在 {} 中，只有文件的所有者可以读取\n请登录，修改密码，并删除该文件",
                file.display()
            ),
            (None, Lang::Zh) => {
                write!(text, "\n第一位运营人员：{login}，密码为 QIANTANG_OPERATOR_PASSWORD 所设")
            }
            (Some(file), Lang::En) => write!(
                text,
                "\nfirst operator: {login}; the password is in {}, which its owner alone can read\n\
                 sign in, change the password, and remove the file",
                file.display()
            ),
            (None, Lang::En) => {
                write!(text, "\nfirst operator: {login}, with the password of QIANTANG_OPERATOR_PASSWORD")
            }
        };
    }
    // Does nothing where nobody wants to know, as without systemd.
    if let Err(error) = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]) {
        match lang {
            Lang::Zh => tell!("qiantang：无法通知 systemd 中心已就绪：{}", said(&error).zh),
            Lang::En => tell!("qiantang: failed to tell systemd that the center is up: {error}"),
        }
    }
    // The center is up: it serves, whoever reads this.
    if let Err(failure) = say(&text) {
        tell!("{}{}", pick(lang, "qiantang：", "qiantang: "), failure.message.in_lang(lang));
    }
}

fn failed(problem: &str) -> Failure {
    let message = both(format!("中心没有启动（{problem}）"), problem);
    Failure::system("not_serving", message, Both::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_filter_that_cannot_be_read_is_refused_and_none_is_the_default() {
        for good in [None, Some(""), Some("warn"), Some("info,center=debug")] {
            assert!(filter(good).is_ok(), "{good:?}");
        }
        for bad in ["center=loud", "info,center=debug=more"] {
            let failure = filter(Some(bad)).unwrap_err();
            assert!(failure.message.en.contains(bad), "{}", failure.message);
        }
    }
}
