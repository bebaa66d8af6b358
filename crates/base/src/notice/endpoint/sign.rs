//! Signatures: of Standard Webhooks, and of the chats. Two of the chats' look alike and are not.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

/// How the secret of a webhook begins.
pub const PREFIX: &str = "whsec_";

/// The secret that random bytes make.
pub fn secret_of(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))
}

fn sign(key: &[u8], message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    BASE64_STANDARD.encode(hmac::sign(&key, message))
}

/// The value of `webhook-signature` by one secret; none where it is no secret of a webhook.
pub fn webhook(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    Some(format!("v1,{}", sign(&key, format!("{id}.{timestamp}.{body}").as_bytes())))
}

/// The value of `sign` in the address of a bot of `DingTalk`: the secret signs the time.
pub fn dingtalk(secret: &str, timestamp_ms: i64) -> String {
    let signature = sign(secret.as_bytes(), format!("{timestamp_ms}\n{secret}").as_bytes());
    utf8_percent_encode(&signature, NON_ALPHANUMERIC).to_string()
}

/// The value of `sign` in the body to Feishu's bot: time and secret sign nothing.
pub fn feishu(secret: &str, timestamp_s: i64) -> String {
    sign(format!("{timestamp_s}\n{secret}").as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_signed_as_the_project_s_own_tests_have_it() {
        let signature = webhook(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(webhook("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a", 1, ""), None, "no secret of a webhook");
        let made = secret_of(&[7; 32]);
        assert!(webhook(&made, "a", 1, "{}").is_some_and(|signature| signature.starts_with("v1,")));
    }

    #[test]
    fn bots_are_signed_for_as_their_documents_have_it() {
        assert_eq!(dingtalk("SECtest", 1_600_000_000_000), "J1ROuI0lRhdAs5lXpASksT0u9NwWl4DNkvcHISJRBoY%3D");
        assert_eq!(feishu("SECtest", 1_600_000_000), "mhieWnSyoErxMnitRpWy7WiXUgvrgNLx3EOjdVNMVC8=");
    }
}
