//! Every limit: the situation in which it binds, and its sentence.

use domain::{BudgetId, CardSet, ContractState, Lang, ServiceClass, Timestamp, Zone, card::Affinity};
use scheduler::{Block, Gate, Limit, Misfit, Planner, Policy, Queue, Snapshot, Verdict, plan};

use crate::build::*;

/// Two nodes of 8 cards with rings of four, queues 0 and 9.
fn center() -> Snapshot {
    Snapshot {
        nodes: (0..2).map(|number| node(number, Affinity::Rings)).collect(),
        queues: vec![queue(0), queue(9)],
        ..Snapshot::default()
    }
}

fn verdict(snapshot: &Snapshot, number: u32) -> Verdict {
    let verdicts = plan(snapshot, &Policy::default(), NOW).verdicts;
    let of_job: Vec<_> = verdicts.into_iter().filter(|verdict| verdict.job == job_id(number)).collect();
    assert_eq!(of_job.len(), 1, "one verdict for job {number}");
    of_job.into_iter().next().unwrap()
}

/// As a center in China says it.
fn text(verdict: &Verdict, lang: Lang) -> String {
    verdict.text(lang, &Zone::default())
}

#[track_caller]
fn assert_reads(snapshot: &Snapshot, number: u32, limit: &Limit, code: &str, zh: &str, en: &str) {
    let found = verdict(snapshot, number);
    assert_eq!((&found.limit, found.code()), (limit, code));
    assert_eq!([Lang::Zh, Lang::En].map(|lang| text(&found, lang)), [zh, en]);
}

/// A job that never fits in `snapshot`.
#[track_caller]
fn assert_misfit(
    mut snapshot: Snapshot,
    (nodes, cards_per_node): (u32, u32),
    why: Misfit,
    zh: &str,
    en: &str,
) {
    snapshot.waiting.push(job(0, 0, nodes, cards_per_node));
    let limit = Limit::NeverFits { nodes, cards_per_node, why };
    assert_reads(&snapshot, 0, &limit, "never_fits", zh, en);
}

#[test]
fn never_fits() {
    assert_misfit(
        center(),
        (3, 8),
        Misfit::TooManyNodes { usable: 2 },
        "申请 3 个节点 × 每节点 8 张加速卡，永远无法满足：单个资源池中最多有 2 个这样的节点。",
        "Asks for 3 nodes × 8 cards each and never fits: no pool has more than 2 nodes of that kind.",
    );
    assert_misfit(
        center(),
        (1, 9),
        Misfit::CardsPerNode { most: 8, node: "n000".into(), pool: None },
        "申请 1 个节点 × 每节点 9 张加速卡，永远无法满足：合同可用的最大节点是 n000，有 8 张加速卡。",
        "Asks for 1 node × 9 cards each and never fits: the largest node that the contract may use, n000, has 8 cards.",
    );
    assert_misfit(
        center(),
        (1, 6),
        Misfit::Affinity { asked: 6, allowed: [1, 2, 4, 8].into() },
        "申请 1 个节点 × 每节点 6 张加速卡，永远无法满足：受卡间互联方式限制，每节点不能取 6 张，只能取 1、2、4 或 8 张。",
        "Asks for 1 node × 6 cards each and never fits: the wiring of the cards allows 1, 2, 4 or 8 a node, not 6.",
    );
    let mut small = center();
    small.queues[0].terms.max_running_cards = 1;
    assert_misfit(
        small,
        (1, 2),
        Misfit::AboveContractLimit { limit: 1 },
        "申请 1 个节点 × 每节点 2 张加速卡，永远无法满足：合同最多同时运行 1 张加速卡。",
        "Asks for 1 node × 2 cards each and never fits: the contract runs on 1 card at most.",
    );
    assert_misfit(
        center(),
        (0, 1),
        Misfit::NothingAsked,
        "申请 0 个节点 × 每节点 1 张加速卡，不能运行：节点和加速卡都至少为 1。",
        "Asks for 0 nodes × 1 card each, which can't run: ask for at least 1 of both.",
    );
    let mut other_model = center();
    other_model.waiting = vec![job(0, 0, 1, 1)];
    other_model.waiting[0].models = ["ascend-910b2".into()].into();
    assert_reads(
        &other_model,
        0,
        &Limit::NeverFits {
            nodes: 1,
            cards_per_node: 1,
            why: Misfit::NoSuchModel { models: ["ascend-910b2".into()].into() },
        },
        "never_fits",
        "申请 1 个节点 × 每节点 1 张加速卡，永远无法满足：合同的资源池中没有型号为 ascend-910b2 的加速卡。",
        "Asks for 1 node × 1 card each and never fits: the contract's pools have no cards of model ascend-910b2.",
    );
    let mut labelled = center();
    labelled.nodes[0].labels = ["nvme".into()].into();
    labelled.waiting = vec![job(0, 0, 1, 1)];
    labelled.waiting[0].labels = ["ib".into(), "nvme".into()].into();
    assert_reads(
        &labelled,
        0,
        &Limit::NeverFits {
            nodes: 1,
            cards_per_node: 1,
            why: Misfit::NoSuchLabels { labels: ["ib".into(), "nvme".into()].into() },
        },
        "never_fits",
        "申请 1 个节点 × 每节点 1 张加速卡，永远无法满足：合同可用的节点都没有标签 ib 和 nvme。",
        "Asks for 1 node × 1 card each and never fits: no node of the contract's pools is labelled ib and nvme.",
    );
}

#[test]
fn what_the_contract_holds() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 1)];
    for (state, zh, en) in [
        (ContractState::Draft, "还是草稿", "draft"),
        (ContractState::Submitted, "待审批", "submitted"),
        (ContractState::Approved, "已批准但未启用", "approved"),
        (ContractState::Active, "已启用", "active"),
        (ContractState::Exhausted, "余额已用尽", "exhausted"),
        (ContractState::Suspended, "已暂停", "suspended"),
        (ContractState::Expired, "已到期", "expired"),
        (ContractState::Terminated, "已终止", "terminated"),
    ] {
        snapshot.queues[0].gate = Gate::Closed(state);
        assert_reads(
            &snapshot,
            0,
            &Limit::ContractClosed { state },
            "contract_closed",
            &format!("合同{zh}，队列暂停。"),
            &format!("The contract is {en}, which holds its queue."),
        );
    }
    snapshot.queues[0].gate = Gate::Ended;
    assert_eq!(verdict(&snapshot, 0).limit, Limit::ContractClosed { state: ContractState::Expired });
    snapshot.queues[0].gate = Gate::DiskFull(scheduler::DiskShortage { free_mib: 7, floor_mib: 4096 });
    assert_reads(
        &snapshot,
        0,
        &Limit::DiskFull { free_mib: 7, floor_mib: 4096 },
        "disk_full",
        "中心磁盘空间不足：剩余 7 MiB，至少应有 4096 MiB；腾出空间之前不启动任何作业。",
        "A disk of the center has 7 MiB free and must have 4096 MiB: nothing starts until there is room.",
    );
    // A job whose queue is not known.
    snapshot.queues.remove(0);
    assert_eq!(verdict(&snapshot, 0).limit, Limit::ContractClosed { state: ContractState::Terminated });

    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 1)];
    let starts_at = "2022-06-01T00:00:00Z".parse::<Timestamp>().unwrap();
    snapshot.queues[0].gate = Gate::NotYet { starts_at };
    assert_reads(
        &snapshot,
        0,
        &Limit::ContractNotStarted { starts_at },
        "contract_not_started",
        "合同于 2022-06-01 08:00:00（Asia/Shanghai）起生效，在此之前队列暂停。",
        "The contract starts at 2022-06-01 08:00:00 Asia/Shanghai and holds its queue until then.",
    );
}

#[test]
fn what_the_job_itself_holds() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 1)];
    let first = job_id(5);
    snapshot.waiting[0].block = Some(Block::Dependency { waits_for: 2, first });
    assert_reads(
        &snapshot,
        0,
        &Limit::Dependency { waits_for: 2, first },
        "dependency",
        &format!("等待它所依赖的 2 个作业，其中有 {first}。"),
        &format!("Waits for 2 jobs that it depends on, {first} among them."),
    );
    // The planner knows that a budget is used up, and the center how it stands.
    let budget = BudgetId::from_bytes([9; 16]);
    snapshot.waiting[0].block = Some(Block::Budget(budget));
    assert_reads(
        &snapshot,
        0,
        &Limit::BudgetUsedUp { budget, stands: None },
        "budget_used_up",
        "所属项目或成员的预算已用尽。",
        "A budget of its project or its member is used up.",
    );
    // Two tasks run, and this plan starts one more.
    snapshot.waiting[0].block = Some(Block::ArrayLimit { running: 2, limit: 3 });
    assert_reads(
        &snapshot,
        0,
        &Limit::ArrayLimit { running: 3, limit: 3 },
        "array_limit",
        "数组作业有 3 个任务在运行，它自己规定最多同时运行 3 个。",
        "The array has 3 tasks running and lets 3 run at once.",
    );
}

#[test]
fn running_cards() {
    let mut snapshot = center();
    snapshot.queues[0].terms.max_running_cards = 8;
    occupy(&mut snapshot, 900, 0, &[(0, cards(0, 5))], 1);
    snapshot.waiting = vec![job(0, 0, 1, 4)];
    assert_reads(
        &snapshot,
        0,
        &Limit::MaxRunningCards { running: 6, asked: 4, limit: 8 },
        "max_running_cards",
        "合同正在运行 6 张加速卡，再加 4 张就超过最多 8 张的上限。",
        "The contract has 6 cards running; 4 more would be above its limit of 8.",
    );
}

#[test]
fn nodes_that_are_out() {
    let mut snapshot = center();
    snapshot.nodes[1].takes_runs = false;
    snapshot.waiting = vec![job(0, 0, 2, 8), job(1, 0, 1, 8)];
    assert_reads(
        &snapshot,
        0,
        &Limit::NodesOut { out: 1, usable: 1, needed: 2 },
        "nodes_out",
        "需要 2 个节点，合适的节点中 1 个可用，1 个已停用或故障。",
        "Needs 2 nodes; of the 2 that could take it, 1 can be used and the others are drained or failed.",
    );
    // The job does not hold up others.
    assert_eq!(started(&snapshot), [1]);
}

#[test]
fn free_cards_and_fragments() {
    let mut snapshot = center();
    occupy(&mut snapshot, 900, 9, &[(0, CardSet::first(8)), (1, cards(0, 1))], 1);
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    assert_reads(
        &snapshot,
        0,
        &Limit::FreeCards { free: 6, asked: 8 },
        "free_cards",
        "需要 8 张加速卡，资源池中目前空闲 6 张。",
        "Needs 8 cards; the pool has 6 free.",
    );
    // 3 + 3 free over two rings of each node.
    let mut snapshot = center();
    let corners = CardSet::from_bits(0x11);
    occupy(&mut snapshot, 900, 9, &[(0, corners), (1, corners)], 1);
    snapshot.waiting = vec![job(0, 0, 1, 4)];
    assert_reads(
        &snapshot,
        0,
        &Limit::Fragmented { free: 12, asked: 4, nodes_fitting: 0, nodes_needed: 1 },
        "fragmented",
        "需要 4 张加速卡，虽有 12 张空闲但分散：需要 1 个节点有足够且连在一起的空闲卡，目前有 0 个。",
        "Needs 4 cards; 12 are free but scattered: it needs 1 node with enough of them together and finds 0.",
    );
}

#[test]
fn behind_another_job() {
    let mut snapshot = center();
    occupy(&mut snapshot, 900, 9, &[(0, CardSet::first(8))], 1);
    // Job 0 needs both nodes in an hour. Job 1 would be in its way, job 2 not.
    snapshot.waiting = vec![job(0, 0, 2, 8), job(1, 0, 1, 8), job(2, 0, 1, 8)];
    snapshot.waiting[1].time_limit = domain::Millis(HOUR.0 + 1);
    assert_eq!(started(&snapshot), [2]);
    snapshot.waiting.pop();
    assert_reads(
        &snapshot,
        1,
        &Limit::Behind { job: job_id(0), ahead: 1 },
        "behind",
        &format!("所需资源为排在前面的作业 {} 预留，前面共有 1 个作业。", job_id(0)),
        &format!("The cards it needs are held for {}, which comes before it; 1 job ahead in all.", job_id(0)),
    );
}

#[test]
fn behind_another_job_of_its_queue_for_its_quota() {
    let mut snapshot = center();
    snapshot.queues[0].terms.max_running_cards = 8;
    occupy(&mut snapshot, 900, 0, &[(0, cards(0, 3))], 1);
    snapshot.waiting = vec![job(0, 0, 1, 8), job(1, 0, 1, 4), job(2, 0, 1, 4)];
    snapshot.waiting[1].time_limit = domain::Millis(HOUR.0 + 1);
    assert_eq!(started(&snapshot), [2]);
    snapshot.waiting.pop();
    assert_eq!(verdict(&snapshot, 0).limit, Limit::MaxRunningCards { running: 4, asked: 8, limit: 8 });
    assert_eq!(verdict(&snapshot, 1).limit, Limit::Behind { job: job_id(0), ahead: 1 });
}

/// Queue 1 is guaranteed a node and lends none of it.
#[test]
fn what_is_guaranteed_to_others_and_not_lent() {
    let mut snapshot = center();
    let mut owner = queue(1);
    (owner.terms.guaranteed_cards, owner.terms.lending_limit) = (8, Some(0));
    snapshot.queues.push(owner);
    occupy(&mut snapshot, 900, 9, &[(0, cards(0, 3))], 1);
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    assert_reads(
        &snapshot,
        0,
        &Limit::KeptForOthers { available: 4, asked: 8 },
        "kept_for_others",
        "需要 8 张加速卡，合同目前还能借用 4 张：其余为其他合同的保障卡，不外借。",
        "Needs 8 cards; the contract may borrow 4 more now, and the others are guaranteed to contracts that don't lend them.",
    );
}

/// Queue 1 is guaranteed a node and has lent it: the node comes back within the grace.
#[test]
fn what_was_lent_comes_back_within_the_grace() {
    let mut snapshot = center();
    let mut owner = queue(1);
    owner.terms.guaranteed_cards = 8;
    snapshot.queues.push(owner);
    occupy(&mut snapshot, 900, 9, &[(0, CardSet::first(8))], 5);
    occupy(&mut snapshot, 901, 9, &[(1, CardSet::first(8))], 6);
    snapshot.waiting = vec![job(0, 1, 1, 8)];
    let policy = Policy::default();
    let until = NOW.plus(policy.preemption_grace);
    let decided = plan(&snapshot, &policy, NOW);
    assert_eq!(decided.preemptions.len(), 1);
    assert_eq!(decided.preemptions[0].ends_at, until);
    let at = Zone::default().clock(until);
    assert_reads(
        &snapshot,
        0,
        &Limit::Reclaiming { asked: 8, until },
        "reclaiming",
        &format!("收回借出的 8 张保障卡：占用它们的运行最迟于 {at}（Asia/Shanghai）结束。"),
        &format!(
            "Gets back 8 cards that are guaranteed to it: the runs that borrowed them end by {at} Asia/Shanghai."
        ),
    );
}

#[test]
fn maintenance_that_is_near() {
    let mut snapshot = center();
    let from = NOW.plus(domain::Millis(HOUR.0 / 2));
    for node in &mut snapshot.nodes {
        node.maintenance = Some(scheduler::Window { from, until: from.plus(HOUR) });
    }
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    let at = Zone::default().clock(from);
    assert_reads(
        &snapshot,
        0,
        &Limit::Maintenance { from },
        "maintenance",
        &format!("合适的节点将于 {at}（Asia/Shanghai）起停机维护，作业按其时限在此之前不能结束。"),
        &format!(
            "The nodes that it could use go into maintenance at {at} Asia/Shanghai, before its time limit would end."
        ),
    );
}

#[test]
fn a_class_without_a_price_waits_and_holds_nothing() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 8), job(1, 9, 1, 1)];
    snapshot.waiting[0].class = ServiceClass::Urgent;
    snapshot.queues[0].unpriced = [(ServiceClass::Urgent, pool_id(0))].into();
    let plan = plan(&snapshot, &Policy::default(), NOW);
    assert_eq!(plan.starts.iter().map(|start| start.job).collect::<Vec<_>>(), [job_id(1)]);
    let found = &plan.verdicts[0];
    assert_eq!((found.job, found.code(), found.ahead), (job_id(0), "no_price", 0));
    assert_eq!(
        text(found, Lang::Zh),
        "现行价目没有本领域加急作业在合同资源池中的价格：请换用其他服务等级，或请中心发布价格。"
    );
    // Its other classes have one.
    snapshot.waiting[0].class = ServiceClass::Normal;
    assert_eq!(scheduler::plan(&snapshot, &Policy::default(), NOW).starts.len(), 2);
}

#[test]
fn a_new_price_lets_jobs_start_that_waited_for_it() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    snapshot.queues[0].unpriced = [(ServiceClass::Normal, pool_id(0))].into();
    let mut planner = Planner::of(&snapshot, Policy::default(), NOW);
    assert_eq!(planner.plan(NOW).starts.len(), 0);
    planner.set_queue(Queue { unpriced: [].into(), ..snapshot.queues[0].clone() }, NOW);
    assert_eq!(planner.plan(NOW).starts.len(), 1);
}

#[test]
fn more_than_one_plan_starts() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 1), job(1, 0, 1, 1)];
    let policy = Policy { max_starts: 1, ..Policy::default() };
    let verdicts = plan(&snapshot, &policy, NOW).verdicts;
    assert_eq!(verdicts.len(), 1);
    assert_eq!((&verdicts[0].limit, verdicts[0].code()), (&Limit::MaxStarts { limit: 1 }, "max_starts"));
    assert_eq!(text(&verdicts[0], Lang::Zh), "将在下一次计划中启动：一次计划最多启动 1 个运行。");
    assert_eq!(text(&verdicts[0], Lang::En), "Starts in the next plan: one plan starts 1 run at most.");
}

#[test]
fn verdicts_are_tagged_with_their_code_in_json() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 6)];
    let found = verdict(&snapshot, 0);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "job": job_id(0).to_string(),
            "limit": {
                "code": "never_fits", "nodes": 1, "cards_per_node": 6,
                "why": { "kind": "affinity", "asked": 6, "allowed": [1, 2, 4, 8] },
            },
            "ahead": 0,
            "forecast_start": null,
            "certainty": "unknown",
        })
    );
    assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), found);
}
