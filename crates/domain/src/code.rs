//! Codes: the words by which the variants of an enum are stored, sent and asked for.

use utoipa::openapi::{RefOr, Schema};

/// An enum without data, each of whose variants has a code. [`codes!`](crate::codes) makes them.
pub trait Code: Copy + Eq + 'static {
    /// All of them, in the order in which they are declared.
    const ALL: &'static [Self];
    /// The codes of all.
    const CODES: &'static [&'static str];

    fn code(self) -> &'static str;

    /// The one with this code; `None` where it is not known.
    fn from_code(code: &str) -> Option<Self>;
}

/// The schema of such an enum: a text, one of its codes.
pub fn schema_of_codes<T: Code>() -> RefOr<Schema> {
    crate::schema::one_of(T::ALL.iter().map(|each| each.code()))
}

/// Makes an enum of codes, with `code`, `from_code`, `ALL` and [`Code`]. In JSON a variant is its code; in
/// the OpenAPI document the enum is a text, one of the codes. Where a code is asked for as text, a variant
/// does as well (`AsRef<str>`). A crate that uses this depends on `serde`.
///
/// ```
/// domain::codes! {
///     /// How a voucher stands.
///     pub enum VoucherState {
///         Open = "open",
///         /// Nothing is left of it.
///         UsedUp = "used_up",
///     }
/// }
///
/// assert_eq!(VoucherState::UsedUp.code(), "used_up");
/// assert_eq!(VoucherState::from_code("open"), Some(VoucherState::Open));
/// assert_eq!(VoucherState::ALL, [VoucherState::Open, VoucherState::UsedUp]);
/// assert_eq!(serde_json::to_string(&VoucherState::UsedUp).unwrap(), r#""used_up""#);
/// ```
#[macro_export]
macro_rules! codes {
    ($($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$of_variant:meta])* $variant:ident = $code:literal),+ $(,)?
    })+) => {$(
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        $vis enum $name {
            $($(#[$of_variant])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// All of them, in the order in which they are declared.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$variant),+];

            /// The word by which it is stored, sent and asked for.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The one with this code; `None` where it is not known.
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::code::Code for $name {
            const ALL: &'static [Self] = &$name::ALL;
            const CODES: &'static [&'static str] = &[$($code),+];

            fn code(self) -> &'static str {
                $name::code(self)
            }

            fn from_code(code: &str) -> Option<Self> {
                $name::from_code(code)
            }
        }

        impl ::core::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                $name::code(*self)
            }
        }

        impl $crate::utoipa::PartialSchema for $name {
            fn schema() -> $crate::utoipa::openapi::RefOr<$crate::utoipa::openapi::Schema> {
                $crate::code::schema_of_codes::<Self>()
            }
        }

        impl $crate::utoipa::ToSchema for $name {}
    )+};
}

#[cfg(test)]
mod tests {
    codes! {
        #[derive(Default)]
        enum Fruit {
            #[default]
            Apple = "apple",
            WaterMelon = "water-melon",
        }
    }

    #[test]
    fn codes_go_both_ways() {
        for fruit in Fruit::ALL {
            assert_eq!(Fruit::from_code(fruit.as_ref()), Some(fruit));
            let json = serde_json::to_string(&fruit).unwrap();
            assert_eq!(json, format!("\"{}\"", fruit.code()));
            assert_eq!(serde_json::from_str::<Fruit>(&json).unwrap(), fruit);
        }
        assert_eq!((Fruit::from_code("water_melon"), Fruit::default().code()), (None, "apple"));
    }

    #[test]
    fn the_schema_lists_the_codes() {
        let schema = serde_json::to_value(<Fruit as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema, serde_json::json!({ "type": "string", "enum": ["apple", "water-melon"] }));
        assert_eq!(<Fruit as utoipa::ToSchema>::name(), "Fruit");
    }
}
