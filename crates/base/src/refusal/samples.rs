//! Samples of all refusals, for tests: a variant that is left out does not compile.

use domain::{
    CardMs, ContractState, MicroCny, RatePerCardHour, Rfc3339, Role, ServiceClass, TenantDomain, Timestamp,
    contract::ContractAction, job::JobStatus, quote::QuoteState,
};
use store::{invoices::InvoiceState, texts::Side};

use super::{
    code::{ChangedPrice, Decided, Did, IssuerFault, Refused, Wanted},
    paper::Paper,
    voucher::VoucherRefusal,
};
use crate::{
    approval::{application::State, attachment::AttachmentFault},
    text::Sentence,
};

macro_rules! samples {
    ($type:ident: $($variant:ident $({ $($any:tt)* })? $(($($one:tt)*))? => $samples:expr),+ $(,)?) => {{
        let mut all: Vec<$type> = Vec::new();
        $(all.extend($samples);)+
        let is_known = |sample: &$type| match sample {
            $($type::$variant $({ $($any)* })? $(($($one)*))? => true),+
        };
        debug_assert!(all.iter().all(is_known));
        all
    }};
}

pub fn all() -> Vec<Refused> {
    let number = || "HZ-1".to_owned();
    let month = || "2026-05".to_owned();
    let at = Rfc3339(Timestamp::from_secs(1_779_242_400));
    let price = |before, after| ChangedPrice {
        pool: "npu".to_owned(),
        class: ServiceClass::Spot,
        domain: TenantDomain::Research,
        before,
        after,
    };
    let rate = Some(RatePerCardHour(MicroCny(6_500_000)));
    let mended = Sentence { zh: "失败：退出码 3".to_owned(), en: "failed: exit code 3".to_owned() };
    samples!(Refused:
        AboveLimit { .. } => [Refused::AboveLimit { amount_micro_cny: MicroCny(2_000_000), most_micro_cny: MicroCny(1_000_000) }],
        AlreadyThere { .. } => [Refused::AlreadyThere { what: "a contract with this number".to_owned() }],
        ApplicationState { .. } => State::ALL.map(|state| Refused::ApplicationState { number: number(), state }),
        AlreadyReviewed => [Refused::AlreadyReviewed],
        ConflictDeclared => [Refused::ConflictDeclared],
        NotYourStep { .. } => [Role::Operator, Role::Contracts].map(|role| Refused::NotYourStep { role }),
        OwnApplication => [Refused::OwnApplication],
        PasswordWasSet => [Refused::PasswordWasSet],
        Attachment { .. } => AttachmentFault::ALL.map(|why| Refused::Attachment { name: "a.pdf".to_owned(), why }),
        TooManyDrafts { .. } => [Refused::TooManyDrafts { most: 5 }],
        ReferenceUsed { .. } => [Refused::ReferenceUsed {
            reference: "B-7".to_owned(), booked_at: at, contract: number(), amount_micro_cny: MicroCny(5), card_ms: CardMs(7),
        }],
        AmendmentOpen { .. } => [Refused::AmendmentOpen { contract: number() }],
        AlreadyDecided { .. } => Decided::ALL.into_iter().flat_map(|thing| {
            ["refused", "approved", "booked"].map(|state| Refused::AlreadyDecided { thing, state })
        }),
        AlreadyInvoiced { .. } => [Refused::AlreadyInvoiced { statement: "2026-05-0003".to_owned(), request: "FP-000007".to_owned() }],
        InvoiceState { .. } => InvoiceState::ALL.map(|state| Refused::InvoiceState { request: "FP-000007".to_owned(), state }),
        BackupFailed { .. } => [Refused::BackupFailed { said: "no space".to_owned() }],
        ContractNotActive { .. } => ContractState::ALL.map(|state| Refused::ContractNotActive { contract: number(), state }),
        ContractState { .. } => Wanted::ALL.map(|wanted| Refused::ContractState {
            contract: number(), state: ContractState::Draft, wanted,
        }),
        ChangedMeanwhile { .. } => [Refused::ChangedMeanwhile { contract: number() }],
        TermOver { .. } => [Refused::TermOver { contract: number(), ends_at: at }],
        ActionOutOfTurn { .. } => ContractAction::ALL.map(|action| Refused::ActionOutOfTurn { state: ContractState::Draft, action }),
        DiskFull => [Refused::DiskFull],
        DiskBelowFloor { .. } => [Refused::DiskBelowFloor { disk: "data".to_owned(), free_mib: 90, floor_mib: 1024 }],
        IdempotencyAnswerLost => [Refused::IdempotencyAnswerLost],
        IdempotencyKeyReused => [Refused::IdempotencyKeyReused],
        NoContract { .. } => [Refused::NoContract { project: "vision".to_owned() }],
        NoHistory => [Refused::NoHistory],
        NoPrice { .. } => ServiceClass::ALL.map(|class| Refused::NoPrice { class }),
        NoProject => [Refused::NoProject],
        NoMail => [Refused::NoMail],
        ResetOver => [Refused::ResetOver],
        TooManyWebhooks { .. } => [Refused::TooManyWebhooks { most: 20 }],
        NoSecretKey { .. } => [Refused::NoSecretKey { path: "/var/lib/center/secret-key".to_owned() }],
        NodeHasWorked { .. } => [Refused::NodeHasWorked { node: "hz-1".to_owned() }],
        NodeLeaving { .. } => [Refused::NodeLeaving { node: "hz-1".to_owned() }],
        NoSlurm => [Refused::NoSlurm],
        NotWaiting { .. } => JobStatus::ALL.into_iter().flat_map(|state| {
            [None, Some(mended.clone())].map(|why| Refused::NotWaiting { state, why })
        }),
        TaskNotWaiting { .. } => JobStatus::ALL.map(|state| Refused::TaskNotWaiting { task: "job_1_7".to_owned(), state }),
        ChooseTenant { .. } => [Refused::ChooseTenant { tenants: vec!["univ".to_owned(), "-".to_owned()] }],
        InvitationOver => [Refused::InvitationOver],
        IssuerFailed { .. } => IssuerFault::ALL.map(|why| Refused::IssuerFailed { zh: "某大学".to_owned(), en: "Univ".to_owned(), why }),
        IdentityTaken => [Refused::IdentityTaken],
        TooManyIdentities { .. } => [Refused::TooManyIdentities { most: 20 }],
        TooManyScimTokens { .. } => [Refused::TooManyScimTokens { most: 20 }],
        LastWayIn => [Refused::LastWayIn],
        NoPassword { .. } => [Refused::NoPassword { zh: "某大学".to_owned(), en: "Univ".to_owned() }],
        SignInAgain { .. } => [Refused::SignInAgain { minutes: 15 }],
        TooManyBudgets { .. } => [Refused::TooManyBudgets { most: 1000 }],
        TooManyInvitations { .. } => [Refused::TooManyInvitations { most: 500 }],
        LastOperator => [Refused::LastOperator],
        OwnAccount => [Refused::OwnAccount],
        PersonsOwn => [Refused::PersonsOwn],
        PersonIsOut => [Refused::PersonIsOut],
        SecondFactorNeeded => [Refused::SecondFactorNeeded],
        CodeNeeded => [Refused::CodeNeeded],
        NoSecondFactor => [Refused::NoSecondFactor],
        HasSecondFactor => [Refused::HasSecondFactor],
        TooManyDevices => [Refused::TooManyDevices],
        PeriodClosed { .. } => [Refused::PeriodClosed { month: month() }],
        PeriodGoesOn { .. } => [Refused::PeriodGoesOn { month: month() }],
        PeriodIncomplete { .. } => [Refused::PeriodIncomplete { month: month(), missing: 7, first: vec![Sentence { zh: "一次运行".to_owned(), en: "a run".to_owned() }] }],
        PeriodNotNext { .. } => [Refused::PeriodNotNext { month: month(), next: "2026-04".to_owned() }],
        PoolRetired { .. } => [Refused::PoolRetired { pool: "npu".to_owned() }],
        PriceChange { .. } => [Refused::PriceChange { count: 3, first: vec![price(rate, None), price(None, rate)] }],
        SamePerson { .. } => Did::ALL.map(|did| Refused::SamePerson { did }),
        SlurmFailed { .. } => [Refused::SlurmFailed { said: "no answer".to_owned() }],
        TooManyJobs { .. } => [Refused::TooManyJobs { active: 1000, most: 1000 }],
        TooManyRanges { .. } => [Refused::TooManyRanges { most: 512 }],
        TooManyRows { .. } => [Refused::TooManyRows { most: 10_000 }],
        TooManySecrets { .. } => [Refused::TooManySecrets { most: 1000 }],
        TooMuchWaiting { .. } => [Refused::TooMuchWaiting { waiting_bytes: 900, asked_bytes: 200, most_bytes: 1000 }],
        TwinIsBusy => [Refused::TwinIsBusy],
        Paper(_) => paper(),
        Voucher { .. } => VoucherRefusal::ALL.map(|why| Refused::Voucher { why, rule: 2 }),
    )
}

fn paper() -> Vec<Refused> {
    let number = || "HZ-1".to_owned();
    let at = Rfc3339(Timestamp::from_secs(1_779_242_400));
    let all = samples!(Paper:
        CenterUnnamed => [Paper::CenterUnnamed],
        TenantUnnamed { .. } => [Paper::TenantUnnamed { tenant: "univ".to_owned() }],
        NotSigned { .. } => [Paper::NotSigned { contract: number(), missing: Side::ALL.into() }],
        TextSigned { .. } => [Paper::TextSigned { contract: number() }],
        NotASigner { .. } => Role::ALL.map(|role| Paper::NotASigner { role }),
        TextAltered { .. } => [Paper::TextAltered { contract: number(), version: 2 }],
        TextOver { .. } => [Paper::TextOver { contract: number(), version: 1 }],
        SideSigned { .. } => Side::ALL.map(|side| Paper::SideSigned { contract: number(), side }),
        OneForBoth => [Paper::OneForBoth],
        RenewedEarly { .. } => [Paper::RenewedEarly { contract: number(), from: at }],
        Renewed { .. } => [Paper::Renewed { contract: number(), by: "HZ-1-R".to_owned() }],
        QuoteState { .. } => QuoteState::ALL.map(|state| Paper::QuoteState { number: "Q-2026-000017".to_owned(), state }),
        DiscountAbove { .. } => [Paper::DiscountAbove { discount_bp: 2500, most_bp: 1000 }],
    );
    all.into_iter().map(Refused::Paper).collect()
}
