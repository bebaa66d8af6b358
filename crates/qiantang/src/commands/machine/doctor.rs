//! Checks of this machine, the settings and the center, each with what to do about it.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use center::settings::{EngineKind, Settings, TlsSettings};
use clap::Args;
use domain::{Both, Lang, Millis, Timestamp, both};
use engines::{
    detect::{FoundCards, lacking},
    local::check_host,
    slurm::check_slurm,
};
use serde_json::{Value, json};

use super::disk::bytes;
use crate::commands::{people::issuers, retirement};
use crate::context::{Context, Done, Run};
use crate::{
    client::Client,
    errors::Failure,
    output::{Clock, duration, items, list, number, pick, text},
    peer::{self, Listener},
    words,
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

/// A thing that was checked.
struct Checked {
    name: Both,
    ok: bool,
    detail: Both,
    hint: Both,
}

impl Checked {
    /// As programs get it.
    fn json(&self) -> Value {
        let hint = if self.ok { "" } else { &self.hint.en };
        json!({ "name": self.name.en, "ok": self.ok, "detail": self.detail.en, "hint": hint })
    }
}

impl Run for Doctor {
    fn run(self, context: &Context) -> Done {
        let config = self.config.as_deref();
        let mut checks: Vec<Checked> = Vec::new();
        let mut add = |name, ok, detail, hint| checks.push(Checked { name, ok, detail, hint });
        let settings = of_machine(config, &mut add);
        let own = config.and(settings.as_ref()).and_then(|settings| own_center(context, settings));
        let client = own.as_ref().unwrap_or(&context.client);
        of_center(context, client, settings.as_ref().filter(|_| config.is_some()), &mut add);
        let bad = checks.iter().filter(|check| !check.ok).count();
        let report = json!({ "checks": checks.iter().map(Checked::json).collect::<Vec<_>>(), "bad": bad });
        context.print(&report, |lang| shown(lang, &checks))?;
        if bad == 0 {
            return Ok(());
        }
        let message = both(format!("{bad} 项检查异常"), format!("{bad} checks failed"));
        let hint = both("各项都写明了处理办法", "each says what to do");
        Err(Failure::system("checks_failed", message, hint))
    }
}

/// Checks the settings and this machine; gives the settings where they can be read.
fn of_machine(config: Option<&Path>, add: &mut impl FnMut(Both, bool, Both, Both)) -> Option<Settings> {
    let settings = match Settings::load(config, std::env::vars_os()) {
        Ok(settings) => settings,
        Err(error) => {
            let en = error.to_string();
            let hint = both(
                "请改正设置文件；docs/operators.zh.md 列出全部设置",
                "mend the settings file; docs/operators.md lists all keys",
            );
            add(both("设置", "settings"), false, both(format!("设置有误（{en}）"), en), hint);
            accelerators(&engines::detect::cards_here(), add);
            return None;
        }
    };
    let origin =
        config.map_or_else(|| both("默认设置", "defaults"), |path| Both::alike(path.display().to_string()));
    let data_dir = settings.data_dir.display();
    let detail =
        both(format!("{}；数据位于 {data_dir}", origin.zh), format!("{}; data in {data_dir}", origin.en));
    add(both("设置", "settings"), true, detail, Both::default());
    let checks_of_engine = match settings.engine.kind {
        EngineKind::Local => {
            check_host(&center::start::engine_config(&settings, crate::serve::programs().host))
        }
        EngineKind::Slurm => check_slurm(&center::start::slurm_config(&settings, &[])),
    };
    for check in checks_of_engine {
        add(both(of_engine(check.name), check.name), check.ok, check.detail, check.hint);
    }
    if let Some(files) = &settings.http.tls {
        let (is_fine, detail) = certificate(files);
        let hint = both(
            "请更换；中心会自动重新读取证书文件",
            "renew it; the center reads its files again by itself",
        );
        add(both("证书", "certificate"), is_fine, detail, hint);
    }
    let cards = engines::detect::cards_here();
    accelerators(&cards, add);
    if let Some((is_fine, detail)) = real_nodes(&settings, &cards) {
        let hint = both(
            "请修好加速卡或其驱动；若节点使用虚拟的加速卡，请设置 `virtual = true`；在此之前中心会把它作为故障节点停用",
            "mend the cards or their driver, or set `virtual = true` for a node that is to have made-up cards; \
             until then the center takes it out as failed",
        );
        add(both("真实节点", "real nodes"), is_fine, detail, hint);
    }
    Some(settings)
}

/// What an engine's doctor checks, in Chinese.
fn of_engine(name: &str) -> &str {
    match name {
        "isolation" => "隔离",
        "surroundings" => "运行环境",
        "system calls" => "系统调用",
        "data folder" => "数据目录",
        "ports" => "端口",
        "shared folder" => "共享目录",
        "Slurm's token" => "Slurm 令牌",
        "Slurm's clock" => "Slurm 时钟",
        "Slurm's accounting" => "Slurm 记账",
        "Slurm counts cards" => "Slurm 卡数统计",
        "Slurm's nodes" => "Slurm 节点",
        // Names that are the same in both languages, such as `cgroup`.
        same => same,
    }
}

fn accelerators(cards: &[FoundCards], add: &mut impl FnMut(Both, bool, Both, Both)) {
    let listed: Vec<String> =
        cards.iter().map(|found| format!("{} × {}", found.cards.len(), found.model)).collect();
    let detail = if listed.is_empty() {
        both("本机没有加速卡：只能使用虚拟节点", "no accelerator here: nodes must be virtual")
    } else {
        both(listed.join("、"), listed.join(", "))
    };
    add(both("加速卡", "accelerators"), true, detail, Both::default());
}

/// Checks the center, and who listens at its address; the rest as the one who is signed in may know it.
fn of_center(
    context: &Context,
    client: &Client,
    wished: Option<&Settings>,
    add: &mut impl FnMut(Both, bool, Both, Both),
) {
    let center = both("中心", "center");
    match client.is_ready() {
        Ok((is_ready, said)) => {
            let hint = both("请查看中心的日志", "see the center's log");
            add(center, is_ready, center_said(&client.url, is_ready, &said), hint);
        }
        Err(failure) => add(center, false, failure.message, failure.hint),
    }
    let (is_fine, detail) = listener(&client.url);
    let hint = both("请查明谁占用了中心的端口", "find out who took the center's port");
    add(both("监听者", "listener"), is_fine, detail, hint);
    let sign_in = both("登录", "sign-in");
    if !client.has_token() {
        let detail = both("没有保存这个中心的令牌", "no token is kept for this center");
        return add(sign_in, false, detail, both("请登录：qiantang login", "sign in: qiantang login"));
    }
    let me = match client.get("/api/v1/me") {
        Ok(me) => me,
        Err(failure) => {
            let hint = both("请重新登录：qiantang login", "sign in again: qiantang login");
            return add(sign_in, false, failure.message, hint);
        }
    };
    let (login, role) = (text(&me, "login"), text(&me, "role"));
    let detail =
        both(format!("{login}（{}）", words::word(Lang::Zh, "role", role)), format!("{login} ({role})"));
    add(sign_in, true, detail, Both::default());
    let name = both("时钟", "clock");
    match clock_offset_ms(client) {
        Ok(off_ms) => {
            let detail = both(
                format!("中心与本机的时钟相差 {off_ms} 毫秒，精确到秒"),
                format!("the center's clock and this one differ by {off_ms} ms, to the second"),
            );
            let hint = both("请用 NTP 校准两边的时钟", "set both clocks by NTP");
            add(name, off_ms < 5_000, detail, hint);
        }
        Err(failure) => add(name, false, failure.message, failure.hint),
    }
    let clock = context.clock_of(client);
    loops(client, &clock, add);
    mail(client, add);
    disks(client, add);
    backups(client, &clock, add);
    retirement::check(client, wished, add);
    issuers::check(client, wished, add);
    first_steps(client, add);
}

/// Whether the certificate of the settings can be used, and for how long.
fn certificate(files: &TlsSettings) -> (bool, Both) {
    match center::tls::read(files) {
        Ok(pair) => {
            let left = pair.expires_at.since(base::moment::now());
            let path = files.certificate.display();
            let (at, days) = (pair.expires_at, left.as_secs() / 86_400);
            let detail = both(
                format!("{path} 于 {at} 到期，还有 {days} 天"),
                format!("{path} expires at {at}, in {days} days"),
            );
            (left > RENEWED_BEFORE, detail)
        }
        Err(error) => {
            let en = base::error::chain(&error);
            (false, both(format!("证书不能使用（{en}）"), en))
        }
    }
}

/// Whether this machine has the cards of the real nodes that the settings name; `None` where there are none.
fn real_nodes(settings: &Settings, found: &[FoundCards]) -> Option<(bool, Both)> {
    if settings.engine.kind != EngineKind::Local {
        return None;
    }
    let nodes = settings.real_nodes();
    let lacks = lacking(&nodes, found);
    let told = |lang| {
        let each = lacks.iter().map(|lack| match lang {
            Lang::Zh => format!("{}：{}", lack.node, lack.text(lang)),
            Lang::En => format!("{}: {}", lack.node, lack.text(lang)),
        });
        each.collect::<Vec<_>>().join(pick(lang, "；", "; "))
    };
    match (nodes.len(), lacks.is_empty()) {
        (0, _) => None,
        (count, true) => Some((
            true,
            both(format!("{count} 个，加速卡都在本机"), format!("{count}, with cards that are here")),
        )),
        (_, false) => Some((false, Both::of(told))),
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
fn listener(url: &str) -> (bool, Both) {
    let detail = match peer::of(url) {
        Listener::Foreign(uid) => return (false, peer::foreign(url, uid).message),
        Listener::Trusted(uid) => {
            both(format!("在 {url} 监听的是用户 {uid}"), format!("{url} is listened on by the user {uid}"))
        }
        Listener::Unknown => both(
            format!("{url}：本机不能得知谁在监听"),
            format!("{url}: this machine does not tell who listens there"),
        ),
        Listener::Elsewhere if url.starts_with("https://") => {
            both(format!("{url} 由证书证明身份"), format!("{url} proves itself by its certificate"))
        }
        Listener::Elsewhere => both(
            format!("{url} 是另一台机器，应答者的身份无法证明：请使用 https"),
            format!("{url} is another machine, and nothing proves who answers: use https"),
        ),
    };
    (true, detail)
}

fn center_said(url: &str, is_ready: bool, said: &str) -> Both {
    if is_ready {
        both(format!("{url} 已就绪"), format!("{url} is {said}"))
    } else {
        both(format!("{url} 未就绪（{said}）"), format!("{url} is not ready: {said}"))
    }
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
fn loops(client: &Client, clock: &Clock, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let loops = match client.get("/api/v1/loops").and_then(|loops| Ok(list(&loops)?.to_vec())) {
        Ok(loops) => loops,
        // They are for the center's people.
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(both("循环", "loops"), false, failure.message, failure.hint),
    };
    for known in &loops {
        let (state, error) = (text(known, "state"), text(known, "error"));
        let detail = if error.is_empty() {
            let ago = duration(number(known, "since_good_ms"));
            both(format!("最近一次正常在 {ago} 前"), format!("{state}; the last good turn was {ago} ago"))
        } else {
            let in_a_row = &known["failures_in_a_row"];
            let since = clock.instant(known, "failing_since");
            let zone = &clock.zone;
            both(
                format!("自 {since}（{zone}）起连续 {in_a_row} 次失败（{error}）"),
                format!("{state} since {since} {zone}, {in_a_row} turns in a row: {error}"),
            )
        };
        let is_fine = error.is_empty() && known["is_late"] != true;
        let hint = both(
            "docs/operators.zh.md 的“中心的循环”一节说明各循环的作用",
            "docs/operators.md tells what each loop does, under \"The center's loops\"",
        );
        let name = text(known, "name");
        add(both(format!("循环 {name}"), format!("loop {name}")), is_fine, detail, hint);
    }
}

/// Whether the relay takes the center's mail, for those who may know.
fn mail(client: &Client, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let name = both("邮件", "mail");
    let answer = match client.get("/api/v1/mails/relay") {
        Ok(answer) => answer,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(name, false, failure.message, failure.hint),
    };
    if answer["is_on"] != true {
        let detail = both("中心不发送邮件", "the center sends none");
        return add(name, true, detail, both("", ""));
    }
    let (waiting, failed) = (&answer["waiting"], &answer["failed"]);
    let detail = match answer["error"].as_str() {
        Some(error) => {
            both(format!("邮件服务器不接收邮件：{error}"), format!("the relay takes none: {error}"))
        }
        None => both(
            format!("邮件服务器可用；{waiting} 封等待，{failed} 封失败"),
            format!("the relay answers; {waiting} waiting, {failed} failed"),
        ),
    };
    let hint = both(
        "docs/operators.zh.md 的“通知与邮件”一节说明邮件的设置",
        "docs/operators.md tells how mail is set up, under \"Notices and mail\"",
    );
    add(name, answer["error"].is_null(), detail, hint);
}

/// Whether there is a backup of the last days, for those who may know.
fn backups(client: &Client, clock: &Clock, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let answer = match client.get("/api/v1/backups") {
        Ok(answer) => answer,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(both("备份", "backups"), false, failure.message, failure.hint),
    };
    let folder = text(&answer, "folder");
    let name = both("备份", "backups");
    let hint = both(
        "docs/operators.zh.md 的“备份和恢复”一节说明备份的做法",
        "docs/operators.md tells how backups are made, under \"Backup and restore\"",
    );
    let newest = answer["items"].as_array().and_then(|all| all.first());
    let detail = match newest {
        Some(one) => {
            let made_at = clock.instant(one, "made_at");
            let (file, zone) = (text(one, "name"), &clock.zone);
            both(
                format!("{folder} 中最新的是 {file}，作于 {made_at}（{zone}）"),
                format!("the newest in {folder} is {file}, made {made_at} {zone}"),
            )
        }
        None => both(format!("{folder} 中还没有备份"), format!("there is none in {folder} yet")),
    };
    if let Some(error) = answer["error"].as_str() {
        let detail = both(
            format!("{}；上一次备份失败（{error}）", detail.zh),
            format!("{}; the last try failed: {error}", detail.en),
        );
        return add(name, false, detail, hint);
    }
    let made_at = newest.and_then(|one| text(one, "made_at").parse::<Timestamp>().ok());
    let is_fresh = match made_at {
        Some(made_at) => base::moment::now().since(made_at) < OLD_BACKUP,
        // The first is made within a day.
        None => !answer["at"].is_null(),
    };
    add(name, is_fresh, detail, hint);
}

/// What a new center still needs, for those who may do it. That it is new is no fault of it.
fn first_steps(client: &Client, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let overview = match client.get("/api/v1/overview") {
        Ok(overview) => overview,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(both("开通步骤", "first steps"), false, failure.message, failure.hint),
    };
    let Some(steps) = overview["center"]["first_steps"].as_array() else { return };
    let open: Vec<&Value> = steps.iter().filter(|step| step["is_done"] != true).collect();
    let told = |lang| {
        let each = open.iter().map(|step| {
            let (name, command) = (text(step, "name"), text(step, "command"));
            match lang {
                Lang::Zh => format!("{}：{command}", words::word(lang, "first-step", name)),
                Lang::En => format!("{name}: {command}"),
            }
        });
        let each = each.collect::<Vec<_>>().join(pick(lang, "；", "; "));
        match lang {
            Lang::Zh => format!("待办：{each}"),
            Lang::En => format!("still to do: {each}"),
        }
    };
    let detail = if open.is_empty() { both("已全部完成", "all done") } else { Both::of(told) };
    add(both("开通步骤", "first steps"), true, detail, Both::default());
}

/// What is free of the center's disks, for those who may know.
fn disks(client: &Client, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let report = match client.get("/api/v1/disk") {
        Ok(report) => report,
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(both("磁盘", "disks"), false, failure.message, failure.hint),
    };
    for disk in items(&report, "disks") {
        let (free, floor) = (bytes(disk, "free_bytes"), bytes(disk, "floor_bytes"));
        let size = bytes(disk, "size_bytes");
        let detail = both(
            format!("共 {size}，剩余 {free}；必须保留 {floor}"),
            format!("{free} free of {size}; {floor} must stay free"),
        );
        let hint = both(
            "请腾出空间：办法见 docs/operators.zh.md 的“磁盘”一节",
            "make room: docs/operators.md tells how, under \"Disks\"",
        );
        let name = text(disk, "name");
        let name = both(format!("磁盘 {name}"), format!("disk {name}"));
        add(name, disk["full_since"].is_null(), detail, hint);
    }
    for tenant in items(&report, "tenants").iter().filter(|tenant| tenant["is_over"] == true) {
        let (used, allowed) = (bytes(tenant, "used_bytes"), bytes(tenant, "allowed_bytes"));
        let (files, slug) = (&tenant["files"], text(tenant, "tenant_slug"));
        let detail = both(
            format!("已用 {used}（{files} 个文件），可用 {allowed}"),
            format!("it takes {used} in {files} files and may take {allowed}"),
        );
        let hint = both(
            "继续写入的运行会被终止：请在 [disk] 中提高配额，或腾出空间",
            "its runs that write more are ended: raise the quota in [disk], or make room",
        );
        add(both(format!("{slug} 的磁盘用量"), format!("disk of {slug}")), false, detail, hint);
    }
}

fn shown(lang: Lang, checks: &[Checked]) -> String {
    let line = |check: &Checked| {
        let mark = if check.ok { pick(lang, "正常", "ok  ") } else { pick(lang, "异常", "FAIL") };
        let name = check.name.in_lang(lang);
        // A Chinese character is as wide as two letters.
        let wide = name.chars().filter(|letter| !letter.is_ascii()).count();
        let width = 16_usize.saturating_sub(wide);
        let mut line = format!("{mark}  {name:<width$} {}", check.detail.in_lang(lang));
        if !check.ok && !check.hint.is_empty() {
            let _ = write!(line, "\n      {}", check.hint.in_lang(lang));
        }
        line
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}
