//! Typed ids: a prefix that says what it names, and a UUID v7 that sorts by time of creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {noun} id: it must be `{prefix}` followed by 32 hexadecimal digits")]
pub struct InvalidId {
    pub text: String,
    pub noun: &'static str,
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// An id made at `at`, told apart from others of that millisecond by `random`.
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                let unix_ms = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
            }

            /// When it was made, to the millisecond.
            pub fn made_at(&self) -> Timestamp {
                let first = self.as_bytes().first_chunk().expect("16 bytes");
                Timestamp::from_millis(i64::from_be_bytes(*first) >> 16)
            }

            /// From the 16 bytes that a store keeps.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes that a store keeps; they sort as the ids do.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId {
                        text: text.chars().take(80).collect(),
                        noun: $noun,
                        prefix: $prefix,
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A tenant 租户.
    TenantId = "ten_", "tenant";
    /// A member 成员: a person who signs in.
    MemberId = "mem_", "member";
    /// A project 项目 of a tenant.
    ProjectId = "prj_", "project";
    /// A contract 合同.
    ContractId = "con_", "contract";
    /// An alliance 产业联盟.
    AllianceId = "all_", "alliance";
    /// A pool 资源池.
    PoolId = "pool_", "pool";
    /// A node 节点.
    NodeId = "node_", "node";
    /// A price book 价目, one immutable version.
    PriceBookId = "pb_", "price book";
    /// A job 作业.
    JobId = "job_", "job";
    /// A run 运行: one attempt of a job, or of one task of its array.
    RunId = "run_", "run";
    /// A transfer in the ledger 账本.
    TransferId = "tr_", "transfer";
    /// A bearer token.
    TokenId = "tok_", "token";
    /// A browser session.
    SessionId = "ses_", "session";
    /// A line of the audit log.
    AuditId = "aud_", "audit record";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips_and_sorts_by_time(ms in 0_i64..4_000_000_000_000, later in 1_i64..1_000_000, random: [u8; 10]) {
            let id = JobId::new(Timestamp::from_millis(ms), random);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
            prop_assert_eq!(id.made_at(), Timestamp::from_millis(ms));
            prop_assert!(id < JobId::new(Timestamp::from_millis(ms + later), [0; 10]));
            prop_assert!(id.to_string().parse::<RunId>().is_err());
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<JobId>();
            let _ = format!("job_{text}").parse::<JobId>();
        }
    }
}
