//! Scripts with `#SBATCH` lines, read into a [`JobSpec`].
//!
//! Options are read as sbatch reads them: from the lines before the first command, by its table of names, with
//! the rules of `getopt_long`. What sbatch refuses is refused. Options that change nothing here are ignored,
//! and named in the notes; those that would change what the job gets are refused, with what to do instead.
//! Lines that look as if they had options, and that nothing reads, are named.
//!
//! A script with such lines is one for sbatch, which starts it once ([`Launch::Batch`]). What only Qiantang
//! knows may stand on `#QIANTANG` lines, which sbatch passes over, or on the command line. The three are read
//! by one table.

mod checks;
pub mod edit;
mod getopt;
mod lines;
mod note;
mod options;
mod table;
#[cfg(test)]
mod tests;
mod values;

use crate::{
    JobSpec, Launch,
    problem::{JobFault, OptionFault, Place, SpecProblem, field},
    spec::{
        MAX_SCRIPT_BYTES,
        encoding::{self, Encoding},
    },
};

pub use getopt::{Given, Word};
pub use note::{Note, NoteAction, NoteWhy, notes_on_secrets, notes_on_start};
pub use table::{OWN, Opt, Role, SBATCH, Takes};
pub use values::array as array_of_text;

/// A script, and what was made of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedScript {
    pub spec: JobSpec,
    pub notes: Vec<Note>,
}

/// Options of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    pub given: Vec<Given>,
    /// How many words they take. Behind them is the script, and what it gets.
    pub taken: usize,
}

/// Reads a script. All that is wrong is told at once, each with its line.
pub fn parse(bytes: impl AsRef<[u8]>) -> Result<ParsedScript, Vec<SpecProblem>> {
    parse_as(bytes, "script", &[])
}

/// Reads the options of a command line, up to the first word that is none. `others` are options beside those
/// for a job.
pub fn command_line(
    words: &[String],
    others: &'static [Opt],
) -> Result<CommandLine, (CommandLine, Vec<SpecProblem>)> {
    let words: Vec<Word> = words.iter().map(|text| Word { line: 0, text: text.clone() }).collect();
    let (mut given, mut problems) = (Vec::new(), Vec::new());
    let taken = getopt::options(&words, &[OWN, others], &mut given, &mut problems);
    let line = CommandLine { given, taken };
    if problems.is_empty() { Ok(line) } else { Err((line, problems)) }
}

/// Reads a script whose job is called `name` unless it has another. The options `beside` it win over its own.
pub fn parse_as(
    bytes: impl AsRef<[u8]>,
    name: &str,
    beside: &[Given],
) -> Result<ParsedScript, Vec<SpecProblem>> {
    let bytes = bytes.as_ref();
    let refused = |place: Place, fault: JobFault| Err(vec![SpecProblem::new(place, fault)]);
    if bytes.len() > MAX_SCRIPT_BYTES {
        return refused(field::SCRIPT.into(), JobFault::ScriptTooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return refused(Place::Line(1), JobFault::Utf16);
    }
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    let (text, encoding) = plain(bytes, &mut notes);
    let mut spec = JobSpec { script: text, encoding, nodes: 1, cards_per_node: 1, ..JobSpec::default() };
    if !spec.script.trim().is_empty() && !spec.script.starts_with("#!") {
        problems.push(SpecProblem::new(Place::Line(1), JobFault::NoInterpreter));
    }
    let header = lines::header(&spec.script, &mut notes, &mut problems);
    if header.is_for_sbatch {
        spec.launch = Launch::Batch;
        spec.batch.without_cards = true;
    }
    let mut given = Vec::new();
    for (words, own) in [(&header.sbatch, &[][..]), (&header.own, &[OWN])] {
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let taken = getopt::options(rest, own, &mut given, &mut problems);
            rest = rest.get(taken..).unwrap_or_default();
            if let Some((word, behind)) = rest.split_first() {
                let fault = odd(&word.text).unwrap_or(OptionFault::NotAnOption);
                problems.push(SpecProblem::new(Place::option(word.line, &word.text), fault));
                rest = behind;
            }
        }
    }
    // Of two options of one name the later line wins, whichever kind it is.
    given.sort_by_key(|given| given.line);
    given.extend(beside.iter().filter(|given| is_for_jobs(given)).cloned());
    options::take_all(&given, &mut spec, &mut notes, &mut problems);
    if spec.name.is_empty() {
        name.clone_into(&mut spec.name);
    }
    if problems.is_empty() {
        return Ok(ParsedScript { spec, notes });
    }
    // The rest that is wrong by itself is told with it.
    let is_new = |problem: &SpecProblem| problems.iter().all(|told| told.wrong != problem.wrong);
    let more: Vec<SpecProblem> = spec.problems().into_iter().filter(is_new).collect();
    problems.extend(more);
    problems.sort_by_key(|problem| (problem.place.line() == 0, problem.place.line()));
    Err(problems)
}

/// Whether an option of the command line is about the job, and not about the command.
fn is_for_jobs(given: &Given) -> bool {
    let is_known = |table: &[Opt]| table.iter().any(|opt| opt.name == given.option.name);
    is_known(SBATCH) || is_known(OWN)
}

/// The text of a script without what editors of Windows put into it, and its encoding.
fn plain(bytes: &[u8], notes: &mut Vec<Note>) -> (String, Option<Encoding>) {
    let mut note = |line, option: &str, action, why| {
        notes.push(Note { line, option: option.to_owned(), action, why });
    };
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(bytes) => {
            note(1, "U+FEFF", NoteAction::Ignored, NoteWhy::ByteOrderMark);
            bytes
        }
        None => bytes,
    };
    let (text, encoding) = encoding::read(bytes);
    let line_of = |at: usize| u32::try_from(1 + text[..at].matches('\n').count()).unwrap_or(u32::MAX);
    if let Some(encoding) = encoding {
        let at = text.find(|c: char| !c.is_ascii()).unwrap_or(0);
        note(line_of(at), encoding.code(), NoteAction::Mapped, NoteWhy::Encoding);
    }
    let count = text.matches("\r\n").count() + usize::from(text.ends_with('\r'));
    if count == 0 {
        return (text.into_owned(), encoding);
    }
    let first = text.find('\r').unwrap_or(0);
    note(line_of(first), "CR", NoteAction::Ignored, NoteWhy::LineEnds { count });
    let text = text.replace("\r\n", "\n");
    (text.strip_suffix('\r').unwrap_or(&text).to_owned(), encoding)
}

/// The fault of a word that would be an option but for a character that looks like another.
fn odd(word: &str) -> Option<OptionFault> {
    let first = word.chars().next()?;
    let is_odd = (first.is_whitespace() && !first.is_ascii())
        || matches!(first, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{feff}' | '\u{200b}');
    is_odd.then_some(OptionFault::OddCharacter { code: u32::from(first) })
}
