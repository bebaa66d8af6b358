//! How types of the domain read in the OpenAPI document, so that no request or answer has to say it again.

use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema, Type,
    schema::{KnownFormat, SchemaFormat},
};

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
