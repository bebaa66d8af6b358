//! A full disk: what the center refuses, ends and keeps, and that it goes on by itself once there is room.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::{Value, json};
use testkit::{Site, Tenant, Terminal, grant, job};

use crate::QIANTANG;

/// A file system of some MiB in memory, mounted until it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where nothing can be mounted, which fails where everything has to be tested.
    fn new(mib: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("qiantang-disk-").tempdir().expect("a folder");
        let size = format!("size={mib}m,mode=0711");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .status()
            .is_ok_and(|status| status.success());
        if mounted {
            return Some(Self(folder));
        }
        assert!(std::env::var_os("CI").is_none(), "this test mounts a file system: run it as root");
        eprintln!("skipped: nothing can be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes until nothing is free.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = fs::File::create(&path).expect("it is made");
        for block in [vec![0; 1 << 20], vec![0; 4096], vec![0; 1]] {
            while file.write_all(&block).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn site_on(disk: &SmallDisk, more: &str) -> Site {
    Site::on_disk(QIANTANG, disk.path(), more)
}

fn is_full(site: &Site) -> bool {
    site.get_text("/readyz", "").0 == 503
}

/// A job of the project `work`.
fn work(name: &str, script: &str) -> Value {
    let mut spec = job(name, script);
    spec["project"] = json!("work");
    spec
}

/// What came of submitting a job: its id, or the status and the code of the refusal.
fn submit(site: &Site, tenant: &Tenant, spec: &Value) -> Result<String, (u16, String)> {
    let (status, answer) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(spec));
    match answer["id"].as_str() {
        Some(id) if status == 201 => Ok(id.to_owned()),
        _ => Err((status, answer["code"].as_str().unwrap_or_default().to_owned())),
    }
}

#[test]
fn a_disk_that_is_full_under_load_loses_nothing_and_says_one_reason() {
    let Some(disk) = SmallDisk::new(256) else { return };
    let mut site = site_on(&disk, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let operator = Terminal::signed_in(&site, "operator");
    let kept = Mutex::new(BTreeSet::new());
    let refused = Mutex::new(BTreeSet::new());
    let is_over = AtomicBool::new(false);
    let submits = || {
        let mut n = 0;
        while !is_over.load(Relaxed) {
            n += 1;
            match submit(&site, &tenant, &work(&format!("load-{n}"), "true")) {
                Ok(id) => drop(kept.lock().expect("sound").insert(id)),
                Err(reason) => drop(refused.lock().expect("sound").insert(reason)),
            }
        }
    };
    let projects = Mutex::new(BTreeSet::new());
    let founds = || {
        let mut n = 0;
        while !is_over.load(Relaxed) {
            n += 1;
            // Another write than a submission.
            let new = json!({ "slug": format!("p-{n}"), "name": "P", "contract": tenant.contract });
            let (status, answer) = site.ask("POST", "/api/v1/projects", &tenant.admin, Some(&new));
            if status == 201 {
                projects.lock().expect("sound").insert(format!("p-{n}"));
            } else {
                let code = answer["code"].as_str().unwrap_or_default().to_owned();
                refused.lock().expect("sound").insert((status, code));
            }
        }
    };
    let count = || kept.lock().expect("sound").len();
    std::thread::scope(|scope| {
        let _ends = OnDrop(&is_over);
        scope.spawn(submits);
        scope.spawn(submits);
        scope.spawn(founds);
        site.wait_for("some jobs", || (count() > 20).then_some(()));
        let filler = disk.fill();
        site.wait_for("the center to see it", || is_full(&site).then_some(()));
        let said = site.get_text("/readyz", "").1;
        assert!(said.starts_with("disk_full: the disk of `database` has "), "{said}");
        // It stays full, and so do the answers.
        for _ in 0..50 {
            let told = submit(&site, &tenant, &work("late", "true")).expect_err("there is no room");
            assert_eq!(told, (507, "disk_full".to_owned()));
        }
        let metrics = site.get_text("/metrics", &site.operator).1;
        assert!(metrics.contains("qiantang_disk_full{disk=\"database\"} 1"), "{metrics}");
        let overview = site.get("/api/v1/overview", &tenant.developer);
        assert_eq!(overview["is_disk_full"], true);
        let (code, told, _) = operator.run(&["doctor"]);
        assert!(code != 0 && told.contains("FAIL  disk database"), "{told}");
        assert!(operator.ok(&["disk"]).contains("A disk of the center is full"));
        assert!(operator.ok(&["--lang", "zh", "disk"]).contains("中心磁盘空间不足"));

        fs::remove_file(filler).expect("it is removed");
        site.wait_for("the center to see that there is room", || (!is_full(&site)).then_some(()));
        let before = count();
        site.wait_for("more jobs", || (count() > before + 20).then_some(()));
    });
    let refused = refused.into_inner().expect("sound");
    assert_eq!(refused, BTreeSet::from([(507, "disk_full".to_owned())]));
    // All that was acknowledged is there, runs, and is in the books.
    for id in kept.into_inner().expect("sound") {
        assert_eq!(site.wait_for_end(&tenant.developer, &id)["state"], "succeeded");
    }
    let known = site.get("/api/v1/projects", &tenant.admin).to_string();
    for slug in projects.into_inner().expect("sound") {
        assert!(known.contains(&format!("\"{slug}\"")), "{slug}");
    }
    operator.ok(&["ledger", "check"]);
    drop(operator);
    site.stop();
    let verified = Command::new(QIANTANG)
        .args(["ledger", "verify"])
        .arg(site.data().join("database/center.db"))
        .output();
    let verified = verified.expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_job_that_fills_the_disk_is_ended_with_the_reason_and_nobody_else_is() {
    let Some(disk) = SmallDisk::new(96) else { return };
    // Its quota would end it as well, and sometimes sooner.
    let site = site_on(&disk, "[disk]\ntenant_percent = 100\n");
    let (greedy, modest) =
        (site.tenant("greedy", "research", &grant(), 8), site.tenant("modest", "research", &grant(), 8));
    let quiet = site.submit(&modest, &job("quiet", "while [ ! -e enough ]; do echo tick; sleep 0.2; done"));
    site.wait_for_state(&modest.developer, &quiet, "running");
    // However it writes: plainly, into a file without a name, into its temporary folder, or with what its log says.
    // None of them listens to the word to end.
    let ways = [
        "trap '' TERM; cat /dev/zero > big; sleep 60",
        "trap '' TERM; exec 3> gone; rm gone; cat /dev/zero >&3; sleep 60",
        "trap '' TERM; cat /dev/zero > $TMPDIR/big; sleep 60",
        "trap '' TERM; cat /dev/zero > $HOME/far; sleep 60",
        "trap '' TERM; n=95; until fallocate -l ${n}M big; do n=$((n-1)); done; sleep 60",
    ];
    for way in ways {
        let id = site.submit(&greedy, &job("greedy", way));
        let ended = site.wait_for_end(&greedy.developer, &id);
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &greedy.developer);
        assert_eq!(runs["items"][0]["state"], "disk_full", "{way}: {runs}");
        assert_eq!(ended["state"], "stopped", "{way}");
        // Somebody makes room.
        let home = fs::read_dir(disk.path().join("data/work")).expect("the work folders").flatten();
        for folder in home {
            for name in ["big", "far"] {
                let _ = fs::remove_file(folder.path().join(name));
                let _ = fs::remove_file(folder.path().join(&id).join(name));
            }
        }
        site.wait_for("room", || (!is_full(&site)).then_some(()));
    }
    let running = site.get(&format!("/api/v1/jobs/{quiet}"), &modest.developer);
    assert_eq!(running["state"], "running", "who wrote a line is not ended");
}

#[test]
fn a_job_that_waits_says_that_the_disk_is_full() {
    let Some(disk) = SmallDisk::new(96) else { return };
    let site = site_on(&disk, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let mut spec = job("all", "while [ ! -e enough ]; do sleep 0.1; done");
    spec["cards_per_node"] = json!(8);
    let first = site.submit(&tenant, &spec);
    site.wait_for_state(&tenant.developer, &first, "running");
    let waits = site.submit(&tenant, &spec);
    let developer = Terminal::signed_in(&site, "univ-developer");
    let filler = disk.fill();
    let why = format!("/api/v1/jobs/{waits}/why");
    site.wait_for("the reason", || {
        let verdict = site.get(&why, &tenant.developer);
        (verdict["code"] == "disk_full").then_some(())
    });
    assert!(developer.ok(&["why", &waits]).contains("A disk of the center has "));
    assert!(developer.ok(&["--lang", "zh", "why", &waits]).contains("中心磁盘空间不足"));
    site.post(&format!("/api/v1/jobs/{first}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, &first);
    assert_eq!(site.get(&format!("/api/v1/jobs/{waits}"), &tenant.developer)["state"], "queued");
    fs::remove_file(filler).expect("it is removed");
    site.wait_for_state(&tenant.developer, &waits, "running");
}

#[test]
fn a_quota_ends_what_writes_beyond_it_and_lets_room_be_made() {
    let Some(disk) = SmallDisk::new(256) else { return };
    let site = site_on(&disk, "[disk]\ntenant_mib = 40\nrun_mib = 20\ntenant_files = 500\n");
    let (over, other) =
        (site.tenant("over", "research", &grant(), 8), site.tenant("other", "research", &grant(), 8));
    let state_of_run = |id: &str| {
        site.wait_for_end(&over.developer, id);
        site.get(&format!("/api/v1/jobs/{id}/runs"), &over.developer)["items"][0]["state"].clone()
    };
    let writes = |mib: u32, to: &str| {
        format!(
            "head -c {mib}M /dev/zero > {to}; while [ ! -e enough ]; do head -c 1M /dev/zero >> {to}; sleep 1; done"
        )
    };
    let neighbour =
        site.submit(&other, &job("neighbour", "while [ ! -e enough ]; do echo x; sleep 0.1; done"));
    let own = site.submit(&over, &job("own", &writes(25, "big")));
    assert_eq!(state_of_run(&own), "disk_quota", "beyond its own quota");
    let files = site.submit(
        &over,
        &job("files", "i=0; while [ ! -e enough ]; do i=$((i+1)); head -c 8K /dev/zero > f$i; done"),
    );
    assert_eq!(state_of_run(&files), "disk_quota", "beyond the tenant's number of files");
    // One that makes room is let be, and so is one that comes later.
    let room = site.submit(&over, &job("room", "rm -rf $HOME/*/big $HOME/*/f*; echo done"));
    assert_eq!(state_of_run(&room), "succeeded");
    let home = site.submit(&over, &job("home", &writes(45, "$HOME/big")));
    assert_eq!(state_of_run(&home), "disk_quota", "beyond the tenant's");
    let report = site.get("/api/v1/disk", &over.admin);
    assert_eq!(report["disks"], json!([]), "the disks are the center's matter");
    assert_eq!(report["tenants"][0]["allowed_bytes"], 40 << 20);
    let admin = Terminal::signed_in(&site, "over-admin");
    assert!(admin.ok(&["disk"]).contains("over (over)"), "{report}");
    assert_eq!(site.get(&format!("/api/v1/jobs/{neighbour}"), &other.developer)["state"], "running");
}

/// Says so at its end, whatever the end is.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
