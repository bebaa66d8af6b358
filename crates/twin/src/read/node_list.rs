//! A list of the nodes of a real hall: a CSV with a line for each node, and the columns `gpu` or `cards`, and
//! `model`. The openb trace has such a list.

use std::{io::BufRead, sync::Arc};

use domain::card::MAX_CARDS_PER_NODE;

use super::{
    columns::Columns,
    fault::{Faults, Flaw},
    lines, numbers,
};
use crate::trace::name_text;

/// The most nodes of a list.
pub const MAX_NODES: usize = 1_000_000;

/// A node of a hall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HallNode {
    /// At least 1.
    pub cards: u8,
    pub model: Arc<str>,
}

const NAMES: [&str; 3] = ["gpu", "cards", "model"];

/// Reads the rest of `input`. Nodes without a card are skipped.
pub fn read_nodes(input: impl BufRead, faults: &mut Faults) -> Vec<HallNode> {
    let (mut nodes, mut columns): (Vec<HallNode>, Option<Columns<3>>) = (Vec::new(), None);
    lines::each(input, faults, |line, text, faults| {
        if text.trim_ascii().is_empty() {
            return true;
        }
        let Some(columns) = &columns else {
            let found = Columns::of(text, &NAMES, b',', true);
            if !found.has(0) && !found.has(1) {
                faults.add(line, Flaw::Column(NAMES[1]), text);
                return false;
            }
            columns = Some(found);
            return true;
        };
        if nodes.len() >= MAX_NODES {
            faults.add(line, Flaw::Many { limit: MAX_NODES }, text);
            return false;
        }
        let row = columns.row(text).map_err(|found| Flaw::Fields { found, needed: columns.count() });
        let node = row.and_then(|row| {
            let field = if row[1].is_empty() { &row[0] } else { &row[1] };
            let cards = numbers::whole(field).and_then(|cards| u8::try_from(cards).ok());
            let cards = cards.filter(|cards| *cards <= MAX_CARDS_PER_NODE).ok_or(Flaw::Field(NAMES[1]))?;
            Ok(HallNode { cards, model: name_text(&row[2]).into() })
        });
        match node {
            Ok(node) if node.cards == 0 => faults.skipped += 1,
            Ok(node) => nodes.push(node),
            Err(flaw) => faults.add(line, flaw, text),
        }
        true
    });
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(u8, String)>, Faults) {
        let mut faults = Faults::default();
        let nodes = read_nodes(text.as_bytes(), &mut faults);
        (nodes.into_iter().map(|node| (node.cards, node.model.to_string())).collect(), faults)
    }

    #[test]
    fn nodes_read_and_bad_lines_are_named() {
        let (nodes, faults) =
            read("sn,cpu_milli,gpu,model\na,1,2,P100\nb,1,0,\nc,1,8,V100\nd,1,x,V100\ne,1,65,V100\n\nf,1\n");
        assert_eq!(nodes, [(2, "P100".to_owned()), (8, "V100".to_owned())]);
        assert_eq!((faults.skipped, faults.bad), (1, 3));
        let lines: Vec<_> = faults.samples.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [5, 6, 8]);
    }

    #[test]
    fn a_list_without_cards_is_refused_whole() {
        let (nodes, faults) = read("name,model\na,b\n");
        assert!(nodes.is_empty());
        assert_eq!(faults.samples[0].flaw, Flaw::Column("cards"));
    }
}
