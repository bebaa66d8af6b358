//! Typed ids: a prefix that says which kind of thing an id names, and a UUID v7, so that ids sort by time of
//! creation.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use crate::time::Timestamp;

/// A kind of thing that has ids. [`ids!`](crate::ids) makes one in a line.
pub trait Kind: 'static {
    /// The beginning of the text of such an id: `job_`.
    const PREFIX: &'static str;
    /// The word for such a thing in messages: `job`.
    const NOUN: &'static str;
}

/// The id of a thing of the kind `K`.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {noun} id: it must be `{prefix}` followed by 32 hexadecimal digits")]
pub struct InvalidId {
    pub text: String,
    pub noun: &'static str,
    pub prefix: &'static str,
}

impl<K> Id<K> {
    /// An id made at `at`, told apart from others of that millisecond by `random`.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let unix_ms = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
        Self::of(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The time at which it was made, to the millisecond.
    pub fn made_at(&self) -> Timestamp {
        let first = self.as_bytes().first_chunk().expect("16 bytes");
        Timestamp::from_millis(i64::from_be_bytes(*first) >> 16)
    }

    /// The id that a store keeps as these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::of(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes that a store keeps; they sort as the ids do.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }

    const fn of(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }
}

impl<K: Kind> Id<K> {
    /// The beginning of the text.
    pub const PREFIX: &'static str = K::PREFIX;
}

// These are written out because derived ones would demand that the kind itself can be copied, compared and
// hashed.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", K::PREFIX, self.uuid.simple())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.strip_prefix(K::PREFIX)
            .filter(|hex| hex.len() == 32)
            .and_then(|hex| Uuid::try_parse(hex).ok())
            .map(Self::of)
            .ok_or_else(|| InvalidId {
                text: text.chars().take(80).collect(),
                noun: K::NOUN,
                prefix: K::PREFIX,
            })
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<K: Kind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        crate::schema::pattern(format!("^{}[0-9a-fA-F]{{32}}$", K::PREFIX))
    }
}

impl<K: Kind> ToSchema for Id<K> {
    /// `PriceBookId`, of the noun `price book`.
    fn name() -> Cow<'static, str> {
        let mut name = String::new();
        for word in K::NOUN.split(' ') {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        Cow::Owned(name + "Id")
    }
}

/// Makes ids, each by a line: its name, its [`Kind`], the beginning of its text, and the word for the thing
/// in messages. Any crate can have ids of its own.
///
/// ```
/// domain::ids! {
///     /// A voucher 算力券.
///     VoucherId of VoucherKind = "vou_", "voucher";
/// }
///
/// let id = VoucherId::from_bytes([0x2a; 16]);
/// assert_eq!(id.to_string(), "vou_2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a");
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident of $kind:ident = $prefix:literal, $noun:literal;)+) => {$(
        #[doc = concat!("The kind of [`", stringify!($id), "`].")]
        #[derive(Debug)]
        pub enum $kind {}

        impl $crate::id::Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;
        }

        $(#[$doc])*
        pub type $id = $crate::id::Id<$kind>;
    )+};
}

ids! {
    /// A tenant 租户.
    TenantId of Tenant = "ten_", "tenant";
    /// A person 人员, who signs in.
    PersonId of Person = "per_", "person";
    /// A member 成员: a person's place in a tenant, with a role.
    MemberId of Member = "mem_", "member";
    /// A project 项目 of a tenant.
    ProjectId of Project = "prj_", "project";
    /// A contract 合同.
    ContractId of Contract = "con_", "contract";
    /// An alliance 产业联盟.
    AllianceId of Alliance = "all_", "alliance";
    /// An application 申请: what is asked of the center, reviewed and decided.
    ApplicationId of Application = "app_", "application";
    /// A budget 预算 of a project or a member.
    BudgetId of Budget = "bud_", "budget";
    /// An amendment 合同变更 of a contract.
    AmendmentId of Amendment = "amd_", "amendment";
    /// A programme 券种 of vouchers: who gives how much for what.
    ProgrammeId of Programme = "prg_", "programme";
    /// Money that is put into a programme's pot.
    FundingId of Funding = "fnd_", "funding";
    /// A voucher 算力券.
    VoucherId of Voucher = "vou_", "voucher";
    /// A claim 兑付申请: a month's charges that a voucher pays back.
    ClaimId of Claim = "clm_", "claim";
    /// An invoice 发票.
    InvoiceId of Invoice = "ivc_", "invoice";
    /// A correction 更正 of what was booked.
    CorrectionId of Correction = "cor_", "correction";
    /// A pool 资源池.
    PoolId of Pool = "pool_", "pool";
    /// A node 节点.
    NodeId of Node = "node_", "node";
    /// A price book 价目, one immutable version.
    PriceBookId of PriceBook = "pb_", "price book";
    /// A job 作业.
    JobId of Job = "job_", "job";
    /// A run 运行: one attempt of a job, or of one task of its array.
    RunId of Run = "run_", "run";
    /// A transfer in the ledger 账本.
    TransferId of Transfer = "tr_", "transfer";
    /// A bearer token.
    TokenId of Token = "tok_", "token";
    /// A browser session.
    SessionId of Session = "ses_", "session";
    /// A line of the audit log.
    AuditId of Audit = "aud_", "audit record";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_schema_is_named_after_the_kind() {
        let schema = serde_json::to_value(PriceBookId::schema()).unwrap();
        assert_eq!(schema, serde_json::json!({ "type": "string", "pattern": "^pb_[0-9a-fA-F]{32}$" }));
        assert_eq!((PriceBookId::name(), JobId::name()), ("PriceBookId".into(), "JobId".into()));
    }

    proptest! {
        #[test]
        fn text_form_round_trips_and_sorts_by_time(ms in 0_i64..4_000_000_000_000, later in 1_i64..1_000_000, random: [u8; 10]) {
            let id = JobId::new(Timestamp::from_millis(ms), random);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
            prop_assert_eq!(serde_json::from_str::<JobId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
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
