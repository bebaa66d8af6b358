//! How problems of options read in Chinese.

use crate::problem::{
    code::{Form, NotHere, OptionFault, ValueFault},
    shown::{Words, shown},
};

pub fn words(fault: &OptionFault) -> Words {
    match fault {
        OptionFault::OpenQuote { quote } => (format!("引号 {quote} 没有闭合"), "请补上引号".into()),
        OptionFault::Unknown { like } => {
            let hint = match like.as_slice() {
                [] => "请去掉它，或改用文档列出的选项".into(),
                like => format!("请改为 {}，或去掉它", like.join(" 或 ")),
            };
            ("不是 sbatch 的选项".into(), hint)
        }
        OptionFault::Ambiguous { options } => {
            ("是多个选项的开头".into(), format!("请写全其中一个：{}", options.join("、")))
        }
        OptionFault::TakesNoValue => ("不带值".into(), "请去掉 = 及其后的内容".into()),
        OptionFault::EmptyWord => (
            "有一对空引号，sbatch 读到这里就不再读这一行".into(),
            "请去掉它，值为空时写成 --option= 的样子".into(),
        ),
        OptionFault::OddCharacter { code } => {
            (format!("以字符 U+{code:04X} 开头，它只是看起来像空格或连字符"), "请重新输入空格或连字符".into())
        }
        OptionFault::BadValue { given } => {
            (format!("sbatch 不接受“{}”这个值", shown(given)), "请换一个值，或去掉这个选项".into())
        }
        OptionFault::NotTogether { options } => {
            (format!("不能同时使用：{}", options.join("、")), "请只保留其中一个".into())
        }
        OptionFault::NotAlone { options } => {
            ("不能单独使用".into(), format!("请同时写其中一个：{}", options.join("、")))
        }
        OptionFault::VariableName { name } => {
            (format!("“{}”不能作变量名", shown(name)), "变量名由字母、数字和下划线组成，不以数字开头".into())
        }
        OptionFault::NotAnOption => ("不是选项".into(), "选项以 - 开头；命令请另起一行".into()),
        OptionFault::NotHere(why) => {
            let hint = match why {
                NotHere::Nodes => "节点由中心选择，请去掉这个选项",
                NotHere::Hold => "请在作业可以开始时再提交，或使用 --dependency",
                NotHere::Begin => "请在作业可以开始时再提交",
                NotHere::Reservation => "中心不设预约；需要保留加速卡时请签订预留合同",
                NotHere::Wrap => "请提交脚本",
                NotHere::HetGroup => "请把作业的各部分作为单独的作业提交",
                NotHere::BurstBuffer => "中心没有突发缓冲；请使用作业工作目录里的文件",
                NotHere::Clusters => "只有一个中心，请去掉这个选项",
                NotHere::Container => "中心不支持容器；请在脚本里写要运行的程序",
                NotHere::Deadline => "请用 --time 设时间上限，来不及时取消作业",
                NotHere::ExportFile => "请逐个写明变量：--export=NAME=VALUE",
                NotHere::UserEnv => "请让脚本以 #!/bin/bash -l 开头",
                NotHere::Identity => "作业以租户的身份运行，请去掉这个选项",
                NotHere::PerSocket => "请写明每个节点的加速卡数：--gpus-per-node=N",
                NotHere::TasksPerCard => "请写明每个节点的任务数：--ntasks-per-node=N",
                NotHere::Reboot => "节点不会为作业重启，请去掉这个选项",
                NotHere::TestOnly => "请试算：qiantang submit --dry-run，或在提交页试算",
            };
            ("中心不支持这个选项".into(), hint.into())
        }
        OptionFault::NeedsValue { option } => {
            ("缺少值".into(), format!("请写成 {}=值 的样子", shown(option)))
        }
        OptionFault::Value { fault, form } => (value(fault), written(*form).into()),
        OptionFault::Constraint { given } => (
            format!("“{}”既不是标签，也不是加速卡型号", shown(given)),
            "请写标签（多个以 & 相连）或加速卡型号（任选其一时以 | 相连）".into(),
        ),
        OptionFault::Warning { given } => {
            (format!("“{}”不是信号", shown(given)), "请写成 B:USR1@60 的样子".into())
        }
        OptionFault::NoVariableValue { name } => (
            format!("“{}”没有值，而运行不会带上您的环境变量", shown(name)),
            format!("请写成 {}=值 的样子", shown(name)),
        ),
        OptionFault::UnevenCards { cards, nodes } => (
            format!("{cards} 张加速卡不能平均分到 {nodes} 个节点"),
            "请用 --gpus-per-node 写明每个节点的加速卡数".into(),
        ),
    }
}

fn value(fault: &ValueFault) -> String {
    match fault {
        ValueFault::Count { given } => format!("“{}”不是 1 以上的整数", shown(given)),
        ValueFault::Time { given } => format!("“{}”不是时长", shown(given)),
        ValueFault::NoTime => "时限为零，什么都不能运行".into(),
        ValueFault::Memory { given } => format!("“{}”不是内存大小", shown(given)),
        ValueFault::CardKind { given } => format!("中心没有“{}”这一类加速卡", shown(given)),
        ValueFault::Index { given } => format!("“{}”不是任务序号", shown(given)),
        ValueFault::AnyOfSeveral => "不支持“?”（满足其一即可）".into(),
        ValueFault::Dependency { given } => format!("不支持“{}”这种依赖", shown(given)),
        ValueFault::NoJob { word } => format!("“{}”没有指明作业", shown(word)),
        ValueFault::JobId { given } => format!("“{}”不是作业编号", shown(given)),
    }
}

fn written(form: Form) -> &'static str {
    match form {
        Form::Nodes => "请写节点数，如 2",
        Form::Cards => "请写加速卡数，如 8",
        Form::Gres => "加速卡请写成 npu:8 或 gpu:8",
        Form::Count => "请写 1 以上的整数",
        Form::Time => "请写成 30（分钟）、1:30:00（时:分:秒）或 2-12（天-时）",
        Form::Memory => "请写成 500M、16G 或 1T",
        Form::Array => "请写成 0-7、1,3,5 或 0-99:2%4",
        Form::Dependency => "请写 after、afterok、afternotok 或 afterany，后接 :job_…",
    }
}
