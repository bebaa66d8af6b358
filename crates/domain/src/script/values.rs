//! The values of options: times, counts, cards, arrays, dependencies.

use crate::{
    Millis,
    problem::ValueFault,
    spec::{ArraySpec, Dependency, DependencyKind, IndexRange},
};

/// A number of at least 1.
pub fn count(text: &str) -> Result<u32, ValueFault> {
    match text.parse() {
        Ok(0) | Err(_) => Err(ValueFault::Count { given: text.to_owned() }),
        Ok(count) => Ok(count),
    }
}

/// A time limit: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S.
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
    let parts = rest.split(':').map(number).collect::<Result<Vec<_>, _>>()?;
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

/// Memory in MiB: a number of them, or one with K, M, G or T behind.
pub fn mib(text: &str) -> Result<u64, ValueFault> {
    let wrong = || ValueFault::Memory { given: text.to_owned() };
    let number = text.trim_end_matches(['b', 'B']).trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = number.parse().map_err(|_| wrong())?;
    let kib = match text[number.len()..].to_ascii_uppercase().as_str() {
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
    let text = text.strip_prefix("gres/").unwrap_or(text);
    let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    if !matches!(kind, "npu" | "gpu") {
        return Err(ValueFault::CardKind { given: kind.to_owned() });
    }
    match rest {
        None => Ok((None, 1)),
        // A model without a number is one card of it.
        Some(rest) if !rest.contains(':') && rest.parse::<u32>().is_err() => Ok((Some(rest.to_owned()), 1)),
        Some(rest) => cards(rest),
    }
}

/// An array: `0-7`, `1,3,5-9:2`, `0-99%4`.
pub fn array(text: &str) -> Result<ArraySpec, ValueFault> {
    let (indices, most) = text.split_once('%').map_or((text, None), |(indices, most)| (indices, Some(most)));
    let number = |part: &str| part.parse::<u32>().map_err(|_| ValueFault::Index { given: part.to_owned() });
    let range = |part: &str| -> Result<IndexRange, ValueFault> {
        let (span, step) = part.split_once(':').map_or((part, None), |(span, step)| (span, Some(step)));
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let step = step.map_or(Ok(1), count)?;
        Ok(IndexRange { first: number(first)?, last: number(last)?, step })
    };
    let ranges = indices.split(',').take(10_000).map(range).collect::<Result<Vec<_>, _>>()?;
    let max_running = most.map(count).transpose()?;
    Ok(ArraySpec { ranges, max_running })
}

/// Dependencies: `afterok:job_…:job_…,afterany:job_…`.
pub fn dependencies(text: &str) -> Result<Vec<Dependency>, ValueFault> {
    if text.contains('?') {
        return Err(ValueFault::AnyOfSeveral);
    }
    let mut all = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let mut words = part.split(':');
        let when = match words.next() {
            Some("after") => DependencyKind::Started,
            Some("afterok") => DependencyKind::Succeeded,
            Some("afternotok") => DependencyKind::Failed,
            Some("afterany") => DependencyKind::Ended,
            other => {
                return Err(ValueFault::Dependency { given: other.unwrap_or_default().to_owned() });
            }
        };
        for id in words {
            let job = id.parse().map_err(|_| ValueFault::JobId { given: id.to_owned() })?;
            all.push(Dependency { job, when });
        }
    }
    Ok(all)
}
