//! Contracts by their numbers, and what is typed of them.

use domain::{CardMs, both};
use serde_json::Value;

use crate::{
    context::Context,
    errors::Failure,
    output::{list, text},
};

pub const PATH: &str = "/api/v1/contracts";

pub fn read_card_hours(text: &str) -> Result<CardMs, Failure> {
    CardMs::of_hours(text).ok_or_else(|| {
        let hint = both(
            "请给出大于 0、最多六位小数的数，例如 1000 或 12.5",
            "give a number above 0 with at most six decimals, such as 1000 or 12.5",
        );
        let message = both(format!("`{text}` 不是卡时数"), format!("`{text}` is not a number of card-hours"));
        Failure::usage("bad_card_hours", message, hint)
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
        let message = both(
            format!("没有您可以查看的合同 `{wanted}`"),
            format!("there is no contract `{wanted}` that you may see"),
        );
        let hint = both("`qiantang contracts` 列出合同", "`qiantang contracts` lists them");
        Failure::refused("not_found", message, hint)
    })
}
