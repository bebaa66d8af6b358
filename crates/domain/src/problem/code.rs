//! The codes of problems, with their values.

use super::{
    field::Field, invoice::InvoiceFault, quote::QuoteFault, sign_in::SignInFault, taskfile::TaskFileFault,
};
use crate::{
    JobId, MicroCny, Role, contract::ContractKind, job::JobState, tenant::CreditCodeFault, text::InvalidLine,
};

/// A fault of a value, whoever gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Not one of a few words.
    Unknown {
        given: String,
        known: Vec<&'static str>,
    },
    Line(InvalidLine),
    /// A path; its length counts in bytes.
    Path(InvalidLine),
    TooLong {
        chars: usize,
        most: usize,
    },
    HasNul,
    /// A thing that a list has more than once.
    Twice {
        what: String,
    },
    OutOfRange {
        of: Quantity,
        given: i64,
        least: i64,
        most: i64,
    },
    Count {
        of: Things,
        given: usize,
        least: usize,
        most: usize,
    },
    /// A name that nothing has which the caller may see.
    NoSuch {
        given: String,
    },
    /// No digits from the beginning or the end of an id.
    NoPartOfAnId {
        given: String,
        least: usize,
    },
    NotAnInstant {
        given: String,
    },
    NotADay {
        given: String,
    },
    NotAMonth {
        given: String,
    },
    NotAfter {
        other: Field,
    },
    AfterEnd {
        end: Field,
    },
    InThePast,
    /// Later than now.
    InTheFuture,
    /// An instant where whole days are counted, and no day begins.
    NotWholeDays {
        zone: String,
    },
    NotASlug {
        given: String,
    },
    CreditCode {
        given: String,
        fault: CreditCodeFault,
    },
    /// Given beside something that says the same.
    NotBeside {
        other: Field,
    },
    NotALogin,
    /// A reviewer says no, or something else, without saying why.
    NoReason,
    /// A step that is decided by scores.
    NeedsScore,
    TakesNoScore,
    NotAWholeNumber {
        given: String,
    },
    NotAnEmail {
        given: String,
    },
    /// It is no address that events can be posted to; a chat's bot is at `host`.
    NotAUrl {
        given: String,
        host: Option<&'static str>,
    },
    NotAPhone {
        given: String,
    },
    /// A short name that a tenant has, or for which another has asked.
    NameTaken {
        given: String,
    },
    /// A credit code that a tenant has, or with which another has asked.
    CodeTaken {
        given: String,
    },
    SignIn(SignInFault),
    RoleElsewhere {
        role: Role,
    },
    TenantNotNamed,
    ContractNotNamed,
    NotAnIdempotencyKey,
    NotACursor,
    NotAmongBackups {
        folder: String,
    },
    NoNodesToTry,
    /// Not the digest of the version that it is given for.
    OtherDigest {
        version: i64,
    },
    Job(JobFault),
    Option(OptionFault),
    TaskFile(TaskFileFault),
    Contract(ContractFault),
    Quote(QuoteFault),
    Invoice(InvoiceFault),
}

/// The fault of a number that is below `least` or above `most`.
pub(crate) fn out_of_range<T: Into<i64>>(of: Quantity, given: T, least: T, most: T) -> Option<Wrong> {
    let (given, least, most) = (given.into(), least.into(), most.into());
    (!(least..=most).contains(&given)).then_some(Wrong::OutOfRange { of, given, least, most })
}

/// The quantity that a number out of range stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    Nodes,
    CardsPerNode,
    Number,
    TimeLimitMs,
    Items,
    Weight,
    /// Millionths of a yuan, told in yuan.
    MicroCny,
    /// Card-milliseconds, told in card-hours.
    CardMs,
}

/// The things of which a list has too many or too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Things {
    Arguments,
    Variables,
    Labels,
    Secrets,
    Jobs,
    Prices,
    Pools,
    Filters,
    Lines,
    Shares,
    /// Moments of a job at which mail goes out.
    Moments,
}

/// A fault of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobFault {
    BlankScript,
    /// No `#!` at the beginning.
    NoInterpreter,
    Utf16,
    /// Characters that are not of its encoding.
    NotInEncoding {
        encoding: &'static str,
    },
    /// So many cards in all don't go with the nodes.
    CardsOnNodes {
        cards: u32,
        most_nodes: u32,
    },
    ScriptTooLarge {
        bytes: usize,
    },
    ArgumentTooLong {
        position: usize,
        bytes: usize,
    },
    VariableName {
        name: String,
    },
    VariableTooLong {
        name: String,
        bytes: usize,
    },
    VariableHasNul {
        name: String,
    },
    /// The arguments and variables together have so many bytes.
    PassesTooMuch {
        bytes: usize,
    },
    MaxNodes {
        given: u32,
        nodes: u32,
    },
    NotALabel {
        given: String,
    },
    EmptyRange {
        first: u32,
        last: u32,
        step: u32,
    },
    RangesNotRising {
        last: u32,
        first: u32,
    },
    ArrayTasks {
        tasks: u64,
    },
    NoTaskAtOnce,
    NotASignal {
        given: String,
    },
    /// There is no secret of that name that the job could be given.
    NoSuchSecret {
        name: String,
    },
    /// No secret can have this name.
    SecretName {
        name: String,
    },
    /// A variable and a secret have the same name.
    SecretAndVariable {
        name: String,
    },
    NoSuchProject {
        slug: String,
        own: Vec<String>,
    },
    ProjectNotNamed {
        own: Vec<String>,
    },
    ModelNotCovered {
        model: String,
        contract: String,
        covered: Vec<String>,
    },
    NoSuchJob {
        job: JobId,
    },
    NeverMet {
        job: JobId,
        state: JobState,
    },
    /// The planner's reason, in both languages.
    NeverFits {
        zh: String,
        en: String,
    },
}

/// A fault of an option of sbatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionFault {
    OpenQuote {
        quote: char,
    },
    /// No option of sbatch. Those that are written alike.
    Unknown {
        like: Vec<String>,
    },
    Ambiguous {
        options: Vec<String>,
    },
    TakesNoValue,
    /// Quotes with nothing between.
    EmptyWord,
    /// A word begins with a character that looks like another, such as a space that is none.
    OddCharacter {
        code: u32,
    },
    /// A value that sbatch does not take either.
    BadValue {
        given: String,
    },
    NotTogether {
        options: Vec<String>,
    },
    /// It needs one of these beside it.
    NotAlone {
        options: Vec<String>,
    },
    VariableName {
        name: String,
    },
    NotAnOption,
    NotHere(NotHere),
    NeedsValue {
        option: String,
    },
    Value {
        fault: ValueFault,
        form: Form,
    },
    Constraint {
        given: String,
    },
    Warning {
        given: String,
    },
    NoVariableValue {
        name: String,
    },
    UnevenCards {
        cards: u32,
        nodes: u32,
    },
}

/// An option that would change what a job gets, or when, and that no center can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHere {
    Nodes,
    Hold,
    Begin,
    Reservation,
    Wrap,
    HetGroup,
    BurstBuffer,
    Clusters,
    Container,
    Deadline,
    ExportFile,
    UserEnv,
    Identity,
    PerSocket,
    TasksPerCard,
    Reboot,
    TestOnly,
}

/// Why the value of an option can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueFault {
    Count { given: String },
    Time { given: String },
    NoTime,
    Memory { given: String },
    CardKind { given: String },
    Index { given: String },
    AnyOfSeveral,
    Dependency { given: String },
    NoJob { word: String },
    JobId { given: String },
}

/// How the value of an option is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Nodes,
    Cards,
    Gres,
    Count,
    Time,
    Memory,
    Array,
    Dependency,
}

/// A fault of a contract, or of a payment for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractFault {
    /// A card-hour of the package would cost more than `most`.
    PackageRate {
        most: MicroCny,
    },
    Terms {
        most: i64,
    },
    Guarantee {
        guaranteed: u32,
        most: u32,
    },
    NoCardRuns,
    NoPools,
    Amounts {
        most: i64,
    },
    NoCardTime {
        kind: ContractKind,
    },
    NoMoney {
        kind: ContractKind,
    },
    /// More than is left of the fee.
    MoreThanFee {
        open: MicroCny,
    },
    /// Money is moved to another contract by a transfer alone.
    OnlyTransfer,
    NoOtherContract,
    NoSuchPayment,
    AlreadyReversed,
    /// A correction's subject is nothing of the contract's.
    CorrectsNothing,
    AlreadyPaidOut,
    /// The contract can't use money that is moved to it.
    TakesNoTransfer,
    NotWholePayment {
        paid: MicroCny,
    },
    MoreThanThere {
        most: MicroCny,
    },
    NoBankReference,
    /// Jobs of reserved cards run on these.
    MoreThanReserved {
        cards: u32,
        most: u32,
    },
    ByCenter {
        known: Vec<&'static str>,
    },
    /// A contract of this kind has no such term to be amended.
    NoSuchTerm {
        kind: ContractKind,
        term: &'static str,
    },
    CheaperThanPackage,
    NothingAmended,
}

macro_rules! into {
    ($($from:ty => Wrong::$variant:ident;)*) => {
        $(impl From<$from> for Wrong {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

into! {
    InvalidLine => Wrong::Line;
    JobFault => Wrong::Job;
    OptionFault => Wrong::Option;
    TaskFileFault => Wrong::TaskFile;
    ContractFault => Wrong::Contract;
    QuoteFault => Wrong::Quote;
    SignInFault => Wrong::SignIn;
}
