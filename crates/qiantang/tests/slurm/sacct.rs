//! Slurm's accounting.

use testkit::Cluster;

/// The card-milliseconds of the ended jobs whose names begin with `name`, in ascending order.
pub fn card_ms(cluster: &Cluster, name: &str) -> Vec<i64> {
    let out = cluster
        .slurm("sacct", &["-naXP", "--starttime=now-1hour", "--format=JobName%60,ElapsedRaw,AllocTRES,End"]);
    let cards = |tres: &str| {
        let count = tres.split(',').find_map(|entry| entry.strip_prefix("gres/npu="));
        count.and_then(|count| count.parse::<i64>().ok()).unwrap_or(0)
    };
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split('|').collect();
        (columns[0].starts_with(name) && columns[3] != "Unknown")
            .then(|| columns[1].parse::<i64>().expect("seconds") * 1000 * cards(columns[2]))
    };
    let mut found: Vec<i64> = out.lines().filter_map(of_line).collect();
    found.sort_unstable();
    found
}
