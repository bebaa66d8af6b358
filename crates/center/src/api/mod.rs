pub fn router(_center: crate::center::Center) -> axum::Router {
    axum::Router::new()
}
