//! Price books: what a card-hour costs, by pool, service class and domain.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::{Both, Lang, MicroCny, ServiceClass, TenantDomain, both, price::Waivers};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    errors::{Failure, said},
    output::{Clock, items, list, number, pick, rate, table, text},
    words,
};

/// Show price books, or draw up a new one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Prices {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List all versions, newest first.
    List,
    /// Show the prices of one version.
    Show {
        /// The version's name; the version in force where left out.
        name: Option<String>,
    },
    /// Publish a new version (operators).
    New(New),
}

#[derive(Debug, Args)]
struct New {
    /// The version's name, such as 2026-H2.
    name: String,
    /// When it comes into force, such as 2026-07-01 (as the day begins at the center) or 2026-07-01T08:00:00+08:00; now where
    /// left out.
    #[arg(long)]
    from: Option<String>,
    /// Start from the prices of this version and change those that are given.
    #[arg(long)]
    like: Option<String>,
    /// The price of a card-hour in yuan; `*` in place of a class or domain stands for each. May be given again.
    #[arg(long = "price", value_name = "POOL:CLASS:DOMAIN=YUAN")]
    prices: Vec<String>,
    /// A CSV file with the columns `pool,service_class,domain,yuan`.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The share of a lost run's use that is not charged, in percent; 100 where left out.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    waive_lost: Option<u8>,
    /// The share of a preempted run's use that is not charged, in percent; 0 where left out. It is charged up to the
    /// notice.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    waive_preempted: Option<u8>,
    /// Publish it even where prices are dropped, doubled or free.
    #[arg(long)]
    confirm: bool,
}

impl Run for Prices {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => show(context, None),
            Some(Act::List) => show_all(context),
            Some(Act::Show { name }) => show(context, name.as_deref()),
            Some(Act::New(new)) => create(context, &new),
        }
    }
}

const PATH: &str = "/api/v1/price-books";

fn show_all(context: &Context) -> Done {
    let answer = context.client.get(PATH)?;
    let books = list(&answer)?;
    context.print(&answer, |lang| {
        let clock = context.clock();
        let row = |book: &Value| {
            let mark = if book["is_in_force"] == true { pick(lang, "生效中", "in force") } else { "" };
            let lines = items(book, "prices").len();
            vec![
                text(book, "name").to_owned(),
                clock.instant(book, "effective_from"),
                mark.to_owned(),
                lines.to_string(),
            ]
        };
        let holds_from = clock.title("生效时间", "holds from");
        let titles = match lang {
            Lang::Zh => ["价目", &holds_from, "状态", "价格条数"],
            Lang::En => ["price book", &holds_from, "state", "prices"],
        };
        if books.is_empty() {
            return pick(
                lang,
                "还没有价目。用 qiantang prices new 发布一版。",
                "No price books. Publish one with `qiantang prices new`.",
            )
            .into();
        }
        table(&titles, books.iter().map(row).collect(), 3)
    })
}

fn show(context: &Context, name: Option<&str>) -> Done {
    let book = match name {
        Some(name) => context.client.get(&format!("{PATH}/{}", part(name)))?,
        None => in_force(context)?,
    };
    context.print(&book, |_| shown(&context.clock(), &book))
}

/// The version that holds now.
fn in_force(context: &Context) -> Result<Value, Failure> {
    let all = context.client.get(PATH)?;
    let found = list(&all)?.iter().find(|book| book["is_in_force"] == true).cloned();
    found.ok_or_else(|| {
        let hint = both(
            "`qiantang prices list` 显示将要生效的；`qiantang prices new` 发布一份",
            "`qiantang prices list` shows those to come; `qiantang prices new` publishes one",
        );
        Failure::refused("no_price_book", both("没有现行的价目", "no price book is in force"), hint)
    })
}

fn shown(clock: &Clock, book: &Value) -> String {
    let Clock { lang, zone } = clock;
    let lang = *lang;
    let row = |price: &Value| {
        vec![
            text(price, "pool").to_owned(),
            words::word(lang, "class", text(price, "service_class")),
            words::word(lang, "domain", text(price, "domain")),
            rate(number(price, "rate_micro_cny_per_card_hour")),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["资源池", "服务等级", "领域", "元/卡时"],
        Lang::En => ["pool", "class", "domain", "CNY a card-hour"],
    };
    let (name, from) = (text(book, "name"), clock.instant(book, "effective_from"));
    let head = match lang {
        Lang::Zh => format!("价目 {name}，自 {from}（{zone}）起"),
        Lang::En => format!("Price book {name}, from {from} {zone} on"),
    };
    format!("{head}\n\n{}", table(&titles, items(book, "prices").iter().map(row).collect(), 3))
}

fn create(context: &Context, new: &New) -> Done {
    let mut prices = match &new.like {
        Some(name) => {
            let book = context.client.get(&format!("{PATH}/{}", part(name)))?;
            list(&book["prices"])?.iter().map(Price::of_answer).collect()
        }
        None => Vec::new(),
    };
    let listed = new.file.as_ref().map(|path| from_csv(path)).transpose()?.unwrap_or_default();
    let given: Vec<Price> = new
        .prices
        .iter()
        .map(|text| parse(text))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    for price in listed.into_iter().chain(given) {
        prices.retain(|known: &Price| !known.is_for_the_same(&price));
        prices.push(price);
    }
    if prices.is_empty() {
        let hint = both("请给出 --price、--file 或 --like", "give --price, --file or --like");
        return Err(Failure::usage(
            "no_prices",
            both("价目中没有价格", "the price book has no prices"),
            hint,
        ));
    }
    let prices: Vec<Value> = prices.iter().map(Price::json).collect();
    let waivers = Waivers::default();
    let waivers = Waivers {
        lost_percent: new.waive_lost.unwrap_or(waivers.lost_percent),
        preempted_percent: new.waive_preempted.unwrap_or(waivers.preempted_percent),
    };
    let mut body =
        json!({ "name": new.name, "prices": prices, "waivers": waivers, "confirmed": new.confirm });
    if let Some(from) = &new.from {
        body["effective_from"] = json!(from);
    }
    let answer = context.client.post(PATH, &body)?;
    context.print(&answer, |lang| match lang {
        Lang::Zh => format!("已发布价目 {}（{} 条价格）", new.name, prices.len()),
        Lang::En => format!("Published the price book {} ({} prices)", new.name, prices.len()),
    })
}

/// One line of a price book.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Price {
    pool: String,
    class: String,
    domain: String,
    rate: MicroCny,
}

impl Price {
    fn of_answer(value: &Value) -> Self {
        Self {
            pool: text(value, "pool").to_owned(),
            class: text(value, "service_class").to_owned(),
            domain: text(value, "domain").to_owned(),
            rate: MicroCny(number(value, "rate_micro_cny_per_card_hour")),
        }
    }

    fn is_for_the_same(&self, other: &Self) -> bool {
        (&self.pool, &self.class, &self.domain) == (&other.pool, &other.class, &other.domain)
    }

    fn json(&self) -> Value {
        json!({ "pool": self.pool, "service_class": self.class, "domain": self.domain,
            "rate_micro_cny_per_card_hour": self.rate.0 })
    }
}

fn no_amount() -> Both {
    both("金额不是以元为单位的数", "the amount is not one in yuan")
}

fn not_known() -> Both {
    both("没有这样的等级或领域", "the class or domain is not known")
}

/// Reads `POOL:CLASS:DOMAIN=YUAN`: one price for each class and domain that a `*` stands for.
fn parse(given: &str) -> Result<Vec<Price>, Failure> {
    let bad = |why: Both| {
        let hint = both(
            "请写作 POOL:CLASS:DOMAIN=YUAN，例如 ascend:normal:research=5.5 或 ascend:*:*=6",
            "write it as POOL:CLASS:DOMAIN=YUAN, such as ascend:normal:research=5.5 or ascend:*:*=6",
        );
        let message =
            both(format!("`{given}` 不是价格：{}", why.zh), format!("`{given}` is not a price: {}", why.en));
        Failure::usage("bad_price", message, hint)
    };
    let (place, yuan) = given.rsplit_once('=').ok_or_else(|| bad(both("没有 `=`", "it has no `=`")))?;
    let parts: Vec<&str> = place.split(':').collect();
    let [pool, class, domain] = parts[..] else {
        return Err(bad(both("没有写明资源池、等级和领域", "it does not name a pool, a class and a domain")));
    };
    let rate: MicroCny = yuan.parse().map_err(|_| bad(no_amount()))?;
    each(pool, class, domain, rate).ok_or_else(|| bad(not_known()))
}

/// A price for each class and domain named; `None` where one is not known.
fn each(pool: &str, class: &str, domain: &str, rate: MicroCny) -> Option<Vec<Price>> {
    let classes = match class {
        "*" => ServiceClass::ALL.to_vec(),
        named => vec![ServiceClass::from_code(named)?],
    };
    let domains = match domain {
        "*" => TenantDomain::ALL.to_vec(),
        named => vec![TenantDomain::from_code(named)?],
    };
    let price = |class: ServiceClass, domain: TenantDomain| Price {
        pool: pool.to_owned(),
        class: class.code().to_owned(),
        domain: domain.code().to_owned(),
        rate,
    };
    Some(classes.iter().flat_map(|class| domains.iter().map(|domain| price(*class, *domain))).collect())
}

const COLUMNS: [&str; 4] = ["pool", "service_class", "domain", "yuan"];

fn from_csv(path: &Path) -> Result<Vec<Price>, Failure> {
    let source = std::fs::read_to_string(path).map_err(|error| {
        let (path, said) = (path.display(), said(&error));
        let message =
            both(format!("无法读取 {path}：{}", said.zh), format!("failed to read {path}: {}", said.en));
        Failure::usage("no_file", message, both("请指明 CSV 文件", "name a CSV file"))
    })?;
    read_csv(&source).map_err(|(line, why)| {
        let (columns, path) = (COLUMNS.join(","), path.display());
        let hint = both(
            format!("请给出 {columns} 各列，第一行写列名"),
            format!("give the columns {columns}, with their names in the first line"),
        );
        let message =
            both(format!("{path} 第 {line} 行：{}", why.zh), format!("{path}, line {line}: {}", why.en));
        Failure::usage("bad_prices", message, hint)
    })
}

/// The prices of a table; or the line that is wrong, from 1, and why.
fn read_csv(source: &str) -> Result<Vec<Price>, (u64, Both)> {
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source.as_bytes());
    let unreadable = |error: csv::Error| {
        let why = both("无法识别为 CSV", error.to_string());
        (error.position().map_or(1, csv::Position::line), why)
    };
    if *table.headers().map_err(unreadable)? != COLUMNS[..] {
        return Err((1, both("列名不对", "these are not the columns")));
    }
    let mut prices = Vec::new();
    for row in table.records() {
        let row = row.map_err(unreadable)?;
        let bad = |why: Both| (row.position().map_or(1, csv::Position::line), why);
        let rate = row[3].parse().map_err(|_| bad(no_amount()))?;
        let some = each(&row[0], &row[1], &row[2], rate);
        prices.extend(some.ok_or_else(|| bad(not_known()))?);
    }
    Ok(prices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_each_class_and_domain() {
        let prices = parse("ascend:*:research=5.5").unwrap();
        assert_eq!(prices.len(), ServiceClass::ALL.len());
        assert!(prices.iter().all(|price| price.domain == "research" && price.rate == MicroCny(5_500_000)));
        assert_eq!(parse("ascend:*:*=6").unwrap().len(), ServiceClass::ALL.len() * TenantDomain::ALL.len());
    }

    #[test]
    fn what_is_not_a_price_is_refused_with_its_text() {
        for bad in
            ["ascend", "ascend:normal=5", "a:gold:research=5", "a:normal:city=5", "a:normal:research=much"]
        {
            let failure = parse(bad).unwrap_err();
            assert!(failure.message.en.contains(bad), "{bad}: {}", failure.message);
        }
    }

    #[test]
    fn tables_are_read_as_spreadsheets_write_them() {
        let table = "\u{feff}pool,service_class,domain,yuan\r\n\r\n\"h, 200\",normal,*,\"1,234.5\"\r\n";
        let prices = read_csv(table).unwrap();
        assert_eq!(prices.len(), TenantDomain::ALL.len());
        assert!(prices.iter().all(|price| price.pool == "h, 200" && price.rate == MicroCny(1_234_500_000)));
    }

    #[test]
    fn a_wrong_table_is_refused_with_its_line() {
        let after_titles =
            |rows: &str| read_csv(&format!("pool,service_class,domain,yuan\n{rows}")).unwrap_err();
        assert_eq!(read_csv("pool,class\n").unwrap_err().0, 1);
        assert_eq!(after_titles("a,normal,research,5\na,normal,research\n").0, 3);
        assert_eq!(after_titles("a,normal,research,much").0, 2);
        assert_eq!(after_titles("a,normal,research,5\na,gold,research,5").0, 3);
    }
}
