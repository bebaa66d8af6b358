//! The demo: a whole center on this machine, its first phase of 40 PFLOPS as virtual nodes, with tenants of the three
//! domains that do real work.

mod front_door;
mod goes_on;
mod options;
mod past;
mod people;
mod report;
mod vouchers;
mod work;

use crate::tell::tell;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

use center::{
    Ready,
    settings::{
        BackupSettings, EngineKind, Isolation, NodeSettings, PayeeSettings, PoolSettings, Schedule, Settings,
    },
    wakers::MIRROR,
};
use domain::{Both, Lang, Millis, both};
use tokio::sync::oneshot;

use crate::{
    context::say,
    errors::{Failure, said},
};
use base::error::chain;
use options::in_lang;
pub use options::{OnSlurm, Options, PASSWORD, SEED};
use people::People;
use report::{Past, Report};

/// Where the demo is served, unless something else is there.
const PORT: u16 = 8470;

/// Runs the demo. Code 0 only if every job ended as it should and the books close.
pub fn run(options: &Options, programs: center::Programs) -> Result<(), Failure> {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Err(failed(&both(
                format!("无法启动：{}", said(&error).zh),
                format!("failed to start: {error}"),
            )));
        }
    };
    match runtime.block_on(play(options, programs)) {
        Ok(report) if report.is_good() => Ok(()),
        Ok(_) => Err(Failure::unexpected(both("演示没有按预期结束", "the demo did not end as it should"))),
        Err(problem) => Err(failed(&problem)),
    }
}

fn failed(problem: &Both) -> Failure {
    let message = both(format!("演示失败：{}", problem.zh), format!("the demo failed: {}", problem.en));
    Failure::system("demo_failed", message, Both::default())
}

/// What the center in the demo says of itself, which it does in English alone.
fn of_center(said: &str) -> Both {
    both(format!("中心出错（{said}）"), said)
}

async fn play(options: &Options, programs: center::Programs) -> Result<Report, Both> {
    let folder = Folder::new(options.data_dir.clone(), options.lang)?;
    let shared_dir = options.slurm.as_ref().and_then(|slurm| slurm.shared_dir.clone());
    let shared_dir = shared_dir.unwrap_or_else(|| folder.path.join("shared"));
    let listen = match options.listen {
        Some(listen) => listen,
        None => free_address(),
    };
    let mut settings = settings(options, (&folder.path, &shared_dir), listen);
    let beneath = if options.slurm.is_some() { &shared_dir } else { &folder.path };
    crate::examples::keep(&mut settings, beneath)
        .map_err(|error| Failure::not_in_folder(beneath, &error).message)?;

    // On Slurm the hall is the cluster's, and what it did is in its own accounting.
    let past = if options.slurm.is_none() { Some(generate(options, &settings).await?) } else { None };

    let (stop, stopped) = oneshot::channel::<()>();
    let (ready_tell, ready) = oneshot::channel();
    let server = tokio::spawn(center::serve(
        qiantang::PLATFORMS,
        settings,
        programs,
        |ready| drop(ready_tell.send(ready)),
        async {
            drop(stopped.await);
        },
    ));
    let Ok(ready) = ready.await else {
        return Err(match server.await {
            Ok(Err(error)) => of_center(&chain(&error)),
            Ok(Ok(())) => both("中心还没有就绪就结束了", "the center ended before it was up"),
            Err(error) => of_center(&error.to_string()),
        });
    };

    let played = act(options, &ready, past).await.and_then(|(report, people)| {
        let said = if options.json { report.json().to_string() } else { report.text(options.lang) };
        say(said.trim_end()).map_err(|failure| failure.message)?;
        Ok((report, people))
    });
    if let Ok((_, people)) = &played
        && !options.once
    {
        keep_serving(options, &ready, people).await;
    }
    let played = played.map(|(report, _)| report);
    let _ = stop.send(());
    match server.await {
        Ok(Ok(())) => played,
        Ok(Err(error)) => Err(of_center(&chain(&error))),
        Err(error) => Err(of_center(&error.to_string())),
    }
}

/// Generates the past of the center, before it is there for anybody.
async fn generate(options: &Options, settings: &Settings) -> Result<Past, Both> {
    let began = Instant::now();
    let past = past::of(settings.time_zone, options.seed, base::moment::now());
    let days = past::days(settings.time_zone, &past);
    let (settings, runtime) = (settings.clone(), tokio::runtime::Handle::current());
    let played = tokio::task::spawn_blocking(move || past::play(settings, past, &runtime));
    let jobs = played.await.map_err(|error| of_center(&error.to_string()))?;
    let jobs = jobs.map_err(|error| {
        both(format!("无法生成历史：{error}"), format!("its past could not be generated: {error}"))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let seed = options.seed;
    tell(
        options,
        &format!(
            "已生成 {days} 天的历史：{jobs} 个作业（种子 {seed}，用时 {seconds:.1} 秒）。它们并未真实发生，各处均有标记。"
        ),
        &format!(
            "Generated a past of {days} days: {jobs} jobs (seed {seed}, in {seconds:.1} s). It never happened, and is marked wherever it shows."
        ),
    )?;
    Ok(Past { past, jobs })
}

/// Says it to people.
fn tell(options: &Options, zh: &str, en: &str) -> Result<(), Both> {
    if options.json {
        return Ok(());
    }
    say(&in_lang(options.lang, zh, en)).map_err(|failure| failure.message)
}

async fn act(options: &Options, ready: &Ready, past: Option<Past>) -> Result<(Report, People), Both> {
    let tell = |zh: &str, en: &str| tell(options, zh, en);
    if options.slurm.is_some() {
        let waits = |why: &str| {
            tell(
                &format!("等待 Slurm 报告节点……{why}"),
                &format!("Waiting for Slurm to tell of its nodes … {why}"),
            )
        };
        let (nodes, cards) = slurms_nodes(ready, waits).await?;
        tell(
            &format!("钱塘演示：Slurm 集群，{nodes} 个节点，{cards} 张加速卡。"),
            &format!("Qiantang demo on a Slurm cluster: {nodes} nodes with {cards} cards."),
        )?;
    } else {
        tell(
            "钱塘演示：一期 40 PFLOPS，20 个虚拟节点，每节点 8 张昇腾 910（虚拟）。",
            "Qiantang demo: phase one, 40 PFLOPS: 20 virtual nodes with 8 virtual Ascend 910 cards each.",
        )?;
    }
    let people = match past {
        Some(_) => people::known(&ready.center).await,
        None => people::sign_up(&ready.center, ready.first_operator.as_ref(), || ()).await,
    };
    let people = people.map_err(|error| of_center(&error.to_string()))?;
    let closed = past::closed(&ready.center, &people.operator).await;
    if let Some((months, invoices)) = closed.map_err(|error| of_center(&error.to_string()))? {
        tell(
            &format!("为此曾移动中心的时钟：{months} 已结账，已开具发票 {invoices}"),
            &format!(
                "The center's clock was moved for that: {months} is closed, with the invoices {invoices}"
            ),
        )?;
    }
    let budget = people::set_budget(&ready.center, &people.operator).await;
    budget.map_err(|error| of_center(&error.to_string()))?;
    let address = ready.address;
    tell(
        &format!("浏览器打开 http://{address} ，用户 operator，密码 {PASSWORD}\n"),
        &format!("Open http://{address} in a browser: sign in as operator, password {PASSWORD}\n"),
    )?;
    let opened = front_door::open(&ready.center, &people.operator).await;
    let opened = opened.map_err(|error| of_center(&error.to_string()))?;
    let front_door::Opened { company, office, quote, contract, trial, renewal } = &opened;
    tell(
        &format!("两家单位经首页申请入驻，均由两人批准：{company}（退回补充后重新提交）、{office}"),
        &format!(
            "Two organisations joined by the front page, each approved by two people: {company} (asked back once), {office}"
        ),
    )?;
    tell(
        &format!("公司接受了报价单 {quote}，合同 {contract} 由双方签署后启用"),
        &format!(
            "The company accepted the quote {quote}; its contract {contract} was signed by both sides and is active"
        ),
    )?;
    tell(
        &format!("政府部门的试用合同 {trial} 同样由双方签署，即将到期，已续签为 {renewal}（草稿）"),
        &format!(
            "The department's trial {trial} was signed by both sides too; it ends soon, and {renewal} is drafted to go on after it"
        ),
    )?;
    let voucher = vouchers::hand_out(&ready.center, &people.operator).await;
    if let Some(voucher) = voucher.map_err(|error| of_center(&error.to_string()))? {
        tell(
            &format!("西溪建造软件按杭州市公布的规则获得算力券 {voucher}：每笔费用抵扣 30 %"),
            &format!(
                "Xixi Building Software has the voucher {voucher} by Hangzhou's published rules: it pays 30 % of each charge"
            ),
        )?;
    }
    let report = work::run(options, ready, &people).await.map_err(|error| of_center(&error.to_string()))?;
    Ok((Report { past, ..report }, people))
}

/// Waits until the center has Slurm's nodes; how many, and how many cards. Meanwhile it says what it waits for, and what
/// Slurm's commands say.
async fn slurms_nodes(ready: &Ready, tell: impl Fn(&str) -> Result<(), Both>) -> Result<(usize, u32), Both> {
    let until = Instant::now() + Duration::from_secs(30);
    let mut tell_at = Instant::now();
    loop {
        {
            let live = ready.center.live();
            if live.nodes().len() > 0 {
                let cards = live.nodes().map(|known| u32::from(known.node.cards)).sum();
                return Ok((live.nodes().len(), cards));
            }
        }
        let loops = ready.center.loops.list(base::moment::now());
        let why = loops.into_iter().find(|known| known.name == MIRROR).and_then(|known| known.error);
        let why = why.unwrap_or_default();
        if Instant::now() > until {
            return Err(both(
                format!("30 秒内 Slurm 没有报告带加速卡的节点，见 docs/slurm.md。{why}"),
                format!("Slurm told of no node with cards within 30 s: see docs/slurm.md. {why}"),
            ));
        }
        if Instant::now() >= tell_at {
            tell(&why)?;
            tell_at += Duration::from_secs(5);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Serves until it is told to end, with work that goes on: a cluster has other nodes than the work is made for.
async fn keep_serving(options: &Options, ready: &Ready, people: &People) {
    let address = ready.address;
    let text = in_lang(
        options.lang,
        &format!(
            "\n中心继续运行：http://{address} （operator 或上表中的用户，密码 {PASSWORD}）。按 Ctrl-C 结束。"
        ),
        &format!(
            "\nThe center keeps running at http://{address} (sign in as operator or one of the logins above, password {PASSWORD}). Ctrl-C ends it."
        ),
    );
    tell!("{text}");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = goes_on::run(options.lang, ready, people), if options.slurm.is_none() => {}
    }
}

/// Phase one of the center: 20 nodes of 8 cards, 256 TFLOPS each: 40.96 PFLOPS.
fn settings(
    options: &Options,
    (folder, shared_dir): (&std::path::Path, &std::path::Path),
    listen: SocketAddr,
) -> Settings {
    let mut settings = Settings {
        listen,
        data_dir: folder.to_owned(),
        name_zh: "钱塘人工智能计算中心".into(),
        name_en: "Qiantang AI Computing Center".into(),
        // Nobody needs the past of a demo.
        backup: BackupSettings { at: Schedule::Never, ..BackupSettings::default() },
        ..Settings::default()
    };
    settings.engine.detect = false;
    settings.books.separate_duties = Some(false);
    // Invented; the code has its right check digit.
    settings.books.payee = PayeeSettings {
        name: "钱塘智算运营有限公司".into(),
        tax_number: "91330100MA2DEM003P".into(),
        bank: "钱塘银行湖滨支行".into(),
        account: "3301 0000 2022 0520".into(),
    };
    settings.engine.isolation = if options.no_isolation { Isolation::None } else { Isolation::Full };
    settings.engine.kill_grace_ms = Millis::from_secs(3);
    settings.billing.grace_ms = Millis::from_secs(2);
    if let Some(slurm) = &options.slurm {
        settings.engine.kind = EngineKind::Slurm;
        shared_dir.clone_into(&mut settings.engine.slurm.shared_dir);
        settings.engine.slurm.conf.clone_from(&slurm.conf);
        settings.engine.slurm.user.clone_from(&slurm.user);
        // As many sites call them.
        settings.engine.slurm.models.insert("ascend910".into(), "ascend-910".into());
        return settings;
    }
    let rack = |rack: u32| NodeSettings {
        labels: Vec::new(),
        name: format!("npu-{rack}"),
        count: 5,
        cards: 8,
        cards_per_ring: Some(4),
        is_virtual: true,
        switch: format!("leaf-{rack}"),
    };
    settings.pools = vec![PoolSettings {
        name: "ascend-910".into(),
        card_model: "ascend-910".into(),
        model: None,
        nodes: (1..=4).map(rack).collect(),
    }];
    settings
}

/// The usual address if nothing is there, else any free one.
fn free_address() -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    match std::net::TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

/// The demo's folder, removed at the end unless it was asked for by name.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    is_ours: bool,
    /// The language of those who look at the demo.
    lang: Lang,
}

impl Folder {
    fn new(wanted: Option<PathBuf>, lang: Lang) -> Result<Self, Both> {
        let is_ours = wanted.is_none();
        let path = wanted
            .unwrap_or_else(|| std::env::temp_dir().join(format!("qiantang-demo-{}", std::process::id())));
        if path.join("database").exists() {
            let path = path.display();
            return Err(both(
                format!("{path} 中已有一个中心：请给出空目录"),
                format!("{path} holds a center already: give an empty folder"),
            ));
        }
        std::fs::create_dir_all(&path).map_err(|error| Failure::not_in_folder(&path, &error).message)?;
        Ok(Self { path, is_ours, lang })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            // Supervisors that end just now may still write: try for a moment, then leave it to the system.
            let until = Instant::now() + Duration::from_secs(2);
            while std::fs::remove_dir_all(&self.path).is_err() && self.path.exists() {
                if Instant::now() > until {
                    let path = self.path.display();
                    match self.lang {
                        Lang::Zh => tell!("qiantang：无法删除目录 {path}"),
                        Lang::En => tell!("qiantang: the folder {path} could not be removed"),
                    }
                    return;
                }
                std::thread::yield_now();
            }
        }
    }
}
