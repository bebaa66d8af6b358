//! The portal: the center in a browser.

use axum::Router;

use crate::center::Center;

pub fn router(center: Center) -> Router {
    Router::new().with_state(center)
}
