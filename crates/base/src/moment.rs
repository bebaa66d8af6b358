//! Where time and randomness come from: the only place that asks the machine for either.

use domain::Timestamp;

/// Now, by the machine's clock.
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Random bytes from the kernel.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes
}

/// A new id of any kind: `new_id!(JobId)`.
#[macro_export]
macro_rules! new_id {
    ($kind:ty) => {
        <$kind>::new($crate::moment::now(), $crate::moment::random())
    };
}
pub use new_id;
