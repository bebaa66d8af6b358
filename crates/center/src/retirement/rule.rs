//! Who may do what with nodes and pools that go.

use base::{auth::Action, detail::Detail};
use domain::node::Departure;

use crate::actions::{NODE, REASON};

const HOW: Detail = Detail::word::<Departure>("departure", "node");
const POOL: Detail = Detail::text("pool");

pub const READ: Action = Action::new("read_retirement", "read");
pub const RETIRE_NODE: Action = Action::new("retire_node", "run_center").keeps(&[NODE, REASON]);
pub const REMOVE_NODE: Action = Action::new("remove_node", "run_center").keeps(&[NODE]);
pub const BRING_BACK_NODE: Action = Action::new("bring_back_node", "run_center").keeps(&[NODE]);
pub const RETIRE_POOL: Action = Action::new("retire_pool", "run_center").keeps(&[POOL, REASON]);
pub const BRING_BACK_POOL: Action = Action::new("bring_back_pool", "run_center").keeps(&[POOL]);
/// The last run on a node that was to retire has ended.
pub const NODE_WENT: Action = Action::deed("node_went").keeps(&[NODE, HOW, REASON]);
/// A node that the settings name came in.
pub const NODE_CAME: Action = Action::deed("node_came").keeps(&[NODE, POOL]);
