use std::collections::BTreeSet;

use super::{field::Field, *};
use crate::{
    JobId, JobSpec, Role, Timestamp, contract::ContractKind, job::JobOutcome, job::JobState, run::StopCause,
    script::NoteWhy, tenant::CreditCodeFault, text::InvalidLine, text::LineFault,
};

/// Samples of an enum, for each variant at least one: a variant that is left out does not compile.
macro_rules! samples {
    ($type:ident: $($variant:ident $({ $($any:tt)* })? $(($($one:tt)*))? => $samples:expr),+ $(,)?) => {{
        let mut all: Vec<$type> = Vec::new();
        $({
            let of_one: Vec<$type> = $samples.into_iter().collect();
            assert!(!of_one.is_empty());
            all.extend(of_one);
        })+
        let is_known = |sample: &$type| match sample {
            $($type::$variant $({ $($any)* })? $(($($one)*))? => true),+
        };
        assert!(all.iter().all(is_known));
        all
    }};
}

/// All variants of an enum without values, and the patterns of those that have some.
macro_rules! each {
    ($type:ident: $($variant:ident),+ $(; $($other:ident { .. }),+)?) => {{
        let is_known = |sample: &$type| match sample {
            $($type::$variant)|+ $($(| $type::$other { .. })+)? => true,
        };
        let all = [$($type::$variant),+];
        assert!(all.iter().all(is_known));
        all
    }};
}

fn text(given: &str) -> String {
    given.to_owned()
}

fn job_id() -> JobId {
    JobId::from_bytes([7; 16])
}

/// Samples of each code there is.
fn samples() -> Vec<Wrong> {
    let quantities =
        each!(Quantity: Nodes, CardsPerNode, Number, TimeLimitMs, Items, Weight, MicroCny, CardMs);
    let things = each!(Things: Arguments, Variables, Labels, Secrets, Jobs, Prices, Pools, Filters, Shares, Lines, Moments);
    let faults = samples!(
        LineFault:
        Empty => [LineFault::Empty],
        TooLong { .. } => [LineFault::TooLong { given: 70 }],
        Unprintable => [LineFault::Unprintable],
    );
    let lines = || faults.iter().map(|fault| InvalidLine { most: 64, fault: *fault });
    let most = 5_184_000_000;
    let too_many = things.map(|of| Wrong::Count { of, given: 300, least: 0, most: 256 });
    let too_few = [Wrong::Count { of: Things::Prices, given: 2000, least: 1, most: 1000 }];
    samples!(
        Wrong:
        Unknown { .. } => [Wrong::unknown("gold", &["urgent", "normal", "spot"])],
        Line(_) => lines().map(Wrong::Line),
        Path(_) => lines().map(Wrong::Path),
        TooLong { .. } => [Wrong::TooLong { chars: 2000, most: 1024 }],
        HasNul => [Wrong::HasNul],
        Twice { .. } => [Wrong::Twice { what: text("ascend normal research") }],
        OutOfRange { .. } => quantities.map(|of| Wrong::OutOfRange { of, given: -5, least: 1, most }),
        Count { .. } => too_many.into_iter().chain(too_few),
        NoSuch { .. } => [Wrong::NoSuch { given: text("vision") }],
        NoPartOfAnId { .. } => [Wrong::NoPartOfAnId { given: text("xyz"), least: 4 }],
        NotAnInstant { .. } => [Wrong::NotAnInstant { given: text("soon") }],
        NotADay { .. } => [Wrong::NotADay { given: text("soon") }],
        NotAMonth { .. } => [Wrong::NotAMonth { given: text("soon") }],
        NotAfter { .. } => [Wrong::NotAfter { other: field::STARTS_AT }],
        AfterEnd { .. } => [Wrong::AfterEnd { end: field::TO }],
        InThePast => [Wrong::InThePast],
        InTheFuture => [Wrong::InTheFuture],
        NotWholeDays { .. } => [Wrong::NotWholeDays { zone: text("Asia/Shanghai") }],
        NotASlug { .. } => [Wrong::NotASlug { given: text("X_Y") }],
        CreditCode { .. } => [
            CreditCodeFault::Length { chars: 15 },
            CreditCodeFault::Character { given: 'I' },
            CreditCodeFault::CheckDigit { given: '8' },
        ]
        .map(|fault| Wrong::CreditCode { given: text("9133"), fault }),
        NotBeside { .. } => [Wrong::NotBeside { other: field::TAX_NUMBER }],
        NotALogin => [Wrong::NotALogin],
        NoReason => [Wrong::NoReason],
        NeedsScore => [Wrong::NeedsScore],
        TakesNoScore => [Wrong::TakesNoScore],
        NotAWholeNumber { .. } => [Wrong::NotAWholeNumber { given: text("many") }],
        NotAnEmail { .. } => [Wrong::NotAnEmail { given: text("x y") }],
        NotAUrl { .. } => [None, Some("oapi.dingtalk.com")].map(|host| Wrong::NotAUrl { given: text("x y"), host }),
        NotAPhone { .. } => [Wrong::NotAPhone { given: text("xyz") }],
        NameTaken { .. } => [Wrong::NameTaken { given: text("west-lake") }],
        CodeTaken { .. } => [Wrong::CodeTaken { given: text("91330100799655058B") }],
        SignIn(_) => of_sign_ins().into_iter().map(Wrong::SignIn),
        RoleElsewhere { .. } => Role::ALL.map(|role| Wrong::RoleElsewhere { role }),
        TenantNotNamed => [Wrong::TenantNotNamed],
        ContractNotNamed => [Wrong::ContractNotNamed],
        NotAnIdempotencyKey => [Wrong::NotAnIdempotencyKey],
        NotACursor => [Wrong::NotACursor],
        NotAmongBackups { .. } => [Wrong::NotAmongBackups { folder: text("/var/backups/qiantang") }],
        NoNodesToTry => [Wrong::NoNodesToTry],
        Job(_) => of_jobs().into_iter().map(Wrong::Job),
        Option(_) => of_options().into_iter().map(Wrong::Option),
        TaskFile(_) => of_task_files().into_iter().map(Wrong::TaskFile),
        Contract(_) => of_contracts().into_iter().map(Wrong::Contract),
        Quote(_) => quote::samples().into_iter().map(Wrong::Quote),
        OtherDigest { .. } => [Wrong::OtherDigest { version: 2 }],
        Invoice(_) => of_invoices().into_iter().map(Wrong::Invoice),
    )
}

fn of_sign_ins() -> Vec<SignInFault> {
    samples!(
        SignInFault:
        PasswordLength { .. } => [SignInFault::PasswordLength { chars: 3, least: 10, most: 256 }],
        PasswordIsName => [SignInFault::PasswordIsName],
        PasswordIsEasy => [SignInFault::PasswordIsEasy],
        NotThePassword => [SignInFault::NotThePassword],
        NotTheCode => [SignInFault::NotTheCode],
        NotAUserCode => [SignInFault::NotAUserCode],
    )
}

fn of_jobs() -> Vec<JobFault> {
    let own = || vec![text("vision"), text("speech")];
    let (zh, en) = (text("永远无法满足。"), text("Is not to be had."));
    let at = Timestamp::default();
    let states = samples!(
        JobState:
        Queued => [JobState::Queued],
        Running => [JobState::Running],
        Stopping { .. } => [JobState::Stopping { cause: StopCause::Cancelled }],
        Ended { .. } => JobOutcome::ALL.map(|outcome| JobState::Ended { at, outcome }),
    );
    samples!(
        JobFault:
        BlankScript => [JobFault::BlankScript],
        NoInterpreter => [JobFault::NoInterpreter],
        Utf16 => [JobFault::Utf16],
        NotInEncoding { .. } => [JobFault::NotInEncoding { encoding: "gb18030" }],
        CardsOnNodes { .. } => [JobFault::CardsOnNodes { cards: 7, most_nodes: 2 }],
        ScriptTooLarge { .. } => [JobFault::ScriptTooLarge { bytes: 300_000 }],
        ArgumentTooLong { .. } => [JobFault::ArgumentTooLong { position: 3, bytes: 5000 }],
        VariableName { .. } => [JobFault::VariableName { name: text("1X") }],
        VariableTooLong { .. } => [JobFault::VariableTooLong { name: text("X"), bytes: 40_000 }],
        VariableHasNul { .. } => [JobFault::VariableHasNul { name: text("X") }],
        PassesTooMuch { .. } => [JobFault::PassesTooMuch { bytes: 2_000_000 }],
        MaxNodes { .. } => [JobFault::MaxNodes { given: 1, nodes: 2 }],
        NotALabel { .. } => [JobFault::NotALabel { given: text("x y") }],
        EmptyRange { .. } => [JobFault::EmptyRange { first: 5, last: 1, step: 1 }],
        RangesNotRising { .. } => [JobFault::RangesNotRising { last: 9, first: 0 }],
        ArrayTasks { .. } => [JobFault::ArrayTasks { tasks: 2_000_000 }],
        NoTaskAtOnce => [JobFault::NoTaskAtOnce],
        NotASignal { .. } => [JobFault::NotASignal { given: text("signal 1") }],
        SecretName { .. } => [JobFault::SecretName { name: text("PATH") }],
        NoSuchSecret { .. } => [JobFault::NoSuchSecret { name: text("HF_TOKEN") }],
        SecretAndVariable { .. } => [JobFault::SecretAndVariable { name: text("HF_TOKEN") }],
        NoSuchProject { .. } => [JobFault::NoSuchProject { slug: text("x"), own: own() }],
        ProjectNotNamed { .. } => [JobFault::ProjectNotNamed { own: own() }],
        ModelNotCovered { .. } => [JobFault::ModelNotCovered {
            model: text("x"),
            contract: text("HZ-1"),
            covered: vec![text("ascend-910")],
        }],
        NoSuchJob { .. } => [JobFault::NoSuchJob { job: job_id() }],
        NeverMet { .. } => states.iter().map(|state| JobFault::NeverMet { job: job_id(), state: *state }),
        NeverFits { .. } => [JobFault::NeverFits { zh: zh.clone(), en: en.clone() }],
    )
}

fn of_options() -> Vec<OptionFault> {
    let x = || text("x");
    let not_here = each!(
        NotHere: Nodes, Hold, Begin, Reservation, Wrap, HetGroup, BurstBuffer, Clusters, Container, Deadline,
        ExportFile, UserEnv, Identity, PerSocket, TasksPerCard, Reboot, TestOnly
    );
    let forms = each!(Form: Nodes, Cards, Gres, Count, Time, Memory, Array, Dependency);
    let faults = samples!(
        ValueFault:
        Count { .. } => [ValueFault::Count { given: x() }],
        Time { .. } => [ValueFault::Time { given: x() }],
        NoTime => [ValueFault::NoTime],
        Memory { .. } => [ValueFault::Memory { given: x() }],
        CardKind { .. } => [ValueFault::CardKind { given: x() }],
        Index { .. } => [ValueFault::Index { given: x() }],
        AnyOfSeveral => [ValueFault::AnyOfSeveral],
        Dependency { .. } => [ValueFault::Dependency { given: x() }],
        NoJob { .. } => [ValueFault::NoJob { word: x() }],
        JobId { .. } => [ValueFault::JobId { given: x() }],
    );
    let as_form =
        |form: Form| faults.iter().map(move |fault| OptionFault::Value { fault: fault.clone(), form });
    samples!(
        OptionFault:
        OpenQuote { .. } => [OptionFault::OpenQuote { quote: '"' }],
        Unknown { .. } => [OptionFault::Unknown { like: vec![] }, OptionFault::Unknown { like: vec![text("--time")] }],
        Ambiguous { .. } => [OptionFault::Ambiguous { options: vec![text("--mem"), text("--mem-bind")] }],
        TakesNoValue => [OptionFault::TakesNoValue],
        EmptyWord => [OptionFault::EmptyWord],
        OddCharacter { .. } => [OptionFault::OddCharacter { code: 0xa0 }],
        BadValue { .. } => [OptionFault::BadValue { given: x() }],
        NotTogether { .. } => [OptionFault::NotTogether { options: vec![text("--mem"), text("--mem-per-cpu")] }],
        NotAlone { .. } => [OptionFault::NotAlone { options: vec![text("--ntasks")] }],
        VariableName { .. } => [OptionFault::VariableName { name: text("1Y") }],
        NotAnOption => [OptionFault::NotAnOption],
        NotHere(_) => not_here.map(OptionFault::NotHere),
        NeedsValue { .. } => [OptionFault::NeedsValue { option: text("--nodes") }],
        Value { .. } => forms.into_iter().flat_map(as_form),
        Constraint { .. } => [OptionFault::Constraint { given: x() }],
        Warning { .. } => [OptionFault::Warning { given: x() }],
        NoVariableValue { .. } => [OptionFault::NoVariableValue { name: x() }],
        UnevenCards { .. } => [OptionFault::UnevenCards { cards: 7, nodes: 2 }],
    )
}

fn of_task_files() -> Vec<TaskFileFault> {
    let kinds = each!(KeyKind: Text, Count, Truth, Texts, Mapping, Variables, Dependencies);
    let known = || vec!["name", "script"];
    samples!(
        TaskFileFault:
        TooLarge { .. } => [TaskFileFault::TooLarge { bytes: 400_000, most: 320 << 10 }],
        NotYaml { .. } => [TaskFileFault::NotYaml { column: 7 }],
        Alias => [TaskFileFault::Alias],
        TooDeep => [TaskFileFault::TooDeep],
        NotAMapping => [TaskFileFault::NotAMapping],
        UnknownKey { .. } => [TaskFileFault::UnknownKey { key: text("comands"), known: known() }],
        MissingKey { .. } => [TaskFileFault::MissingKey { key: "name" }],
        Kind { .. } => kinds.map(|wanted| TaskFileFault::Kind { key: text("nodes"), wanted }),
        Unreadable { .. } => [TaskFileFault::Unreadable { known: known() }],
        Repeated { .. } => [TaskFileFault::Repeated { key: text("env.A") }],
        EmptyValue { .. } => [TaskFileFault::EmptyValue { key: text("env.A") }],
        NoCommands => [TaskFileFault::NoCommands],
        CommandsAndScript => [TaskFileFault::CommandsAndScript],
        Duration { .. } => [TaskFileFault::Duration { given: text("soon") }],
        CardsTwice => [TaskFileFault::CardsTwice],
    )
}

fn of_contracts() -> Vec<ContractFault> {
    use crate::{CardMs, MicroCny};
    let (fee, most) = (MicroCny::ZERO, 1_000_000);
    let kinds = samples!(
        ContractKind:
        Prepaid { .. } => [ContractKind::Prepaid { package: CardMs::ZERO, fee }],
        Metered { .. } => [ContractKind::Metered { credit_limit: fee }],
        Reserved { .. } => [ContractKind::Reserved { cards: 8, fee }],
        Grant { .. } => [ContractKind::Grant { cap: None }],
    );
    samples!(
        ContractFault:
        PackageRate { .. } => [ContractFault::PackageRate { most: MicroCny(most) }],
        Terms { .. } => [ContractFault::Terms { most }],
        Guarantee { .. } => [ContractFault::Guarantee { guaranteed: 8, most: 4 }],
        NoCardRuns => [ContractFault::NoCardRuns],
        NoPools => [ContractFault::NoPools],
        Amounts { .. } => [ContractFault::Amounts { most }],
        NoMoney { .. } => kinds.iter().map(|kind| ContractFault::NoMoney { kind: *kind }),
        MoreThanFee { .. } => [ContractFault::MoreThanFee { open: MicroCny(1_250_000) }],
        OnlyTransfer => [ContractFault::OnlyTransfer],
        NoOtherContract => [ContractFault::NoOtherContract],
        NoSuchPayment => [ContractFault::NoSuchPayment],
        AlreadyReversed => [ContractFault::AlreadyReversed],
        CorrectsNothing => [ContractFault::CorrectsNothing],
        AlreadyPaidOut => [ContractFault::AlreadyPaidOut],
        TakesNoTransfer => [ContractFault::TakesNoTransfer],
        NotWholePayment { .. } => [ContractFault::NotWholePayment { paid: MicroCny(1_250_000) }],
        MoreThanThere { .. } => [ContractFault::MoreThanThere { most: MicroCny(1_250_000) }],
        NoBankReference => [ContractFault::NoBankReference],
        NoSuchTerm { .. } => {
            [ContractFault::NoSuchTerm { kind: ContractKind::Grant { cap: None }, term: "fee" }]
        },
        CheaperThanPackage => [ContractFault::CheaperThanPackage],
        NothingAmended => [ContractFault::NothingAmended],
        MoreThanReserved { .. } => [ContractFault::MoreThanReserved { cards: 2, most: 32 }],
        NoCardTime { .. } => kinds.iter().map(|kind| ContractFault::NoCardTime { kind: *kind }),
        ByCenter { .. } => [ContractFault::ByCenter { known: vec!["submit", "approve"] }],
    )
}

fn of_invoices() -> Vec<InvoiceFault> {
    let (request, number) = (|| text("FP-000007"), || text("25332000000012345678"));
    samples!(
        InvoiceFault:
        NoStatements => [InvoiceFault::NoStatements],
        NothingToInvoice { .. } => [InvoiceFault::NothingToInvoice { billed: crate::MicroCny(-3_250_000) }],
        Rate { .. } => [InvoiceFault::Rate { given: 1700, allowed: vec![600, 1300] }],
        OfAnotherTenant { .. } => [InvoiceFault::OfAnotherTenant { statement: text("2026-11-0003") }],
        NeedsTaxNumber => [InvoiceFault::NeedsTaxNumber],
        NotAnInvoiceNumber { .. } => [InvoiceFault::NotAnInvoiceNumber { given: text("12") }],
        NumberUsed { .. } => [InvoiceFault::NumberUsed { number: number(), request: request() }],
        NotTheTable => [InvoiceFault::NotTheTable],
        Cells { .. } => [InvoiceFault::Cells { given: 3, wanted: 4 }],
        OtherAmount { .. } => {
            [InvoiceFault::OtherAmount { given: text("7.00"), amount: crate::MicroCny(3_250_000) }]
        },
        OtherNumber { .. } => [InvoiceFault::OtherNumber { given: text("9"), number: number() }],
        OtherDay { .. } => [InvoiceFault::OtherDay { given: text("2026-12-02"), day: text("2026-12-01") }],
        NotRequested { .. } => [InvoiceFault::NotRequested { request: request(), state: "refused" }],
        OwnRequest { .. } => [InvoiceFault::OwnRequest { request: request() }],
    )
}

fn is_chinese(c: char) -> bool {
    ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c)
}

/// Words that make a sentence English. Names of options, keys and units are none of them.
fn has_english_prose(text: &str) -> bool {
    let prose = [
        "a", "an", "and", "are", "ask", "at", "be", "by", "for", "give", "has", "in", "is", "needs", "no",
        "not", "of", "or", "send", "that", "the", "this", "to", "use", "with", "write",
    ];
    text.split(|c: char| !c.is_ascii_alphabetic()).any(|word| prose.contains(&word))
}

fn assert_reads_well(zh: &str, en: &str) {
    assert!(!has_english_prose(zh), "{zh}");
    assert!(zh.chars().any(is_chinese), "{zh}");
    assert!(!en.chars().any(is_chinese), "{en}");
    assert!(has_english_prose(en), "{en}");
    assert!(!zh.contains(['`', ';']) && !zh.ends_with(['。', '.']) && !en.ends_with('.'), "{zh} / {en}");
}

fn numbers(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).collect()
}

#[test]
fn every_code_reads_well_in_both_languages_with_the_same_numbers() {
    let all = samples();
    for wrong in &all {
        let (zh, en) = (wrong.text(Lang::Zh), wrong.text(Lang::En));
        assert_reads_well(&zh, &en);
        assert_eq!(numbers(&zh), numbers(&en), "{zh} / {en}");
        for lang in [Lang::Zh, Lang::En] {
            assert!(!wrong.problem(lang).is_empty() && !wrong.hint(lang).is_empty(), "{wrong:?}");
        }
    }
    // No two codes read the same, so no values are lost.
    let texts: BTreeSet<String> = all.iter().map(|wrong| wrong.text(Lang::Zh)).collect();
    assert_eq!(texts.len(), all.len());
}

#[test]
fn every_note_reads_well_in_both_languages() {
    let plain = each!(
        NoteWhy: NoDifference, CenterPlaces, CenterLimits, Frequencies, DiskShared, OrderByClass, WholeGang,
        WholeLimit, MostNodes, OwnCards, NeverRan, ProcessorsShared, MemoryShared, OwnLogs, NoMail, NoLicences,
        AlwaysRetried, PoolsOfContract, EmptyInput, ForSrun, OneProcess, OutputKept, ErrorKept, OwnFolder,
        Terminated, FirstNodeOnly, NoSlurm, TooLate, OddMark, OldMark, OtherSystem, ByteOrderMark, Encoding;
        SignalToScript { .. }, NodesOfTasks { .. }, LineEnds { .. }, LooksSecret { .. }, NoMailOn { .. }
    );
    let with_values = [
        NoteWhy::SignalToScript { signal: text("USR1"), before_s: 60 },
        NoteWhy::LooksSecret { name: text("TOKEN") },
        NoteWhy::NodesOfTasks { tasks: 2, nodes: 4 },
        NoteWhy::LineEnds { count: 12 },
        NoteWhy::NoMailOn { words: text("TIME_LIMIT_80") },
    ];
    for why in plain.into_iter().chain(with_values) {
        let (zh, en) = (why.text(Lang::Zh), why.text(Lang::En));
        assert!(!has_english_prose(&zh) && zh.chars().any(is_chinese), "{zh}");
        assert!(!en.chars().any(is_chinese), "{en}");
        assert_eq!(numbers(&zh), numbers(&en), "{zh} / {en}");
    }
}

#[test]
fn every_field_has_a_name_in_both_languages() {
    let codes: BTreeSet<&str> = field::ALL.iter().map(|field| field.code).collect();
    assert_eq!(codes.len(), field::ALL.len());
    for Field { code, zh } in field::ALL {
        assert!(code.is_ascii() && zh.chars().all(is_chinese), "{code}: {zh}");
    }
}

#[test]
fn places_read_in_both_languages() {
    for (place, en, zh) in [
        (Place::Field(field::CARDS_PER_NODE), "cards_per_node", "每节点加速卡"),
        (Place::Line(3), "line 3", "第 3 行"),
        (Place::option(3, "--nodes"), "line 3: --nodes", "第 3 行 --nodes"),
        (Place::option(0, "--nodes"), "--nodes", "--nodes"),
    ] {
        assert_eq!((place.text(Lang::En).as_str(), place.text(Lang::Zh).as_str()), (en, zh));
    }
    let of = Quantity::Nodes;
    let problem = SpecProblem::new(field::NODES, Wrong::OutOfRange { of, given: 0, least: 1, most: 4096 });
    assert_eq!(problem.to_string(), "nodes: is 0; ask for 1 to 4096 nodes");
    assert_eq!(problem.text(Lang::Zh), "节点数：不能是 0；可申请 1 至 4096 个节点");
    // What people give in yuan is not told in millionths.
    let of = Quantity::MicroCny;
    let wrong = Wrong::OutOfRange { of, given: -2_500_000, least: 1, most: 1_000_000_000_000_000 };
    assert_eq!(wrong.text(Lang::En), "is -2.50 yuan; give 0.000001 to 1,000,000,000 yuan");
    assert_eq!(wrong.text(Lang::Zh), "不能是 -2.50 元；范围是 0.000001 至 1,000,000,000 元");
    let wrong = Wrong::OutOfRange { of: Quantity::CardMs, given: 0, least: 1, most: 9_000_000 };
    assert_eq!(wrong.text(Lang::En), "is 0 card-hours; give more than 0 and at most 2.50 card-hours");
    assert_eq!(wrong.text(Lang::Zh), "不能是 0 卡时；须大于 0 卡时，最多 2.50 卡时");
}

#[test]
fn given_text_can_steer_no_terminal_and_fill_no_page() {
    let told = Wrong::unknown(&format!("\u{1b}[31m\n{}", "x".repeat(500)), &["a"]).text(Lang::En);
    assert!(!told.chars().any(char::is_control) && told.len() < 200, "{told}");
}

/// A script, task file or specification with faults reads well as a whole, too.
#[test]
fn what_is_wrong_with_real_input_reads_well_in_both_languages() {
    let options = [
        "--nodes=0",
        "--nodes=2-",
        "--constraint=[x*2]",
        "--gres=tpu:1",
        "-G 7 -N 2",
        "--array=1-",
        "--array=0-9999999",
        "--dependency=singleton",
        "--dependency=afterok:123",
        "--qos=gold",
        "--job-name",
        "--job-name='x",
        "nonsense",
        "--hold",
        "--time=soon",
        "--time=0",
        "--export=A",
        "--wrap=x",
        "--begin=now",
        "--nodelist=n1",
        "--ntasks=0",
        "--gpus=x",
        "--launch=twice",
        "--signal=B:",
        "--mem=much",
    ];
    let mut problems = Vec::new();
    for option in options {
        let script = format!("#!/bin/bash\n#SBATCH {option}\ntrue\n");
        problems.extend(crate::script::parse(&script).expect_err(option));
    }
    let files = [
        "name: x\n",
        "name: x\ncommands: 1\n",
        "name: [\n",
        "type: service\nname: x\ncommands: [x]\n",
        "name: x\nscript: x\ncommands: [x]\n",
        "name: x\nscript: x\nmax_duration: soon\n",
        "name: x\nscript: x\nservice_class: gold\n",
        "name: x\nscript: x\narray: 1-\n",
        "name: x\nscript: x\nenv: [A]\n",
        "x: &b 1\n",
        "frobnicate: 1\n",
        "name: x\nscript: x\nresources: { cards: 1, cards_per_node: 2 }\n",
    ];
    for file in files {
        problems.extend(crate::taskfile::parse(file).expect_err(file));
    }
    let spec = JobSpec {
        name: text("\n"),
        args: vec![text("\0"); 300],
        nodes: 0,
        max_nodes: Some(5000),
        labels: vec![String::new()],
        cards_per_node: 0,
        ..JobSpec::default()
    };
    problems.extend(spec.problems());
    assert!(problems.len() >= options.len() + files.len() + 7);
    for problem in problems {
        assert_reads_well(&problem.text(Lang::Zh), &problem.text(Lang::En));
    }
}
