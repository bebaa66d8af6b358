//! Which rows the chain covers, and how each kind of them comes into it.

use std::ops::ControlFlow;

use domain::id::{self, Kind as _};

use super::encode::{hex, put};
use crate::db::{Row, StoreError, Tx, Value, params};

/// How rows come into the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Later, in the order of their numbers.
    InOrder,
    /// Later, in the order in which they came into the queue `unsealed`.
    Queued,
    /// In the transaction that changes them; the row as it was last sealed is what counts.
    AtOnce,
}

/// A value, and the columns that may change as long as a row has it.
type ByValue = (&'static str, &'static [&'static str]);

/// A kind of rows that the chain covers.
#[derive(Debug)]
pub(super) struct Kind {
    pub name: &'static str,
    pub table: &'static str,
    /// The first columns, which name a row.
    pub key: &'static [&'static str],
    /// The prefix of such rows' ids.
    pub prefix: &'static str,
    /// The columns that are covered; none: all.
    only: &'static [&'static str],
    /// Columns that are not covered.
    but: &'static [&'static str],
    /// Values that are covered besides: the name of each in the chain, and its SQL expression.
    more: &'static [(&'static str, &'static str)],
    /// Which rows of the table; empty: all.
    pub filter: &'static str,
    pub way: Way,
    /// The columns that may be other ones when a row is sealed again.
    pub changing: &'static [&'static str],
    /// A column without a value as long as a row may change.
    pub open_while_null: Option<&'static str>,
    /// A column, and by its value which columns may change instead.
    pub free_while: Option<(&'static str, &'static [ByValue])>,
}

const ANY: Kind = Kind {
    name: "",
    table: "",
    key: &["id"],
    prefix: "",
    only: &[],
    but: &[],
    more: &[],
    filter: "",
    way: Way::AtOnce,
    changing: &[],
    open_while_null: None,
    free_while: None,
};

/// A kind whose name is that of its table.
const fn kind(name: &'static str) -> Kind {
    Kind { name, table: name, ..ANY }
}

/// The columns that amendments change.
const AMENDED: &[&str] = &["state", "kind", "ends_at", "queue"];

/// All kinds. A table that decides about money has a line here, and triggers that put its rows into the queue of its way.
pub(super) const KINDS: &[Kind] = &[
    Kind { key: &["seq"], way: Way::InOrder, ..kind("transfers") },
    Kind { prefix: id::Audit::PREFIX, way: Way::Queued, ..kind("audit") },
    Kind {
        prefix: id::Run::PREFIX,
        // The class decides the price, the project whose use it is.
        more: &[
            ("job.class", "(SELECT class FROM jobs WHERE jobs.id = runs.job)"),
            ("job.project", "(SELECT project FROM jobs WHERE jobs.id = runs.job)"),
        ],
        filter: "ended_at IS NOT NULL",
        way: Way::Queued,
        ..kind("runs")
    },
    // How far a job has come, and its sums, change until it ends; these columns never do.
    Kind {
        prefix: id::Job::PREFIX,
        only: &[
            "id",
            "tenant",
            "domain",
            "project",
            "contract",
            "submitted_by",
            "submitted_at",
            "nodes",
            "cards_per_node",
            "card_model",
            "class",
            "time_limit_ms",
        ],
        way: Way::Queued,
        ..kind("jobs")
    },
    // Transfers that no run makes are sealed at once, too: nobody can put one behind the last link.
    Kind {
        name: "entries",
        table: "transfers",
        key: &["seq"],
        filter: "cause NOT IN ('use', 'refund', 'waiver')",
        ..ANY
    },
    Kind {
        prefix: id::Contract::PREFIX,
        changing: &["state"],
        // A draft is changed; whatever has been active is amended, and is compared with its versions.
        free_while: Some((
            "state",
            &[
                ("draft", &["number", "kind", "pools", "starts_at", "ends_at", "queue", "state"]),
                ("active", AMENDED),
                ("exhausted", AMENDED),
                ("suspended", AMENDED),
            ],
        )),
        ..kind("contracts")
    },
    Kind {
        prefix: id::Amendment::PREFIX,
        changing: &["state", "decided_by", "decided_at", "from_at", "note"],
        ..kind("amendments")
    },
    Kind { key: &["contract", "number"], prefix: id::Contract::PREFIX, ..kind("contract_versions") },
    Kind { key: &["seq"], ..kind("contract_events") },
    Kind { prefix: id::PriceBook::PREFIX, ..kind("price_books") },
    Kind { key: &["reference"], ..kind("payments") },
    Kind {
        prefix: id::Correction::PREFIX,
        changing: &["state", "decided_by", "decided_at", "note"],
        ..kind("corrections")
    },
    Kind { prefix: id::Programme::PREFIX, ..kind("programmes") },
    Kind {
        prefix: id::Funding::PREFIX,
        changing: &["state", "decided_by", "decided_at", "note"],
        ..kind("fundings")
    },
    Kind {
        prefix: id::Voucher::PREFIX,
        changing: &["state", "from_at", "ended_at", "reason"],
        ..kind("vouchers")
    },
    Kind { prefix: id::Claim::PREFIX, changing: &["state", "reference"], ..kind("claims") },
    Kind { key: &["claim", "seq"], prefix: id::Claim::PREFIX, ..kind("claim_acts") },
    Kind {
        prefix: id::Invoice::PREFIX,
        changing: &[
            "state",
            "decided_by",
            "decided_at",
            "number",
            "issued_on",
            "reason",
            "reversed_by",
            "reversed_at",
            "red_number",
            "confirmation",
            "reversed_on",
        ],
        ..kind("invoices")
    },
    Kind {
        key: &["invoice", "place"],
        prefix: id::Invoice::PREFIX,
        changing: &["is_live"],
        ..kind("invoice_lines")
    },
    Kind { key: &["seq"], ..kind("settings_in_force") },
    Kind { key: &["seq"], ..kind("foreign_changes") },
    Kind { key: &["month"], ..kind("periods") },
    // The body is covered by its SHA-256, which is a column.
    Kind { key: &["number"], but: &["body"], ..kind("statements") },
    Kind {
        key: &["node", "from_at"],
        prefix: id::Node::PREFIX,
        changing: &["until_at", "condition", "reason"],
        open_while_null: Some("until_at"),
        ..kind("node_stretches")
    },
    Kind { prefix: id::Pool::PREFIX, changing: &["retired_at"], ..kind("pools") },
    Kind {
        prefix: id::Node::PREFIX,
        only: &["id", "pool", "name", "cards", "is_virtual", "since"],
        // Another machine may get the name of a node that was removed before it ran anything.
        changing: &["name"],
        ..kind("nodes")
    },
    Kind {
        prefix: id::Alliance::PREFIX,
        changing: &["name_zh", "name_en", "lending_limit"],
        ..kind("alliances")
    },
    Kind {
        prefix: id::Tenant::PREFIX,
        changing: &["name_zh", "name_en", "alliance", "legal_name", "tax_number", "other_tax_number"],
        ..kind("tenants")
    },
    // Names, addresses and passwords are not covered.
    Kind {
        prefix: id::Person::PREFIX,
        only: &["id", "login", "is_enabled", "created_at"],
        changing: &["is_enabled"],
        ..kind("persons")
    },
    Kind {
        prefix: id::Member::PREFIX,
        only: &["id", "person", "tenant", "role", "is_enabled", "created_at"],
        changing: &["role", "is_enabled"],
        ..kind("members")
    },
    Kind { prefix: id::Project::PREFIX, changing: &["name", "contract"], ..kind("projects") },
];

pub(super) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// The columns that are covered now, in the order of the table.
    pub fn columns(&self, tx: &Tx) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        let text = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";
        tx.each_of(self.table, text, params![self.table], |row| {
            let name = row.text(0)?;
            if (self.only.is_empty() || self.only.contains(&name)) && !self.but.contains(&name) {
                names.push(name.to_owned());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        names.extend(self.more.iter().map(|(name, _)| (*name).to_owned()));
        Ok(names)
    }

    /// A query for columns that the table has.
    pub fn select(&self, columns: &[String], rest: &str) -> String {
        let mut terms: Vec<&str> = Vec::with_capacity(columns.len());
        for name in columns {
            let more = self.more.iter().find(|(more, _)| more == name);
            terms.push(more.map_or(name.as_str(), |(_, term)| *term));
        }
        format!("SELECT {} FROM {} {rest}", terms.join(", "), self.table)
    }

    /// `WHERE` by the key.
    pub fn by_key(&self) -> String {
        let terms: Vec<String> =
            self.key.iter().zip(1..).map(|(column, number)| format!("{column} = ?{number}")).collect();
        format!("WHERE {}", terms.join(" AND "))
    }

    /// The clause for those rows of the table that are of this kind.
    pub fn of_kind(&self) -> String {
        if self.filter.is_empty() { String::new() } else { format!("WHERE {}", self.filter) }
    }

    /// How people call the row with a key.
    pub fn show(&self, key: &[Value<'_>]) -> String {
        let part = |value: &Value<'_>| match value {
            Value::Null => "?".to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Text(text) => (*text).to_owned(),
            Value::Blob(bytes) => format!("{}{}", self.prefix, hex(bytes)),
        };
        key.iter().map(part).collect::<Vec<_>>().join(" @ ")
    }
}

/// A row's values, one after the other.
pub(super) fn row_bytes(out: &mut Vec<u8>, row: Row<'_>, columns: usize) -> Result<(), StoreError> {
    out.clear();
    for index in 0..columns {
        put(out, row.value(index)?);
    }
    Ok(())
}
