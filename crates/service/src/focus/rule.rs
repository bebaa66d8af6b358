//! Who may export, and how the values of the specification are written. No I/O.

use base::auth::Action;
use domain::{CardMs, MicroCny, Timestamp};

pub const READ: Action = Action::new("read_focus", "read_money");

domain::codes! {
    /// The nature of a charge.
    pub enum ChargeCategory {
        Usage = "Usage",
        Purchase = "Purchase",
        Credit = "Credit",
        Adjustment = "Adjustment",
    }

    /// How often a charge comes.
    pub enum ChargeFrequency {
        OneTime = "One-Time",
        Recurring = "Recurring",
        UsageBased = "Usage-Based",
    }

    pub enum PricingCategory {
        Standard = "Standard",
        Committed = "Committed",
    }

    /// Whether a part of a commitment served a resource, or lapsed.
    pub enum CommitmentStatus {
        Used = "Used",
        Unused = "Unused",
    }
}

/// The unit of card time.
pub const CARD_HOURS: &str = "Card-Hours";

/// The unit of what is bought once: the contract as a whole.
pub const CONTRACT: &str = "Contract";

/// The unit of what goes back of a run that was cut short.
pub const WAIVER: &str = "Waiver";

/// Decimal places of card-hours: so many that a unit price times a quantity is the cost to within one micro-CNY, whatever the
/// price.
const PLACES: u32 = 15;

/// A decimal number without the zeros at its end.
fn trimmed(whole: u128, places: &str) -> String {
    let places = places.trim_end_matches('0');
    if places.is_empty() { whole.to_string() } else { format!("{whole}.{places}") }
}

/// Yuan to the millionth.
pub fn yuan(amount: MicroCny) -> String {
    let (sign, micro) = (if amount.0 < 0 { "-" } else { "" }, amount.0.unsigned_abs());
    format!("{sign}{}", trimmed(u128::from(micro / 1_000_000), &format!("{:06}", micro % 1_000_000)))
}

/// Card-hours, half of the last place up.
pub fn card_hours(used: CardMs) -> String {
    const MS: u128 = 3_600_000;
    let scale = 10_u128.pow(PLACES);
    let (sign, ms) = (if used.0 < 0 { "-" } else { "" }, u128::from(used.0.unsigned_abs()));
    let scaled = (ms * scale + MS / 2) / MS;
    format!("{sign}{}", trimmed(scaled / scale, &format!("{:015}", scaled % scale)))
}

/// An instant in UTC: `2026-11-30T16:00:00Z`.
pub fn instant(at: Timestamp) -> String {
    let text = at.to_string();
    match text.strip_suffix(".000Z") {
        Some(whole) => format!("{whole}Z"),
        None => text,
    }
}

/// How much of an amount falls to each of some uses of what `reserved` card time was paid for, by their card time; what is left
/// over is the last value. All of them together are the amount.
pub fn spread(amount: MicroCny, reserved: CardMs, parts: &[CardMs]) -> (Vec<MicroCny>, MicroCny) {
    let all: i128 = parts.iter().map(|part| i128::from(part.0)).sum();
    let whole = all.max(i128::from(reserved.0)).max(1);
    let share = |part: &CardMs| {
        let share = (i128::from(amount.0) * i128::from(part.0)).div_euclid(whole);
        MicroCny(i64::try_from(share).unwrap_or_default())
    };
    let shares: Vec<MicroCny> = parts.iter().map(share).collect();
    let given: i64 = shares.iter().map(|share| share.0).sum();
    (shares, MicroCny(amount.0 - given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_decimals() {
        let told = [0, 1, -1, 1_000_000, -12_345_678, 100_000_010].map(|micro| yuan(MicroCny(micro)));
        assert_eq!(told, ["0", "0.000001", "-0.000001", "1", "-12.345678", "100.00001"]);
        let told = [0, 1, 3_600_000, -5_400_000, i64::MAX].map(|ms| card_hours(CardMs(ms)));
        assert_eq!(told, ["0", "0.000000277777778", "1", "-1.5", "2562047788015.215501944444444"]);
    }

    #[test]
    fn instants_are_whole_seconds_of_utc() {
        let at = |text: &str| instant(text.parse().expect("an instant"));
        assert_eq!(at("2026-12-01T00:00:00+08:00"), "2026-11-30T16:00:00Z");
    }

    #[test]
    fn a_price_times_a_quantity_is_the_cost_to_a_micro_yuan() {
        for (rate, ms) in
            [(3_600_000_007_i64, 1_301), (1_000_000_000_000, 999_999_999), (1, 7), (6_500_000, 3_599_999)]
        {
            let cost = domain::RatePerCardHour(MicroCny(rate)).charge(CardMs(ms)).expect("it fits").0;
            let quantity = card_hours(CardMs(ms));
            let (whole, places) = quantity.split_once('.').unwrap_or((&quantity, ""));
            let scaled: i128 = format!("{whole}{places:0<15}").parse().expect("digits");
            let product = scaled * i128::from(rate);
            let off = (product - i128::from(cost) * 10_i128.pow(15)).abs();
            assert!(off <= 10_i128.pow(15) + 10_i128.pow(12), "{rate} {ms}: {off}");
        }
    }

    #[test]
    fn what_is_spread_is_all_there() {
        let ms = |all: &[i64]| all.iter().map(|ms| CardMs(*ms)).collect::<Vec<_>>();
        let (shares, rest) = spread(MicroCny(100), CardMs(10), &ms(&[3, 3]));
        assert_eq!((shares, rest), (vec![MicroCny(30), MicroCny(30)], MicroCny(40)));
        // More was used than was reserved.
        let (shares, rest) = spread(MicroCny(100), CardMs(5), &ms(&[5, 2]));
        assert_eq!((shares, rest), (vec![MicroCny(71), MicroCny(28)], MicroCny(1)));
        for (amount, reserved, uses) in
            [(7, 0, vec![]), (99, 1, vec![1, -1, 3]), (1, 1_000, vec![333, 333, 333])]
        {
            let (shares, rest) = spread(MicroCny(amount), CardMs(reserved), &ms(&uses));
            assert_eq!(shares.iter().map(|share| share.0).sum::<i64>() + rest.0, amount);
            assert!(rest.0 >= 0);
        }
    }
}
