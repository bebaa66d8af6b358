//! How problems read in English.

mod invoice;
mod option;

use super::{
    code::{ContractFault, JobFault, Quantity, Things, Wrong},
    quote,
    shown::{Words, grouped, hours, shown, yuan},
    sign_in,
    taskfile::{KeyKind, TaskFileFault},
};
use crate::{
    job::{JobOutcome, JobState},
    spec::{
        MAX_ARG_BYTES, MAX_ARRAY_TASKS, MAX_ENV_BYTES, MAX_LABEL_BYTES, MAX_NODES, MAX_PASSED_BYTES,
        MAX_SCRIPT_BYTES,
    },
    tenant::{CREDIT_CODE_LEN, CreditCodeFault},
    text::{InvalidLine, LineFault},
};

const NOT_TEXT: &str = "holds a NUL character";

pub fn words(wrong: &Wrong) -> Words {
    match wrong {
        Wrong::Unknown { given, known } => {
            (format!("is `{}`", shown(given)), format!("use one of: {}", known.join(", ")))
        }
        Wrong::Line(InvalidLine { most, fault }) => match fault {
            LineFault::Empty => ("is empty".into(), format!("use 1 to {most} printable characters")),
            LineFault::TooLong { given } => {
                (format!("has {given} characters"), format!("use at most {most} printable characters"))
            }
            LineFault::Unprintable => {
                ("has control characters".into(), format!("use 1 to {most} printable characters"))
            }
        },
        Wrong::Path(InvalidLine { most, fault }) => {
            let problem = match fault {
                LineFault::Empty => "is empty".into(),
                LineFault::TooLong { given } => format!("has {given} bytes"),
                LineFault::Unprintable => "has control characters".into(),
            };
            (problem, format!("use 1 to {most} bytes of printable text"))
        }
        Wrong::TooLong { chars, most } => {
            (format!("has {chars} characters"), format!("use at most {most} characters"))
        }
        Wrong::Twice { what } => (format!("has `{}` twice", shown(what)), "name it once".into()),
        Wrong::HasNul => (NOT_TEXT.into(), "send text".into()),
        Wrong::OutOfRange { of, given, least, most } => out_of_range(*of, *given, *least, *most),
        Wrong::Count { of, given, least, most } => count(*of, *given, *least, *most),
        Wrong::NoSuch { given } => (
            format!("is `{}`, and there is none of that name that you may see", shown(given)),
            "write the name as its list shows it".into(),
        ),
        Wrong::NoPartOfAnId { given, least } => (
            format!("is `{}`, which is no part of an id", shown(given)),
            format!("give {least} to 32 hexadecimal digits from the beginning or the end of one"),
        ),
        Wrong::NotAnInstant { given } => (
            format!("is `{}`, which is not an instant", shown(given)),
            "write it as 2026-05-20T08:00:00Z, or 2026-05-20 for the beginning of that day at the center"
                .into(),
        ),
        Wrong::NotADay { given } => {
            (format!("is `{}`, which is not a day", shown(given)), "write it as 2026-05-20".into())
        }
        Wrong::NotAMonth { given } => {
            (format!("is `{}`, which is not a month", shown(given)), "write it as 2026-05".into())
        }
        Wrong::NotAfter { other } => (format!("is not after `{}`", other.code), "give a later time".into()),
        Wrong::AfterEnd { end } => {
            (format!("is after `{}`", end.code), "give the earlier instant here".into())
        }
        Wrong::InTheFuture => ("is in the future".into(), "give an instant that has passed".into()),
        Wrong::NotWholeDays { zone } => (
            format!("is not the beginning of a day in {zone}, and use is counted by whole days"),
            "write it as 2026-05-20".into(),
        ),
        Wrong::InThePast => ("is in the past".into(), "give an instant to come".into()),
        Wrong::NotASlug { given } => (
            format!("is `{}`, which is not a short name", shown(given)),
            "use 1 to 40 lower-case letters, digits and inner hyphens, as in `west-lake-univ`".into(),
        ),
        Wrong::CreditCode { given, fault } => (
            match fault {
                CreditCodeFault::Length { chars } => format!("is `{}`, which has {chars} characters", shown(given)),
                CreditCodeFault::Character { given: character } => {
                    format!("is `{}`, and no unified social credit code has `{character}`", shown(given))
                }
                CreditCodeFault::CheckDigit { given: digit } => {
                    format!("is `{}`, whose last character `{digit}` does not follow from the others", shown(given))
                }
            },
            format!("give the {CREDIT_CODE_LEN} characters of the unified social credit code"),
        ),
        Wrong::NotBeside { other } => (format!("is given beside {}", other.code), "leave one of the two out".into()),
        Wrong::NotALogin => {
            ("is not a login".into(), "use 1 to 64 letters, digits and @ . _ - +, such as an address".into())
        }
        Wrong::NoReason
        | Wrong::NeedsScore
        | Wrong::TakesNoScore
        | Wrong::NotAWholeNumber { .. }
        | Wrong::NotAnEmail { .. }
        | Wrong::NotAUrl { .. }
        | Wrong::NotAPhone { .. }
        | Wrong::NameTaken { .. }
        | Wrong::CodeTaken { .. } => of_application(wrong),
        Wrong::SignIn(fault) => sign_in::en(fault),
        Wrong::RoleElsewhere { role } => (
            format!("is `{}`", role.code()),
            "operator, auditor, contracts and center_finance are for the center's people; admin, developer and finance for a tenant's"
                .into(),
        ),
        Wrong::TenantNotNamed => ("is not named".into(), "give the tenant's short name".into()),
        Wrong::ContractNotNamed => ("is not named".into(), "give the id of a contract of yours".into()),
        Wrong::NotAnIdempotencyKey => {
            ("is not a key".into(), "send 1 to 128 visible ASCII characters, such as a UUID".into())
        }
        Wrong::NotACursor => (
            "is not one that this list gave".into(),
            "send `next_cursor` of the page before, as it is".into(),
        ),
        Wrong::NotAmongBackups { folder } => (
            format!("is not a file in {folder}, the folder for backups"),
            "write the name of a new file in it; the setting `backup_dir` names the folder".into(),
        ),
        Wrong::NoNodesToTry => ("is 0".into(), "the center has no nodes: say how many to try".into()),
        Wrong::Job(fault) => job(fault),
        Wrong::Option(fault) => option::words(fault),
        Wrong::TaskFile(fault) => task_file(fault),
        Wrong::Contract(fault) => contract(fault),
        Wrong::Quote(fault) => quote::en(fault),
        Wrong::OtherDigest { version } => (
            format!("is not the digest of version {version}"),
            "read that version again, and give the digest that stands beneath it".into(),
        ),
        Wrong::Invoice(fault) => invoice::words(fault),
    }
}

fn out_of_range(of: Quantity, given: i64, least: i64, most: i64) -> Words {
    let hint = match of {
        Quantity::Nodes => format!("ask for {least} to {most} nodes"),
        Quantity::CardsPerNode => format!("ask for {least} to {most} cards on each node"),
        Quantity::Number => format!("give {} to {}", grouped(least), grouped(most)),
        Quantity::TimeLimitMs => format!("allow {least} ms to {} days", most / 86_400_000),
        Quantity::Items => format!("ask for {least} to {most} items"),
        Quantity::Weight => format!("give a weight of {least} to {}", grouped(most)),
        Quantity::MicroCny => format!("give {} to {} yuan", yuan(least), yuan(most)),
        Quantity::CardMs => {
            format!("give more than {} and at most {} card-hours", hours(least - 1), hours(most))
        }
    };
    let problem = match of {
        Quantity::Weight => format!("has the weight {given}"),
        Quantity::MicroCny => format!("is {} yuan", yuan(given)),
        Quantity::CardMs => format!("is {} card-hours", hours(given)),
        _ => format!("is {given}"),
    };
    (problem, hint)
}

fn count(of: Things, given: usize, least: usize, most: usize) -> Words {
    let things = match of {
        Things::Arguments => "arguments",
        Things::Variables => "variables",
        Things::Labels => "labels",
        Things::Secrets => "secrets",
        Things::Jobs => "jobs",
        Things::Prices => "prices",
        Things::Pools => "pools",
        Things::Filters => "filters",
        Things::Lines => "lines",
        Things::Shares => "shares",
        Things::Moments => "moments, each once, beside `each_task`",
    };
    let hint = match (of, least) {
        (Things::Jobs, 0) => format!("wait for at most {most} jobs"),
        (_, 0) => format!("give at most {most} {things}"),
        _ => format!("give {least} to {most} {things}"),
    };
    match of {
        Things::Jobs => (format!("names {given} jobs"), hint),
        _ => (format!("has {given} {things}"), hint),
    }
}

fn ranges() -> String {
    format!(
        "give rising ranges of 1 to {} tasks in all, each with first ≤ last and step ≥ 1",
        grouped(MAX_ARRAY_TASKS)
    )
}

fn job(fault: &JobFault) -> Words {
    match fault {
        JobFault::BlankScript => ("is blank".into(), "send a script of at least one command".into()),
        JobFault::NoInterpreter => (
            "does not begin with `#!`, as a script has to".into(),
            "begin the first line with #!/bin/bash".into(),
        ),
        JobFault::Utf16 => ("is in UTF-16".into(), "save the script as UTF-8".into()),
        JobFault::NotInEncoding { encoding } => (
            format!("has characters that are not in {encoding}"),
            "leave the encoding out: a script is UTF-8 then".into(),
        ),
        JobFault::CardsOnNodes { cards, most_nodes } => (
            format!(
                "{} cards can't be shared evenly by at most {} nodes",
                grouped(*cards),
                grouped(*most_nodes)
            ),
            "give the number of nodes and the cards on each".into(),
        ),
        JobFault::ScriptTooLarge { bytes } => (
            format!("has {bytes} bytes"),
            format!("send at most {} KiB; put data into files", MAX_SCRIPT_BYTES >> 10),
        ),
        JobFault::ArgumentTooLong { position, bytes } => (
            format!("has an argument of {bytes} bytes, number {position}"),
            format!("give at most {} KiB in an argument", MAX_ARG_BYTES >> 10),
        ),
        JobFault::VariableName { name } => (
            format!("has `{}`, which is not the name of a variable", shown(name)),
            "names are letters, digits and `_`, not beginning with a digit".into(),
        ),
        JobFault::VariableTooLong { name, bytes } => (
            format!("has {bytes} bytes in `{}`", shown(name)),
            format!("give at most {} KiB in a variable, name and value together", MAX_ENV_BYTES >> 10),
        ),
        JobFault::VariableHasNul { name } => (format!("{NOT_TEXT} in `{}`", shown(name)), "send text".into()),
        JobFault::PassesTooMuch { bytes } => (
            format!("has {bytes} bytes together with the arguments"),
            format!("give at most {} KiB in both; put data into files", MAX_PASSED_BYTES >> 10),
        ),
        JobFault::MaxNodes { given, nodes } => (
            format!("is {given}"),
            format!("allow at least as many as `nodes`, which is {nodes}, and at most {MAX_NODES}"),
        ),
        JobFault::NotALabel { given } => (
            format!("has `{}`, which is not a label", shown(given)),
            format!("use letters, digits, `.`, `_` and `-`, at most {MAX_LABEL_BYTES}"),
        ),
        JobFault::EmptyRange { first, last, step } => {
            (format!("has the empty range {first}-{last}:{step}"), ranges())
        }
        JobFault::RangesNotRising { last, first } => {
            (format!("has a range that begins at {first} after one that ends at {last}"), ranges())
        }
        JobFault::ArrayTasks { tasks } => (format!("has {} tasks", grouped(*tasks)), ranges()),
        JobFault::NoTaskAtOnce => {
            ("lets no task run".into(), "give max_running of at least 1, or leave it out".into())
        }
        JobFault::NotASignal { given } => {
            (format!("is `{}`", shown(given)), "name a signal such as USR1".into())
        }
        JobFault::NoSuchSecret { name } => (
            format!("there is no secret `{}` for this job", shown(name)),
            "`qiantang secrets` lists what you can name; an administrator keeps those of tenant and projects"
                .into(),
        ),
        JobFault::SecretName { name } => (
            format!("`{}` can't be the name of a secret", shown(name)),
            "use at most 64 letters, digits and `_`, not a digit first, and no name that shells or runs have already, such as \
             PATH or SLURM_…"
                .into(),
        ),
        JobFault::SecretAndVariable { name } => {
            (format!("`{}` is a variable, too", shown(name)), "leave one of the two out".into())
        }
        JobFault::NoSuchProject { slug, own } => {
            (format!("there is no project `{}`", shown(slug)), own_projects(own))
        }
        JobFault::ProjectNotNamed { own } => ("is not named, and you have several".into(), own_projects(own)),
        JobFault::ModelNotCovered { model, contract, covered } => (
            format!("is `{}`, which the contract {contract} does not cover", shown(model)),
            format!("it covers: {}", covered.join(", ")),
        ),
        JobFault::NoSuchJob { job } => (format!("there is no job {job}"), "name jobs of yours".into()),
        JobFault::NeverMet { job, state } => (
            format!("the job {job} {}: the wait for it can't end", state_words(*state)),
            "leave the dependency out, or wait for another job".into(),
        ),
        JobFault::NeverFits { en, .. } => {
            (en.trim_end_matches('.').to_owned(), "ask for what can be had: `qiantang nodes` shows it".into())
        }
    }
}

fn state_words(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "is queued",
        JobState::Running => "is running",
        JobState::Stopping { .. } => "is stopping",
        JobState::Ended { outcome, .. } => match outcome {
            JobOutcome::Succeeded => "has succeeded",
            JobOutcome::Failed => "has failed",
            JobOutcome::TimedOut => "has timed out",
            JobOutcome::Cancelled => "was cancelled",
            JobOutcome::Stopped => "was stopped",
            JobOutcome::NeverRan => "never ran",
            JobOutcome::Lost => "was lost",
        },
    }
}

fn own_projects(own: &[String]) -> String {
    format!("your projects are: {}", own.join(", "))
}

fn task_file(fault: &TaskFileFault) -> Words {
    match fault {
        TaskFileFault::TooLarge { bytes, most } => {
            (format!("has {bytes} bytes"), format!("send at most {} KiB; put data into files", most >> 10))
        }
        TaskFileFault::NotYaml { column } => (
            format!("is not YAML from column {column} on"),
            "check the indentation, quotes and brackets there and above".into(),
        ),
        TaskFileFault::Alias => ("uses a YAML anchor or alias".into(), "write the value out".into()),
        TaskFileFault::TooDeep => ("is nested too deep".into(), "a task file has two levels".into()),
        TaskFileFault::NotAMapping => {
            ("is not a list of keys with values".into(), "begin with `name: …`, a line for each key".into())
        }
        TaskFileFault::UnknownKey { key, known } => {
            (format!("has the unknown key `{}`", shown(key)), format!("keys are: {}", known.join(", ")))
        }
        TaskFileFault::MissingKey { key } => (format!("has no `{key}`"), format!("add a line `{key}: …`")),
        TaskFileFault::Kind { key, wanted } => {
            let wanted = match wanted {
                KeyKind::Text => "a text",
                KeyKind::Count => "a whole number of at least 0",
                KeyKind::Truth => "true or false",
                KeyKind::Texts => "a list of texts",
                KeyKind::Mapping => "keys with values",
                KeyKind::Variables => "names with values, or a list of NAME=VALUE",
                KeyKind::Dependencies => "a list of jobs, each as { job: job_…, when: succeeded }",
            };
            (format!("has another kind of value than `{}` takes", shown(key)), format!("give {wanted}"))
        }
        TaskFileFault::Unreadable { known } => (
            "can't be read as part of a task file".into(),
            format!("keys are, each once: {}", known.join(", ")),
        ),
        TaskFileFault::Repeated { key } => {
            (format!("has `{}` twice", shown(key)), "leave one of them out".into())
        }
        TaskFileFault::EmptyValue { key } => (
            format!("has no value for `{}`", shown(key)),
            "give one, \"\" for an empty text, or leave the key out".into(),
        ),
        TaskFileFault::NoCommands => ("are missing".into(), COMMANDS.into()),
        TaskFileFault::CommandsAndScript => ("are given beside a script".into(), COMMANDS.into()),
        TaskFileFault::Duration { given } => {
            (format!("is `{}`", shown(given)), "write 90s, 5m, 2h or 1d".into())
        }
        TaskFileFault::CardsTwice => {
            ("has both cards and cards_per_node".into(), "give one: both count the cards on each node".into())
        }
    }
}

const COMMANDS: &str = "give either `commands` (a list) or `script` (a text)";

fn contract(fault: &ContractFault) -> Words {
    match fault {
        ContractFault::PackageRate { most } => (
            "make a card-hour of the package too dear".into(),
            format!("give a fee of at most {most} CNY for each card-hour of the package"),
        ),
        ContractFault::Terms { most } => (
            "are out of range".into(),
            format!("give amounts from 0 to {}, a package and cards above 0", grouped(*most)),
        ),
        ContractFault::Guarantee { guaranteed, most } => (
            format!("guarantees {guaranteed} cards and lets {most} run at once"),
            "give max_running_cards of at least guaranteed_cards".into(),
        ),
        ContractFault::NoCardRuns => {
            ("lets no card run".into(), "give max_running_cards of at least 1".into())
        }
        ContractFault::NoPools => ("are none".into(), "name at least one pool".into()),
        ContractFault::Amounts { most } => (
            "is out of range".into(),
            format!("give amount_micro_cny, card_ms or both, from 0 to {}, not both 0", grouped(*most)),
        ),
        ContractFault::NoMoney { kind } => {
            (format!("can't be paid into a {} contract", kind.code()), "give card time instead".into())
        }
        ContractFault::MoreThanFee { open } => (
            format!("is more than what is left of the fee: {open} CNY"),
            "give what is left, or pay into a metered contract".into(),
        ),
        ContractFault::OnlyTransfer => {
            ("is for transfers".into(), "leave it out, or make the correction a transfer".into())
        }
        ContractFault::NoOtherContract => {
            ("is no other contract".into(), "name the contract to which the money goes".into())
        }
        ContractFault::AlreadyReversed => {
            ("names a payment that is reversed already, or is to be".into(), "a payment is reversed once".into())
        }
        ContractFault::CorrectsNothing => (
            "names nothing of this contract that was charged".into(),
            "give a run of it, the number of an entry, or a month such as 2026-11; for a `pay_out`, `transfer` or \
             `write_off` also a payment's reference or the contract's number"
                .into(),
        ),
        ContractFault::TakesNoTransfer => (
            "is no contract to which money can be moved".into(),
            "name a metered contract that is approved and has not ended; the fee of another is paid by a payment".into(),
        ),
        ContractFault::AlreadyPaidOut => (
            "is the bank's reference of another pay-out".into(),
            "what leaves the bank once is booked once".into(),
        ),
        ContractFault::NoSuchPayment => {
            ("names no payment of this contract".into(), "give the reference under which it was booked".into())
        }
        ContractFault::NotWholePayment { paid } => {
            (format!("is not the whole payment of {paid} CNY"), "a payment is taken back whole".into())
        }
        ContractFault::MoreThanThere { most } => {
            (format!("is more than there is: {most} CNY"), "give at most that".into())
        }
        ContractFault::NoBankReference => {
            ("is not given".into(), "give the bank's reference of the money that leaves".into())
        }
        ContractFault::NoSuchTerm { kind, term } => {
            (format!("a {} contract has no {term} to change", kind.code()), "leave it out".into())
        }
        ContractFault::CheaperThanPackage => (
            "the added card-hours cost less than those of the package".into(),
            "add at least the package's price for them, or draw up another contract".into(),
        ),
        ContractFault::NothingAmended => ("nothing changes".into(), "give what is to change".into()),
        ContractFault::MoreThanReserved { cards, most } => (
            format!("lets {most} cards run, of which {cards} are reserved"),
            "give max_running_cards of at most the reserved cards; what runs beyond them needs a metered contract".into(),
        ),
        ContractFault::NoCardTime { kind } => {
            (format!("can't be added to a {} contract", kind.code()), "pay in money instead".into())
        }
        ContractFault::ByCenter { known } => {
            ("is done by the center itself".into(), format!("use one of: {}", known.join(", ")))
        }
    }
}

/// Faults of applications, and of verdicts on them.
fn of_application(wrong: &Wrong) -> Words {
    match wrong {
        Wrong::NoReason => ("is missing".into(), "say why, for the applicant to read".into()),
        Wrong::NeedsScore => (
            "is missing or out of range".into(),
            "this step is decided by scores: approve with one from 0 to 100".into(),
        ),
        Wrong::TakesNoScore => ("is given where none counts".into(), "leave it out".into()),
        Wrong::NotAWholeNumber { given } => (
            format!("is `{}`, which is not a whole number", shown(given)),
            "write it in digits, with commas between thousands if you like".into(),
        ),
        Wrong::NotAnEmail { given } => (
            format!("is `{}`, which is not an e-mail address", shown(given)),
            "write it as `name@example.com`".into(),
        ),
        Wrong::NotAUrl { given, host } => (
            format!("is `{}`, which is not such an address", shown(given)),
            match host {
                Some(host) => {
                    format!("give the whole address that the chat shows; it begins with `https://{host}/`")
                }
                None => "write it as `https://host/path`, without a user or a password".into(),
            },
        ),
        Wrong::NotAPhone { given } => (
            format!("is `{}`, which is not a telephone number", shown(given)),
            "use 5 to 20 digits, spaces and hyphens, with a `+` in front for other countries".into(),
        ),
        Wrong::NameTaken { given } => (
            format!("is `{}`, which another organisation has or has asked for", shown(given)),
            "choose another".into(),
        ),
        Wrong::CodeTaken { given } => (
            format!(
                "is `{}`, under which an organisation is at the center or has applied already",
                shown(given)
            ),
            "ask a colleague for the link of that application or an invitation, or ask the center".into(),
        ),
        _ => Words::default(),
    }
}
