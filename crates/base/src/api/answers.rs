//! Which refusals the document tells of each operation. Every operation can be refused for what all of its kind ask: a
//! sign-in, a body of a certain form, a path. A route says only how it succeeds, and what is its own.

use axum::http::StatusCode;
use utoipa::{
    Modify, PartialSchema,
    openapi::{
        ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, Parameter, ParameterIn, PathItem},
        request_body::RequestBody,
    },
};

use super::problem::Problem;

/// The name of the one answer that all refusals are, among the document's components.
const PROBLEM: &str = "Problem";

/// The media type of a problem document (RFC 9457).
const KIND: &str = "application/problem+json";

/// Names all answers of each operation.
#[derive(Debug)]
pub struct Answers;

impl Modify for Answers {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
        let problem = ResponseBuilder::new().description("Why it is refused").content(KIND, content).build();
        components.responses.insert(PROBLEM.to_owned(), RefOr::T(problem));
        components.schemas.entry(PROBLEM.to_owned()).or_insert_with(Problem::schema);
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                operation.operation_id = Some(name(method, path));
                answer(operation);
            }
        }
    }
}

/// An operation's name for programs, such as `get_jobs_id_runs`: no two are alike, as no two routes are.
fn name(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1/");
    let word = |part: &str| part.trim_matches(['{', '}']).replace('-', "_");
    let words: Vec<String> = path.split('/').map(word).collect();
    format!("{method}_{}", words.join("_"))
}

/// Gives each answer its description, and refusals their one form.
fn answer(operation: &mut Operation) {
    let refused = statuses(operation);
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        match response {
            RefOr::T(response) if response.description.is_empty() => {
                let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
                let reason = status.and_then(|status| status.canonical_reason());
                reason.unwrap_or("An answer").clone_into(&mut response.description);
            }
            RefOr::T(_) | RefOr::Ref(_) => {}
        }
    }
    let own = responses.keys().filter(|status| status.as_str() >= "400").cloned();
    let all: Vec<String> = own.chain(refused.into_iter().map(str::to_owned)).collect();
    for status in all {
        responses.insert(status, RefOr::Ref(Ref::from_response_name(PROBLEM)));
    }
}

/// The operations of a path, with their methods.
fn operations(path: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    let all = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A parameter that is no reference to another place of the document; the center writes no references.
fn whole(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

/// The statuses with which an operation can be refused.
fn statuses(operation: &Operation) -> Vec<&'static str> {
    let parameters: Vec<&Parameter> = operation.parameters.iter().flatten().filter_map(whole).collect();
    let stands = |place: ParameterIn| parameters.iter().any(|parameter| parameter.parameter_in == place);
    let (in_path, in_query) = (stands(ParameterIn::Path), stands(ParameterIn::Query));
    let in_header = stands(ParameterIn::Header);
    let mut statuses = vec!["401", "429", "500", "503", "507"];
    if operation.security.is_none() {
        statuses.push("403");
    }
    if in_path {
        statuses.extend(["400", "404", "409", "422"]);
    }
    if in_query {
        statuses.extend(["400", "404", "422"]);
    }
    if in_header {
        statuses.extend(["409", "422"]);
    }
    if let Some(body) = &operation.request_body {
        statuses.extend(["400", "404", "409", "413", "422"]);
        let is_json = |body: &RequestBody| body.content.contains_key("application/json");
        if matches!(body, RefOr::T(body) if is_json(body)) {
            statuses.push("415");
        }
    }
    statuses
}
