//! The page of use: a month by all that it is asked by, each tenant's its own, and as files.

mod budgets;

use testkit::{grant, job};

use crate::scene::Scene;

#[test]
fn a_month_of_use_is_told_by_all_that_it_is_asked_by() {
    let scene = Scene::new();
    scene.site.tenant("beta", "research", &grant(), 8);
    let used = scene.site.submit(&scene.alpha, &job("uses-cards", "sleep 0.3"));
    scene.site.wait_for_end(&scene.alpha.developer, &used);
    let month = domain::Zone::default().month(testkit::now()).to_string();
    let (admin, operator) = (scene.browser("alpha-admin"), scene.browser("operator"));
    let page = admin.get("/usage").body;
    assert_eq!(admin.get(&format!("/usage?month={month}")).status, 200);
    for want in [
        format!("Use in {month}"),
        "By project".into(),
        format!("href=\"/usage?month={month}&#38;by=project\" aria-current=\"true\""),
        "href=\"/usage\" aria-current=\"page\"".into(),
    ] {
        assert!(page.contains(&want), "no {want}: {page}");
    }
    assert!(!page.contains("by=tenant") && !page.contains("Nothing was used"), "{page}");
    // Chosen by what, with the part of each row as a bar and a file of the same.
    for (by, title, row) in [
        ("member", "By member", "alpha-developer"),
        ("class", "By service class", "Normal"),
        ("job", "By job", "uses-cards</a>"),
        ("pool", "By pool", "npu"),
    ] {
        let chosen = admin.get(&format!("/usage?month={month}&by={by}")).body;
        for want in [title, row, &format!("group_by={by}&amp;format=csv"), ": 100.0 %\"><rect class=\"b-left"]
        {
            assert!(chosen.contains(want), "no {want} by {by}: {chosen}");
        }
    }
    assert_eq!(admin.get("/usage?by=nonsense").status, 422);
    let of_all = operator.get("/usage?by=tenant").body;
    assert!(of_all.contains("By tenant") && of_all.contains("by=domain"), "{of_all}");
    let empty = scene.browser("beta-admin").get("/usage").body;
    assert!(empty.contains("Nothing was used in this month."), "{empty}");
    assert!(!empty.contains("alpha-developer"), "{empty}");

    let file = admin.get(&format!("/usage?month={month}&group_by=class&format=csv"));
    assert_eq!(
        file.header("content-disposition"),
        format!("attachment; filename=\"usage-{month}-by-class.csv\"")
    );
    let rows: Vec<&str> = file.body.lines().skip(1).collect();
    let path = format!("/api/v1/usage?month={month}&group_by=class");
    let told = scene.site.get(&path, &scene.alpha.admin);
    let row = &told["rows"][0];
    assert_eq!((row["name"].as_str(), row["ended_runs"].as_u64()), (Some("normal"), Some(1)), "{told}");
    assert_eq!(row["used_card_ms"], told["total"]["used_card_ms"]);
    let end = format!(",alpha,class,normal,,1,{},0", row["used_card_ms"]);
    assert!(rows.len() == 1 && rows[0].ends_with(&end), "{rows:?} {end}");
    assert_eq!(admin.get(&format!("/usage?month={month}&group_by=nonsense")).status, 422);
    assert_eq!(admin.get("/usage?month=2999-01").status, 422, "a month to come");
    let json = admin.get(&format!("/usage?month={month}&group_by=member&format=json")).body;
    assert!(json.contains("\"name\":\"alpha-developer\""), "{json}");
}
