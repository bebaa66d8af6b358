//! Following what a center tells, through breaks: a center that is started again is asked again, from where the stream was.

use crate::tell::tell;
use std::time::{Duration, Instant};

use domain::{Both, Lang, both};

use crate::{
    client::Event,
    context::{Context, Done},
    errors::{Category, Failure, said},
};

/// How long a center that has gone may stay away.
const PATIENCE: Duration = Duration::from_mins(10);
/// A stream that held so long had come back.
const STEADY: Duration = Duration::from_mins(1);
/// How long to wait before the first further try; each wait is twice the one before.
const SOONEST: Duration = Duration::from_millis(200);
const LATEST: Duration = Duration::from_secs(5);

/// Hands each event of the stream at `path` to `take` until it gives false. Fails if the stream breaks off and the center does not
/// come back.
pub fn follow(
    context: &Context,
    path: impl Fn() -> String,
    mut take: impl FnMut(&Event) -> Result<bool, Failure>,
) -> Done {
    let mut place = String::new();
    let mut events = patiently(context, || context.client.events(&path(), &place))?;
    let (mut opened, mut ends) = (Instant::now(), None);
    loop {
        let mut is_news = false;
        let why = loop {
            match events.next() {
                Ok(Some(event)) => {
                    is_news = true;
                    if !take(&event)? {
                        return Ok(());
                    }
                    place = event.id;
                }
                Ok(None) => break both("中心关闭了连接", "the center closed the stream"),
                Err(error) => break said(&error),
            }
        };
        is_news |= opened.elapsed() > STEADY;
        // A center that answers and breaks off again at once has not come back.
        let until = match ends {
            Some(until) if !is_news => until,
            _ => *ends.insert(Instant::now() + PATIENCE),
        };
        tell_break(context, &why);
        std::thread::sleep(SOONEST);
        events = until_there(
            until,
            |_| {},
            || {
                if Instant::now() > until {
                    Err(broken(&why))
                } else {
                    context.client.events(&path(), &place)
                }
            },
        )?;
        opened = Instant::now();
    }
}

/// Asks again while there is no answer, as long as a center may stay away, with a word.
pub fn patiently<T>(context: &Context, ask: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    until_there(Instant::now() + PATIENCE, |failure| tell_break(context, &failure.message), ask)
}

fn until_there<T>(
    until: Instant,
    mut told: impl FnMut(&Failure),
    mut ask: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut pause = SOONEST;
    loop {
        match ask() {
            Err(failure) if failure.category == Category::System && Instant::now() < until => {
                if pause == SOONEST {
                    told(&failure);
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(LATEST);
            }
            other => return other,
        }
    }
}

fn broken(why: &Both) -> Failure {
    let message =
        both(format!("与中心的连接中断：{}", why.zh), format!("what the center told broke off: {}", why.en));
    Failure::system("broken_stream", message, both("请在中心恢复后重试", "try again once the center is back"))
}

/// For people; programs see how it ends.
fn tell_break(context: &Context, why: &Both) {
    if context.json {
        return;
    }
    let (minutes, why) = (PATIENCE.as_secs() / 60, why.in_lang(context.lang));
    match context.lang {
        Lang::Zh => tell!("qiantang：与中心的连接中断（{why}），{minutes} 分钟内继续重试"),
        Lang::En => tell!("qiantang: the center went away ({why}); trying again for up to {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_center_that_does_not_come_back_is_a_failure_and_one_that_refuses_is_not_asked_again() {
        let gone = || Failure::system("no_answer", both("没有回答", "no answer"), Both::default());
        let (mut tries, mut words) = (0, 0);
        let late = until_there(
            Instant::now() + Duration::from_mins(1),
            |_| words += 1,
            || {
                tries += 1;
                if tries < 3 { Err(gone()) } else { Ok("there") }
            },
        );
        assert_eq!((late, tries, words), (Ok("there"), 3, 1), "one word for all tries");
        assert_eq!(until_there::<()>(Instant::now(), |_| {}, || Err(gone())), Err(gone()));
        let refused = Failure::refused("not_found", both("没有这个作业", "no such job"), Both::default());
        let mut tries = 0;
        let said = until_there::<()>(
            Instant::now() + PATIENCE,
            |_| {},
            || {
                tries += 1;
                Err(refused.clone())
            },
        );
        assert_eq!((said, tries), (Err(refused), 1));
    }
}
