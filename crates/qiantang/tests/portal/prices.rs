//! Prices, alliances and programmes of vouchers by their forms.

use crate::scene::Scene;

/// A programme that lacks nothing.
const PROGRAMME: [(&str, &str); 14] = [
    ("slug", "hz-2026"),
    ("authority", "City"),
    ("name_zh", "算力券"),
    ("name_en", "Vouchers"),
    ("level", "city"),
    ("mode", "reimburse"),
    ("year", "2026"),
    ("starts", "2026-01-01"),
    ("ends", "2099-01-01"),
    ("pot", "1,000"),
    ("domains", "research"),
    ("facility-1", "domestic"),
    ("rate-1", "12.5"),
    ("total-1", "500,000"),
];

#[test]
fn prices_are_published_by_a_form_and_what_is_no_amount_stays_typed() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let pool =
        scene.site.get("/api/v1/pools", &scene.site.operator)[0]["name"].as_str().expect("a pool").to_owned();
    let field = format!("rate/{pool}/normal/research");
    let wrong = [("name", "2026-H2"), (field.as_str(), "5,5 yuan")];
    let refused = operator.send_form("/prices/new", &wrong);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("5,5 yuan") && refused.body.contains("2026-H2"), "{}", refused.body);
    let right = [("name", "2026-H2"), (field.as_str(), "5.512345")];
    let published = operator.send_form("/prices/new", &right);
    assert_eq!(published.status, 303, "{}", published.body);
    let book = operator.get(published.header("location"));
    assert!(book.body.contains("2026-H2") && book.body.contains("5.512345"), "{}", book.body);
    assert!(operator.get("/prices").body.contains("2026-H2"));
    let next = operator.get("/prices/new");
    assert!(
        next.body.contains("value=\"5.512345\""),
        "the next book begins with the prices in force: {}",
        next.body
    );
    let by_name = scene.site.get("/api/v1/price-books/2026-H2", &scene.alpha.developer);
    assert_eq!(by_name["prices"][0]["rate_micro_cny_per_card_hour"], 5_512_345, "{by_name}");
    assert!(
        scene.browser("alpha-developer").get("/welcome").body.contains("5.512345"),
        "strangers see it whole"
    );
}

#[test]
fn an_alliance_is_founded_by_a_form_and_lends_what_it_is_told() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    let nameless = [("slug", "vision"), ("name_zh", "视觉"), ("name_en", ""), ("lends", "")];
    let refused = operator.send_form("/alliances", &nameless);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("视觉"), "what was typed stays: {}", refused.body);
    let named = [("slug", "vision"), ("name_zh", "视觉"), ("name_en", "Vision"), ("lends", "4")];
    let founded = operator.send_form("/alliances", &named);
    assert_eq!(founded.header("location"), "/alliances/vision", "{}", founded.body);
    let limit =
        || scene.site.get("/api/v1/alliances/vision", &scene.alpha.developer)["lending_limit"].clone();
    assert_eq!(limit(), 4);
    let many = operator.send_form("/alliances/vision/lending", &[("lends", "many")]);
    assert_eq!(many.status, 422);
    assert!(many.body.contains("many"), "{}", many.body);
    operator.send_form("/alliances/vision/lending", &[("lends", "")]);
    assert!(limit().is_null(), "an empty field is all cards");
    let developer = scene.browser("alpha-developer");
    let seen = developer.get("/alliances/vision").body;
    assert!(seen.contains("Vision") && !seen.contains("name=\"lends\""), "{seen}");
}

#[test]
fn a_programme_is_founded_by_a_form_and_what_is_wrong_is_said_at_its_field() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    assert!(operator.get("/vouchers").body.contains("href=\"/vouchers/found\""));
    for (name, value) in [
        ("slug", "Not one"),
        ("authority", ""),
        ("level", ""),
        ("mode", "later"),
        ("year", "26"),
        ("ends", "2025-01-01"),
        ("pot", "much"),
        ("domains", "art"),
        ("rate-1", "101"),
        ("facility-1", "foreign"),
    ] {
        let fields = PROGRAMME.map(|(known, given)| (known, if known == name { value } else { given }));
        let refused = operator.send_form("/vouchers/found", &fields);
        let said = format!("id=\"{name}-error\"");
        assert!(refused.status == 422 && refused.body.contains(&said), "{name}: {}", refused.body);
        assert!(refused.body.contains("value=\"Vouchers\""), "what was typed stays: {name}");
    }
    // Terms that make no sense are refused as the center refuses them.
    let none = PROGRAMME.map(|(name, given)| (name, if name.ends_with("-1") { "" } else { given }));
    let refused = operator.send_form("/vouchers/found", &none);
    assert!(refused.status == 409 && refused.body.contains("value=\"Vouchers\""), "{}", refused.body);

    let founded = operator.send_form("/vouchers/found", &PROGRAMME);
    assert_eq!(founded.header("location"), "/vouchers/programmes/hz-2026", "{}", founded.body);
    let shown = scene.site.get("/api/v1/vouchers/programmes/hz-2026", &scene.site.operator);
    let rules = serde_json::json!([{ "when": { "facility_kind": "domestic", "year_total_le_micro_cny": 500_000_000_000_i64 },
        "rate_bp": 1250 }]);
    assert_eq!(shown["terms"]["rules"], rules, "{shown}");
    assert_eq!((&shown["pot_micro_cny"], &shown["mode"]), (&1_000_000_000_i64.into(), &"reimburse".into()));
    assert_eq!(shown["terms"]["domains"], serde_json::json!(["research"]));
    let finance = scene.browser("alpha-finance");
    assert_eq!(finance.get("/vouchers/found").status, 403);
    assert_eq!(finance.send_form("/vouchers/found", &PROGRAMME).status, 403);
}
