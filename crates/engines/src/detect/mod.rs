//! Finds the real accelerators of this machine, by the output of their makers' tools and by the device files.
//!
//! The function that calls the tools is passed in, so that everything here can be tried on captured text.

mod lacking;
mod npu_smi;
mod nvidia_smi;

use domain::{CardSet, card::Vendor};

pub use lacking::{Lack, RealNode, lacking};
pub use npu_smi::{Npu, NpuTable, npu_rings, parse_npu_table};
pub use nvidia_smi::{Gpu, parse_gpu_list};

/// The cards of one maker and model on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCards {
    pub vendor: Vendor,
    /// The name of a [`domain::CardModel`], known or not: `ascend-910b1`.
    pub model: String,
    /// In rising order of the numbers of their device files.
    pub cards: Vec<FoundCard>,
    /// The rings 环 that the wiring makes; one ring of all cards where the wiring is not known.
    pub rings: Vec<CardSet>,
    /// The version of the tool or the driver; empty if it is not known.
    pub driver: String,
}

/// One card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCard {
    /// The number in its device file and in `*_VISIBLE_DEVICES`.
    pub index: u8,
    /// The name that the maker's tool gives it.
    pub name: String,
    /// `None` if the tool does not tell; false if it reports a fault.
    pub is_healthy: Option<bool>,
    pub memory_mib: Option<u32>,
}

/// Finds all cards. `run_command` runs a program with arguments and gives its output, or `None` if it failed.
/// `device_names` are the names in `/dev`.
pub fn cards(
    run_command: &dyn Fn(&str, &[&str]) -> Option<String>,
    device_names: &[String],
) -> Vec<FoundCards> {
    ascend(run_command, device_names).into_iter().chain(nvidia(run_command, device_names)).collect()
}

/// Finds all cards of this machine.
pub fn cards_here() -> Vec<FoundCards> {
    let names: Vec<String> = std::fs::read_dir("/dev")
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    cards(
        &|program, args| {
            let output = std::process::Command::new(program).args(args).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        },
        &names,
    )
}

fn ascend(run: &dyn Fn(&str, &[&str]) -> Option<String>, device_names: &[String]) -> Vec<FoundCards> {
    let table = run("npu-smi", &["info"]).and_then(|text| parse_npu_table(&text));
    let Some(table) = table else {
        return by_devices(Vendor::Ascend, "davinci", "ascend-unknown", device_names).into_iter().collect();
    };
    let topology = run("npu-smi", &["info", "-t", "topo"]);
    let driver = table.version.clone();
    let is_pair = table.has_several_chips();
    let cards = table.npus.into_iter().filter_map(|npu| {
        let card = FoundCard {
            index: u8::try_from(npu.index).ok().filter(|index| *index < domain::card::MAX_CARDS_PER_NODE)?,
            is_healthy: Some(npu.health == "OK"),
            memory_mib: npu.memory_mib,
            name: npu.name,
        };
        Some((npu_smi::model(&card.name, is_pair), card))
    });
    let mut found = by_model(Vendor::Ascend, cards, &driver);
    if let (Some(topology), [all]) = (topology, found.as_mut_slice())
        && let Some(rings) = npu_rings(&topology)
        // A table about other cards says nothing about these.
        && rings.iter().map(|ring| ring.len() as usize).sum::<usize>() == all.cards.len()
    {
        all.rings = rings;
    }
    found
}

fn nvidia(run: &dyn Fn(&str, &[&str]) -> Option<String>, device_names: &[String]) -> Vec<FoundCards> {
    let args = ["--query-gpu=index,name,memory.total,driver_version", "--format=csv,nounits"];
    let gpus =
        run("nvidia-smi", &args).and_then(|text| parse_gpu_list(&text)).filter(|gpus| !gpus.is_empty());
    let Some(gpus) = gpus else {
        return by_devices(Vendor::Nvidia, "nvidia", "nvidia-unknown", device_names).into_iter().collect();
    };
    let driver = gpus[0].driver.clone();
    let cards = gpus.into_iter().map(|gpu| {
        let model = nvidia_smi::model(&gpu.name);
        (model, FoundCard { index: gpu.index, name: gpu.name, is_healthy: None, memory_mib: gpu.memory_mib })
    });
    by_model(Vendor::Nvidia, cards, &driver)
}

fn by_model(
    vendor: Vendor,
    cards: impl Iterator<Item = (String, FoundCard)>,
    driver: &str,
) -> Vec<FoundCards> {
    let mut found: Vec<FoundCards> = Vec::new();
    for (model, card) in cards {
        if let Some(known) = found.iter_mut().find(|known| known.model == model) {
            if known.cards.iter().all(|other| other.index != card.index) {
                known.cards.push(card);
            }
        } else {
            let cards = vec![card];
            found.push(FoundCards { vendor, model, cards, rings: vec![], driver: driver.to_owned() });
        }
    }
    for group in &mut found {
        group.cards.sort_by_key(|card| card.index);
        group.rings = vec![group.cards.iter().map(|card| card.index).collect()];
    }
    found
}

/// Finds cards without the maker's tool, where the numbers of the device files are all that is known.
fn by_devices(vendor: Vendor, prefix: &str, model: &str, device_names: &[String]) -> Option<FoundCards> {
    let mut indices: Vec<u8> = device_names
        .iter()
        .filter_map(|name| name.strip_prefix(prefix)?.parse().ok())
        .filter(|index| *index < domain::card::MAX_CARDS_PER_NODE)
        .collect();
    indices.sort_unstable();
    indices.dedup();
    let rings = vec![indices.iter().copied().collect()];
    let cards: Vec<_> = indices
        .into_iter()
        .map(|index| FoundCard {
            index,
            name: format!("{prefix}{index}"),
            is_healthy: None,
            memory_mib: None,
        })
        .collect();
    (!cards.is_empty()).then(|| FoundCards {
        vendor,
        model: model.to_owned(),
        cards,
        rings,
        driver: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn without_tools_the_device_files_tell() {
        let devices = names(&[
            "davinci0",
            "davinci10",
            "davinci_manager",
            "davinci99",
            "nvidiactl",
            "nvidia-uvm",
            "null",
        ]);
        let found = cards(&|_, _| None, &devices);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].cards.iter().map(|card| card.index).collect::<Vec<_>>(), [0, 10]);
        assert_eq!(found[0].rings, [CardSet::from_bits(1 | 1 << 10)]);
        assert_eq!(cards(&|_, _| None, &[]), []);
    }

    #[test]
    fn tools_tell_models_health_and_rings() {
        let run = |program: &str, args: &[&str]| match (program, args) {
            ("npu-smi", ["info"]) => Some(npu_smi::tests::EIGHT_910.to_owned()),
            ("npu-smi", ["info", "-t", "topo"]) => Some(npu_smi::tests::TWO_RINGS.to_owned()),
            ("nvidia-smi", [query, _]) if query.starts_with("--query-gpu=") => Some(
                "index, name, memory.total [MiB], driver_version\n0, NVIDIA H200, 143771, 570.1\n".to_owned(),
            ),
            _ => None,
        };
        let found = cards(&run, &[]);
        assert_eq!(
            found.iter().map(|found| found.model.as_str()).collect::<Vec<_>>(),
            ["ascend-910", "nvidia-h200"]
        );
        assert_eq!(found[0].rings, [CardSet::from_bits(0x0f), CardSet::from_bits(0xf0)]);
        assert_eq!(found[0].cards.iter().filter(|card| card.is_healthy == Some(false)).count(), 1);
        assert_eq!(found[1].cards[0].memory_mib, Some(143_771));
    }
}
