//! The inbox in a browser, what one wants to hear of, and the page at which mail ends.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::{Id, encode},
    page::{
        carried::own_address,
        extract::{Asked, Sent, SentByMail},
        form::{Choice, Form},
        frame::{Front, Page, Visitor, render},
        words::Ui,
    },
};
use center::center::Center;
use domain::Lang;
use serde::Deserialize;

use super::ask::{
    self, Ending, NewManners, NewWish, NoticeQuery, NoticeView, TopicView, WishesChange, WishesView,
};

#[derive(Template)]
#[template(path = "notice/list.html")]
pub struct NoticesPage {
    page: Page,
    notices: Vec<NoticeView>,
    unread: u64,
    only_unread: bool,
    /// The newest notice that is shown, up to which all are marked.
    newest: String,
    /// The address of older ones; empty where there are none.
    older: String,
}

impl NoticesPage {
    fn text(&self, notice: &NoticeView) -> String {
        notice.text.in_lang(self.page.ui.lang).to_owned()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InboxQuery {
    /// `1`: those alone that were not read.
    unread: String,
    before: String,
}

pub async fn list(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(query): Asked<InboxQuery>,
) -> Result<Response, AppError> {
    let only_unread = query.unread == "1";
    let asked = NoticeQuery {
        unread: Some(only_unread),
        cursor: Some(query.before).filter(|text| !text.is_empty()),
        limit: None,
    };
    let found = ask::list(&center, &visitor.caller, asked).await?;
    let older = found.next_cursor.map(|cursor| {
        let unread = if only_unread { "unread=1&" } else { "" };
        format!("/notices?{unread}before={}", encode(&cursor))
    });
    let page = NoticesPage {
        page: visitor.page("notices", visitor.front.ui.t("nav-notices")),
        newest: found.items.first().map(|notice| notice.id.to_string()).unwrap_or_default(),
        notices: found.items,
        unread: center.unread.of(visitor.caller.member.id),
        only_unread,
        older: older.unwrap_or_default(),
    };
    Ok(render(StatusCode::OK, &page))
}

/// Marks a notice as read, and goes to what it is about.
pub async fn read(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    ask::read(&center, &visitor.caller, &id).await?;
    let to = own_address(form.value("to")).unwrap_or_else(|| "/notices".to_owned());
    Ok(Redirect::to(&to).into_response())
}

pub async fn read_all(
    State(center): State<Center>,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    ask::read_all(&center, &visitor.caller, Some(form.value("until"))).await?;
    Ok(Redirect::to("/notices").into_response())
}

#[derive(Template)]
#[template(path = "notice/wishes.html")]
pub struct WishesPage {
    page: Page,
    wishes: WishesView,
    langs: Vec<Choice>,
    hours: Vec<Choice>,
    form: Form,
}

impl WishesPage {
    fn name(&self, topic: &TopicView) -> String {
        topic.name.in_lang(self.page.ui.lang).to_owned()
    }
}

fn hours() -> Vec<Choice> {
    (0..24).map(|hour| Choice::new(hour.to_string(), format!("{hour:02}:00"))).collect()
}

fn langs(ui: Ui) -> Vec<Choice> {
    Lang::ALL.iter().map(|lang| Choice::new(lang.code(), ui.word("wish-lang", lang.code()))).collect()
}

pub async fn wishes(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let wishes = ask::wishes(&center, &visitor.caller).await?;
    let hour = |hour: Option<u8>| hour.map(|hour| hour.to_string()).unwrap_or_default();
    let form = Form::with(&[
        ("lang", wishes.lang.clone().unwrap_or_default()),
        ("daily_at", hour(wishes.daily_at)),
        ("quiet_from", hour(wishes.quiet_from)),
        ("quiet_until", hour(wishes.quiet_until)),
    ]);
    Ok(show_wishes(&visitor, StatusCode::OK, wishes, form))
}

fn show_wishes(visitor: &Visitor, status: StatusCode, wishes: WishesView, form: Form) -> Response {
    let ui = visitor.front.ui;
    let page = visitor.page("notices", ui.t("wishes"));
    render(status, &WishesPage { page, wishes, langs: langs(ui), hours: hours(), form })
}

pub async fn set_wishes(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let known = ask::wishes(&center, &visitor.caller).await?;
    // A box that is not ticked is not sent: the page has one for each topic and channel.
    let mut topics = Vec::new();
    for topic in &known.topics {
        for (channel, is_wanted) in [("inbox", topic.inbox), ("mail", topic.mail)] {
            let wanted = form.has(channel, &topic.topic);
            if wanted != is_wanted {
                let (topic, channel) = (topic.topic.clone(), channel.to_owned());
                topics.push(NewWish { topic, channel, is_wanted: wanted });
            }
        }
    }
    let hour = |name: &str| form.value(name).parse().ok();
    let manners = NewManners {
        lang: Some(form.value("lang").to_owned()),
        daily_at: hour("daily_at"),
        quiet_from: hour("quiet_from"),
        quiet_until: hour("quiet_until"),
    };
    match ask::set_wishes(&center, &visitor.caller, WishesChange { topics, manners: Some(manners) }).await {
        Ok(_) => Ok(Redirect::to("/notices/wishes").into_response()),
        Err(error) => {
            let fields = ["lang", "daily_at", "quiet_from", "quiet_until"];
            let field = |name: &str| fields.into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            Ok(show_wishes(&visitor, status, known, form))
        }
    }
}

#[derive(Template)]
#[template(path = "notice/unsubscribe.html")]
pub struct UnsubscribePage {
    page: Page,
    /// What the mail was about.
    topic: String,
    /// Where the form goes.
    action: String,
    is_done: bool,
}

fn unsubscribe_page(front: Front, ending: &Ending, is_done: bool) -> Response {
    let ui = front.ui;
    let topic = base::page::texts::find(ui.lang, &format!("topic-{}", ending.topic), &[]);
    let action = format!(
        "/unsubscribe?person={}&topic={}&signature={}",
        encode(&ending.person),
        encode(&ending.topic),
        encode(&ending.signature)
    );
    let page = Page::new(front, "", ui.t("unsubscribe-title"));
    let topic = topic.unwrap_or_else(|| ui.t("unsubscribe-all"));
    render(StatusCode::OK, &UnsubscribePage { page, topic, action, is_done })
}

/// Looking changes nothing: programs that look at links in mails end no mail.
pub async fn look(
    State(center): State<Center>,
    front: Front,
    Asked(ending): Asked<Ending>,
) -> Result<Response, AppError> {
    ask::look(&center, &front.from, &ending).await?;
    Ok(unsubscribe_page(front, &ending, false))
}

pub async fn unsubscribe(
    State(center): State<Center>,
    Asked(ending): Asked<Ending>,
    SentByMail { front }: SentByMail,
) -> Result<Response, AppError> {
    ask::unsubscribe(&center, &front.from, &ending).await?;
    Ok(unsubscribe_page(front, &ending, true))
}

#[cfg(test)]
pub mod samples {
    use base::{notice::rows::NoticeId, text::Text};
    use domain::{Timestamp, problem::Wrong};

    use super::*;

    impl NoticesPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let notice = |is_read: bool, href: &str| NoticeView {
                id: NoticeId::from_bytes([1; 16]),
                topic: "job_failed".into(),
                event: 7,
                at: Timestamp::from_secs(1_800_000_000).into(),
                text: Text { zh: "作业 <a> 已结束".into(), en: "The job <a> ended".into() },
                href: href.into(),
                is_read,
                data: serde_json::Value::Null,
            };
            let sample = |notices: Vec<NoticeView>, unread, only_unread, older: &str| Self {
                page: page.clone(),
                newest: notices.first().map(|notice| notice.id.to_string()).unwrap_or_default(),
                notices,
                unread,
                only_unread,
                older: older.into(),
            };
            let all =
                vec![notice(false, "/jobs/1"), notice(false, ""), notice(true, "/jobs/1"), notice(true, "")];
            vec![
                sample(all.clone(), 2, false, "/notices?before=x"),
                sample(all, 0, true, ""),
                sample(Vec::new(), 0, false, ""),
            ]
        }
    }

    impl WishesPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let topic = |inbox, mail| TopicView {
                topic: "job_failed".into(),
                name: Text { zh: "我的作业 <失败>".into(), en: "A job <of mine> failed".into() },
                inbox,
                mail,
            };
            let sample = |has_mail: bool, email: &str, form: Form| Self {
                page: page.clone(),
                wishes: WishesView {
                    topics: vec![topic(true, false), topic(false, true)],
                    lang: None,
                    daily_at: Some(8),
                    quiet_from: None,
                    quiet_until: None,
                    has_mail,
                    email: email.into(),
                },
                langs: langs(page.ui),
                hours: hours(),
                form,
            };
            let mut wrong = Form::default();
            for field in ["lang", "daily_at", "quiet_from", "quiet_until"] {
                wrong.blame_for(page.ui, field, Wrong::HasNul);
            }
            vec![
                sample(true, "li@univ.example", Form::with(&[("daily_at", "8".into())])),
                sample(true, "", wrong),
                sample(false, "", Form::default()),
            ]
        }
    }

    impl UnsubscribePage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let sample = |is_done| Self {
                page: page.clone(),
                topic: "A job <of mine> failed".into(),
                action: "/unsubscribe?person=per_1&topic=job_failed&signature=x".into(),
                is_done,
            };
            vec![sample(false), sample(true)]
        }
    }
}
