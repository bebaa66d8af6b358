//! What is posted: the body of a webhook, and the messages of the chats' bots.

use domain::{Lang, Rfc3339, Timestamp};
use serde_json::{Value, json};
use store::events::Event;

use super::{
    rule::{Confidential, EndpointKind, type_of},
    sign,
};

/// The most bytes of a webhook's body.
pub const MOST_BODY: usize = 20_000;

/// A request to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub url: String,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

/// The kind of a test's event.
pub const TEST: &str = "endpoint_test";

/// The body of an event for a webhook: thin, without what would make it too long.
pub fn body(kind: &str, event: Option<&Event>, at: Timestamp) -> String {
    let made =
        |data: Value| json!({ "type": type_of(kind), "timestamp": Rfc3339(at), "data": data }).to_string();
    let Some(event) = event else { return made(json!({})) };
    let ids = json!({
        "seq": event.seq, "tenant": event.event.tenant, "job": event.event.job, "run": event.event.run,
    });
    let mut whole = ids.clone();
    if let (Value::Object(whole), Value::Object(data)) = (&mut whole, &event.event.data) {
        whole.extend(data.clone());
    }
    let body = made(whole);
    if body.len() < MOST_BODY { body } else { made(ids) }
}

/// The request of a webhook. `now` is when it is made; `signs_old` says that the secret of before signs as well.
pub fn webhook(
    confidential: &Confidential,
    id: &str,
    body: String,
    now: Timestamp,
    signs_old: bool,
) -> Result<Request, String> {
    let timestamp = now.as_micros() / 1_000_000;
    let mut secrets = vec![&confidential.secret];
    secrets.extend(confidential.old_secret.as_ref().filter(|_| signs_old));
    let signed = |secret: &String| sign::webhook(secret, id, timestamp, &body);
    let signatures: Option<Vec<String>> = secrets.into_iter().map(signed).collect();
    let signatures = signatures.ok_or("the endpoint's secret can't be read: give it another")?;
    Ok(Request {
        url: confidential.url.clone(),
        headers: vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ],
        body,
    })
}

/// As many lines as fit into one message, and how many that are: at least one, cut off where it is too long by itself.
pub fn fitting(kind: EndpointKind, lines: &[String]) -> (Vec<String>, usize) {
    let (most, mut bytes, mut taken) = (kind.most_bytes(), 0, Vec::new());
    for line in lines {
        // A mark and an end of line.
        if bytes + line.len() + 3 > most {
            break;
        }
        bytes += line.len() + 3;
        taken.push(line.clone());
    }
    if let (true, Some(first)) = (taken.is_empty(), lines.first()) {
        let mut end = first.len().min(most.saturating_sub(3));
        while !first.is_char_boundary(end) {
            end -= 1;
        }
        taken.push(first[..end].to_owned());
    }
    let count = taken.len();
    (taken, count)
}

/// The request of a bot: one message with all lines.
pub fn bot(
    kind: EndpointKind,
    confidential: &Confidential,
    (name, lang): (&str, Lang),
    lines: &[String],
    now: Timestamp,
) -> Request {
    let ms = now.as_micros() / 1000;
    let title = match (lines, lang) {
        ([_], _) => name.to_owned(),
        (_, Lang::Zh) => format!("{name}：{} 条通知", lines.len()),
        (_, Lang::En) => format!("{name}: {} notices", lines.len()),
    };
    let list: String = lines.iter().flat_map(|line| ["- ", line, "\n"]).collect();
    let mut url = confidential.url.clone();
    let body = match kind {
        EndpointKind::Feishu => {
            let mut body = json!({ "msg_type": "text", "content": { "text": format!("{title}\n{list}") } });
            if !confidential.secret.is_empty() {
                body["timestamp"] = json!((ms / 1000).to_string());
                body["sign"] = json!(sign::feishu(&confidential.secret, ms / 1000));
            }
            body
        }
        EndpointKind::Wecom => {
            json!({ "msgtype": "markdown", "markdown": { "content": format!("**{title}**\n{list}") } })
        }
        EndpointKind::Dingtalk | EndpointKind::Webhook => {
            if !confidential.secret.is_empty() {
                let sign = sign::dingtalk(&confidential.secret, ms);
                url = format!("{url}&timestamp={ms}&sign={sign}");
            }
            json!({ "msgtype": "markdown", "markdown": { "title": title, "text": format!("### {title}\n{list}") } })
        }
    };
    Request { url, body: body.to_string(), headers: Vec::new() }
}

/// Whether the chat took a message: it answers 200 to all, and says in the body what it did.
pub fn took(kind: EndpointKind, answer: &str) -> bool {
    let field = match kind {
        EndpointKind::Webhook => return true,
        EndpointKind::Feishu => "code",
        EndpointKind::Dingtalk | EndpointKind::Wecom => "errcode",
    };
    serde_json::from_str::<Value>(answer).is_ok_and(|answer| answer.get(field) == Some(&json!(0)))
}

#[cfg(test)]
mod tests {
    use store::events::NewEvent;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_600_000_000);

    fn confidential(url: &str) -> Confidential {
        Confidential { url: url.into(), secret: "SECtest".into(), old_secret: None }
    }

    #[test]
    fn a_body_is_thin() {
        let event = |data| {
            let new =
                NewEvent { at: NOW, tenant: None, job: None, run: None, kind: "job_ended".into(), data };
            Event { seq: 7, event: new }
        };
        let read = |body: &str| serde_json::from_str::<Value>(body).expect("it is JSON");
        let small = read(&body("job_ended", Some(&event(json!({ "name": "a" }))), NOW));
        assert_eq!(small["type"], "job.ended");
        assert_eq!((&small["data"]["name"], &small["data"]["seq"]), (&json!("a"), &json!(7)));
        assert_eq!(small["timestamp"], "2020-09-13T12:26:40.000Z");
        let long = body("job_ended", Some(&event(json!({ "name": "长".repeat(MOST_BODY) }))), NOW);
        assert!(long.len() < MOST_BODY);
        assert_eq!(read(&long)["data"]["seq"], 7);
        assert_eq!(read(&long)["data"].get("name"), None);
    }

    #[test]
    fn two_secrets_sign_while_one_is_changed() {
        let (new, old) = (sign::secret_of(&[1; 32]), sign::secret_of(&[2; 32]));
        let both = Confidential { url: "https://x".into(), secret: new, old_secret: Some(old) };
        let signatures = |signs_old| {
            let made = webhook(&both, "dlv_1", "{}".into(), NOW, signs_old).expect("it is signed");
            made.headers.into_iter().find(|(name, _)| *name == "webhook-signature").expect("it is").1
        };
        assert_eq!(signatures(true).split(' ').count(), 2);
        assert!(signatures(true).starts_with(&signatures(false)), "the new one comes first");
    }

    #[test]
    fn bots_get_what_their_documents_have() {
        let lines = ["a".to_owned(), "b".to_owned()];
        let made = |kind, url| bot(kind, &confidential(url), ("C", Lang::En), &lines, NOW);
        let ding = made(EndpointKind::Dingtalk, "https://oapi.dingtalk.com/robot/send?access_token=T");
        assert_eq!(
            ding.url,
            "https://oapi.dingtalk.com/robot/send?access_token=T&timestamp=1600000000000\
             &sign=J1ROuI0lRhdAs5lXpASksT0u9NwWl4DNkvcHISJRBoY%3D"
        );
        assert!(ding.body.contains("\"markdown\"") && ding.body.contains("C: 2 notices"), "{}", ding.body);
        let feishu = made(EndpointKind::Feishu, "https://open.feishu.cn/open-apis/bot/v2/hook/T");
        let body: Value = serde_json::from_str(&feishu.body).expect("it is JSON");
        assert_eq!(body["sign"], "mhieWnSyoErxMnitRpWy7WiXUgvrgNLx3EOjdVNMVC8=");
        assert_eq!((&body["timestamp"], &body["msg_type"]), (&json!("1600000000"), &json!("text")));
        let wecom = made(EndpointKind::Wecom, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=K");
        assert_eq!(wecom.url, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=K");
        assert!(wecom.body.contains("- a\\n- b"), "{}", wecom.body);
        assert!(took(EndpointKind::Dingtalk, r#"{"errcode":0,"errmsg":"ok"}"#));
        assert!(!took(EndpointKind::Dingtalk, r#"{"errcode":310000,"errmsg":"sign not match"}"#));
        assert!(took(EndpointKind::Feishu, r#"{"code":0,"msg":"success"}"#));
        assert!(!took(EndpointKind::Feishu, r#"{"code":19021}"#) && !took(EndpointKind::Wecom, "ok"));
    }

    #[test]
    fn a_message_has_as_many_lines_as_fit() {
        let lines: Vec<String> = (0..1000).map(|n| format!("通知 {n}")).collect();
        let (taken, count) = fitting(EndpointKind::Wecom, &lines);
        let made = bot(EndpointKind::Wecom, &confidential("https://x"), ("中心", Lang::Zh), &taken, NOW);
        let body: Value = serde_json::from_str(&made.body).expect("it is JSON");
        let text = body["markdown"]["content"].as_str().expect("it is text");
        assert!(count > 50 && text.len() <= 2048, "{count} lines, {} bytes", text.len());
        let (taken, count) = fitting(EndpointKind::Wecom, &["长".repeat(5000)]);
        assert!(count == 1 && taken[0].len() < 2000);
    }
}
