//! The charges of a closed month in the columns of FOCUS: their sums are those of its statements and invoices, to the last part.

use std::collections::BTreeMap;

use domain::MicroCny;
use serde_json::json;
use testkit::Terminal;

use super::invoices::{Closed, NUMBER, id_of};

/// The rows of a table by its titles.
fn rows(table: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let row = |row: csv::StringRecord| {
        titles.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// The sum of a column, over the rows that have that in another.
fn sum(rows: &[BTreeMap<String, String>], column: &str, of: &[(&str, &str)]) -> i64 {
    let is_of = |row: &&BTreeMap<String, String>| of.iter().all(|(name, value)| row[*name] == *value);
    let amount = |row: &BTreeMap<String, String>| row[column].parse::<MicroCny>().expect("an amount").0;
    rows.iter().filter(is_of).map(amount).sum()
}

#[test]
fn the_charges_of_a_closed_month_are_what_statements_and_invoices_say() {
    let closed = Closed::new();
    let Closed { site, finance, cashier, month, .. } = &closed;
    let requested = closed.request(&["univ-1", "univ-package"]);
    let (status, issued) = closed.issue(&requested, NUMBER);
    assert_eq!(status, 200, "{issued}");
    // A request that was not issued has no number yet.
    closed.request(&["univ-reserved"]);

    let path = format!("/api/v1/focus/cost-and-usage?month={month}");
    let (status, table) = site.get_text(&path, finance);
    assert_eq!(status, 200, "{table}");
    let all = rows(&table);
    for contract in ["univ-1", "univ-package", "univ-grant", "univ-reserved"] {
        let statement = closed.number(contract);
        let open = site.get("/api/v1/invoices/statements?tenant=univ", cashier);
        let of_this = [("x_StatementId", statement.as_str())];
        assert!(all.iter().any(|row| row["x_StatementId"] == statement), "{contract}");
        // What is in no invoice is told by the list of open statements.
        if let Some(one) =
            open.as_array().expect("statements").iter().find(|one| one["statement"] == json!(statement))
        {
            assert_eq!(Some(sum(&all, "BilledCost", &of_this)), one["billed_micro_cny"].as_i64(), "{table}");
        }
    }
    let charge = closed.statement("univ-1")["charge_micro_cny"].as_i64().expect("a charge");
    let of = |contract: &str| closed.number(contract);
    assert_eq!(sum(&all, "BilledCost", &[("x_StatementId", &of("univ-1"))]), charge);
    assert_eq!(sum(&all, "BilledCost", &[("x_StatementId", &of("univ-package"))]), 12_345_678);
    assert_eq!(sum(&all, "BilledCost", &[("x_StatementId", &of("univ-reserved"))]), 100_000_001);
    assert_eq!(sum(&all, "BilledCost", &[("x_StatementId", &of("univ-grant"))]), 0);
    // The rows of an invoice are its amount, with the row of its rounding.
    let amount = issued["amount_micro_cny"].as_i64().expect("an amount");
    assert_eq!(sum(&all, "BilledCost", &[("InvoiceId", NUMBER)]), amount);
    let rounding: Vec<_> = all.iter().filter(|row| row["x_StatementId"].is_empty()).collect();
    assert_eq!(rounding.len(), 1, "{table}");
    assert_eq!((&*rounding[0]["ChargeCategory"], &*rounding[0]["InvoiceId"]), ("Adjustment", NUMBER));
    assert!(
        all.iter()
            .filter(|row| row["x_ContractNumber"] == "univ-reserved")
            .all(|row| row["InvoiceId"].is_empty())
    );

    // What use drew: of the package its part of the fee; of the reservation all that the month earned, and the rest unused.
    let in_month = |contract: &str, cause: &str| -> i64 {
        let statement = closed.statement(contract);
        let lines = statement["lines"].as_array().expect("lines").iter();
        lines
            .filter(|line| line["cause"] == cause)
            .map(|line| -line["micro_cny"].as_i64().expect("an amount"))
            .sum()
    };
    let effective = |contract: &str| {
        sum(&all, "EffectiveCost", &[("x_StatementId", &of(contract)), ("ChargeCategory", "Usage")])
    };
    assert_eq!(effective("univ-package"), in_month("univ-package", "use"));
    let term = in_month("univ-reserved", "term");
    assert!(term > 0 && effective("univ-reserved") == term, "{term}: {table}");
    let unused = [("x_StatementId", &*of("univ-reserved")), ("CommitmentDiscountStatus", "Unused")];
    assert!(sum(&all, "EffectiveCost", &unused) > 0);
    assert_eq!(effective("univ-grant"), 0);
    assert!(sum(&all, "ListCost", &[("x_StatementId", &of("univ-grant"))]) > 0, "what the grant was worth");
    // Card time is that of the statements.
    let used: f64 = all.iter().filter_map(|row| row["ConsumedQuantity"].parse::<f64>().ok()).sum();
    let contracts = ["univ-1", "univ-package", "univ-grant", "univ-reserved"];
    let told = contracts.map(|contract| closed.statement(contract)["used_card_ms"].as_f64().expect("use"));
    assert!((used * 3_600_000.0 - told.iter().sum::<f64>()).abs() < 1e-3, "{used} {told:?}");
    // The billing period is the month by the center's calendar.
    let (from, until) = domain::Zone::default().bounds(*month);
    let whole = |at: domain::Timestamp| at.to_string().replace(".000Z", "Z");
    assert!(
        all.iter()
            .all(|row| row["BillingPeriodStart"] == whole(from) && row["BillingPeriodEnd"] == whole(until))
    );

    // Commitments are the contracts with a fee.
    let path = format!("/api/v1/focus/contract-commitments?month={month}");
    let commitments = rows(&site.get_text(&path, finance).1);
    let told: Vec<(&str, &str, &str)> = commitments
        .iter()
        .map(|row| {
            (&*row["x_ContractNumber"], &*row["ContractCommitmentCost"], &*row["ContractCommitmentType"])
        })
        .collect();
    assert_eq!(told, [("univ-package", "12.345678", "prepaid"), ("univ-reserved", "100.000001", "reserved")]);
    assert_eq!(commitments[0]["ContractId"], id_of(site, "univ-package"));
    assert_eq!(
        (&*commitments[0]["ContractCommitmentQuantity"], &*commitments[0]["ContractCommitmentUnit"]),
        ("100", "Card-Hours")
    );

    // A tenant gets its own, those who may not see money get none, and the command writes the same bytes.
    assert_eq!(site.ask("GET", &path, &closed.univ.developer, None).0, 403);
    assert_eq!(site.ask("GET", &format!("{path}&tenant=firm"), finance, None).0, 404);
    for month in ["soon", "2099-01"] {
        let path = format!("/api/v1/focus/cost-and-usage?month={month}");
        assert_eq!(site.ask("GET", &path, finance, None).0, 422, "{month}");
    }
    let terminal = Terminal::signed_in(site, "cashier");
    let file = terminal.home.path().join("charges.csv");
    let (month, name) = (month.to_string(), file.to_str().expect("a path"));
    let asked = ["focus", "cost-and-usage", "--month", &month, "--tenant", "univ", "--out", name];
    assert!(terminal.ok(&asked).contains(name));
    assert_eq!(std::fs::read_to_string(&file).expect("the table"), table);
}
