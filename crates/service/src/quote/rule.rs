//! Who may do what with quotes, what a quote may become, and by whose authority a discount is given.

use base::{
    approval::{Outcome, State},
    auth::Action,
    detail::{Detail, Reads},
    events::Kind,
};
use center::{actions, event_kinds, settings::QuoteSettings};
use domain::{Role, Timestamp, contract::ContractKindName, quote::QuoteState};

/// The most lines of a quote.
pub const MOST_LINES: usize = 50;
/// The most cards of a line.
pub const MOST_CARDS: u32 = 1_000_000;

const NUMBER: Detail = Detail::text("number");
const KIND: Detail = Detail::word::<ContractKindName>("kind", "kind");
const AMOUNT: Detail = Detail::new("amount_micro_cny", Reads::Money);
const DISCOUNT: Detail = Detail::count("discount_bp");
const STATE: Detail = Detail::word::<QuoteState>("state", "quote-state");
const CONTRACT: Detail = Detail::text("contract");

/// A quote was sent, accepted, withdrawn, or is not valid any more.
pub const CHANGED: Kind = event_kinds::QUOTE_CHANGED;

pub const READ: Action = Action::new("read_quote", "read_money");
/// Drawing up, sending and withdrawing.
pub const MANAGE: Action =
    Action::new("manage_quote", "keep_contracts").keeps(&[NUMBER, KIND, AMOUNT, DISCOUNT, STATE]);
/// Granting a discount that the drawer may not give alone.
pub const GRANT: Action = Action::new("grant_discount", "keep_contracts").keeps(&[NUMBER, DISCOUNT, AMOUNT]);
pub const ACCEPT: Action = actions::ACCEPT_QUOTE;
/// An applicant accepted a quote, by the secret of the application.
pub const ACCEPT_BY_SECRET: Action = Action::deed("applicant_accepted").keeps(&[NUMBER, AMOUNT]);
/// The clock ended a quote.
pub const EXPIRE: Action = Action::deed("expire_quote").keeps(&[NUMBER]);
/// A contract was drafted from the quote of an application that was approved.
pub const DRAFT: Action = Action::deed("draft_from_quote").keeps(&[NUMBER, CONTRACT]);

/// What is done with a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Grant,
    Send,
    Accept,
    Withdraw,
    Expire,
}

/// The state of a quote after a move; `None` where its state does not allow it. The clock counts before its loop has come by.
pub fn after(state: QuoteState, is_over: bool, step: Move) -> Option<QuoteState> {
    use QuoteState as S;
    Some(match (state, step) {
        (S::Draft, Move::Grant) => S::Draft,
        (S::Draft, Move::Send) if !is_over => S::Sent,
        (S::Sent, Move::Accept) if !is_over => S::Accepted,
        (S::Sent, Move::Expire) if is_over => S::Expired,
        (S::Draft | S::Sent, Move::Withdraw) => S::Withdrawn,
        _ => return None,
    })
}

/// The state as people are told it: a quote whose time is over has expired, whether the loop has come by or not.
pub fn told(state: QuoteState, valid_until: Timestamp, now: Timestamp) -> QuoteState {
    if state == QuoteState::Sent && now >= valid_until { QuoteState::Expired } else { state }
}

/// Whether somebody of this role gives the discount alone.
pub fn gives_alone(settings: &QuoteSettings, role: Role, discount_bp: u32) -> bool {
    discount_bp <= settings.alone(role)
}

/// Whether somebody of this role grants the discount to somebody else: who may give it alone, or an operator, beyond what
/// anybody gives alone.
pub fn grants(settings: &QuoteSettings, role: Role, discount_bp: u32) -> bool {
    gives_alone(settings, role, discount_bp) || role == Role::Operator
}

/// Whether a quote may be attached to an application that stands there.
pub fn takes_quotes(state: State, outcome: Option<Outcome>) -> bool {
    !state.is_over(outcome) && state != State::Draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_goes_from_draft_to_one_end() {
        use QuoteState as S;
        let allowed = [
            (S::Draft, false, Move::Grant, S::Draft),
            (S::Draft, true, Move::Grant, S::Draft),
            (S::Draft, false, Move::Send, S::Sent),
            (S::Draft, false, Move::Withdraw, S::Withdrawn),
            (S::Draft, true, Move::Withdraw, S::Withdrawn),
            (S::Sent, false, Move::Accept, S::Accepted),
            (S::Sent, true, Move::Expire, S::Expired),
            (S::Sent, false, Move::Withdraw, S::Withdrawn),
            (S::Sent, true, Move::Withdraw, S::Withdrawn),
        ];
        let moves = [Move::Grant, Move::Send, Move::Accept, Move::Withdraw, Move::Expire];
        for state in S::ALL {
            for is_over in [false, true] {
                for step in moves {
                    let want = allowed.iter().find(|row| (row.0, row.1, row.2) == (state, is_over, step));
                    assert_eq!(
                        after(state, is_over, step),
                        want.map(|row| row.3),
                        "{state:?} {is_over} {step:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_discount_takes_the_authority_for_it() {
        let settings = QuoteSettings::default();
        for (role, bp, alone, to_others) in [
            (Role::Contracts, 1000, true, true),
            (Role::Contracts, 1001, false, false),
            (Role::Operator, 3000, true, true),
            (Role::Operator, 3001, false, true),
            (Role::CenterFinance, 1, false, false),
            (Role::CenterFinance, 0, true, true),
        ] {
            assert_eq!(gives_alone(&settings, role, bp), alone, "{role:?} {bp}");
            assert_eq!(grants(&settings, role, bp), to_others, "{role:?} {bp}");
        }
    }
}
