//! The report: one HTML file with plots that loads nothing from outside, in Chinese or English, light or
//! dark.
#![expect(clippy::cast_precision_loss, reason = "figures on a page")]

use std::fmt::Write as _;

use super::{
    figures::Figures,
    groups::JobGroup,
    plot::{self, Bar, COLOURS, Curve, escape},
    series::Series,
    summary::{self, span},
};
use crate::{read::fault::Faults, trace::Trace};
use domain::{CardMs, Lang, Millis, decimal::grouped};

const CSS: &str = include_str!("report.css");

/// The page for one replay, or several side by side. `trace` is that of the first.
pub fn html(trace: &Trace, faults: &Faults, runs: &[&Figures], lang: Lang) -> String {
    let say = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let title = say("数字孪生 · 回放报告", "Digital twin · replay report");
    let code = say("zh-CN", "en");
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{CSS}</style></head><body><header><div><h1>{title}</h1><p>{}</p></div></header><main>",
        escape(&subtitle(trace, runs, lang))
    );
    page += &summary(runs, lang);
    page += "<div class=\"plots\">";
    for (title, note, plot) in plots(trace, runs, lang) {
        let _ = write!(page, "<section><h2>{title}</h2><p>{note}</p>{plot}</section>");
    }
    page += "</div></main><footer>";
    for note in notes(faults, runs, lang) {
        let _ = write!(page, "<p>{}</p>", escape(&note));
    }
    page + "</footer></body></html>\n"
}

fn subtitle(trace: &Trace, runs: &[&Figures], lang: Lang) -> String {
    let source = if trace.source.is_empty() { String::new() } else { format!("{} · ", trace.source) };
    let jobs = runs.first().map_or(0, |run| run.jobs);
    let from = trace.start.map_or_else(String::new, |start| {
        format!(" · {}", &start.to_string()[..10.min(start.to_string().len())])
    });
    match lang {
        Lang::Zh => format!("{source}{jobs} 个作业{from}"),
        Lang::En => format!("{source}{jobs} jobs{from}"),
    }
}

/// The name of a replay among several.
fn name(run: &Figures, runs: &[&Figures], lang: Lang) -> String {
    if !run.label.is_empty() {
        return run.name();
    }
    let sizes = runs.iter().any(|other| other.cards != run.cards);
    let twice = runs.iter().filter(|other| other.policy == run.policy).count() > 1;
    if sizes || twice {
        let cards = if lang == Lang::Zh { "卡" } else { "cards" };
        return format!("{} · {} {cards}", run.policy, run.cards);
    }
    run.policy.clone()
}

fn summary(runs: &[&Figures], lang: Lang) -> String {
    let mut table = String::from("<div class=\"table\"><table><thead><tr>");
    for title in summary::titles(lang) {
        let _ = write!(table, "<th>{title}</th>");
    }
    table += "</tr></thead><tbody>";
    for (at, run) in runs.iter().enumerate() {
        let [policy, cells @ ..] = summary::cells(run);
        let policy = escape(&policy);
        let _ = write!(table, "<tr><td><span class=\"swatch r{}\"></span>{policy}</td>", at % COLOURS);
        for cell in cells {
            let _ = write!(table, "<td>{cell}</td>");
        }
        table += "</tr>";
    }
    table + "</tbody></table></div>"
}

/// The title, note and plot of each section.
fn plots(trace: &Trace, runs: &[&Figures], lang: Lang) -> Vec<(&'static str, &'static str, String)> {
    let say = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let over_time = |title: &str, top: f64, values: &dyn Fn(&Figures) -> Vec<Option<f64>>| {
        let all: Vec<_> = runs.iter().map(|run| values(run)).collect();
        let length = |series: &Series| series.busy.len() as f64 * series.step_ms as f64;
        let longest = runs.iter().map(|run| length(&run.series)).fold(1.0, f64::max);
        let line = |(class, points)| Curve { class, points, reach: length(&runs[class].series) / longest };
        let lines: Vec<_> = all.iter().map(Vec::as_slice).enumerate().map(line).collect();
        plot::curves(title, &lines, top, &ticks(trace, runs, longest, lang))
    };
    let mut sections = Vec::new();
    let title = say("利用率", "Utilization over time");
    let busy = |run: &Figures| {
        let share = |busy: &f64| Some(busy / f64::from(run.cards.max(1)) * 100.0);
        run.series.busy.iter().map(share).collect()
    };
    sections.push((
        title,
        say("在用加速卡占比，%", "Share of the cards at work, %"),
        over_time(title, 100.0, &busy),
    ));
    let title = say("排队长度", "Queue length over time");
    let waiting = |run: &Figures| run.series.waiting.iter().copied().map(Some).collect();
    sections.push((title, say("等待中的作业数", "Waiting jobs"), over_time(title, 1.0, &waiting)));
    let title = say("按规模的平均等待", "Mean wait by size");
    sections.push((
        title,
        say("按作业所需加速卡数", "By the cards that jobs ask for"),
        waits(title, runs, lang, |run| &run.by_size),
    ));
    let title = say("按领域的平均等待", "Mean wait by domain");
    sections.push((
        title,
        say("科研、企业、政务", "Research, enterprise, government"),
        waits(title, runs, lang, |run| &run.by_domain),
    ));
    let title = say("按队列的平均等待", "Mean wait by queue");
    sections.push((
        title,
        say("用量最大的队列", "The queues that use the most"),
        waits(title, runs, lang, |run| &run.by_queue),
    ));
    let title = say("减速比分布", "Slowdown distribution");
    sections.push((
        title,
        say(
            "(等待 + 运行) / 运行，运行至少计 10 秒；作业占比",
            "(wait + run) / run, where a run counts as at least 10 s; share of the jobs",
        ),
        slowdowns(title, runs),
    ));
    let title = say("公平度", "Fairness over time");
    let fairness = |run: &Figures| run.series.fairness.clone();
    sections.push((
        title,
        say(
            "各队列所得与所求之比的 Jain 指数，1 为完全公平",
            "Jain's index of the share that each queue gets of the cards it wants; 1 is entirely fair",
        ),
        over_time(title, 1.0, &fairness),
    ));
    let title = say("容量平衡", "Capacity balance");
    let note = say(
        "深青科研 · 蓝企业 · 琥珀政务 · 灰未注明 · 红因中断损失 · 紫停机 · 浅色空闲",
        "Teal: research · blue: enterprise · amber: government · grey: not stated · red: runs cut short · violet: down · pale: idle",
    );
    sections.push((title, note, balance(title, runs, lang)));
    let title = say("收入", "Revenue");
    let revenue = |run: &Figures| (run.revenue_micro_cny.0 as f64, run.revenue_micro_cny.to_string());
    sections.push((
        title,
        say("按卡时价目，元", "At the price of a card-hour, CNY"),
        each(title, runs, lang, revenue),
    ));
    let title = say("电量", "Energy");
    let energy = |run: &Figures| (run.energy_kwh, format!("{} MWh", thousands(run.energy_kwh / 1000.0)));
    sections.push((title, say("按 TDP 与 PUE 估算", "From TDP and PUE"), each(title, runs, lang, energy)));
    sections
}

fn ticks(trace: &Trace, runs: &[&Figures], length_ms: f64, lang: Lang) -> Vec<(f64, String)> {
    let first_ms = runs.first().map_or(0, |run| run.series.start_ms);
    let label = |share: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "an instant of the trace")]
        let after = (length_ms * share) as i64;
        let days = after as f64 / 86_400_000.0;
        match trace.start {
            Some(start) if length_ms > 3.0 * 86_400_000.0 => {
                start.plus(Millis(first_ms + after)).to_string().chars().take(10).collect()
            }
            _ if lang == Lang::Zh => format!("{days:.1} 天"),
            _ => format!("day {days:.1}"),
        }
    };
    [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0].into_iter().map(|share| (share, label(share))).collect()
}

/// A group of bars for each name that any replay has, with a bar for each replay.
fn waits(title: &str, runs: &[&Figures], lang: Lang, of: impl Fn(&Figures) -> &Vec<JobGroup>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for group in runs.iter().flat_map(|run| of(run)) {
        if !names.contains(&&*group.name) {
            names.push(&group.name);
        }
    }
    let groups = names.into_iter().map(|name| {
        let bar = |(at, run): (usize, &&Figures)| {
            let group = of(run).iter().find(|group| group.name == name)?;
            let (value, text) = (group.average_wait_s, span(group.average_wait_s));
            Some(Bar { class: format!("r{}", at % COLOURS), value, text })
        };
        (word(name, lang), runs.iter().enumerate().filter_map(bar).collect())
    });
    plot::bars(title, &groups.collect::<Vec<_>>())
}

/// The name of a group for people.
fn word(name: &str, lang: Lang) -> String {
    let known = match (name, lang) {
        ("", Lang::Zh) => "其他",
        ("", Lang::En) => "other",
        ("research", Lang::Zh) => "科研",
        ("enterprise", Lang::Zh) => "企业",
        ("government", Lang::Zh) => "政务",
        (other, _) => other,
    };
    known.chars().take(48).collect()
}

fn slowdowns(title: &str, runs: &[&Figures]) -> String {
    let buckets = runs.first().map_or(&[][..], |run| &run.slowdown_counts);
    let groups = buckets.iter().enumerate().map(|(at, bucket)| {
        let from = at.checked_sub(1).and_then(|before| buckets[before].below).unwrap_or(1.0);
        let name = bucket.below.map_or_else(|| format!("≥ {from}"), |below| format!("{from} – {below}"));
        let bar = |(run_at, run): (usize, &&Figures)| {
            let all = run.jobs.saturating_sub(run.jobs_too_wide + run.jobs_barred).max(1) as f64;
            let share = run.slowdown_counts.get(at).map_or(0.0, |bucket| bucket.jobs as f64 / all);
            Bar {
                class: format!("r{}", run_at % COLOURS),
                value: share,
                text: format!("{:.1} %", share * 100.0),
            }
        };
        (name, runs.iter().enumerate().map(bar).collect())
    });
    plot::bars(title, &groups.collect::<Vec<_>>())
}

fn balance(title: &str, runs: &[&Figures], lang: Lang) -> String {
    let row = |run: &&Figures| {
        let balance = &run.balance;
        let share = |part: CardMs| part.0 as f64 / balance.capacity.0.max(1) as f64;
        let parts = vec![
            ("research", share(balance.research)),
            ("enterprise", share(balance.enterprise)),
            ("government", share(balance.government)),
            ("unnamed", share(balance.unnamed)),
            ("lost", share(balance.lost)),
            ("down", share(balance.down)),
            ("idle", share(balance.idle)),
        ];
        let hours = |part: CardMs| thousands(part.0 as f64 / 3_600_000.0);
        let (sold, all) = (hours(balance.sold()), hours(balance.capacity));
        let unit = if lang == Lang::Zh { "卡时" } else { "card-hours" };
        (format!("{}: {sold} / {all} {unit}", name(run, runs, lang)), parts)
    };
    plot::stacks(title, &runs.iter().map(row).collect::<Vec<_>>())
}

fn each(title: &str, runs: &[&Figures], lang: Lang, of: impl Fn(&Figures) -> (f64, String)) -> String {
    let bar = |(at, run): (usize, &&Figures)| {
        let (value, text) = of(run);
        let bar = Bar { class: format!("r{}", at % COLOURS), value, text: String::new() };
        (format!("{}: {text}", name(run, runs, lang)), vec![bar])
    };
    plot::bars(title, &runs.iter().enumerate().map(bar).collect::<Vec<_>>())
}

fn notes(faults: &Faults, runs: &[&Figures], lang: Lang) -> Vec<String> {
    let mut notes = Vec::new();
    let (lines, bad, skipped) = (faults.lines, faults.bad, faults.skipped);
    notes.push(match lang {
        Lang::Zh => format!("读入 {lines} 行，其中 {bad} 行有误、{skipped} 行不是用卡作业。"),
        Lang::En => format!("{lines} lines read: {bad} bad, {skipped} that are not jobs for cards."),
    });
    notes.extend(summary::never_started(lang, runs.iter().copied()));
    for fault in faults.samples.iter().take(5) {
        notes.push(format!("{}: {}: {}", fault.line, fault.flaw.text(lang), fault.sample));
    }
    notes
}

/// A whole number with its thousands separated.
fn thousands(value: f64) -> String {
    grouped(&format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Setup, Terms, TraceJob, figures, replay, trace::tests::job};

    fn page(lang: Lang) -> String {
        let mut trace = Trace::new("<b>&");
        trace.start = Some("2026-05-20T00:00:00Z".parse().unwrap());
        for number in 0..50_i64 {
            let queue = trace.queues.of(&format!("<q{}>", number % 3));
            let cards = u32::try_from(number % 5 + 1).unwrap();
            let run_ms = 600_000 * (number % 7 + 1);
            trace.jobs.push(TraceJob {
                submit_ms: number * 60_000,
                run_ms,
                estimate_ms: run_ms,
                cards,
                queue,
                ..job()
            });
        }
        let run = |policy: &str, cards| {
            let outcome = replay(&trace, &Setup::new(cards, policy.parse().unwrap()), &mut |_| {});
            figures(&trace, &outcome, &Terms::default())
        };
        let runs = [run("fcfs", 4), run("easy", 4), run("easy", 8)];
        html(&trace, &Faults::default(), &runs.iter().collect::<Vec<_>>(), lang)
    }

    #[test]
    fn the_page_needs_nothing_from_outside_and_no_name_breaks_it() {
        for lang in [Lang::Zh, Lang::En] {
            let page = page(lang);
            for outside in ["http", "src=", "href=", "@import", "url(", "<script", "NaN", "inf", "<q", "<b>"]
            {
                assert!(!page.contains(outside), "{outside}");
            }
            assert_eq!(page.matches("<section>").count(), 10);
            assert_eq!(page.matches("<section>").count(), page.matches("</svg>").count());
            assert!(page.contains("easy · 8"));
        }
    }

    #[test]
    fn each_language_has_its_own_words() {
        let english = page(Lang::En);
        assert!(
            english.chars().all(|c| !('\u{4e00}'..='\u{9fff}').contains(&c)),
            "a Chinese word on an English page"
        );
        assert!(page(Lang::Zh).contains("减速比分布"));
    }
}
