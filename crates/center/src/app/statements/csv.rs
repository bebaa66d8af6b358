//! Statements as tables, by RFC 4180: the opening balance, the lines and the closing balance in the same columns, and after
//! them the same of the fee.

use domain::{CardMs, MicroCny};

use crate::app::csv::{self, END, quoted};

use super::made::{Balances, JobLine, Statement, StatementAnnex, StatementLine};

/// The rows between the opening and the closing balance add up to the difference of the two.
const COLUMNS: &str = "month,statement,contract,tenant,row,cause,corrects,project,pool,service_class,\
                       rate_micro_cny_per_card_hour,ended_runs,card_ms,micro_cny,reference";
const JOB_COLUMNS: &str = "month,statement,contract,tenant,job,job_name,cause,corrects,project,pool,service_class,\
                           rate_micro_cny_per_card_hour,ended_runs,card_ms,micro_cny";

pub fn statement(statement: &Statement) -> String {
    let Statement { month, number, contract, tenant_slug, opening, closing, .. } = statement;
    let head = head(month, number.as_deref(), contract, tenant_slug);
    let plain = |row: &str, cause: &str, Balances { card_ms, micro_cny }: Balances, reference: &str| {
        let columns = [cause, "", "", "", "", "", ""].map(str::to_owned);
        let mut fields = [head.to_vec(), vec![row.to_owned()], columns.to_vec()].concat();
        fields.extend(amounts(card_ms, micro_cny));
        fields.push(quoted(reference));
        fields
    };
    let line = |line: &StatementLine| {
        [head.to_vec(), vec!["line".to_owned()], of_line(line), vec![String::new()]].concat()
    };
    let mut rows = vec![plain("opening", "", *opening, "")];
    rows.extend(statement.lines.iter().map(line));
    rows.push(plain("closing", "", *closing, ""));
    if let Some(fees) = statement.face.as_ref().and_then(|face| face.fees.as_ref()) {
        let money = |micro_cny| Balances { card_ms: CardMs::ZERO, micro_cny };
        rows.push(plain("fee_opening", "", money(fees.opening_micro_cny), ""));
        let lines = fees.lines.iter();
        rows.extend(
            lines.map(|line| plain("fee_line", line.what.code(), money(line.micro_cny), &line.reference)),
        );
        rows.push(plain("fee_closing", "", money(fees.closing_micro_cny), ""));
    }
    table(COLUMNS, rows.into_iter())
}

pub fn annex(annex: &StatementAnnex) -> String {
    let head = head(&annex.month, annex.number.as_deref(), &annex.contract, &annex.tenant_slug);
    let row = |JobLine { job, job_name, line }: &JobLine| {
        [head.to_vec(), vec![job.to_string(), quoted(job_name)], of_line(line)].concat()
    };
    table(JOB_COLUMNS, annex.lines.iter().map(row))
}

fn table(columns: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = format!("{columns}{END}");
    rows.for_each(|row| table.push_str(&csv::row(&row)));
    table
}

fn head(month: &str, number: Option<&str>, contract: &str, tenant: &str) -> [String; 4] {
    [month.to_owned(), number.unwrap_or_default().to_owned(), quoted(contract), quoted(tenant)]
}

fn of_line(line: &StatementLine) -> Vec<String> {
    let text = |text: &Option<String>| text.as_deref().map(quoted).unwrap_or_default();
    let rate = line.rate_micro_cny_per_card_hour.map(|rate| rate.0.0.to_string());
    let columns = vec![
        quoted(&line.cause),
        text(&line.corrects),
        text(&line.project),
        text(&line.pool),
        line.service_class.map(|class| class.code().to_owned()).unwrap_or_default(),
        rate.unwrap_or_default(),
        line.ended_runs.to_string(),
    ];
    [columns, amounts(line.card_ms, line.micro_cny)].concat()
}

fn amounts(card_ms: CardMs, micro_cny: MicroCny) -> Vec<String> {
    vec![card_ms.0.to_string(), micro_cny.0.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::views;

    #[test]
    fn the_rows_of_a_table_have_its_columns_and_add_up() {
        let given = views::statement(true);
        let text = statement(&given);
        let rows: Vec<Vec<&str>> = text.trim_end().split(END).map(|row| row.split(',').collect()).collect();
        assert!(rows.iter().all(|row| row.len() == COLUMNS.split(',').count()), "{text}");
        for column in [12, 13] {
            let of = |kind: &str| -> i64 {
                rows.iter()
                    .filter(|row| row[4] == kind)
                    .map(|row| row[column].parse::<i64>().expect("an amount"))
                    .sum()
            };
            assert_eq!(of("opening") + of("line"), of("closing"), "{text}");
            assert_eq!(of("fee_opening") + of("fee_line"), of("fee_closing"), "{text}");
        }
        assert!(
            given.adds_up() && text.contains("fee_line,payment,") && text.contains(",-4000000,\"'-ICBC"),
            "{text}"
        );
    }
}
