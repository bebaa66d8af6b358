//! Why something is refused that was asked for with vouchers, in both languages.

use domain::Lang;

domain::codes! {
    pub enum VoucherRefusal {
        /// The rules of a programme mean nothing.
        NoRules = "no_rules",
        TooManyRules = "too_many_rules",
        RateOutOfRange = "rate_out_of_range",
        TotalOutOfRange = "total_out_of_range",
        RuleUnreachable = "rule_unreachable",
        CapOutOfRange = "cap_out_of_range",
        CombinedOutOfRange = "combined_out_of_range",
        /// The programme's window is not open.
        NotOpen = "not_open",
        DomainNotEligible = "domain_not_eligible",
        /// The contract is of a kind that the programme does not pay for, or is over.
        ContractNotEligible = "contract_not_eligible",
        ContractTaken = "contract_taken",
        NotStackable = "not_stackable",
        UnknownFacility = "unknown_facility",
        MixedFacility = "mixed_facility",
        NoRuleFits = "no_rule_fits",
        CapUsedUp = "cap_used_up",
        /// More is put into a pot than was announced.
        PotIsFull = "pot_is_full",
        NotActive = "not_active",
        /// Vouchers that are deducted at once have no claims.
        NoClaims = "no_claims",
        MonthNotClosed = "month_not_closed",
        MonthNotCovered = "month_not_covered",
        NothingToClaim = "nothing_to_claim",
        MonthClaimed = "month_claimed",
        StepOutOfTurn = "step_out_of_turn",
        FiguresDiffer = "figures_differ",
        NotDeclared = "not_declared",
    }
}

impl VoucherRefusal {
    /// What is wrong, and what to do. `rule` is the rule that it is about, from 1.
    pub(super) fn words(self, lang: Lang, rule: usize) -> (String, String) {
        let of_rule = |fault: &str, hint: &str| match lang {
            Lang::Zh => (format!("第 {rule} 条规则{fault}"), hint.to_owned()),
            Lang::En => (format!("rule {rule} {fault}"), hint.to_owned()),
        };
        let (fault, hint) = match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        };
        match self {
            Self::RateOutOfRange | Self::TotalOutOfRange | Self::RuleUnreachable => of_rule(fault, hint),
            _ => (fault.to_owned(), hint.to_owned()),
        }
    }

    fn zh(self) -> (&'static str, &'static str) {
        match self {
            Self::NoRules => ("该券种没有规则", "至少写一条规则"),
            Self::TooManyRules => ("规则太多", "最多 32 条"),
            Self::RateOutOfRange => ("的比例不在范围内", "填写 1 到 10000，单位为万分之一"),
            Self::TotalOutOfRange => ("的年度合计不在范围内", "填写大于 0 的金额"),
            Self::RuleUnreachable => ("永远用不到：在它之前的规则已覆盖其全部情形", "调整顺序，或删去它"),
            Self::CapOutOfRange => ("每个租户的年度上限不在范围内", "填写大于 0 的金额，或不填"),
            Self::CombinedOutOfRange => ("叠加后的上限不在范围内", "填写 1 到 10000，单位为万分之一"),
            Self::NotOpen => ("该券种现在不接受申请", "请看其起止日期"),
            Self::DomainNotEligible => ("该券种不面向您所在的领域", "请看其规则"),
            Self::ContractNotEligible => {
                ("该合同不能用此券种", "即时抵扣只用于按量计费的生效合同；先付后补不用于资助")
            }
            Self::ContractTaken => ("该合同已有此券种的算力券", "同一合同不得重复申请"),
            Self::NotStackable => ("该合同已有其他券种的算力券，两者不能叠加", "请选用其中一种"),
            Self::UnknownFacility => ("合同的加速卡既不属国产也不属其他已知类别", "请联系本中心"),
            Self::MixedFacility => ("合同的资源池既有国产加速卡，又有其他加速卡", "写明算力券用于哪一类"),
            Self::NoRuleFits => ("没有一条规则适用", "请看该券种的规则"),
            Self::CapUsedUp => ("本年度的上限已用完", "请等下一年度"),
            Self::PotIsFull => ("入池金额将超过该券种公布的总额", "填写不超过其余额的金额"),
            Self::NotActive => ("该算力券现在不能使用", "请看其状态"),
            Self::NoClaims => ("该算力券即时抵扣，不需要兑付申请", "见合同账单中的抵扣"),
            Self::MonthNotClosed => ("该月没有已出的账单", "请等该月结账"),
            Self::MonthNotCovered => ("该月不在算力券的有效期内", "请选有效期内的月份"),
            Self::NothingToClaim => ("该月没有可兑付的金额", "请看账单和算力券的余额"),
            Self::MonthClaimed => ("该月已有兑付申请", "同一月份不得重复申请"),
            Self::StepOutOfTurn => ("现在不是这一步", "请看兑付申请的状态"),
            Self::FiguresDiffer => ("申请的数字与账目不符", "请驳回，由租户重新申请"),
            Self::NotDeclared => ("没有声明买卖双方无关联关系", "无关联关系是兑付的条件"),
        }
    }

    fn en(self) -> (&'static str, &'static str) {
        match self {
            Self::NoRules => ("the programme has no rules", "write at least one"),
            Self::TooManyRules => ("there are too many rules", "write at most 32"),
            Self::RateOutOfRange => ("has a rate out of range", "give 1 to 10000, in basis points"),
            Self::TotalOutOfRange => ("has a yearly total out of range", "give an amount above 0"),
            Self::RuleUnreachable => {
                ("never holds: earlier rules fit wherever it does", "change the order, or leave it out")
            }
            Self::CapOutOfRange => ("the yearly cap is out of range", "give an amount above 0, or none"),
            Self::CombinedOutOfRange => {
                ("the combined limit is out of range", "give 1 to 10000, in basis points")
            }
            Self::NotOpen => ("the programme takes no applications now", "look at its dates"),
            Self::DomainNotEligible => ("the programme is not for your domain", "look at its rules"),
            Self::ContractNotEligible => (
                "the programme does not pay for this contract",
                "vouchers are deducted from active metered contracts; what is reimbursed is no grant",
            ),
            Self::ContractTaken => {
                ("the contract has a voucher of this programme", "one contract gets one voucher")
            }
            Self::NotStackable => (
                "the contract has a voucher of a programme that does not go with this one",
                "choose one of them",
            ),
            Self::UnknownFacility => (
                "the contract's cards are neither domestic nor of another kind that is known",
                "ask the center",
            ),
            Self::MixedFacility => (
                "the contract has pools of domestic cards and of others",
                "say for which of them the voucher is",
            ),
            Self::NoRuleFits => ("no rule fits", "look at the programme's rules"),
            Self::CapUsedUp => ("the cap of this year is used up", "wait for the next year"),
            Self::PotIsFull => {
                ("the pot would have more than was announced", "put in no more than is missing")
            }
            Self::NotActive => ("the voucher can't be used now", "look at its state"),
            Self::NoClaims => {
                ("the voucher is deducted at once and has no claims", "see the contract's statement")
            }
            Self::MonthNotClosed => {
                ("the month has no statement that was given out", "wait until it is closed")
            }
            Self::MonthNotCovered => ("the voucher does not cover this month", "choose a month of its term"),
            Self::NothingToClaim => (
                "nothing of this month can be claimed",
                "look at the statement and what the voucher has left",
            ),
            Self::MonthClaimed => ("there is a claim on this month", "a month is claimed once"),
            Self::StepOutOfTurn => ("it is not the turn of this step", "look at the state of the claim"),
            Self::FiguresDiffer => {
                ("the claim's figures are not those of the books", "reject it, so that it is made anew")
            }
            Self::NotDeclared => {
                ("nobody declared that buyer and seller are unrelated", "it is a condition of the claim")
            }
        }
    }
}
