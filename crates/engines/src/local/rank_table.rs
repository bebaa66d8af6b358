//! The rank table that Huawei's collective library reads, version 1.0. All values are strings, counts too.

use std::{io, path::PathBuf};

use serde::Serialize;

use super::folders::Folders;
use crate::spec::{LaunchNode, LaunchSpec};

#[derive(Serialize)]
struct RankTable<'a> {
    status: &'static str,
    server_list: Vec<ServerEntry<'a>>,
    server_count: String,
    version: &'static str,
}

#[derive(Serialize)]
struct ServerEntry<'a> {
    device: Vec<Card>,
    server_id: &'a str,
    host_ip: &'a str,
    container_ip: &'a str,
    hardware_type: &'a str,
}

#[derive(Serialize)]
struct Card {
    device_id: String,
    device_ip: String,
    rank_id: String,
}

/// Writes the table of a run with several Ascend cards. All its nodes are at `address`.
pub(crate) fn write(folders: &Folders, spec: &LaunchSpec, address: &str) -> io::Result<Option<PathBuf>> {
    let cards: u32 = spec.nodes.iter().map(|node| node.cards.len()).sum();
    if cards < 2 || spec.nodes[0].vendor != domain::card::Vendor::Ascend {
        return Ok(None);
    }
    let conf = std::fs::read_to_string("/etc/hccn.conf").unwrap_or_default();
    let table = rank_table(&spec.nodes, address, |node, card| {
        let known = if node.is_virtual { None } else { hccn_address(&conf, card) };
        known.unwrap_or(address).to_owned()
    });
    // The processes that read it are started when it is complete.
    folders.write("hccl.json", table.as_bytes()).map(Some)
}

/// The table of a run on `nodes`, as JSON text. Cards keep the machine's numbers. `device_ip(node, card)`
/// gives the address of a card's own network port.
fn rank_table(nodes: &[LaunchNode], host_ip: &str, device_ip: impl Fn(&LaunchNode, u8) -> String) -> String {
    let mut rank = 0_u32;
    let mut device = |node: &LaunchNode, card: u8| {
        let device =
            Card { device_id: card.to_string(), device_ip: device_ip(node, card), rank_id: rank.to_string() };
        rank += 1;
        device
    };
    let server_list = nodes
        .iter()
        .map(|node| ServerEntry {
            device: node.cards.iter().map(|card| device(node, card)).collect(),
            server_id: &node.name,
            host_ip,
            container_ip: host_ip,
            hardware_type: &node.model,
        })
        .collect();
    let table =
        RankTable { status: "completed", server_list, server_count: nodes.len().to_string(), version: "1.0" };
    serde_json::to_string(&table).expect("strings and lists have a JSON form")
}

/// The address of a card's port from the text of `/etc/hccn.conf`, with lines `address_<card>=<address>`.
fn hccn_address(conf: &str, card: u8) -> Option<&str> {
    let name = format!("address_{card}");
    conf.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, address)| address.trim())
        .filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CardSet, card::Vendor};

    #[test]
    fn ranks_run_over_all_nodes_and_all_values_are_strings() {
        let node = |name: &str, cards| LaunchNode {
            name: name.into(),
            cards: CardSet::from_bits(cards),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "ascend-910".into(),
            is_virtual: true,
        };
        let conf = "address_4=192.168.100.104\nnetmask_4=255.255.255.0\naddress_5 = 192.168.101.105\n";
        let text = rank_table(&[node("n1", 0b11_0000), node("n2", 0b1)], "127.0.0.1", |_, card| {
            hccn_address(conf, card).unwrap_or("127.0.0.1").into()
        });
        let want = serde_json::json!({
            "status": "completed",
            "server_list": [
                {"device": [
                    {"device_id": "4", "device_ip": "192.168.100.104", "rank_id": "0"},
                    {"device_id": "5", "device_ip": "192.168.101.105", "rank_id": "1"},
                 ], "server_id": "n1", "host_ip": "127.0.0.1", "container_ip": "127.0.0.1", "hardware_type": "ascend-910"},
                {"device": [{"device_id": "0", "device_ip": "127.0.0.1", "rank_id": "2"}],
                 "server_id": "n2", "host_ip": "127.0.0.1", "container_ip": "127.0.0.1", "hardware_type": "ascend-910"},
            ],
            "server_count": "2",
            "version": "1.0",
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), want);
    }
}
