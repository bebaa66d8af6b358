//! Tenants and their people, credentials, nodes, contracts, events, the audit log: rows come back as they
//! were kept.

use domain::{
    AllianceId, AuditId, CardModel, ContractState, MicroCny, Node, NodeId, NodeState, NodeStatus,
    PriceBookId, Project, ProjectId, RatePerCardHour, Role, ServiceClass, Tenant, TenantDomain, TenantId,
    contract::ContractAction,
    price::{Price, PriceBook, Waivers},
    tenant::Alliance,
};
use proptest::prelude::*;
use store::{
    StoreError, Tx, audit,
    audit::{AuditFilter, AuditRecord},
    contracts::{self, ContractEvent},
    events::{self, NewEvent},
    idempotency::{self, Answer, Stored},
    pools, prices, tenants,
};
use testkit::rows::{Seeded, at, contract, open, seed, unique};

/// Does its work in one transaction on a store with two tenants and two nodes.
pub fn within(work: impl FnOnce(&Tx, &Seeded) -> Result<(), StoreError> + Send + 'static) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 2, 2);
    store.write(move |tx| work(tx, &center)).unwrap();
}

pub fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("no conflict: {other:?}"),
    }
}

#[test]
fn tenants_alliances_and_projects() {
    within(|tx, center| {
        let alliance = Alliance {
            id: AllianceId::new(at(0), unique()),
            slug: "voice".into(),
            name_zh: "语音联盟".into(),
            name_en: "Voice".into(),
            lending_limit: None,
        };
        tenants::insert_alliance(tx, &alliance)?;
        assert_eq!(tenants::list_alliances(tx)?, std::slice::from_ref(&alliance));
        tenants::set_alliance_lending(tx, alliance.id, Some(8))?;
        assert_eq!(tenants::list_alliances(tx)?[0].lending_limit, Some(8));
        assert!(tenants::set_alliance_lending(tx, AllianceId::new(at(1), unique()), None).is_err());
        let tenant = Tenant {
            id: TenantId::new(at(1), unique()),
            slug: "a-university".into(),
            name_zh: "大学".into(),
            name_en: "University".into(),
            domain: TenantDomain::Research,
            alliance: Some(alliance.id),
            uid_index: tenants::next_uid_index(tx)?,
            created_at: at(1),
            legal_name: String::new(),
            tax_number: String::new(),
            other_tax_number: "DE 123".into(),
        };
        assert_eq!(tenant.uid_index, 3, "the third, after two");
        tenants::insert_tenant(tx, &tenant)?;
        assert_eq!(tenants::list_tenants(tx)?[0], tenant);
        let tenant = Tenant {
            legal_name: "某大学".into(),
            tax_number: "91330100799655058B".into(),
            other_tax_number: String::new(),
            ..tenant
        };
        tenants::set_payer(tx, &tenant)?;
        assert_eq!(tenants::get_tenant(tx, tenant.id)?, tenant);
        let slugs: Vec<_> = tenants::list_tenants(tx)?.into_iter().map(|tenant| tenant.slug).collect();
        assert_eq!(slugs, ["a-university", "tenant-0", "tenant-1"]);
        let other = TenantId::new(at(2), unique());
        let twin = Tenant { id: other, uid_index: 9, ..tenant.clone() };
        assert_eq!(conflict(tenants::insert_tenant(tx, &twin)), "a tenant with this short name");
        let twin = Tenant { slug: "other".into(), ..twin };
        let twin = Tenant { uid_index: tenant.uid_index, ..twin };
        assert_eq!(conflict(tenants::insert_tenant(tx, &twin)), "a tenant with this uid index");

        let project = Project {
            id: ProjectId::new(at(1), unique()),
            tenant: tenant.id,
            slug: "main".into(),
            name: "主要".into(),
            contract: None,
            created_at: at(1),
        };
        tenants::insert_project(tx, &project)?;
        assert_eq!(tenants::list_projects(tx, Some(tenant.id))?, std::slice::from_ref(&project));
        assert_eq!(tenants::list_projects(tx, None)?.len(), 3);
        let twin = Project { id: ProjectId::new(at(2), unique()), ..project.clone() };
        assert_eq!(
            conflict(tenants::insert_project(tx, &twin)),
            "a project of the tenant with this short name"
        );
        let contract = center.parties[0].contract;
        tenants::set_project_contract(tx, project.id, Some(contract))?;
        assert_eq!(tenants::list_projects(tx, Some(tenant.id))?[0].contract, Some(contract));
        let nowhere = ProjectId::new(at(3), unique());
        assert_eq!(
            tenants::set_project_contract(tx, nowhere, None),
            Err(StoreError::NotFound { noun: "project", id: nowhere.to_string() })
        );
        let stray = Project { id: ProjectId::new(at(2), unique()), tenant: other, ..project };
        assert!(matches!(tenants::insert_project(tx, &stray), Err(StoreError::BrokenReference { .. })));
        Ok(())
    });
}

fn kept_node(tx: &Tx, id: NodeId) -> Node {
    pools::list_nodes(tx).unwrap().into_iter().find(|node| node.id == id).expect("the node is there")
}

#[test]
fn pools_and_nodes() {
    within(|tx, center| {
        let pool = pools::find_pool(tx, "ascend")?.unwrap();
        assert_eq!(pool.model, CardModel::known("ascend-910").unwrap());
        assert_eq!(pools::list_pools(tx)?, std::slice::from_ref(&pool));
        assert_eq!(pools::find_pool(tx, "other")?, None);
        assert_eq!(conflict(pools::insert_pool(tx, &pool)), "a pool with this name");
        let node = kept_node(tx, center.nodes[1]);
        assert_eq!((node.name.as_str(), node.rings.len(), &node.state), ("node-001", 2, &NodeState::Up));
        assert_eq!(pools::list_nodes(tx)?.len(), 2);
        let twin = Node { id: NodeId::new(at(9), unique()), ..node };
        assert_eq!(conflict(pools::insert_node(tx, &twin)), "a node with this name");
        let drained = NodeState::Drained { reason: "换风扇".into() };
        assert_eq!(
            pools::set_node_state(tx, twin.id, &drained, at(9), "x").unwrap_err().to_string(),
            format!("there is no node `{}`", twin.id)
        );
        pools::set_node_state(tx, center.nodes[1], &drained, at(100), "换风扇")?;
        assert_eq!(kept_node(tx, center.nodes[1]).state, drained);
        let labels = ["nvme".to_owned(), "ib-400".to_owned()];
        pools::set_node_labels(tx, center.nodes[1], &labels)?;
        let work = domain::node::Maintenance { from: at(300), until: at(400), reason: "换风扇".into() };
        pools::set_node_maintenance(tx, center.nodes[1], Some(&work))?;
        let node = kept_node(tx, center.nodes[1]);
        assert_eq!((node.labels.as_slice(), node.maintenance), (&labels[..], Some(work)));
        pools::set_node_maintenance(tx, center.nodes[1], None)?;
        assert_eq!(kept_node(tx, center.nodes[1]).maintenance, None);
        assert!(pools::set_node_labels(tx, twin.id, &labels).is_err());
        let stretches = pools::stretches_between(tx, at(50), at(200))?;
        let of = |n: usize| stretches.iter().filter(|s| s.node == center.nodes[n]).collect::<Vec<_>>();
        assert_eq!(of(0).len(), 1);
        assert_eq!(
            of(1).iter().map(|s| (s.from, s.until, s.status)).collect::<Vec<_>>(),
            [(at(0), Some(at(100)), NodeStatus::Up), (at(100), None, NodeStatus::Drained)]
        );
        assert_eq!(
            pools::stretches_between(tx, at(100), at(200))?.len(),
            2,
            "one that ended at the start is out"
        );
        Ok(())
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn stretches_follow_each_other_without_gap(changes in prop::collection::vec((-50_i64..1000, 0_u8..3), 0..30)) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("center.db"));
        let center = seed(&store, 0, 1);
        let node = center.nodes[0];
        let stretches = store.write(move |tx| {
            for (secs, state) in changes {
                let reason = "r".to_owned();
                let state = match state {
                    0 => NodeState::Up,
                    1 => NodeState::Drained { reason },
                    _ => NodeState::Failed { reason },
                };
                let from = pools::set_node_state(tx, node, &state, at(secs), "r")?;
                assert!(from >= at(secs));
                assert_eq!(kept_node(tx, node).state, state);
            }
            pools::stretches_between(tx, at(-1000), at(10_000))
        }).unwrap();
        prop_assert_eq!(stretches[0].from, at(0));
        for pair in stretches.windows(2) {
            prop_assert_eq!(pair[0].until, Some(pair[1].from));
            prop_assert!(pair[0].from < pair[1].from);
        }
        prop_assert_eq!(stretches.last().unwrap().until, None);
    }
}

#[test]
fn contracts_their_history_and_price_books() {
    within(|tx, center| {
        let party = &center.parties[0];
        let other = contract(party.tenant, "HZ-2023-001", center.pool);
        contracts::insert_contract(tx, &other)?;
        assert_eq!(contracts::get_contract(tx, other.id)?, other);
        assert!(contracts::list_contracts(tx, Some(party.tenant))?.contains(&other));
        assert_eq!(contracts::list_contracts(tx, Some(party.tenant))?.len(), 2);
        assert_eq!(contracts::list_contracts(tx, None)?.len(), 3);
        let twin = contract(party.tenant, "HZ-2023-001", center.pool);
        assert_eq!(conflict(contracts::insert_contract(tx, &twin)), "a contract with this number");
        let (active, suspended) = (ContractState::Active, ContractState::Suspended);
        assert!(contracts::set_contract_state(tx, other.id, active, suspended)?);
        assert!(!contracts::set_contract_state(tx, other.id, active, suspended)?, "it is not active now");
        assert_eq!(contracts::get_contract(tx, other.id)?.state, suspended);
        assert_eq!(contracts::list_active(tx)?.len(), 2);
        assert!(contracts::set_contract_state(tx, twin.id, active, suspended).is_err());
        let event = ContractEvent {
            contract: other.id,
            at: at(7),
            actor: Some(party.member),
            action: ContractAction::Suspend,
            reason: "欠费".into(),
            from: active,
            to: suspended,
        };
        contracts::insert_contract_event(tx, &event)?;
        let automatic = ContractEvent { actor: None, action: ContractAction::Expire, ..event.clone() };
        contracts::insert_contract_event(tx, &automatic)?;
        assert_eq!(contracts::list_contract_events(tx, other.id)?, [event, automatic]);

        let book = |name: &str, from| PriceBook {
            id: PriceBookId::new(at(from), unique()),
            name: name.into(),
            effective_from: at(from),
            prices: vec![Price {
                pool: center.pool,
                class: ServiceClass::Urgent,
                domain: TenantDomain::Government,
                rate: RatePerCardHour(MicroCny::from_yuan(20)),
            }],
            waivers: Waivers { lost_percent: 50, preempted_percent: 25 },
        };
        let (later, first) = (book("2023", 50), book("2022", 0));
        prices::insert_price_book(tx, &later)?;
        prices::insert_price_book(tx, &first)?;
        assert_eq!(conflict(prices::insert_price_book(tx, &book("2022", 9))), "a price book with this name");
        assert_eq!(prices::list_price_books(tx)?, [first, later]);
        Ok(())
    });
}

#[test]
fn events_are_followed_by_tenant_and_by_job() {
    within(|tx, center| {
        let job = testkit::rows::job(&center.parties[0], "j", at(0));
        let event = |tenant, job, kind: &str| NewEvent {
            at: at(1),
            tenant,
            job,
            run: None,
            kind: kind.into(),
            data: serde_json::json!({ "名": kind }),
        };
        let (mine, others) = (Some(center.parties[0].tenant), Some(center.parties[1].tenant));
        assert_eq!(events::latest_seq(tx)?, 0);
        let first = events::append(tx, &event(mine, Some(job.id), "job.submitted"))?;
        events::append(tx, &event(others, None, "job.submitted"))?;
        let last = events::append(tx, &event(mine, None, "contract.exhausted"))?;
        events::append(tx, &event(None, None, "node.failed"))?;
        assert_eq!(events::latest_seq(tx)?, 4);
        let seqs = |after, tenant, job, limit| -> Vec<i64> {
            let found = events::list_after(tx, after, tenant, job, limit).unwrap();
            found.into_iter().map(|event| event.seq).collect()
        };
        assert_eq!(seqs(0, None, None, 10), [1, 2, 3, 4]);
        assert_eq!(seqs(1, None, None, 2), [2, 3]);
        assert_eq!(seqs(0, mine, None, 10), [first, last]);
        assert_eq!(seqs(0, None, Some(job.id), 10), [first]);
        assert_eq!(seqs(0, others, Some(job.id), 10), [0; 0], "another tenant's job");
        assert_eq!(
            events::list_after(tx, 0, mine, None, 1)?[0].event,
            event(mine, Some(job.id), "job.submitted")
        );
        let newest = |tenant, before, limit| store::recent::events_before(tx, tenant, before, limit);
        assert_eq!(newest(mine, None, 1)?[0].seq, last);
        assert_eq!(newest(None, None, 9)?.len(), 4);
        assert_eq!(newest(mine, Some(last), 9)?.iter().map(|event| event.seq).collect::<Vec<_>>(), [first]);
        let count = |tenant, most| store::recent::count_events(tx, tenant, most);
        assert_eq!((count(None, 9)?, count(mine, 9)?, count(None, 3)?), (4, 2, 3));
        store::jobs::insert_job(tx, &job)?;
        let named = |tenant, limit| store::recent::jobs_of_events(tx, &newest(tenant, None, limit)?);
        assert_eq!(named(mine, 9)?, [(job.id, "j".to_owned())].into());
        assert_eq!(named(None, 9)?, [(job.id, "j".to_owned())].into());
        assert!(named(mine, 1)?.is_empty() && named(others, 9)?.is_empty(), "older, or another tenant's");
        Ok(())
    });
}

#[test]
fn the_audit_log_is_listed_newest_first_by_any_filter() {
    within(|tx, center| {
        let party = |n: usize| &center.parties[n];
        let mut all = Vec::new();
        for n in 0..12_i64 {
            let who = usize::try_from(n % 2).unwrap();
            let record = AuditRecord {
                id: AuditId::new(at(n), unique()),
                at: at(n),
                actor: (n != 11).then_some(party(who).member),
                actor_login: "dev".into(),
                role: (n != 11).then_some(Role::Developer),
                tenant: (n != 10).then_some(party(who).tenant),
                action: if n % 3 == 0 { "job.cancel".into() } else { "job.submit".into() },
                subject: format!("job {n}"),
                from_address: "::1".into(),
                detail: serde_json::json!({ "n": n }),
            };
            audit::append(tx, &record)?;
            all.insert(0, record);
        }
        for tenant in [None, Some(party(0).tenant), Some(party(1).tenant)] {
            for actor in [None, Some(party(0).member)] {
                for action in [None, Some("job.cancel".to_owned())] {
                    let filter =
                        AuditFilter { tenant, actor, action: action.clone(), ..AuditFilter::default() };
                    let matches = |record: &&AuditRecord| {
                        tenant.is_none_or(|t| record.tenant == Some(t))
                            && actor.is_none_or(|a| record.actor == Some(a))
                            && action.as_ref().is_none_or(|a| record.action == *a)
                    };
                    let wanted: Vec<_> = all.iter().filter(matches).cloned().collect();
                    assert_eq!(audit::list(tx, &filter, None, 100)?, wanted);
                    let mut paged = Vec::new();
                    while let page @ [.., last] =
                        &audit::list(tx, &filter, paged.last().map(|r: &AuditRecord| r.id), 2)?[..]
                    {
                        assert!(page.len() <= 2 && !last.subject.is_empty());
                        paged.extend_from_slice(page);
                    }
                    assert_eq!(paged, wanted);
                }
            }
        }
        assert_eq!(audit::list(tx, &AuditFilter::default(), None, 0)?, []);
        let subjects = |filter: AuditFilter| -> Vec<String> {
            let found = audit::list(tx, &filter, None, 100).unwrap();
            found.into_iter().map(|record| record.subject).collect()
        };
        let between = |from: Option<i64>, until: Option<i64>, tenant| AuditFilter {
            from: from.map(at),
            until: until.map(at),
            tenant,
            ..AuditFilter::default()
        };
        assert_eq!(subjects(between(Some(9), Some(11), None)), ["job 10", "job 9"]);
        assert_eq!(subjects(between(Some(9), None, None)), ["job 11", "job 10", "job 9"]);
        assert_eq!(subjects(between(None, Some(2), None)), ["job 1", "job 0"]);
        assert_eq!(subjects(between(Some(4), Some(7), Some(party(0).tenant))), ["job 6", "job 4"]);
        assert_eq!(subjects(between(Some(7), Some(4), None)), [""; 0]);
        assert_eq!(subjects(AuditFilter { is_by_center: true, ..AuditFilter::default() }), ["job 11"]);
        Ok(())
    });
}

#[test]
fn an_answer_is_kept_once_for_a_while() {
    within(|tx, center| {
        let (mine, others) = (center.parties[0].member, center.parties[1].member);
        let first = Answer { status: 201, body: "{}".into() };
        let answer = Stored { request_hash: [9; 32], answer: Some(first.clone()) };
        idempotency::insert(tx, mine, "k", &answer, at(1))?;
        idempotency::insert(tx, others, "k", &answer, at(2))?;
        assert_eq!(idempotency::find(tx, mine, "k")?, Some(answer.clone()));
        assert_eq!(idempotency::find(tx, mine, "other")?, None);
        let begun = Stored { request_hash: [9; 32], answer: None };
        idempotency::insert(tx, mine, "begun", &begun, at(9))?;
        assert_eq!(idempotency::find(tx, mine, "begun")?, Some(begun));
        idempotency::set_answer(tx, mine, "begun", &first)?;
        assert_eq!(idempotency::find(tx, mine, "begun")?.and_then(|stored| stored.answer), Some(first));
        assert_eq!(
            conflict(idempotency::insert(tx, mine, "k", &answer, at(3))),
            "an answer under this idempotency key"
        );
        assert_eq!(idempotency::delete_before(tx, at(2))?, 1);
        assert_eq!(idempotency::find(tx, mine, "k")?, None);
        assert_eq!(idempotency::find(tx, others, "k")?, Some(answer));
        Ok(())
    });
}

#[test]
fn use_by_day_adds_up_over_the_days_it_touches() {
    use domain::CardMs;
    use store::usage::{self, UseRow};
    within(|tx, center| {
        let party = &center.parties[0];
        let row = |used, charged| UseRow {
            tenant: party.tenant,
            project: party.project,
            runs: 1,
            used: CardMs(used),
            charged: MicroCny(charged),
        };
        usage::add_use(tx, 10, &row(5, 50))?;
        usage::add_use(tx, 10, &row(-2, -20))?;
        usage::add_use(tx, 11, &row(7, 70))?;
        let sums = |days, tenant| usage::use_between(tx, tenant, days);
        assert_eq!(sums(10..11, None)?, [UseRow { runs: 2, ..row(3, 30) }]);
        assert_eq!(sums(0..99, Some(party.tenant))?, [UseRow { runs: 3, ..row(10, 100) }]);
        assert_eq!(sums(0..99, Some(center.parties[1].tenant))?, []);
        assert_eq!(sums(12..99, None)?, []);
        let charges = |tenant| usage::charges_by_day(tx, tenant, 9..12);
        assert_eq!(charges(Some(party.tenant))?, [0, 30, 70].map(MicroCny));
        assert_eq!(charges(Some(center.parties[1].tenant))?, [MicroCny::ZERO; 3]);
        Ok(())
    });
}
