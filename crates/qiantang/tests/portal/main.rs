//! The portal over real HTTP and in a real browser.

mod bulk;
mod chromium;
mod contracts;
mod corrections;
mod faults;
mod first_run;
mod forms;
mod invitations;
mod invoices;
mod language;
mod live;
mod logs;
mod matrix;
mod nodes;
mod pages;
mod passwords;
mod prices;
mod scene;
mod sign_in;
mod submit;
mod thousands;
mod tokens;
mod twin;
mod usage;

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
