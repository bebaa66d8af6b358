//! The demo's report: the jobs that ran, each tenant's charges, and whether the books close.

use std::fmt::Write as _;

use center::{
    app::{
        capacity::{CapacityView, LedgerCheck},
        contracts::ContractView,
        verdict::VerdictView,
    },
    generated::GeneratedPast,
};
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use domain::{CardMs, JobStatus, Lang, MicroCny, Rfc3339};
use serde_json::{Value, json};

use super::{options::in_lang, people::Tenant};
use crate::words;

/// One job at its end.
#[derive(Debug)]
pub struct Ended {
    pub name: &'static str,
    pub tenant: &'static Tenant,
    pub state: JobStatus,
    pub should_end: JobStatus,
    pub exit_code: Option<i32>,
    pub card_ms: CardMs,
    pub charge: MicroCny,
    pub verdict: Option<VerdictView>,
    pub accuracy: Option<f64>,
}

#[derive(Debug)]
pub struct Report {
    pub jobs: Vec<Ended>,
    pub balance: CapacityView,
    pub ledger: LedgerCheck,
    pub contracts: Vec<ContractView>,
    pub seconds_to_first_result: f64,
    pub past: Option<Past>,
}

/// The generated past of the center, and how many jobs it has.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    pub past: GeneratedPast,
    pub jobs: usize,
}

impl Report {
    /// Every job ended as it should, one waited and said why, and the books close.
    pub fn is_good(&self) -> bool {
        self.jobs.iter().all(|job| job.state == job.should_end)
            && self.jobs.iter().any(|job| job.verdict.is_some())
            && self.balance.closes
            && self.ledger.is_balanced
            && self.uses_agree()
    }

    /// The card time that the jobs were metered is what the capacity balance says was sold and granted.
    fn uses_agree(&self) -> bool {
        let metered: CardMs = self.jobs.iter().map(|job| job.card_ms).sum();
        metered == self.balance.balance.sold_card_ms + self.balance.balance.granted_card_ms
    }

    pub fn json(&self) -> Value {
        let job = |job: &Ended| {
            json!({
                "name": job.name, "tenant": job.tenant.slug, "domain": job.tenant.domain.code(), "state": job.state,
                "exit_code": job.exit_code, "card_ms": job.card_ms, "charge_micro_cny": job.charge,
                "verdict": job.verdict, "accuracy": job.accuracy,
            })
        };
        json!({
            "jobs": self.jobs.iter().map(job).collect::<Vec<_>>(),
            "capacity_balance": self.balance,
            "ledger_balanced": self.ledger.is_balanced && self.uses_agree(),
            "ledger_problems": self.ledger.problems,
            "seconds_to_first_result": self.seconds_to_first_result,
            "generated_past": self.past.map(|Past { past, jobs }| json!({
                "from": Rfc3339(past.from), "until": Rfc3339(past.until), "seed": past.seed, "jobs": jobs,
            })),
        })
    }

    pub fn text(&self, lang: Lang) -> String {
        let say = |zh: &str, en: &str| in_lang(lang, zh, en);
        let mut text = format!("\n{}\n", self.job_table(lang));
        for job in self.jobs.iter().filter(|job| job.state != job.should_end) {
            let _ = writeln!(
                text,
                "{}",
                say(
                    &format!(
                        "{} 应为 {}，实为 {}",
                        job.name,
                        words::state(lang, job.should_end.code()),
                        words::state(lang, job.state.code())
                    ),
                    &format!(
                        "{} should have ended {}, but ended {}",
                        job.name,
                        job.should_end.code(),
                        job.state.code()
                    )
                )
            );
        }
        for job in &self.jobs {
            if let Some(verdict) = &job.verdict {
                let waited = say("曾等待", "waited");
                let _ = writeln!(text, "{} {waited}: {}", job.name, verdict.text.in_lang(lang));
            }
        }
        let _ = writeln!(text, "\n{}", self.contract_table(lang));
        let balance = &self.balance.balance;
        let verdict =
            |ok: bool| if ok { say("平衡", "closes") } else { say("不平衡", "does NOT close") };
        let _ = writeln!(
            text,
            "{}",
            say(
                &format!(
                    "容量平衡（卡时）：总量 {} = 售出 {} + 资助 {} + 空闲 {} + 排空 {} + 故障 {} + 回收中 {} + 失联 {}：{}",
                    balance.capacity_card_ms,
                    balance.sold_card_ms,
                    balance.granted_card_ms,
                    balance.idle_card_ms,
                    balance.drained_card_ms,
                    balance.failed_card_ms,
                    balance.preempted_card_ms,
                    balance.lost_card_ms,
                    verdict(self.balance.closes)
                ),
                &format!(
                    "Capacity balance (card-hours): {} = sold {} + granted {} + idle {} + drained {} + failed {} + preempted {} + lost {}: {}",
                    balance.capacity_card_ms,
                    balance.sold_card_ms,
                    balance.granted_card_ms,
                    balance.idle_card_ms,
                    balance.drained_card_ms,
                    balance.failed_card_ms,
                    balance.preempted_card_ms,
                    balance.lost_card_ms,
                    verdict(self.balance.closes)
                )
            )
        );
        let ledger_ok = verdict(self.ledger.is_balanced && self.uses_agree());
        let transfers = self.ledger.transfers;
        let first = self.seconds_to_first_result;
        let _ = writeln!(
            text,
            "{}",
            say(
                &format!("账本（{transfers} 笔）：{ledger_ok}。首个结果用时 {first:.1} 秒。"),
                &format!("Ledger ({transfers} transfers): {ledger_ok}. First result after {first:.1} s.")
            )
        );
        for problem in &self.ledger.problems {
            let _ = writeln!(text, "  {problem}");
        }
        text
    }

    fn job_table(&self, lang: Lang) -> Table {
        let titles = match lang {
            Lang::Zh => ["作业", "租户", "领域", "状态", "退出码", "卡时", "费用（元）", "准确率"],
            Lang::En => {
                ["job", "tenant", "domain", "state", "exit", "card-hours", "charge (CNY)", "accuracy"]
            }
        };
        let mut table = table(&titles);
        for job in &self.jobs {
            table.add_row([
                job.name.to_owned(),
                job.tenant.name(lang).to_owned(),
                words::word(lang, "domain", job.tenant.domain.code()),
                words::state(lang, job.state.code()),
                job.exit_code.map(|code| code.to_string()).unwrap_or_default(),
                job.card_ms.to_string(),
                job.charge.to_string(),
                job.accuracy.map(|accuracy| format!("{:.2} %", accuracy * 100.0)).unwrap_or_default(),
            ]);
        }
        for column in 4..8 {
            align_right(&mut table, column);
        }
        table
    }

    fn contract_table(&self, lang: Lang) -> Table {
        let titles = match lang {
            Lang::Zh => ["合同", "登录名", "类型", "状态", "余额（元）"],
            Lang::En => ["contract", "login", "kind", "state", "balance (CNY)"],
        };
        let mut table = table(&titles);
        for contract in &self.contracts {
            table.add_row([
                contract.number.clone(),
                contract.tenant_slug.clone(),
                words::word(lang, "kind", contract.kind.code()),
                words::state(lang, contract.state.code()),
                contract.money_balance_micro_cny.to_string(),
            ]);
        }
        align_right(&mut table, 4);
        table
    }
}

fn table(titles: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(titles.to_vec());
    table
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
