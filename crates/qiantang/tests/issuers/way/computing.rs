//! Jobs: one by the real command, which signs in by the browser, and one in the browser.

use testkit::Terminal;

use super::{center::Center, joining::People};

/// A job of eight cards that takes three seconds; its name.
fn script(name: &str) -> String {
    format!("#!/bin/sh\n#SBATCH -J {name}\n#SBATCH --gres=npu:8\n#SBATCH -t 2\nexec sleep 3\n")
}

/// Signs in by the browser at a code that the command shows, and submits a job. Gives its id.
pub fn by_the_command(center: &Center, people: &People) -> String {
    let (lin, site) = (&people.lin, &center.site);
    let terminal = Terminal::at(site);
    let login = terminal.begin_login();
    lin.open(&format!("/device?user_code={}", login.code));
    lin.send("/device", "", &[]);
    lin.reads(&[&login.code, "127.0.0.1"]);
    lin.send("/device/answer", "allow", &[]);
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    let who = terminal.json(&["whoami"]);
    assert_eq!(
        (&who["member"]["login"], &who["member"]["role"]),
        (&"lin".into(), &"developer".into()),
        "{who}"
    );

    let file = terminal.file("train.sh", &script("by-command"));
    let said = terminal.ok(&["submit", "--parsable", "-A", "speech", "--wait", &file]);
    said.lines().next().expect("an id").trim().to_owned()
}

/// Submits a job on the page for it, and looks at it until it is over. Gives its id.
pub fn in_the_browser(people: &People) -> String {
    let lin = &people.lin;
    lin.open("/");
    lin.follow("/submit");
    lin.send("/submit", "", &[("script", &script("by-page")), ("project", "speech")]);
    let path = lin.path();
    lin.wait_for_words(&path, "Succeeded");
    path.strip_prefix("/jobs/").expect("a job").to_owned()
}
