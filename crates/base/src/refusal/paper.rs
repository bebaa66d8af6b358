//! Refusals of quotes, of the texts of contracts and of signatures: their codes with values, and how they read.

use domain::{Rfc3339, Role, quote::QuoteState};
use serde::Serialize;
use store::texts::Side;

/// Why something of a quote, a text or a signature can't be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "values", rename_all = "snake_case")]
pub enum Paper {
    /// The settings don't name the center as a party to contracts.
    CenterUnnamed,
    /// The tenant lacks what names it as a party to contracts.
    TenantUnnamed {
        tenant: String,
    },
    /// A text lacks the signatures of these sides.
    NotSigned {
        contract: String,
        missing: Vec<Side>,
    },
    /// A text that somebody signed is not made anew.
    TextSigned {
        contract: String,
    },
    NotASigner {
        role: Role,
    },
    /// A text is not what its digest says.
    TextAltered {
        contract: String,
        version: i64,
    },
    /// A text is not the one to sign.
    TextOver {
        contract: String,
        version: i64,
    },
    SideSigned {
        contract: String,
        side: Side,
    },
    /// One person would sign for both sides.
    OneForBoth,
    RenewedEarly {
        contract: String,
        from: Rfc3339,
    },
    Renewed {
        contract: String,
        by: String,
    },
    /// The state of a quote does not allow it.
    QuoteState {
        number: String,
        state: QuoteState,
    },
    /// A role gives no more discount alone than `most_bp`.
    DiscountAbove {
        discount_bp: u32,
        most_bp: u32,
    },
}

impl Paper {
    /// The refusal's name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CenterUnnamed | Self::TenantUnnamed { .. } => "party_unnamed",
            Self::NotSigned { .. } => "not_signed",
            Self::TextSigned { .. } | Self::SideSigned { .. } => "already_signed",
            Self::NotASigner { .. } => "not_a_signer",
            Self::TextAltered { .. } => "text_altered",
            Self::TextOver { .. } => "text_over",
            Self::OneForBoth => "one_for_both",
            Self::RenewedEarly { .. } | Self::Renewed { .. } => "renewal",
            Self::QuoteState { .. } => "quote_state",
            Self::DiscountAbove { .. } => "discount_above",
        }
    }
}

type Words = (String, String);

fn two(fault: &str, hint: &str) -> Words {
    (fault.to_owned(), hint.to_owned())
}

fn with(fault: String, hint: &str) -> Words {
    (fault, hint.to_owned())
}

/// Basis points as people read them: `12.5 %`.
fn percent(bp: u32) -> String {
    let places = format!("{:02}", bp % 100);
    let places = places.trim_end_matches('0');
    let point = if places.is_empty() { "" } else { "." };
    format!("{}{point}{places} %", bp / 100)
}

pub fn en(refused: &Paper) -> Words {
    match refused {
        Paper::CenterUnnamed => two(
            "the settings do not name the center as it is registered",
            "set `books.payee` with its name, tax number, bank and account: they stand in the text of each contract",
        ),
        Paper::TenantUnnamed { tenant } => with(
            format!("nobody said the registered name and the code of the tenant `{tenant}`"),
            "set both on the tenant's page, or with `qiantang tenants set`: they stand in the text of each contract",
        ),
        Paper::NotSigned { contract, missing } => {
            let sides: Vec<&str> = missing.iter().map(|side| side_en(*side)).collect();
            with(
                format!("the text of the contract {contract} is not signed by {}", sides.join(" and by ")),
                "both sides sign it on its page, or with `qiantang contracts sign`",
            )
        }
        Paper::TextSigned { contract } => with(
            format!("the text of the contract {contract} bears a signature"),
            "terminate the contract and draw up another one, where its text is wrong",
        ),
        Paper::NotASigner { role } => with(
            format!("the role `{}` signs no contracts here", role.code()),
            "let somebody sign who may: `signing.center_roles` and `signing.tenant_roles` in the settings name the roles",
        ),
        Paper::TextAltered { contract, version } => with(
            format!("version {version} of the text of the contract {contract} is not what its digest says"),
            "sign nothing; let an operator run `qiantang ledger check`, which tells what was changed",
        ),
        Paper::TextOver { contract, version } => with(
            format!("version {version} of the text of the contract {contract} is not the one to sign"),
            "read the newest version, and sign that",
        ),
        Paper::SideSigned { contract, side } => with(
            format!("{} has signed this text of the contract {contract}", side_en(*side)),
            "each side signs once",
        ),
        Paper::OneForBoth => two(
            "you have signed this text for the other side",
            "let somebody else sign: nobody makes a contract with themself",
        ),
        Paper::RenewedEarly { contract, from } => with(
            format!("the contract {contract} may be renewed from {from} on"),
            "amend it where its term is to be longer, or wait",
        ),
        Paper::Renewed { contract, by } => with(
            format!("the contract {contract} was renewed as {by}"),
            "go on with that one, or terminate it first",
        ),
        Paper::QuoteState { number, state } => with(
            format!("the quote {number} {}", quote_en(*state)),
            "look at it again; where it can't go on, draw up another one",
        ),
        Paper::DiscountAbove { discount_bp, most_bp } => with(
            format!(
                "a discount of {} is above the {} that your role gives alone",
                percent(*discount_bp),
                percent(*most_bp)
            ),
            "let a second person grant it who may; `quotes.discount_bp` in the settings has the bounds",
        ),
    }
}

pub fn zh(refused: &Paper) -> Words {
    match refused {
        Paper::CenterUnnamed => two(
            "设置中没有中心的登记名称",
            "请在 `books.payee` 中填写名称、信用代码、开户行和账号：每份合同文本都要写明",
        ),
        Paper::TenantUnnamed { tenant } => with(
            format!("租户 `{tenant}` 还没有单位全称和信用代码"),
            "请在租户页面或用 `qiantang tenants set` 填写：每份合同文本都要写明",
        ),
        Paper::NotSigned { contract, missing } => {
            let sides: Vec<&str> = missing.iter().map(|side| side_zh(*side)).collect();
            with(
                format!("合同 {contract} 的文本尚未由{}签署", sides.join("和")),
                "请双方在合同文本页面或用 `qiantang contracts sign` 签署",
            )
        }
        Paper::TextSigned { contract } => {
            with(format!("合同 {contract} 的文本已有签署"), "文本有误的，请终止此合同并另行起草")
        }
        Paper::NotASigner { role } => with(
            format!("{}在本中心不签署合同", role_zh(*role)),
            "请由有权的人员签署；角色由设置 `signing.center_roles` 和 `signing.tenant_roles` 规定",
        ),
        Paper::TextAltered { contract, version } => with(
            format!("合同 {contract} 第 {version} 版文本与其摘要不符"),
            "请勿签署；请运营人员运行 `qiantang ledger check`，查明被改动的内容",
        ),
        Paper::TextOver { contract, version } => {
            with(format!("合同 {contract} 第 {version} 版文本不是待签署的文本"), "请阅读最新版本并签署")
        }
        Paper::SideSigned { contract, side } => {
            with(format!("{}已经签署合同 {contract} 的这一文本", side_zh(*side)), "每一方只签署一次")
        }
        Paper::OneForBoth => two("您已代表另一方签署此文本", "请由他人签署：任何人不得与自己订立合同"),
        Paper::RenewedEarly { contract, from } => {
            with(format!("合同 {contract} 自 {from} 起可以续签"), "需要延长期限的，请变更合同，或届时再续签")
        }
        Paper::Renewed { contract, by } => {
            with(format!("合同 {contract} 已续签为 {by}"), "请继续办理该合同，或先将其终止")
        }
        Paper::QuoteState { number, state } => {
            with(format!("报价单 {number} {}", quote_zh(*state)), "请重新查看；无法继续的，请另行报价")
        }
        Paper::DiscountAbove { discount_bp, most_bp } => with(
            format!("折扣 {} 超出您的角色可以单独给予的 {}", percent(*discount_bp), percent(*most_bp)),
            "请由有权的第二人批准；上限由设置 `quotes.discount_bp` 规定",
        ),
    }
}

fn side_en(side: Side) -> &'static str {
    match side {
        Side::Center => "the center",
        Side::Tenant => "the tenant",
    }
}

fn side_zh(side: Side) -> &'static str {
    match side {
        Side::Center => "中心",
        Side::Tenant => "租户",
    }
}

fn quote_en(state: QuoteState) -> &'static str {
    match state {
        QuoteState::Draft => "is a draft",
        QuoteState::Sent => "was sent",
        QuoteState::Accepted => "was accepted",
        QuoteState::Expired => "is not valid any more",
        QuoteState::Withdrawn => "was withdrawn",
    }
}

fn quote_zh(state: QuoteState) -> &'static str {
    match state {
        QuoteState::Draft => "还是草稿",
        QuoteState::Sent => "已经发出",
        QuoteState::Accepted => "已被接受",
        QuoteState::Expired => "已过有效期",
        QuoteState::Withdrawn => "已被撤回",
    }
}

fn role_zh(role: Role) -> &'static str {
    match role {
        Role::Operator => "运营人员",
        Role::Auditor => "审计人员",
        Role::Contracts => "合同人员",
        Role::CenterFinance => "中心财务人员",
        Role::DataBureau => "数据局人员",
        Role::FinanceBureau => "财政局人员",
        Role::Admin => "管理员",
        Role::Developer => "开发人员",
        Role::Finance => "财务人员",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_read_as_per_cent() {
        assert_eq!([0, 500, 1250, 1205, 10_000].map(percent), ["0 %", "5 %", "12.5 %", "12.05 %", "100 %"]);
    }
}
