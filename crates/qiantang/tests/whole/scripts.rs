//! Scripts and task files by the command line: nothing is silent, and nothing is taken for what it is not.

use serde_json::json;
use testkit::{Browser, Site, Terminal, grant};

use crate::QIANTANG;

#[test]
fn a_script_is_read_as_sbatch_reads_it_and_the_rest_is_told() {
    let site = Site::new(QIANTANG, 2, "");
    let tenant = site.tenant("univ", "research", &grant(), 16);
    let at = Terminal::signed_in(&site, "univ-developer");
    let spec = |id: &str| site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer)["spec"].clone();
    let submit = |args: &[&str]| {
        let id = at.ok(&[&["submit", "--parsable"], args].concat()).trim().to_owned();
        (spec(&id), id)
    };

    // What is behind the script is the script's, and a beginning of a name is the option.
    let args = at.file("args.sh", "#!/bin/sh\necho \"$@\"\n");
    let (job, id) = submit(&["--job=x", &args, "--nodes", "2", "--json", "--epochs", "20"]);
    assert_eq!(job["args"], json!(["--nodes", "2", "--json", "--epochs", "20"]));
    assert_eq!((job["name"].as_str(), job["nodes"].as_u64()), (Some("x"), Some(1)));
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.ok(&["logs", &id]), "--nodes 2 --json --epochs 20\n");

    // As many nodes as the cards take.
    let many = at.file("many.sh", "#!/bin/sh\n#SBATCH --gpus=16\ntrue\n");
    let (job, _) = submit(&[&many]);
    assert_eq!((job["nodes"].as_u64(), job["cards_per_node"].as_u64()), (Some(2), Some(8)), "{job}");

    // The bytes of a script are run as they are.
    let gbk = at.home.path().join("gbk.sh");
    std::fs::write(&gbk, b"#!/bin/sh\n# \xd1\xb5\xc1\xb7\nprintf %s '\xc4\xe3' | od -An -tx1\n")
        .expect("it is written");
    let gbk = gbk.to_str().expect("text");
    let (code, out, err) = at.run(&["submit", "--dry-run", gbk]);
    assert!(code == 0 && err.contains("2: gb18030"), "{code} {out}{err}");
    let (job, id) = submit(&[gbk]);
    assert_eq!(
        (job["encoding"].as_str(), job["script"].as_str().map(|text| text.contains("训练"))),
        (Some("gb18030"), Some(true))
    );
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.ok(&["logs", &id]).trim(), "c4 e3");
    let browser = Browser::signed_in(&site, "univ-developer");
    let shown = browser.get(&format!("/jobs/{id}")).body;
    assert!(shown.contains("训练") && shown.contains("Not UTF-8; shown as GB18030"), "its encoding is named");
    let otherwise = browser.get(&format!("/jobs/{id}?script_encoding=windows-1252")).body;
    assert!(otherwise.contains("# ÑµÁ·"), "and can be chosen");

    // Before it starts it is told that there is no srun here.
    let srun = at.file("srun.sh", "#!/bin/sh\n#SBATCH -N 2\nsrun hostname\n");
    for (lang, said) in [("en", "3: srun: the script calls it"), ("zh", "3: srun: 脚本调用了它")] {
        let (code, out, err) = at.run(&["submit", "--lang", lang, "--dry-run", &srun]);
        assert!(code == 0 && err.contains(said), "{code} {out}{err}");
    }
    let late = at.file("late.sh", "#!/bin/sh\r\ntrue\r\n#SBATCH --nodes=9\r\n");
    let (code, _, err) = at.run(&["submit", "--dry-run", &late]);
    assert!(code == 0 && err.contains("3: #SBATCH (ignored): stands after the first command"), "{err}");
    assert!(err.contains("1: CR (ignored): 3 lines"), "{err}");

    let good = at.file("good.sh", "#!/bin/sh\ntrue\n");
    for (words, said) in [
        (&["--tiem=12:00:00"][..], "--tiem: is not known to sbatch; write --time"),
        (&["--gpus-per=2"], "--gpus-per: is the beginning of several options"),
        (&["--hold"], "--hold: can't be had here"),
        (&["-w", "n1"], "--nodelist: can't be had here; the center chooses the nodes"),
        (&["--wrap", "hostname"], "--wrap: can't be had here; send a script"),
        (&["--dependency=afterok"], "`afterok` names no job"),
        (&["-N", "1", "--lang", "fr"], "use zh or en"),
    ] {
        let (code, _, err) = at.run(&[&["submit"], words, &[&good]].concat());
        // What is wrong, and in another line what to do.
        assert!(code == 2 && said.split("; ").all(|said| err.contains(said)), "{words:?}: {code} {err}");
    }
    let (code, _, err) = at.run(&["submit", "--dry-run", "--mail-type", "END", "--requeue", &good]);
    assert!(
        code == 0
            && err.contains("--mail-type: this center sends no mail")
            && err.contains("--requeue (ignored)"),
        "{err}"
    );
    let help = at.ok(&["submit", "--help"]);
    assert!(help.contains("--gpus-per-node") && help.contains("--dry-run"), "{help}");
}

#[test]
fn what_is_no_script_is_refused_however_it_comes() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let at = Terminal::signed_in(&site, "univ-developer");
    let prose = at.file("prose.txt", "please train the model on 8 cards\n");
    for (lang, said) in [("en", "line 1: does not begin with `#!`"), ("zh", "不是以 #! 开头的脚本")] {
        let (code, _, err) = at.run(&["--lang", lang, "submit", &prose]);
        assert!(code == 2 && err.contains(said), "{code} {err}");
    }
    let spec = json!({ "name": "x", "script": "echo hello" });
    let (status, answer) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&spec));
    assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some("script")), "{answer}");

    // A request with five faults is told all five, whether they are of form, of value, or known to the center alone.
    let five = json!({ "script": "#!/bin/sh\ntrue", "name": 7, "nodez": 2, "nodes": "two", "cards_per_node": 0,
        "comment": "x".repeat(2000) });
    let (status, answer) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&five));
    assert_eq!((status, answer["errors"].as_array().map(Vec::len)), (422, Some(5)), "{answer}");
    let five = json!({ "script": "#!/bin/sh\ntrue", "name": "", "nodes": 0, "project": "nowhere",
        "comment": "x".repeat(2000), "after": [{ "job": tenant_less_job(), "when": "ended" }] });
    for path in ["/api/v1/jobs", "/api/v1/jobs/dry-run"] {
        let (status, answer) = site.ask("POST", path, &tenant.developer, Some(&five));
        assert_eq!((status, answer["errors"].as_array().map(Vec::len)), (422, Some(5)), "{answer}");
    }

    let task = at
        .file("task.yaml", "name: t\nscript: |\n  #!/bin/sh\n  echo \"$V $W\"\nenv:\n  V: 3.10\n  W: 0x1F\n");
    let id = at.json(&["apply", "-f", &task])["id"].as_str().expect("an id").to_owned();
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.ok(&["logs", &id]), "3.10 0x1F\n");
    let task = at.file("bad.yaml", "name: t\nscript: x\nenv:\n  A: 1\n  A: 2\n  B:\n");
    let (code, _, err) = at.run(&["apply", "-f", &task]);
    assert!(code == 2 && err.contains("line 5: has `env.A` twice") && err.contains("line 6"), "{err}");
}

fn tenant_less_job() -> String {
    format!("job_{}7", "0".repeat(31))
}
