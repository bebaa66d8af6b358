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
    let attack = format!(
        "try() {{ if \"$@\" >/dev/null 2>&1; then echo \"REACHED $*\"; fi; }}\n\
         echo mine > own && cat own\n\
         try cat {data}/database/center.db; try ls {data}/database; try ls {data}/runs; try ls {data}/work\n\
         try cat {folder}/center.toml; try cat {note}; try ls {work}; try touch {data}/x; try touch /tmp/qiantang-attack\n\
         try kill -0 {pid}; try kill -9 {pid}; try kill -0 {center}; try cat /proc/{center}/environ; try ls /root\n\
         try kill -0 $PPID\n\
         (setsid sleep 300 & ) ; env | grep -i -e password -e QIANTANG__ ; true\n",
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
    let left = std::fs::read_dir("/proc").expect("/proc").flatten().filter(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x00300\x00")
    });
    assert_eq!(left.count(), 0, "a process was left behind");
    let victim = site.get(&format!("/api/v1/jobs/{victim}"), &alpha.developer);
    assert_eq!(victim["state"], "running", "the victim lives");
}
