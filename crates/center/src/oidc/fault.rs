//! Why a sign-in by an issuer failed: a code that people are told, and what the log has of it.

use std::fmt;

use base::{
    error::AppError,
    refusal::{IssuerFault, Refused},
};

use crate::settings::oidc::OidcSettings;

/// Why an issuer, or what came from it, is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It can't be asked, or its answer is not understood.
    Unreachable(String),
    /// It sent the browser back without a code, in its own word for why.
    Denied(String),
    /// A code that it does not know any more.
    BadCode,
    /// The answer belongs to no sign-in of this browser, or was used before.
    State,
    WrongIssuer,
    WrongAudience,
    WrongNonce,
    Expired,
    /// By a key that the issuer does not have.
    UnknownKey,
    /// Not signed by its key, or by a way of signing that is not taken.
    BadSignature,
    Malformed,
    /// A token that is good for one use was used before.
    Replayed,
}

impl Fault {
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self::Unreachable(why.into())
    }

    fn code(&self) -> IssuerFault {
        match self {
            Self::Unreachable(_) => IssuerFault::Unreachable,
            Self::Denied(_) => IssuerFault::Denied,
            Self::BadCode | Self::State | Self::Replayed => IssuerFault::Stale,
            Self::WrongIssuer => IssuerFault::WrongIssuer,
            Self::WrongAudience => IssuerFault::WrongAudience,
            Self::WrongNonce => IssuerFault::WrongNonce,
            Self::Expired => IssuerFault::Expired,
            Self::UnknownKey => IssuerFault::UnknownKey,
            Self::BadSignature => IssuerFault::BadSignature,
            Self::Malformed => IssuerFault::Malformed,
        }
    }

    /// As whoever signs in is told it. The log has the rest.
    pub fn refused(&self, issuer: &OidcSettings) -> AppError {
        tracing::warn!(issuer = issuer.name, fault = %self, "a sign-in by an issuer failed");
        let (zh, en) = (issuer.label_zh.clone(), issuer.label_en.clone());
        Refused::IssuerFailed { zh, en, why: self.code() }.into()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => f.write_str(why),
            Self::Denied(why) => write!(f, "the issuer said `{why}`"),
            Self::BadCode => f.write_str("the issuer does not know the code"),
            Self::State => f.write_str("it belongs to no sign-in of this browser"),
            Self::WrongIssuer => f.write_str("it is by another issuer"),
            Self::WrongAudience => f.write_str("it is for another client"),
            Self::WrongNonce => f.write_str("it belongs to another sign-in"),
            Self::Expired => f.write_str("it has expired, or is of the future"),
            Self::UnknownKey => f.write_str("the issuer has no such key"),
            Self::BadSignature => f.write_str("the issuer did not sign it, or not in a way that is taken"),
            Self::Malformed => f.write_str("it lacks what belongs into it"),
            Self::Replayed => f.write_str("it was used before"),
        }
    }
}
