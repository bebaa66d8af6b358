//! How a browser is called.

use base::auth::Action;
pub use store::credentials::Way;

/// A person ended a session of their own.
pub const END: Action = Action::deed("end_session");

/// The most characters that are kept of what a program says of itself.
pub const MOST_PROGRAM_CHARS: usize = 200;

/// What is kept of what a program says of itself: printable text.
pub fn kept(said: &str) -> String {
    said.chars().filter(|letter| !letter.is_control()).take(MOST_PROGRAM_CHARS).collect()
}

/// A program's name in short, as people know it: `Firefox 128, Linux`. One that is not known says what it says.
pub fn program(said: &str) -> String {
    // Each says as well what it wants to be taken for: the one that is told apart comes first.
    const BROWSERS: [(&str, &str); 5] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let browser = BROWSERS.iter().find_map(|(mark, name)| {
        let version = said.split_once(mark)?.1.split(['.', ' ', ';']).next().unwrap_or_default();
        version.bytes().all(|digit| digit.is_ascii_digit()).then(|| format!("{name} {version}"))
    });
    let system = SYSTEMS.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser,
        (None, _) => said.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_as_people_know_them() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (said, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned(), "Firefox 128, Linux"),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/126.0.0.0 Safari/537.36"),
                "Chrome 126, Windows",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87"),
                "Edge 126, Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15".to_owned(),
                "Safari 17, macOS",
            ),
            ("curl/8.5.0".to_owned(), "curl/8.5.0"),
            (String::new(), ""),
        ] {
            assert_eq!(program(&said), name);
        }
        assert_eq!(kept(&format!("a\nb{}", "x".repeat(300))).chars().count(), MOST_PROGRAM_CHARS);
    }
}
