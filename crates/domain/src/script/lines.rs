//! The lines of a script: those with options, split into words as sbatch splits them, and those that look as
//! if they had options and that nothing reads.

use super::{
    getopt::{Word, is_near},
    note::{Note, NoteAction, NoteWhy},
};
use crate::problem::{NotHere, OptionFault, Place, SpecProblem};

/// Comments with which other systems begin their options.
const OTHERS: [&str; 8] = ["PBS", "BSUB", "COBALT", "DSUB", "MSUB", "OAR", "PJM", "$"];

/// The words of a script's options.
#[derive(Debug, Default)]
pub struct Header {
    pub sbatch: Vec<Word>,
    pub own: Vec<Word>,
    /// There is a line for sbatch.
    pub is_for_sbatch: bool,
}

/// Reads the lines before the first command, and names the lines that are passed over.
pub fn header(text: &str, notes: &mut Vec<Note>, problems: &mut Vec<SpecProblem>) -> Header {
    let mut header = Header::default();
    let mut is_over = false;
    for (number, line) in (1..).zip(text.split('\n')) {
        let blank = line.trim_start_matches(is_space);
        is_over |= !blank.is_empty() && !blank.starts_with('#');
        let mut name = |option: &str, why| {
            notes.push(Note { line: number, option: option.to_owned(), action: NoteAction::Ignored, why });
        };
        let marked = MARKS.iter().find_map(|mark| Some((*mark, line.strip_prefix(mark)?)));
        match marked {
            Some((mark, _)) if is_over => name(mark, NoteWhy::TooLate),
            Some((mark, options)) => {
                header.is_for_sbatch |= mark != OWN;
                if mark == "#SLURM" {
                    let (option, why) = (mark.to_owned(), NoteWhy::OldMark);
                    notes.push(Note { line: number, option, action: NoteAction::Mapped, why });
                }
                let into = if mark == OWN { &mut header.own } else { &mut header.sbatch };
                match words(options) {
                    Ok(words) => into.extend(words.into_iter().map(|text| Word { line: number, text })),
                    Err(fault) => problems.push(SpecProblem::new(Place::Line(number), fault)),
                }
            }
            None if like_mark(blank).is_some() => {
                name(like_mark(blank).unwrap_or_default(), NoteWhy::OddMark);
            }
            None if !is_over => {
                let mark = blank.trim_start_matches('#').split(is_space).next().unwrap_or_default();
                let is_option =
                    blank[1.min(blank.len())..].trim_start_matches(mark).trim_start().starts_with('-');
                if blank.starts_with(&format!("#{mark}")) && OTHERS.contains(&mark) && is_option {
                    name(&format!("#{mark}"), NoteWhy::OtherSystem);
                }
            }
            None => {}
        }
    }
    header
}

const OWN: &str = "#QIANTANG";
const MARKS: [&str; 3] = ["#SBATCH", OWN, "#SLURM"];

/// The beginning of a comment that reads like a line of options and is none: `# SBATCH -N 2`, `#SBTACH -N 2`,
/// one that is not at the beginning of its line.
fn like_mark(line: &str) -> Option<&str> {
    let comment = line.strip_prefix('#')?.trim_start_matches(|c: char| c == '#' || c.is_whitespace());
    let end = comment.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(comment.len());
    let (word, rest) = comment.split_at(end);
    let word = word.to_ascii_uppercase();
    let has_option = rest.trim_start_matches(char::is_whitespace).starts_with(['-', '–', '—']);
    let is_near = ["SBATCH", "QIANTANG"].iter().any(|mark| is_near(mark, &word));
    (has_option && is_near).then(|| &line[..line.len() - rest.len()])
}

/// White space as C's `isspace` has it.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Splits the options of a line into words as sbatch does: quotes group, a backslash takes the next character
/// as it is, and a `#` outside of quotes begins a comment.
pub(super) fn words(line: &str) -> Result<Vec<String>, OptionFault> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| is_space(*c)).is_some() {}
        let rest: String = chars.clone().take_while(|c| !is_space(*c)).collect();
        if rest.eq_ignore_ascii_case("hetjob")
            || rest.eq_ignore_ascii_case("packjob")
            || rest.starts_with(':')
        {
            return Err(OptionFault::NotHere(NotHere::HetGroup));
        }
        let (mut word, mut quote) = (None::<String>, None);
        let mut was_odd = false;
        while let Some(&c) = chars.peek() {
            match (quote, c) {
                (None, '#') => break,
                (None, c) if is_space(c) => break,
                (_, '\\') => {
                    chars.next();
                    // sbatch ends the word here, whatever the backslash was meant for.
                    if quote.is_none() && chars.peek().is_none_or(|c| is_space(*c)) {
                        was_odd = true;
                        break;
                    }
                    word.get_or_insert_default().extend(chars.next());
                    continue;
                }
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => {
                    quote = Some(c);
                    was_odd = true;
                }
                (_, c) => word.get_or_insert_default().push(c),
            }
            chars.next();
        }
        if let Some(quote) = quote {
            return Err(OptionFault::OpenQuote { quote });
        }
        match word {
            Some(word) => words.push(word),
            // sbatch would read no more of the line, without a word.
            None if was_odd && chars.clone().any(|c| !is_space(c)) => return Err(OptionFault::EmptyWord),
            None => return Ok(words),
        }
    }
}
