//! Things in Slurm that are not touched or would not bind, in words.

use base::text::Text;
use engines::slurm::accounts::Conflict;
use serde::Serialize;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ConflictView {
    pub code: String,
    pub text: Text,
    pub what_to_do: Text,
}

pub fn view(conflict: &Conflict) -> ConflictView {
    let (code, zh, en, do_zh, do_en) = match conflict {
        Conflict::ForeignAccount { account, description } => (
            "foreign_account",
            format!("Slurm 中已有账户 {account}（说明为“{description}”），不是本中心建立的，未作改动。"),
            format!("Slurm has an account {account} that this center did not make (its description is `{description}`). It is not touched."),
            "改用 engine.slurm.accounts.prefix 的另一个前缀，或者删除、改名该账户。".to_owned(),
            "Choose another `prefix` in [engine.slurm.accounts], or remove that account.".to_owned(),
        ),
        Conflict::ForeignQos { qos, description } => (
            "foreign_qos",
            format!("Slurm 中已有 QOS {qos}（说明为“{description}”），不是本中心建立的；无法暂停账户。"),
            format!("Slurm has a QOS {qos} that this center did not make (its description is `{description}`). No account is paused."),
            "在 engine.slurm.accounts.pause_qos 中另取一个名称。".to_owned(),
            "Choose another `pause_qos` in [engine.slurm.accounts].".to_owned(),
        ),
        Conflict::Moved { account, parent, wanted } => (
            "moved",
            format!("账户 {account} 在 {parent} 之下，不在 {wanted} 之下；上级的限额对它不起作用。"),
            format!("The account {account} is below {parent}, not below {wanted}: limits there do not bind it."),
            format!("sacctmgr modify account where name={account} set parent={wanted}"),
            format!("sacctmgr modify account where name={account} set parent={wanted}"),
        ),
        Conflict::OwnQos { account, user, qos } => {
            let whose = if user.is_empty() { account.clone() } else { format!("{account}/{user}") };
            let of_user = if user.is_empty() { String::new() } else { format!(" user={user}") };
            let (noun, key) = if user.is_empty() { ("account", "name") } else { ("user", "account") };
            let command = format!("sacctmgr modify {noun} where {key}={account}{of_user} set qos= defaultqos=-1");
            (
                "own_qos",
                format!("{whose} 自有 QOS 列表（{qos}），没有暂停：列表会丢失。"),
                format!("{whose} has QOS of its own ({qos}) and is not paused: they would be lost."),
                format!("把 QOS 列表设在上级账户，由下级继承，然后：{command}"),
                format!("Set the list at the account above, from which it is inherited, and then: {command}"),
            )
        }
        Conflict::NotCounted { kind } => (
            "not_counted",
            format!("Slurm 不统计 gres/{kind}，对它没有设限额。"),
            format!("Slurm does not account for gres/{kind}: no limits are set on it."),
            format!("在 slurm.conf 中设 AccountingStorageTRES=gres/{kind}，并重启 slurmctld。"),
            format!("Set AccountingStorageTRES=gres/{kind} in slurm.conf and restart slurmctld."),
        ),
        Conflict::NotEnforced { what } => (
            "not_enforced",
            format!("Slurm 的 AccountingStorageEnforce 不含 {what}，账户、限额或暂停在 Slurm 中不起作用。"),
            format!("Slurm's AccountingStorageEnforce lacks `{what}`: accounts, limits or pauses do not bind there."),
            "在 slurm.conf 中设 AccountingStorageEnforce=associations,limits,qos。".to_owned(),
            "Set AccountingStorageEnforce=associations,limits,qos in slurm.conf.".to_owned(),
        ),
        Conflict::UseNotCounted => (
            "use_not_counted",
            "Slurm 的 PriorityType 不是 priority/multifactor，不累计用量，卡分钟限额不起作用。".to_owned(),
            "Slurm's PriorityType is not priority/multifactor: it counts no use, and limits on card-minutes do not bind.".to_owned(),
            "在 slurm.conf 中设 PriorityType=priority/multifactor。".to_owned(),
            "Set PriorityType=priority/multifactor in slurm.conf.".to_owned(),
        ),
    };
    ConflictView { code: code.to_owned(), text: Text { zh, en }, what_to_do: Text { zh: do_zh, en: do_en } }
}
