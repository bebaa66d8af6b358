//! How refusals read in English.

use domain::{ContractState, Lang, RatePerCardHour, contract::ContractAction, job::JobStatus};

use super::{
    code::{ChangedPrice, Decided, Did, Refused, Wanted},
    sign_in,
};
use crate::text::Sentence;
use store::invoices::InvoiceState;

/// The fault, and the advice on it.
pub fn words(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::AboveLimit { amount_micro_cny, most_micro_cny } => with(
            format!(
                "{amount_micro_cny} CNY is more than the {most_micro_cny} CNY that your role may approve"
            ),
            "let an operator approve it; `books.approve_up_to_micro_cny` in the settings is the bound",
        ),
        Refused::AlreadyThere { what } => {
            with(format!("{what} is there already"), "choose another, or change the one that is there")
        }
        // The words of a voucher's are with its reasons.
        Refused::Voucher { .. }
        | Refused::Attachment { .. }
        | Refused::ApplicationState { .. }
        | Refused::AlreadyReviewed
        | Refused::ConflictDeclared
        | Refused::NotYourStep { .. }
        | Refused::OwnApplication
        | Refused::PasswordWasSet
        | Refused::TooManyDrafts { .. } => super::application::en(refused),
        Refused::ReferenceUsed { reference, booked_at, contract, amount_micro_cny, card_ms } => with(
            format!(
                "the reference `{reference}` was booked at {booked_at} for the contract {contract}: {amount_micro_cny} CNY, \
                 {card_ms} card-hours"
            ),
            "each payment has a reference of its own; what was booked wrongly is put right by a correction",
        ),
        Refused::AmendmentOpen { contract } => with(
            format!("an amendment of the contract {contract} is open"),
            "decide it first, or wait until it is in force",
        ),
        Refused::AlreadyDecided { thing: Decided::Amendment, state } => {
            with(format!("the amendment {}", decided(state)), "draw up another")
        }
        Refused::AlreadyDecided { thing, state } => {
            with(format!("the {} {}", thing.code(), decided(state)), "propose another")
        }
        Refused::AlreadyInvoiced { .. } | Refused::InvoiceState { .. } => of_invoices(refused),
        Refused::BackupFailed { said } => with(said.clone(), "give a new file in a folder that is there"),
        Refused::ContractNotActive { contract, state } => with(
            format!("the contract {contract} is {}", contract_state(*state)),
            "ask your administrator, or submit to a project with another contract",
        ),
        Refused::ContractState { contract, state, wanted } => {
            with(format!("the contract {contract} is {}", contract_state(*state)), allowed(*wanted))
        }
        Refused::ChangedMeanwhile { .. } | Refused::TermOver { .. } => of_contracts(refused),
        Refused::ActionOutOfTurn { state, action } => with(
            format!("a contract that is {} can't be {}", contract_state(*state), done_to(*action)),
            "look at the contract's history to see where it stands",
        ),
        Refused::IdempotencyAnswerLost | Refused::IdempotencyKeyReused => of_keys(refused),
        Refused::NoSlurm => two(
            "this center runs jobs on its own machine, not on Slurm",
            "see docs/slurm.md for how a center comes onto Slurm",
        ),
        Refused::PeriodClosed { .. }
        | Refused::PeriodGoesOn { .. }
        | Refused::PeriodIncomplete { .. }
        | Refused::PeriodNotNext { .. } => of_periods(refused),
        Refused::PriceChange { count, first } => of_prices(*count, first),
        Refused::SamePerson { did } => with(
            format!("you {} yourself, and duties are separate here", done(*did)),
            "let somebody else do this; `books.separate_duties` in the settings says that duties are separate",
        ),
        Refused::SlurmFailed { said } => with(
            said.clone(),
            "the center needs sacctmgr, sshare, sinfo and scontrol, and to be root or an administrator of Slurm's",
        ),
        Refused::NoContract { .. }
        | Refused::NoHistory
        | Refused::NoPrice { .. }
        | Refused::NoProject
        | Refused::NotWaiting { .. }
        | Refused::TaskNotWaiting { .. }
        | Refused::TooManyJobs { .. }
        | Refused::TooManyRanges { .. }
        | Refused::TooManyRows { .. }
        | Refused::TooMuchWaiting { .. }
        | Refused::TwinIsBusy => of_jobs(refused),
        Refused::DiskFull
        | Refused::DiskBelowFloor { .. }
        | Refused::NoMail
        | Refused::NoSecretKey { .. }
        | Refused::NodeHasWorked { .. }
        | Refused::NodeLeaving { .. }
        | Refused::PoolRetired { .. }
        | Refused::TooManyBudgets { .. }
        | Refused::TooManySecrets { .. }
        | Refused::TooManyWebhooks { .. } => of_the_center(refused),
        Refused::IssuerFailed { .. }
        | Refused::IdentityTaken
        | Refused::TooManyIdentities { .. }
        | Refused::TooManyScimTokens { .. }
        | Refused::LastWayIn
        | Refused::NoPassword { .. }
        | Refused::SignInAgain { .. } => sign_in::en_of_issuers(refused),
        Refused::ChooseTenant { .. }
        | Refused::InvitationOver
        | Refused::LastOperator
        | Refused::ResetOver
        | Refused::TooManyInvitations { .. }
        | Refused::OwnAccount
        | Refused::PersonsOwn
        | Refused::PersonIsOut => of_people(refused),
        Refused::Paper(paper) => super::paper::en(paper),
        Refused::SecondFactorNeeded
        | Refused::CodeNeeded
        | Refused::NoSecondFactor
        | Refused::HasSecondFactor
        | Refused::TooManyDevices => sign_in::en(refused),
    }
}

/// Refusals of months and their closing.
fn of_periods(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::PeriodClosed { month } => with(
            format!("{month} is closed already"),
            "what belongs to it is posted now, as a correction of it",
        ),
        Refused::PeriodGoesOn { month } => with(format!("{month} has not ended"), "close it once it has"),
        Refused::PeriodIncomplete { month, missing, first } => incomplete(month, *missing, first),
        Refused::PeriodNotNext { month, next } => {
            (format!("{next} is not closed, and comes before {month}"), format!("close {next} first"))
        }
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of idempotency keys.
fn of_keys(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::IdempotencyAnswerLost => two(
            "the request was carried out before and its answer was not kept, or it is being carried out",
            "look at what it was to change; use a new key to do it again",
        ),
        Refused::IdempotencyKeyReused => {
            two("this Idempotency-Key came before with another request", "use a new key for a new request")
        }
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of jobs, and of questions about them.
fn of_jobs(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::TwinIsBusy => two(
            "the twin is at work on another question",
            "wait for it to end, or ask on your own machine with `qiantang twin`",
        ),
        Refused::NoContract { project } => with(
            format!("the project `{project}` has no contract to charge"),
            "ask your administrator to give the project a contract",
        ),
        Refused::NoHistory => {
            two("no run has ended in that time", "take more days, or replay a trace with `qiantang twin`")
        }
        Refused::NoPrice { class } => with(
            format!(
                "the price book in force has no price for {} work of your domain in the contract's pools",
                class.code()
            ),
            "choose another service class, or ask the center for a price",
        ),
        Refused::NoProject => two("your tenant has no project", "ask your administrator to make one"),
        Refused::NotWaiting { state, why: Some(why) } => with(
            format!("nothing of the job waits; it has ended: {}", why.in_lang(Lang::En)),
            match state {
                JobStatus::Succeeded => "`qiantang show` tells how it went",
                _ => "submit it again once that is mended",
            },
        ),
        Refused::NotWaiting { state, why: None } => with(
            format!("the job {}: nothing of it waits", job_status(*state)),
            "wait for its end, or look at its log",
        ),
        Refused::TaskNotWaiting { task, state } => with(
            format!("the task {task} {}: it does not wait", job_status(*state)),
            "`qiantang show` tells how it went",
        ),
        Refused::TooManyJobs { active, most } => with(
            format!("{active} of your jobs are queued or running; at most {most} may be"),
            "wait for some to end, or use an array: it counts as one job",
        ),
        Refused::TooManyRanges { most } => with(
            format!("more than {most} separate ranges of its tasks would be cancelled"),
            "cancel whole ranges, or the job",
        ),
        Refused::TooManyRows { most } => {
            with(format!("more than {most} rows would be told"), "ask for a shorter time")
        }
        Refused::TooMuchWaiting { waiting_bytes, asked_bytes, most_bytes } => with(
            format!(
                "scripts, arguments and variables of your waiting jobs have {waiting_bytes} bytes, this job {asked_bytes}; \
                 together they may have {most_bytes}"
            ),
            "wait for some to start, use an array, or keep large values in files",
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of contracts that are not as whoever asks took them to be.
fn of_contracts(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::ChangedMeanwhile { contract } => {
            with(format!("the draft {contract} was changed by somebody else meanwhile"), "look at it again")
        }
        Refused::TermOver { contract, ends_at } => with(
            format!("the term of the contract {contract} ended at {ends_at}"),
            "terminate it, and draw up another one",
        ),
        _ => <(String, String)>::default(),
    }
}

/// Refusals of persons, members and their sign-ins.
fn of_people(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::ChooseTenant { tenants } => (
            format!("you are a member in several places: {}", tenants.join(", ")),
            "say as which member: by the tenant's short name, `-` for the center".to_owned(),
        ),
        Refused::ResetOver => two(
            "this link leads nowhere any more: it is good for an hour, and once",
            "ask for another under \"Forgot the password\"",
        ),
        Refused::InvitationOver => two(
            "this link opens nothing: it was used, was taken back or has expired",
            "ask whoever sent it for another",
        ),
        Refused::TooManyInvitations { most } => (
            format!("{most} invitations are open already"),
            "take some back, or wait until they are taken or expire".to_owned(),
        ),
        Refused::LastOperator => {
            two("nobody could run the center then: this is its last operator", "make another operator first")
        }
        Refused::OwnAccount => {
            two("you can't lock yourself out, nor change your own role", "ask another administrator")
        }
        Refused::PersonsOwn => two(
            "this person keeps their account themself, as everybody does who came by an invitation",
            "they set their name and password on their own page; an operator of the center can, too",
        ),
        Refused::PersonIsOut => two(
            "the center does not let this person sign in",
            "an operator of the center can let them in again",
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals for what the center has, and has not.
fn of_the_center(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::DiskFull => two(
            "the center's disk is full: nothing of this was kept",
            "send the same request again later; the operators see which disk is full",
        ),
        Refused::DiskBelowFloor { disk, free_mib, floor_mib } => with(
            format!("the center's disk of `{disk}` has {free_mib} MiB free and must have {floor_mib} MiB"),
            "nothing was kept; send the same request again later",
        ),
        Refused::NoMail => two(
            "the center sends no mail: its settings name no relay",
            "give the link on yourself; operators set a relay in `[mail]`",
        ),
        Refused::TooManyWebhooks { most } => {
            with(format!("there are {most} endpoints already"), "remove one that nobody needs")
        }
        Refused::NoSecretKey { path } => with(
            format!("the key of the center's secrets is not in {path}"),
            "an operator has to put the file back; without it secrets can't be opened, and are to be set anew",
        ),
        Refused::NodeHasWorked { node } => {
            with(format!("runs were on {node}, so that it can't be removed"), "retire it: its history stays")
        }
        Refused::NodeLeaving { node } => (
            format!("the node {node} is being retired"),
            format!("bring it back first: `qiantang nodes bring-back {node}`"),
        ),
        Refused::PoolRetired { pool } => (
            format!("the pool {pool} is retired"),
            format!("bring it back first: `qiantang pools bring-back {pool}`"),
        ),
        Refused::TooManyBudgets { most } => {
            (format!("your tenant has {most} budgets already"), "take some away that nobody needs".to_owned())
        }
        Refused::TooManySecrets { most } => with(
            format!("your tenant has {most} secrets, which is the most"),
            "remove some that no job names",
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

fn price(change: &ChangedPrice) -> String {
    let told = |rate: Option<RatePerCardHour>| rate.map_or("no price".to_owned(), |rate| rate.0.to_string());
    let place = format!("{} {} {}", change.pool, change.class.code(), change.domain.code());
    format!("{place}: {} → {}", told(change.before), told(change.after))
}

/// The states in which a contract allows it.
fn allowed(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Change => {
            "only a draft is changed: a submitted contract is returned first, an active one is amended"
        }
        Wanted::Amend => "a contract is amended from its activation to its end; a draft is changed instead",
        Wanted::PayIn => "a payment is booked from the approval of a contract to its end",
        Wanted::MakeText => "the text of a contract is made before the contract is active",
        Wanted::Sign => "a contract is signed once it is approved, and before it is active",
        Wanted::Renew => "a contract is renewed from its activation on, unless it was terminated",
    }
}

fn incomplete(month: &str, missing: usize, first: &[Sentence]) -> (String, String) {
    let told: Vec<&str> = first.iter().map(|one| one.en.as_str()).collect();
    let more = missing.saturating_sub(first.len());
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    (
        format!("{month} can't be closed yet: {}{rest}", told.join("; ")),
        format!(
            "`qiantang periods show {month}` lists all that is missing; runs are looked at each few seconds"
        ),
    )
}

fn of_prices(count: usize, first: &[ChangedPrice]) -> (String, String) {
    let hint = "jobs without a price are refused; where this is meant, publish it again as confirmed";
    (price_change(count, first), hint.to_owned())
}

fn price_change(count: usize, first: &[ChangedPrice]) -> String {
    let named: Vec<String> = first.iter().map(price).collect();
    let more = count.saturating_sub(first.len());
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("prices are dropped, doubled or free (CNY a card-hour): {}{rest}", named.join(", "))
}

fn done(did: Did) -> &'static str {
    match did {
        Did::SubmittedContract => "submitted this contract",
        Did::ApprovedContract => "approved this contract",
        Did::DrewUpAmendment => "drew up this amendment",
        Did::ProposedCorrection => "proposed this correction",
        Did::DrewUpQuote => "drew up this quote",
        Did::ProposedFunding => "proposed this funding",
        Did::RequestedInvoice => "requested this invoice",
    }
}

fn of_invoices(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::AlreadyInvoiced { statement, request } => with(
            format!("the statement {statement} is in the invoice {request}"),
            "a statement is in one invoice at most; it is free again when that one is withdrawn, refused or reversed",
        ),
        Refused::InvoiceState { request, state } => with(
            format!("the invoice {request} is {}", invoice_state(*state)),
            "look at it again: only what is requested is issued, refused or withdrawn, and only what is issued is reversed",
        ),
        _ => Default::default(),
    }
}

fn invoice_state(state: InvoiceState) -> &'static str {
    match state {
        InvoiceState::Requested => "requested and not issued",
        InvoiceState::Issued => "issued",
        InvoiceState::Reversed => "reversed",
        InvoiceState::Withdrawn => "withdrawn",
        InvoiceState::Refused => "refused",
    }
}

fn contract_state(state: ContractState) -> &'static str {
    match state {
        ContractState::Draft => "a draft",
        ContractState::Submitted => "submitted and not decided",
        ContractState::Approved => "approved and not active",
        ContractState::Active => "active",
        ContractState::Exhausted => "exhausted",
        ContractState::Suspended => "suspended",
        ContractState::Expired => "expired",
        ContractState::Terminated => "terminated",
    }
}

/// What is done to a contract by an action.
fn done_to(action: ContractAction) -> &'static str {
    match action {
        ContractAction::Submit => "submitted",
        ContractAction::Return => "returned",
        ContractAction::Approve => "approved",
        ContractAction::Activate => "activated",
        ContractAction::Exhaust => "marked as exhausted",
        ContractAction::Replenish => "replenished",
        ContractAction::Suspend => "suspended",
        ContractAction::Resume => "resumed",
        ContractAction::Expire => "marked as expired",
        ContractAction::Terminate => "terminated",
    }
}

fn decided(state: &str) -> &'static str {
    match state {
        "refused" => "was refused",
        "approved" => "was approved",
        "in_force" => "is in force",
        "lapsed" => "has lapsed",
        "booked" => "was booked",
        _ => "was decided",
    }
}

fn job_status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "is queued",
        JobStatus::Running => "is running",
        JobStatus::Stopping => "is being stopped",
        JobStatus::Succeeded => "has succeeded",
        JobStatus::Failed => "has failed",
        JobStatus::TimedOut => "ran out of time",
        JobStatus::Cancelled => "was cancelled",
        JobStatus::Stopped => "was stopped",
        JobStatus::NeverRan => "never ran",
        JobStatus::Lost => "was lost",
    }
}
