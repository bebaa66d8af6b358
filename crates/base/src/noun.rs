//! The table of nouns. A noun says here, once, all that others need to know of it: what can be done to it, its events, its
//! words, its routes and pages, its places in the navigation. A platform is a list of nouns.
//!
//! The table is data. Whoever needs all actions, texts or routes goes over it, and so do the tests: each action has its
//! words and its line in the matrix of who may do what, each route is asked by each role, both languages have the same texts.

use std::fmt;

use utoipa_axum::router::OpenApiRouter;

use crate::{
    approval::Kind as Approval,
    auth::{Action, Caller},
    error::AppError,
    events::Kind,
    page::{
        frame::{Group, Link},
        routes::Routes,
        texts::Texts,
    },
};

/// A noun of a platform. `C` is the handle that its routes, pages and tasks work with.
pub struct Noun<C: 'static> {
    /// As in the list of words: `price book`.
    pub name: &'static str,
    /// All that can be done to it, and all that the center does to it by itself.
    pub actions: &'static [Action],
    /// The kinds of its events.
    pub events: &'static [Kind],
    /// Its words.
    pub texts: &'static [Texts],
    pub api: fn() -> OpenApiRouter<C>,
    pub pages: fn() -> Routes<C>,
    /// Its places in the navigation.
    pub places: &'static [Place<C>],
    /// The kinds of applications that it adds: what is asked of the center and decided by people.
    pub approvals: &'static [Approval<C>],
    /// The page that shows the center to whoever has not signed in.
    pub welcome: Option<&'static str>,
    /// Ends what the clock has ended of it. The loop that does the same for applications calls it.
    pub expire: Option<Expire<C>>,
}

/// Ends what the clock has ended.
pub type Expire<C> = fn(&C) -> Result<(), AppError>;

impl<C: Clone + Send + Sync + 'static> Noun<C> {
    /// A noun that has nothing yet but its name: `Noun { texts: …, ..Noun::named("voucher") }`.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            actions: &[],
            events: &[],
            texts: &[],
            api: OpenApiRouter::new,
            pages: Routes::default,
            places: &[],
            approvals: &[],
            welcome: None,
            expire: None,
        }
    }
}

impl<C> fmt::Debug for Noun<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noun").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The parts of the navigation, in their order; the first has no heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Work,
    Money,
    Industry,
    Administration,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Work, Self::Money, Self::Industry, Self::Administration];

    /// Its heading is the text `nav-group-<key>`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Work => "",
            Self::Money => "money",
            Self::Industry => "industry",
            Self::Administration => "administration",
        }
    }
}

/// An entry of the navigation, for those who see it.
pub struct Place<C: 'static> {
    pub part: Part,
    /// Its word is the text `nav-<key>`, its icon the symbol `<key>`.
    pub key: &'static str,
    pub href: &'static str,
    /// Who sees it, and the number beside it, such as the jobs that have not ended. 0 is not shown.
    pub shown: fn(&C, &Caller) -> Option<usize>,
}

impl<C> fmt::Debug for Place<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("key", &self.key).finish_non_exhaustive()
    }
}

/// One of the center's platforms, or the center itself: a list of nouns.
#[derive(Debug)]
pub struct Platform<C: 'static> {
    pub name: &'static str,
    pub nouns: &'static [Noun<C>],
}

/// All nouns of all platforms.
pub fn nouns<C>(platforms: &[Platform<C>]) -> impl Iterator<Item = &Noun<C>> {
    platforms.iter().flat_map(|platform| platform.nouns)
}

/// The page for whoever has not signed in, where a platform has one.
pub fn welcome<C>(platforms: &[Platform<C>]) -> Option<&'static str> {
    nouns(platforms).find_map(|noun| noun.welcome)
}

/// All kinds of applications.
pub fn approvals<C>(platforms: &'static [Platform<C>]) -> impl Iterator<Item = &'static Approval<C>> {
    nouns(platforms).flat_map(|noun| noun.approvals)
}

/// The navigation that `caller` sees.
pub fn navigation<C>(platforms: &[Platform<C>], handle: &C, caller: &Caller) -> Vec<Group> {
    let of_part = |part: Part| {
        let places = nouns(platforms).flat_map(|noun| noun.places).filter(|place| place.part == part);
        let link = |place: &Place<C>| {
            let count = (place.shown)(handle, caller)?;
            let count = Some(count.to_string()).filter(|_| count > 0);
            Some(Link { key: place.key, href: place.href, count })
        };
        Group { head: part.key(), links: places.filter_map(link).collect() }
    };
    Part::ALL.map(of_part).into()
}
