//! Contracts by their numbers, and what is typed of them.

use domain::CardMs;
use serde_json::Value;

use crate::{
    context::Context,
    errors::Failure,
    output::{list, text},
};

pub const PATH: &str = "/api/v1/contracts";

pub fn read_card_hours(text: &str) -> Result<CardMs, Failure> {
    CardMs::of_hours(text).ok_or_else(|| {
        let hint = "give a number above 0 with at most six decimals, such as 1000 or 12.5";
        Failure::usage("bad_card_hours", format!("`{text}` is not a number of card-hours"), hint)
    })
}

/// All contracts that the caller may see.
pub fn all(context: &Context) -> Result<Vec<Value>, Failure> {
    list(&context.client.get(PATH)?).map(<[Value]>::to_vec)
}

/// The contract with that number or id.
pub fn named<'a>(all: &'a [Value], wanted: &str) -> Result<&'a Value, Failure> {
    let is_it = |contract: &&Value| text(contract, "number") == wanted || text(contract, "id") == wanted;
    all.iter().find(is_it).ok_or_else(|| {
        let message = format!("there is no contract `{wanted}` that you may see");
        Failure::refused("not_found", message, "`qiantang contracts` lists them")
    })
}
