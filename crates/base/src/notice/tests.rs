//! The way of events through the engine, on a real database and to a real receiver.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{Member, MemberId, Millis, PersonId, Role, Timestamp};
use serde_json::{Value, json};
use store::{Tx, events::NewEvent, tenants};

use super::{
    endpoint::{
        deliver, post,
        rows::{self as endpoints, Endpoint},
        rule::{Confidential, DeliveryState, EndpointId, EndpointKind},
        sign,
    },
    fan_out,
    rows::{self, Wish},
    topic::{Audience, Channel, Topic},
    vault::{Sealed, Vault},
};
use crate::{
    auth::Policies,
    error::AppError,
    events::Kind,
    handle::Base,
    moment::{self, new_id},
    settings::Settings,
};

const HALL: Kind = Kind::new("hall_changed").tells(&[Topic {
    code: "hall_bad",
    to: &[Audience::Center(Role::Operator), Audience::Center(Role::Auditor)],
    when: |data| data.get("is_bad").is_some_and(|bad| *bad == json!(true)),
    by_default: &[Channel::Inbox],
    page: "/hall/{name}",
    words: &[],
}]);
const DISABLED: Kind = Kind::new("endpoint_disabled");

/// Keys are another's matter.
struct Open;

impl Vault for Open {
    fn seal(&self, _: &Tx, _: &[u8; 16], _: &str, value: &str) -> Result<Sealed, AppError> {
        Ok(Sealed { text: value.to_owned(), key: "none".into() })
    }

    fn open(&self, _: &[u8; 16], _: &str, sealed: &Sealed) -> Result<String, AppError> {
        Ok(sealed.text.clone())
    }
}

struct Site {
    base: Base,
    operator: Member,
    _folder: tempfile::TempDir,
}

fn site() -> Site {
    let folder = testkit::open_folder();
    let store = testkit::rows::open(&folder.path().join("center.db"));
    let policies = Policies::load([], "permit (principal, action, resource);").expect("they are valid");
    let mut settings = Settings::default();
    settings.notices.addresses = vec!["127.0.0.0/8".parse().expect("a network")];
    let base = Base::new(settings, store, policies);
    base.know_kinds([HALL, DISABLED]);
    let member = |role: Role| Member {
        id: MemberId::new(testkit::now(), testkit::rows::unique()),
        person: PersonId::new(testkit::now(), testkit::rows::unique()),
        tenant: None,
        login: role.code().into(),
        name: role.code().into(),
        role,
        is_enabled: true,
        created_at: Timestamp::from_secs(0),
    };
    let operator = member(Role::Operator);
    let people = [operator.clone(), member(Role::Auditor)];
    let insert = move |tx: &Tx| people.iter().try_for_each(|one| tenants::insert_member(tx, one, None));
    base.store.write(insert).expect("they are new");
    Site { base, operator, _folder: folder }
}

impl Site {
    /// So many events, each of its own name.
    fn happen(&self, count: usize, is_bad: bool) {
        let write = move |tx: &Tx| {
            for at in 0..count {
                let data = json!({ "name": format!("hall-{at}"), "is_bad": is_bad });
                let (kind, now) = (HALL.code().to_owned(), moment::now());
                store::events::append(
                    tx,
                    &NewEvent { at: now, tenant: None, job: None, run: None, kind, data },
                )?;
            }
            Ok::<(), store::StoreError>(())
        };
        self.base.store.write(write).expect("they are kept");
    }

    fn hand_on(&self, place: &mut fan_out::Place) {
        while fan_out::turn(&self.base, place, &|_, _, _| Ok(Vec::new())).expect("it is handed on") {}
    }

    fn unread(&self) -> u64 {
        self.base.unread.of(self.operator.id)
    }

    fn endpoint(&self, kind: EndpointKind, url: &str) -> EndpointId {
        let confidential =
            Confidential { url: url.to_owned(), secret: sign::secret_of(&[7; 32]), old_secret: None };
        let endpoint = Endpoint {
            id: new_id!(EndpointId),
            tenant: None,
            kind,
            name: "a".into(),
            shown: url.into(),
            sealed: serde_json::to_string(&confidential).expect("it is JSON"),
            sealing_key: "none".into(),
            old_until: None,
            kinds: vec![HALL.code().into()],
            lang: "en".into(),
            is_enabled: true,
            why: String::new(),
            failures: 0,
            rest_until: None,
            created_by: self.operator.id,
            created_at: moment::now(),
        };
        let id = endpoint.id;
        self.base.store.write(move |tx| endpoints::insert(tx, &endpoint)).expect("it is new");
        id
    }

    fn count(&self, endpoint: EndpointId, state: DeliveryState) -> u64 {
        self.base.store.read(|tx| endpoints::count_deliveries(tx, endpoint, state)).expect("it is read")
    }

    /// Turns until nothing is left that is due.
    fn deliver(&self) {
        let agent = post::agent(self.base.common.notices.addresses.clone());
        while deliver::turn(&self.base, &Open, &agent, DISABLED).expect("it turns") {}
    }
}

/// A receiver that answers everything, and knows what it was sent.
struct Receiver {
    url: String,
    requests: Arc<AtomicUsize>,
    ids: Arc<Mutex<BTreeSet<String>>>,
    bodies: Arc<Mutex<Vec<Value>>>,
}

fn receiver(answer: &'static str) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (requests, ids, bodies) = (Arc::default(), Arc::default(), Arc::default());
    let known =
        Receiver { url, requests: Arc::clone(&requests), ids: Arc::clone(&ids), bodies: Arc::clone(&bodies) };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let mut reader = BufReader::new(stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_ascii_lowercase();
                if let Some(given) = lower.strip_prefix("content-length:") {
                    length = given.trim().parse().unwrap_or_default();
                }
                if let Some(id) = lower.strip_prefix("webhook-id:") {
                    ids.lock().expect("it is whole").insert(id.trim().to_owned());
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                requests.fetch_add(1, Ordering::SeqCst);
                bodies.lock().expect("it is whole").extend(serde_json::from_slice(&body));
            }
            let text = format!("HTTP/1.1 {answer}");
            let _ = reader.get_mut().write_all(text.as_bytes());
        }
    });
    known
}

#[test]
fn an_event_becomes_one_notice_for_each_who_wants_it_however_often_it_is_read() {
    let site = site();
    let mut place = fan_out::place(&site.base).expect("it is read");
    let before = place;
    site.happen(3, true);
    site.happen(2, false);
    site.hand_on(&mut place);
    assert_eq!(site.unread(), 3, "what is not bad concerns nobody");
    // A center that died before it kept where it stands reads them again.
    let mut again = before;
    site.hand_on(&mut again);
    assert_eq!(site.unread(), 3);
    let kept =
        site.base.store.read(|tx| rows::list(tx, site.operator.id, None, true, 10)).expect("they are read");
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[2].href, "/hall/hall-0");
    // The counts of a new start are those of the rows.
    site.base.unread.came(site.operator.id, 7);
    site.base.store.read(|tx| site.base.unread.load(tx)).expect("they are read");
    assert_eq!(site.unread(), 3);

    let wish = Wish {
        person: site.operator.person,
        topic: "hall_bad".into(),
        channel: Channel::Inbox,
        is_wanted: false,
    };
    site.base.store.write(move |tx| rows::set_wish(tx, &wish)).expect("it is kept");
    site.happen(1, true);
    site.hand_on(&mut place);
    assert_eq!(site.unread(), 3, "who does not want it is not told");
    let from_disk = fan_out::place(&site.base).expect("it is read");
    assert!(format!("{from_disk:?}").contains("seen: 6"), "{from_disk:?}");
}

#[test]
fn unread_notices_are_never_removed_and_read_ones_by_their_age() {
    let site = site();
    let mut place = fan_out::place(&site.base).expect("it is read");
    site.happen(2, true);
    site.hand_on(&mut place);
    let member = site.operator.id;
    let all = site.base.store.read(|tx| rows::list(tx, member, None, false, 10)).expect("they are read");
    let (id, now) = (all[0].id, moment::now());
    let read = site.base.store.write(move |tx| rows::read(tx, member, id, now)).expect("it is kept");
    assert_eq!(read, Some(1));
    let prune = |before| site.base.store.write(move |tx| rows::prune(tx, before)).expect("it prunes");
    assert_eq!(prune(now), 0, "it is not old yet");
    assert_eq!(prune(now.plus(Millis::from_hours(24 * 365))), 1, "the one that was read");
    let left = site.base.store.read(|tx| rows::list(tx, member, None, true, 10)).expect("they are read");
    assert_eq!(left.len(), 1);
}

#[test]
fn ten_thousand_events_for_a_receiver_that_is_down_cost_little_and_all_get_there() {
    const EVENTS: usize = 10_000;
    let site = site();
    let mut place = fan_out::place(&site.base).expect("it is read");
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("an address");
    let id = site.endpoint(EndpointKind::Webhook, &format!("http://{closed}/hook"));
    site.happen(EVENTS, false);
    site.hand_on(&mut place);
    assert_eq!(site.count(id, DeliveryState::Waiting), EVENTS as u64);
    site.deliver();
    let tried = |site: &Site| {
        let all =
            site.base.store.read(|tx| endpoints::deliveries(tx, id, None, 20_000)).expect("they are read");
        all.iter().map(|delivery| delivery.attempts).sum::<u32>()
    };
    assert_eq!(tried(&site), 3, "three failures, and it rests");
    site.deliver();
    assert_eq!(tried(&site), 3, "while it rests nothing is tried");

    // It is back, elsewhere, and an operator enables it again.
    let there = receiver("204 No Content\r\nConnection: close\r\n\r\n");
    let url = there.url.clone();
    let write = move |tx: &Tx| {
        let mut endpoint = endpoints::get(tx, id)?;
        let confidential = Confidential { url, secret: sign::secret_of(&[7; 32]), old_secret: None };
        endpoint.sealed = serde_json::to_string(&confidential).expect("it is JSON");
        (endpoint.failures, endpoint.rest_until) = (0, None);
        endpoints::set(tx, &endpoint)?;
        for delivery in endpoints::deliveries(tx, id, Some(DeliveryState::Waiting), 20_000)? {
            endpoints::again(tx, delivery.id, moment::now())?;
        }
        Ok::<(), store::StoreError>(())
    };
    site.base.store.write(write).expect("it is kept");
    site.deliver();
    assert_eq!(site.count(id, DeliveryState::Delivered), EVENTS as u64);
    assert_eq!(there.ids.lock().expect("it is whole").len(), EVENTS, "each under an id of its own");
    assert_eq!(there.requests.load(Ordering::SeqCst), EVENTS, "and once");
}

#[test]
fn what_comes_in_between_goes_to_a_chat_in_one_message() {
    let site = site();
    let mut place = fan_out::place(&site.base).expect("it is read");
    let text = "200 OK\r\nConnection: close\r\nContent-Length: 26\r\n\r\n{\"errcode\":0,\"errmsg\":\"\"}\n";
    let there = receiver(text);
    let id = site.endpoint(EndpointKind::Dingtalk, &format!("{}?access_token=T", there.url));
    site.happen(30, false);
    site.hand_on(&mut place);
    site.deliver();
    assert_eq!(site.count(id, DeliveryState::Delivered), 30);
    assert_eq!(there.requests.load(Ordering::SeqCst), 1);
    let bodies = there.bodies.lock().expect("it is whole").clone();
    let text = bodies[0]["markdown"]["text"].as_str().expect("it is text");
    assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), 30, "{text}");
    // The next waits until the chat takes one again.
    site.happen(1, false);
    site.hand_on(&mut place);
    site.deliver();
    assert_eq!(there.requests.load(Ordering::SeqCst), 1);
    assert_eq!(site.count(id, DeliveryState::Waiting), 1);
}

#[test]
fn a_receiver_that_is_gone_is_posted_to_no_more_and_one_that_moved_is_not_followed() {
    let site = site();
    let mut place = fan_out::place(&site.base).expect("it is read");
    let gone = receiver("410 Gone\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let elsewhere = receiver("204 No Content\r\nConnection: close\r\n\r\n");
    let text =
        format!("302 Found\r\nLocation: {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", elsewhere.url);
    let moved = receiver(Box::leak(text.into_boxed_str()));
    let (gone_id, moved_id) =
        (site.endpoint(EndpointKind::Webhook, &gone.url), site.endpoint(EndpointKind::Webhook, &moved.url));
    site.happen(1, false);
    site.hand_on(&mut place);
    site.deliver();
    let known = site.base.store.read(|tx| endpoints::get(tx, gone_id)).expect("it is there");
    assert_eq!((known.is_enabled, known.why.as_str()), (false, "gone"));
    let events =
        site.base.store.read(|tx| store::events::list_after(tx, 1, None, None, 9)).expect("they are read");
    assert_eq!(
        events.iter().filter(|event| event.event.kind == DISABLED.code()).count(),
        1,
        "people are told"
    );
    let waits =
        site.base.store.read(|tx| endpoints::deliveries(tx, moved_id, None, 9)).expect("they are read");
    assert_eq!((waits[0].state, waits[0].status), (DeliveryState::Waiting, Some(302)));
    assert_eq!(elsewhere.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn an_address_within_is_refused_where_the_connection_is_made() {
    let there = receiver("204 No Content\r\nConnection: close\r\n\r\n");
    let request = |url: &str| super::endpoint::write::Request {
        url: url.to_owned(),
        body: "{}".into(),
        headers: Vec::new(),
    };
    let port = there.url.rsplit(':').next().expect("a port").to_owned();
    let strict = post::agent(Vec::new());
    for url in
        [there.url.clone(), format!("http://localhost:{port}"), format!("http://[::ffff:127.0.0.1]:{port}")]
    {
        let answer = post::post(&strict, request(&url));
        assert_eq!(answer.status, None, "{url}");
        assert!(answer.text.contains("the address is not public"), "{url}: {}", answer.text);
    }
    assert_eq!(there.requests.load(Ordering::SeqCst), 0);
    let listed = post::agent(vec!["127.0.0.0/8".parse().expect("a network")]);
    assert_eq!(post::post(&listed, request(&there.url)).status, Some(204));
}
