//! The token of a session's forms, masked anew on each page.
//!
//! Pages are compressed, and hold text that somebody else may have chosen, such as the name in a filter. From the length
//! of many such pages a secret that is on each of them could be guessed, were it the same bytes each time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

const PAD: usize = 8;

/// The token of this session, as a page sends it.
pub fn masked(token: &str) -> String {
    let pad = crate::moment::random::<PAD>();
    let mixed = with_pad(token.as_bytes(), pad);
    URL_SAFE_NO_PAD.encode([pad.as_slice(), &mixed].concat())
}

/// Whether a form sent the token of this session.
pub fn is_of(token: &str, sent: &str) -> bool {
    let Ok(sent) = URL_SAFE_NO_PAD.decode(sent) else { return false };
    let Some((pad, mixed)) = sent.split_first_chunk::<PAD>() else { return false };
    with_pad(mixed, *pad).ct_eq(token.as_bytes()).into()
}

/// Each byte with one of a stream that only the pad begins.
fn with_pad(bytes: &[u8], pad: [u8; PAD]) -> Vec<u8> {
    let stream = (0_u8..).flat_map(|block| Sha256::new().chain_update(pad).chain_update([block]).finalize());
    bytes.iter().zip(stream).map(|(byte, key)| byte ^ key).collect()
}

/// A name for the session that tells nothing about it.
pub fn name(token: &str) -> String {
    let name = Sha256::new().chain_update("name of ").chain_update(token).finalize();
    URL_SAFE_NO_PAD.encode(&name[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_under_every_mask_and_no_other_is() {
        let token = "a secret of forty-three bytes, or of more than that";
        let (one, two) = (masked(token), masked(token));
        assert!(one != two && is_of(token, &one) && is_of(token, &two));
        for wrong in ["", "!", "AAAA", token, &one[1..], &masked("another")] {
            assert!(!is_of(token, wrong), "{wrong}");
        }
    }
}
