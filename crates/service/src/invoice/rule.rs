//! Who may do what with invoices, how they stand, and what their numbers are. No I/O.

use base::{
    auth::Action,
    detail::Detail,
    events::Kind,
    notice::topic::{Audience, Topic},
};
use center::notices::topics::{BOTH, OF_MONEY};
use domain::Role;
pub use domain::billing::{request_number, serial};
pub use store::invoices::{InvoiceKind, InvoiceState};

const REQUEST_NUMBER: Detail = Detail::text("request");
const AMOUNT: Detail = center::actions::AMOUNT;
const REASON: Detail = center::actions::REASON;
const INVOICE_NUMBER: Detail = Detail::text("invoice_number");

pub const READ: Action = Action::new("read_invoice", "read_money");
pub const REQUEST: Action = center::actions::REQUEST_INVOICE;
pub const WITHDRAW: Action = Action::new("withdraw_invoice", "answer_for_money").keeps(&[REQUEST_NUMBER]);
pub const ISSUE: Action = Action::new("issue_invoice", "keep_money").keeps(&[
    REQUEST_NUMBER,
    AMOUNT,
    INVOICE_NUMBER,
    Detail::text("issued_on"),
]);
pub const REFUSE: Action = Action::new("refuse_invoice", "keep_money").keeps(&[REQUEST_NUMBER, REASON]);
pub const REVERSE: Action = Action::new("reverse_invoice", "keep_money").keeps(&[
    REQUEST_NUMBER,
    INVOICE_NUMBER,
    Detail::text("red_number"),
    Detail::text("confirmation"),
    Detail::text("reversed_on"),
    REASON,
]);

pub const REQUESTED: Kind = Kind::new("invoice_requested")
    .tells(&[topic("invoice_requested", &[Audience::Center(Role::CenterFinance)])]);
pub const ISSUED: Kind = Kind::new("invoice_issued").tells(&[topic("invoice_issued", OF_MONEY)]);
pub const REVERSED: Kind = Kind::new("invoice_reversed").tells(&[topic("invoice_reversed", OF_MONEY)]);
pub const REFUSED: Kind = Kind::new("invoice_refused").tells(&[topic("invoice_refused", OF_MONEY)]);

const fn topic(code: &'static str, to: &'static [Audience]) -> Topic {
    Topic { code, to, when: |_| true, by_default: BOTH, page: "{href}", words: &[] }
}

/// The most statements of one invoice.
pub const MOST_STATEMENTS: usize = 200;

/// The most requests in one table for the tax system.
pub const MOST_ROWS: u32 = 10_000;

/// What is done to an invoice that was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Issue,
    Refuse,
    Withdraw,
    Reverse,
}

/// The state of an invoice after an act; nothing where its state does not allow the act.
pub fn after(state: InvoiceState, act: Act) -> Option<InvoiceState> {
    use InvoiceState as S;
    match (state, act) {
        (S::Requested, Act::Issue) => Some(S::Issued),
        (S::Requested, Act::Refuse) => Some(S::Refused),
        (S::Requested, Act::Withdraw) => Some(S::Withdrawn),
        (S::Issued, Act::Reverse) => Some(S::Reversed),
        _ => None,
    }
}

/// Whether a text is the number of an invoice in the tax system.
pub fn is_invoice_number(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A rate in percent, with no more places than it takes.
pub fn percent(rate_bp: u16) -> String {
    let text = format!("{}.{:02}", rate_bp / 100, rate_bp % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_goes_one_way() {
        use Act as A;
        use InvoiceState as S;
        let acts = [A::Issue, A::Refuse, A::Withdraw, A::Reverse];
        let table = S::ALL.map(|state| acts.map(|act| after(state, act)));
        let [requested, issued, others @ ..] = table;
        assert_eq!(requested, [Some(S::Issued), Some(S::Refused), Some(S::Withdrawn), None]);
        assert_eq!(issued, [None, None, None, Some(S::Reversed)]);
        assert_eq!(others, [[None; 4]; 3], "it is over");
        // What frees the statements is what has no way on but a reversal.
        for (state, acts) in S::ALL.into_iter().zip(table) {
            assert_eq!(state.is_live(), acts.iter().any(Option::is_some), "{state:?}");
        }
    }

    #[test]
    fn a_request_has_one_number_and_invoices_have_twenty_digits() {
        for number in [1, 17, 999_999, 1_000_000, 123_456_789] {
            assert_eq!(serial(&request_number(number)), Some(number));
        }
        assert_eq!(request_number(17), "FP-000017");
        for other in ["", "17", "FP-17", "FP-0000017", "FP-000000", "fp-000017", "FP-00001７", "FP-+00017"] {
            assert_eq!(serial(other), None, "{other}");
        }
        assert!(is_invoice_number("25332000000012345678"));
        for other in [
            "",
            "2533200000001234567",
            "253320000000123456789",
            "2533200000001234567x",
            "２5332000000012345678",
        ] {
            assert!(!is_invoice_number(other), "{other}");
        }
    }

    #[test]
    fn rates_are_told_in_percent() {
        assert_eq!([600, 1_300, 0, 150, 5].map(percent), ["6", "13", "0", "1.5", "0.05"]);
    }
}
