//! Signing in by a browser, wherever it is: the program shows a code, and somebody who is signed in there lets it in.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use domain::{Both, both};
use serde_json::Value;

use crate::{
    client::Client,
    context::Context,
    errors::Failure,
    output::{pick, text},
    tell::tell,
};

/// This program's name among those that may ask.
const CLIENT: &str = "qiantang";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The seconds between two questions where the center says none, and those that are added where it asks for more.
const INTERVAL_S: u64 = 5;
/// The longest that is waited, whatever the center says.
const LONGEST: Duration = Duration::from_hours(1);

/// Asks to be let in, shows where, and waits for the answer: what the center gives for the token.
pub fn sign_in(context: &Context, machine: &str) -> Result<Value, Failure> {
    let client = &context.client;
    let fields = [("client_id", CLIENT), ("device_name", machine)];
    let (status, asked) = client.post_form("/oauth/device_authorization", &fields)?;
    if status != 200 {
        return Err(refused(text(&asked, "error"), text(&asked, "error_description")));
    }
    show(context, &asked);
    open(text(&asked, "verification_uri_complete"));
    wait(client, &asked)
}

/// Says where to go, and the code: on standard error, so that the answer alone is on standard output.
fn show(context: &Context, asked: &Value) {
    let (page, code) = (text(asked, "verification_uri"), text(asked, "user_code"));
    let complete = text(asked, "verification_uri_complete");
    tell!(
        "{}",
        pick(
            context.lang,
            "请用浏览器打开此页，核对代码并授权：",
            "Open this page with a browser, compare the code, and let this program in:"
        )
    );
    tell!("\n    {page}\n    {code}\n");
    tell!("{} {complete}", pick(context.lang, "已填好代码的地址：", "With the code filled in:"));
}

/// Opens the page where there is a browser to be seen. Where it can't be, the address is on the terminal all the same.
fn open(address: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty()));
    // Whatever it says of itself does not belong into this terminal.
    if has_screen && address.starts_with("http") {
        let quiet = Stdio::null;
        let _ = Command::new("xdg-open").arg(address).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    }
}

/// Asks until there is an answer, as seldom as the center wants.
fn wait(client: &Client, asked: &Value) -> Result<Value, Failure> {
    let seconds = |name: &str| asked[name].as_u64();
    let lasts = Duration::from_secs(seconds("expires_in").unwrap_or(600)).min(LONGEST);
    let mut interval = Duration::from_secs(seconds("interval").unwrap_or(INTERVAL_S).max(1));
    let until = Instant::now() + lasts;
    let fields = [("grant_type", GRANT), ("client_id", CLIENT), ("device_code", text(asked, "device_code"))];
    while Instant::now() < until {
        std::thread::sleep(interval);
        let (status, answer) = client.post_form("/oauth/token", &fields)?;
        match (status, text(&answer, "error")) {
            (200, _) => return Ok(answer),
            (_, "authorization_pending") => {}
            (_, "slow_down") => interval += Duration::from_secs(INTERVAL_S),
            (_, error) => return Err(refused(error, text(&answer, "error_description"))),
        }
    }
    Err(refused("expired_token", ""))
}

/// The center's word in words that people know.
fn refused(error: &str, description: &str) -> Failure {
    let message = match error {
        "access_denied" => both("这次登录在浏览器中被拒绝", "the sign-in was refused in the browser"),
        "expired_token" => both("没有人及时在浏览器中授权", "nobody let this program in in time"),
        _ => Both {
            zh: format!("中心没有授权（{error}）"),
            en: format!("the center gave no token: {error} {description}").trim().to_owned(),
        },
    };
    let hint = both(
        "请重新运行 `qiantang login`；也可以用密码登录：`qiantang login --password`",
        "run `qiantang login` again; `qiantang login --password` asks for a password",
    );
    Failure::refused(if error.is_empty() { "no_token" } else { error }, message, hint)
}
