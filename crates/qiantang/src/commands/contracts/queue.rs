//! Options for the terms of a contract's queue.

use clap::Args;
use serde_json::Value;

use crate::context::with_given;

/// The terms of its queue.
#[derive(Debug, Args)]
pub struct Queue {
    /// How many cards its jobs may have at once, at most. A new contract has the reserved cards, or 8, where left out.
    #[arg(long)]
    pub max_cards: Option<u32>,
    /// How many cards it is sure to get whenever it asks for them; none where a new contract leaves it out.
    #[arg(long)]
    pub guaranteed_cards: Option<u32>,
    /// The weight of its share beside other contracts; 1 where a new contract leaves it out.
    #[arg(long)]
    pub weight: Option<u32>,
}

impl Queue {
    /// The terms of `before` with those that are given; nothing where none is.
    pub fn over(&self, before: &Value) -> Option<Value> {
        let terms = [
            ("max_running_cards", self.max_cards),
            ("guaranteed_cards", self.guaranteed_cards),
            ("weight", self.weight),
        ];
        let is_given = terms.iter().any(|(_, given)| given.is_some());
        is_given.then(|| with_given(before.clone(), terms))
    }
}
