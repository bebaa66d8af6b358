//! Values: all that parameters and columns can be, on any database.

use domain::{CardMs, Id, MicroCny, Millis, Timestamp};

/// A value that a statement is given or a row gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// The parameters of a statement, in order.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Param::value($value)),*] };
}

/// A type that a statement can be given.
pub trait Param<'a> {
    fn value(self) -> Value<'a>;
}

/// A type that a column is read as.
pub trait Column: Sized {
    /// `None` if the value is not of this type.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// Types that are kept as integers: to the integer and, where it is one of theirs, back.
macro_rules! integers {
    ($($type:ty: $value:ident => $int:expr, $kept:ident => $back:expr;)+) => {$(
        impl<'a> Param<'a> for $type {
            fn value(self) -> Value<'a> {
                let $value = self;
                Value::Int($int)
            }
        }

        impl<'a> Param<'a> for &$type {
            fn value(self) -> Value<'a> {
                (*self).value()
            }
        }

        impl Column for $type {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Int($kept) => $back,
                    _ => None,
                }
            }
        }
    )+};
}

integers! {
    i64: value => value, kept => Some(kept);
    i32: value => i64::from(value), kept => kept.try_into().ok();
    u32: value => i64::from(value), kept => kept.try_into().ok();
    u16: value => i64::from(value), kept => kept.try_into().ok();
    u8: value => i64::from(value), kept => kept.try_into().ok();
    bool: value => i64::from(value), kept => (kept & !1 == 0).then_some(kept == 1);
    Timestamp: at => at.as_micros(), micros => Some(Self::from_micros(micros));
    Millis: length => length.0, ms => Some(Self(ms));
    CardMs: used => used.0, card_ms => Some(Self(card_ms));
    MicroCny: amount => amount.0, micro_cny => Some(Self(micro_cny));
}

/// Counts and sums are read as such; none is ever kept.
impl Column for u64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value).and_then(|value| value.try_into().ok())
    }
}

impl<'a> Param<'a> for &'a str {
    fn value(self) -> Value<'a> {
        Value::Text(self)
    }
}

impl<'a> Param<'a> for &'a String {
    fn value(self) -> Value<'a> {
        Value::Text(self)
    }
}

impl Column for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl<'a> Param<'a> for &'a [u8] {
    fn value(self) -> Value<'a> {
        Value::Blob(self)
    }
}

impl<'a, const N: usize> Param<'a> for &'a [u8; N] {
    fn value(self) -> Value<'a> {
        Value::Blob(self)
    }
}

impl<const N: usize> Column for [u8; N] {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<'a, K> Param<'a> for &'a Id<K> {
    fn value(self) -> Value<'a> {
        Value::Blob(self.as_bytes())
    }
}

impl<K> Column for Id<K> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        <[u8; 16]>::from_value(value).map(Self::from_bytes)
    }
}

impl<'a, T: Param<'a>> Param<'a> for Option<T> {
    fn value(self) -> Value<'a> {
        self.map_or(Value::Null, T::value)
    }
}

impl<'a, T> Param<'a> for &'a Option<T>
where
    &'a T: Param<'a>,
{
    fn value(self) -> Value<'a> {
        self.as_ref().value()
    }
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
