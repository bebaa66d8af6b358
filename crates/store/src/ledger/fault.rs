//! Faults of the ledger, and how they read in both languages. Amounts are exact: whoever looks for a difference needs its last
//! digit.

use std::fmt;

use domain::{
    CardMs, ContractId, Lang, MicroCny, RatePerCardHour, RunId, VoucherId,
    decimal::grouped,
    ledger::{Account, AccountName, Unit},
    metering::Metered,
};

/// A sentence in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub zh: String,
    pub en: String,
}

impl Told {
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

impl From<String> for Told {
    /// Values alone read the same in both languages.
    fn from(values: String) -> Self {
        Self { zh: values.clone(), en: values }
    }
}

/// Something by which the ledger does not agree with itself, or with the runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All debits are not all credits.
    Unbalanced {
        unit: Unit,
        debits: i64,
        credits: i64,
    },
    /// The kept sums of an account are not those of its transfers; each is of debits and of credits.
    Sums {
        account: Account,
        unit: Unit,
        of_transfers: [i64; 2],
        kept: Option<[i64; 2]>,
    },
    /// Sums are kept of an account that has no transfers.
    NoTransfers {
        account: Account,
        unit: Unit,
    },
    /// A run is metered for something else than was posted for it.
    Posted {
        run: RunId,
        metered: Metered,
        posted: Metered,
    },
    Rate {
        run: RunId,
        rate: RatePerCardHour,
        book: String,
        why: WrongRate,
    },
    /// A run is charged up to another instant than its times say.
    Until {
        run: RunId,
    },
    /// A run that has ended is metered for something else than its times say.
    Due {
        run: RunId,
        metered: Metered,
        due: Metered,
    },
    /// An entry leaves more of a contract's fee earned than had passed of its term.
    Early {
        entry: i64,
        contract: ContractId,
        earned: MicroCny,
        due: MicroCny,
    },
    /// An entry leaves a pot or a voucher with less than nothing.
    BelowZero {
        entry: i64,
        account: Account,
        left: MicroCny,
    },
    /// A voucher pays a share of other charges than are kept.
    Base {
        voucher: VoucherId,
        kept: MicroCny,
        due: MicroCny,
    },
    /// What a voucher has paid is not what is kept.
    Redeemed {
        voucher: VoucherId,
        kept: MicroCny,
        due: MicroCny,
    },
    /// A voucher has paid more than its share or its face.
    Share {
        voucher: VoucherId,
        redeemed: MicroCny,
        most: MicroCny,
    },
    /// All card time that is posted for ended runs is not what they had.
    Occupancy {
        posted: CardMs,
        occupied: CardMs,
    },
}

/// Why a run's rate is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongRate {
    /// Its price book was not in force when the run was planned.
    NotInForce,
    /// Its price book has no price for it.
    NoPrice,
    /// By its contract and its price book it is another.
    Other(RatePerCardHour),
}

/// An amount of money, exact.
fn yuan(lang: Lang, amount: i64) -> String {
    let text = grouped(&MicroCny(amount).exact());
    match lang {
        Lang::Zh => format!("{text} 元"),
        Lang::En => format!("CNY {text}"),
    }
}

/// Card time, exact: in hours, minutes, seconds and milliseconds of one card.
fn hours(lang: Lang, used: i64) -> String {
    let text = grouped(&CardMs(used).exact());
    match lang {
        Lang::Zh => format!("{text} 卡时"),
        Lang::En => format!("{text} card-hours"),
    }
}

fn amount(lang: Lang, unit: Unit, amount: i64) -> String {
    match unit {
        Unit::CardMs => hours(lang, amount),
        Unit::MicroCny => yuan(lang, amount),
    }
}

fn both(lang: Lang, Metered { used, charged }: Metered) -> String {
    match lang {
        Lang::Zh => format!("{}、{}", hours(lang, used.0), yuan(lang, charged.0)),
        Lang::En => format!("{} and {}", hours(lang, used.0), yuan(lang, charged.0)),
    }
}

/// Two amounts of card time and money, of which the first should be the second.
pub(crate) fn unlike(kept: Metered, due: Metered, of: [&str; 2]) -> Told {
    let [zh, en] = of;
    Told {
        zh: format!("记为 {}，{zh}为 {}", both(Lang::Zh, kept), both(Lang::Zh, due)),
        en: format!("{} are kept, and {en} {}", both(Lang::En, kept), both(Lang::En, due)),
    }
}

/// Two amounts in one unit, of which the first should be the second.
pub(crate) fn unlike_in(unit: Unit, kept: i64, due: i64, of: [&str; 2]) -> Told {
    let [zh, en] = of;
    Told {
        zh: format!("记为 {}，{zh}为 {}", amount(Lang::Zh, unit, kept), amount(Lang::Zh, unit, due)),
        en: format!("{} is kept, and {en} {}", amount(Lang::En, unit, kept), amount(Lang::En, unit, due)),
    }
}

fn named(lang: Lang, account: &Account) -> String {
    let zh = match account.name() {
        AccountName::Contract => return named_contract(lang, account),
        AccountName::Cash => "现金",
        AccountName::Receivable => "应收款",
        AccountName::Revenue => "收入",
        AccountName::TermRevenue => "按期确认收入",
        AccountName::Forfeited => "到期作废",
        AccountName::WrittenOff => "坏账核销",
        AccountName::Waived => "减免",
        AccountName::Capacity => "容量",
        AccountName::Delivered => "已交付",
        AccountName::Pledged => "券款来源",
        AccountName::Reimbursed => "已兑付",
        AccountName::Pot => "算力券资金池",
        AccountName::Voucher => "算力券",
    };
    match lang {
        Lang::Zh => match account.owner() {
            Some(owner) => format!("科目“{zh}”（{owner}）"),
            None => format!("科目“{zh}”"),
        },
        Lang::En => format!("the account `{}`", account.code()),
    }
}

fn named_contract(lang: Lang, account: &Account) -> String {
    let id = account.contract().map(|id| id.to_string()).unwrap_or_default();
    match lang {
        Lang::Zh => format!("合同 {id} 的账户"),
        Lang::En => format!("the account of {id}"),
    }
}

impl Fault {
    pub fn told(&self) -> Told {
        Told { zh: self.zh(), en: self.en() }
    }

    fn en(&self) -> String {
        let lang = Lang::En;
        match self {
            Self::Unbalanced { unit, debits, credits } => format!(
                "all debits are {}, and all credits are {}",
                amount(lang, *unit, *debits),
                amount(lang, *unit, *credits)
            ),
            Self::Sums { account, unit, of_transfers: [debits, credits], kept } => {
                let of = |debits: i64, credits: i64| {
                    format!(
                        "debits of {} and credits of {}",
                        amount(lang, *unit, debits),
                        amount(lang, *unit, credits)
                    )
                };
                let kept = kept.map_or_else(|| "no sums".to_owned(), |[debits, credits]| of(debits, credits));
                format!(
                    "{} has {} by its transfers, and {kept} are kept",
                    named(lang, account),
                    of(*debits, *credits)
                )
            }
            Self::NoTransfers { account, unit } => {
                let unit = match unit {
                    Unit::CardMs => "card time",
                    Unit::MicroCny => "money",
                };
                format!("sums of {unit} are kept for {}, which has no transfers", named(lang, account))
            }
            Self::Posted { run, metered, posted } => {
                format!(
                    "{run} is metered for {}, and {} are posted",
                    both(lang, *metered),
                    both(lang, *posted)
                )
            }
            Self::Rate { run, rate, book, why } => {
                let why = match why {
                    WrongRate::NotInForce => format!("by the price book {book}, which was not in force yet"),
                    WrongRate::NoPrice => format!("for which the price book {book} has no price"),
                    WrongRate::Other(due) => {
                        format!("and by its contract and the price book {book} it is {}", yuan(lang, due.0.0))
                    }
                };
                format!("{run} has the rate {} a card-hour, {why}", yuan(lang, rate.0.0))
            }
            Self::Until { run } => format!("{run} is charged up to another instant than its times say"),
            Self::Due { run, metered, due } => {
                format!(
                    "{run} is metered for {}, and its times say {}",
                    both(lang, *metered),
                    both(lang, *due)
                )
            }
            Self::Early { entry, contract, earned, due } => format!(
                "the entry {entry} leaves {} of the fee of {contract} earned by its term, which says {}",
                yuan(lang, earned.0),
                yuan(lang, due.0)
            ),
            Self::BelowZero { entry, account, left } => {
                format!("the entry {entry} leaves {} with {}", named(lang, account), yuan(lang, left.0))
            }
            Self::Base { voucher, kept, due } => format!(
                "{voucher} pays a share of {} by its entries, and {} are kept",
                yuan(lang, due.0),
                yuan(lang, kept.0)
            ),
            Self::Redeemed { voucher, kept, due } => format!(
                "{voucher} has paid {} by its entries, and {} are kept",
                yuan(lang, due.0),
                yuan(lang, kept.0)
            ),
            Self::Share { voucher, redeemed, most } => {
                format!("{voucher} has paid {}, and may pay {}", yuan(lang, redeemed.0), yuan(lang, most.0))
            }
            Self::Occupancy { posted, occupied } => {
                let (posted, occupied) = (hours(lang, posted.0), hours(lang, occupied.0));
                format!("{posted} are posted for ended runs, which had {occupied}")
            }
        }
    }

    fn zh(&self) -> String {
        let lang = Lang::Zh;
        match self {
            Self::Unbalanced { unit, debits, credits } => {
                format!(
                    "借方合计 {}，贷方合计 {}",
                    amount(lang, *unit, *debits),
                    amount(lang, *unit, *credits)
                )
            }
            Self::Sums { account, unit, of_transfers: [debits, credits], kept } => {
                let of = |debits: i64, credits: i64| {
                    format!("借方 {}、贷方 {}", amount(lang, *unit, debits), amount(lang, *unit, credits))
                };
                let kept =
                    kept.map_or_else(|| "没有记录".to_owned(), |[debits, credits]| of(debits, credits));
                format!("{}按分录为{}，留存的合计为{kept}", named(lang, account), of(*debits, *credits))
            }
            Self::NoTransfers { account, unit } => {
                let unit = match unit {
                    Unit::CardMs => "卡时",
                    Unit::MicroCny => "金额",
                };
                format!("{}没有分录，却留有{unit}合计", named(lang, account))
            }
            Self::Posted { run, metered, posted } => {
                format!("运行 {run} 计量 {}，入账 {}", both(lang, *metered), both(lang, *posted))
            }
            Self::Rate { run, rate, book, why } => {
                let why = match why {
                    WrongRate::NotInForce => format!("取自价目 {book}，而该价目当时尚未生效"),
                    WrongRate::NoPrice => format!("而价目 {book} 中没有相应单价"),
                    WrongRate::Other(due) => format!("按合同和价目 {book} 应为 {}", yuan(lang, due.0.0)),
                };
                format!("运行 {run} 的每卡时单价为 {}，{why}", yuan(lang, rate.0.0))
            }
            Self::Until { run } => format!("运行 {run} 的计费截止时间与其起止时间不符"),
            Self::Due { run, metered, due } => {
                format!("运行 {run} 计量 {}，按起止时间应为 {}", both(lang, *metered), both(lang, *due))
            }
            Self::Early { entry, contract, earned, due } => format!(
                "第 {entry} 笔分录使已确认收入达 {}，合同 {contract} 的费用按其期限应为 {}",
                yuan(lang, earned.0),
                yuan(lang, due.0)
            ),
            Self::BelowZero { entry, account, left } => {
                format!("第 {entry} 笔分录使{}余额为 {}", named(lang, account), yuan(lang, left.0))
            }
            Self::Base { voucher, kept, due } => format!(
                "算力券 {voucher} 按分录应就 {} 的费用付款，留存的合计为 {}",
                yuan(lang, due.0),
                yuan(lang, kept.0)
            ),
            Self::Redeemed { voucher, kept, due } => format!(
                "算力券 {voucher} 按分录已付 {}，留存的合计为 {}",
                yuan(lang, due.0),
                yuan(lang, kept.0)
            ),
            Self::Share { voucher, redeemed, most } => {
                format!("算力券 {voucher} 已付 {}，至多可付 {}", yuan(lang, redeemed.0), yuan(lang, most.0))
            }
            Self::Occupancy { posted, occupied } => {
                let (posted, occupied) = (hours(lang, posted.0), hours(lang, occupied.0));
                format!("已结束的运行入账 {posted}，实际占用 {occupied}")
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

#[cfg(test)]
mod tests {
    use domain::ProgrammeId;

    use super::*;

    #[test]
    fn faults_are_sentences_with_exact_amounts() {
        let run = RunId::from_bytes([1; 16]);
        let metered = |used, charged| Metered { used: CardMs(used), charged: MicroCny(charged) };
        let account = Account::Contract(ContractId::from_bytes([2; 16]));
        let (programme, voucher) = (ProgrammeId::from_bytes([6; 16]), VoucherId::from_bytes([7; 16]));
        let rate =
            |why| Fault::Rate { run, rate: RatePerCardHour(MicroCny(5_000_000)), book: "2026".into(), why };
        let all = [
            Fault::Unbalanced { unit: Unit::CardMs, debits: 45_000_001, credits: -1 },
            Fault::Sums { account, unit: Unit::MicroCny, of_transfers: [1, 1_234_500_000], kept: None },
            Fault::Sums {
                account: Account::Cash,
                unit: Unit::CardMs,
                of_transfers: [1, 2],
                kept: Some([3, 4]),
            },
            Fault::NoTransfers { account: Account::Waived, unit: Unit::MicroCny },
            Fault::Posted { run, metered: metered(1, 2), posted: metered(3, 4) },
            rate(WrongRate::NotInForce),
            rate(WrongRate::NoPrice),
            rate(WrongRate::Other(RatePerCardHour(MicroCny(1)))),
            Fault::Until { run },
            Fault::Due { run, metered: metered(1, 2), due: metered(3, 4) },
            Fault::Early {
                entry: 7,
                contract: ContractId::from_bytes([2; 16]),
                earned: MicroCny(2),
                due: MicroCny(1),
            },
            Fault::BelowZero { entry: 8, account: Account::Pot(programme), left: MicroCny(-1) },
            Fault::BelowZero { entry: 8, account: Account::Voucher(voucher), left: MicroCny(-1) },
            Fault::Base { voucher, kept: MicroCny(1), due: MicroCny(2) },
            Fault::Redeemed { voucher, kept: MicroCny(1), due: MicroCny(2) },
            Fault::Share { voucher, redeemed: MicroCny(2), most: MicroCny(1) },
            Fault::Occupancy { posted: CardMs(1), occupied: CardMs(2) },
        ];
        assert_eq!(
            all[0].to_string(),
            "all debits are 12:30:00.001 card-hours, and all credits are -0:00:00.001 card-hours"
        );
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        for fault in &all {
            let Told { zh, en } = fault.told();
            assert_eq!(digits(&zh), digits(&en), "{zh} | {en}");
            for debug in ["Some(", "None", "{", "Metered", "CardMs", "MicroCny("] {
                assert!(!zh.contains(debug) && !en.contains(debug), "{zh} | {en}");
            }
        }
        assert!(all[1].to_string().contains("CNY 0.000001 and credits of CNY 1,234.50"), "{}", all[1]);
    }
}
