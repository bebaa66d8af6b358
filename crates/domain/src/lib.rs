//! The words and rules of an AI computing center: ids, cards, time, money, and the state machines of
//! everything that changes. No I/O, no clock, no randomness, no async: time and ids come in as arguments.

pub mod batch;
pub mod capacity;
pub mod card;
pub mod code;
pub mod contract;
pub mod decimal;
pub mod id;
pub mod job;
pub mod ledger;
pub mod limits;
pub mod metering;
pub mod money;
pub mod node;
pub mod price;
pub mod problem;
pub mod reason;
pub mod run;
pub mod schema;
pub mod script;
pub mod spec;
pub mod taskfile;
pub mod tenant;
pub mod text;
pub mod time;
pub mod voucher;
pub mod zone;

pub use batch::{BatchSpec, Launch};
pub use card::{CardModel, CardSet};
pub use contract::{Contract, ContractState, QueueTerms, amendment, budget, course::Course};
pub use id::{
    AllianceId, AmendmentId, ApplicationId, AuditId, BudgetId, ClaimId, ContractId, CorrectionId, FundingId,
    Id, InvoiceId, JobId, MemberId, NodeId, PersonId, PoolId, PriceBookId, ProgrammeId, ProjectId, RunId,
    SessionId, TenantId, TokenId, TransferId, VoucherId,
};
pub use job::{Job, JobState, JobStatus};
pub use ledger::billing;
pub use money::{MicroCny, RatePerCardHour};
pub use node::{Node, NodeState, NodeStatus, Placement};
pub use problem::SpecProblem;
pub use run::{Outcome, Run, RunState, RunStatus};
pub use spec::{JobSpec, ServiceClass};
pub use tenant::{Member, Project, Role, Tenant, TenantDomain};
pub use text::{Both, both};
pub use time::{CardMs, Millis, Rfc3339, Timestamp};
#[doc(hidden)]
pub use utoipa;
pub use zone::{Month, Zone};

codes! {
    /// A language in which the center speaks to people.
    pub enum Lang {
        Zh = "zh",
        En = "en",
    }
}
