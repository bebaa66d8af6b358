//! Invoices in the portal: from a closed month's statement to the number of the tax system, over HTTP and in Chromium.

use domain::{Millis, Zone};
use serde_json::json;
use testkit::{Browser, Chromium, PASSWORD, Site};

use crate::QIANTANG;

const NUMBER: &str = "25332000000012345678";

/// A center with a closed month, in which a tenant owes the fee of a package.
fn closed() -> (Site, String) {
    let mut site = Site::new(QIANTANG, 1, "");
    let package = json!({ "kind": "prepaid", "package": 360_000_000, "fee": 12_345_678 });
    site.tenant("univ", "research", &package, 8);
    let cashier = json!({ "login": "cashier", "name": "C", "role": "center_finance", "password": PASSWORD });
    site.post("/api/v1/members", &site.operator, &cashier);
    site.stop();
    let zone = Zone::default();
    let month = zone.month(testkit::now());
    site.clock_ahead = Millis(zone.bounds(month).1.since(testkit::now()).0 + 3_600_000);
    site.start();
    site.post(&format!("/api/v1/periods/{month}/close"), &site.operator, &json!({}));
    (site, format!("{month}-0001"))
}

#[test]
fn an_invoice_is_asked_for_with_its_amount_before_and_issued_on_its_page() {
    let (site, statement) = closed();
    let finance = Browser::signed_in(&site, "univ-finance");
    let page = finance.get("/invoices/new").body;
    assert!(page.contains(&statement) && page.contains("12.35"), "{page}");
    let picked =
        [("statement", statement.as_str()), ("kind", "ordinary"), ("rate_bp", "600"), ("title", "某大学")];
    let with = |act: &'static str| [picked.as_slice(), &[("act", act)]].concat();
    // The amount is shown before, and nothing is kept.
    let counted = finance.send_form("/invoices/new", &with("amount"));
    assert_eq!(counted.status, 200, "{}", counted.body);
    assert!(counted.body.contains("0.004322") && counted.body.contains("某大学"), "{}", counted.body);
    assert!(counted.body.contains(&format!("value=\"{statement}\" checked")), "{}", counted.body);
    assert!(finance.get("/invoices").body.contains("No invoices"));
    let nothing =
        finance.send_form("/invoices/new", &[("kind", "ordinary"), ("title", "某大学"), ("act", "request")]);
    assert!(nothing.status == 422 && nothing.body.contains("Name at least one"), "{}", nothing.body);

    let requested = finance.send_form("/invoices/new", &with("request"));
    assert_eq!(requested.header("location"), "/invoices/FP-000001", "{}", requested.body);
    let own = finance.get("/invoices/FP-000001").body;
    assert!(own.contains("12.345678") && own.contains("/withdraw") && !own.contains("/issue"), "{own}");
    let again = finance.send_form("/invoices/new", &with("request"));
    assert!(again.status == 409 && again.body.contains("FP-000001"), "{}", again.body);
    // Its statement leads to it.
    let contract = site.get("/api/v1/contracts", &site.operator)[0]["id"].as_str().expect("an id").to_owned();
    let month = &statement[..7];
    let shown = finance.get(&format!("/contracts/{contract}/statement?month={month}")).body;
    assert!(shown.contains("href=\"/invoices/FP-000001\""), "{shown}");

    let cashier = Browser::signed_in(&site, "cashier");
    let listed = cashier.get("/invoices?state=requested").body;
    assert!(listed.contains("FP-000001") && listed.contains("1 of 1"), "{listed}");
    let table = cashier.get("/invoices/export");
    assert!(table.header("content-disposition").contains("invoices.csv"), "{table:?}");
    assert!(table.body.contains("FP-000001,") && table.body.contains(",12.35,"), "{}", table.body);
    let wrong = cashier
        .send_form("/invoices/FP-000001/issue", &[("invoice_number", "12"), ("issued_on", "2026-01-01")]);
    assert!(wrong.status == 422 && wrong.body.contains("20 digits"), "{}", wrong.body);
    let wrong = cashier.send_form("/invoices/import", &[("table", "nonsense")]);
    assert!(wrong.status == 422 && wrong.body.contains("nonsense"), "{}", wrong.body);
    let table = format!("request,number,issued_on,amount\nFP-000001,{NUMBER},2026-01-02,12.35\n");
    let taken = cashier.send_form("/invoices/import", &[("table", &table)]);
    assert_eq!(taken.header("location"), "/invoices?state=issued", "{}", taken.body);
    let issued = finance.get("/invoices/FP-000001").body;
    assert!(
        issued.contains(NUMBER) && issued.contains("2026-01-02") && !issued.contains("/withdraw"),
        "{issued}"
    );

    // What happened is told with a link to it.
    let events = finance.get("/events").body;
    assert!(events.contains("href=\"/invoices/FP-000001\"") && events.contains("invoice issued"), "{events}");

    let Some(chromium) = Chromium::start() else { return };
    chromium.sign_in(&site, "cashier");
    for width in [390, 1280] {
        chromium.set_width(width);
        for page in ["/invoices", "/invoices/FP-000001"] {
            chromium.open(&format!("{}{page}", site.url));
            let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(chromium.script(wide), 0, "{page} at {width} scrolls sideways");
        }
    }
    // The red-letter invoice is entered where the invoice is shown.
    chromium.script(
        "const set = (name, value) => { document.querySelector(`form[action$=reverse] [name=${name}]`).value = value; };
         set('red_number', '25332000000012345699'); set('confirmation', '3301-7'); set('reversed_on', '2026-01-03');
         set('reason', 'another title'); document.querySelector('form[action$=reverse] button').click();",
    );
    site.wait_for("the reversal", || {
        let text = chromium.script("return document.body.textContent");
        text.as_str().is_some_and(|text| text.contains("25332000000012345699")).then_some(())
    });
    assert_eq!(chromium.errors(), Vec::<String>::new());
}
