//! Checks of this machine, the settings and the center, each with what to do about it.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use center::settings::{EngineKind, Settings, TlsSettings};
use clap::Args;
use domain::{Lang, Millis, Timestamp};
use engines::{
    detect::{FoundCards, lacking},
    local::check_host,
    slurm::check_slurm,
};
use serde_json::{Value, json};

use super::disk::bytes;
use crate::commands::retirement;
use crate::context::{Context, Done, Run};
use crate::{
    client::Client,
    errors::Failure,
    output::{Clock, duration, items, list, number, pick, text},
    peer::{self, Listener},
};

/// A certificate should have been renewed so long before it expires.
const RENEWED_BEFORE: Millis = Millis::from_hours(14 * 24);
/// A backup so old means that none was made when it should have been.
const OLD_BACKUP: Millis = Millis::from_hours(49);

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
        let loaded = Settings::load(config, std::env::vars_os());
        let settings = loaded.as_ref().ok().cloned();
        match loaded {
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
                if let Some(files) = &settings.http.tls {
                    let (is_fine, detail) = certificate(files);
                    add(
                        "certificate",
                        is_fine,
                        detail,
                        "renew it; the center reads its files again by itself",
                    );
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
        if let Some((is_fine, detail)) = settings.as_ref().and_then(|settings| real_nodes(settings, &cards)) {
            add("real nodes", is_fine, detail, NO_CARDS);
        }
        let own = config.and(settings.as_ref()).and_then(|settings| own_center(context, settings));
        let client = own.as_ref().unwrap_or(&context.client);
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
                    match clock_offset_ms(client) {
                        Ok(off_ms) => {
                            let detail = format!(
                                "the center's clock and this one differ by {off_ms} ms, to the second"
                            );
                            add("clock", off_ms < 5_000, detail, hint);
                        }
                        Err(failure) => add("clock", false, failure.message, &failure.hint),
                    }
                    let clock = context.clock_of(client);
                    loops(client, &clock, &mut add);
                    disks(client, &mut add);
                    backups(client, &clock, &mut add);
                    let wished = settings.as_ref().filter(|_| config.is_some());
                    retirement::check(client, context.lang, wished, &mut add);
                    first_steps(client, &mut add);
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
/// Whether the certificate of the settings can be used, and for how long.
fn certificate(files: &TlsSettings) -> (bool, String) {
    match center::tls::read(files) {
        Ok(pair) => {
            let left = pair.expires_at.since(base::moment::now());
            let path = files.certificate.display();
            let detail =
                format!("{path} expires at {}, in {} days", pair.expires_at, left.as_secs() / 86_400);
            (left > RENEWED_BEFORE, detail)
        }
        Err(error) => (false, base::error::chain(&error)),
    }
}

/// Whether this machine has the cards of the real nodes that the settings name; `None` where there are none.
fn real_nodes(settings: &Settings, found: &[FoundCards]) -> Option<(bool, String)> {
    if settings.engine.kind != EngineKind::Local {
        return None;
    }
    let nodes = settings.real_nodes();
    let lacks = lacking(&nodes, found);
    let lacks: Vec<String> =
        lacks.iter().map(|lack| format!("{}: {}", lack.node, lack.text(Lang::En))).collect();
    match (nodes.len(), lacks.is_empty()) {
        (0, _) => None,
        (count, true) => Some((true, format!("{count}, with cards that are here"))),
        (_, false) => Some((false, lacks.join("; "))),
    }
}

/// The center that runs with these settings, where no other was asked for.
fn own_center(context: &Context, settings: &Settings) -> Option<Client> {
    if context.url.is_some() || context.profile.is_some() || settings.listen.port() == 0 {
        return None;
    }
    let host = match settings.listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}", SocketAddr::new(host, settings.listen.port()));
    Some(Client::open(None, Some(&url), context.ca.as_deref(), false))
}

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
fn clock_offset_ms(client: &Client) -> Result<i64, Failure> {
    let there = client.time()?.as_micros();
    let here = base::moment::now().as_micros();
    // What it says began up to a second ago.
    let off_us = if here < there { there - here } else { (here - there - 1_000_000).max(0) };
    Ok(off_us / 1000)
}

/// How the center's loops fare, for those who may know.
fn loops(client: &Client, clock: &Clock, add: &mut impl FnMut(&str, bool, String, &str)) {
    let loops = match client.get("/api/v1/loops").and_then(|loops| Ok(list(&loops)?.to_vec())) {
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
            let in_a_row = &known["failures_in_a_row"];
            let since = clock.instant(known, "failing_since");
            format!("{state} since {since} {}, {in_a_row} turns in a row: {error}", clock.zone)
        };
        let is_fine = error.is_empty() && known["is_late"] != true;
        let hint = "docs/operators.md tells what each loop does, under \"The center's loops\"";
        add(&format!("loop {}", text(known, "name")), is_fine, detail, hint);
    }
}

/// Whether there is a backup of the last days, for those who may know.
fn backups(client: &Client, clock: &Clock, add: &mut impl FnMut(&str, bool, String, &str)) {
    let answer = match client.get("/api/v1/backups") {
        Ok(answer) => answer,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add("backups", false, failure.message, &failure.hint),
    };
    let folder = text(&answer, "folder");
    let hint = "docs/operators.md tells how backups are made, under \"Backup and restore\"";
    let newest = answer["items"].as_array().and_then(|all| all.first());
    let detail = match newest {
        Some(one) => {
            let made_at = clock.instant(one, "made_at");
            format!("the newest in {folder} is {}, made {made_at} {}", text(one, "name"), clock.zone)
        }
        None => format!("there is none in {folder} yet"),
    };
    if let Some(error) = answer["error"].as_str() {
        return add("backups", false, format!("{detail}; the last try failed: {error}"), hint);
    }
    let made_at = newest.and_then(|one| text(one, "made_at").parse::<Timestamp>().ok());
    let is_fresh = match made_at {
        Some(made_at) => base::moment::now().since(made_at) < OLD_BACKUP,
        // The first is made within a day.
        None => !answer["at"].is_null(),
    };
    add("backups", is_fresh, detail, hint);
}

/// What a new center still needs, for those who may do it. That it is new is no fault of it.
fn first_steps(client: &Client, add: &mut impl FnMut(&str, bool, String, &str)) {
    let overview = match client.get("/api/v1/overview") {
        Ok(overview) => overview,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add("first steps", false, failure.message, &failure.hint),
    };
    let Some(steps) = overview["center"]["first_steps"].as_array() else { return };
    let open = steps.iter().filter(|step| step["is_done"] != true);
    let open: Vec<String> =
        open.map(|step| format!("{}: {}", text(step, "name"), text(step, "command"))).collect();
    let detail =
        if open.is_empty() { "all done".to_owned() } else { format!("still to do: {}", open.join("; ")) };
    add("first steps", true, detail, "");
}

/// What is free of the center's disks, for those who may know.
fn disks(client: &Client, add: &mut impl FnMut(&str, bool, String, &str)) {
    let report = match client.get("/api/v1/disk") {
        Ok(report) => report,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add("disks", false, failure.message, &failure.hint),
    };
    for disk in items(&report, "disks") {
        let (free, floor) = (bytes(disk, "free_bytes"), bytes(disk, "floor_bytes"));
        let detail = format!("{free} free of {}; {floor} must stay free", bytes(disk, "size_bytes"));
        let hint = "make room: docs/operators.md tells how, under \"Disks\"";
        add(&format!("disk {}", text(disk, "name")), disk["full_since"].is_null(), detail, hint);
    }
    for tenant in items(&report, "tenants").iter().filter(|tenant| tenant["is_over"] == true) {
        let (used, allowed) = (bytes(tenant, "used_bytes"), bytes(tenant, "allowed_bytes"));
        let detail = format!("it takes {used} in {} files and may take {allowed}", tenant["files"]);
        let name = format!("disk of {}", text(tenant, "tenant_slug"));
        add(
            &name,
            false,
            detail,
            "its runs that write more are ended: raise the quota in [disk], or make room",
        );
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
