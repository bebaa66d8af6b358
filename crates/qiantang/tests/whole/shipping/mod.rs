//! What it takes to ship a center and to keep it: backups, HTTPS, packages, settings, a board and alerts.

mod backups;
mod https;
mod monitoring;
mod packages;
mod settings;
