//! Cards that a job asks for in all: on how many nodes they are, once it is known how many a node has.

use crate::{JobSpec, Launch, batch::Memory, problem::JobFault, spec::MAX_NODES};

impl JobSpec {
    /// Shares `cards` out to nodes that have at most `on_node` of them: to as few as it takes, evenly, and with
    /// as many tasks on each where that goes. Afterwards the nodes and the cards on each are said.
    pub fn settle_cards(&mut self, on_node: u32) -> Result<(), JobFault> {
        if let Some(cards) = self.cards {
            let least = cards.div_ceil(on_node.max(1)).max(self.nodes);
            let most = self.max_nodes.unwrap_or(MAX_NODES);
            let tasks = self.batch.tasks.filter(|_| self.launch == Launch::Batch).unwrap_or(0);
            let even = || (least..=most.min(cards)).filter(|nodes| cards.is_multiple_of(*nodes));
            let nodes = even().find(|nodes| tasks.is_multiple_of(*nodes)).or_else(|| even().next());
            self.nodes = nodes.ok_or(JobFault::CardsOnNodes { cards, most_nodes: most })?;
            self.cards_per_node = cards / self.nodes;
            (self.cards, self.max_nodes) = (None, None);
        }
        if let Some(Memory::MibPerCard(mib)) = self.batch.memory {
            let on_node = mib.saturating_mul(self.cards_per_node.into());
            self.batch.memory = Some(Memory::MibPerNode(on_node));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_in_all_are_shared_evenly_by_as_few_nodes_as_they_take() {
        for (cards, on_node, nodes, max_nodes, want) in [
            (16, 8, 1, None, Some((2, 8))),
            (8, 8, 1, None, Some((1, 8))),
            (12, 8, 1, None, Some((2, 6))),
            (16, 8, 4, Some(8), Some((4, 4))),
            (13, 8, 1, None, Some((13, 1))),
            (16, 8, 1, Some(1), None),
            (5, 8, 2, Some(4), None),
            (3, 8, 4, None, None),
        ] {
            let mut spec = JobSpec { cards: Some(cards), nodes, max_nodes, ..JobSpec::default() };
            spec.batch.memory = Some(Memory::MibPerCard(10));
            let settled = spec.settle_cards(on_node).ok();
            assert_eq!(settled.map(|()| (spec.nodes, spec.cards_per_node)), want, "{cards} on {on_node}");
            if let Some((_, each)) = want {
                assert_eq!((spec.cards, spec.max_nodes), (None, None));
                assert_eq!(spec.batch.memory, Some(Memory::MibPerNode(10 * u64::from(each))));
            }
        }
        let mut tasks = JobSpec { cards: Some(12), nodes: 1, launch: Launch::Batch, ..JobSpec::default() };
        tasks.batch.tasks = Some(3);
        assert_eq!(tasks.settle_cards(8).map(|()| (tasks.nodes, tasks.cards_per_node)), Ok((3, 4)));
    }
}
