//! The API as a page: its operations by what they are about, each to be tried out with a token.

use askama::Template;
use axum::{extract::State, response::Response};
use base::page::frame::{Front, Page, ok};
use domain::Lang;
use utoipa::openapi::{OpenApi, path::Operation};

use crate::{api, center::Center};

/// What each operation does, in Chinese: a line for each, its method and path and the text. The document has the English.
const ZH: &str = include_str!("../../locales/zh/api.tsv");

struct Line {
    method: &'static str,
    path: String,
    text: String,
}

struct Topic {
    name: String,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "api_docs.html")]
pub struct ApiPage {
    page: Page,
    topics: Vec<Topic>,
}

pub async fn page(State(center): State<Center>, front: Front) -> Response {
    let title = front.ui.t("nav-api");
    let page = Page::new(front, "api", title);
    let topics = topics(&page, &api::document(center.platforms));
    ok(&ApiPage { page, topics })
}

/// The operations of a document with their methods, in its order.
fn operations(document: &OpenApi) -> impl Iterator<Item = (&'static str, &str, &Operation)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        let methods = [
            ("get", &item.get),
            ("post", &item.post),
            ("put", &item.put),
            ("patch", &item.patch),
            ("delete", &item.delete),
        ];
        methods
            .into_iter()
            .filter_map(move |(method, operation)| Some((method, path.as_str(), operation.as_ref()?)))
    })
}

fn topics(page: &Page, document: &OpenApi) -> Vec<Topic> {
    let of_topic = |tag: &str| {
        let own = operations(document).filter(|(_, _, operation)| {
            operation.tags.as_ref().is_some_and(|tags| tags.iter().any(|own| own == tag))
        });
        let line = |(method, path, operation): (&'static str, &str, &Operation)| {
            let english = operation.summary.clone().unwrap_or_default();
            let text = match page.ui.lang {
                Lang::Zh => in_chinese(method, path).map_or(english, str::to_owned),
                Lang::En => english,
            };
            Line { method, path: path.to_owned(), text }
        };
        Topic { name: page.word("api-topic", tag), lines: own.map(line).collect() }
    };
    let tags = document.tags.iter().flatten().map(|tag| of_topic(&tag.name));
    tags.filter(|topic| !topic.lines.is_empty()).collect()
}

fn in_chinese(method: &str, path: &str) -> Option<&'static str> {
    let name = format!("{method} {}", path.trim_start_matches("/api/v1"));
    ZH.lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(known, _)| *known == name)
        .map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::Sample;

    impl Sample for ApiPage {
        fn samples(page: &Page) -> Vec<Self> {
            let topics = topics(page, &api::document(&[crate::PLATFORM]));
            vec![Self { page: page.clone(), topics }, Self { page: page.clone(), topics: Vec::new() }]
        }
    }

    #[test]
    fn every_operation_is_said_in_chinese() {
        let document = api::document(&[crate::PLATFORM]);
        let missing: Vec<String> = operations(&document)
            .filter(|(method, path, _)| in_chinese(method, path).is_none())
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        assert_eq!(missing, Vec::<String>::new(), "give each a line in locales/zh/api.tsv");
        let named: std::collections::BTreeSet<_> =
            ZH.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(named.len(), ZH.lines().count(), "none is there twice");
    }
}
