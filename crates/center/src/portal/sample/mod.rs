//! Samples of all pages, rendered without a server: what is wrong with a page's look shows here first.

pub mod views;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use askama::Template;
use base::page::{
    form::Choice,
    frame::{Group, Link, Page},
    live,
    words::Ui,
};
use domain::Lang;
use testkit::{files_below as files, markup};

use crate::amendment::AmendPage;
use crate::backup::BackupsPage;
use crate::budget::{BudgetPage, BudgetsPage};
use crate::correction::{CorrectionsPage, ProposalPage};
use crate::debt::DebtsPage;
use crate::device::DevicePage;
use crate::disk::DiskPage;
use crate::evidence::EvidencePage;
use crate::invitation::{InvitationsPage, JoinPage};
use crate::oidc::{NoPlacePage, OnwardPage, PendingPage};
use crate::period::{PeriodPage, PeriodsPage};
use crate::portal::{
    api_docs, audit, capacity, contracts, event_list, jobs, member, nodes, overview, people, sign_in, tokens,
    twin,
};
use crate::price::{DraftPage, PriceBookPage, PriceBooksPage};
use crate::retirement::RetirementPage;
use crate::scim::ScimPage;
use crate::second_factor::{CodePage, SecondFactorPage};
use crate::secret::SecretsPage;
use crate::signing::TextPage;
use crate::tenant::{TenantPage, TenantsPage};
use crate::usage::UsagePage;

/// A page that can show examples of itself.
pub trait Sample: Template + Sized {
    /// Between them each part of the page is there once, and once is not.
    fn samples(page: &Page) -> Vec<Self>;
}

/// The files of code that have pages.
fn pages_of_code() -> Vec<PathBuf> {
    let all = files(&root().join("src"));
    let nouns: BTreeSet<PathBuf> = all
        .iter()
        .filter(|path| path.ends_with("page.rs"))
        .filter_map(|path| path.parent().map(Path::to_owned))
        .chain([root().join("src/portal")])
        .collect();
    all.into_iter().filter(|path| nouns.iter().any(|folder| path.starts_with(folder))).collect()
}

/// The samples of a page, as they are sent.
type Rendered = fn(&Page) -> Vec<String>;

/// Each page by the template that it is made of.
const PAGES: [(&str, Rendered); 54] = [
    ("amendment/new.html", rendered::<AmendPage>),
    ("api_docs.html", rendered::<api_docs::ApiPage>),
    ("audit.html", rendered::<audit::AuditPage>),
    ("capacity.html", rendered::<capacity::CapacityPage>),
    ("contract.html", rendered::<contracts::show::ContractPage>),
    ("contract_act.html", rendered::<contracts::acts::ActPage>),
    ("backup/list.html", rendered::<BackupsPage>),
    ("contract_form.html", rendered::<contracts::draft::DraftPage>),
    ("contracts.html", rendered::<contracts::list::ContractsPage>),
    ("correction/list.html", rendered::<CorrectionsPage>),
    ("correction/new.html", rendered::<ProposalPage>),
    ("dry_run_part.html", rendered::<jobs::submit::DryPart>),
    ("debt/list.html", rendered::<DebtsPage>),
    ("device/show.html", rendered::<DevicePage>),
    ("disk/show.html", rendered::<DiskPage>),
    ("events.html", rendered::<event_list::EventsPage>),
    ("evidence/show.html", rendered::<EvidencePage>),
    ("budget/list.html", rendered::<BudgetsPage>),
    ("budget/show.html", rendered::<BudgetPage>),
    ("invitation/list.html", rendered::<InvitationsPage>),
    ("invitation/join.html", rendered::<JoinPage>),
    ("job.html", rendered::<jobs::show::JobPage>),
    ("jobs.html", rendered::<jobs::list::JobsPage>),
    ("jobs_cancel.html", rendered::<jobs::bulk::CancelPage>),
    ("member.html", rendered::<member::MemberPage>),
    ("node.html", rendered::<nodes::show::NodePage>),
    ("nodes.html", rendered::<nodes::list::NodesPage>),
    ("oidc/no_place.html", rendered::<NoPlacePage>),
    ("oidc/onward.html", rendered::<OnwardPage>),
    ("oidc/pending.html", rendered::<PendingPage>),
    ("overview_center.html", rendered::<overview::OfCenter>),
    ("overview_tenant.html", rendered::<overview::OfTenant>),
    ("people.html", rendered::<people::PeoplePage>),
    ("period/list.html", rendered::<PeriodsPage>),
    ("period/show.html", rendered::<PeriodPage>),
    ("price/list.html", rendered::<PriceBooksPage>),
    ("price/new.html", rendered::<DraftPage>),
    ("price/show.html", rendered::<PriceBookPage>),
    ("retirement/show.html", rendered::<RetirementPage>),
    ("scim/list.html", rendered::<ScimPage>),
    ("second_factor/code.html", rendered::<CodePage>),
    ("second_factor/show.html", rendered::<SecondFactorPage>),
    ("secret/list.html", rendered::<SecretsPage>),
    ("signing/show.html", rendered::<TextPage>),
    ("sign_in.html", rendered::<sign_in::SignInPage>),
    ("statement.html", rendered::<contracts::statement::StatementPage>),
    ("submit.html", rendered::<jobs::submit::SubmitPage>),
    ("tenant/list.html", rendered::<TenantsPage>),
    ("tenant/show.html", rendered::<TenantPage>),
    ("tokens.html", rendered::<tokens::TokensPage>),
    ("top_up.html", rendered::<contracts::top_up::TopUpPage>),
    ("twin.html", rendered::<twin::TwinPage>),
    ("twin_trial.html", rendered::<twin::TrialPage>),
    ("usage/show.html", rendered::<UsagePage>),
];

/// Text that looks like a key and is meant to be read: the name of a limit, which programs read as well.
const MEANT: [&str; 1] = ["free_cards"];

fn rendered<P: Sample>(page: &Page) -> Vec<String> {
    P::samples(page).iter().map(|sample| live::whole(&sample.render().expect("it renders"))).collect()
}

/// A language with all its texts.
pub fn ui(lang: Lang) -> Ui {
    crate::nouns::load_texts();
    Ui::of(lang)
}

/// The shell as somebody signed in sees it.
fn shell(lang: Lang) -> Page {
    let ui = ui(lang);
    let link = |key, href, count: Option<&str>| Link { key, href, count: count.map(str::to_owned) };
    let group = |head, links| Group { head, links };
    Page {
        ui,
        title: "A title".into(),
        nav: "jobs",
        theme: Some("dark"),
        center_name: center_name(lang),
        who: "Li".into(),
        who_more: "Univ".into(),
        places: vec![Choice::new("mem_1", "Univ < A"), Choice::new("mem_2", "Center")],
        place: "mem_2".into(),
        csrf: "0f".into(),
        groups: vec![
            group("", vec![link("overview", "/", None), link("jobs", "/jobs", Some("2"))]),
            group("money", vec![link("contracts", "/contracts", None)]),
            group("administration", vec![]),
        ],
        live_key: "AAAA".into(),
        here: "/jobs?state=active".into(),
        drawn_at: views::AT,
        switch_href: "/jobs?state=active&lang=en".into(),
        is_signed_in: true,
        is_all_virtual: true,
        generated: ui.t2("generated-past", "2026-04-20", "2026-05-20"),
        failed: "3 <tries>".into(),
        description: String::new(),
    }
}

/// A name in one of the two languages, with a character that has to be escaped.
fn center_name(lang: Lang) -> String {
    match lang {
        Lang::Zh => "钱塘 & 中心".into(),
        Lang::En => "Hall & River".into(),
    }
}

/// The shell around somebody who is not.
fn door(lang: Lang) -> Page {
    let nobody = String::new;
    Page {
        theme: None,
        who: nobody(),
        who_more: nobody(),
        places: Vec::new(),
        csrf: nobody(),
        live_key: nobody(),
        groups: Vec::new(),
        is_signed_in: false,
        is_all_virtual: false,
        generated: nobody(),
        failed: nobody(),
        description: String::new(),
        ..shell(lang)
    }
}

/// Every page in that language: its template, and the text.
fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let of = |(template, pages): &(&'static str, Rendered)| {
        let door = (*template == "sign_in.html").then(|| pages(&door(lang)));
        let all = pages(&shell(lang)).into_iter().chain(door.into_iter().flatten());
        all.map(|page| (*template, page)).collect::<Vec<_>>()
    };
    PAGES.iter().flat_map(of).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All templates by name: a crate sees its own and those of the ground.
fn templates() -> BTreeMap<String, PathBuf> {
    let folders = ["src", "templates", "../base/templates"].map(|folder| root().join(folder));
    let named = folders.iter().flat_map(|folder| {
        let name =
            move |path: &Path| path.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
        let is_template = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "html");
        files(folder).into_iter().filter(is_template).map(move |path| (name(&path), path))
    });
    named.collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

/// The names in quotation marks that follow one of these words in a template.
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
            crate::nouns::keys(lang).into_iter().map(|key| super::text(lang, key, &[])).collect();
        for (template, page) in pages(lang) {
            let read = markup::read(&page).unwrap_or_else(|error| panic!("{template}: {error}\n{page}"));
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
fn no_line_of_a_template_is_too_long_to_read() {
    for path in templates().values() {
        for (line, number) in text(path).lines().zip(1..) {
            let columns = line.chars().count();
            assert!(columns <= 140, "{}:{number} has {columns} columns", path.display());
        }
    }
}

/// A component's parameters are known in its body too, where they would hide a page's own fields and
/// variables of the same names.
#[test]
fn no_component_hides_what_a_page_has() {
    let (components, pages): (Vec<_>, Vec<_>) =
        templates().into_iter().partition(|(name, _)| name.starts_with("components/"));
    let mut words = BTreeSet::from(["row".to_owned()]);
    for source in components.iter().map(|(_, path)| text(path)) {
        let macros = source.split("macro ").skip(1).filter(|after| after.contains("caller"));
        let heads = macros.filter_map(|after| after.split_once('(')?.1.split_once(") -%}"));
        for (head, _) in heads {
            let word = |given: &str| given.split('=').next().unwrap_or_default().trim().to_owned();
            words.extend(head.split(',').map(word).filter(|word| !word.is_empty()));
        }
    }
    assert!(words.len() > 10, "the search found {words:?}");
    let mut own = BTreeSet::new();
    for source in pages.iter().map(|(_, path)| text(path)) {
        for (before, after) in [("for ", ' '), ("Some(", ')'), ("let ", ' ')] {
            own.extend(
                source.split(before).skip(1).filter_map(|rest| rest.split(after).next()).map(str::to_owned),
            );
        }
    }
    for source in pages_of_code().iter().map(|path| text(path)) {
        for page in source.split("#[template(path =").skip(1) {
            let body = page.split_once('{').and_then(|(_, body)| body.split_once("\n}")).expect("a struct").0;
            let fields = body.lines().filter_map(|line| line.split_once(": ").map(|(name, _)| name.trim()));
            own.extend(fields.filter(|name| !name.contains('/')).map(str::to_owned));
        }
    }
    assert!(own.contains("page") && own.contains("may_submit"), "the search found {own:?}");
    let hidden: Vec<&String> = words.intersection(&own).collect();
    assert!(hidden.is_empty(), "both a component's word and a page's thing: {hidden:?}");
}

#[test]
fn no_template_is_left_out() {
    let templates = templates();
    let sampled: BTreeSet<String> = PAGES.iter().map(|(template, _)| (*template).to_owned()).collect();
    let mut reached = sampled.clone();
    // The ground's own pages, which have their tests there.
    reached.extend(["carried.html", "fault.html"].map(str::to_owned));
    loop {
        let named: BTreeSet<String> = reached
            .iter()
            .flat_map(|path| {
                named(&text(&templates[path]), &["extends", "include", "import"]).collect::<Vec<_>>()
            })
            .collect();
        let before = reached.len();
        reached.extend(named);
        if reached.len() == before {
            break;
        }
    }
    let there: BTreeSet<String> = templates.into_keys().collect();
    assert_eq!(there, reached, "each template belongs to a page with samples");
    let sources: String = pages_of_code().iter().map(|path| text(path)).collect();
    let made: BTreeSet<String> = named(&sources, &["template(path ="]).collect();
    assert_eq!(made, sampled, "each page has samples");
}
