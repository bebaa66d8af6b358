//! What is done with many jobs at once, without scripts: filtered, sorted, cancelled after a question, kept as a table.

use testkit::job;

use crate::scene::Scene;

/// Jobs that wait for one that goes on.
fn scene() -> (Scene, Vec<String>) {
    let scene = Scene::new();
    let mut ids = vec![scene.site.submit(&scene.alpha, &{
        let mut spec = job("first", "sleep 600");
        spec["cards_per_node"] = 8.into();
        spec
    })];
    scene.site.wait_for_state(&scene.alpha.developer, &ids[0], "running");
    for (name, cards) in [("sweep-a", 2), ("sweep-b", 4), ("other", 1)] {
        let mut spec = job(name, "true");
        spec["cards_per_node"] = cards.into();
        ids.push(scene.site.submit(&scene.alpha, &spec));
    }
    (scene, ids)
}

/// The names in the list, in their order.
fn names(page: &str) -> Vec<&str> {
    let links = page.split("<a href=\"/jobs/job_").skip(1);
    links.filter_map(|rest| rest.split_once('>')?.1.split('<').next()).collect()
}

#[test]
fn a_list_is_sorted_by_its_columns_and_filtered_by_its_address() {
    let (scene, _) = scene();
    let developer = scene.browser("alpha-developer");
    let listed = |query: &str| {
        let page = developer.get(&format!("/jobs{query}"));
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        names(&page.body).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed("?sort=name"), ["first", "other", "sweep-a", "sweep-b"]);
    assert_eq!(listed("?sort=-cards"), ["first", "sweep-b", "sweep-a", "other"]);
    assert_eq!(listed("?name=SWEEP&sort=-name"), ["sweep-b", "sweep-a"]);
    assert_eq!(listed("?state=running&member=alpha-developer&pool=ascend-910&class=normal"), ["first"]);
    assert_eq!(listed("?from=2001-01-01&to=2001-01-02"), Vec::<String>::new());
    assert!(developer.get("/jobs?sort=name").body.contains("aria-sort=\"ascending\""));
    // A page of a sorted list goes on where the one before it ended.
    let page = scene.site.get("/api/v1/jobs?sort=cards&limit=3", &scene.alpha.developer);
    let cursor = page["next_cursor"].as_str().expect("more");
    let rest =
        scene.site.get(&format!("/api/v1/jobs?sort=cards&limit=3&cursor={cursor}"), &scene.alpha.developer);
    assert_eq!(
        (&rest["items"][0]["name"], rest["items"].as_array().map(Vec::len)),
        (&"first".into(), Some(1))
    );
    // What is wrong with a filter is said beside what was typed.
    for (query, said) in [("from=soon", "soon"), ("sort=price", "price"), ("member=nobody", "nobody")] {
        let refused = developer.get(&format!("/jobs?{query}"));
        assert_eq!(refused.status, 422, "{query}");
        assert!(
            refused.body.contains("role=\"alert\"") && refused.body.contains(said),
            "{query}: {}",
            refused.body
        );
    }
}

#[test]
fn picked_jobs_and_all_that_match_are_cancelled_after_a_question() {
    let (scene, ids) = scene();
    let developer = scene.browser("alpha-developer");
    let state = |id: &str| {
        let job = scene.site.get(&format!("/api/v1/jobs/{id}"), &scene.alpha.developer);
        job["state"].as_str().expect("a state").to_owned()
    };
    // Nothing is cancelled before the answer.
    let picked = [("which", "picked"), ("job", ids[3].as_str())];
    let asked = developer.send_form("/jobs/cancel", &picked);
    assert_eq!((asked.status, state(&ids[3]).as_str()), (200, "queued"));
    assert!(asked.body.contains("Cancel 1 jobs") && asked.body.contains(&ids[3]), "{}", asked.body);
    let done = developer.send_form("/jobs/cancel", &[&picked[..], &[("sure", "yes")]].concat());
    assert_eq!((done.status, done.header("location")), (303, "/jobs?cancelled=1"));
    assert_eq!(state(&ids[3]), "cancelled");
    assert!(developer.get("/jobs?cancelled=1").body.contains("1 jobs were cancelled"));
    // All that match the filter of the list, and no others.
    let all = [("which", "all"), ("name", "sweep")];
    let asked = developer.send_form("/jobs/cancel", &all);
    assert!(asked.body.contains("Cancel 2 jobs"), "{}", asked.body);
    let done = developer.send_form("/jobs/cancel", &[&all[..], &[("sure", "yes")]].concat());
    assert_eq!(done.header("location"), "/jobs?name=sweep&cancelled=2");
    let states: Vec<String> = ids.iter().map(|id| state(id)).collect();
    assert_eq!(states, ["running", "cancelled", "cancelled", "cancelled"]);
    // None was picked.
    assert_eq!(developer.send_form("/jobs/cancel", &[("which", "picked")]).status, 422);
    // Whoever may not cancel is shown no way to, and refused.
    let finance = scene.browser("alpha-finance");
    assert!(!finance.get("/jobs").body.contains("id=\"bulk\""));
    let refused = finance.send_form("/jobs/cancel", &[("which", "all"), ("sure", "yes")]);
    assert_eq!((refused.status, state(&ids[0]).as_str()), (403, "running"));
}

#[test]
fn the_jobs_of_a_list_are_kept_as_a_table() {
    let (scene, ids) = scene();
    let developer = scene.browser("alpha-developer");
    let table = developer.get("/jobs/export?name=sweep");
    assert!(table.header("content-type").starts_with("text/csv"), "{}", table.header("content-type"));
    assert!(table.header("content-disposition").contains("jobs.csv"));
    let rows: Vec<&str> = table.body.lines().collect();
    assert_eq!(rows.len(), 3, "{}", table.body);
    assert!(rows[0].starts_with("job,name,tenant,project") && rows[1].starts_with(&ids[2]), "{}", table.body);
    assert!(
        rows[1].contains(",sweep-b,alpha,work,alpha-1,alpha-developer,queued,normal,1,4,1,0,"),
        "{}",
        rows[1]
    );
    assert_eq!(developer.get("/jobs/export?member=nobody").status, 422);
    let (status, by_api) = scene.site.get_text("/api/v1/jobs?name=sweep&format=csv", &scene.alpha.developer);
    assert_eq!((status, by_api.lines().count()), (200, 3));
}

#[test]
fn runs_are_told_apart_by_their_last_digits() {
    let scene = Scene::new();
    let job = scene.failed_job();
    let runs = scene.site.get(&format!("/api/v1/jobs/{job}/runs"), &scene.alpha.developer);
    let run = runs["items"][0]["id"].as_str().expect("a run");
    let page = scene.browser("alpha-developer").get(&format!("/jobs/{job}")).body;
    assert!(page.contains(&format!(">…{}<", &run[run.len() - 8..])), "{run}: {page}");
}
