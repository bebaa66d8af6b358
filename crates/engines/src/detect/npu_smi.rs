//! Huawei's `npu-smi`. The widths and the names of the columns of its tables differ from version to version.
//! So a table is taken apart at its bars and read by its header.

use domain::{CardSet, card::MAX_CARDS_PER_NODE};

/// The output of `npu-smi info`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NpuTable {
    /// The version that the tool names; empty if it names none.
    pub version: String,
    pub npus: Vec<Npu>,
}

/// One chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Npu {
    /// The number of the card that the chip is on.
    pub npu: u32,
    /// The number of the chip on its card.
    pub chip: u32,
    /// The number in `/dev/davinci<N>`.
    pub index: u32,
    pub name: String,
    /// `OK`, `Warning`, `Alarm`, `Critical` or `UNKNOWN`.
    pub health: String,
    pub bus_id: String,
    /// The high-bandwidth memory where the chip has some, otherwise the memory of the card.
    pub memory_mib: Option<u32>,
}

impl NpuTable {
    /// Whether some card has several chips: a card with two dies is shown as two chips of one NPU.
    pub fn has_several_chips(&self) -> bool {
        self.npus.iter().any(|npu| npu.chip > 0)
    }
}

/// Reads the output of `npu-smi info`; `None` if it has no table of cards.
pub fn parse_npu_table(text: &str) -> Option<NpuTable> {
    let mut table = NpuTable::default();
    let mut lines = text.lines().filter_map(cells).peekable();
    // `| npu-smi 24.1.rc3     Version: 24.1.rc3   |`, then the two lines of the header.
    let (numbers, usages) = loop {
        let cells = lines.next()?;
        if let [title] = cells.as_slice() {
            let version = title.split_once("Version:").map(|(_, version)| version.trim());
            if let Some(version) = version.or_else(|| title.strip_prefix("npu-smi")) {
                version.split_ascii_whitespace().next().unwrap_or_default().clone_into(&mut table.version);
            }
        } else if words(&cells, 0).first() == Some(&"NPU") && words(&cells, 0).contains(&"Name") {
            let second = lines.next()?;
            let numbers = words(&second, 0).len();
            let usages: Vec<String> = words(&second, 2)
                .iter()
                .filter(|word| word.contains("Usage"))
                .map(|&word| word.to_owned())
                .collect();
            break (numbers, usages);
        }
    };
    let mut of_npu: Option<(u32, String, String)> = None;
    // Up to the table of processes, which has a header of its own.
    while let Some(cells) = lines.next_if(|cells| words(cells, 0).first() != Some(&"NPU")) {
        let Some(first) = words(&cells, 0).first().and_then(|word| word.parse::<u32>().ok()) else {
            continue;
        };
        let Some(second) = cells.get(1) else { continue };
        if !second.contains(':') {
            let name = words(&cells, 0)[1..].join(" ");
            of_npu = Some((first, name, second.clone()));
            continue;
        }
        let Some((npu, name, health)) = &of_npu else { continue };
        let own_number = words(&cells, 0).get(1).filter(|_| numbers > 1).and_then(|word| word.parse().ok());
        table.npus.push(Npu {
            npu: *npu,
            chip: first,
            index: own_number.unwrap_or(*npu),
            name: name.clone(),
            health: health.clone(),
            bus_id: second.clone(),
            memory_mib: memory(cells.get(2).map_or("", String::as_str), &usages),
        });
    }
    if numbers == 1 && table.has_several_chips() {
        // Nothing says which device a chip is, so they are numbered in order.
        for (index, npu) in (0..).zip(&mut table.npus) {
            npu.index = index;
        }
    }
    Some(table)
}

/// The cells of a line `| a | b |`; `None` for other lines.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

fn words(cells: &[String], index: usize) -> Vec<&str> {
    cells.get(index).map(|cell| cell.split_ascii_whitespace().collect()).unwrap_or_default()
}

/// The size of the memory from a cell such as `0   0    / 0   3405 / 65536`. `usages` are the names of its
/// pairs.
fn memory(cell: &str, usages: &[String]) -> Option<u32> {
    let spaced = cell.replace('/', " / ");
    let words: Vec<&str> = spaced.split_ascii_whitespace().collect();
    let mut totals =
        words.windows(3).filter(|three| three[1] == "/").map(|three| three[2].parse::<u32>().ok());
    let wanted = usages
        .iter()
        .position(|usage| usage.starts_with("HBM"))
        .or_else(|| usages.iter().position(|usage| usage.starts_with("Memory")))?;
    totals.nth(wanted).flatten().filter(|total| *total > 0)
}

/// The name of the card's model for a chip's name. `is_pair` says that two chips make one package.
pub(super) fn model(chip_name: &str, is_pair: bool) -> String {
    let name = chip_name.trim().to_ascii_lowercase();
    let name = name.strip_prefix("ascend").unwrap_or(&name).trim_start_matches(['-', ' ']);
    match name {
        "910" if is_pair => "ascend-910c-die".to_owned(),
        "910" | "910a" => "ascend-910".to_owned(),
        "" => "ascend-unknown".to_owned(),
        other => format!("ascend-{}", other.replace(' ', "-")),
    }
}

/// The rings from the output of `npu-smi info -t topo`: sets of cards that HCCS joins, directly or through
/// others. `None` if there is no such table.
pub fn npu_rings(text: &str) -> Option<Vec<CardSet>> {
    let mut lines = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let header = lines.find(|words| words.first().is_some_and(|word| number_of(word).is_some()))?;
    let columns: Vec<u8> = header.iter().map_while(|word| number_of(word)).collect();
    let mut rings: Vec<CardSet> = Vec::new();
    for words in lines {
        let Some(own) = words.first().and_then(|word| number_of(word)) else { continue };
        let joined =
            columns.iter().zip(&words[1..]).filter(|(_, link)| **link == "HCCS").map(|(&column, _)| column);
        let mut ring = joined.chain([own]).collect::<CardSet>();
        rings.retain(|other| {
            let touches = !other.is_disjoint(ring);
            if touches {
                ring = ring.union(*other);
            }
            !touches
        });
        rings.push(ring);
    }
    rings.sort_by_key(|ring| ring.iter().next());
    (!rings.is_empty()).then_some(rings)
}

fn number_of(word: &str) -> Option<u8> {
    word.strip_prefix("NPU")?.parse().ok().filter(|number| *number < MAX_CARDS_PER_NODE)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) const EIGHT_910: &str = "\
+------------------------------------------------------------------------------------+
| npu-smi 22.0.4                   Version: 22.0.4                                     |
+----------------------+---------------+------------------------------------------------+
| NPU   Name           | Health        | Power(W)   Temp(C)        Hugepages-Usage(page) |
| Chip                 | Bus-Id        | AICore(%)  Memory-Usage(MB)  HBM-Usage(MB)      |
+======================+===============+================================================+
| 0     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:C1:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 1     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:81:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 2     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:41:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 3     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:01:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 4     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:C2:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 5     910A           | Alarm         | 68.4       35             0 / 0                 |
| 0                    | 0000:82:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 6     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:42:00.0  | 0          591 / 15171    0 / 32768             |
+======================+===============+================================================+
| 7     910A           | OK            | 68.4       35             0 / 0                 |
| 0                    | 0000:02:00.0  | 0          591 / 15171    31000/ 32768          |
+======================+===============+================================================+
| NPU     Chip         | Process id    | Process name   | Process memory(MB)             |
+======================+===============+================================================+
| No running processes found in NPU 0                                                   |
+======================+===============+================================================+
| 7       0            | 31337         |                | 30000                          |
+======================+===============+================================================+
";

    pub(in super::super) const TWO_RINGS: &str = "
         NPU0   NPU1   NPU2   NPU3   NPU4   NPU5   NPU6   NPU7   CPU Affinity
NPU0      X     HCCS   HCCS   HCCS   SYS    SYS    SYS    SYS    0-23
NPU1     HCCS    X     HCCS   HCCS   SYS    SYS    SYS    SYS    0-23
NPU2     HCCS   HCCS    X     HCCS   SYS    SYS    SYS    SYS    0-23
NPU3     HCCS   HCCS   HCCS    X     SYS    SYS    SYS    SYS    0-23
NPU4     SYS    SYS    SYS    SYS     X     HCCS   HCCS   HCCS   24-47
NPU5     SYS    SYS    SYS    SYS    HCCS    X     HCCS   HCCS   24-47
NPU6     SYS    SYS    SYS    SYS    HCCS   HCCS    X     HCCS   24-47
NPU7     SYS    SYS    SYS    SYS    HCCS   HCCS   HCCS    X     24-47

Legend:
  X    = Self
  HCCS = Huawei Cache Coherence System
";

    /// Two dies in each package, with their own numbers; the second die shows no power of its own.
    const PAIRS: &str = "
| npu-smi 25.2.1                   Version: 25.2.1        |
| NPU   Name                | Health   | Power(W)   Temp(C)  Hugepages-Usage(page)|
| Chip  Phy-ID              | Bus-Id   | AICore(%)  Memory-Usage(MB)  HBM-Usage(MB)|
+===========================+==========+=============================================+
| 0     Ascend910           | OK       | 168.9      36       0    / 0      |
| 0     0                   | 0000:9D:00.0 | 0      0    / 0          3106 / 65536 |
+---------------------------+----------+---------------------------------------------+
| 0     Ascend910           | OK       | -          36       0    / 0      |
| 1     1                   | 0000:9F:00.0 | 0      0    / 0          2890 / 65536 |
+===========================+==========+=============================================+
| 1     Ascend910           | Critical | 168.9      36       0    / 0      |
| 0     2                   | 0000:99:00.0 | 0      0    / 0          3106/ 65536 |
";

    /// An inference card: the second column has another name, and there is no HBM and no power.
    const INFERENCE: &str = "
| NPU     Name      | Health | Power(W)  Temp(C)  Hugepages-Usage(page) |
| Chip    Device    | Bus-Id | AICore(%)  Memory-Usage(MB)              |
| 32      310P3     | OK     | NA        46       0     / 0             |
| 0       3         | 0000:3B:00.0 | 0   1559 / 21527                   |
";

    /// A slice of a card, in a container whose first card is not number 0.
    const SLICE: &str = "
| NPU     Name               | Health | Power(W)  Temp(C)  Hugepages-Usage(page) |
| Chip                       | Bus-Id | AICore(%)  Memory-Usage(MB) HBM-Usage(MB) |
| 6       910B3vir05_1c_16g  | OK     | 90.1      46       0     / 0             |
| 0                          | 0000:42:00.5 | NA  NA / NA 120 / 16384           |
";

    #[test]
    fn tables_of_all_kinds_are_read_by_their_headers() {
        let read = |text| {
            let table = parse_npu_table(text).unwrap();
            let is_pair = table.has_several_chips();
            table
                .npus
                .iter()
                .map(|npu| (npu.index, model(&npu.name, is_pair), npu.health.clone(), npu.memory_mib))
                .collect::<Vec<_>>()
        };
        let row =
            |index, model: &str, health: &str, mib| (index, model.to_owned(), health.to_owned(), Some(mib));
        assert_eq!(
            read(PAIRS),
            [
                row(0, "ascend-910c-die", "OK", 65_536),
                row(1, "ascend-910c-die", "OK", 65_536),
                row(2, "ascend-910c-die", "Critical", 65_536),
            ]
        );
        assert_eq!(read(INFERENCE), [row(3, "ascend-310p3", "OK", 21_527)]);
        assert_eq!(read(SLICE), [row(6, "ascend-910b3vir05_1c_16g", "OK", 16_384)]);
        let eight = read(EIGHT_910);
        assert_eq!(eight.len(), 8, "the table of processes is another");
        assert_eq!(eight[7], row(7, "ascend-910", "OK", 32_768));
        assert_eq!(eight[5].2, "Alarm");
        assert_eq!(parse_npu_table(EIGHT_910).unwrap().version, "22.0.4");
        assert_eq!(parse_npu_table("dcmi module initialize failed. ret is -8005"), None);
    }

    #[test]
    fn rings_are_what_hccs_joins() {
        assert_eq!(npu_rings(TWO_RINGS), Some(vec![CardSet::from_bits(0x0f), CardSet::from_bits(0xf0)]));
        let chain = "NPU0 NPU1 NPU2\nNPU0 X HCCS SYS\nNPU1 HCCS X HCCS\nNPU2 SYS HCCS X\n";
        assert_eq!(npu_rings(chain), Some(vec![CardSet::first(3)]));
        assert_eq!(npu_rings("This device does not support querying topo."), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([|+ \n]|NPU|Name|Chip|Bus-Id|Health|Usage|HCCS|[0-9]{1,12}|/|:|\\PC){0,80}") {
            let _ = parse_npu_table(&text);
            let _ = npu_rings(&text);
        }

        #[test]
        fn a_damaged_table_never_panics(cut in 0_usize..3000, from in 0_usize..3000) {
            for text in [EIGHT_910, PAIRS, INFERENCE, SLICE] {
                let part: String = text.chars().take(cut).chain(text.chars().skip(from)).collect();
                let _ = parse_npu_table(&part);
            }
        }
    }
}
