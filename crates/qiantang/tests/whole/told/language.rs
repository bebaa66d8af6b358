//! The commands in Chinese: what they answer, refuse and advise has no English in it.

use std::process::{Command, Stdio};

use serde_json::json;
use testkit::{Site, Tenant, Terminal};

use crate::QIANTANG;

/// A center with a tenant that may submit.
fn site() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 2, "");
    site.publish_price(12_000_000);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000 });
    let tenant = site.tenant("xixi", "enterprise", &metered, 8);
    (site, tenant)
}

/// Three words of English in a row, outside of what is quoted: names between backticks, what a lower layer says in
/// brackets, and commands.
fn english(text: &str) -> Option<String> {
    let (mut depth, mut is_quoted, mut prose) = (0_i32, false, String::new());
    for letter in text.chars() {
        match letter {
            '(' | '（' => depth += 1,
            ')' | '）' => depth -= 1,
            '`' => is_quoted = !is_quoted,
            _ if depth == 0 && !is_quoted => prose.push(letter),
            _ => {}
        }
    }
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let lines = prose.lines().flat_map(|line| line.split(|letter: char| !letter.is_ascii()));
    let mut parts = lines.filter(|part| !part.contains("qiantang"));
    let found = parts.find(|part| {
        let words: Vec<&str> = part.split(' ').collect();
        words.windows(3).any(|three| three.iter().all(&is_word))
    });
    found.map(str::to_owned)
}

#[test]
fn english_among_chinese_is_found() {
    assert_eq!(english("错误：`no such thing` 不行（it is not here）").as_deref(), None);
    assert_eq!(english("请登录：qiantang login as somebody").as_deref(), None);
    assert!(english("错误：there is no such thing").is_some());
}

/// What a command says in Chinese, which has no English in it.
fn said(at: &Terminal, args: &[&str], code: i32) -> String {
    let (found, out, err) = at.run(&[&["--lang", "zh"], args].concat());
    let told = out + &err;
    assert_eq!(found, code, "{args:?}: {told}");
    assert_eq!(english(&told), None, "{args:?}: {told}");
    told
}

#[test]
fn what_commands_answer_refuse_and_advise_is_chinese() {
    let (site, _) = site();
    let stranger = Terminal::at(&site);
    let told = said(&stranger, &["whoami"], 4);
    assert!(told.contains("qiantang：尚未登录") && told.contains("请登录：qiantang login"), "{told}");
    said(&stranger, &["login", "nobody", "--password-stdin"], 2);
    said(&stranger, &["logout"], 2);
    let operator = Terminal::signed_in(&site, "operator");
    let wrong = operator.file("wrong.sh", "#!/bin/sh\n#SBATCH --no-such-option\n#SBATCH --nodes=many\n");
    for (args, code, words) in [
        (&["--url", "http://127.0.0.1:1", "jobs"][..], 5, "没有应答：连接被拒绝"),
        (&["--ca", "/no/such/file", "jobs"], 2, "无法读取 /no/such/file 中的证书：文件不存在"),
        (&["--profile", "none", "jobs"], 2, "没有名为 `none` 的登录"),
        (&["show", "abcdef12"], 4, "没有 id 以 `abcdef12` 开头或结尾的作业"),
        (&["show", "??"], 2, "不是作业的 id"),
        (&["show", "abcdef12_x"], 2, "`_` 后面不是任务的序号"),
        (&["cancel"], 2, "没有指明作业"),
        (&["submit", "/no/such/file"], 2, "无法读取 /no/such/file：文件不存在"),
        (&["submit", &wrong], 2, "不能提交"),
        (&["submit"], 2, "没有指明脚本"),
        (&["contracts", "edit", "none", "--number", "x"], 4, "没有您可以查看的合同 `none`"),
        (
            &[
                "contracts",
                "new",
                "x",
                "--kind",
                "grant",
                "--pool",
                "p",
                "--from",
                "x",
                "--until",
                "y",
                "--fee",
                "1",
            ],
            2,
            "资助合同没有 --fee",
        ),
        (&["members", "set", "nobody", "--name", "x"], 4, "没有您可以查看的成员"),
        (&["projects", "contract", "none"], 4, "没有您可以查看的项目"),
        (&["alliances", "lend", "none", "many"], 2, "不是加速卡数"),
        (&["prices", "new", "x", "--price", "a=1"], 2, "没有写明资源池、等级和领域"),
        (&["prices", "new", "x"], 2, "价目中没有价格"),
        (&["examples", "none"], 2, "没有示例 `none`"),
        (&["drain", "none", "--reason", "x"], 4, ""),
        (&["nodes", "retire", "none", "--reason", "x"], 4, ""),
        (&["periods", "close", "2020-01"], 4, ""),
        (&["periods", "show", "x"], 4, ""),
        (&["tenants", "new", "A b", "--name-zh", "甲", "--name-en", "A", "--domain", "moon"], 4, ""),
        (&["contracts", "top-up", "none", "--yuan", "1", "--reference", "x"], 4, ""),
        (&["twin", "replay", "/no/such/file"], 2, "无法打开 /no/such/file：文件不存在"),
        (&["ledger", "verify", "/no/such/file"], 5, "无法读取"),
        (
            &["ledger", "verify", "/no/such/file", "--roots", "/no/roots"],
            2,
            "无法读取根的文件 /no/roots：文件不存在",
        ),
        (&["restore", "x", "--config", "/no/settings"], 2, "设置有误"),
        (&["jobs"], 0, "没有作业"),
        (&["nodes"], 0, ""),
        (&["tenants"], 0, ""),
        (&["disk"], 0, ""),
        (&["ledger", "check"], 0, ""),
        (&["profiles"], 0, ""),
    ] {
        let told = said(&operator, args, code);
        assert!(told.contains(words), "{args:?}: {told}");
    }
}

#[test]
fn the_doctor_speaks_chinese_and_programs_get_english() {
    let (site, _) = site();
    let operator = Terminal::signed_in(&site, "operator");
    let settings = site.settings().display().to_string();
    let (_, out, err) = operator.run(&["--lang", "zh", "doctor", "--config", &settings]);
    assert_eq!(english(&(out.clone() + &err)), None, "{out}{err}");
    for part in
        ["正常  设置", "隔离", "系统调用", "加速卡", "中心", "operator（运营）", "时钟", "备份", "开通步骤"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let names = |lang| {
        let (_, out, _) = operator.run(&["--lang", lang, "--json", "doctor", "--config", &settings]);
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let names = report["checks"].as_array().expect("checks").iter().map(|check| check["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("zh"), names("en"));
    assert!(names("zh").contains(&"first steps".into()));
}

#[test]
fn a_job_is_submitted_followed_explained_and_stopped_in_chinese() {
    let (site, _) = site();
    let at = Terminal::signed_in(&site, "xixi-developer");
    let fails = at.file("fails.sh", "#!/bin/sh\n#SBATCH --gres=npu:1 --mem=8G\nexit 3\n");
    let told = said(&at, &["submit", "--dry-run", &fails], 0);
    assert!(told.contains("未提交") && told.contains("--mem"), "{told}");
    let told = said(&at, &["submit", "--wait", &fails], 3);
    assert!(told.contains("已提交 job_") && told.contains("显示它的错误输出"), "{told}");
    let id = at.json(&["jobs"])["items"][0]["id"].as_str().expect("an id").to_owned();
    let told = said(&at, &["why", &id], 4);
    assert!(told.contains("作业不在等待，已经结束"), "{told}");
    for args in [&["jobs"][..], &["show", &id], &["contracts"], &["projects"]] {
        said(&at, args, 0);
    }
    let told = said(&at, &["statement"], 4);
    assert!(told.contains("您的角色没有这项权限：查看账单（read_statement）"), "{told}");
    let sleeps = at.file("sleeps.sh", "#!/bin/sh\n#SBATCH --gres=npu:1\nsleep 600\n");
    said(&at, &["submit", &sleeps], 0);
    let told = said(&at, &["cancel", "--state", "active"], 2);
    assert!(told.contains("将取消 1 个作业，未作更改") && told.contains("加上 --yes 即可执行"), "{told}");
    let told = said(&at, &["cancel", "--state", "active", "--yes"], 0);
    assert!(told.contains("1 个作业中已取消 1 个"), "{told}");
}

/// A command line alone, with the language of the environment.
fn alone(lang: &str, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(QIANTANG);
    command.args(args).env("LANG", lang).env_remove("LC_ALL").env_remove("LC_MESSAGES");
    command.env_remove("QIANTANG_URL").env_remove("QIANTANG_PROFILE").env_remove("QIANTANG_CA");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}

#[test]
fn the_language_is_found_before_the_line_is_understood() {
    let (zh, en) = ("zh_CN.UTF-8", "en_US.UTF-8");
    for (lang, args, code, told) in [
        (zh, &["jobs", "--limt"][..], 2, "错误：没有参数 `--limt`"),
        (en, &["jobs", "--limt"], 2, "error: unexpected argument '--limt' found"),
        (en, &["jobs", "--limt", "--lang", "zh"], 2, "错误：没有参数 `--limt`"),
        (en, &["--lang=zh", "jobs", "--limt"], 2, "错误：没有参数 `--limt`"),
        (zh, &["--lang", "en", "jobs", "--limt"], 2, "error: unexpected argument '--limt' found"),
        (zh, &["--lang", "fr", "jobs"], 2, "错误：`--lang <LANG>` 的值不能是 `fr`，可选：zh、en"),
        (zh, &["--help"], 0, "用法：qiantang [选项] <命令>"),
        (zh, &["help", "contracts", "new"], 0, "起草合同"),
        (zh, &["twin"], 2, "用法：qiantang twin [选项] <命令>"),
        (en, &["twin"], 2, "Usage: qiantang twin [OPTIONS] <COMMAND>"),
        (zh, &["--version"], 0, "qiantang 0"),
        (zh, &["submit", "--help"], 0, "由哪个项目付费"),
        (en, &["submit", "--help"], 0, "The project that is charged"),
        (zh, &["completions", "zsh"], 0, "列出作业"),
    ] {
        let (found, text) = alone(lang, args);
        assert_eq!(found, Some(code), "{lang} {args:?}: {text}");
        assert!(text.contains(told), "{lang} {args:?}: {text}");
    }
}
