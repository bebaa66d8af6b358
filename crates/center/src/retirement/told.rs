//! A difference between the wish and the hall in words: the wish, what is, and what to do about it.

use base::text::Text;
use serde::Serialize;

use super::wish::{Difference, DifferenceKind, Whose};

/// A difference as the API, the pages, the doctor and the log tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DifferenceView {
    pub kind: DifferenceKind,
    /// The node or pool.
    pub name: String,
    pub wish: Text,
    pub is: Text,
    /// What to do about it.
    pub to_do: Text,
}

fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

impl DifferenceView {
    pub fn of(difference: Difference, whose: Whose) -> Self {
        let Difference { kind, name, wish, is } = difference;
        let (wish, is) = both(kind, &wish, &is);
        let to_do = match whose {
            Whose::Settings => by_settings(kind, &name),
            Whose::Slurm => by_slurm(kind, &name),
        };
        Self { kind, name, wish, is, to_do }
    }

    /// One line of the log, or of a list without a table.
    pub fn line(&self) -> String {
        let Self { name, wish, is, to_do, .. } = self;
        format!("{name}: wish: {}; is: {}; {}", wish.en, is.en, to_do.en)
    }
}

fn both(kind: DifferenceKind, wish: &str, is: &str) -> (Text, Text) {
    let nothing = || text("未列出", "not named");
    let in_pool = |name: &str| text(format!("属于资源池 {name}"), format!("in pool {name}"));
    let cards = |n: &str| text(format!("{n} 张卡"), format!("cards: {n}"));
    let ring = |n: &str| text(format!("每环 {n} 张卡"), format!("cards in a ring: {n}"));
    let model = |name: &str| text(format!("型号 {name}"), format!("card model {name}"));
    let retired = || text("已退役", "retired");
    let real = |is: &str| match is {
        "virtual" => text("虚拟节点", "virtual"),
        _ => text("实体节点", "real"),
    };
    match kind {
        DifferenceKind::NodeNotNamed => (nothing(), in_pool(is)),
        DifferenceKind::NodeWaits => (in_pool(wish), text("没有", "not here")),
        DifferenceKind::NodeRetired => (in_pool(wish), retired()),
        DifferenceKind::NodePool => (in_pool(wish), in_pool(is)),
        DifferenceKind::NodeCards => (cards(wish), cards(is)),
        DifferenceKind::NodeRings => (ring(wish), ring(is)),
        DifferenceKind::NodeVirtual => (real(wish), real(is)),
        DifferenceKind::PoolNotNamed => (nothing(), model(is)),
        DifferenceKind::PoolRetired => (model(wish), retired()),
        DifferenceKind::PoolModel => (model(wish), model(is)),
    }
}

fn by_settings(kind: DifferenceKind, name: &str) -> Text {
    match kind {
        DifferenceKind::NodeNotNamed => text(
            format!("仍在出售。机器已撤走：qiantang nodes retire {name}；机器还在：写回设置"),
            format!(
                "it is still sold: `qiantang nodes retire {name}` if the machine is gone, else name it in the settings again"
            ),
        ),
        DifferenceKind::NodeWaits => text(
            "先处理上述未列出的节点（可能是同一台机器改了名）或其资源池的差异，之后自动加入",
            "first settle the nodes that the settings don't name, which may be the same machines under other names, or the \
             difference of its pool; it then comes in by itself",
        ),
        DifferenceKind::NodeRetired => text(
            format!("重新启用：qiantang nodes bring-back {name}；否则从设置中删去或换一个名称"),
            format!(
                "`qiantang nodes bring-back {name}` if it is back, else take it out of the settings or give the new machine another name"
            ),
        ),
        DifferenceKind::NodePool
        | DifferenceKind::NodeCards
        | DifferenceKind::NodeRings
        | DifferenceKind::NodeVirtual => text(
            format!("节点保持加入时的样子，账目以此为准：退役 {name}，在设置中为机器换一个名称"),
            format!(
                "a node stays as it came in, since its past was sold so: retire {name}, and give the machine another name in the settings"
            ),
        ),
        DifferenceKind::PoolNotNamed => text(
            format!("不再使用：qiantang pools retire {name}；否则写回设置"),
            format!(
                "`qiantang pools retire {name}` if it is of no use any more, else name it in the settings again"
            ),
        ),
        DifferenceKind::PoolRetired => text(
            format!("重新启用：qiantang pools bring-back {name}；否则从设置中删去"),
            format!("`qiantang pools bring-back {name}`, or take it out of the settings"),
        ),
        DifferenceKind::PoolModel => text(
            format!("资源池保持原型号，价目与合同以此为准：退役 {name}，在设置中另建资源池"),
            format!(
                "a pool keeps its card model, since its past was sold so: retire {name}, and name another pool in the settings"
            ),
        ),
    }
}

fn by_slurm(kind: DifferenceKind, name: &str) -> Text {
    match kind {
        DifferenceKind::NodeNotNamed => text(
            format!("Slurm 中已没有此节点，不再接受作业。不再回来：qiantang nodes retire {name}"),
            format!(
                "Slurm has it no more, and it takes no runs: `qiantang nodes retire {name}` if it doesn't come back"
            ),
        ),
        DifferenceKind::NodeRetired => text(
            format!("Slurm 中仍有此节点。重新启用：qiantang nodes bring-back {name}；否则从 Slurm 中移除"),
            format!("Slurm still has it: `qiantang nodes bring-back {name}`, or take it out of Slurm"),
        ),
        DifferenceKind::PoolNotNamed => text(
            format!("Slurm 中已没有此型号的节点。不再使用：qiantang pools retire {name}"),
            format!("Slurm has no node of it: `qiantang pools retire {name}` if it is of no use any more"),
        ),
        DifferenceKind::PoolRetired => text(
            format!("Slurm 中仍有其节点。重新启用：qiantang pools bring-back {name}"),
            format!("Slurm still has nodes of it: `qiantang pools bring-back {name}`"),
        ),
        _ => text(
            format!("节点保持加入时的样子，账目以此为准：退役 {name}，在 Slurm 中为机器换一个名称"),
            format!(
                "a node stays as it came in, since its past was sold so: retire {name}, and give the machine another name in Slurm"
            ),
        ),
    }
}
