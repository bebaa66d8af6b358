//! Logs through a whole center: both ends above the limit, both streams as they came, other encodings, and finding text.

use serde_json::{Value, json};
use testkit::{Browser, Site, Tenant, Terminal, grant, job};

use crate::{QIANTANG, jobs::with};

struct Scene {
    site: Site,
    tenant: Tenant,
}

impl Scene {
    fn new(nodes: u32) -> Self {
        let site = Site::new(QIANTANG, nodes, "[engine]\nlog_limit_mib = 1\n");
        let tenant = site.tenant("univ", "research", &grant(), 16);
        site.publish_price(1_000_000);
        Self { site, tenant }
    }

    /// A job that has come to its end.
    fn ended(&self, spec: &Value) -> String {
        let id = self.site.submit(&self.tenant, spec);
        self.site.wait_for_end(&self.tenant.developer, &id);
        id
    }

    fn get(&self, path: &str) -> Value {
        self.site.get(path, &self.tenant.developer)
    }
}

/// What a command writes to a pipe.
fn written(at: &Terminal<'_>, args: &[&str]) -> Vec<u8> {
    let output = at.command(args).output().expect("the program runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_end_of_a_long_log_is_there_and_what_is_left_out_is_said_everywhere() {
    let scene = Scene::new(1);
    let id = scene.ended(&job("long", "seq -f %09.0f 1 300000\necho 'Traceback: out of memory'"));
    let written_bytes = 3_000_000 + 25;

    let last = scene.get(&format!("/api/v1/jobs/{id}/logs?tail=1"));
    assert_eq!(last["data"], "Traceback: out of memory\n", "{last}");
    assert_eq!((last["end_offset"].as_u64(), last["complete"].as_bool()), (Some(written_bytes), Some(true)));
    let left_out = last["left_out"]["bytes"].as_u64().expect("something is left out");
    assert_eq!(
        (last["left_out"]["offset"].as_u64(), last["truncated"].as_bool()),
        (Some(1 << 19), Some(true))
    );
    let behind = scene.get(&format!("/api/v1/jobs/{id}/logs?offset=600000&limit_bytes=10"));
    assert_eq!(behind["offset"].as_u64(), Some((1 << 19) + left_out), "what is left out is passed over");

    let at = Terminal::signed_in(&scene.site, "univ-developer");
    let whole = String::from_utf8(written(&at, &["logs", &id])).unwrap();
    assert!(whole.starts_with("000000001\n") && whole.ends_with("\nTraceback: out of memory\n"));
    let said = "bytes are left out here]\n";
    assert_eq!(whole.matches(said).count(), 1);
    let told: String = left_out.to_string();
    let line = whole.lines().find(|line| line.ends_with("bytes are left out here]")).unwrap();
    assert_eq!(line.replace(',', ""), format!("[qiantang: {told} bytes are left out here]"));
    assert!(whole.len() <= (1 << 20) + 60, "{}", whole.len());
    assert_eq!(at.ok(&["logs", "--tail", "2", &id]), "000300000\nTraceback: out of memory\n");

    for (lang, said) in [("en", "bytes are left out here.\n</span>"), ("zh", "字节。\n</span>")] {
        let mut page = Browser::signed_in(&scene.site, "univ-developer");
        page.lang = lang;
        let shown = page.get(&format!("/jobs/{id}")).body;
        assert!(shown.contains("Traceback: out of memory") && shown.contains("000300000"));
        assert!(!shown.contains("000000001\n"), "only the end is shown at once");
        let note =
            if lang == "en" { "between its beginning and its end" } else { "开头和结尾之间略去了" };
        assert!(shown.contains(note), "what is left out is said at once");
        // What is above is there as far as it goes.
        let (mut part, mut parts) = (shown, 0);
        while let Some((_, rest)) = part.split_once("class=\"log-earlier\" href=\"") {
            let path = rest.split('"').next().unwrap().replace("&amp;", "&");
            part = page.get(&path).body;
            parts += 1;
            if part.contains(said) {
                break;
            }
            assert!(parts < 1000, "the beginning is not found");
        }
        assert!(part.contains(said), "{lang}: {parts} parts");
    }
}

#[test]
fn both_streams_are_merged_as_they_came_with_instants_and_nodes() {
    let scene = Scene::new(2);
    let folder = scene.site.folder.path();
    // Each waits until the one before was kept.
    let wait = |name: &str| format!("while [ ! -e {} ]; do sleep 0.02; done", folder.join(name).display());
    let script = format!(
        "echo \"$RANK one\"\n{}\necho \"$RANK two\" >&2\n{}\necho \"$RANK three\"",
        wait("two"),
        wait("three")
    );
    let spec = with(&job("gang", &script), &json!({ "nodes": 2, "cards_per_node": 8 }));
    let id = scene.site.submit(&scene.tenant, &spec);
    let merged = |more: &str| scene.get(&format!("/api/v1/jobs/{id}/logs/merged?{more}"));
    let has_lines = |count: usize| {
        scene.site.wait_for("lines of both nodes", || {
            let pieces = merged("")["pieces"].as_array().cloned().unwrap_or_default();
            let text: String = pieces.iter().filter_map(|piece| piece["data"].as_str()).collect();
            (text.lines().count() == count).then_some(())
        });
    };
    has_lines(2);
    std::fs::write(folder.join("two"), "").unwrap();
    has_lines(4);
    let middle = merged("")["next"].as_str().unwrap().to_owned();
    std::fs::write(folder.join("three"), "").unwrap();
    scene.site.wait_for_end(&scene.tenant.developer, &id);

    let all = merged("");
    assert_eq!((all["ordered"].as_bool(), all["complete"].as_bool()), (Some(true), Some(true)), "{all}");
    let pieces = all["pieces"].as_array().unwrap();
    let words: Vec<String> = pieces
        .iter()
        .flat_map(|piece| piece["data"].as_str().unwrap().lines().map(|line| line[2..].to_owned()))
        .collect();
    assert_eq!(words, ["one", "one", "two", "two", "three", "three"]);
    for piece in pieces {
        let (node, at) = (piece["node"].as_str().unwrap(), piece["at"].as_str().unwrap());
        let rank = piece["data"].as_str().unwrap().split(' ').next().unwrap();
        assert!(node.ends_with(&(rank.parse::<u32>().unwrap() + 1).to_string()), "{piece}");
        assert!(at.ends_with('Z'));
    }
    let later = merged(&format!("from={middle}"));
    assert!(
        later["pieces"]
            .as_array()
            .unwrap()
            .iter()
            .all(|piece| piece["data"].as_str().unwrap().ends_with("three\n"))
    );

    let at = Terminal::signed_in(&scene.site, "univ-developer");
    let lines = |args: &[&str]| -> Vec<String> {
        at.ok(&[&["logs", &id], args].concat()).lines().map(str::to_owned).collect()
    };
    let shown = lines(&["--all"]);
    assert_eq!(
        shown.iter().map(|line| &line[2..]).collect::<Vec<_>>(),
        ["one", "one", "two", "two", "three", "three"]
    );
    let node = pieces[0]["node"].as_str().unwrap();
    let rank = &pieces[0]["data"].as_str().unwrap()[..1];
    assert_eq!(
        lines(&["--all", "--node", node]),
        [format!("{rank} one"), format!("{rank} two"), format!("{rank} three")]
    );
    assert_eq!(lines(&["--all", "--node", rank, "--tail", "1"]), [format!("{rank} three")]);
    let stamped = lines(&["--all", "--timestamps"]);
    assert!(
        stamped.len() == 6 && stamped.iter().any(|line| line.contains(&format!(" {node} stderr {rank} two"))),
        "{stamped:?}"
    );
    let three = pieces.iter().find(|piece| piece["data"].as_str().unwrap().ends_with("three\n")).unwrap();
    let since = lines(&["--since", three["at"].as_str().unwrap()]);
    assert_eq!(since.iter().map(|line| &line[2..]).collect::<Vec<_>>(), ["three", "three"]);
    let followed = lines(&["-f", "--all"]);
    assert_eq!(followed.len(), 6);
    let (code, _, err) = at.run(&["logs", &id, "--node", "nowhere"]);
    assert!(code != 0 && err.contains("nowhere"), "{err}");
}

#[test]
fn output_that_is_no_utf_8_is_shown_by_a_named_guess_and_kept_as_it_is() {
    let scene = Scene::new(1);
    // 训练完成, in GBK.
    let id = scene.ended(&job("gbk", "printf '\\321\\265\\301\\267\\315\\352\\263\\311\\n'\necho plain"));
    let bytes = b"\xd1\xb5\xc1\xb7\xcd\xea\xb3\xc9\nplain\n";
    let log = |more: &str| scene.get(&format!("/api/v1/jobs/{id}/logs?{more}"));
    let guessed = log("");
    assert_eq!(
        (guessed["data"].as_str(), guessed["encoding"].as_str()),
        (Some("训练完成\nplain\n"), Some("GB18030"))
    );
    assert!(guessed["bytes"].is_string() && log("tail=1")["bytes"].is_null());
    assert_eq!(log("encoding=windows-1252")["data"], "ÑµÁ·Íê³É\nplain\n");
    let (status, refused) = scene.site.ask(
        "GET",
        &format!("/api/v1/jobs/{id}/logs?encoding=klingon"),
        &scene.tenant.developer,
        None,
    );
    assert!(status == 422 && refused.to_string().contains("klingon"), "{status} {refused}");

    let at = Terminal::signed_in(&scene.site, "univ-developer");
    for args in
        [&["logs", &id][..], &["logs", "-f", &id], &["logs", "--all", &id], &["logs", "-f", "--all", &id]]
    {
        assert_eq!(written(&at, args), bytes, "{args:?}");
    }
    let browser = Browser::signed_in(&scene.site, "univ-developer");
    let page = |query: &str| browser.get(&format!("/jobs/{id}?{query}")).body;
    let shown = page("");
    assert!(
        shown.contains("训练完成")
            && shown.contains("Shown as GB18030")
            && shown.contains("which is a guess")
    );
    let chosen = page("encoding=windows-1252");
    assert!(chosen.contains("ÑµÁ·Íê³É") && !chosen.contains("which is a guess"));
}

#[test]
fn text_is_found_as_a_terminal_shows_it() {
    let scene = Scene::new(1);
    let id = scene.ended(&job(
        "find",
        "seq 1 5000\nprintf '\\r 10%%\\r 50%%\\r100%%\\n'\nprintf '\\033[31mCUDA \\033[1merror\\033[0m: 2\\n' >&2\nseq 5001 30000",
    ));
    let search = |more: &str| scene.get(&format!("/api/v1/jobs/{id}/logs/search?{more}"));
    let found = search("q=cuda%20ERROR");
    let item = &found["items"][0];
    assert_eq!(
        (item["text"].as_str(), item["stream"].as_str(), item["line"].as_u64()),
        (Some("CUDA error: 2"), Some("stderr"), Some(1))
    );
    assert_eq!(found["next_cursor"], Value::Null);
    assert_eq!(search("q=50%25&stream=stdout")["items"][0]["text"], Value::Null, "it was written over");
    assert_eq!(search("q=100%25")["items"][0]["line"], 5001);
    // A page of matches after the other finds each once.
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&format!("q=77&limit=10&cursor={cursor}"));
        numbers.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["text"].as_str().unwrap().parse::<u32>().unwrap()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.replace('?', "%3F"),
            None => break,
        }
    }
    let want: Vec<u32> = (1..=30_000).filter(|n: &u32| n.to_string().contains("77")).collect();
    assert_eq!(numbers, want);

    let at = Terminal::signed_in(&scene.site, "univ-developer");
    assert_eq!(at.ok(&["logs", "--all", "--grep", "cuda", &id]), "stderr:1:CUDA error: 2\n");
    assert_eq!(at.ok(&["logs", "--grep", "29999", &id]), "30000:29999\n");
    let browser = Browser::signed_in(&scene.site, "univ-developer");
    let shown = browser.get(&format!("/jobs/{id}?q=cuda")).body;
    let link =
        shown.split("log-found").nth(1).and_then(|found| found.split("href=\"").nth(1)).expect("a link");
    let path = link.split('"').next().unwrap().replace("&#38;", "&");
    let there = browser.get(path.split('#').next().unwrap()).body;
    assert!(
        there.contains("<mark>CUDA</mark>") && there.contains("class=\"ln\""),
        "the place of the line is shown"
    );
}
