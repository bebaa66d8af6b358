//! Which places claims give.

use serde_json::json;

use super::*;
use crate::settings::oidc::{AutoJoin, MapSettings};

fn issuer(map: &[(&str, &str, &str, Option<&str>)]) -> OidcSettings {
    OidcSettings {
        name: "univ".into(),
        issuer: "https://sso.univ.example".into(),
        client_id: "qiantang".into(),
        client_secret_file: None,
        client_secret_env: None,
        label_zh: "大学".into(),
        label_en: "University".into(),
        email_domains: Vec::new(),
        tenant: None,
        scopes: vec!["openid".into()],
        scim_claim: "sub".into(),
        ca_file: None,
        hosts: Vec::new(),
        second_factor_acr: vec!["two".into()],
        map: map
            .iter()
            .map(|(claim, value, role, tenant)| MapSettings {
                claim: (*claim).into(),
                value: (*value).into(),
                role: (*role).into(),
                tenant: tenant.map(str::to_owned),
            })
            .collect(),
        auto_join: None,
    }
}

fn of(issuer: &OidcSettings, claims: &Value) -> Plan {
    plan(issuer, claims.as_object().expect("claims"))
}

fn at(plan: &Plan, place: Option<&str>) -> Wanted {
    plan.places[&place.map(str::to_owned)].clone()
}

#[test]
fn groups_give_roles_whatever_their_case_and_slash() {
    let issuer = issuer(&[
        ("groups", "/ai-center/ops", "operator", None),
        ("groups", "Lab", "admin", Some("univ")),
        ("groups", "students", "developer", Some("univ")),
        ("realm_access.roles", "money", "finance", Some("other")),
    ]);
    let claims =
        json!({ "groups": ["AI-Center/Ops", "/students", "/LAB"], "realm_access": { "roles": ["Money"] } });
    let plan = of(&issuer, &claims);
    assert_eq!(at(&plan, None), Wanted::Role(Role::Operator));
    assert_eq!(at(&plan, Some("univ")), Wanted::Role(Role::Admin), "the first line decides");
    assert_eq!(at(&plan, Some("other")), Wanted::Role(Role::Finance));
    assert_eq!(plan.absent, Vec::<String>::new());
    // A group of which another's name is a part is another.
    let plan = of(&issuer, &json!({ "groups": ["ops", "lab/students"], "realm_access": { "roles": [] } }));
    assert!(plan.places.values().all(|wanted| *wanted == Wanted::None), "{plan:?}");
    // One text is one group.
    assert_eq!(
        at(&of(&issuer, &json!({ "groups": "students" })), Some("univ")),
        Wanted::Role(Role::Developer)
    );
}

#[test]
fn an_absent_claim_is_not_an_empty_one() {
    let issuer =
        issuer(&[("groups", "lab", "admin", Some("univ")), ("org", "lab", "developer", Some("univ"))]);
    let empty = of(&issuer, &json!({ "groups": [], "org": [] }));
    assert_eq!((at(&empty, Some("univ")), empty.absent.len()), (Wanted::None, 0));
    for claims in [json!({}), json!({ "groups": null, "org": 7 }), json!({ "groups": [7], "org": {} })] {
        let plan = of(&issuer, &claims);
        assert_eq!(at(&plan, Some("univ")), Wanted::Unknown, "{claims}");
        assert_eq!(plan.absent, ["groups", "org"]);
    }
    let half = of(&issuer, &json!({ "org": "lab" }));
    assert_eq!(at(&half, Some("univ")), Wanted::AtLeast(Role::Developer));
}

#[test]
fn whoever_has_no_group_joins_where_the_rule_says_so() {
    let mut issuer = issuer(&[("groups", "lab", "admin", Some("univ"))]);
    issuer.tenant = Some("univ".into());
    issuer.auto_join =
        Some(AutoJoin { role: "developer".into(), email_domains: vec!["univ.example".into()] });
    let joins = |claims: Value| at(&of(&issuer, &claims), Some("univ"));
    let with =
        |email: &str, verified: Value| json!({ "groups": [], "email": email, "email_verified": verified });
    assert_eq!(joins(with("li@UNIV.example", json!(true))), Wanted::Role(Role::Developer));
    assert_eq!(joins(with("li@univ.example", json!("true"))), Wanted::Role(Role::Developer));
    assert_eq!(
        joins(json!({ "groups": ["lab"], "email": "li@univ.example", "email_verified": true })),
        Wanted::Role(Role::Admin)
    );
    for (email, verified) in [
        ("li@univ.example", json!(false)),
        ("li@univ.example", Value::Null),
        ("li@evil-univ.example", json!(true)),
        ("li@univ.example.evil", json!(true)),
        ("univ.example", json!(true)),
    ] {
        assert_eq!(joins(with(email, verified)), Wanted::None, "{email}");
    }
}

#[test]
fn only_what_the_issuer_gave_is_changed() {
    let id = MemberId::from_bytes([1; 16]);
    let there = |role, is_enabled, given_by: Option<&str>| There {
        id,
        role,
        is_enabled,
        given_by: given_by.map(str::to_owned),
    };
    let (own, by_hand) =
        (there(Role::Developer, true, Some("oidc:univ")), there(Role::Developer, true, None));
    let deed = |wanted: &Wanted, there: Option<&There>| deed(wanted, there, "oidc:univ");
    let admin = Wanted::Role(Role::Admin);
    assert_eq!(deed(&admin, None), Some(Deed::Make(Role::Admin)));
    assert_eq!(deed(&admin, Some(&own)), Some(Deed::Set(id, Role::Admin)));
    assert_eq!(deed(&Wanted::Role(Role::Developer), Some(&own)), None);
    assert_eq!(deed(&Wanted::None, Some(&own)), Some(Deed::TakeAway(id)));
    assert_eq!(deed(&Wanted::Unknown, Some(&own)), None);
    assert_eq!(deed(&Wanted::AtLeast(Role::Admin), Some(&own)), None);
    let gone = there(Role::Developer, false, Some("oidc:univ"));
    assert_eq!(deed(&Wanted::Role(Role::Developer), Some(&gone)), Some(Deed::Set(id, Role::Developer)));
    assert_eq!(deed(&Wanted::None, Some(&gone)), None);
    let others = there(Role::Developer, true, Some("oidc:other"));
    for wanted in [admin, Wanted::None, Wanted::Unknown, Wanted::AtLeast(Role::Admin)] {
        assert_eq!(deed(&wanted, Some(&by_hand)), None, "{wanted:?}");
        assert_eq!(deed(&wanted, Some(&others)), None, "{wanted:?}");
    }
}

#[test]
fn a_login_is_made_of_what_the_issuer_says() {
    let of = |claims: Value, number| login(claims.as_object().expect("claims"), "sub/1", number);
    assert_eq!(of(json!({ "preferred_username": "li.si", "email": "x@y" }), 1), "li.si");
    assert_eq!(of(json!({ "email": "li@univ.example" }), 2), "li@univ.example-2");
    assert_eq!(of(json!({ "preferred_username": "李四" }), 1), "sub1", "nothing of it is left");
    assert!(of(json!({ "preferred_username": "x".repeat(99) }), 4_000_000_000).len() <= 64);
    assert_eq!(name(json!({ "name": " Li\nSi " }).as_object().expect("claims"), "li"), "LiSi");
    assert_eq!(name(&Map::new(), "li"), "li");
}

#[test]
fn the_center_asks_for_its_own_code_where_none_was_used_and_one_is_demanded() {
    let issuer = issuer(&[]);
    let says = |claims: Value| has_factor(&issuer, claims.as_object().expect("claims"));
    for word in ["mfa", "mca", "otp", "hwk", "sc"] {
        assert!(says(json!({ "amr": ["pwd", word] })), "{word}");
    }
    assert!(says(json!({ "acr": "two", "amr": ["pwd"] })));
    for nothing in [
        json!({}),
        json!({ "amr": [] }),
        json!({ "amr": ["pwd"], "acr": "gold" }),
        json!({ "amr": "mfa" }),
        json!({ "amr": ["MFA", "pin", "fpt", "sms", 1] }),
        json!({ "acr": ["two"] }),
    ] {
        assert!(!says(nothing.clone()), "{nothing}");
    }
    let (used, asked, bound) = (true, true, true);
    assert_eq!(way_on(used, asked, bound), Some(Way::IssuerWithFactor));
    assert_eq!(way_on(used, asked, !bound), Some(Way::IssuerWithFactor));
    assert_eq!(way_on(used, !asked, bound), Some(Way::IssuerWithFactor));
    assert_eq!(way_on(!used, asked, bound), None);
    assert_eq!(way_on(!used, asked, !bound), Some(Way::Issuer), "they set one up first");
    assert_eq!(way_on(!used, !asked, bound), Some(Way::Issuer));
    assert_eq!(way_on(!used, !asked, !bound), Some(Way::Issuer));
}
