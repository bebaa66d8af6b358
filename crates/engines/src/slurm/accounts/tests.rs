//! The wanted and the present state on the one side, the exact commands on the other.

use std::{collections::BTreeSet, time::Duration};

use domain::{CardMs, Millis};

use super::*;

const TENANT: &str = "ten_1";
const PROJECT: &str = "prj_1";

/// One customer with one project, 16 cards and 100 card-hours left.
fn wanted() -> Tree {
    Tree {
        root: "qiantang".into(),
        pause_qos: "qt-paused".into(),
        grace: Millis::from_secs(60),
        customers: vec![Customer {
            id: TENANT.into(),
            account: "qt-xixi".into(),
            is_paused: false,
            limits: Some(Limits {
                left: Some(CardMs::from_card_hours(100)),
                max_running_cards: 16,
                shares: 2,
            }),
            users: vec!["xixi".into()],
            projects: vec![ProjectAccount {
                id: PROJECT.into(),
                account: "qt-xixi_digits".into(),
                is_paused: false,
            }],
        }],
    }
}

fn association(account: &str, user: &str, parent: &str) -> Association {
    Association {
        account: account.into(),
        user: user.into(),
        parent: parent.into(),
        ..Association::default()
    }
}

/// A cluster with nothing of the center's.
fn empty() -> Found {
    let mut found = bare();
    described(&mut found, "qiantang", "by hand");
    put(&mut found, association("qiantang", "", "root"));
    found
}

fn described(found: &mut Found, account: &str, description: &str) {
    found.accounts.insert(account.into(), vec![description.into()]);
}

fn put(found: &mut Found, association: Association) {
    let key = (association.account.clone(), association.user.clone());
    found.associations.insert(key, association);
}

/// A cluster without accounts.
fn bare() -> Found {
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<String>>();
    Found {
        cluster: "c".into(),
        kinds: words(&["npu"]),
        counted: words(&["npu"]),
        enforced: words(&["associations", "limits", "qos"]),
        counts_use: true,
        count_every: Duration::from_mins(5),
        ..Found::default()
    }
}

/// The state after all of [`wanted`]: 6000 minutes left and 16 cards for 6 minutes more.
fn whole() -> Found {
    let mut found = empty();
    found.qos.push(FoundQos {
        name: "qt-paused".into(),
        description: "qiantang:paused".into(),
        grp_submit_jobs: "0".into(),
    });
    described(&mut found, "qt-xixi", "qiantang:ten_1");
    described(&mut found, "qt-xixi_digits", "qiantang:prj_1");
    let customer = Association {
        shares: Some(2),
        grp_tres: [("gres/npu".into(), 16), ("cpu".into(), 9)].into(),
        grp_tres_mins: [("gres/npu".into(), 6096)].into(),
        ..association("qt-xixi", "", "qiantang")
    };
    put(&mut found, customer);
    put(&mut found, association("qt-xixi_digits", "", "qt-xixi"));
    put(&mut found, association("qt-xixi_digits", "xixi", ""));
    found
}

fn customer(tree: &mut Tree) -> &mut Customer {
    &mut tree.customers[0]
}

fn of<'a>(found: &'a mut Found, account: &str, user: &str) -> &'a mut Association {
    found.associations.get_mut(&(account.into(), user.into())).unwrap()
}

fn paused(found: &mut Found, account: &str) {
    let there = of(found, account, "");
    (there.qos, there.default_qos) = (vec!["qt-paused".into()], "qt-paused".into());
}

/// The commands, without their common beginning.
fn commands(wanted: &Tree, found: &Found) -> Vec<String> {
    let (steps, conflicts) = steps(wanted, found);
    assert_eq!(conflicts, []);
    steps.iter().map(|step| step.command("c").replace("sacctmgr -i ", "")).collect()
}

fn conflicts(wanted: &Tree, found: &Found) -> Vec<Conflict> {
    let (steps, conflicts) = steps(wanted, found);
    assert_eq!(steps, []);
    conflicts
}

#[test]
fn nothing_there_all_is_made() {
    let all = [
        "add qos qt-paused Description=qiantang:paused GrpSubmitJobs=0",
        "add account qt-xixi cluster=c parent=qiantang Organization=qiantang Description=qiantang:ten_1",
        "modify account where name=qt-xixi cluster=c set fairshare=2 GrpTRES=gres/npu=16 GrpTRESMins=gres/npu=6096",
        "add account qt-xixi_digits cluster=c parent=qt-xixi Organization=qiantang Description=qiantang:prj_1",
        "add user xixi cluster=c account=qt-xixi_digits",
    ];
    assert_eq!(commands(&wanted(), &empty()), all);
    // A missing root is made, and one that is there is left alone.
    let mut found = empty();
    found.associations.clear();
    let root = "add account qiantang cluster=c Organization=qiantang Description=qiantang:root";
    assert_eq!(commands(&wanted(), &found)[1], root);
}

#[test]
fn all_there_nothing_is_done() {
    assert_eq!(commands(&wanted(), &whole()), [""; 0]);
}

#[test]
fn an_account_of_another_cluster_is_joined_to_this_one() {
    let mut found = whole();
    found.associations.retain(|(account, _), _| account != "qt-xixi_digits");
    let all = commands(&wanted(), &found);
    assert!(all[0].starts_with("add account qt-xixi_digits cluster=c parent=qt-xixi "), "{all:?}");
    assert_eq!(all[1], "add user xixi cluster=c account=qt-xixi_digits");
}

#[test]
fn limits_follow_the_contracts_and_what_slurm_has_counted() {
    let key = ("qt-xixi".to_owned(), "npu".to_owned());
    let hours = |hours| Some(CardMs::from_card_hours(hours));
    // The balance, the cards, Slurm's count; then the changes from 16 cards and 6096 minutes.
    for (left, cards, used, want) in [
        (hours(100), 16, 0, None),
        // Used there and gone here: the sum stays.
        (hours(60), 16, 2400, None),
        (hours(60), 16, 2399, None),
        // A limit that is a little too high is left; one that is too low is not.
        (hours(98), 16, 0, None),
        (hours(90), 16, 0, Some("GrpTRESMins=gres/npu=5496")),
        (hours(100), 16, 1, None),
        (hours(100), 16, 2, Some("GrpTRESMins=gres/npu=6098")),
        (hours(200), 16, 0, Some("GrpTRESMins=gres/npu=12096")),
        (hours(0), 16, 6000, None),
        (hours(-1), 16, 6000, None),
        (None, 16, 0, Some("GrpTRESMins=gres/npu=-1")),
        (hours(100), 8, 48, Some("GrpTRES=gres/npu=8")),
        (hours(100), 32, 0, Some("GrpTRES=gres/npu=32 GrpTRESMins=gres/npu=6192")),
    ] {
        let (mut tree, mut found) = (wanted(), whole());
        customer(&mut tree).limits = Some(Limits { left, max_running_cards: cards, shares: 2 });
        found.used_min.insert(key.clone(), used);
        let want: Vec<String> =
            want.iter().map(|set| format!("modify account where name=qt-xixi cluster=c set {set}")).collect();
        assert_eq!(commands(&tree, &found), want, "{left:?} {cards} {used}");
    }
    // The share follows the weight of the contracts.
    let mut tree = wanted();
    customer(&mut tree).limits.as_mut().unwrap().shares = 7;
    assert_eq!(commands(&tree, &whole()), ["modify account where name=qt-xixi cluster=c set fairshare=7"]);
    // No limit is none already.
    let (mut tree, mut found) = (wanted(), whole());
    customer(&mut tree).limits = Some(Limits { left: None, max_running_cards: 16, shares: 2 });
    of(&mut found, "qt-xixi", "").grp_tres_mins.clear();
    assert_eq!(commands(&tree, &found), [""; 0]);
}

#[test]
fn a_pause_and_its_end() {
    let mut tree = wanted();
    (customer(&mut tree).is_paused, customer(&mut tree).limits) = (true, None);
    customer(&mut tree).projects[0].is_paused = true;
    let pause = |account| {
        format!("modify account where name={account} cluster=c set qos=qt-paused defaultqos=qt-paused")
    };
    assert_eq!(commands(&tree, &whole()), [pause("qt-xixi"), pause("qt-xixi_digits")]);
    let mut found = whole();
    paused(&mut found, "qt-xixi");
    paused(&mut found, "qt-xixi_digits");
    assert_eq!(commands(&tree, &found), [""; 0]);
    assert!(found.is_paused("qt-xixi", "qt-paused"));
    let resume = |account| format!("modify account where name={account} cluster=c set qos= defaultqos=-1");
    assert_eq!(commands(&wanted(), &found), [resume("qt-xixi"), resume("qt-xixi_digits")]);
    // Nothing is made in order to pause it, except the QOS.
    assert_eq!(commands(&tree, &empty()).len(), 1);
    // A QOS that takes jobs pauses nobody.
    found.qos[0].grp_submit_jobs = String::new();
    assert_eq!(commands(&tree, &found), ["modify qos where name=qt-paused set GrpSubmitJobs=0"]);
}

#[test]
fn what_is_gone_or_renamed_is_paused_and_kept() {
    let mut tree = wanted();
    customer(&mut tree).projects.clear();
    let pause = "modify account where name=qt-xixi_digits cluster=c set qos=qt-paused defaultqos=qt-paused";
    assert_eq!(commands(&tree, &whole()), [pause]);
    let mut tree = wanted();
    customer(&mut tree).projects[0].account = "qt-xixi_figures".into();
    let all = commands(&tree, &whole());
    assert!(all[0].starts_with("add account qt-xixi_figures ") && all.last().unwrap() == pause, "{all:?}");
    // Another center's account is left alone.
    let mut found = whole();
    described(&mut found, "hz-other", "qiantang:ten_9");
    put(&mut found, association("hz-other", "", "qiantang"));
    assert_eq!(commands(&wanted(), &found), [""; 0]);
}

#[test]
fn what_the_center_did_not_make_is_not_touched() {
    // Where the customer's name is taken, nothing of the customer is made. Where the project's name is taken,
    // the rest is.
    let foreign = |account: &str| Conflict::ForeignAccount {
        account: account.to_owned(),
        description: "somebody's".to_owned(),
    };
    for (taken, nothing_of) in [("qt-xixi", "qt-xixi"), ("qt-xixi_digits", "qt-xixi_digits")] {
        let mut found = empty();
        described(&mut found, taken, "somebody's");
        put(&mut found, association(taken, "", "root"));
        let (steps, conflicts) = steps(&wanted(), &found);
        assert_eq!(conflicts, [foreign(taken)]);
        let all: Vec<String> = steps.iter().map(|step| step.command("c")).collect();
        assert!(!all.iter().any(|command| command.contains(nothing_of)), "{all:?}");
    }
    // An account of another tenant is not ours either.
    let mut found = whole();
    described(&mut found, "qt-xixi", "qiantang:ten_2");
    assert!(matches!(conflicts(&wanted(), &found)[0], Conflict::ForeignAccount { .. }));
    // A QOS of that name pauses nobody.
    let mut tree = wanted();
    (customer(&mut tree).is_paused, customer(&mut tree).limits) = (true, None);
    let mut found = whole();
    found.qos[0].description = "ours".into();
    let want = Conflict::ForeignQos { qos: "qt-paused".into(), description: "ours".into() };
    assert_eq!(conflicts(&tree, &found), [want]);
}

#[test]
fn what_the_site_set_by_hand_stays() {
    // An association of the user, with limits of its own.
    let mut found = whole();
    of(&mut found, "qt-xixi_digits", "xixi").grp_tres = [("gres/npu".into(), 1)].into();
    assert_eq!(commands(&wanted(), &found), [""; 0]);
    // A list of QOS stays, and no pause is set over it.
    for (account, user) in [("qt-xixi", ""), ("qt-xixi_digits", "xixi")] {
        let mut tree = wanted();
        let mut found = whole();
        of(&mut found, account, user).qos = vec!["high".into(), "low".into()];
        assert_eq!(commands(&tree, &found), [""; 0]);
        (customer(&mut tree).is_paused, customer(&mut tree).limits) = (true, None);
        if !user.is_empty() {
            paused(&mut found, "qt-xixi");
        }
        let want = Conflict::OwnQos { account: account.into(), user: user.into(), qos: "high,low".into() };
        assert_eq!(conflicts(&tree, &found), [want]);
    }
    // An account that was moved.
    let mut found = whole();
    of(&mut found, "qt-xixi", "").parent = "own".into();
    let want = Conflict::Moved { account: "qt-xixi".into(), parent: "own".into(), wanted: "qiantang".into() };
    assert_eq!(conflicts(&wanted(), &found), [want]);
}

#[test]
fn limits_that_would_not_bind_are_named() {
    let mut found = whole();
    (found.enforced, found.counts_use) = (["associations".to_owned()].into(), false);
    found.kinds.insert("gpu".into());
    let want = [
        Conflict::NotEnforced { what: "limits" },
        Conflict::NotEnforced { what: "qos" },
        Conflict::UseNotCounted,
        Conflict::NotCounted { kind: "gpu".into() },
    ];
    assert_eq!(conflicts(&wanted(), &found), want);
}

#[test]
fn commands_are_words_of_a_shell() {
    let step = Step::AddUser { user: "a b;c".into(), accounts: vec!["x".into()] };
    assert_eq!(step.command("c"), "sacctmgr -i add user 'a b;c' cluster=c account=x");
    assert_eq!(step.args("c")[3], "a b;c");
}
