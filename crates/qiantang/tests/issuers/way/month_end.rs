//! The month ends, which the test passes over by the center's clock: it is closed, the tenant asks for an invoice, the center issues
//! it, and the charges in the columns of FOCUS are what statement and invoice say, to the last part of a yuan.

use std::collections::BTreeMap;

use domain::{MicroCny, Millis, Month, Zone};
use testkit::Person;

use super::{center::Center, joining::People, opening::Staff, signing::Contract};

const INVOICE: &str = "25332000000012345678";

/// What came about in the month.
pub struct Known {
    pub contract: Contract,
    pub voucher: String,
    pub jobs: [String; 2],
}

type Rows = Vec<BTreeMap<String, String>>;

pub fn play(center: &mut Center, staff: &Staff, people: &People, known: &Known) {
    let (month, today) = pass_over_the_month(center);
    let (cashier, mei) = (&staff.cashier.person, &people.mei);
    cashier.open("/periods");
    cashier.follow(&format!("/periods/{month}"));
    cashier.send("/close", "", &[]);
    cashier.reads(&["Closed", &known.contract.number]);

    let charges = of_the_statement(mei, known, month);
    let billed = charges.used - charges.deducted;
    mei.open(&charges.page);
    mei.follow("/invoices/new");
    mei.reads(&[&charges.statement, &known.contract.number]);
    mei.send("/invoices/new", "request", &[("statement", &charges.statement), ("kind", "ordinary")]);
    let path = mei.path();
    cashier.open("/invoices");
    cashier.follow(&path);
    cashier.send("/issue", "", &[("invoice_number", INVOICE), ("issued_on", &today)]);
    mei.open(&path);
    // What is billed is told whole; the invoice is over fen, half of one up.
    let amount = (billed + 5_000) / 10_000 * 10_000;
    let told = [MicroCny(billed).exact(), MicroCny(amount).to_string(), MicroCny(amount - billed).exact()];
    mei.reads(&[INVOICE, &told[0], &told[1], &told[2]]);
    the_export_equals_it(mei, known, month, &charges, amount);
}

/// What a statement says, in millionths of a yuan and in card-milliseconds.
struct Charges {
    /// Its page, and its number.
    page: String,
    statement: String,
    used: i64,
    deducted: i64,
    /// Below zero, as it is taken.
    card_ms: f64,
}

/// The statement of the month, by the table behind its page: the use of both jobs, and the voucher's share of the second one.
fn of_the_statement(mei: &Person, known: &Known, month: Month) -> Charges {
    let page = format!("/contracts/{}/statement?month={month}", known.contract.id);
    mei.open(&page);
    mei.reads(&["算力券抵扣", "speech"]);
    let table = rows(&mei.download("format=csv"));
    let lines: Rows = table.iter().filter(|row| row["row"] == "line").cloned().collect();
    let sum = |column: &str, cause: &str| -> i64 {
        let of = lines.iter().filter(|line| line["cause"] == cause);
        of.map(|line| line[column].parse::<i64>().expect("a number")).sum()
    };
    let charges = Charges {
        page,
        statement: lines[0]["statement"].clone(),
        used: -sum("micro_cny", "use"),
        deducted: sum("micro_cny", "redemption"),
        card_ms: lines.iter().filter_map(|line| line["card_ms"].parse::<f64>().ok()).sum(),
    };
    assert_eq!(lines.len(), 2, "use and redemption alone: {table:?}");
    assert!(charges.used > 0 && charges.deducted > 0, "{table:?}");
    mei.open(&format!("/vouchers/{}", known.voucher));
    mei.reads(&[&MicroCny(charges.deducted).to_string()]);
    charges
}

/// The charges in the columns of FOCUS, which the page of the month's use has, sum up to the statement and to the invoice.
fn the_export_equals_it(mei: &Person, known: &Known, month: Month, charges: &Charges, amount: i64) {
    mei.open(&format!("/usage?month={month}"));
    let all = rows(&mei.download("/focus/cost-and-usage"));
    let sum = |of: &[(&str, &str)]| -> i64 {
        let is_of = |row: &&BTreeMap<String, String>| of.iter().all(|(name, value)| row[*name] == *value);
        all.iter().filter(is_of).map(|row| row["BilledCost"].parse::<MicroCny>().expect("an amount").0).sum()
    };
    let billed = charges.used - charges.deducted;
    assert_eq!(sum(&[("x_StatementId", &charges.statement)]), billed, "the statement: {all:#?}");
    assert_eq!(sum(&[("ChargeCategory", "Usage")]), charges.used, "its use");
    assert_eq!(sum(&[("ChargeCategory", "Credit")]), -charges.deducted, "its voucher");
    assert_eq!(sum(&[("ChargeCategory", "Adjustment")]), amount - billed, "the rounding of the invoice");
    assert_eq!(sum(&[("InvoiceId", INVOICE)]), amount, "the invoice");
    assert_eq!(sum(&[]), amount, "and nothing besides");
    // Job by job: of the one after the voucher was issued it paid three tenths, of the one before nothing.
    let [first, second] = known.jobs.each_ref().map(|job| sum(&[("ResourceId", job)]));
    assert_eq!((first + second, second * 3 / 10), (charges.used, charges.deducted));
    let hours: f64 = all.iter().filter_map(|row| row["ConsumedQuantity"].parse::<f64>().ok()).sum();
    assert!(
        (hours * 3_600_000.0 + charges.card_ms).abs() < 1e-3,
        "the card time: {hours} {}",
        charges.card_ms
    );
}

/// Moves the center's clock to an hour after the month's end. Gives the month, and the day on which it is then.
fn pass_over_the_month(center: &mut Center) -> (Month, String) {
    let (zone, now) = (Zone::default(), testkit::now());
    let month = zone.month(now);
    center.site.stop();
    center.site.clock_ahead = Millis(zone.bounds(month).1.since(now).0 + 3_600_000);
    center.site.start();
    (month, zone.date(testkit::now().plus(center.site.clock_ahead)))
}

/// The rows of a table by its titles.
fn rows(table: &str) -> Rows {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let row = |row: csv::StringRecord| {
        titles.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}
