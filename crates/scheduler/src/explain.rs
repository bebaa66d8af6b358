//! For each job that waits: the limit that binds, as of the last plan.

use domain::{ContractState, JobId, ServiceClass, Timestamp};
use rustc_hash::FxHashMap;

use crate::{
    Backfill, Block, Certainty, Gate, Limit, Misfit, Verdict,
    hold::Owner,
    index,
    jobs::Job,
    planner::{NONE, Planner},
    stream::Entry,
};

/// What is worked out once for all verdicts between two changes.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    /// How many jobs are in the streams before each, by stream.
    ahead: Vec<u32>,
    /// Where in the order each stream is; [`NONE`] if nowhere.
    rank: Vec<u32>,
    forecasts: FxHashMap<u32, Timestamp>,
    /// By what is asked for and how many holds a job of it meets.
    limits: FxHashMap<(u32, u32), Limit>,
}

impl Planner {
    /// Why a job waits, as of the last plan; `None` if it is not known. Constant, once the first was asked for after a
    /// change: then a look forward at the next starts.
    pub fn verdict(&mut self, job: JobId) -> Option<Verdict> {
        let slot = self.slot_of(job)?;
        let mut outlook = self.outlook.take().unwrap_or_else(|| self.look_out());
        let verdict = self.judge(slot, &mut outlook);
        self.outlook = Some(outlook);
        Some(verdict)
    }

    /// One verdict for every job that waits, in planning order. Linear in the jobs.
    pub fn verdicts(&mut self) -> Vec<Verdict> {
        let mut outlook = self.outlook.take().unwrap_or_else(|| self.look_out());
        let mut aside = self.not_lined_up(&outlook).into_iter().peekable();
        let mut verdicts = Vec::with_capacity(self.jobs.len());
        for &stream in &self.order {
            let rank = outlook.rank[stream as usize];
            let class = class_of(stream);
            let before = outlook.ahead[stream as usize];
            let account = self.account_of_stream(stream);
            for (position, entry) in (0..).zip(self.streams[stream as usize].entries()) {
                while let Some((_, slot)) = aside.next_if(|(key, _)| *key < (class, rank, *entry)) {
                    verdicts.push(self.judge(slot, &mut outlook));
                }
                verdicts.push(self.judge_lined_up(entry, account, &mut outlook, before + position));
            }
        }
        let strays = aside.map(|(_, slot)| slot).collect::<Vec<_>>();
        verdicts.extend(strays.into_iter().map(|slot| self.judge(slot, &mut outlook)));
        self.outlook = Some(outlook);
        verdicts
    }

    /// Jobs that are in no stream, in planning order as if they were. Linear in the jobs if there are such.
    fn not_lined_up(&self, outlook: &Outlook) -> Vec<((ServiceClass, u32, Entry), u32)> {
        let lined_up: usize = self.streams.iter().map(crate::stream::Stream::len).sum();
        if lined_up == self.jobs.len() {
            return Vec::new();
        }
        let key = |(slot, job): (u32, &Job)| {
            let stream = if job.account == NONE { NONE } else { index(self.stream_of(job)) };
            let rank = outlook.rank.get(stream as usize).copied().unwrap_or(NONE);
            ((job.class, rank, self.entry(slot)), slot)
        };
        let mut aside: Vec<_> = self.jobs.iter().filter(|(_, job)| !job.is_lined_up).map(key).collect();
        aside.sort_unstable();
        aside
    }

    fn look_out(&mut self) -> Outlook {
        let count = self.streams.len();
        let mut outlook = Outlook { ahead: vec![0; count], rank: vec![NONE; count], ..Outlook::default() };
        // Jobs came to streams that were empty at the last plan.
        let mut is_known = vec![false; count];
        self.order.iter().for_each(|&stream| is_known[stream as usize] = true);
        let is_new = |stream: &u32| !is_known[*stream as usize] && self.streams[*stream as usize].len() > 0;
        self.order.extend((0..index(count)).filter(is_new));
        self.order.sort_by_key(|&stream| class_of(stream));
        let mut ahead = 0;
        for (rank, &stream) in (0..).zip(&self.order) {
            outlook.ahead[stream as usize] = ahead;
            outlook.rank[stream as usize] = rank;
            ahead += index(self.streams[stream as usize].len());
        }
        outlook.forecasts = self.forecast();
        outlook
    }

    fn judge(&self, slot: u32, outlook: &mut Outlook) -> Verdict {
        let job = &self.jobs[slot];
        let id = job.id;
        if job.account == NONE {
            let limit = Limit::ContractClosed { state: ContractState::Terminated };
            return Verdict { job: id, limit, ahead: 0, forecast_start: None, certainty: Certainty::Unknown };
        }
        let (stream, entry) = (self.stream_of(job), self.entry(slot));
        let ahead = outlook.ahead[stream] + index(self.streams[stream].position(&entry));
        if !job.is_lined_up {
            let limit = self.own_limit(slot);
            return Verdict { job: id, limit, ahead, forecast_start: None, certainty: Certainty::Unknown };
        }
        self.judge_lined_up(&entry, Some(job.account), outlook, ahead)
    }

    /// Of a job in line, by what the line knows of it: with many of them, fetching each one's own from memory is what costs.
    fn judge_lined_up(
        &self,
        entry: &Entry,
        account: Option<u32>,
        outlook: &mut Outlook,
        ahead: u32,
    ) -> Verdict {
        let slot = entry.job;
        let account = account.unwrap_or_else(|| self.jobs[slot].account);
        let promise = self.promise(slot).filter(|_| self.policy.forecast_runs > 0);
        let limit = self.shared_limit(entry, account, outlook, ahead);
        let (forecast_start, certainty) = match (promise, outlook.forecasts.get(&slot)) {
            (Some(start), _) => (Some(start), Certainty::Exact),
            (None, Some(&start)) => (Some(start), Certainty::Estimate),
            (None, None) => (None, Certainty::Unknown),
        };
        let job = JobId::from_bytes(entry.id.to_be_bytes());
        Verdict { job, limit, ahead, forecast_start, certainty }
    }

    /// Every job to which a start is promised, and when that is at the latest. Linear in those.
    pub fn promises(&self) -> impl Iterator<Item = (JobId, Timestamp)> {
        self.held.keys().filter_map(|slot| Some((self.jobs[*slot].id, self.promise(*slot)?)))
    }

    /// When a job starts at the latest, where cards are held for it.
    pub(crate) fn promise(&self, slot: u32) -> Option<Timestamp> {
        let site = self.held.get(&slot)?;
        let mut holds = self.sites[*site as usize].holds.iter();
        holds.find(|hold| hold.owner == Owner::Job(slot)).map(|hold| hold.from.max(self.now))
    }

    /// What lies in the job or its contract.
    fn own_limit(&self, slot: u32) -> Limit {
        let job = &self.jobs[slot];
        let (ask, account) = (&self.asks.list[job.ask as usize], &self.accounts[job.account as usize]);
        let is_above = ask.cards > account.limit;
        let above = is_above.then_some(Misfit::AboveContractLimit { limit: account.limit });
        if let Some(why) = ask.misfit.clone().or(above) {
            return Limit::NeverFits { nodes: ask.nodes(), cards_per_node: ask.cards_per_node(), why };
        }
        match account.queue.gate {
            Gate::Closed(state) => return Limit::ContractClosed { state },
            Gate::Ended => return Limit::ContractClosed { state: ContractState::Expired },
            Gate::NotYet { starts_at } => return Limit::ContractNotStarted { starts_at },
            Gate::Open => {}
        }
        match job.block.as_deref().copied() {
            Some(Block::Dependency { waits_for, first }) => Limit::Dependency { waits_for, first },
            Some(Block::ArrayLimit { running, limit }) => Limit::ArrayLimit { running, limit },
            None => Limit::ArrayLimit { running: 0, limit: 0 },
        }
    }

    /// What lies in what others have. Constant once what the job asks for was looked at.
    fn shared_limit(&self, entry: &Entry, account: u32, outlook: &mut Outlook, ahead: u32) -> Limit {
        let (slot, end) = (entry.job, self.end_of(entry.limit));
        let ask = &self.asks.list[entry.ask as usize];
        let account = &self.accounts[account as usize];
        let is_promised = self.held.contains_key(&slot);
        if let Some(limit) = &ask.nodes_out {
            return limit.clone();
        }
        if account.is_above_limit_with(ask.cards) {
            return Limit::MaxRunningCards {
                running: account.running,
                asked: ask.cards,
                limit: account.limit,
            };
        }
        if is_promised && let Some(until) = self.jobs[slot].reclaimed_until {
            return Limit::Reclaiming { asked: ask.cards, until };
        }
        if !is_promised
            && let Some(job) = account.keeps_from(slot, ask.cards, end)
            && let Some(job) = self.jobs.get(job)
        {
            return Limit::Behind { job: job.id, ahead };
        }
        // What is its own and lent comes back with the cards of those that borrowed it.
        if let Some(quotas) = self.quotas.as_ref().filter(|_| !account.is_guaranteed_with(ask.cards)) {
            let available = u32::try_from(quotas.available(account.branch)).unwrap_or(0);
            let are_free = |(site, labelled): &(u32, Box<[bool]>)| {
                self.sites[*site as usize].fitting(ask.need(labelled)) >= ask.nodes()
            };
            if available < ask.cards && ask.sites.iter().any(are_free) {
                return Limit::KeptForOthers { available, asked: ask.cards };
            }
        }
        let met = |site: u32| {
            let holds = &self.sites[site as usize].holds;
            holds.iter().filter(|hold| hold.from < end && hold.owner != Owner::Job(slot)).count()
        };
        let met = index(ask.sites.iter().map(|(site, _)| met(*site)).sum());
        let limit = outlook.limits.entry((entry.ask, met)).or_insert_with(|| self.card_limit(entry, end));
        match limit {
            Limit::Behind { job, .. } => Limit::Behind { job: *job, ahead },
            limit => limit.clone(),
        }
    }

    /// What lies in the cards.
    fn card_limit(&self, entry: &Entry, end: Timestamp) -> Limit {
        let slot = entry.job;
        let ask = &self.asks.list[entry.ask as usize];
        let mut behind = None;
        let mut most = (0, 0);
        for (site, labelled) in &ask.sites {
            let need = ask.need(labelled);
            let at = &self.sites[*site as usize];
            let fitting = at.fitting(need);
            most = most.max((at.free_cards(), fitting));
            if fitting < need.nodes {
                continue;
            }
            let runs = |run: u32| self.runs[run].cards.count;
            let is_shut = self.policy.backfill == Backfill::None && at.held_in.0 == self.stamp;
            if !is_shut && at.fitting_until(need, end, Owner::Job(slot), runs) >= need.nodes {
                return Limit::MaxStarts { limit: self.policy.max_starts };
            }
            let held = at.holds.iter().filter(|hold| hold.from < end).map(|hold| hold.owner);
            let owners = held.chain(is_shut.then_some(Owner::Job(at.held_in.1)));
            for owner in owners {
                match owner {
                    Owner::Job(of) if of != slot => {
                        let job = self.jobs.get(of).map(|job| Limit::Behind { job: job.id, ahead: 0 });
                        behind = behind.or(job);
                    }
                    Owner::Maintenance(rank) => {
                        let from = at
                            .holds
                            .iter()
                            .find(|hold| hold.owner == Owner::Maintenance(rank))
                            .map(|hold| hold.from);
                        behind = behind.or(from.map(|from| Limit::Maintenance { from }));
                    }
                    Owner::Job(_) => {}
                }
            }
        }
        if let Some(limit) = behind {
            return limit;
        }
        let ((free, nodes_fitting), asked) = (most, ask.cards);
        if free < asked {
            Limit::FreeCards { free, asked }
        } else {
            Limit::Fragmented { free, asked, nodes_fitting, nodes_needed: ask.nodes() }
        }
    }

    /// The first jobs in order that may start, with their tasks, until there are so many runs.
    pub(crate) fn first_in_order(&self, mut runs: u32) -> Vec<(u32, u32)> {
        let mut first = Vec::new();
        for &stream in &self.order {
            for entry in self.streams[stream as usize].entries() {
                if runs == 0 {
                    return first;
                }
                let tasks = self.jobs[entry.job].tasks.min(runs);
                runs -= tasks;
                first.push((entry.job, tasks));
            }
        }
        first
    }
}

fn class_of(stream: u32) -> ServiceClass {
    ServiceClass::ALL[stream as usize % ServiceClass::ALL.len()]
}
