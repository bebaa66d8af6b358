//! What SCIM sends: errors, lists and what the center says of itself (RFC 7643, RFC 7644).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::error::AppError;
use serde_json::{Value, json};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The most things that a list has.
pub const MOST_LISTED: usize = 200;

/// Why something was not done, as SCIM tells it.
#[derive(Debug)]
pub struct Fault {
    pub status: StatusCode,
    /// RFC 7644, table 9.
    pub kind: Option<&'static str>,
    pub detail: String,
}

impl Fault {
    pub fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: Some(kind), detail: detail.into() }
    }

    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    pub fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(80).collect();
        Self { status: StatusCode::NOT_FOUND, kind: None, detail: format!("there is no {what} {id:?}") }
    }

    pub fn taken(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, kind: Some("uniqueness"), detail: detail.into() }
    }
}

impl From<AppError> for Fault {
    fn from(error: AppError) -> Self {
        let status = base::http::status(&error);
        let kind = matches!(error, AppError::Refused(_)).then_some("mutability");
        if status.is_server_error() {
            tracing::error!(error = base::error::chain(&error), "a directory's request failed");
        }
        Self { status, kind, detail: error.to_string() }
    }
}

impl From<store::StoreError> for Fault {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::Conflict { what } => Self::taken(format!("there is {what} already")),
            other => AppError::from(other).into(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut body =
            json!({ "schemas": [ERROR], "status": self.status.as_u16().to_string(), "detail": self.detail });
        if let Some(kind) = self.kind {
            body["scimType"] = json!(kind);
        }
        answer(self.status, &body)
    }
}

/// An answer of SCIM's type.
pub fn answer(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/scim+json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// A part of a list, from the `start`th of `total` on.
pub fn list(total: usize, start: usize, items: &[Value]) -> Value {
    json!({ "schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": items.len(), "Resources": items })
}

/// A resource with those of its attributes alone that were asked for.
pub fn narrowed(mut resource: Value, only: Option<&str>, but: Option<&str>) -> Value {
    let names = |text: &str| -> Vec<String> {
        let all = text.split(',').map(|name| name.trim().to_lowercase());
        all.map(|name| name.split(['.', '[']).next().unwrap_or_default().to_owned()).collect()
    };
    let always = ["schemas", "id"];
    if let Some(all) = resource.as_object_mut() {
        if let Some(only) = only.map(names) {
            all.retain(|name, _| always.contains(&name.as_str()) || only.contains(&name.to_lowercase()));
        } else if let Some(but) = but.map(names) {
            all.retain(|name, _| always.contains(&name.as_str()) || !but.contains(&name.to_lowercase()));
        }
    }
    resource
}

fn meta(base: &str, kind: &str, path: &str) -> Value {
    json!({ "resourceType": kind, "location": format!("{base}{path}") })
}

/// What the center can do of SCIM.
pub fn config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST_LISTED },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "Bearer token",
            "description": "A token that an administrator of the tenant, or an operator of the center, made.", "primary": true }],
        "meta": meta(base, "ServiceProviderConfig", "/ServiceProviderConfig"),
    })
}

pub fn resource_types(base: &str) -> Vec<Value> {
    [("User", "/Users", USER), ("Group", "/Groups", GROUP)]
        .map(|(name, endpoint, schema)| {
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
                "endpoint": endpoint, "schema": schema, "description": name,
                "meta": meta(base, "ResourceType", &format!("/ResourceTypes/{name}")) })
        })
        .into()
}

fn attribute(name: &str, kind: &str, more: &Value) -> Value {
    let mut attribute = json!({ "name": name, "type": kind, "multiValued": false, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none", "description": name });
    for (key, value) in more.as_object().into_iter().flatten() {
        attribute[key] = value.clone();
    }
    if kind != "string" && kind != "reference" {
        let all = attribute.as_object_mut();
        all.map(|all| all.remove("caseExact"));
    }
    attribute
}

pub fn schemas(base: &str) -> Vec<Value> {
    let text = |name: &str| attribute(name, "string", &json!({}));
    let read_only = |name: &str, kind: &str| attribute(name, kind, &json!({ "mutability": "readOnly" }));
    let reference = |of: &str| {
        attribute("$ref", "reference", &json!({ "mutability": "readOnly", "referenceTypes": [of] }))
    };
    let user = [
        attribute("userName", "string", &json!({ "required": true, "uniqueness": "server" })),
        attribute(
            "name",
            "complex",
            &json!({ "subAttributes": [text("formatted"), text("givenName"), text("familyName")] }),
        ),
        text("displayName"),
        attribute(
            "emails",
            "complex",
            &json!({ "multiValued": true, "subAttributes":
            [text("value"), text("type"), attribute("primary", "boolean", &json!({}))] }),
        ),
        attribute("active", "boolean", &json!({ "required": true })),
        attribute(
            "groups",
            "complex",
            &json!({ "multiValued": true, "mutability": "readOnly", "subAttributes":
            [read_only("value", "string"), read_only("display", "string"), reference("Group")] }),
        ),
    ];
    let fixed = |name: &str| attribute(name, "string", &json!({ "mutability": "immutable" }));
    let group = [
        attribute("displayName", "string", &json!({ "required": true, "uniqueness": "server" })),
        attribute(
            "members",
            "complex",
            &json!({ "multiValued": true, "subAttributes": [fixed("value"),
            attribute("$ref", "reference", &json!({ "mutability": "immutable", "referenceTypes": ["User"] }))] }),
        ),
    ];
    [(USER, "User", user.to_vec()), (GROUP, "Group", group.to_vec())]
        .map(|(id, name, attributes)| {
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "name": name,
                "description": name, "attributes": attributes, "meta": meta(base, "Schema", &format!("/Schemas/{id}")) })
        })
        .into()
}
