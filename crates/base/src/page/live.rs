//! Parts of pages that keep themselves fresh.
//!
//! A template marks such a part by comments around one element with an id: `<!--live-->`, `<!--/live-->`. Parts stand in
//! parts, as the rows of a list. A browser is sent each part with its [fingerprint](fingerprint). It asks for the same
//! address again with the fingerprints that it has, and is sent the parts alone, those that are as it has them as an
//! empty element. So news costs what changed, and the center keeps nothing of what it has sent to whom.
//!
//! Text between `<!--now-->` and `<!--/now-->` changes by the second, such as how long a job has run. It makes no part
//! new and is sent beside the empty element. What is between `<!--own-->` and `<!--/own-->` differs each time a page is
//! made and means the same; it is sent with its part alone.

use std::{collections::BTreeSet, fmt::Write as _};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html as HtmlBody, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::page::words::Ui;

/// The fingerprints that a browser has, with commas between them.
const KNOWN: HeaderName = HeaderName::from_static("live-known");
/// By the center's clock, when what is sent was so.
const AT: HeaderName = HeaderName::from_static("live-at");
/// Between texts that change by the second.
const NEXT: char = '|';

/// A page as its template made it, beside what is sent of it.
#[derive(Clone, Debug)]
struct Drawn(std::sync::Arc<str>);

/// The fingerprints that a browser has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeSet<String>);

impl Known {
    pub fn has(&self, part: &str) -> bool {
        self.0.contains(part)
    }

    /// `None` where a page is asked for as a whole.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(KNOWN)?.to_str().ok()?;
        Some(Self(text.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect()))
    }
}

/// A piece of a page.
enum Piece<'a> {
    Text(&'a str),
    Now(&'a str),
    Own(&'a str),
    Part(Vec<Piece<'a>>),
}

/// A page as an answer.
pub fn answer(status: StatusCode, drawn: String) -> Response {
    let mut response = (status, HtmlBody(whole(&drawn))).into_response();
    response.extensions_mut().insert(Drawn(drawn.into()));
    response
}

/// What is sent in place of a page to a browser that has some of it.
pub fn news_of(ui: Ui, known: &Known, response: Response) -> Response {
    let Some(Drawn(drawn)) = response.extensions().get().filter(|_| response.status() == StatusCode::OK)
    else {
        return response;
    };
    let clock = HeaderValue::from_str(&ui.zone.clock(crate::moment::now()));
    let mut news = HtmlBody(news(drawn, known)).into_response();
    if let Ok(clock) = clock {
        news.headers_mut().insert(AT, clock);
    }
    news.headers_mut().insert(header::VARY, HeaderValue::from(KNOWN));
    news
}

/// The whole page.
pub fn whole(drawn: &str) -> String {
    let mut out = String::with_capacity(drawn.len() + drawn.len() / 8);
    for piece in read(drawn) {
        piece.write(None, &mut out);
    }
    out
}

/// The page's parts alone, without those that the browser has.
pub fn news(drawn: &str, known: &Known) -> String {
    let mut out = String::new();
    let pieces = read(drawn);
    let parts = pieces.iter().filter(|piece| matches!(piece, Piece::Part(_)));
    parts.for_each(|part| part.write(Some(known), &mut out));
    out
}

fn read(drawn: &str) -> Vec<Piece<'_>> {
    let mut page = Vec::new();
    // The parts that have begun, the innermost last.
    let mut open: Vec<Vec<Piece<'_>>> = Vec::new();
    let mut rest = drawn;
    while let Some((before, (mark, mut after))) =
        rest.split_once("<!--").and_then(|(before, mark)| Some((before, mark.split_once("-->")?)))
    {
        let into = open.last_mut().unwrap_or(&mut page);
        into.push(Piece::Text(before));
        match mark {
            "live" => open.push(Vec::new()),
            "/live" => {
                if let Some(done) = open.pop() {
                    open.last_mut().unwrap_or(&mut page).push(Piece::Part(done));
                }
            }
            "now" => {
                if let Some((now, behind)) = after.split_once("<!--/now-->") {
                    into.push(Piece::Now(now.trim()));
                    after = behind;
                }
            }
            "own" => {
                if let Some((own, behind)) = after.split_once("<!--/own-->") {
                    into.push(Piece::Own(own));
                    after = behind;
                }
            }
            _ => {}
        }
        rest = after;
    }
    debug_assert!(open.is_empty(), "a part of a page does not end");
    // What does not end is no part.
    page.extend(open.into_iter().flatten());
    page.push(Piece::Text(rest));
    page
}

/// Tells a part from the same part with anything else in it.
fn fingerprint(part: &[Piece<'_>]) -> String {
    fn feed(part: &[Piece<'_>], all: &mut Sha256) {
        for piece in part {
            match piece {
                Piece::Text(text) => all.update(text),
                Piece::Now(_) => all.update([0]),
                Piece::Own(_) => all.update([1]),
                Piece::Part(inner) => feed(inner, all),
            }
        }
    }
    let mut all = Sha256::new();
    feed(part, &mut all);
    URL_SAFE_NO_PAD.encode(&all.finalize()[..9])
}

/// The name of the element that a part is, its id, and its text from behind the name on.
fn element<'a>(part: &[Piece<'a>]) -> Option<(&'a str, &'a str, &'a str)> {
    let texts = part.iter().map_while(|piece| match piece {
        Piece::Text(text) => Some(*text),
        _ => None,
    });
    let tag = texts.map(str::trim_start).find(|text| !text.is_empty())?.strip_prefix('<')?;
    let (name, behind) = tag.split_at(tag.find([' ', '\n', '>'])?);
    let inside = behind.split_once('>')?.0;
    let id = inside.split_once("id=\"")?.1.split('"').next()?;
    Some((name, id, behind))
}

impl Piece<'_> {
    /// Writes the whole, or what is new to a browser.
    fn write(&self, known: Option<&Known>, out: &mut String) {
        match self {
            Self::Text(text) | Self::Own(text) => out.push_str(text),
            Self::Now(text) => {
                let _ = write!(out, "<span data-now>{text}</span>");
            }
            Self::Part(part) => write_part(part, known, out),
        }
    }

    fn add_now(&self, out: &mut Vec<String>) {
        match self {
            Self::Now(text) => out.push((*text).to_owned()),
            Self::Part(part) => part.iter().for_each(|piece| piece.add_now(out)),
            Self::Text(_) | Self::Own(_) => {}
        }
    }
}

fn write_part(part: &[Piece<'_>], known: Option<&Known>, out: &mut String) {
    let Some((name, id, behind)) = element(part) else {
        debug_assert!(false, "a part of a page is no element with an id");
        return part.iter().for_each(|piece| piece.write(known, out));
    };
    let fingerprint = fingerprint(part);
    if known.is_some_and(|known| known.has(&fingerprint)) {
        let mut now = Vec::new();
        for piece in part {
            piece.add_now(&mut now);
        }
        let now = now.join(&NEXT.to_string());
        let _ = write!(out, "<{name} id=\"{id}\" data-same=\"{now}\"></{name}>");
        return;
    }
    let _ = write!(out, "<{name} data-part=\"{fingerprint}\"{behind}");
    // The text with the element's beginning is written.
    let is_blank = |piece: &&Piece<'_>| matches!(piece, Piece::Text(text) if text.trim().is_empty());
    let rest = part.iter().skip_while(is_blank).skip(1);
    rest.for_each(|piece| piece.write(known, out));
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "<main><!--live--><ul id=\"list\" data-fresh><!--live--><li id=\"a\">A <!--now-->1 s<!--/now--></li>\
                        <!--/live-->\n<!--live--><li id=\"b\">B</li><!--/live--></ul><!--/live--></main>";

    /// The fingerprints in a page that was sent.
    fn known(page: &str) -> Known {
        let marks = page.split("data-part=\"").skip(1).filter_map(|rest| rest.split('"').next());
        Known(marks.map(str::to_owned).collect())
    }

    #[test]
    fn a_page_is_sent_whole_and_without_its_marks() {
        let page = whole(LIST);
        assert!(page.starts_with("<main><ul data-part=\"") && page.ends_with("</ul></main>"), "{page}");
        assert!(page.contains("id=\"a\">A <span data-now>1 s</span></li>\n<li data-part=\""), "{page}");
        assert_eq!((page.matches("data-part").count(), page.matches("<!--").count()), (3, 0));
        assert_eq!(whole("<p>no <!-- word --> part</p>"), "<p>no  part</p>");
    }

    #[test]
    fn only_what_changed_is_sent_again() {
        let known = known(&whole(LIST));
        assert_eq!(news(LIST, &known), "<ul id=\"list\" data-same=\"1 s\"></ul>");
        // Time passes, and is sent beside what is the same.
        assert_eq!(news(&LIST.replace("1 s", "2 s"), &known), "<ul id=\"list\" data-same=\"2 s\"></ul>");
        let changed = news(&LIST.replace("B<", "C<"), &known);
        assert!(changed.contains("<li id=\"a\" data-same=\"1 s\"></li>"), "{changed}");
        assert!(changed.contains("id=\"b\">C</li></ul>") && !changed.contains("main"), "{changed}");
        assert_eq!(news(LIST, &Known::default()), whole(LIST).replace("<main>", "").replace("</main>", ""));
    }

    #[test]
    fn what_differs_each_time_makes_nothing_new() {
        let form = |token: &str| {
            format!("<!--live--><form id=\"f\"><!--own--><i>{token}</i><!--/own--></form><!--/live-->")
        };
        let known = known(&whole(&form("x")));
        assert_eq!(news(&form("y"), &known), "<form id=\"f\" data-same=\"\"></form>");
        assert!(whole(&form("y")).contains("<i>y</i>"));
    }

    #[test]
    fn an_id_makes_a_part_another() {
        let part = |id: &str| format!("<!--live--><i id=\"{id}\">x</i><!--/live-->");
        assert_ne!(whole(&part("a")).replace("id=\"a\"", ""), whole(&part("b")).replace("id=\"b\"", ""));
    }
}
