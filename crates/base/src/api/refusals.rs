//! Which refusals the document tells of each operation. Every operation can be refused for what all of its kind ask: a
//! sign-in, a body of a certain form, a path. A route says only how it succeeds, and what is its own.

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

/// Adds the refusals to each operation.
#[derive(Debug)]
pub struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
        let problem = ResponseBuilder::new().description("Why it is refused").content(KIND, content).build();
        components.responses.insert(PROBLEM.to_owned(), RefOr::T(problem));
        components.schemas.entry(PROBLEM.to_owned()).or_insert_with(Problem::schema);
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            for status in statuses(operation) {
                let answer = Ref::from_response_name(PROBLEM);
                operation.responses.responses.insert(status.to_owned(), RefOr::Ref(answer));
            }
        }
    }
}

/// The operations of a path.
fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
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
    let mut statuses = vec!["401", "429", "500", "503"];
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
