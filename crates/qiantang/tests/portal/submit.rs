//! Submitting a script by hand.

use crate::scene::Scene;

const GOOD: &str =
    "#!/bin/sh\r\n#SBATCH --job-name=from-the-portal\r\n#SBATCH --mem=1G\r\necho it & echo runs\r\n";

#[test]
fn a_dry_run_is_a_part_of_the_page_and_names_what_is_ignored() {
    let scene = Scene::new();
    let developer = scene.browser("alpha-developer");
    let csrf = developer.get("/submit").hidden("csrf");
    let fields = [("csrf", csrf.as_str()), ("script", GOOD), ("project", "work")];
    let tried = developer.post("/submit/dry-run", &fields, &[("hx-request", "true")]);
    assert_eq!(tried.status, 200);
    let is_part = tried.body.starts_with("<section class=\"panel dry-run\" id=\"dry-run\"");
    assert!(is_part, "{}", tried.body);
    assert!(tried.body.contains("--mem") && tried.body.contains("is ignored"), "{}", tried.body);
}

#[test]
fn a_bad_script_comes_back_as_it_was_typed() {
    let scene = Scene::new();
    let mut developer = scene.browser("alpha-developer");
    let key = developer.get("/submit").hidden("key");
    let bad = "#!/bin/sh\n#SBATCH --gres=npu:3\n#SBATCH --nodes=0\necho '</textarea><b>'\n";
    for (lang, said) in [
        ("zh", "第 3 行 --nodes：“0”不是 1 以上的整数；请写节点数，如 2"),
        ("en", "line 3: --nodes: `0` is not a number of at least 1; write a number of nodes, such as 2"),
    ] {
        developer.lang = lang;
        let refused = developer.send_form("/submit", &[("key", &key), ("script", bad)]);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("#SBATCH --gres=npu:3"), "what was typed is kept");
        assert!(!refused.body.contains("</textarea><b>"), "and stays text");
        assert!(refused.body.contains(said), "line, option and value are named: {}", refused.body);
    }
}

#[test]
fn what_is_no_script_is_refused_and_what_nothing_reads_is_named() {
    let scene = Scene::new();
    let mut developer = scene.browser("alpha-developer");
    let csrf = developer.get("/submit").hidden("csrf");
    let srun = "#!/bin/sh\n# SBATCH -N 2\nsrun hostname\n#SBATCH -N 4\n";
    for (lang, script, said) in [
        ("zh", "请用 8 张卡训练模型\n", "第 1 行：不是以 #! 开头的脚本"),
        ("en", "please train on 8 cards\n", "line 1: does not begin with `#!`"),
        ("en", srun, "srun"),
        ("en", srun, "this center has no Slurm"),
        ("zh", srun, "本中心没有 Slurm"),
        ("zh", srun, "写在第一条命令之后"),
        ("en", srun, "stands after the first command"),
        ("en", srun, "# SBATCH"),
    ] {
        developer.lang = lang;
        let fields = [("csrf", csrf.as_str()), ("script", script), ("project", "work")];
        let tried = developer.post("/submit/dry-run", &fields, &[("hx-request", "true")]);
        assert!(tried.body.contains(said), "{said}: {}", tried.body);
    }
}

#[test]
fn a_script_sent_twice_is_submitted_once() {
    let scene = Scene::new();
    let developer = scene.browser("alpha-developer");
    let key = developer.get("/submit").hidden("key");
    let fields = [("key", key.as_str()), ("script", GOOD), ("project", "work"), ("class", "spot")];
    let first = developer.send_form("/submit", &fields);
    let again = developer.send_form("/submit", &fields);
    assert_eq!((first.status, again.status), (303, 303), "{}", first.body);
    assert_eq!(first.header("location"), again.header("location"), "sending it twice is sending it once");

    let id = first.header("location").trim_start_matches("/jobs/").to_owned();
    let done = scene.site.wait_for_end(&scene.alpha.developer, &id);
    assert_eq!((done["state"].as_str(), done["service_class"].as_str()), (Some("succeeded"), Some("spot")));
    assert!(developer.get(&format!("/jobs/{id}")).body.contains("from-the-portal"));

    let stream = developer.get(&format!("/jobs/{id}/log/stream?stream=stdout")).body;
    assert!(stream.contains("event: anew") && stream.contains(">runs\\n</span>"), "{stream}");
    assert!(stream.contains("event: end"), "the stream of a log that is over ends: {stream}");
}

#[test]
fn a_script_s_own_line_wins_and_a_conflict_is_said() {
    let scene = Scene::new();
    let developer = scene.browser("alpha-developer");
    let script = "#!/bin/sh\n#SBATCH --gres=npu:1 --qos=normal\ntrue\n";
    let refused =
        developer.send_form("/submit", &[("script", script), ("project", "work"), ("class", "spot")]);
    assert_eq!(refused.status, 422, "{}", refused.body);
    let said = "The script says Service class: normal, the setting says spot";
    assert!(refused.body.contains(said) && refused.body.contains("--qos=normal"), "{}", refused.body);
    let class_of = |class: &str, was: &str| {
        let fields = [("script", script), ("project", "work"), ("class", class), ("was-class", was)];
        let taken = developer.send_form("/submit", &fields);
        assert_eq!(taken.status, 303, "{}", taken.body);
        let id = taken.header("location").trim_start_matches("/jobs/");
        let job = scene.site.get(&format!("/api/v1/jobs/{id}"), &scene.alpha.developer);
        job["service_class"].as_str().expect("a class").to_owned()
    };
    assert_eq!(class_of("spot", "spot"), "normal", "a field that nobody touched changes nothing");
    assert_eq!(class_of("spot", "normal"), "spot", "one that was changed is written into the script");
}
