//! The logs that a supervisor keeps: all of them below the limit, both ends above it, and when their bytes came.

use std::os::unix::fs::FileExt as _;

use engines::{Engine as _, Exit, Stream};
use testkit::engine::{SmallCenter, UnderTest as _, node, spec};

use crate::HOST;

/// All of a log that can be read, and where bytes are left out.
fn whole(
    center: &SmallCenter,
    run: domain::RunId,
    stream: Stream,
) -> (Vec<u8>, Option<std::ops::Range<u64>>) {
    let (mut bytes, mut at) = (Vec::new(), 0);
    loop {
        let chunk = center.engine.read_log(run, stream, at, 30_000).unwrap();
        if chunk.bytes.is_empty() {
            return (bytes, chunk.gap);
        }
        at = chunk.offset + chunk.bytes.len() as u64;
        bytes.extend(chunk.bytes);
    }
}

#[test]
fn a_log_of_any_length_keeps_its_first_and_last_lines() {
    let center = SmallCenter::start(HOST);
    for (lines, limit_bytes) in [
        (0, 0),
        (3, 0),
        (3, 1),
        (3, 7),
        (1000, 8),
        (12_499, 100_000),
        (12_500, 100_000),
        (99_999, 100_001),
        (200_000, 1 << 16),
    ] {
        let mut spec = spec(&format!("#!/bin/sh\nseq -f %07.0f 1 {lines}\n"));
        spec.log_limit_bytes = limit_bytes;
        assert_eq!(center.run(&spec), Exit::Code(0));
        let (bytes, gap) = whole(&center, spec.run, Stream::Stdout);
        let written: Vec<String> = (1..=lines).map(|n| format!("{n:07}\n")).collect();
        let written = written.concat();
        let what = format!("{lines} lines with a limit of {limit_bytes}");
        assert!(bytes.len() as u64 <= limit_bytes, "{what}: {} bytes", bytes.len());
        if written.len() as u64 <= limit_bytes {
            assert_eq!((bytes == written.as_bytes(), gap), (true, None), "{what}: all is kept");
            continue;
        }
        if limit_bytes < 8 {
            assert!(written.as_bytes().starts_with(&bytes), "{what}");
            continue;
        }
        let gap = gap.expect("something is left out");
        let (head, tail) = bytes.split_at(usize::try_from(gap.start).unwrap());
        assert!(written.as_bytes().starts_with(head) && written.as_bytes().ends_with(tail), "{what}");
        assert_eq!(gap.end - gap.start + bytes.len() as u64, written.len() as u64, "{what}");
        assert!(bytes.len() as u64 >= limit_bytes - limit_bytes / 8 - 1, "{what}: {} bytes", bytes.len());
    }
}

#[test]
fn arrivals_tell_the_order_of_both_streams_and_the_node_of_each_byte() {
    let center = SmallCenter::start(HOST);
    // Each waits until the line before it was read.
    let script = "#!/bin/sh\necho \"$RANK out\"\nwhile [ ! -e err ]; do sleep 0.02; done\necho \"$RANK err\" >&2\n\
        while [ ! -e more ]; do sleep 0.02; done\necho \"$RANK more\"\n";
    let mut spec = spec(script);
    spec.nodes = vec![node("alpha", 0), node("beta", 0)];
    center.launch(&spec);
    for rank in 0..2 {
        center.wait_line(spec.run, &format!("{rank} out"));
    }
    let work = center.engine.work_folder(spec.tenant, spec.job);
    std::fs::write(work.join("err"), "").unwrap();
    while center.err(spec.run).lines().count() < 2 {
        std::thread::yield_now();
    }
    std::fs::write(work.join("more"), "").unwrap();
    assert_eq!(center.wait_end(spec.run).how, Exit::Code(0));
    let layout = center.engine.log_layout(spec.run).unwrap();
    let arrivals = layout.arrivals.expect("this engine keeps them");
    let texts = Stream::ALL.map(|stream| whole(&center, spec.run, stream).0);
    let mut told = Vec::new();
    for (at, arrival) in arrivals.iter().enumerate() {
        let log = &texts[arrival.stream as usize];
        let next = arrivals[at + 1..].iter().find(|next| next.stream == arrival.stream);
        let end = next.map_or(log.len() as u64, |next| next.offset);
        let text = &log[usize::try_from(arrival.offset).unwrap()..usize::try_from(end).unwrap()];
        for line in String::from_utf8_lossy(text).lines() {
            let rank = arrival.node().expect("its node is known");
            assert!(line.starts_with(&rank.to_string()), "{line} of {rank}");
            told.push(line[2..].to_owned());
        }
    }
    assert_eq!(told, ["out", "out", "err", "err", "more", "more"]);
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
}

#[test]
fn a_killed_supervisor_leaves_all_that_it_was_given() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("#!/bin/sh\nseq -f %07.0f 1 50000\necho told\nwhile :; do sleep 1; done\n");
    spec.log_limit_bytes = 100_000;
    center.launch(&spec);
    let begun = std::time::Instant::now();
    while !whole(&center, spec.run, Stream::Stdout).0.ends_with(b"told\n") {
        assert!(begun.elapsed() < testkit::engine::PATIENCE, "the last line does not come");
    }
    let center = center.restart();
    let supervisor = center.engine.supervisor_pid(spec.run).unwrap().expect("it lives");
    let pid = rustix::process::Pid::from_raw(supervisor.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    center.wait_for(spec.run, "its loss", |seen| matches!(seen, engines::Observation::Vanished { .. }));
    let (bytes, gap) = whole(&center, spec.run, Stream::Stdout);
    assert!(bytes.starts_with(b"0000001\n") && bytes.ends_with(b"0050000\ntold\n"));
    assert_eq!(bytes.len() as u64 + gap.map_or(0, |gap| gap.end - gap.start), 400_005);
}

#[test]
fn a_run_that_says_nothing_has_no_files_of_logs() {
    let center = SmallCenter::start(HOST);
    let quiet = spec("#!/bin/true\n");
    assert_eq!(center.run(&quiet), Exit::Code(0));
    let of_run = |run: domain::RunId| -> Vec<String> {
        let names = testkit::files_below(&center.dir.path().join("data/runs"));
        let names = names.iter().filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        names.filter_map(|name| Some(name.strip_prefix(&run.to_string())?.to_owned())).collect()
    };
    assert_eq!(of_run(quiet.run), [".record"]);
    let loud = spec("#!/bin/sh\necho hello\n");
    assert_eq!(center.run(&loud), Exit::Code(0));
    assert_eq!(of_run(loud.run), [".arrivals", ".record", ".stdout"]);
    // What one arrival has, and no more.
    let index = std::fs::File::open(
        testkit::files_below(&center.dir.path().join("data/runs"))
            .into_iter()
            .find(|path| path.ends_with(format!("{}.arrivals", loud.run)))
            .unwrap(),
    )
    .unwrap();
    assert_eq!((index.metadata().unwrap().len(), index.read_at(&mut [0; 16], 0).unwrap()), (16, 16));
}
