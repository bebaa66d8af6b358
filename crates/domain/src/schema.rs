//! How types of the domain read in the OpenAPI document, so that no request or answer has to say it again.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema, Type,
        schema::{KnownFormat, SchemaFormat},
    },
};

use crate::text::Line;

/// An integer of 64 bits.
pub(crate) fn int64(description: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description));
    RefOr::T(object.into())
}

/// An instant as text.
pub(crate) fn date_time(description: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(description));
    RefOr::T(object.into())
}

/// A text of a certain form.
pub(crate) fn pattern(pattern: String) -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into())
}

/// One of a few texts.
pub(crate) fn one_of(texts: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(texts)).into())
}

/// A day of the calendar. That February has 29 days in some years alone is no matter for a pattern.
const DAY: &str = "20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))";
const TIME_OF_DAY: &str = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?";
const OFFSET: &str = "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";

/// Texts of requests that are read as a whole, by the form that the document gives them. A type stands for a text where a
/// request is described: `#[schema(value_type = Slug)]`.
macro_rules! written {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                pattern(String::from($pattern))
            }
        }

        impl ToSchema for $name {}
    )*};
}

written! {
    /// A short name: see [`crate::tenant::check_slug`].
    Slug = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$";
    /// A name to sign in with.
    Login = "^[A-Za-z0-9@._+-]{1,64}$";
    /// The name of a secret: see [`crate::limits::is_secret_name`].
    SecretName = "^[A-Za-z_][A-Za-z0-9_]{0,63}$";
    /// A label of a node: see [`crate::spec::is_label`].
    Label = "^[A-Za-z0-9._-]{1,64}$";
    /// A line of printable text, or nothing.
    Line200OrNone = "^[^\\u0000-\\u001f\\u007f-\\u009f]{0,200}$";
    /// A month: `2026-05`.
    MonthText = "^20[0-9]{2}-(0[1-9]|1[0-2])$";
    /// A day, or nothing: `2026-05-20`.
    DayOrNone = format!("^({DAY})?$");
    /// An instant of RFC 3339, or a date for the beginning of that day at the center.
    InstantOrDay = format!("^{DAY}({TIME_OF_DAY}{OFFSET})?$");
    /// The same in a query, where an empty text is none.
    InstantOrNone = format!("^({DAY}({TIME_OF_DAY}{OFFSET})?)?$");
    /// A month in a query, where an empty text is none.
    MonthOrNone = "^(20[0-9]{2}-(0[1-9]|1[0-2]))?$";
    /// A script, of one command at least.
    Script = "^#![^\\n]*[!-~]";
    /// An idempotency key: visible ASCII characters.
    Key = "^[!-~]{1,128}$";
}

/// A line of printable text.
impl<const MAX: usize> PartialSchema for Line<MAX> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX))
            .pattern(Some("^[^\\u0000-\\u001f\\u007f-\\u009f]+$"));
        RefOr::T(object.into())
    }
}

impl<const MAX: usize> ToSchema for Line<MAX> {
    fn name() -> Cow<'static, str> {
        format!("Line{MAX}").into()
    }
}

/// The lengths of lines that requests have.
pub type Line64 = Line<64>;
pub type Line128 = Line<128>;
pub type Line200 = Line<200>;
pub type Line500 = Line<500>;

/// A password: characters of any kind.
#[derive(Debug)]
pub struct Password;

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        let object =
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(10)).max_length(Some(256));
        RefOr::T(object.into())
    }
}

impl ToSchema for Password {}
