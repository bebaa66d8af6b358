//! What tenants asked for in the past, thrown with dice: the same seed and day give the same work.

use domain::{JobSpec, Millis, ServiceClass, Timestamp, Zone, problem::SpecProblem};
use engines::Exit;

use super::{dice::Dice, hall::Fate};
use crate::demo::goes_on::{LINES, Line};

/// Between two jobs of one tenant, in seconds; those of different tenants never fall on the same second.
const APART_S: i64 = 5;
const _: () = assert!(LINES.len() == 5, "a second of its own for each tenant");
/// When work begins, and for how many steps of [`APART_S`] it is handed in: from 8 in the morning on for 13 hours.
const MORNING_H: i64 = 8;
const STEPS: u32 = 13 * 3600 / 5;
/// Days have this many days in a week; 1970 began on its fourth, counted from Monday as 0 on.
const WEEK: i64 = 7;
const FIRST_WEEKDAY: i64 = 3;

/// A job that is handed in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Timestamp,
    pub line: &'static Line,
    pub name: &'static str,
    pub shape: (u32, u32),
    pub class: ServiceClass,
    pub fate: Fate,
    /// How long it may take.
    pub limit: Millis,
    /// Whoever handed it in takes it back then.
    pub cancelled_at: Option<Timestamp>,
}

impl Asked {
    pub fn spec(&self) -> Result<JobSpec, Vec<SpecProblem>> {
        let script = "#!/bin/sh\n#SBATCH --gres=npu:1\n# Of the demo's generated past: this job never ran.\n";
        let mut spec = domain::script::parse(script)?.spec;
        (spec.nodes, spec.cards_per_node) = self.shape;
        self.name.clone_into(&mut spec.name);
        spec.project = Some(self.line.project.to_owned());
        spec.service_class = self.class;
        spec.time_limit_ms = Some(self.limit);
        Ok(spec)
    }
}

/// All work of the days from `from` up to `until`, in the order in which it is handed in.
pub fn all(seed: u32, zone: &Zone, from: Timestamp, until: Timestamp) -> Vec<Asked> {
    let mut all = Vec::new();
    for day in zone.day(from)..=zone.day(until) {
        for (at, line) in (0_i64..).zip(&LINES) {
            of_day(&mut all, seed, zone, (day, at, line));
        }
    }
    all.retain(|asked| asked.at > from && asked.at < until);
    all.sort_by_key(|asked| asked.at);
    all
}

fn of_day(all: &mut Vec<Asked>, seed: u32, zone: &Zone, (day, index, line): (i64, i64, &'static Line)) {
    let mut dice = Dice::new(seed, [day.unsigned_abs(), index.unsigned_abs()]);
    let is_weekend = (day + FIRST_WEEKDAY).rem_euclid(WEEK) >= 5;
    let jobs = if is_weekend { 2 + dice.below(4) } else { 7 + dice.below(6) };
    let morning = zone.day_begins(day).plus(Millis::from_hours(MORNING_H));
    let mut taken = std::collections::BTreeSet::new();
    for _ in 0..jobs {
        let mut step = dice.below(STEPS);
        while !taken.insert(step) {
            step += 1;
        }
        let at = morning.plus(Millis::from_secs(i64::from(step) * APART_S + index));
        all.push(thrown(&mut dice, at, line));
    }
}

fn thrown(dice: &mut Dice, at: Timestamp, line: &'static Line) -> Asked {
    let (name, shape) = (dice.pick(&line.names), dice.pick(&line.shapes));
    let class = match dice.below(12) {
        0 => ServiceClass::Urgent,
        1 | 2 => ServiceClass::Spot,
        _ => ServiceClass::Normal,
    };
    let minutes = 15 + dice.below(270) + if dice.below(5) == 0 { dice.below(360) } else { 0 };
    let takes = Millis::from_secs(i64::from(minutes) * 60 + i64::from(dice.below(60)));
    let mut limit = Millis::from_hours(12);
    let mut cancelled_at = None;
    let how = match dice.below(40) {
        0..3 => Exit::Code(1),
        3 => Exit::OutOfMemory,
        4 | 5 => {
            limit = takes;
            Exit::TimedOut
        }
        6 | 7 => {
            cancelled_at = Some(at.plus(Millis(takes.0 / 2)));
            Exit::Code(0)
        }
        8 => Exit::MachineLost,
        _ => Exit::Code(0),
    };
    Asked { at, line, name, shape, class, fate: Fate { takes, how }, limit, cancelled_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_day_give_the_same_work() {
        let zone = Zone::default();
        let at = |text: &str| text.parse().expect("an instant");
        let (from, until) = (at("2026-10-30T00:00:00Z"), at("2026-11-29T09:00:00Z"));
        let told = |seed, until| -> Vec<String> {
            all(seed, &zone, from, until).iter().map(|asked| format!("{asked:?}")).collect()
        };
        let long = told(7, until);
        assert!(long.len() > 900, "{}", long.len());
        let short = told(7, at("2026-11-15T09:00:00Z"));
        assert!(long.starts_with(&short) && short.len() > 400, "what comes later changes nothing");
        assert_ne!(long, told(8, until));
        let asked = all(7, &zone, from, until);
        assert!(asked.is_sorted_by(|a, b| a.at < b.at), "no two come at the same instant");
        let weekend = |day: &str| {
            let day = zone.day(at(day));
            asked.iter().filter(|asked| zone.day(asked.at) == day).count()
        };
        assert!(weekend("2026-11-14T04:00:00Z") < weekend("2026-11-12T04:00:00Z"), "a Saturday, a Thursday");
    }
}
