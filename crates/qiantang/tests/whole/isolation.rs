//! A job of one tenant can't reach the center or another tenant.

use testkit::{Site, grant, job};

use crate::QIANTANG;

#[test]
fn a_job_reaches_nothing_that_is_not_its_own() {
    let site = Site::new(QIANTANG, 1, "");
    let (alpha, beta) =
        (site.tenant("alpha", "research", &grant(), 8), site.tenant("beta", "research", &grant(), 8));
    let victim =
        site.submit(&alpha, &job("victim", "echo secret > note; echo $$ > pid; cat note; exec sleep 60"));
    let alpha_id =
        site.get("/api/v1/tenants/alpha", &site.operator)["id"].as_str().expect("an id").to_owned();
    let work = site.data().join("work").join(alpha_id).join(&victim);
    let pid = site.wait_for("the victim's pid", || {
        std::fs::read_to_string(work.join("pid")).ok().filter(|text| text.ends_with('\n'))
    });
    let data = site.data();
    // A length that no other sleep on the machine has.
    let left = 1_000_000 + site.pid();
    let attack = format!(
        "try() {{ if \"$@\" >/dev/null 2>&1; then echo \"REACHED $*\"; fi; }}\n\
         echo mine > own && cat own\n\
         try cat {data}/database/center.db; try ls {data}/database; try ls {data}/runs; try ls {data}/work\n\
         try cat {folder}/center.toml; try cat {note}; try ls {work}; try touch {data}/x; try touch /tmp/qiantang-attack\n\
         try kill -0 {pid}; try kill -9 {pid}; try kill -0 {center}; try cat /proc/{center}/environ; try ls /root\n\
         try kill -0 $PPID\n\
         (setsid sleep {left} & ) ; env | grep -i -e password -e QIANTANG__ ; true\n",
        data = data.display(),
        folder = site.folder.path().display(),
        note = work.join("note").display(),
        work = work.display(),
        pid = pid.trim(),
        center = site.pid(),
    );
    let id = site.submit(&beta, &job("attacker", &attack));
    let ended = site.wait_for_end(&beta.developer, &id);
    assert_eq!(ended["state"], "succeeded", "{}", site.stdout(&beta.developer, &id));
    assert_eq!(site.stdout(&beta.developer, &id), "mine\n", "it reached something, or lost its own");
    // All that the run started has ended with it.
    let found = std::fs::read_dir("/proc").expect("/proc").flatten().filter(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line == format!("sleep\0{left}\0").as_bytes())
    });
    assert_eq!(found.count(), 0, "a process was left behind");
    let victim = site.get(&format!("/api/v1/jobs/{victim}"), &alpha.developer);
    assert_eq!(victim["state"], "running", "the victim lives");
}

/// Loops over all addresses at which somebody may look for the center, and says which it got.
const TAKES_THE_PORT: &str = "exec /usr/bin/python3 -c '
import os, socket
port, rounds = int(os.environ[\"PORT\"]), 0
while not os.path.exists(\"enough\"):
    for family, address in [(socket.AF_INET, \"127.0.0.1\"), (socket.AF_INET, \"0.0.0.0\"),
                            (socket.AF_INET6, \"::1\"), (socket.AF_INET6, \"::\")]:
        taker = socket.socket(family)
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taker.bind((address, port))
            taker.listen()
            print(\"GOT\", address, flush=True)
        except OSError:
            pass
        taker.close()
    rounds += 1
    open(\"rounds.new\", \"w\").write(str(rounds))
    os.rename(\"rounds.new\", \"rounds\")
print(\"done\")
'";

#[test]
fn a_job_never_gets_the_centers_port_whether_the_center_runs_or_not() {
    // With a network of its own it could not even reach it.
    let mut site = Site::new(QIANTANG, 1, "[engine]\nnetwork = \"host\"\n");
    site.keep_address();
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    let alpha_id =
        site.get("/api/v1/tenants/alpha", &site.operator)["id"].as_str().expect("an id").to_owned();
    let port = site.url.rsplit(':').next().expect("a port").to_owned();
    let mut spec = job("taker", TAKES_THE_PORT);
    spec["env"] = serde_json::json!({ "PORT": port });
    let id = site.submit(&alpha, &spec);
    let work = site.data().join("work").join(alpha_id).join(&id);
    let rounds = || std::fs::read_to_string(work.join("rounds")).ok()?.parse::<u64>().ok();
    let more = |site: &Site| {
        let from = site.wait_for("the attack", rounds);
        site.wait_for("more rounds of the attack", || rounds().filter(|now| *now > from + 20));
    };
    more(&site);
    for how in [Site::kill as fn(&mut Site), |site| assert!(site.stop().success())] {
        how(&mut site);
        // Callers hear at once that there is no center, from something that is not the job.
        let answer = site.try_ask("GET", "/api/v1/me", "a-token", None, &[]).expect("the keeper answers");
        assert_eq!((answer.0, answer.1["code"].as_str()), (503, Some("center_down")), "{}", answer.1);
        more(&site);
        site.start();
        more(&site);
    }
    std::fs::write(work.join("enough"), "").expect("it is written");
    let ended = site.wait_for_end(&alpha.developer, &id);
    assert_eq!(ended["state"], "succeeded", "{}", site.stdout(&alpha.developer, &id));
    assert_eq!(site.stdout(&alpha.developer, &id), "done\n", "it got a port of the center");
}

#[test]
fn the_port_is_free_once_there_is_neither_a_center_nor_a_run() {
    let mut site = Site::new(QIANTANG, 1, "");
    let address = site.url.strip_prefix("http://").expect("an address").to_owned();
    assert!(site.stop().success());
    site.wait_for("the port", || std::net::TcpListener::bind(&address).ok());
}
