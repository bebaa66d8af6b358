//! The OpenAPI document, and the script of the page on which the API is tried out.

use axum::{
    Router,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::Value;
use utoipa::{
    Modify, PartialSchema as _,
    openapi::{
        OpenApi, Required,
        path::{ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::once::KEYS;

const SCRIPT: &str = include_str!("../../static/api/try.js");

/// Says that requests carry a bearer token.
#[derive(Debug)]
pub struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// Says which requests take an idempotency key.
#[derive(Debug)]
pub struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            let Some(post) = &mut item.post else { continue };
            let mark = post.extensions.as_ref().and_then(|extensions| extensions.get(KEYS));
            // A route that keeps its own keys describes them itself.
            if mark.is_some() {
                continue;
            }
            let header = ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .schema(Some(domain::schema::Key::schema()))
                .description(Some(
                    "1 to 128 visible ASCII characters. The same request again with the same key takes effect once and \
                     is answered as the first time.",
                ))
                .build();
            post.parameters.get_or_insert_default().push(header.into());
        }
    }
}

/// Writes the formats of unsigned integers as the registry of OpenAPI does, with the bounds of their width, which a format
/// alone tells nobody who checks a request.
fn bound(part: &mut Value) {
    match part {
        Value::Object(map) => {
            let format = match map.get("format").and_then(Value::as_str) {
                Some("u-int8") => Some(("uint8", 0, u64::from(u8::MAX))),
                Some("u-int16") => Some(("uint16", 0, u64::from(u16::MAX))),
                Some("u-int32") => Some(("uint32", 0, u64::from(u32::MAX))),
                Some("u-int64") => Some(("uint64", 0, u64::MAX)),
                Some("int64") => Some(("int64", i64::MIN, i64::MAX.unsigned_abs())),
                _ => None,
            };
            if let Some((format, least, most)) = format {
                map.insert("format".to_owned(), format.into());
                map.entry("minimum").or_insert_with(|| least.into());
                map.entry("maximum").or_insert_with(|| most.into());
            }
            map.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

pub fn router<C: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<C> {
    let mut json = serde_json::to_value(document).expect("a document that the program makes is JSON");
    bound(&mut json);
    let json = json.to_string();
    let script = || async {
        let headers: [(HeaderName, &str); 2] = [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        ];
        (headers, SCRIPT).into_response()
    };
    Router::new()
        .route(
            "/api/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json) }),
        )
        .route("/api/docs/try.js", get(script))
}
