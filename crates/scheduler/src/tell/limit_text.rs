//! The sentence for each limit, in both languages.

use domain::{ContractState, Lang, ServiceClass, Timestamp, Zone};

use super::verdict::Verdict;
use crate::limit::{Limit, Misfit};

impl Verdict {
    /// The limit that binds, in one sentence with its numbers; instants by the clock of `zone`.
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        self.limit.text(lang, zone)
    }
}

impl Limit {
    /// One sentence with the numbers; instants by the clock of `zone`.
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        if let Self::BudgetUsedUp { stands: Some(stands), .. } = self {
            return stands.text(lang, zone);
        }
        match lang {
            Lang::Zh => self.zh(|at| format!("{}（{zone}）", zone.clock(at))),
            Lang::En => self.en(|at| format!("{} {zone}", zone.clock(at))),
        }
    }

    fn zh(&self, clock: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::NeverFits { nodes, cards_per_node, why } => {
                let asked = format!("申请 {nodes} 个节点 × 每节点 {cards_per_node} 张加速卡");
                match why {
                    Misfit::NothingAsked => format!("{asked}，不能运行：节点和加速卡都至少为 1。"),
                    Misfit::NoSuchModel { models } => {
                        let models = list(models, "、", " 或 ");
                        format!("{asked}，永远无法满足：合同的资源池中没有型号为 {models} 的加速卡。")
                    }
                    Misfit::NoSuchLabels { labels } => {
                        let labels = list(labels, "、", " 和 ");
                        format!("{asked}，永远无法满足：合同可用的节点都没有标签 {labels}。")
                    }
                    Misfit::CardsPerNode { most, node, pool } => {
                        let pool = pool.as_ref().map(|pool| format!("资源池 {pool} 的")).unwrap_or_default();
                        format!(
                            "{asked}，永远无法满足：合同可用的最大节点是{pool} {node}，有 {most} 张加速卡。"
                        )
                    }
                    Misfit::Affinity { asked: cards, allowed } => format!(
                        "{asked}，永远无法满足：受卡间互联方式限制，每节点不能取 {cards} 张，只能取 {} 张。",
                        list(allowed, "、", " 或 ")
                    ),
                    Misfit::TooManyNodes { usable } => {
                        format!("{asked}，永远无法满足：单个资源池中最多有 {usable} 个这样的节点。")
                    }
                    Misfit::AboveContractLimit { limit } => {
                        format!("{asked}，永远无法满足：合同最多同时运行 {limit} 张加速卡。")
                    }
                }
            }
            Self::NoPrice { class } => format!(
                "现行价目没有本领域{}作业在合同资源池中的价格：请换用其他服务等级，或请中心发布价格。",
                class_zh(*class)
            ),
            Self::ContractClosed { state } => format!("合同{}，队列暂停。", state_zh(*state)),
            Self::ContractNotStarted { starts_at } => {
                format!("合同于 {}起生效，在此之前队列暂停。", clock(*starts_at))
            }
            Self::DiskFull { free_mib, floor_mib } => format!(
                "中心磁盘空间不足：剩余 {free_mib} MiB，至少应有 {floor_mib} MiB；腾出空间之前不启动任何作业。"
            ),
            Self::BudgetUsedUp { .. } => "所属项目或成员的预算已用尽。".to_owned(),
            Self::Dependency { waits_for, first } => {
                format!("等待它所依赖的 {waits_for} 个作业，其中有 {first}。")
            }
            Self::ArrayLimit { running, limit } => {
                format!("数组作业有 {running} 个任务在运行，它自己规定最多同时运行 {limit} 个。")
            }
            Self::MaxRunningCards { running, asked, limit } => {
                format!("合同正在运行 {running} 张加速卡，再加 {asked} 张就超过最多 {limit} 张的上限。")
            }
            Self::NodesOut { out, usable, needed } => {
                format!("需要 {needed} 个节点，合适的节点中 {usable} 个可用，{out} 个已停用或故障。")
            }
            Self::FreeCards { free, asked } => {
                format!("需要 {asked} 张加速卡，资源池中目前空闲 {free} 张。")
            }
            Self::Fragmented { free, asked, nodes_fitting, nodes_needed } => format!(
                "需要 {asked} 张加速卡，虽有 {free} 张空闲但分散：需要 {nodes_needed} 个节点有足够且连在一起的空闲卡，目前有 {nodes_fitting} 个。"
            ),
            Self::Behind { job, ahead } => {
                format!("所需资源为排在前面的作业 {job} 预留，前面共有 {ahead} 个作业。")
            }
            Self::KeptForOthers { available, asked } => format!(
                "需要 {asked} 张加速卡，合同目前还能借用 {available} 张：其余为其他合同的保障卡，不外借。"
            ),
            Self::Reclaiming { asked, until } => {
                format!("收回借出的 {asked} 张保障卡：占用它们的运行最迟于 {}结束。", clock(*until))
            }
            Self::Maintenance { from } => {
                format!("合适的节点将于 {}起停机维护，作业按其时限在此之前不能结束。", clock(*from))
            }
            Self::MaxStarts { limit } => {
                format!("将在下一次计划中启动：一次计划最多启动 {limit} 个运行。")
            }
            Self::NotPlanned => "刚提交，下一次计划会安排它。".to_owned(),
            Self::Starting { since } => format!("已分到加速卡，自 {}起正在启动。", clock(*since)),
        }
    }

    fn en(&self, clock: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::NeverFits { nodes, cards_per_node, why } => {
                let asked = format!("Asks for {} × {} each", n(*nodes, "node"), n(*cards_per_node, "card"));
                match why {
                    Misfit::NothingAsked => format!("{asked}, which can't run: ask for at least 1 of both."),
                    Misfit::NoSuchModel { models } => {
                        let models = list(models, ", ", " or ");
                        format!(
                            "{asked} and never fits: the contract's pools have no cards of model {models}."
                        )
                    }
                    Misfit::NoSuchLabels { labels } => {
                        let labels = list(labels, ", ", " and ");
                        format!(
                            "{asked} and never fits: no node of the contract's pools is labelled {labels}."
                        )
                    }
                    Misfit::CardsPerNode { most, node, pool } => {
                        let pool =
                            pool.as_ref().map(|pool| format!(" of the pool {pool}")).unwrap_or_default();
                        format!(
                            "{asked} and never fits: the largest node that the contract may use, {node}{pool}, has {}.",
                            n(*most, "card")
                        )
                    }
                    Misfit::Affinity { asked: cards, allowed } => format!(
                        "{asked} and never fits: the wiring of the cards allows {} a node, not {cards}.",
                        list(allowed, ", ", " or ")
                    ),
                    Misfit::TooManyNodes { usable } => {
                        format!(
                            "{asked} and never fits: no pool has more than {} of that kind.",
                            n(*usable, "node")
                        )
                    }
                    Misfit::AboveContractLimit { limit } => {
                        format!("{asked} and never fits: the contract runs on {} at most.", n(*limit, "card"))
                    }
                }
            }
            Self::NoPrice { class } => format!(
                "The price book in force has no price for {} work of your domain in the contract's pools: choose another \
                 service class, or ask the center for a price.",
                class.code()
            ),
            Self::ContractClosed { state } => {
                format!("The contract is {}, which holds its queue.", state.code())
            }
            Self::ContractNotStarted { starts_at } => {
                format!("The contract starts at {} and holds its queue until then.", clock(*starts_at))
            }
            Self::DiskFull { free_mib, floor_mib } => format!(
                "A disk of the center has {free_mib} MiB free and must have {floor_mib} MiB: nothing starts until there is room."
            ),
            Self::BudgetUsedUp { .. } => "A budget of its project or its member is used up.".to_owned(),
            Self::Dependency { waits_for, first } => {
                format!("Waits for {} that it depends on, {first} among them.", n(*waits_for, "job"))
            }
            Self::ArrayLimit { running, limit } => {
                format!("The array has {} running and lets {limit} run at once.", n(*running, "task"))
            }
            Self::MaxRunningCards { running, asked, limit } => format!(
                "The contract has {} running; {asked} more would be above its limit of {limit}.",
                n(*running, "card")
            ),
            Self::NodesOut { out, usable, needed } => format!(
                "Needs {}; of the {} that could take it, {usable} can be used and the others are drained or failed.",
                n(*needed, "node"),
                out + usable,
            ),
            Self::FreeCards { free, asked } => {
                format!("Needs {}; the pool has {free} free.", n(*asked, "card"))
            }
            Self::Fragmented { free, asked, nodes_fitting, nodes_needed } => format!(
                "Needs {}; {free} are free but scattered: it needs {} with enough of them together and finds {nodes_fitting}.",
                n(*asked, "card"),
                n(*nodes_needed, "node"),
            ),
            Self::Behind { job, ahead } => {
                format!(
                    "The cards it needs are held for {job}, which comes before it; {} ahead in all.",
                    n(*ahead, "job")
                )
            }
            Self::KeptForOthers { available, asked } => format!(
                "Needs {}; the contract may borrow {available} more now, and the others are guaranteed to contracts that don't lend them.",
                n(*asked, "card")
            ),
            Self::Reclaiming { asked, until } => format!(
                "Gets back {} that are guaranteed to it: the runs that borrowed them end by {}.",
                n(*asked, "card"),
                clock(*until)
            ),
            Self::Maintenance { from } => {
                format!(
                    "The nodes that it could use go into maintenance at {}, before its time limit would end.",
                    clock(*from)
                )
            }
            Self::MaxStarts { limit } => {
                format!("Starts in the next plan: one plan starts {} at most.", n(*limit, "run"))
            }
            Self::NotPlanned => "Submitted just now: the next plan decides about it.".to_owned(),
            Self::Starting { since } => {
                format!("Has its cards, and is being started since {}.", clock(*since))
            }
        }
    }
}

/// `1 card`, `2 cards`.
fn n(count: u32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn list<T: ToString>(things: &[T], separator: &str, last: &str) -> String {
    let texts: Vec<String> = things.iter().map(ToString::to_string).collect();
    match texts.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(separator)),
        _ => texts.concat(),
    }
}

fn state_zh(state: ContractState) -> &'static str {
    match state {
        ContractState::Draft => "还是草稿",
        ContractState::Submitted => "待审批",
        ContractState::Approved => "已批准但未启用",
        ContractState::Active => "已启用",
        ContractState::Exhausted => "余额已用尽",
        ContractState::Suspended => "已暂停",
        ContractState::Expired => "已到期",
        ContractState::Terminated => "已终止",
    }
}

fn class_zh(class: ServiceClass) -> &'static str {
    match class {
        ServiceClass::Urgent => "加急",
        ServiceClass::Normal => "普通",
        ServiceClass::Spot => "闲时",
    }
}
