//! The part of a program, as RFC 8628 has it: forms in, JSON out, with the error codes of RFC 6749. Where it is, RFC 8414's
//! document says.

use axum::{
    Form, Json, Router,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base::{api::extract::Peer, error::AppError, http::retry_after_s};
use serde_json::{Value, json};

use super::{
    ask::{self, Not},
    rule,
};
use crate::center::Center;

const AUTHORIZE: &str = "/oauth/device_authorization";
const TOKEN: &str = "/oauth/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub fn router() -> Router<Center> {
    Router::new()
        .route(AUTHORIZE, post(authorize))
        .route(TOKEN, post(token))
        .route("/.well-known/oauth-authorization-server", get(metadata))
}

/// What is wrong with a request, in the words of the standards.
struct Fault(&'static str, &'static str);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self(error, description) = self;
        answer(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": description }))
    }
}

/// An answer that no cache keeps.
fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}

/// An error of the center, in the same form.
fn failed(error: AppError) -> Response {
    if let AppError::TooMany { .. } = error {
        let body =
            json!({ "error": "slow_down", "error_description": "too many requests came from this address" });
        let mut response = answer(StatusCode::TOO_MANY_REQUESTS, &body);
        if let Some(seconds) = retry_after_s(&error) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return response;
    }
    if let AppError::Refused(_) = error {
        let body = json!({ "error": "temporarily_unavailable", "error_description": error.to_string() });
        return answer(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    error.into_response()
}

type Sent = Result<Form<Vec<(String, String)>>, FormRejection>;

/// The parameters that were sent, of which none may come twice. Others than ours are let pass, as the standard says.
struct Given(Vec<(String, String)>);

impl Given {
    fn of(sent: Sent) -> Result<Self, Fault> {
        let Ok(Form(fields)) = sent else {
            return Err(Fault("invalid_request", "send a form: application/x-www-form-urlencoded"));
        };
        let is_twice = |name: &str| fields.iter().filter(|(known, _)| known == name).count() > 1;
        if fields.iter().any(|(name, _)| is_twice(name)) {
            return Err(Fault("invalid_request", "a parameter came twice"));
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn client(&self) -> Result<&str, Fault> {
        let client = self.get("client_id");
        let is_known = rule::CLIENTS.contains(&client);
        is_known
            .then_some(client)
            .ok_or(Fault("invalid_client", "this center knows the client `qiantang` alone"))
    }
}

/// The center's address as the program names it, and so as the person's browser will.
fn own_address(center: &Center, headers: &HeaderMap, uri: &Uri) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(axum::http::uri::Authority::as_str)).unwrap_or_default();
    let scheme = if center.settings.has_secure_cookies() { "https" } else { "http" };
    format!("{scheme}://{host}")
}

async fn metadata(State(center): State<Center>, headers: HeaderMap, uri: Uri) -> Response {
    let own = own_address(&center, &headers, &uri);
    Json(json!({
        "issuer": own,
        "device_authorization_endpoint": format!("{own}{AUTHORIZE}"),
        "token_endpoint": format!("{own}{TOKEN}"),
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "ui_locales_supported": ["zh-CN", "en"],
        "service_documentation": format!("{own}/api/docs"),
    }))
    .into_response()
}

async fn authorize(
    State(center): State<Center>,
    Peer(from): Peer,
    uri: Uri,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let asked = Given::of(sent).and_then(|given| {
        let client = given.client()?.to_owned();
        Ok((client, given.get("device_name").to_owned()))
    });
    let (client, machine) = match asked {
        Ok(asked) => asked,
        Err(fault) => return fault.into_response(),
    };
    let codes = match ask::begin(&center, &client, &machine, &from) {
        Ok(codes) => codes,
        Err(error) => return failed(error),
    };
    let (page, user_code) =
        (format!("{}/device", own_address(&center, &headers, &uri)), rule::shown(&codes.user));
    answer(
        StatusCode::OK,
        &json!({
            "device_code": codes.device,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": rule::AGE_S,
            "interval": rule::INTERVAL_S,
        }),
    )
}

async fn token(State(center): State<Center>, sent: Sent) -> Response {
    let asked = Given::of(sent).and_then(|given| {
        if given.get("grant_type") != GRANT {
            return Err(Fault("unsupported_grant_type", "this center gives tokens for device codes alone"));
        }
        given.client()?;
        Ok(given.get("device_code").to_owned())
    });
    let code = match asked {
        Ok(code) => code,
        Err(fault) => return fault.into_response(),
    };
    let made = match ask::collect(&center, &code).await {
        Ok(Ok(made)) => made,
        Ok(Err(not)) => return why(not).into_response(),
        Err(error) => return failed(error),
    };
    let expires_in = made.expires_at.0.since(base::moment::now()).0 / 1000;
    answer(
        StatusCode::OK,
        &json!({
            "access_token": made.token,
            "token_type": "Bearer",
            "expires_in": expires_in,
            "token_id": made.id,
            "expires_at": made.expires_at,
            "member": made.member,
        }),
    )
}

fn why(not: Not) -> Fault {
    match not {
        Not::Known => Fault("invalid_grant", "no program waits with this device code"),
        Not::InTime => Fault("expired_token", "nobody answered in time: begin anew"),
        Not::Answered => Fault("authorization_pending", "nobody has answered yet"),
        Not::SoFast => Fault("slow_down", "leave five seconds more between two requests"),
        Not::Allowed => Fault("access_denied", "the person did not let the program in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_in_the_words_of_the_standard() {
        let told = [Not::Known, Not::InTime, Not::Answered, Not::SoFast, Not::Allowed].map(|not| why(not).0);
        let words = ["invalid_grant", "expired_token", "authorization_pending", "slow_down", "access_denied"];
        assert_eq!(told, words);
    }
}
