//! The digital twin: replaying traces, comparing policies and sizes, making workloads. Needs no center.

mod forecasts;
mod options;
mod pack;
mod screen;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::mpsc,
    time::{Duration, Instant},
};

use domain::{Lang, Millis, RatePerCardHour, both};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use twin::{
    Failures, Faults, Figures, Nodes, QueueSetup, ReplayOutcome, ReplayPolicy, Setup, Terms, Trace,
    report::summary,
};

pub use options::Twin;
use options::{Compare, Generate, Grow, Hall, Replay, Results};
use screen::{Screen, add_faults, bar, read};

use crate::context::{Context, Done, Run, say, write as write_out};
use crate::{
    errors::Failure,
    output::{pick, table},
};

impl Run for Twin {
    fn run(self, context: &Context) -> Done {
        let screen = Screen { lang: context.lang, json: context.json };
        match self {
            Self::Replay(options) => replay(&screen, &options),
            Self::Compare(options) => compare(&screen, &options),
            Self::Grow(options) => grow(&screen, &options),
            Self::Generate(options) => generate(context, &options),
            Self::Pack(options) => pack::run(&screen, &options),
        }
    }
}

/// One replay with its time.
struct Ran {
    outcome: ReplayOutcome,
    figures: Figures,
    elapsed: Duration,
}

fn replay(screen: &Screen, options: &Replay) -> Done {
    let (trace, faults) = read(screen, &options.input)?;
    let setup = setup(&options.hall, &trace, options.policy)?;
    let work = [Work { trace: &trace, setup, terms: terms(&options.hall) }];
    let ran = all(screen, &work);
    finish(screen, &work, &ran, &faults, &options.results)?;
    let forecasts = options.forecasts.then(|| forecasts::work_out(screen, &trace, &work[0].setup));
    if screen.json {
        let mut answer = object(&ran[0], &trace, &faults);
        if let Some(forecasts) = &forecasts {
            answer["forecasts"] = serde_json::to_value(forecasts).unwrap_or_default();
        }
        say(&answer.to_string())?;
    } else {
        say(&shown(screen.lang, &ran))?;
        if let Some(found) = &forecasts {
            say(&forecasts::shown(screen.lang, found))?;
        }
    }
    Ok(())
}

fn compare(screen: &Screen, options: &Compare) -> Done {
    let (trace, faults) = read(screen, &options.input)?;
    let mut work = Vec::new();
    for policy in &options.policies {
        let first = setup(&options.hall, &trace, *policy)?;
        let more = options.sizes.iter().map(|cards| sized(&first, *cards));
        let more: Vec<_> = more.filter(|setup| setup.cards != first.cards).collect();
        let setups = [first].into_iter().chain(more);
        work.extend(setups.map(|setup| Work { trace: &trace, setup, terms: terms(&options.hall) }));
    }
    let ran = all(screen, &work);
    let results = Results { jobs_csv: None, html: options.html.clone() };
    finish(screen, &work, &ran, &faults, &results)?;
    tell_all(screen, &trace, &ran, &faults)
}

fn grow(screen: &Screen, options: &Grow) -> Done {
    let (trace, faults) = read(screen, &options.input)?;
    let hall = &options.hall;
    let now = setup(hall, &trace, options.policy)?;
    let added =
        options.add_nodes.saturating_mul(u32::from(hall.cards_per_node)).saturating_add(options.add_cards);
    let mut then = sized(&now, now.cards.saturating_add(added));
    then.policy = options.then_policy.unwrap_or(then.policy);
    give(&mut then.queues, &trace, &options.then_queues)?;
    then.failures = options.then_mtbf_h.map(|mtbf_h| failures(hall, mtbf_h)).or(then.failures);
    let more = twin::generate::scaled(&trace, options.demand, hall.seed);
    let now_terms = terms(&options.hall);
    let then_price = options.then_price.map_or(now_terms.price, RatePerCardHour);
    let then_terms = Terms { price: then_price, ..now_terms };
    let work = [
        Work { trace: &trace, setup: now, terms: now_terms },
        Work { trace: &more, setup: then, terms: then_terms },
    ];
    let mut ran = all(screen, &work);
    for (ran, label) in
        ran.iter_mut().zip([pick(screen.lang, "现状", "now"), pick(screen.lang, "方案后", "then")])
    {
        label.clone_into(&mut ran.figures.label);
    }
    finish(screen, &work, &ran, &faults, &options.results)?;
    tell_all(screen, &trace, &ran, &faults)
}

fn generate(context: &Context, options: &Generate) -> Done {
    let to_stdout = options.out == Path::new("-");
    context.refuse_beside_json("--out -", to_stdout)?;
    let screen = &Screen { lang: context.lang, json: context.json };
    let (trace, faults) = read(screen, &options.input)?;
    let wanted = twin::generate::Workload {
        seed: options.seed,
        days: options.days,
        demand_milli: options.demand,
        cards_milli: options.cards_scale,
    };
    let made = twin::generate::generate(&twin::generate::Model::of(&trace), &wanted);
    if to_stdout {
        let mut text = Vec::new();
        twin::write_trace(&made, &mut text).map_err(|error| Failure::not_in_folder(&options.out, &error))?;
        return write_out(&text).map(drop);
    }
    write(&options.out, |out| twin::write_trace(&made, out))?;
    if screen.json {
        let mut answer = json!({ "jobs": made.jobs.len(), "cards": made.cards });
        add_faults(&mut answer, &faults);
        say(&answer.to_string())
    } else {
        let words = pick(screen.lang, "个作业已写入", "jobs written to");
        say(&format!("{} {words} {}", made.jobs.len(), options.out.display()))
    }
}

fn setup(hall: &Hall, trace: &Trace, policy: ReplayPolicy) -> Result<Setup, Failure> {
    let use_half_life = Millis::from_hours(hall.half_life_h);
    let mut queues = Vec::new();
    give(&mut queues, trace, &hall.queues)?;
    let failures = hall.mtbf_h.map(|mtbf_h| failures(hall, mtbf_h));
    if let Some(count) = hall.nodes {
        let nodes = Nodes {
            count,
            cards_per_node: hall.cards_per_node,
            affinity: hall.affinity,
            ring_len: hall.cards_per_node.min(4),
            nodes_per_switch: hall.nodes_per_switch,
        };
        return Ok(Setup { use_half_life, queues, failures, ..Setup::on(nodes, policy) });
    }
    let cards = hall.cards.unwrap_or(trace.cards);
    if cards == 0 {
        let message = both("轨迹没有说明有多少加速卡", "the trace does not say how many cards there were");
        let hint = both("请用 --cards 或 --nodes 说明", "say how many there are with --cards or --nodes");
        return Err(Failure::usage("no_cards", message, hint));
    }
    Ok(Setup { use_half_life, queues, ..Setup::new(cards, policy) })
}

fn failures(hall: &Hall, mtbf_h: i64) -> Failures {
    let (mtbf, repair) = (Millis::from_hours(mtbf_h), Millis::from_hours(hall.repair_h));
    Failures { mtbf, repair, seed: hall.seed }
}

/// Puts what queues are given at their numbers.
fn give(queues: &mut Vec<QueueSetup>, trace: &Trace, given: &[(String, QueueSetup)]) -> Result<(), Failure> {
    for (name, setup) in given {
        let number =
            trace.queues.find(name).and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
                let known: Vec<&str> =
                    (0..5).map(|number| trace.queues.get(number)).filter(|name| !name.is_empty()).collect();
                let hint = both(
                    format!("轨迹中的队列开头几个为：{}", known.join("、")),
                    format!("the trace's queues begin with: {}", known.join(", ")),
                );
                let message =
                    both(format!("轨迹中没有队列 `{name}`"), format!("the trace has no queue `{name}`"));
                Failure::usage("no_such_queue", message, hint)
            })?;
        if queues.len() <= number {
            queues.resize(number + 1, QueueSetup::default());
        }
        queues[number] = *setup;
    }
    Ok(())
}

/// The same with another number of cards, rounded up to whole nodes where there are nodes.
fn sized(setup: &Setup, cards: u32) -> Setup {
    match setup.nodes {
        None => Setup { cards, ..setup.clone() },
        Some(nodes) => {
            let nodes = Nodes { count: cards.div_ceil(u32::from(nodes.cards_per_node)), ..nodes };
            Setup { cards: nodes.cards(), nodes: Some(nodes), ..setup.clone() }
        }
    }
}

fn terms(hall: &Hall) -> Terms {
    Terms {
        tdp_watts: hall.tdp_w,
        pue_milli: hall.pue,
        price: RatePerCardHour(hall.price),
        ..Terms::default()
    }
}

struct Work<'a> {
    trace: &'a Trace,
    setup: Setup,
    terms: Terms,
}

/// Runs all at once, as many as there are processors, with a bar on a terminal.
fn all(screen: &Screen, work: &[Work<'_>]) -> Vec<Ran> {
    let bar = bar(screen, work.iter().map(|work| work.trace.jobs.len() as u64).sum());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(work.len());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (done, next, bar) = (done.clone(), &next, &bar);
            scope.spawn(move || {
                while let Some((index, work)) = {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    work.get(index).map(|work| (index, work))
                } {
                    let _ = done.send((index, one(work, bar)));
                }
            });
        }
    });
    drop(done);
    bar.finish_and_clear();
    let mut ran: Vec<_> = results.into_iter().collect();
    ran.sort_by_key(|(index, _)| *index);
    ran.into_iter().map(|(_, ran)| ran).collect()
}

fn one(work: &Work<'_>, bar: &ProgressBar) -> Ran {
    let mut told = 0;
    let started = Instant::now();
    let outcome = twin::replay(work.trace, &work.setup, &mut |jobs| {
        bar.inc(jobs.saturating_sub(told));
        told = jobs;
    });
    let elapsed = started.elapsed();
    let figures = twin::figures(work.trace, &outcome, &work.terms);
    Ran { outcome, figures, elapsed }
}

/// Writes the files that were asked for; the rows are those of the last run.
fn finish(screen: &Screen, work: &[Work<'_>], ran: &[Ran], faults: &Faults, results: &Results) -> Done {
    if let (Some(path), Some(work), Some(last)) = (&results.jobs_csv, work.last(), ran.last()) {
        write(path, |out| twin::write_jobs(work.trace, &last.outcome, out))?;
    }
    if let (Some(path), Some(work)) = (&results.html, work.first()) {
        let figures: Vec<_> = ran.iter().map(|ran| &ran.figures).collect();
        let page = twin::report::html(work.trace, faults, &figures, screen.lang);
        write(path, |out| out.write_all(page.as_bytes()))?;
    }
    Ok(())
}

fn write(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Done {
    let written = File::create(path).map(BufWriter::new).and_then(|mut out| {
        content(&mut out)?;
        out.flush()
    });
    written.map_err(|error| Failure::not_in_folder(path, &error))
}

/// The figures with how fast the replay was.
fn object(ran: &Ran, trace: &Trace, faults: &Faults) -> Value {
    let mut object = serde_json::to_value(&ran.figures).unwrap_or_default();
    let seconds = ran.elapsed.as_secs_f64();
    object["elapsed_s"] = json!(seconds);
    #[expect(clippy::cast_precision_loss, reason = "a speed")]
    let speed = ran.figures.jobs as f64 / seconds.max(1e-9);
    object["jobs_per_second"] = json!(speed);
    object["source"] = json!(trace.source);
    add_faults(&mut object, faults);
    object
}

fn tell_all(screen: &Screen, trace: &Trace, ran: &[Ran], faults: &Faults) -> Done {
    if screen.json {
        let runs: Vec<_> = ran.iter().map(|ran| object(ran, trace, faults)).collect();
        say(&json!({ "runs": runs }).to_string())
    } else {
        say(&shown(screen.lang, ran))
    }
}

fn shown(lang: Lang, ran: &[Ran]) -> String {
    let rows = ran.iter().map(|ran| summary::cells(&ran.figures).into()).collect();
    let mut text = table(&summary::titles(lang), rows, 1);
    for note in summary::never_started(lang, ran.iter().map(|ran| &ran.figures)) {
        text.push('\n');
        text.push_str(&note);
    }
    let cut: u64 = ran.iter().map(|ran| ran.figures.runs_lost + ran.figures.runs_preempted).sum();
    if cut > 0 {
        text.push_str("\n\n");
        text.push_str(&cut_short(lang, ran));
    }
    text
}

/// A table of the cost of failures and guarantees: runs cut short, jobs given up, and card-hours lost.
fn cut_short(lang: Lang, ran: &[Ran]) -> String {
    let titles = match lang {
        Lang::Zh => {
            ["策略", "节点故障", "中断的运行", "被抢占的运行", "放弃的作业", "因中断损失的卡时", "停机的卡时"]
        }
        Lang::En => [
            "policy",
            "node failures",
            "runs lost",
            "runs preempted",
            "jobs given up",
            "card-hours lost",
            "card-hours down",
        ],
    };
    let row = |ran: &Ran| {
        let figures = &ran.figures;
        vec![
            figures.name(),
            figures.node_failures.to_string(),
            figures.runs_lost.to_string(),
            figures.runs_preempted.to_string(),
            figures.jobs_given_up.to_string(),
            figures.balance.lost.to_string(),
            figures.balance.down.to_string(),
        ]
    };
    table(&titles, ran.iter().map(row).collect(), 1)
}
