//! An issuer that says whatever a test wants it to, with keys of its own.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Map, Value, json};
use testkit::Site;

use crate::scene::{Seen, Visitor};

/// A key to sign with.
pub struct Key {
    pub id: &'static str,
    pair: EcdsaKeyPair,
}

impl Key {
    pub fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let bytes = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key is made");
        Self { id, pair: EcdsaKeyPair::from_pkcs8(kind, bytes.as_ref(), &random).expect("a key") }
    }

    fn published(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| BASE64.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256",
            "x": part(&point[1..33]), "y": part(&point[33..65]) })
    }

    /// A token with this head and these claims.
    pub fn sign(&self, head: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).expect("it is signed");
        format!("{text}.{}", BASE64.encode(signature.as_ref()))
    }

    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.id, "typ": "JWT" }), claims)
    }
}

#[derive(Default)]
struct State {
    published: Vec<Value>,
    /// The ID token that a code is changed for.
    token: String,
    /// What the page about a subject says.
    page: Option<Value>,
    /// How often each path was asked for.
    asked: BTreeMap<String, u32>,
}

/// The issuer. Its thread ends with the process.
pub struct Fake {
    pub url: String,
    pub key: Key,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state: Arc<Mutex<State>> = Arc::default();
        let (of_thread, own) = (Arc::clone(&state), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, url) = (Arc::clone(&of_thread), own.clone());
                std::thread::spawn(move || drop(serve(&stream, &url, &state)));
            }
        });
        let fake = Self { url, key: Key::new("first"), state };
        fake.publish(&[&fake.key]);
        fake
    }

    pub fn publish(&self, keys: &[&Key]) {
        self.state.lock().expect("state").published = keys.iter().map(|key| key.published()).collect();
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> u32 {
        self.state.lock().expect("state").asked.get(path).copied().unwrap_or_default()
    }

    /// What its page about a subject says; it has none without.
    pub fn has_page(&self, page: Option<Value>) {
        self.state.lock().expect("state").page = page;
    }

    /// The next code is changed for this token.
    pub fn gives(&self, token: String) {
        self.state.lock().expect("state").token = token;
    }

    /// The settings that name it `fake`, with more of them.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "[[oidc]]\nname = \"fake\"\nissuer = \"{}\"\nclient_id = \"qiantang\"\nlabel_zh = \"假\"\nlabel_en = \"Fake\"\n{more}\n",
            self.url
        )
    }

    /// Claims as they should be.
    pub fn claims(&self, subject: &str, nonce: &str) -> Value {
        let now = testkit::now().as_micros() / 1_000_000;
        json!({ "iss": self.url, "sub": subject, "aud": "qiantang", "exp": now + 300, "iat": now, "nonce": nonce,
            "sid": format!("sid-{subject}"), "acr": "gold", "amr": ["pwd", "otp"], "auth_time": now,
            "preferred_username": subject })
    }

    /// A sign-in at which the issuer gives the token that `make` makes of the right claims.
    pub fn sign_in(
        &self,
        site: &Site,
        subject: &str,
        make: impl FnOnce(&Self, Value) -> String,
    ) -> (Visitor, Seen) {
        let mut visitor = Visitor::new(site);
        let way = Way::begin(&mut visitor, "");
        self.gives(make(self, self.claims(subject, &way.nonce)));
        let seen = visitor.get(&way.back(&self.url));
        (visitor, seen)
    }

    /// A sign-in with more claims.
    pub fn sign_in_with(&self, site: &Site, subject: &str, more: &Value) -> (Visitor, Seen) {
        self.sign_in(site, subject, |fake, claims| fake.key.token(&merged(claims, more)))
    }
}

pub fn merged(mut claims: Value, more: &Value) -> Value {
    let all = claims.as_object_mut().expect("claims");
    for (key, value) in more.as_object().unwrap_or(&Map::new()) {
        if value.is_null() {
            all.remove(key);
        } else {
            all.insert(key.clone(), value.clone());
        }
    }
    claims
}

/// A browser's way to the issuer.
pub struct Way {
    pub state: String,
    pub nonce: String,
    pub asked: String,
}

impl Way {
    pub fn begin(visitor: &mut Visitor, query: &str) -> Self {
        let sent = visitor.get(&format!("/sign-in/oidc/fake{query}"));
        assert_eq!(sent.status, 303, "{}", sent.body);
        let of = |name: &str| {
            let value =
                sent.location.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            value.unwrap_or_else(|| panic!("no {name} in {}", sent.location)).to_owned()
        };
        Self { state: of("state"), nonce: of("nonce"), asked: sent.location.clone() }
    }

    /// The path back to the center.
    pub fn back(&self, iss: &str) -> String {
        let iss = iss.replace(':', "%3A").replace('/', "%2F");
        format!("/sign-in/oidc/fake/callback?code=any&state={}&iss={iss}", self.state)
    }
}

fn serve(stream: &TcpStream, url: &str, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = {
        let mut state = state.lock().expect("state");
        *state.asked.entry(path.clone()).or_default() += 1;
        match &*path {
            "/.well-known/openid-configuration" => {
                let mut about = json!({ "issuer": url, "authorization_endpoint": format!("{url}/auth"),
                    "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
                    "end_session_endpoint": format!("{url}/end"), "response_types_supported": ["code"],
                    "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
                    "authorization_response_iss_parameter_supported": true });
                if state.page.is_some() {
                    about["userinfo_endpoint"] = json!(format!("{url}/page"));
                }
                Some(about)
            }
            "/keys" => Some(json!({ "keys": state.published })),
            "/token" => Some(json!({ "access_token": "of use", "token_type": "Bearer", "expires_in": 60,
                "id_token": state.token })),
            "/page" => state.page.clone(),
            _ => None,
        }
    };
    let (status, text) = match answer {
        Some(answer) => ("200 OK", answer.to_string()),
        None => ("404 Not Found", "{}".to_owned()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}
