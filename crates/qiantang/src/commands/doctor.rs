//! Checks of this machine, the settings and the center, each with what to do about it.

use std::{fmt::Write as _, path::PathBuf};

use center::settings::{EngineKind, Settings};
use clap::Args;
use domain::Lang;
use engines::{detect::lacking, local::check_host, slurm::check_slurm};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run};
use crate::{
    errors::Failure,
    output::{duration, list, number, pick, text},
    peer::{self, Listener},
};

/// Check this machine, the settings and the center.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The settings file to check; what a center without one would take where left out.
    #[arg(long, short)]
    config: Option<PathBuf>,
}

impl Run for Doctor {
    fn run(self, context: &Context) -> Done {
        let config = self.config.as_deref();
        let mut checks: Vec<Value> = Vec::new();
        let mut add = |name: &str, ok: bool, detail: String, hint: &str| {
            checks.push(
                json!({ "name": name, "ok": ok, "detail": detail, "hint": if ok { "" } else { hint } }),
            );
        };
        match Settings::load(config, std::env::vars_os()) {
            Ok(settings) => {
                let origin = config.map_or("defaults".to_owned(), |path| path.display().to_string());
                add("settings", true, format!("{origin}; data in {}", settings.data_dir.display()), "");
                let checks_of_engine = match settings.engine.kind {
                    EngineKind::Local => {
                        check_host(&center::start::engine_config(&settings, crate::serve::programs().host))
                    }
                    EngineKind::Slurm => check_slurm(&center::start::slurm_config(&settings, &[])),
                };
                for check in checks_of_engine {
                    add(check.name, check.ok, check.detail.clone(), &check.hint);
                }
                if settings.engine.kind == EngineKind::Local {
                    let lacks = lacking(&settings.real_nodes(), &engines::detect::cards_here());
                    for lack in &lacks {
                        let detail = format!("{}: {}", lack.node, lack.text(Lang::En));
                        add("cards of nodes", false, detail, NO_CARDS);
                    }
                }
            }
            Err(error) => add(
                "settings",
                false,
                error.to_string(),
                "mend the settings file; docs/operators.md lists all keys",
            ),
        }
        let cards = engines::detect::cards_here();
        let listed =
            cards.iter().map(|found| format!("{} × {}", found.cards.len(), found.model)).collect::<Vec<_>>();
        let none = "no accelerator here: nodes must be virtual".to_owned();
        add("accelerators", true, if listed.is_empty() { none } else { listed.join(", ") }, "");
        let client = &context.client;
        match client.is_ready() {
            Ok((is_ready, said)) => {
                let (detail, hint) = (center_said(&client.url, is_ready, &said), "see the center's log");
                add("center", is_ready, detail, hint);
            }
            Err(failure) => add("center", false, failure.message, &failure.hint),
        }
        let (is_fine, detail) = listener(&client.url);
        add("listener", is_fine, detail, "find out who took the center's port");
        if client.has_token() {
            match client.get("/api/v1/me") {
                Ok(me) => {
                    add("sign-in", true, format!("{} ({})", text(&me, "login"), text(&me, "role")), "");
                    let hint = "set both clocks by NTP";
                    match clock_offset_ms(context) {
                        Ok(off_ms) => {
                            let detail = format!(
                                "the center's clock and this one differ by {off_ms} ms, to the second"
                            );
                            add("clock", off_ms < 5_000, detail, hint);
                        }
                        Err(failure) => add("clock", false, failure.message, &failure.hint),
                    }
                    loops(context, &mut add);
                }
                Err(failure) => add("sign-in", false, failure.message, "sign in again: qiantang login"),
            }
        } else {
            add("sign-in", false, "no token is kept for this center".into(), "sign in: qiantang login");
        }
        let bad = checks.iter().filter(|check| check["ok"] != true).count();
        let report = json!({ "checks": checks, "bad": bad });
        context.print(&report, |lang| shown(lang, &checks))?;
        if bad == 0 {
            return Ok(());
        }
        Err(Failure::system("checks_failed", format!("{bad} checks failed"), "each says what to do"))
    }
}

const NO_CARDS: &str = "mend the cards or their driver, or set `virtual = true` for a node that is to have made-up cards; \
                        until then the center takes it out as failed";

/// Whose program it is that credentials go to.
fn listener(url: &str) -> (bool, String) {
    match peer::of(url) {
        Listener::Trusted(uid) => (true, format!("{url} is listened on by the user {uid}")),
        Listener::Foreign(uid) => (false, peer::foreign(url, uid).message),
        Listener::Unknown => (true, format!("{url}: this machine does not tell who listens there")),
        Listener::Elsewhere if url.starts_with("https://") => {
            (true, format!("{url} proves itself by its certificate"))
        }
        Listener::Elsewhere => {
            (true, format!("{url} is another machine, and nothing proves who answers: use https"))
        }
    }
}

fn center_said(url: &str, is_ready: bool, said: &str) -> String {
    if is_ready { format!("{url} is {said}") } else { format!("{url} is not ready: {said}") }
}

/// How far the center's clock is from this one. It stamps what it answers; a clock that is off makes times here read wrong.
fn clock_offset_ms(context: &Context) -> Result<i64, Failure> {
    let there = context.client.time()?.as_micros();
    let here = base::moment::now().as_micros();
    // What it says began up to a second ago.
    let off_us = if here < there { there - here } else { (here - there - 1_000_000).max(0) };
    Ok(off_us / 1000)
}

/// How the center's loops fare, for those who may know.
fn loops(context: &Context, add: &mut impl FnMut(&str, bool, String, &str)) {
    let loops = match context.client.get("/api/v1/loops").and_then(|loops| Ok(list(&loops)?.to_vec())) {
        Ok(loops) => loops,
        // They are for the center's people.
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add("loops", false, failure.message, &failure.hint),
    };
    for known in &loops {
        let (state, error) = (text(known, "state"), text(known, "error"));
        let detail = if error.is_empty() {
            format!("{state}; the last good turn was {} ago", duration(number(known, "since_good_ms")))
        } else {
            let (clock, in_a_row) = (context.clock(), &known["failures_in_a_row"]);
            let since = clock.instant(known, "failing_since");
            format!("{state} since {since} {}, {in_a_row} turns in a row: {error}", clock.zone)
        };
        let is_fine = error.is_empty() && known["is_late"] != true;
        let hint = "docs/operators.md tells what each loop does, under \"The center's loops\"";
        add(&format!("loop {}", text(known, "name")), is_fine, detail, hint);
    }
}

fn shown(lang: Lang, checks: &[Value]) -> String {
    let line = |check: &Value| {
        let mark =
            if check["ok"] == true { pick(lang, "正常", "ok  ") } else { pick(lang, "异常", "FAIL") };
        let mut line = format!("{mark}  {:<16} {}", text(check, "name"), text(check, "detail"));
        if !text(check, "hint").is_empty() {
            let _ = write!(line, "\n      {}", text(check, "hint"));
        }
        line
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}
