//! What kinds of endpoints there are, when a delivery is tried again, and when an endpoint rests. Pure.

use domain::{Lang, Millis, Timestamp};
use serde::{Deserialize, Serialize};

domain::ids! {
    /// An endpoint 接收端.
    EndpointId of Listening = "wh_", "webhook";
    /// A delivery to it. Its id is the `webhook-id`, the same at each try.
    DeliveryId of Delivered = "dlv_", "delivery";
}

domain::codes! {
    pub enum EndpointKind {
        /// A program that takes Standard Webhooks.
        Webhook = "webhook",
        Dingtalk = "dingtalk",
        Feishu = "feishu",
        Wecom = "wecom",
    }
}

domain::codes! {
    pub enum DeliveryState {
        Waiting = "waiting",
        Delivered = "delivered",
        /// Tried as often as it is.
        Failed = "failed",
    }
}

impl EndpointKind {
    /// The host that a bot's address has; a webhook's may be any.
    pub fn host(self) -> Option<&'static str> {
        match self {
            Self::Webhook => None,
            Self::Dingtalk => Some("oapi.dingtalk.com"),
            Self::Feishu => Some("open.feishu.cn"),
            Self::Wecom => Some("qyapi.weixin.qq.com"),
        }
    }

    /// How long after one message the next may go. `DingTalk` takes 20 a minute and then none for ten minutes, `WeCom` 20 a
    /// minute, Feishu 100 a minute and 5 a second: what comes in between goes out together.
    pub fn pause(self) -> Millis {
        match self {
            Self::Webhook => Millis(0),
            Self::Dingtalk | Self::Wecom => Millis(3_500),
            Self::Feishu => Millis(700),
        }
    }

    /// The most bytes of one message's text.
    pub fn most_bytes(self) -> usize {
        match self {
            Self::Webhook => 0,
            Self::Dingtalk | Self::Feishu => 16_000,
            Self::Wecom => 2_000,
        }
    }

    /// Whether the center makes the secret; a bot's is made in the chat.
    pub fn is_ours(self) -> bool {
        self == Self::Webhook
    }
}

/// What of an endpoint is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidential {
    pub url: String,
    /// `whsec_…` of a webhook, the text of the chat for a bot; empty where a bot has none.
    pub secret: String,
    /// The one before, which signs as well for a while.
    pub old_secret: Option<String>,
}

/// How long the secret of before signs beside a new one.
pub const BOTH_SIGN: Millis = Millis::from_hours(24);

/// After how long a delivery is tried again, in seconds, by how often it was.
const AGAIN: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// How often a delivery is tried in all.
pub const MOST_ATTEMPTS: u32 = 10;
/// From so many failures in a row on an endpoint rests, and what waits for it waits with it: one delivery at a time is
/// tried. That many more, and it is disabled.
const RESTS_FROM: u32 = 3;
const MOST_FAILURES: u32 = RESTS_FROM + 9;
/// The longest that an endpoint may ask to be left alone.
const MOST_RETRY_AFTER: i64 = 86_400;

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// None where there was no answer.
    pub status: Option<u16>,
    /// What it said, or why there was none.
    pub text: String,
    pub retry_after_s: Option<i64>,
    pub is_good: bool,
}

impl Answer {
    pub fn none(why: impl Into<String>) -> Self {
        Self { status: None, text: why.into(), retry_after_s: None, is_good: false }
    }

    /// The receiver says that it is gone for good.
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// Why the center disables an endpoint by itself.
pub const GONE: &str = "gone";
pub const FAILING: &str = "failing";

/// What becomes of an endpoint after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    pub failures: u32,
    pub rest_until: Option<Timestamp>,
    pub disabled: Option<&'static str>,
}

fn jittered(seconds: i64, dice: u8) -> Millis {
    // Up to a tenth more, so that many do not come back together.
    let more = seconds.saturating_mul(i64::from(dice)) / 2560;
    Millis(seconds.saturating_add(more).saturating_mul(1000))
}

/// When a delivery is tried again after so many attempts; none: never. `dice` is any byte.
pub fn again(attempts: u32, answer: &Answer, now: Timestamp, dice: u8) -> Option<Timestamp> {
    if attempts >= MOST_ATTEMPTS {
        return None;
    }
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait = AGAIN.get(step).copied().unwrap_or(86_400);
    let wait = wait.max(answer.retry_after_s.unwrap_or_default().clamp(0, MOST_RETRY_AFTER));
    Some(now.plus(jittered(wait, dice)))
}

/// What becomes of an endpoint after an answer.
pub fn after(kind: EndpointKind, failures: u32, answer: &Answer, now: Timestamp, dice: u8) -> After {
    if answer.is_good {
        let pause = kind.pause();
        return After { failures: 0, rest_until: (pause.0 > 0).then(|| now.plus(pause)), disabled: None };
    }
    let failures = failures.saturating_add(1);
    let asked = answer.retry_after_s.map_or(0, |wait| wait.clamp(0, MOST_RETRY_AFTER));
    let step = failures.checked_sub(RESTS_FROM).and_then(|step| usize::try_from(step).ok());
    let rest = step.map_or(0, |step| AGAIN.get(step).copied().unwrap_or(86_400)).max(asked);
    let pause = jittered(rest, dice).0.max(kind.pause().0);
    let disabled = if answer.is_gone() { Some(GONE) } else { (failures >= MOST_FAILURES).then_some(FAILING) };
    After { failures, rest_until: (pause > 0).then(|| now.plus(Millis(pause))), disabled }
}

/// The most deliveries of one endpoint in a turn: one at a time while it fails.
pub fn at_once(failures: u32) -> u32 {
    if failures >= RESTS_FROM { 1 } else { 200 }
}

/// What a receiver calls a kind of event: `job.ended`.
pub fn type_of(kind: &str) -> String {
    kind.replacen('_', ".", 1)
}

/// The language in which a bot speaks.
pub fn lang_of(code: &str) -> Lang {
    Lang::from_code(code).unwrap_or(Lang::Zh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: u16) -> Answer {
        Answer { status: Some(status), text: String::new(), retry_after_s: None, is_good: false }
    }

    #[test]
    fn a_delivery_is_tried_ten_times_at_the_instants_of_the_schedule() {
        let now = Timestamp::from_secs(0);
        let mut waits = Vec::new();
        for attempts in 1..MOST_ATTEMPTS {
            let at = again(attempts, &failed(500), now, 0).expect("it is tried again");
            waits.push(at.since(now).as_secs());
        }
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(again(MOST_ATTEMPTS, &failed(500), now, 0), None);
        let later = again(2, &failed(500), now, 255).expect("it is").since(now).as_secs();
        assert!((301..=330).contains(&later), "with jitter: {later}");
        let asked = Answer { retry_after_s: Some(900), ..failed(429) };
        assert_eq!(again(1, &asked, now, 0), Some(now.plus(Millis::from_secs(900))));
        let rude = Answer { retry_after_s: Some(i64::MAX), ..failed(503) };
        assert_eq!(again(1, &rude, now, 0), Some(now.plus(Millis::from_secs(MOST_RETRY_AFTER))));
    }

    #[test]
    fn an_endpoint_that_fails_rests_and_is_disabled_in_the_end() {
        let now = Timestamp::from_secs(0);
        let (mut failures, mut rests) = (0, Vec::new());
        let last = loop {
            let next = after(EndpointKind::Webhook, failures, &failed(500), now, 0);
            failures = next.failures;
            rests.push(next.rest_until.map_or(0, |until| until.since(now).as_secs()));
            if next.disabled.is_some() {
                break next;
            }
        };
        assert_eq!(last.disabled, Some(FAILING));
        assert_eq!(rests[..4], [0, 0, 5, 300], "two failures are no outage");
        assert!(rests.iter().sum::<i64>() > 3 * 24 * 3600, "it has three days to come back");
        let good = Answer { status: Some(204), text: String::new(), retry_after_s: None, is_good: true };
        let next = after(EndpointKind::Webhook, 7, &good, now, 0);
        assert_eq!((next.failures, next.rest_until, next.disabled), (0, None, None));
        assert_eq!(after(EndpointKind::Webhook, 0, &failed(410), now, 0).disabled, Some(GONE));
        assert_eq!((at_once(0), at_once(RESTS_FROM)), (200, 1));
    }

    #[test]
    fn a_bot_is_never_told_more_often_than_its_chat_takes() {
        let now = Timestamp::from_secs(0);
        let good = Answer { status: Some(200), text: String::new(), retry_after_s: None, is_good: true };
        for (kind, most) in
            [(EndpointKind::Dingtalk, 20), (EndpointKind::Wecom, 20), (EndpointKind::Feishu, 100)]
        {
            let rest = after(kind, 0, &good, now, 0).rest_until.expect("it rests").since(now);
            assert!(60_000 / rest.0 < most, "{kind:?}");
            let rest = after(kind, 0, &failed(500), now, 0).rest_until.expect("it rests").since(now);
            assert!(60_000 / rest.0 < most, "{kind:?} after a failure");
        }
    }

    #[test]
    fn kinds_of_events_have_a_full_stop_for_receivers() {
        assert_eq!(type_of("job_ended"), "job.ended");
        assert_eq!(type_of("balance_low"), "balance.low");
    }
}
