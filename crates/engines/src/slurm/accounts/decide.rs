//! Decides the changes in Slurm, from the wanted tree and the present state. Nothing is asked and nothing is
//! changed here.

use std::collections::BTreeSet;

use super::{
    found::{Association, Found, Standing},
    mark::mark_of,
    step::{Conflict, Step},
    tree::{Customer, Limits, Tree},
};

/// A limit stays as it is while it exceeds the wanted one by no more than one part in so many.
const TOLERATED: u64 = 33;

/// Returns the steps that bring Slurm in line with the wanted tree, in the order in which they are carried
/// out, and the conflicts that keep other steps from being taken. The same arguments give the same result.
///
/// Nothing is ever removed: an account without its project is paused, so that the use under it stays known.
pub fn steps(wanted: &Tree, found: &Found) -> (Vec<Step>, Vec<Conflict>) {
    let mut decision = Decision { wanted, found, can_pause: true, steps: Vec::new(), conflicts: Vec::new() };
    decision.check_enforcement();
    decision.qos();
    decision.root();
    for customer in &wanted.customers {
        decision.customer(customer);
    }
    decision.leftovers();
    (decision.steps, decision.conflicts)
}

struct Decision<'a> {
    wanted: &'a Tree,
    found: &'a Found,
    can_pause: bool,
    steps: Vec<Step>,
    conflicts: Vec<Conflict>,
}

impl Decision<'_> {
    /// Notes what limits lack to bind.
    fn check_enforcement(&mut self) {
        for what in ["associations", "limits", "qos"] {
            if !self.found.enforced.contains(what) {
                self.conflicts.push(Conflict::NotEnforced { what });
            }
        }
        if !self.found.counts_use {
            self.conflicts.push(Conflict::UseNotCounted);
        }
        for kind in self.found.kinds.difference(&self.found.counted) {
            self.conflicts.push(Conflict::NotCounted { kind: kind.clone() });
        }
    }

    fn qos(&mut self) {
        let qos = self.wanted.pause_qos.clone();
        match self.found.qos.iter().find(|found| found.name == qos) {
            None => self.steps.push(Step::AddQos { qos }),
            Some(found) if mark_of(&found.description).is_none() => {
                self.can_pause = false;
                self.conflicts.push(Conflict::ForeignQos { qos, description: found.description.clone() });
            }
            Some(found) if found.grp_submit_jobs != "0" => self.steps.push(Step::CloseQos { qos }),
            Some(_) => {}
        }
    }

    /// The root may be anybody's: it is never changed.
    fn root(&mut self) {
        let root = &self.wanted.root;
        if self.found.association(root).is_none() {
            let mark = "root".to_owned();
            self.steps.push(Step::AddAccount { account: root.clone(), parent: None, mark });
        }
    }

    fn customer(&mut self, customer: &Customer) {
        let account = &customer.account;
        if !self.account(account, &customer.id, &self.wanted.root, customer.is_paused) {
            return;
        }
        if let Some(limits) = customer.limits {
            self.limits(account, limits);
        }
        let mut projects = Vec::new();
        for project in &customer.projects {
            if self.account(&project.account, &project.id, account, project.is_paused) {
                projects.push(&project.account);
            }
        }
        for user in &customer.users {
            let is_missing = |account: &&&String| !self.found.has_user(account, user);
            let accounts: Vec<String> =
                projects.iter().filter(is_missing).map(|account| (*account).clone()).collect();
            if !accounts.is_empty() {
                self.steps.push(Step::AddUser { user: user.clone(), accounts });
            }
        }
        if customer.is_paused {
            for account in projects {
                self.note_own_qos_of_users(account);
            }
        }
    }

    /// Brings an account of the center's in line, paused or not. Whether the account is there, or will be.
    fn account(&mut self, account: &str, id: &str, parent: &str, is_paused: bool) -> bool {
        let standing = self.found.standing(account, id);
        if let Standing::Foreign(description) = standing {
            let (account, description) = (account.to_owned(), description.to_owned());
            self.conflicts.push(Conflict::ForeignAccount { account, description });
            return false;
        }
        let there = self.found.association(account).filter(|_| standing == Standing::Ours);
        let Some(there) = there else {
            // Nobody can submit to an account that is not there.
            if !is_paused {
                let (account, parent) = (account.to_owned(), Some(parent.to_owned()));
                self.steps.push(Step::AddAccount { account, parent, mark: id.to_owned() });
            }
            return !is_paused;
        };
        if there.parent != parent {
            self.conflicts.push(Conflict::Moved {
                account: account.to_owned(),
                parent: there.parent.clone(),
                wanted: parent.to_owned(),
            });
        }
        self.pause(there, is_paused);
        true
    }

    fn pause(&mut self, there: &Association, is_paused: bool) {
        let qos = &self.wanted.pause_qos;
        let account = there.account.clone();
        let has_pause = there.qos == [qos.as_str()];
        let inherits = there.qos.is_empty() && there.default_qos.is_empty();
        match (is_paused, has_pause) {
            (true, false) if !inherits => self.note_own_qos(there),
            (true, false) if self.can_pause => self.steps.push(Step::Pause { account, qos: qos.clone() }),
            (false, true) if self.can_pause => self.steps.push(Step::Resume { account }),
            _ => {}
        }
    }

    fn note_own_qos(&mut self, there: &Association) {
        let mut all = there.qos.clone();
        if !there.default_qos.is_empty() && !all.contains(&there.default_qos) {
            all.push(there.default_qos.clone());
        }
        self.conflicts.push(Conflict::OwnQos {
            account: there.account.clone(),
            user: there.user.clone(),
            qos: all.join(","),
        });
    }

    /// Notes users with a list of their own, whom a pause of the account does not reach.
    fn note_own_qos_of_users(&mut self, account: &str) {
        let qos = self.wanted.pause_qos.as_str();
        let found = self.found;
        let from = (account.to_owned(), String::new());
        let of_account = found.associations.range(from..).map(|(_, of)| of);
        for there in of_account.take_while(|of| of.account == account) {
            if !there.user.is_empty() && !there.qos.is_empty() && there.qos != [qos] {
                self.note_own_qos(there);
            }
        }
    }

    fn limits(&mut self, account: &str, limits: Limits) {
        let none = Association::default();
        let there = self.found.association(account).unwrap_or(&none);
        // A new account has one share.
        let shares = (there.shares.unwrap_or(1) != limits.shares).then_some(limits.shares);
        let (mut cards, mut card_min) = (Vec::new(), Vec::new());
        let max = u64::from(limits.max_running_cards);
        for kind in self.found.kinds.intersection(&self.found.counted) {
            let tres = format!("gres/{kind}");
            if there.grp_tres.get(&tres) != Some(&max) {
                cards.push((kind.clone(), Some(max)));
            }
            let has = there.grp_tres_mins.get(&tres).copied();
            let wanted = limits.left.map(|left| {
                let more = minutes(left.0) + self.margin_min(max);
                (self.found.used_min(account, kind) + more, more)
            });
            let is_right = match (has, wanted) {
                (None, None) => true,
                (Some(has), Some((wanted, more))) => {
                    (wanted.saturating_sub(1)..=wanted + (more / TOLERATED).max(1)).contains(&has)
                }
                _ => false,
            };
            if !is_right {
                card_min.push((kind.clone(), wanted.map(|(wanted, _)| wanted)));
            }
        }
        if shares.is_some() || !cards.is_empty() || !card_min.is_empty() {
            self.steps.push(Step::SetLimits { account: account.to_owned(), shares, cards, card_min });
        }
    }

    /// The use of all the cards between the end of the balance and the moment when the center has ended their
    /// runs and Slurm has counted them. With this margin the center's own end comes first.
    fn margin_min(&self, cards: u64) -> u64 {
        let lag_ms = u64::try_from(self.found.count_every.as_millis()).unwrap_or(0);
        let ms = lag_ms + u64::try_from(self.wanted.grace.0).unwrap_or(0);
        cards.saturating_mul(ms).div_ceil(60_000)
    }

    /// Pauses accounts that the center made for projects that are gone, or that have another name now.
    fn leftovers(&mut self) {
        let mut names = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut customers = BTreeSet::new();
        for customer in &self.wanted.customers {
            customers.insert(customer.account.as_str());
            for (id, name) in std::iter::once((&customer.id, &customer.account))
                .chain(customer.projects.iter().map(|project| (&project.id, &project.account)))
            {
                names.insert(name.as_str());
                ids.insert(id.as_str());
            }
        }
        let found = self.found;
        for there in found.associations.values().filter(|of| of.user.is_empty()) {
            let name = there.account.as_str();
            if names.contains(name) {
                continue;
            }
            let Some([description]) = found.accounts.get(name).map(Vec::as_slice) else { continue };
            // Another center may have accounts of its own here.
            let is_ours = mark_of(description).is_some_and(|id| {
                ids.contains(id) || (id.starts_with("prj_") && customers.contains(there.parent.as_str()))
            });
            if is_ours {
                self.pause(there, true);
            }
        }
    }
}

/// Whole minutes, rounded up.
fn minutes(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).div_ceil(60_000)
}
