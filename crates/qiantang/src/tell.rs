//! Words on standard error.

/// Says a line on standard error. A reader that has gone away is no failure, as with standard output.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($words)*);
    }};
}
pub(crate) use tell;
