//! NVIDIA's `nvidia-smi --query-gpu=… --format=csv,nounits`.

use domain::card::MAX_CARDS_PER_NODE;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    pub index: u8,
    pub name: String,
    pub memory_mib: Option<u32>,
    pub driver: String,
}

/// Reads the list by its first line, which names the columns. `None` if there is no such line. Lines that
/// can't be read are passed over.
pub fn parse_gpu_list(text: &str) -> Option<Vec<Gpu>> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
    let header = lines.next()?;
    let column = |name: &str| header.iter().position(|title| title.split(' ').next() == Some(name));
    let (index, name) = (column("index")?, column("name")?);
    let (memory, driver) = (column("memory.total"), column("driver_version"));
    let gpus = lines.filter_map(|fields| {
        let field = |column: Option<usize>| fields.get(column?).copied();
        Some(Gpu {
            index: field(Some(index))?.parse().ok().filter(|index| *index < MAX_CARDS_PER_NODE)?,
            name: field(Some(name))?.to_owned(),
            memory_mib: field(memory).and_then(|text| text.parse().ok()),
            driver: field(driver).unwrap_or_default().to_owned(),
        })
    });
    Some(gpus.collect())
}

/// The name of the card's model, without the maker and without the words for its form.
pub(super) fn model(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("nvidia ").unwrap_or(&name);
    let is_build = |word: &str| {
        ["sxm", "pcie", "nvl", "hbm"].iter().any(|start| word.starts_with(start))
            || word.strip_suffix("gb").is_some_and(|size| size.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let words: Vec<&str> =
        name.split([' ', '-']).filter(|word| !word.is_empty()).take_while(|word| !is_build(word)).collect();
    if words.is_empty() { "nvidia-unknown".to_owned() } else { format!("nvidia-{}", words.join("-")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "name, index, driver_version, memory.total [MiB]\n\
                    NVIDIA A100-SXM4-80GB, 1, 535.54, 81920\n\
                    , , ,\n\
                    NVIDIA A100-SXM4-80GB, 0, 535.54, [N/A]\n";
        let gpu = |index, memory_mib| Gpu {
            index,
            name: "NVIDIA A100-SXM4-80GB".into(),
            memory_mib,
            driver: "535.54".into(),
        };
        assert_eq!(parse_gpu_list(text), Some(vec![gpu(1, Some(81_920)), gpu(0, None)]));
        assert_eq!(parse_gpu_list("No devices were found"), None);
    }

    #[test]
    fn names_become_models() {
        for (name, want) in [
            ("NVIDIA H200", "nvidia-h200"),
            ("NVIDIA A100-SXM4-80GB", "nvidia-a100"),
            ("NVIDIA A100 80GB PCIe", "nvidia-a100"),
            ("NVIDIA H100 NVL", "nvidia-h100"),
            ("Tesla V100-SXM2-32GB", "nvidia-tesla-v100"),
            ("NVIDIA GeForce RTX 4090", "nvidia-geforce-rtx-4090"),
            ("", "nvidia-unknown"),
        ] {
            assert_eq!(model(name), want);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(index|name|,| |\n|[0-9]|\\PC){0,60}") {
            let _ = parse_gpu_list(&text);
            let _ = model(&text);
        }
    }
}
