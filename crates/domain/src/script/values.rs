//! The values of options: numbers, times, memory, cards, arrays, dependencies, variables.

use std::collections::BTreeMap;

use super::lines::is_space;
use crate::{
    Millis,
    batch::Warning,
    problem::{OptionFault, ValueFault},
    spec::{ArraySpec, Dependency, DependencyKind, IndexRange, MAX_ARRAY_TASKS},
};

/// A number as C's `strtol` reads it, and what is behind it: white space and a sign may stand before it.
pub(super) fn leading_number(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(is_space);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let (number, rest) = text.split_at(text.len() - digits.len() + end);
    let number = number.strip_prefix('+').unwrap_or(number);
    Some((number.parse().ok()?, rest))
}

/// A whole number of at least `least` that an `i32` holds.
pub fn whole(text: &str, least: i64) -> Result<u32, ValueFault> {
    match leading_number(text) {
        Some((number, "")) if number >= least && number <= i64::from(i32::MAX) => {
            u32::try_from(number).map_err(|_| ValueFault::Count { given: text.to_owned() })
        }
        _ => Err(ValueFault::Count { given: text.to_owned() }),
    }
}

/// A number of at least 1.
pub fn count(text: &str) -> Result<u32, ValueFault> {
    whole(text, 1)
}

/// Nodes: how many at least and at most. `2`, `2-4`, `-4`, `1k`.
pub fn nodes(text: &str) -> Result<(u32, u32), ValueFault> {
    let wrong = || ValueFault::Count { given: text.to_owned() };
    let number = |part: &str| {
        let (number, rest) = leading_number(part)?;
        let (number, rest) = match rest.strip_prefix(['k', 'K']) {
            Some(rest) => (number.checked_mul(1 << 10)?, rest),
            None => (number, rest),
        };
        let (number, rest) = match rest.strip_prefix(['m', 'M']) {
            Some(rest) => (number.checked_mul(1 << 20)?, rest),
            None => (number, rest),
        };
        let number = u32::try_from(number).ok().filter(|number| *number > 0)?;
        rest.chars().all(is_space).then_some(number)
    };
    let (least, most) = match text.split_once('-') {
        Some((least, most)) if least.chars().all(is_space) => (1, number(most).ok_or_else(wrong)?),
        Some((least, most)) => (number(least).ok_or_else(wrong)?, number(most).ok_or_else(wrong)?),
        None => {
            let both = number(text).ok_or_else(wrong)?;
            (both, both)
        }
    };
    if least > most { Err(wrong()) } else { Ok((least, most)) }
}

/// A time limit: minutes, M:S, H:M:S, D-, D-H, D-H:M or D-H:M:S.
pub fn time(text: &str) -> Result<Millis, ValueFault> {
    let wrong = || ValueFault::Time { given: text.to_owned() };
    let number = |part: &str| -> Result<i64, ValueFault> {
        if part.is_empty() || part.len() > 9 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        part.parse().map_err(|_| wrong())
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = match (days, rest) {
        (Some(_), "") => vec![0],
        _ => rest.split(':').map(number).collect::<Result<Vec<_>, _>>()?,
    };
    let seconds = match (days, parts.as_slice()) {
        (None, [m]) => m * 60,
        (None, [m, s]) => m * 60 + s,
        (None, [h, m, s]) => h * 3600 + m * 60 + s,
        (Some(d), [h]) => d * 86_400 + h * 3600,
        (Some(d), [h, m]) => d * 86_400 + h * 3600 + m * 60,
        (Some(d), [h, m, s]) => d * 86_400 + h * 3600 + m * 60 + s,
        _ => return Err(wrong()),
    };
    if seconds == 0 { Err(ValueFault::NoTime) } else { Ok(Millis::from_secs(seconds)) }
}

/// Memory in MiB: a number of them, or one with K, M, G or T behind, and perhaps a B.
pub fn mib(text: &str) -> Result<u64, ValueFault> {
    let wrong = || ValueFault::Memory { given: text.to_owned() };
    let (count, unit) = leading_number(text).ok_or_else(wrong)?;
    let count = u64::try_from(count).map_err(|_| wrong())?;
    let kib = match unit.to_ascii_uppercase().as_str() {
        "K" | "KB" => 1,
        "" | "M" | "MB" => 1 << 10,
        "G" | "GB" => 1 << 20,
        "T" | "TB" => 1 << 30,
        _ => return Err(wrong()),
    };
    count.checked_mul(kib).map(|kib| kib.div_ceil(1 << 10)).ok_or_else(wrong)
}

/// Cards, as `8` or `ascend-910:8`.
pub fn cards(text: &str) -> Result<(Option<String>, u32), ValueFault> {
    match text.rsplit_once(':') {
        Some((model, number)) => Ok((Some(model.to_owned()), count(number)?)),
        None => Ok((None, count(text)?)),
    }
}

/// Generic resources: `npu:8`, `gpu`, `npu:ascend-910:4`.
pub fn gres(text: &str) -> Result<(Option<String>, u32), ValueFault> {
    let text = text.strip_prefix("gres/").or_else(|| text.strip_prefix("gres:")).unwrap_or(text);
    let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    if !matches!(kind, "npu" | "gpu") {
        return Err(ValueFault::CardKind { given: kind.to_owned() });
    }
    match rest {
        None => Ok((None, 1)),
        // A model without a number is one card of it.
        Some(rest) if !rest.contains(':') && rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Ok((Some(rest.to_owned()), 1))
        }
        Some(rest) => cards(rest),
    }
}

/// An array: `0-7`, `1,3,5-9:2`, `0-99%4`. Indices may come in any order and more than once.
pub fn array(text: &str) -> Result<ArraySpec, ValueFault> {
    let (indices, most) = text.split_once('%').map_or((text, None), |(indices, most)| (indices, Some(most)));
    let wrong = |given: &str| ValueFault::Index { given: given.to_owned() };
    let mut all: Vec<IndexRange> = Vec::new();
    for part in indices.split(',') {
        let bare = part.strip_prefix('[').unwrap_or(part);
        let bare = bare.strip_suffix(']').unwrap_or(bare);
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| is_number).ok_or_else(|| wrong(part))
        };
        let (span, step) = bare.split_once(':').map_or((bare, None), |(span, step)| (span, Some(step)));
        let range = match span.split_once('-') {
            Some((first, last)) => {
                let step = step.map_or(Ok(1), number)?;
                IndexRange { first: number(first)?, last: number(last)?, step }
            }
            None if step.is_none() => IndexRange { first: number(span)?, last: number(span)?, step: 1 },
            None => return Err(wrong(part)),
        };
        if range.len() == 0 {
            return Err(wrong(part));
        }
        all.push(range);
    }
    let max_running = most.map(count).transpose()?;
    Ok(ArraySpec { ranges: in_order(all), max_running })
}

/// The same indices as rising ranges, each index once.
fn in_order(ranges: Vec<IndexRange>) -> Vec<IndexRange> {
    let tasks: u64 = ranges.iter().map(|range| range.len()).sum();
    let is_rising = ranges.windows(2).all(|pair| pair[0].last < pair[1].first);
    // One that is too large is refused as it is.
    if (is_rising && ranges.len() <= 64) || tasks > u64::from(MAX_ARRAY_TASKS) {
        return ranges;
    }
    let mut indices: Vec<u32> =
        ranges.iter().flat_map(|range| (range.first..=range.last).step_by(range.step as usize)).collect();
    indices.sort_unstable();
    indices.dedup();
    let mut joined: Vec<IndexRange> = Vec::new();
    for index in indices {
        match joined.last_mut() {
            // The second index of a range sets its step.
            Some(one) if one.first == one.last => (one.step, one.last) = (index - one.last, index),
            Some(range) if range.last.checked_add(range.step) == Some(index) => range.last = index,
            _ => joined.push(IndexRange { first: index, last: index, step: 1 }),
        }
    }
    joined
}

/// Dependencies: `afterok:job_…:job_…,afterany:job_…`.
pub fn dependencies(text: &str) -> Result<Vec<Dependency>, ValueFault> {
    if text.contains('?') {
        return Err(ValueFault::AnyOfSeveral);
    }
    let mut all = Vec::new();
    for part in text.split(',') {
        let (word, ids) = part.split_once(':').map_or((part, None), |(word, ids)| (word, Some(ids)));
        let when = match word.to_ascii_lowercase().as_str() {
            "after" => DependencyKind::Started,
            "afterok" => DependencyKind::Succeeded,
            "afternotok" => DependencyKind::Failed,
            "afterany" => DependencyKind::Ended,
            _ => return Err(ValueFault::Dependency { given: word.to_owned() }),
        };
        let ids = ids.filter(|ids| !ids.is_empty());
        let ids = ids.ok_or_else(|| ValueFault::NoJob { word: word.to_owned() })?;
        for id in ids.split(':') {
            let job = id.parse().map_err(|_| ValueFault::JobId { given: id.to_owned() })?;
            all.push(Dependency { job, when });
        }
    }
    Ok(all)
}

/// Names of signals that sbatch knows.
const SIGNALS: [&str; 16] = [
    "HUP", "INT", "QUIT", "ABRT", "KILL", "ALRM", "TERM", "USR1", "USR2", "URG", "CONT", "STOP", "TSTP",
    "TTIN", "TTOU", "XCPU",
];
/// The highest number of a signal.
const MAX_SIGNAL: u32 = 64;

/// A signal before the time limit, and whether the script itself gets it: `B:USR1@60`.
pub fn warning(text: &str) -> Result<(Warning, bool), OptionFault> {
    let wrong = || OptionFault::Warning { given: text.to_owned() };
    let skip = |text: &mut &str, c: char| {
        let rest = text.strip_prefix([c, c.to_ascii_lowercase()]);
        *text = rest.unwrap_or(text);
        rest.is_some()
    };
    let mut rest = text;
    skip(&mut rest, 'R');
    let to_script = skip(&mut rest, 'B');
    skip(&mut rest, 'R');
    skip(&mut rest, ':');
    let (name, before) = rest.split_once('@').map_or((rest, None), |(name, before)| (name, Some(before)));
    let name = name.trim_matches(is_space).to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let is_number = || whole(name, 1).is_ok_and(|number| number <= MAX_SIGNAL);
    if !SIGNALS.contains(&name) && !is_number() {
        return Err(wrong());
    }
    let before_s = match before {
        None => 60,
        Some("") => 0,
        Some(before) => whole(before, 0).ok().filter(|s| *s <= 0xffff).ok_or_else(wrong)?,
    };
    let signal = name.trim_start_matches('+').to_owned();
    Ok((Warning { signal, before_s }, to_script))
}

/// The variables of `--export`. `NONE` and `ALL` say the same here: a run never gets the environment of where
/// it was submitted. Quotes group, as in sbatch.
pub fn variables(text: &str) -> Result<BTreeMap<String, String>, OptionFault> {
    let mut variables = BTreeMap::new();
    let (mut part, mut quote) = (String::new(), None);
    let mut parts = Vec::new();
    for c in text.chars() {
        match (quote, c) {
            (None, ',') => parts.push(std::mem::take(&mut part)),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        if c != ',' || quote.is_some() {
            part.push(c);
        }
    }
    if let Some(quote) = quote {
        return Err(OptionFault::OpenQuote { quote });
    }
    parts.push(part);
    let is_word = |part: &str| ["", "ALL", "NONE", "NIL"].iter().any(|word| part.eq_ignore_ascii_case(word));
    for part in &parts {
        let bare = |quote| part.strip_prefix(quote).and_then(|part| part.strip_suffix(quote));
        let part = bare('\'').or_else(|| bare('"')).unwrap_or(part);
        match part.split_once('=') {
            Some((name, value)) if crate::limits::is_env_name(name) => {
                variables.insert(name.to_owned(), value.to_owned());
            }
            Some((name, _)) => return Err(OptionFault::VariableName { name: name.to_owned() }),
            None if is_word(part) => {}
            None => return Err(OptionFault::NoVariableValue { name: part.to_owned() }),
        }
    }
    Ok(variables)
}
