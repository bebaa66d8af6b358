//! The codes of refusals, with their values.

use domain::{
    CardMs, ContractState, MicroCny, RatePerCardHour, Rfc3339, Role, ServiceClass, TenantDomain,
    contract::ContractAction, job::JobStatus,
};
use serde::Serialize;
use serde_json::Value;
use store::invoices::InvoiceState;

use super::paper::Paper;
use super::voucher::VoucherRefusal;
use crate::{
    approval::{application::State, attachment::AttachmentFault},
    text::Sentence,
};

/// Why something can't be done. Each has its title in both languages among the portal's texts, behind `refused-`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "values", rename_all = "snake_case")]
pub enum Refused {
    /// The caller may approve no more than `most_micro_cny`.
    AboveLimit {
        amount_micro_cny: MicroCny,
        most_micro_cny: MicroCny,
    },
    /// There is such a thing already, in words of the store.
    AlreadyThere {
        what: String,
    },
    /// The state of an application does not allow it.
    ApplicationState {
        number: String,
        state: State,
    },
    /// The reviewer has spoken on the application before.
    AlreadyReviewed,
    /// The reviewer has an interest of their own in the application.
    ConflictDeclared,
    /// It is the turn of a step that another role takes.
    NotYourStep {
        role: Role,
    },
    /// Reviewer and applicant are one person.
    OwnApplication,
    /// The password of the account was set before.
    PasswordWasSet,
    /// A file can't be added to an application.
    Attachment {
        name: String,
        why: AttachmentFault,
    },
    /// So many drafts may come from one address.
    TooManyDrafts {
        most: u64,
    },
    /// The reference of a payment was booked before.
    ReferenceUsed {
        reference: String,
        booked_at: Rfc3339,
        contract: String,
        amount_micro_cny: MicroCny,
        card_ms: CardMs,
    },
    /// The statement is in an invoice.
    AlreadyInvoiced {
        statement: String,
        request: String,
    },
    /// The state of an invoice does not allow it.
    InvoiceState {
        request: String,
        state: InvoiceState,
    },
    /// An amendment of the contract is open.
    AmendmentOpen {
        contract: String,
    },
    /// It was decided before, and is in that state.
    AlreadyDecided {
        thing: Decided,
        state: &'static str,
    },
    BackupFailed {
        said: String,
    },
    /// The person has several memberships, and named none: the short names of the tenants, `-` for the center.
    ChooseTenant {
        tenants: Vec<String>,
    },
    ContractNotActive {
        contract: String,
        state: ContractState,
    },
    /// The contract's state does not allow it.
    ContractState {
        contract: String,
        state: ContractState,
        wanted: Wanted,
    },
    /// Somebody else changed the draft meanwhile.
    ChangedMeanwhile {
        contract: String,
    },
    TermOver {
        contract: String,
        ends_at: Rfc3339,
    },
    /// A state does not allow an action.
    ActionOutOfTurn {
        state: ContractState,
        action: ContractAction,
    },
    /// A file system of the center has no room.
    DiskFull,
    /// A disk of the center has less free than it must.
    DiskBelowFloor {
        disk: String,
        free_mib: u64,
        floor_mib: u64,
    },
    IdempotencyAnswerLost,
    IdempotencyKeyReused,
    NoContract {
        project: String,
    },
    /// The link was used, taken back, or has expired; or there never was one.
    InvitationOver,
    /// A sign-in by an issuer, with its name in both languages, came to nothing.
    IssuerFailed {
        zh: String,
        en: String,
        why: IssuerFault,
    },
    /// Who somebody is at an issuer is bound to another account.
    IdentityTaken,
    TooManyIdentities {
        most: usize,
    },
    TooManyScimTokens {
        most: usize,
    },
    /// There would be no way left to sign in.
    LastWayIn,
    /// The account has no password: its person signs in by that issuer.
    NoPassword {
        zh: String,
        en: String,
    },
    /// The sign-in is too long ago for what was asked.
    SignInAgain {
        minutes: i64,
    },
    NoHistory,
    NoPrice {
        class: ServiceClass,
    },
    NoProject,
    /// The key of the secrets is not in that file.
    /// The settings name no relay for mail.
    NoMail,
    /// The link by which a password is set leads nowhere any more.
    ResetOver,
    /// So many endpoints may one have.
    TooManyWebhooks {
        most: u64,
    },
    NoSecretKey {
        path: String,
    },
    NoSlurm,
    NodeHasWorked {
        node: String,
    },
    NodeLeaving {
        node: String,
    },
    /// Nothing of the job waits; `why` is the reason where it has ended.
    NotWaiting {
        state: JobStatus,
        why: Option<Sentence>,
    },
    /// Nothing of the task waits.
    TaskNotWaiting {
        task: String,
        state: JobStatus,
    },
    /// The center would have no operator who can sign in.
    LastOperator,
    OwnAccount,
    /// The person keeps their account themself: no tenant names them, or sets their password.
    PersonsOwn,
    /// The center keeps the person out, whatever their memberships say.
    PersonIsOut,
    /// The person must have a second factor before they may do anything else.
    SecondFactorNeeded,
    /// The person has a second factor, and no code of it came.
    CodeNeeded,
    /// There is no second factor to be shown, changed or removed.
    NoSecondFactor,
    /// There is one already.
    HasSecondFactor,
    /// So many programs wait to be let in.
    TooManyDevices,
    PeriodClosed {
        month: String,
    },
    PeriodGoesOn {
        month: String,
    },
    /// So many things are missing; the first of them in words.
    PeriodIncomplete {
        month: String,
        missing: usize,
        first: Vec<Sentence>,
    },
    PeriodNotNext {
        month: String,
        next: String,
    },
    PoolRetired {
        pool: String,
    },
    /// So many prices are dropped, doubled or free; the first of them.
    PriceChange {
        count: usize,
        first: Vec<ChangedPrice>,
    },
    SamePerson {
        did: Did,
    },
    SlurmFailed {
        said: String,
    },
    TooManyBudgets {
        most: u64,
    },
    TooManyInvitations {
        most: u64,
    },
    TooManyJobs {
        active: u32,
        most: u32,
    },
    /// So many separate ranges of an array's tasks are cancelled at most.
    TooManyRanges {
        most: usize,
    },
    /// So many rows are told at once.
    TooManyRows {
        most: usize,
    },
    TooManySecrets {
        most: u64,
    },
    /// The scripts, arguments and variables of the tenant's waiting jobs have so many bytes, and this job so many.
    TooMuchWaiting {
        waiting_bytes: u64,
        asked_bytes: u64,
        most_bytes: u64,
    },
    TwinIsBusy,
    /// Something with vouchers; `rule` is the rule of a programme that it is about, or 0.
    Voucher {
        why: VoucherRefusal,
        rule: usize,
    },
    /// Of quotes, the texts of contracts, and signatures.
    #[serde(untagged)]
    Paper(Paper),
}

/// A price that changes much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedPrice {
    pub pool: String,
    pub class: ServiceClass,
    pub domain: TenantDomain,
    pub before: Option<RatePerCardHour>,
    pub after: Option<RatePerCardHour>,
}

domain::codes! {
    /// What is decided once.
    pub enum Decided {
        Amendment = "amendment",
        Correction = "correction",
        Funding = "funding",
    }

    /// Why a sign-in by an issuer came to nothing.
    pub enum IssuerFault {
        Unreachable = "unreachable",
        Denied = "denied",
        Stale = "stale",
        WrongIssuer = "wrong_issuer",
        WrongAudience = "wrong_audience",
        WrongNonce = "wrong_nonce",
        Expired = "expired",
        UnknownKey = "unknown_key",
        BadSignature = "bad_signature",
        Malformed = "malformed",
    }

    /// What was to be done to a contract.
    pub enum Wanted {
        /// Only a draft is changed.
        Change = "change",
        Amend = "amend",
        PayIn = "pay_in",
        MakeText = "make_text",
        Sign = "sign",
        Renew = "renew",
    }

    /// What a person did first, who is to leave the second part to somebody else.
    pub enum Did {
        SubmittedContract = "submitted_contract",
        ApprovedContract = "approved_contract",
        DrewUpAmendment = "drew_up_amendment",
        ProposedCorrection = "proposed_correction",
        DrewUpQuote = "drew_up_quote",
        ProposedFunding = "proposed_funding",
        RequestedInvoice = "requested_invoice",
    }
}

impl Refused {
    /// The refusal's name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AboveLimit { .. } => "above_limit",
            Self::AlreadyThere { .. } | Self::ReferenceUsed { .. } | Self::AmendmentOpen { .. } => {
                "already_there"
            }
            Self::AlreadyDecided { .. } => "already_decided",
            Self::AlreadyInvoiced { .. } => "already_invoiced",
            Self::InvoiceState { .. } => "invoice_state",
            Self::AlreadyReviewed => "already_reviewed",
            Self::ApplicationState { .. } => "application_state",
            Self::ConflictDeclared => "conflict_declared",
            Self::NotYourStep { .. } => "not_your_step",
            Self::OwnApplication => "own_application",
            Self::PasswordWasSet => "password_was_set",
            Self::Attachment { .. } => "attachment",
            Self::TooManyDrafts { .. } => "too_many_drafts",
            Self::BackupFailed { .. } => "backup_failed",
            Self::ChooseTenant { .. } => "choose_tenant",
            Self::ContractNotActive { .. } => "contract_not_active",
            Self::ContractState { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::TermOver { .. }
            | Self::ActionOutOfTurn { .. } => "contract_state",
            Self::DiskFull | Self::DiskBelowFloor { .. } => "disk_full",
            Self::IdempotencyAnswerLost => "idempotency_answer_lost",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::NoContract { .. } => "no_contract",
            Self::InvitationOver => "invitation_over",
            Self::IssuerFailed { .. } => "issuer_failed",
            Self::IdentityTaken => "identity_taken",
            Self::TooManyIdentities { .. } => "too_many_identities",
            Self::TooManyScimTokens { .. } => "too_many_scim_tokens",
            Self::LastWayIn => "last_way_in",
            Self::NoPassword { .. } => "no_password",
            Self::SignInAgain { .. } => "sign_in_again",
            Self::NoHistory => "no_history",
            Self::NoPrice { .. } => "no_price",
            Self::NoProject => "no_project",
            Self::NoMail => "no_mail",
            Self::ResetOver => "reset_over",
            Self::TooManyWebhooks { .. } => "too_many_webhooks",
            Self::NoSecretKey { .. } => "no_secret_key",
            Self::NoSlurm => "no_slurm",
            Self::NodeHasWorked { .. } => "node_has_worked",
            Self::NodeLeaving { .. } => "node_leaving",
            Self::NotWaiting { .. } | Self::TaskNotWaiting { .. } => "not_waiting",
            Self::LastOperator => "last_operator",
            Self::OwnAccount => "own_account",
            Self::PersonsOwn => "persons_own",
            Self::PersonIsOut => "person_is_out",
            Self::SecondFactorNeeded => "second_factor_needed",
            Self::CodeNeeded => "code_needed",
            Self::NoSecondFactor => "no_second_factor",
            Self::HasSecondFactor => "has_second_factor",
            Self::TooManyDevices => "too_many_devices",
            Self::PeriodClosed { .. } => "period_closed",
            Self::PeriodGoesOn { .. } => "period_goes_on",
            Self::PeriodIncomplete { .. } => "period_incomplete",
            Self::PeriodNotNext { .. } => "period_not_next",
            Self::PoolRetired { .. } => "pool_retired",
            Self::PriceChange { .. } => "price_change",
            Self::SamePerson { .. } => "same_person",
            Self::SlurmFailed { .. } => "slurm_failed",
            Self::TooManyBudgets { .. } => "too_many_budgets",
            Self::TooManyInvitations { .. } => "too_many_invitations",
            Self::TooManyJobs { .. } => "too_many_jobs",
            Self::TooManyRanges { .. } => "too_many_ranges",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::TooManySecrets { .. } => "too_many_secrets",
            Self::TooMuchWaiting { .. } => "too_much_waiting",
            Self::TwinIsBusy => "twin_is_busy",
            Self::Paper(paper) => paper.code(),
            Self::Voucher { .. } => "voucher",
        }
    }

    /// Whether it is the center's own lack, which the caller can't mend.
    pub fn is_for_lack_of_room(&self) -> bool {
        matches!(self, Self::DiskFull | Self::DiskBelowFloor { .. })
    }

    /// Whether it is for the caller to show more of who they are.
    pub fn is_for_lack_of_proof(&self) -> bool {
        matches!(self, Self::SecondFactorNeeded | Self::CodeNeeded)
    }

    /// Its values, whose names are each refusal's own; `fault` among them where a code has several.
    pub fn values(&self) -> Value {
        let mut written = serde_json::to_value(self).unwrap_or_default();
        let mut values = match written["values"].take() {
            Value::Object(values) => values,
            _ => serde_json::Map::new(),
        };
        if written["code"] != self.code() {
            values.insert("fault".to_owned(), written["code"].take());
        }
        Value::Object(values)
    }
}
