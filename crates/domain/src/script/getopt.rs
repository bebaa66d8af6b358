//! Words to options, as `getopt_long` makes them: a name or the beginning of one name alone, short options
//! together or apart, values behind `=`, in the same word or the next. Options end at the first word that is
//! none.

use super::table::{Opt, SBATCH, Takes};
use crate::problem::{OptionFault, Place, SpecProblem};

/// A word with its line; 0 for the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub line: u32,
    pub text: String,
}

/// An option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub line: u32,
    pub option: &'static Opt,
    pub value: Option<String>,
}

/// Reads options off the words. Gives how many words they take: behind them is the first that is no option.
pub fn options(
    words: &[Word],
    own: &[&'static [Opt]],
    given: &mut Vec<Given>,
    problems: &mut Vec<SpecProblem>,
) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let line = word.line;
        at += 1;
        if word.text == "--" {
            return at;
        } else if let Some(long) = word.text.strip_prefix("--") {
            let (name, inline) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let (option, value) = match (find(name, own), inline) {
                (Err(fault), _) => {
                    problems.push(SpecProblem::new(Place::option(line, &format!("--{name}")), fault));
                    // The next word may be its value, and no fault of its own.
                    let is_value = |next: &Word| next.line == line && line > 0 && !next.text.starts_with('-');
                    at += usize::from(inline.is_none() && words.get(at).is_some_and(is_value));
                    continue;
                }
                (Ok(option), Some(_)) if option.takes == Takes::Nothing => {
                    let place = Place::option(line, &option.shown());
                    problems.push(SpecProblem::new(place, OptionFault::TakesNoValue));
                    continue;
                }
                (Ok(option), None) if option.takes == Takes::Value => {
                    let Some(value) = next_value(words, &mut at, line, option, problems) else { continue };
                    (option, Some(value))
                }
                (Ok(option), inline) => (option, inline.map(str::to_owned)),
            };
            given.push(Given { line, option, value });
        } else if let Some(cluster) = word.text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            short(cluster, words, &mut at, line, given, problems);
        } else {
            return at - 1;
        }
    }
    at
}

/// Reads the short options of one word.
fn short(
    cluster: &str,
    words: &[Word],
    at: &mut usize,
    line: u32,
    given: &mut Vec<Given>,
    problems: &mut Vec<SpecProblem>,
) {
    let mut chars = cluster.chars();
    while let Some(c) = chars.next() {
        let Some(option) = SBATCH.iter().find(|opt| opt.short == Some(c)) else {
            let fault = OptionFault::Unknown { like: Vec::new() };
            problems.push(SpecProblem::new(Place::option(line, &format!("-{c}")), fault));
            // What is behind it may be its value.
            return;
        };
        let rest = chars.as_str();
        let value = match option.takes {
            Takes::Nothing => None,
            Takes::Perhaps => Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
            Takes::Value if !rest.is_empty() => Some(rest.to_owned()),
            Takes::Value => match next_value(words, at, line, option, problems) {
                Some(value) => Some(value),
                None => return,
            },
        };
        given.push(Given { line, option, value });
        if option.takes != Takes::Nothing {
            return;
        }
    }
}

/// The next word, which is the option's value whatever it looks like.
fn next_value(
    words: &[Word],
    at: &mut usize,
    line: u32,
    option: &Opt,
    problems: &mut Vec<SpecProblem>,
) -> Option<String> {
    let value = words.get(*at).map(|next| next.text.clone());
    *at += 1;
    if value.is_none() {
        let fault = OptionFault::NeedsValue { option: option.shown() };
        problems.push(SpecProblem::new(Place::option(line, &option.shown()), fault));
    }
    value
}

/// The option of that name, or the only one that begins so. Those of sbatch come before others, so that what
/// is short for sbatch is short for the same here.
fn find(name: &str, own: &[&'static [Opt]]) -> Result<&'static Opt, OptionFault> {
    let own = || own.iter().copied().flatten();
    if let Some(exact) = SBATCH.iter().chain(own()).find(|opt| opt.name == name) {
        return Ok(exact);
    }
    let mut begin: Vec<&'static Opt> = SBATCH.iter().filter(|opt| opt.name.starts_with(name)).collect();
    if begin.is_empty() {
        begin = own().filter(|opt| opt.name.starts_with(name)).collect();
    }
    match begin.as_slice() {
        [] => {
            let near = SBATCH.iter().chain(own()).filter(|opt| is_near(opt.name, name));
            Err(OptionFault::Unknown { like: near.map(Opt::shown).collect() })
        }
        [first, rest @ ..] if rest.iter().all(|other| other.is_same(first)) => Ok(*first),
        _ => Err(OptionFault::Ambiguous { options: begin.iter().map(|opt| opt.shown()).collect() }),
    }
}

/// Whether one can be the other with a slip of the hand: a letter more or less, another one, or two that
/// changed places.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 || a.len().min(b.len()) < 3 {
        return false;
    }
    let front = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let back = |from_a: usize, from_b: usize| a[from_a..] == b[from_b..];
    let is_swapped = front + 1 < a.len().min(b.len())
        && a[front] == b[front + 1]
        && a[front + 1] == b[front]
        && back(front + 2, front + 2);
    match (a.len(), b.len()) {
        (of_a, of_b) if of_a > of_b => back(front + 1, front),
        (of_a, of_b) if of_a < of_b => back(front, front + 1),
        (len, _) if front == len => true,
        _ => back(front + 1, front + 1) || is_swapped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::table::{OWN, Role};

    fn read(words: &[&str]) -> (Vec<String>, usize, Vec<String>) {
        let words: Vec<Word> = words.iter().map(|w| Word { line: 0, text: (*w).to_owned() }).collect();
        let (mut given, mut problems) = (Vec::new(), Vec::new());
        let taken = options(&words, &[OWN], &mut given, &mut problems);
        let given = given.iter().map(|given| match &given.value {
            Some(value) => format!("{}={value}", given.option.name),
            None => given.option.name.to_owned(),
        });
        (given.collect(), taken, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn words_are_read_as_getopt_long_reads_them() {
        for (words, given, taken) in [
            (&["--depend=afterok:1", "-N2", "x", "-N", "3"][..], &["dependency=afterok:1", "nodes=2"][..], 2),
            (&["-HQN", "2", "--", "-N3"], &["hold", "quiet", "nodes=2"], 3),
            (&["--cluster=a", "--clusters=b"], &["cluster=a", "clusters=b"], 2),
            (&["-kset", "-k", "set"], &["no-kill=set", "no-kill"], 2),
            (&["--time", "--hold"], &["time=--hold"], 2),
            (&["--exclusive", "user"], &["exclusive"], 1),
            (&["-N=2", "-"], &["nodes==2"], 1),
            (&["--la=batch", "--l=x"], &["launch=batch", "licenses=x"], 2),
        ] {
            let (read, at, problems) = read(words);
            assert_eq!(
                (read, at, problems),
                (given.iter().map(|g| (*g).to_owned()).collect(), taken, vec![])
            );
        }
        for (words, want) in [
            (&["--tiem=2"][..], "--tiem: is not known to sbatch; write --time"),
            (&["--no=2"], "--no: is the beginning of several options"),
            (&["--hold=1"], "--hold: takes no value"),
            (&["-N"], "--nodes: needs a value"),
            (&["-Nx", "-y"], "-y: is not known to sbatch"),
        ] {
            let (_, _, problems) = read(words);
            assert!(problems.len() == 1 && problems[0].contains(want), "{words:?}: {problems:?}");
        }
    }

    #[test]
    fn the_table_is_sound() {
        for (at, opt) in SBATCH.iter().enumerate() {
            assert!(SBATCH[..at].iter().all(|other| other.name < opt.name), "{}", opt.name);
            let twice = SBATCH[..at].iter().any(|other| opt.short.is_some() && other.short == opt.short);
            assert!(!twice && opt.role != Role::Own, "{}", opt.name);
        }
    }

    #[test]
    fn slips_are_near() {
        for (a, b) in [("time", "tiem"), ("dependency", "dependancy"), ("nodes", "node"), ("mem", "memm")] {
            assert!(is_near(a, b) && is_near(b, a), "{a} {b}");
        }
        for (a, b) in [("time", "item2"), ("mem", "me"), ("nodes", "nides2"), ("gres", "grse1")] {
            assert!(!is_near(a, b), "{a} {b}");
        }
    }
}
