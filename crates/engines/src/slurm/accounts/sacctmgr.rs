//! Looks at Slurm's accounts and changes them: sacctmgr, sshare, scontrol.
//!
//! sacctmgr parts columns by `|` and knows no other mark. So a line counts only if it has as many columns as
//! it should, free text comes last, and a name that is there twice is nobody's.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    found::{Association, Found, FoundQos},
    mark::MARK,
    step::Step,
};
use crate::{
    engine::EngineError,
    slurm::{
        client::{
            commands::Commands,
            port::{Port as _, SlurmError},
            refusal::problem,
        },
        disk::user::UnixUser,
    },
};

/// A longer list of names is left out of the question, since an argument has a limit.
const MAX_NAMES_BYTES: usize = 100_000;

/// Slurm's accounting, as seen by the user of this process: root, Slurm's own user, or an administrator of
/// Slurm's.
#[derive(Clone, Debug)]
pub struct Sacctmgr(Commands);

impl Sacctmgr {
    /// `bin` is the folder of Slurm's commands, and `conf` is `SLURM_CONF`. Where one is left out, the
    /// system's own counts.
    pub fn new(bin: Option<PathBuf>, conf: Option<PathBuf>, timeout: Duration) -> Self {
        Self(Commands::new(bin, conf, timeout))
    }

    /// Looks at everything of the center's making, and at the account `root`.
    pub fn look(&self, root: &str) -> Result<Found, EngineError> {
        Ok(self.look_for(root)?)
    }

    fn look_for(&self, root: &str) -> Result<Found, SlurmError> {
        let config = self.0.ask("scontrol", ["show", "config"])?;
        let mut found = Found { accounts: self.accounts()?, qos: self.qos()?, ..Found::default() };
        read_config(&config, &mut found);
        if found.cluster.is_empty() {
            return Err(SlurmError::Unclear("scontrol does not report the name of the cluster".to_owned()));
        }
        let is_marked = |texts: &Vec<String>| texts.iter().any(|text| text.starts_with(MARK));
        let marked = found.accounts.iter().filter(|(_, texts)| is_marked(texts));
        let names: Vec<&str> = std::iter::once(root).chain(marked.map(|(name, _)| name.as_str())).collect();
        found.associations = self.associations(&found.cluster, &names.join(","))?;
        found.kinds = self.0.nodes()?.into_iter().filter_map(|node| Some(node.gres?.0)).collect();
        if found.counts_use {
            let used = self.0.ask("sshare", ["-nP", "--format=Account,User,GrpTRESRaw"])?;
            found.used_min = read_used(&used);
        }
        Ok(found)
    }

    fn show(&self, what: &[&str]) -> Result<String, SlurmError> {
        self.0.ask("sacctmgr", ["-nP", "show"].into_iter().chain(what.iter().copied()))
    }

    fn accounts(&self) -> Result<BTreeMap<String, Vec<String>>, SlurmError> {
        Ok(read_accounts(&self.show(&["account", "format=Account,Description"])?))
    }

    fn qos(&self) -> Result<Vec<FoundQos>, SlurmError> {
        Ok(read_qos(&self.show(&["qos", "format=Name,GrpSubmitJobs,Description"])?))
    }

    fn associations(
        &self,
        cluster: &str,
        names: &str,
    ) -> Result<BTreeMap<(String, String), Association>, SlurmError> {
        let cluster = format!("cluster={cluster}");
        let names = format!("account={names}");
        let mut what = vec!["association", "WOPLimits", "where", &cluster];
        if names.len() <= MAX_NAMES_BYTES {
            what.push(&names);
        }
        what.push("format=Account,User,ParentName,Fairshare,GrpTRES,GrpTRESMins,QOS,DefaultQOS");
        let all = read_associations(&self.show(&what)?);
        Ok(all.into_iter().map(|one| ((one.account.clone(), one.user.clone()), one)).collect())
    }

    /// Makes one change. A change that is made already is no failure.
    pub fn carry_out(&self, cluster: &str, step: &Step) -> Result<(), EngineError> {
        let answer = self.0.run("sacctmgr", step.args(cluster), None)?;
        let is_made = |out: &str| out.contains("Nothing new added") || out.contains("Nothing modified");
        if answer.ok || is_made(&answer.out) || is_made(&answer.err) {
            return Ok(());
        }
        // sacctmgr says why on one of its outputs.
        let said = if answer.err.trim().is_empty() { &answer.out } else { &answer.err };
        Err(EngineError::Slurm(problem("sacctmgr", said)))
    }
}

/// The name of the user of this process.
pub fn own_user() -> Option<String> {
    UnixUser::find(None).ok()?.map(|user| user.name)
}

fn read_config(text: &str, found: &mut Found) {
    let value = |key: &str| {
        let line =
            text.lines().find_map(|line| line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('='));
        line.map(str::trim).unwrap_or_default()
    };
    value("ClusterName ").clone_into(&mut found.cluster);
    let words = |key: &str| value(key).split(',').map(|word| word.trim().to_lowercase()).collect::<Vec<_>>();
    found.counted = words("AccountingStorageTRES ")
        .iter()
        .filter_map(|word| Some(word.strip_prefix("gres/")?.to_owned()))
        .collect();
    found.enforced = words("AccountingStorageEnforce ").into_iter().collect();
    if found.enforced.contains("all") {
        found.enforced.extend(["associations", "limits", "qos"].map(str::to_owned));
    }
    found.counts_use = value("PriorityType ") == "priority/multifactor";
    found.count_every = span(value("PriorityCalcPeriod ")).unwrap_or(Duration::from_mins(5));
}

/// A time such as `5` (minutes), `00:05:00` or `1-00:00:00`.
fn span(text: &str) -> Option<Duration> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let days: u64 = days.parse().ok()?;
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = match *parts.as_slice() {
        [minutes] => minutes * 60,
        [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(days * 86_400 + seconds))
}

fn columns<const N: usize>(line: &str) -> Option<[&str; N]> {
    line.splitn(N, '|').collect::<Vec<_>>().try_into().ok()
}

fn read_accounts(out: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for [name, text] in out.lines().filter_map(columns) {
        all.entry(name.to_owned()).or_default().push(text.to_owned());
    }
    all
}

fn read_qos(out: &str) -> Vec<FoundQos> {
    let of_line = |line: &str| {
        let [name, grp_submit_jobs, description] = columns(line)?.map(str::to_owned);
        Some(FoundQos { name, description, grp_submit_jobs })
    };
    out.lines().filter_map(of_line).collect()
}

fn read_associations(out: &str) -> Vec<Association> {
    let of_line = |line: &str| {
        let [account, user, parent, shares, cards, minutes, qos, default_qos] =
            line.split('|').collect::<Vec<_>>().try_into().ok()?;
        Some(Association {
            account: str::to_owned(account),
            user: str::to_owned(user),
            parent: str::to_owned(parent),
            shares: str::parse(shares).ok(),
            grp_tres: tres(cards),
            grp_tres_mins: tres(minutes),
            qos: qos.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            default_qos: str::to_owned(default_qos),
        })
    };
    out.lines().filter_map(of_line).collect()
}

/// A list such as `cpu=64,gres/npu=8`.
fn tres(text: &str) -> BTreeMap<String, u64> {
    let one = |entry: &str| {
        let (name, value) = entry.rsplit_once('=')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.split(',').filter_map(one).collect()
}

/// Card-minutes by account and kind, from lines such as ` qt-xixi||cpu=1,gres/npu=7`. Names are indented by
/// their depth.
fn read_used(out: &str) -> BTreeMap<(String, String), u64> {
    let mut used = BTreeMap::new();
    for line in out.lines() {
        let Some([account, "", counted]) = columns::<3>(line) else { continue };
        for (name, value) in tres(counted) {
            if let Some(kind) = name.strip_prefix("gres/") {
                used.insert((account.trim().to_owned(), kind.to_owned()), value);
            }
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::accounts::found::Standing;

    #[test]
    fn settings_are_read() {
        let text = "Configuration data as of 1700000000\nAccountingStorageEnforce = associations,limits,qos,safe\n\
            AccountingStorageTRES   = cpu,mem,gres/npu,gres/npu:ascend910\nClusterName             = qtest\n\
            PriorityCalcPeriod      = 00:01:30\nPriorityType            = priority/multifactor\n";
        let mut found = Found::default();
        read_config(text, &mut found);
        assert_eq!(
            (found.cluster.as_str(), found.count_every.as_secs(), found.counts_use),
            ("qtest", 90, true)
        );
        assert!(found.counted.contains("npu") && found.enforced.contains("limits"));
        for (text, want) in [
            ("5", Some(300)),
            ("00:05:00", Some(300)),
            ("1-00:00:01", Some(86_401)),
            ("NONE", None),
            ("", None),
        ] {
            assert_eq!(span(text).map(|span| span.as_secs()), want, "{text}");
        }
    }

    #[test]
    fn odd_text_is_no_account() {
        let accounts =
            read_accounts("qt-a|qiantang:ten_1\nodd|line\nqt-a|qiantang:ten_2\nnothing\nqt.b|x|own|y\n");
        assert_eq!(accounts.len(), 3);
        let found = Found { accounts, ..Found::default() };
        assert_eq!(found.standing("qt-a", "ten_1"), Standing::Foreign("qiantang:ten_1"));
        assert_eq!(found.standing("qt.b", "ten_1"), Standing::Foreign("x|own|y"));
        assert_eq!(found.standing("nothing", "ten_1"), Standing::Absent);
    }

    #[test]
    fn associations_and_use_are_read() {
        let out = "qt-a||qiantang|5|cpu=64,gres/npu=8|gres/npu=100|||\nqt-a||qiantang|5|cpu=64,gres/npu=8|gres/npu=100|qt-paused|qt-paused\n\
            qt-a_p|alice|||||high,low|\nshort|line\n";
        let all = read_associations(out);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].grp_tres["gres/npu"], all[0].grp_tres_mins["gres/npu"]), (8, 100));
        assert_eq!((all[0].qos.as_slice(), all[1].qos.len()), ([String::from("qt-paused")].as_slice(), 2));
        assert_eq!((all[0].shares, all[1].shares), (Some(5), None));
        let used = read_used("root||cpu=1,gres/npu=9\n qt-a||cpu=1,gres/npu=7\n  qt-a_p|alice|gres/npu=5\n");
        assert_eq!(used.len(), 2);
        assert_eq!(used[&("qt-a".to_owned(), "npu".to_owned())], 7);
    }
}
