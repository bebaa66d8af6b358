//! Whether a token of an issuer is right.
//!
//! An ID token is looked at by `openidconnect`: signature, issuer, audience, expiry, nonce. What that leaves to its user is
//! looked at here: the authorized party, the age, the hash of the access token. A logout token is another kind of token,
//! which that crate does not know, and is looked at here alone, by the same keys.

use base::moment;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Millis, Timestamp};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, IdTokenVerifier, JsonWebKey as _,
    JsonWebKeyAlgorithm, JsonWebKeySet, JsonWebKeyUse, Nonce, RequestTokenError, SignatureVerificationError,
    core::{CoreErrorResponseType, CoreIdToken, CoreJsonWebKey, CoreJwsSigningAlgorithm as Alg},
};
use serde_json::{Map, Value};

use super::fault::Fault;

/// The clocks of an issuer and of the center may be so far apart.
pub const SKEW: Millis = Millis::from_secs(60);
/// A token that was made longer ago is not one of this sign-in.
pub const OLDEST: Millis = Millis::from_secs(600);

/// The ways of signing that are taken: by a key of which the issuer alone has the secret half.
pub const ALGORITHMS: [Alg; 7] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

type Verifier<'a> = IdTokenVerifier<'a, CoreJsonWebKey>;

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// Looks at an ID token.
pub fn id_token(
    verifier: &Verifier<'_>,
    token: &CoreIdToken,
    nonce: &Nonce,
    access: &AccessToken,
) -> Result<(), Fault> {
    let now = moment::now();
    let (earliest, latest) = (seconds(now.minus(OLDEST).minus(SKEW)), seconds(now.plus(SKEW)));
    let expires_after = seconds(now.minus(SKEW));
    let verifier = verifier
        .clone()
        .set_allowed_algs(ALGORITHMS)
        // Which of them are trusted is looked at by the authorized party.
        .set_other_audience_verifier_fn(|_| true)
        .set_time_fn(move || chrono::DateTime::from_timestamp(expires_after, 0).unwrap_or_default())
        .set_issue_time_verifier_fn(move |at| {
            let is_now = (earliest..=latest).contains(&at.timestamp());
            is_now.then_some(()).ok_or_else(|| "it was made at another time".to_owned())
        });
    let claims = token.claims(&verifier, nonce).map_err(|error| of_claims(&error))?;
    if let Some(wanted) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|_| Fault::BadSignature)?;
        let key = token.signing_key(&verifier).map_err(|_| Fault::BadSignature)?;
        let hash = AccessTokenHash::from_token(access, algorithm, key).map_err(|_| Fault::BadSignature)?;
        if hash != *wanted {
            return Err(Fault::BadSignature);
        }
    }
    Ok(())
}

fn of_claims(error: &ClaimsVerificationError) -> Fault {
    use ClaimsVerificationError as E;
    tracing::debug!(%error, "an ID token is not right");
    match error {
        E::Expired(_) => Fault::Expired,
        E::InvalidAudience(_) => Fault::WrongAudience,
        E::InvalidIssuer(_) => Fault::WrongIssuer,
        E::InvalidNonce(_) => Fault::WrongNonce,
        E::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Fault::UnknownKey,
        E::SignatureVerification(_) => Fault::BadSignature,
        _ => Fault::Malformed,
    }
}

/// What became of the request for an ID token.
pub fn of_request(
    error: &RequestTokenError<ureq::Error, openidconnect::StandardErrorResponse<CoreErrorResponseType>>,
) -> Fault {
    match error {
        RequestTokenError::ServerResponse(said) if *said.error() == CoreErrorResponseType::InvalidGrant => {
            Fault::BadCode
        }
        RequestTokenError::ServerResponse(said) => Fault::unreachable(said.to_string()),
        RequestTokenError::Parse(error, _) => {
            tracing::warn!(%error, "an issuer's answer to a code is not understood");
            Fault::Malformed
        }
        other => Fault::unreachable(base::error::chain(other)),
    }
}

/// Whom a token is for: the client alone, or as the one who asked for it.
pub fn party(claims: &Map<String, Value>, client: &str) -> Result<(), Fault> {
    let others = claims.get("aud").and_then(Value::as_array).map_or(0, |all| all.len().saturating_sub(1));
    match claims.get("azp") {
        Some(party) if party.as_str() == Some(client) => Ok(()),
        None if others == 0 => Ok(()),
        _ => Err(Fault::WrongAudience),
    }
}

/// The claims of a token that was looked at.
pub fn payload(token: &str) -> Result<Map<String, Value>, Fault> {
    part(token.split('.').nth(1).unwrap_or_default())
}

fn part(text: &str) -> Result<Map<String, Value>, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Fault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::Malformed)
}

/// A logout token that is right: whose sessions end, and until when it must not be taken again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
    pub expires_at: Timestamp,
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Looks at a logout token.
pub fn logout_token(
    token: &str,
    keys: &JsonWebKeySet<CoreJsonWebKey>,
    issuer: &str,
    client: &str,
) -> Result<Logout, Fault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
    let (head, body) = signed.split_once('.').ok_or(Fault::Malformed)?;
    let (head, claims) = (part(head)?, part(body)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Fault::Malformed)?;
    check_signature(&head, signed.as_bytes(), &signature, keys)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("iss").as_deref() != Some(issuer) {
        return Err(Fault::WrongIssuer);
    }
    let is_for = match claims.get("aud") {
        Some(Value::String(one)) => one == client,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(client)),
        _ => false,
    };
    if !is_for {
        return Err(Fault::WrongAudience);
    }
    let has_event = claims
        .get("events")
        .and_then(Value::as_object)
        .and_then(|all| all.get(EVENT))
        .is_some_and(Value::is_object);
    if !has_event || claims.contains_key("nonce") {
        return Err(Fault::Malformed);
    }
    let now = moment::now();
    let instant = |name: &str| {
        claims.get(name).and_then(Value::as_f64).map(|at| {
            #[expect(clippy::cast_possible_truncation, reason = "a token of another age is refused below")]
            Timestamp::from_secs(at.clamp(0.0, 1e11) as i64)
        })
    };
    let made_at = instant("iat").ok_or(Fault::Malformed)?;
    let expires_at = instant("exp").unwrap_or_else(|| made_at.plus(OLDEST));
    if made_at > now.plus(SKEW)
        || now.since(made_at).0 > OLDEST.0 + SKEW.0
        || now.since(expires_at).0 > SKEW.0
    {
        return Err(Fault::Expired);
    }
    let (subject, sid) = (text("sub"), text("sid"));
    if subject.is_none() && sid.is_none() {
        return Err(Fault::Malformed);
    }
    let jti = text("jti").filter(|jti| !jti.is_empty()).ok_or(Fault::Malformed)?;
    Ok(Logout { subject, sid, jti, expires_at: expires_at.plus(OLDEST).plus(SKEW) })
}

fn check_signature(
    head: &Map<String, Value>,
    signed: &[u8],
    signature: &[u8],
    keys: &JsonWebKeySet<CoreJsonWebKey>,
) -> Result<(), Fault> {
    let text = |name: &str| head.get(name).and_then(Value::as_str);
    if head.contains_key("crit") || !matches!(text("typ"), None | Some("JWT" | "logout+jwt")) {
        return Err(Fault::Malformed);
    }
    let algorithm: Alg = serde_json::from_value(head.get("alg").cloned().unwrap_or_default())
        .map_err(|_| Fault::BadSignature)?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(Fault::BadSignature);
    }
    let kid = text("kid");
    let fits = |key: &&CoreJsonWebKey| {
        let is_named = kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
        let may_sign = key.key_use().is_none_or(JsonWebKeyUse::allows_signature);
        let is_for = match key.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(named) => *named == algorithm,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        is_named && may_sign && is_for
    };
    let mut found = keys.keys().iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(key), None) => {
            key.verify_signature(&algorithm, signed, signature).map_err(|_| Fault::BadSignature)
        }
        (None, _) => Err(Fault::UnknownKey),
        (Some(_), Some(_)) => Err(Fault::BadSignature),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_for_several_names_the_one_who_asked() {
        let party = |claims: Value| party(claims.as_object().expect("claims"), "us");
        assert_eq!(party(json!({ "aud": "us" })), Ok(()));
        assert_eq!(party(json!({ "aud": ["us"] })), Ok(()));
        assert_eq!(party(json!({ "aud": ["us", "them"], "azp": "us" })), Ok(()));
        for claims in [
            json!({ "aud": ["us", "them"] }),
            json!({ "aud": ["us", "them"], "azp": "them" }),
            json!({ "aud": "us", "azp": "them" }),
            json!({ "aud": "us", "azp": 7 }),
        ] {
            assert_eq!(party(claims.clone()), Err(Fault::WrongAudience), "{claims}");
        }
    }

    #[test]
    fn a_way_of_signing_that_needs_no_secret_of_the_issuer_is_not_taken() {
        let keys = JsonWebKeySet::new(vec![CoreJsonWebKey::new_symmetric(b"secret".to_vec())]);
        for alg in ["none", "HS256", "HS384", "HS512", "RS1", ""] {
            let head = json!({ "alg": alg });
            let head = head.as_object().expect("a head");
            assert_eq!(check_signature(head, b"x", b"", &keys), Err(Fault::BadSignature), "{alg}");
        }
        for head in [json!({ "alg": "RS256", "crit": ["b64"] }), json!({ "alg": "RS256", "typ": "at+jwt" })] {
            let head = head.as_object().expect("a head");
            assert_eq!(check_signature(head, b"x", b"", &keys), Err(Fault::Malformed));
        }
        let head = json!({ "alg": "RS256", "kid": "one" });
        assert_eq!(
            check_signature(head.as_object().expect("a head"), b"x", b"", &keys),
            Err(Fault::UnknownKey)
        );
    }
}
