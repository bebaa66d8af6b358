//! A job's log in a real browser: its end at once, whatever its length; live at the end; what is above on demand.

use std::{path::Path, time::Instant};

use serde_json::Value;
use testkit::{Chromium, Site, Tenant, grant, job};

use crate::{QIANTANG, scene::SETTINGS};

/// A bar with colours that is drawn 20,000 times amid 64 MiB of lines, and the end that says why.
const LONG: &str = "awk 'BEGIN { line = sprintf(\"%200s\", \"\"); gsub(/ /, \"x\", line); \
    for (n = 0; n < 340000; n++) print n, line }'\n\
    awk 'BEGIN { for (n = 0; n <= 20000; n++) printf \"\\r\\033[32m%3d%%\\033[0m|%d/20000\", n / 200, n; print \"\" }' >&2\n\
    printf 'Traceback (most recent call last):\\n\\033[31;1mRuntimeError\\033[0m: <b>out of memory</b>\\n' >&2\nexit 1";

fn site() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let tenant = site.tenant("alpha", "research", &grant(), 8);
    site.publish_price(1_000_000);
    (site, tenant)
}

fn keep_picture(browser: &Chromium, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    browser.keep_picture(&folder.join(format!("{name}.png")));
}

const STATE: &str = "const body = document.querySelector('.log-body'); return { \
    elements: document.querySelectorAll('*').length, text: body.textContent, \
    below: body.scrollHeight - body.clientHeight - body.scrollTop, top: body.scrollTop, \
    wide: document.documentElement.scrollWidth - window.innerWidth, \
    bars: [...body.querySelectorAll('.ln')].filter(line => line.textContent.includes('/20000')).length, \
    red: [...body.querySelectorAll('.sgr-f1.sgr-bold')].map(part => part.textContent).join() }";

#[test]
fn a_long_log_opens_at_its_end_and_what_is_above_comes_on_demand() {
    let Some(browser) = Chromium::start() else { return };
    let (site, tenant) = site();
    let id = site.submit(&tenant, &job("long", LONG));
    let ended = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(ended["exit_code"], 1, "{ended}");
    browser.set_width(1440);
    browser.sign_in(&site, "alpha-developer");
    for (lang, width) in [("zh", 390), ("en", 390), ("zh", 1440), ("en", 1440)] {
        browser.set_width(width);
        browser.open(&format!("{}/jobs/{id}?lang={lang}", site.url));
        let begun = Instant::now();
        browser.open(&format!("{}/jobs/{id}", site.url));
        let opened_in = begun.elapsed();
        let seen = browser.script(STATE);
        let text = seen["text"].as_str().unwrap();
        println!("{lang} {width}: opened in {} ms, {} elements", opened_in.as_millis(), seen["elements"]);
        assert!(
            text.trim_end().ends_with("RuntimeError: <b>out of memory</b>"),
            "{}",
            &text[text.len() - 200..]
        );
        assert_eq!(
            (seen["bars"].as_u64(), seen["red"].as_str()),
            (Some(1), Some("RuntimeError")),
            "one line, in colours"
        );
        assert!(
            text.contains("100%|20000/20000") && !text.contains(" 99%|"),
            "what was written over is gone"
        );
        assert!(seen["elements"].as_u64() < Some(2000), "{seen}");
        assert!(seen["below"].as_f64() < Some(2.0), "it is at its end: {}", seen["below"]);
        assert!(seen["wide"].as_i64() <= Some(0), "{}", seen["wide"]);
        keep_picture(&browser, &format!("log-{lang}-{width}"));
    }
    // What is above, from the keyboard: the link is focused and pressed.
    let lines =
        || browser.script("return document.querySelectorAll('.log-body .ln').length").as_u64().unwrap();
    let before = lines();
    let first = browser.script("return document.querySelector('.log-body .ln').textContent");
    browser.script("const link = document.querySelector('.log-earlier'); link.focus(); link.click();");
    site.wait_for("earlier lines", || (lines() > before).then_some(()));
    let above = browser.script(
        "const all = [...document.querySelectorAll('.log-body .ln')].map(line => line.textContent); return all",
    );
    let above: Vec<&str> = above.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let numbers: Vec<u32> = above.iter().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]), "no line is lost between two parts");
    assert!(above.contains(&first.as_str().unwrap()));
    // Full screen and back by Escape.
    browser.script("document.querySelector('[data-log-switch=full]').click()");
    let full = "const log = document.querySelector('.log').getBoundingClientRect(); return log.height === window.innerHeight";
    assert_eq!(browser.script(full), true);
    keep_picture(&browser, "log-full");
    browser.script(
        "document.querySelector('.log-body').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))",
    );
    assert_eq!(browser.script(full), false);
    browser.script("document.querySelector('[data-log-switch=times]').click()");
    let times = "return getComputedStyle([...document.querySelectorAll('.ln')].pop(), '::before').content";
    let times = browser.script(times);
    assert!(times.as_str().is_some_and(|text| text.contains(':') && text.contains("err")), "{times}");
    // Found from the page, and shown at its place.
    browser.script("document.querySelector('.log-tools [name=q]').value = '123456 xxx'; document.querySelector('.log-tools').requestSubmit()");
    site.wait_for("what is found", || {
        let found =
            browser.script("return document.querySelector('.log-found a')?.getAttribute('href') ?? ''");
        found.as_str().filter(|href| href.contains("at=")).map(|_| ())
    });
    browser.script("document.querySelector('.log-found a').click()");
    site.wait_for("its place", || {
        let shown = browser.script("return document.querySelector('.log-body mark')?.textContent ?? ''");
        (shown == "123456 xxx").then_some(())
    });
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn a_live_log_grows_at_its_end_unless_the_reader_has_scrolled_up() {
    let Some(browser) = Chromium::start() else { return };
    let (site, tenant) = site();
    let folder = site.folder.path();
    let wait = |name: &str| format!("while [ ! -e {} ]; do sleep 0.02; done", folder.join(name).display());
    let script = format!(
        "seq 1 200\nprintf '\\r 10%%/20000' >&2\n{}\nprintf '\\r 20%%/20000' >&2\nseq 201 210\n{}\nseq 211 220\n{}\nprintf '\\rdone/20000\\n' >&2",
        wait("more"),
        wait("again"),
        wait("end")
    );
    let id = site.submit(&tenant, &job("live", &script));
    site.wait_for("the first lines", || site.stdout(&tenant.developer, &id).contains("200\n").then_some(()));
    browser.set_width(1440);
    browser.sign_in(&site, "alpha-developer");
    browser.open(&format!("{}/jobs/{id}", site.url));
    let state = || browser.script(STATE);
    let shows = |text: &str| {
        site.wait_for(text, || {
            let seen = state();
            seen["text"].as_str().unwrap_or_default().contains(text).then_some(seen)
        })
    };
    shows(" 10%/20000");
    std::fs::write(folder.join("more"), "").unwrap();
    shows(" 20%/20000");
    let seen = shows("210\n");
    assert_eq!(seen["bars"], 1, "the bar keeps its line");
    assert!(seen["below"].as_f64() < Some(2.0), "it stays at its end: {}", seen["below"]);
    let text = seen["text"].as_str().unwrap();
    assert!(text.trim_end().ends_with("20%/20000"), "the open line is the last");
    // The reader scrolls up: nothing moves.
    browser.script("document.querySelector('.log-body').scrollTop = 40");
    std::fs::write(folder.join("again"), "").unwrap();
    let seen = shows("220\n");
    assert_eq!(seen["top"].as_f64(), Some(40.0));
    assert_eq!(browser.script("return document.querySelector('[data-to-end]').hidden"), false);
    browser.script("document.querySelector('[data-to-end]').click()");
    assert!(state()["below"].as_f64() < Some(2.0));
    std::fs::write(folder.join("end"), "").unwrap();
    let seen = shows("done/20000");
    assert_eq!(seen["bars"], 1);
    site.wait_for("the end", || {
        let status = browser.script("return document.querySelector('#log-status').className");
        status.as_str().unwrap_or_default().contains("is-ended").then_some(())
    });
    let numbers: Vec<u32> =
        state()["text"].as_str().unwrap().lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(numbers, (1..=220).collect::<Vec<_>>(), "each line is there once");
    assert_eq!(browser.errors(), Vec::<String>::new());
}
