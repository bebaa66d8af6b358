//! Samples of all pages, rendered without a server: what is wrong with a page's look shows here first.

mod html;
pub mod views;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use askama::Template;
use domain::Lang;

use super::{
    audit, capacity, contract, contract_acts, contract_form, contracts, fault, job, jobs,
    kit::Ui,
    nodes, overview,
    page::{Group, Link, Page},
    people, sign_in, statement, submit, tokens, twin,
};

/// A page that can show examples of itself.
pub trait Sample: Template + Sized {
    /// Between them each part of the page is there once, and once is not.
    fn samples(page: &Page) -> Vec<Self>;
}

/// Each page by the template that it is made of.
const PAGES: [(&str, fn(&Page) -> Vec<String>); 22] = [
    ("audit.html", rendered::<audit::Audit>),
    ("capacity.html", rendered::<capacity::Capacity>),
    ("contract.html", rendered::<contract::ContractPage>),
    ("contract_act.html", rendered::<contract_acts::ActPage>),
    ("contract_form.html", rendered::<contract_form::DraftPage>),
    ("contracts.html", rendered::<contracts::Contracts>),
    ("dry_run_part.html", rendered::<submit::DryPart>),
    ("fault.html", rendered::<fault::FaultPage>),
    ("job.html", rendered::<job::JobPage>),
    ("jobs.html", rendered::<jobs::Jobs>),
    ("node.html", rendered::<nodes::NodePage>),
    ("nodes.html", rendered::<nodes::Nodes>),
    ("overview_center.html", rendered::<overview::OfCenter>),
    ("overview_tenant.html", rendered::<overview::OfTenant>),
    ("people.html", rendered::<people::People>),
    ("sign_in.html", rendered::<sign_in::SignIn>),
    ("statement.html", rendered::<statement::StatementPage>),
    ("submit.html", rendered::<submit::Submit>),
    ("tokens.html", rendered::<tokens::Tokens>),
    ("top_up.html", rendered::<contract_acts::TopUpPage>),
    ("twin.html", rendered::<twin::Twin>),
    ("twin_trial.html", rendered::<twin::TrialPage>),
];

/// Text that looks like a key and is meant to be read: the name of a limit, which programs read as well.
const MEANT: [&str; 1] = ["free_cards"];

fn rendered<P: Sample>(page: &Page) -> Vec<String> {
    P::samples(page).iter().map(|sample| sample.render().expect("it renders")).collect()
}

/// The shell as somebody signed in sees it.
fn shell(lang: Lang) -> Page {
    let ui = Ui { lang };
    let link = |key, href, count: Option<&str>| Link { key, href, count: count.map(str::to_owned) };
    let group = |head, links| Group { head, links };
    Page {
        ui,
        title: "A title".into(),
        nav: "jobs",
        theme: Some("dark"),
        center_name: views::center_name(lang),
        who: "Li".into(),
        who_more: "Univ".into(),
        csrf: "0f".into(),
        groups: vec![
            group("", vec![link("overview", "/", None), link("jobs", "/jobs", Some("2"))]),
            group("money", vec![link("contracts", "/contracts", None)]),
            group("administration", vec![]),
        ],
        switch_href: "/jobs?state=active&lang=en".into(),
        is_signed_in: true,
        is_all_virtual: true,
    }
}

/// The shell around somebody who is not.
fn door(lang: Lang) -> Page {
    let nobody = String::new;
    Page {
        theme: None,
        who: nobody(),
        who_more: nobody(),
        csrf: nobody(),
        groups: Vec::new(),
        is_signed_in: false,
        is_all_virtual: false,
        ..shell(lang)
    }
}

/// Every page in that language: its template, and the text.
fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let of = |(template, pages): &(&'static str, fn(&Page) -> Vec<String>)| {
        let door = matches!(*template, "fault.html" | "sign_in.html").then(|| pages(&door(lang)));
        let all = pages(&shell(lang)).into_iter().chain(door.into_iter().flatten());
        all.map(|page| (*template, page)).collect::<Vec<_>>()
    };
    PAGES.iter().flat_map(of).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    all.sort();
    all
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

/// What a template names behind one of these words.
fn named<'a>(source: &'a str, words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    words.iter().flat_map(move |word| {
        let rests = source.split(&format!("{word} \"")).skip(1).collect::<Vec<_>>();
        rests.into_iter().filter_map(|rest| rest.split('"').next()).map(str::to_owned)
    })
}

#[test]
fn each_page_is_well_formed_in_both_languages() {
    for lang in [Lang::Zh, Lang::En] {
        let words: BTreeSet<String> =
            super::keys(lang).into_iter().map(|key| super::text(lang, key, &[])).collect();
        for (template, page) in pages(lang) {
            let read = html::read(&page).unwrap_or_else(|error| panic!("{template}: {error}\n{page}"));
            assert!(!read.said.is_empty(), "{template}");
            for said in read.said {
                let is_code = said.contains(['-', '_'])
                    && said.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_0123456789".contains(&byte))
                    && said.starts_with(|first: char| first.is_ascii_lowercase());
                let is_meant =
                    words.contains(&said) || said.contains(views::ID) || MEANT.contains(&said.as_str());
                assert!(!is_code || is_meant, "{template} says `{said}`, which is a key and no word");
                if lang == Lang::En {
                    let other = said.chars().find(|c| *c > '\u{2fff}');
                    assert!(other.is_none() || said == "中文", "{template} says `{said}` in English");
                }
            }
        }
    }
}

#[test]
fn no_template_is_left_out() {
    let folder = root().join("templates");
    let mut reached: BTreeSet<String> = PAGES.iter().map(|(template, _)| (*template).to_owned()).collect();
    loop {
        let named: BTreeSet<String> = reached
            .iter()
            .flat_map(|path| {
                named(&text(&folder.join(path)), &["extends", "include", "import"]).collect::<Vec<_>>()
            })
            .collect();
        let before = reached.len();
        reached.extend(named);
        if reached.len() == before {
            break;
        }
    }
    let there: BTreeSet<String> = files(&folder)
        .iter()
        .map(|path| path.strip_prefix(&folder).expect("below it").to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, reached, "each template belongs to a page with samples");
    let sources: String = files(&root().join("src/portal")).iter().map(|path| text(path)).collect();
    let made: BTreeSet<String> = named(&sources, &["template(path ="]).collect();
    let sampled: BTreeSet<String> = PAGES.iter().map(|(template, _)| (*template).to_owned()).collect();
    assert_eq!(made, sampled, "each page has samples");
}
