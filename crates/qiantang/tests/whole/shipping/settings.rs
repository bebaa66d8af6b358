//! What settings say of callers and of runs, in a center that has them.

use domain::Timestamp;
use serde_json::json;
use testkit::{Browser, PASSWORD, Site, grant, job};

use crate::{QIANTANG, jobs::with};

const SETTINGS: &str = "open_metrics = true\nsecure_cookies = true\n\
    [engine]\nmax_open_files = 321\nfile_size_mib = 3\nmemory_mib = 512\n[jobs]\ndefault_time_limit_ms = 7000\n\
    env = { OF_CENTER = \"center\", BOTH = \"center\" }\n\
    [limits]\nbody_kib = 4\nrequests_per_second = 20\nsession_hours = 2\ntoken_days = 3\n";

#[test]
fn callers_and_runs_are_treated_as_the_settings_say() {
    let [shared, other] = [testkit::open_folder(), testkit::open_folder()];
    for folder in [&shared, &other] {
        std::fs::write(folder.path().join("data"), "shared\n").expect("it is written");
    }
    let readable = format!("readable = [\"{}\"]\n", shared.path().display());
    let site = Site::new(QIANTANG, 1, &SETTINGS.replace("[engine]\n", &format!("[engine]\n{readable}")));
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let (status, metrics) = site.get_text("/metrics", "");
    assert!(status == 200 && metrics.contains("qiantang_cards{state="), "{status} {metrics}");

    let sign_in = [("login", "univ-admin"), ("password", PASSWORD)];
    let cookie = Browser::new(&site).post("/sign-in", &sign_in, &[]).header("set-cookie").to_owned();
    assert!(cookie.contains("; Secure") && cookie.contains("Max-Age=7200;"), "{cookie}");
    let told = site.post("/api/v1/login", "", &json!({ "login": "univ-admin", "password": PASSWORD }));
    let until: Timestamp = told["expires_at"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
    let left = until.since(testkit::now()).0;
    assert!((3 * 86_400_000 - 60_000..=3 * 86_400_000).contains(&left), "{told}");

    let script = format!(
        "echo $OF_CENTER $BOTH; ulimit -n; ulimit -f; ulimit -d; cat {}; cat {} 2>/dev/null || echo closed",
        shared.path().join("data").display(),
        other.path().join("data").display()
    );
    let spec = with(&job("finds", &script), &json!({ "env": { "BOTH": "job" } }));
    let id = site.submit(&tenant, &spec);
    let ended = site.wait_for_end(&tenant.developer, &id);
    let found = site.stdout(&tenant.developer, &id);
    // The shell counts files in blocks of 512 bytes and data in KiB. With a cgroup that holds the memory.
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines[..3], ["center job", "321", "6144"], "{ended} {found}");
    assert!(["524288", "unlimited"].contains(&lines[3]), "{found}");
    assert_eq!(lines[4..], ["shared", "closed"], "{found}");
    let unlimited = with(&spec, &json!({ "time_limit_ms": null }));
    let priced = site.post("/api/v1/jobs/dry-run", &tenant.developer, &unlimited);
    assert_eq!(priced["price"]["time_limit_ms"], 7000, "{priced}");

    let large = with(&spec, &json!({ "comment": "x".repeat(5000) }));
    let (status, refused) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&large));
    assert_eq!((status, refused["code"].as_str()), (413, Some("too_large")), "{refused}");

    // Four times as many in a burst, and then no more; others are not held up by it.
    let caller = Browser::new(&site);
    let bearer = format!("Bearer {}", site.login("univ-finance"));
    let ask = || caller.send("GET", "/api/v1/me", None, &[("Authorization", &bearer)]);
    let taken = (0..2000).map(|_| ask()).take_while(|answer| answer.status == 200).count();
    assert!((80..2000).contains(&taken), "{taken} requests were taken");
    let refused = (0..2000).map(|_| ask()).find(|answer| answer.status == 429).expect("it goes on asking");
    assert!(refused.body.contains("too_many_requests"), "{}", refused.body);
    assert!(
        refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1),
        "{}",
        refused.body
    );
    assert_eq!(site.get("/api/v1/me", &tenant.admin)["login"], "univ-admin");
}
