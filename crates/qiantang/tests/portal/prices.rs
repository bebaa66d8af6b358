//! Prices and alliances by their forms.

use crate::scene::Scene;

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
    let right = [("name", "2026-H2"), (field.as_str(), "5.5")];
    let published = operator.send_form("/prices/new", &right);
    assert_eq!(published.status, 303, "{}", published.body);
    let book = operator.get(published.header("location"));
    assert!(book.body.contains("2026-H2") && book.body.contains("5.50"), "{}", book.body);
    assert!(operator.get("/prices").body.contains("2026-H2"));
    let next = operator.get("/prices/new");
    assert!(next.body.contains("5.50"), "the next book begins with the prices in force: {}", next.body);
    let by_name = scene.site.get("/api/v1/price-books/2026-H2", &scene.alpha.developer);
    assert_eq!(by_name["prices"][0]["rate_micro_cny_per_card_hour"], 5_500_000, "{by_name}");
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
