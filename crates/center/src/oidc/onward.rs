//! The way to a page elsewhere, over one of the center's own.

use base::auth::credentials::new_secret;

use crate::center::Center;

/// Where the address of a page elsewhere waits for the page that leads there.
fn kept_for(key: &str) -> String {
    format!("onward {key}")
}

/// A page of the center's own from which a browser goes on to `url`.
pub fn way_to(center: &Center, url: String) -> String {
    let key = new_secret("");
    center.secrets.put(&kept_for(&key), url);
    format!("/sign-in/onward/{key}")
}

/// Where that page leads to, once.
pub fn taken(center: &Center, key: &str) -> Option<String> {
    center.secrets.take(&kept_for(key))
}
