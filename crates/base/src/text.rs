//! Texts in both languages.

use std::cmp::Ordering;

use domain::Lang;
use serde::{Deserialize, Serialize};

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Text {
    #[schema(value_type = domain::schema::Line128)]
    pub zh: String,
    #[schema(value_type = domain::schema::Line128)]
    pub en: String,
}

/// What the center says, in both languages: as long as it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Sentence {
    pub zh: String,
    pub en: String,
}

impl Sentence {
    pub fn of(text: impl Fn(Lang) -> String) -> Self {
        Self { zh: text(Lang::Zh), en: text(Lang::En) }
    }

    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

impl Text {
    pub fn of(text: impl Fn(Lang) -> String) -> Self {
        Self { zh: text(Lang::Zh), en: text(Lang::En) }
    }

    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// Orders names as people count: digits are numbers, so that `node-2` is before `node-10` and each pool's nodes stand
/// together.
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) {
        let is_number = first_a.is_ascii_digit() && first_b.is_ascii_digit();
        let (order, len_a, len_b) = if is_number {
            let (a, b) = (digits(rest_a), digits(rest_b));
            let (number_a, number_b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            (number_a.len().cmp(&number_b.len()).then(number_a.cmp(number_b)), a.len(), b.len())
        } else {
            (first_a.cmp(&first_b), first_a.len_utf8(), first_b.len_utf8())
        };
        if order.is_ne() {
            return order;
        }
        (rest_a, rest_b) = (&rest_a[len_a..], &rest_b[len_b..]);
    }
    // Names that differ in leading zeros alone are two names still.
    rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b))
}

/// The digits with which a text begins.
fn digits(text: &str) -> &str {
    text.split_once(|c: char| !c.is_ascii_digit()).map_or(text, |(digits, _)| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_in_which_people_count() {
        let in_order =
            ["", "gpu-1", "gpu-02", "gpu-2", "gpu-10", "gpu-10a", "gpu-x", "npu-1", "npu-10", "节点-1"];
        for (at, a) in in_order.iter().enumerate() {
            for (other, b) in in_order.iter().enumerate() {
                assert_eq!(natural_cmp(a, b), at.cmp(&other), "{a} {b}");
            }
        }
        let large = ["n99999999999999999999999", "n100000000000000000000000"];
        assert_eq!(natural_cmp(large[0], large[1]), Ordering::Less);
    }
}
