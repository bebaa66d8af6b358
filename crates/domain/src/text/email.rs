//! E-mail addresses, as far as their text tells; whether mail gets there only mail can tell.

/// The most characters of an address.
pub const MOST_CHARS: usize = 128;

/// Whether a text is the address of one mailbox, in whichever script: a name, and a host with a dot in it.
pub fn is_address(text: &str) -> bool {
    let is_fine = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\",;:@".contains(c))
    };
    let is_host =
        |host: &str| is_fine(host) && host.contains('.') && host.split('.').all(|label| !label.is_empty());
    text.chars().count() <= MOST_CHARS
        && text.rsplit_once('@').is_some_and(|(local, host)| is_fine(local) && is_host(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_mailbox_are_told_from_other_text() {
        for address in ["lin@univ.edu.cn", "a+b@x.io", "张三@例子.中国"] {
            assert!(is_address(address), "{address}");
        }
        let long = format!("{}@x.io", "a".repeat(MOST_CHARS));
        for other in [
            "", "lin", "@x.io", "lin@", "lin@host", "a b@x.io", "a@b@x.io", "a@.io", "a@io.", "a@b..io",
            "a\n@x.io", "<a@x.io>", " a@x.io", &long,
        ] {
            assert!(!is_address(other), "{other}");
        }
    }
}
