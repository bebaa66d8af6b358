//! An issuer as the center knows it: what it tells of itself, its keys, and a code changed for an ID token. All of it waits
//! for the network, so it belongs on threads that may wait.

use std::{sync::Arc, time::Duration};

use base::moment;
use domain::{Millis, Timestamp};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, JsonWebKeySet, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, Scope, TokenResponse as _, core as oidc,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ureq::{
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::transport::DefaultConnector,
};

use super::{fault::Fault, guard::Guarded, verify};
use crate::settings::oidc::{OidcSettings, is_allowed};

/// An issuer is waited for so long, each time that it is asked.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const MOST_BYTES: u64 = 1 << 20;
/// What an issuer told of itself is good for so long.
const GOOD_FOR: Millis = Millis::from_secs(3600);
/// An issuer that did not answer, or whose keys were just read, is asked again after so long.
const ASKED_AGAIN_AFTER: Millis = Millis::from_secs(10);

/// What an issuer tells of itself besides what all tell.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Extra {
    pub end_session_endpoint: Option<String>,
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub backchannel_logout_supported: bool,
}

impl AdditionalProviderMetadata for Extra {}

pub type Metadata = ProviderMetadata<
    Extra,
    oidc::CoreAuthDisplay,
    oidc::CoreClientAuthMethod,
    oidc::CoreClaimName,
    oidc::CoreClaimType,
    oidc::CoreGrantType,
    oidc::CoreJweContentEncryptionAlgorithm,
    oidc::CoreJweKeyManagementAlgorithm,
    oidc::CoreJsonWebKey,
    oidc::CoreResponseMode,
    oidc::CoreResponseType,
    oidc::CoreSubjectIdentifierType,
>;

/// An issuer of the settings, and what it told of itself.
pub struct Issuer {
    pub settings: OidcSettings,
    secret: Option<String>,
    agent: ureq::Agent,
    /// Where it sends browsers back.
    pub redirect: String,
    known: Mutex<State>,
}

#[derive(Default)]
struct State {
    metadata: Option<Arc<Metadata>>,
    at: Timestamp,
    keys_at: Timestamp,
    failed: Option<(Timestamp, Fault)>,
    /// Claims that the map names and that were absent of late.
    absent: Option<(Timestamp, String)>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

/// What is sent along to the issuer and expected back.
#[derive(Clone)]
pub struct Ask {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}

/// What came of a code: an ID token that is right, and its claims with those of the issuer's page about its subject.
#[derive(Debug)]
pub struct Told {
    pub id_token: String,
    pub subject: String,
    pub claims: Map<String, Value>,
}

impl Issuer {
    /// Reads the secret and the certificates. What is wrong is said in words.
    pub fn new(settings: &OidcSettings, center_url: &str) -> Result<Self, String> {
        let name = &settings.name;
        let secret = match (&settings.client_secret_file, &settings.client_secret_env) {
            (Some(path), _) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| format!("the secret of {name} in {}: {error}", path.display()))?,
            ),
            (None, Some(variable)) => Some(
                std::env::var(variable)
                    .map_err(|error| format!("the secret of {name} in ${variable}: {error}"))?,
            ),
            (None, None) => None,
        };
        let secret = secret.map(|text| text.trim().to_owned());
        if secret.as_ref().is_some_and(String::is_empty) {
            return Err(format!("the secret of {name} is empty"));
        }
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWERS_WITHIN))
            .max_redirects(0)
            .proxy(None)
            .http_status_as_error(false);
        if let Some(path) = &settings.ca_file {
            let wrong = |error: String| format!("the certificates of {name} in {}: {error}", path.display());
            let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let items = parse_pem(&bytes).collect::<Result<Vec<_>, _>>();
            let items = items.map_err(|error| wrong(error.to_string()))?.into_iter();
            let found: Vec<_> = items
                .filter_map(|item| match item {
                    PemItem::Certificate(found) => Some(found),
                    _ => None,
                })
                .collect();
            if found.is_empty() {
                return Err(wrong("there is none".into()));
            }
            let roots = RootCerts::new_with_certs(&found);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Self {
            redirect: format!("{center_url}/sign-in/oidc/{name}/callback"),
            settings: settings.clone(),
            secret,
            agent: ureq::Agent::with_parts(
                config.build(),
                DefaultConnector::default(),
                Guarded::new(&settings.issuer, &settings.hosts),
            ),
            known: Mutex::default(),
        })
    }

    /// What the issuer tells of itself, as it was read lately or is read now.
    pub fn metadata(&self) -> Result<Arc<Metadata>, Fault> {
        let now = moment::now();
        {
            let known = self.known.lock();
            if let Some(metadata) = &known.metadata
                && now.since(known.at).0 <= GOOD_FOR.0
            {
                return Ok(Arc::clone(metadata));
            }
            if let Some((at, fault)) = &known.failed
                && now.since(*at).0 <= ASKED_AGAIN_AFTER.0
            {
                // Until it answers again, what it told before is as good as anything.
                return known.metadata.clone().ok_or_else(|| fault.clone());
            }
        }
        self.read()
    }

    /// Reads what the issuer tells of itself, and its keys.
    pub fn read(&self) -> Result<Arc<Metadata>, Fault> {
        let read = self.discover();
        let mut known = self.known.lock();
        let now = moment::now();
        match read {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                (known.at, known.keys_at, known.failed) = (now, now, None);
                known.metadata = Some(Arc::clone(&metadata));
                Ok(metadata)
            }
            Err(fault) => {
                known.failed = Some((now, fault.clone()));
                known.metadata.clone().ok_or(fault)
            }
        }
    }

    /// The last failure to read it, since it answered last.
    pub fn failure(&self) -> Option<Fault> {
        self.known.lock().failed.as_ref().map(|(_, fault)| fault.clone())
    }

    /// What is known of it, without asking.
    pub fn remembered(&self) -> Option<Arc<Metadata>> {
        self.known.lock().metadata.clone()
    }

    /// Notes that claims were absent. Says whether that was not told within the hour.
    pub fn note_absent(&self, claims: &str) -> bool {
        let mut known = self.known.lock();
        let now = moment::now();
        let is_new =
            known.absent.as_ref().is_none_or(|(at, told)| now.since(*at).0 > GOOD_FOR.0 || told != claims);
        if is_new {
            known.absent = Some((now, claims.to_owned()));
        }
        is_new
    }

    /// The claims that were absent of late.
    pub fn absent(&self) -> Option<String> {
        self.known.lock().absent.as_ref().map(|(_, claims)| claims.clone())
    }

    fn discover(&self) -> Result<Metadata, Fault> {
        let address = &self.settings.issuer;
        let page = format!("{}/.well-known/openid-configuration", address.trim_end_matches('/'));
        let metadata: Metadata = self.get(&page, None)?;
        let given = metadata.issuer().as_str();
        if given != address {
            return Err(Fault::unreachable(format!("{page} is of the issuer {given}, and not of {address}")));
        }
        let endpoints = [
            Some(metadata.authorization_endpoint().as_str()),
            metadata.token_endpoint().map(|url| url.as_str()),
            Some(metadata.jwks_uri().as_str()),
            metadata.userinfo_endpoint().map(|url| url.as_str()),
            metadata.additional_metadata().end_session_endpoint.as_deref(),
        ];
        let is_here = address.starts_with("http://");
        if let Some(bad) = endpoints.into_iter().flatten().find(|endpoint| !is_allowed(endpoint, is_here)) {
            return Err(Fault::unreachable(format!("{page} names {bad}, which is asked without TLS")));
        }
        if metadata.token_endpoint().is_none() {
            return Err(Fault::unreachable(format!("{page} names no token endpoint")));
        }
        let keys = self.keys(&metadata)?;
        Ok(metadata.set_jwks(keys))
    }

    fn keys(&self, metadata: &Metadata) -> Result<JsonWebKeySet<oidc::CoreJsonWebKey>, Fault> {
        self.get(metadata.jwks_uri().as_str(), None)
    }

    /// The keys read anew, unless that was done just now.
    fn with_new_keys(&self, metadata: &Metadata) -> Option<Arc<Metadata>> {
        let now = moment::now();
        {
            let mut known = self.known.lock();
            if now.since(known.keys_at).0 <= ASKED_AGAIN_AFTER.0 && known.keys_at > known.at {
                return None;
            }
            // One more than when all was read, so that the first token by a new key never waits.
            known.keys_at = now.plus(Millis(1));
        }
        let keys = self.keys(metadata).inspect_err(|fault| {
            tracing::warn!(issuer = self.settings.name, %fault, "its keys can't be read");
        });
        let metadata = Arc::new(metadata.clone().set_jwks(keys.ok()?));
        self.known.lock().metadata = Some(Arc::clone(&metadata));
        Some(metadata)
    }

    /// Does something by its keys. Where one is not known, the keys are read once more.
    pub fn by_keys<T>(&self, act: impl Fn(&Metadata) -> Result<T, Fault>) -> Result<T, Fault> {
        let metadata = self.metadata()?;
        match act(&metadata) {
            Err(Fault::UnknownKey) => {
                let metadata = self.with_new_keys(&metadata).ok_or(Fault::UnknownKey)?;
                act(&metadata)
            }
            done => done,
        }
    }

    fn get<T: serde::de::DeserializeOwned>(&self, url: &str, token: Option<&str>) -> Result<T, Fault> {
        let failed = |error: &dyn std::fmt::Display| Fault::unreachable(format!("{url}: {error}"));
        let mut request = self.agent.get(url).header("accept", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().map_err(|error| failed(&error))?;
        if answer.status() != 200 {
            return Err(failed(&answer.status()));
        }
        let bytes = answer.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
        serde_json::from_slice(&bytes.map_err(|error| failed(&error))?).map_err(|error| failed(&error))
    }

    /// Where a browser is sent to sign in.
    pub fn authorize_url(&self, ask: &Ask, is_anew: bool) -> Result<String, Fault> {
        let metadata = self.metadata()?;
        let client = self.client(&metadata)?;
        let (state, nonce) = (ask.state.clone(), ask.nonce.clone());
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(ask.verifier.clone()));
        let flow = AuthenticationFlow::<oidc::CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce))
            .set_pkce_challenge(challenge);
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if is_anew {
            request = request.add_extra_param("prompt", "login");
        }
        Ok(request.url().0.to_string())
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, Fault> {
        let secret = self.secret.clone().map(ClientSecret::new);
        let redirect = RedirectUrl::new(self.redirect.clone())
            .map_err(|error| Fault::unreachable(format!("{}: {error}", self.redirect)))?;
        let id = ClientId::new(self.settings.client_id.clone());
        let client = oidc::CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let has = |method| methods.is_some_and(|methods| methods.contains(&method));
        let in_body = has(oidc::CoreClientAuthMethod::ClientSecretPost)
            && !has(oidc::CoreClientAuthMethod::ClientSecretBasic);
        let client = client.set_redirect_uri(redirect);
        Ok(if in_body { client.set_auth_type(AuthType::RequestBody) } else { client })
    }

    /// Changes a code for an ID token, and looks whether the token is right.
    pub fn exchange(&self, code: String, ask: &Ask) -> Result<Told, Fault> {
        let metadata = self.metadata()?;
        let client = self.client(&metadata)?;
        let http = |request: openidconnect::HttpRequest| self.send(request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Fault::unreachable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(ask.verifier.clone()))
            .request(&http)
            .map_err(|error| verify::of_request(&error))?;
        let id_token = answer.id_token().ok_or(Fault::Malformed)?;
        let nonce = Nonce::new(ask.nonce.clone());
        self.by_keys(|metadata| {
            let client = self.client(metadata)?;
            verify::id_token(&client.id_token_verifier(), id_token, &nonce, answer.access_token())
        })?;
        let id_token = id_token.to_string();
        let mut claims = verify::payload(&id_token)?;
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        if subject.is_empty() || subject.len() > 255 {
            return Err(Fault::Malformed);
        }
        verify::party(&claims, &self.settings.client_id)?;
        self.add_of_page(&metadata, answer.access_token().secret(), &subject, &mut claims);
        Ok(Told { id_token, subject, claims })
    }

    /// Adds claims that the ID token lacks and that the issuer's page about the subject has.
    fn add_of_page(&self, metadata: &Metadata, token: &str, subject: &str, claims: &mut Map<String, Value>) {
        let of_map = self.settings.map.iter().map(|line| line.claim.as_str());
        let is_whole =
            of_map.chain(["email", "name"]).all(|claim| super::rule::find(claims, claim).is_some());
        let Some(page) = metadata.userinfo_endpoint().filter(|_| !is_whole) else { return };
        match self.get::<Map<String, Value>>(page.as_str(), Some(token)) {
            Ok(told) if told.get("sub").and_then(Value::as_str) == Some(subject) => {
                for (key, value) in told {
                    claims.entry(key).or_insert(value);
                }
            }
            Ok(_) => {
                tracing::warn!(issuer = self.settings.name, "its page about a subject is of another subject");
            }
            Err(fault) => {
                tracing::warn!(issuer = self.settings.name, %fault, "its page about a subject can't be read");
            }
        }
    }

    fn send(&self, request: openidconnect::HttpRequest) -> Result<openidconnect::HttpResponse, ureq::Error> {
        let mut answer = self.agent.run(request)?;
        let bytes = answer.body_mut().with_config().limit(MOST_BYTES).read_to_vec()?;
        let (parts, _) = answer.into_parts();
        Ok(openidconnect::HttpResponse::from_parts(parts, bytes))
    }

    /// The page of the issuer at which its own session ends, where it has one.
    pub fn end_session_url(&self, id_token: &str, center_url: &str) -> Option<String> {
        let metadata = self.remembered()?;
        let page = metadata.additional_metadata().end_session_endpoint.clone()?;
        let mut url = openidconnect::url::Url::parse(&page).ok()?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{center_url}/sign-in"));
        Some(url.into())
    }

    /// The claims of a logout token that is right.
    pub fn logout_token(&self, token: &str) -> Result<verify::Logout, Fault> {
        self.by_keys(|metadata| {
            verify::logout_token(token, metadata.jwks(), &self.settings.issuer, &self.settings.client_id)
        })
    }
}

type Client = oidc::CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;
