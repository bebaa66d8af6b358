//! No bytes make a reader panic: properties, a long form over ten million inputs, and libFuzzer in `fuzz/`.

use std::{fmt::Write as _, time::Instant};

use proptest::prelude::*;

use super::{Format, fault::MAX_SAMPLES, read};
use crate::random::Dice;

const SEEDS: [(Format, &str); 4] = [
    (
        Format::Swf,
        "; MaxProcs: 100\n; UnixStartTime: 843480031\n; TimeZone: 3600\n; Queue: 1 fast\n\
         1 0 5 10 4 -1 -1 4 20 -1 1 3 1 -1 1 -1 -1 -1\n2 7.5 -1 -1 -1 -1 -1 8 600 -1 5 4 1 -1 2 -1 -1 -1\n",
    ),
    (
        Format::Openb,
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n\
         a-1,6000,12288,1,460,V100M16|V100M32,LS,Running,427061,12902960,427061\na-2,6000,12288,8,1000,,BE,Pending,5,9,\n",
    ),
    (
        Format::Sacct,
        "JobID|Submit|Elapsed|Timelimit|AllocTRES|ReqTRES|AllocCPUS|User|Account|QOS|State\n\
         7|2026-05-20T08:00:10|1-02:03:04|UNLIMITED|cpu=8,gres/gpu:a100=2|cpu=8|8|ann|lab|normal|COMPLETED\n\
         8_1|1700000000|00:30.5|2-3|gres/npu=1||1|bob|lab|low|TIMEOUT\n7.batch|||||||||| \n",
    ),
    (
        Format::Own,
        "# cards: 8\n# start: 2026-05-20T08:00:00Z\n# utc_offset_s: 28800\n\
         job,submit_s,run_s,estimate_s,cards,user,queue,domain,class,model\n\
         \"a,\"\"b\",0.5,10,20,4,ann,q,research,urgent,ascend-910\n2,3,4,,1,,,,,\n",
    ),
];

/// Asserts the rules that hold for any input.
fn check(bytes: &[u8], format: Option<Format>) {
    let (trace, faults) = read(bytes, format);
    assert!(faults.samples.len() <= MAX_SAMPLES && faults.samples.len() as u64 <= faults.bad);
    assert!(trace.jobs.is_sorted_by_key(|job| job.submit_ms));
    for job in &trace.jobs {
        assert!(job.submit_ms >= 0 && job.run_ms >= 1 && job.estimate_ms >= job.run_ms && job.cards >= 1);
        assert!((job.queue as usize) < trace.queues.len() && (job.user as usize) < trace.users.len());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_named(bytes: Vec<u8>, format in 0_usize..5) {
        check(&bytes, Format::ALL.get(format).copied());
    }

    #[test]
    fn lines_of_odd_numbers_are_read_or_named(numbers in prop::collection::vec(any::<i64>(), 0..40), seed in 0_usize..4) {
        let (format, text) = SEEDS[seed];
        let mut text = text.to_owned();
        for number in numbers {
            let between = [" ", "|", ",", "\n", ":", "-"][usize::try_from(number.rem_euclid(6)).unwrap()];
            write!(text, "{number}{between}").unwrap();
        }
        check(text.as_bytes(), Some(format));
    }

    #[test]
    fn mutations_are_read_or_named(seed: u64) {
        let mut dice = Dice(seed);
        for (format, text) in SEEDS {
            let mut bytes = text.as_bytes().to_vec();
            mutate(&mut bytes, &mut dice);
            check(&bytes, Some(format));
            check(&bytes, None);
        }
    }
}

#[test]
fn the_seeds_are_sound() {
    for (format, text) in SEEDS {
        let (trace, faults) = read(text.as_bytes(), None);
        assert_eq!((trace.jobs.len(), faults.bad), (2, 0), "{format:?} {faults:?}");
    }
}

/// Reads `QIANTANG_INPUTS` mutated inputs, or 10,000,000 where it is not set.
#[test]
#[ignore = "runs for minutes"]
fn ten_million_inputs() {
    let wanted =
        std::env::var("QIANTANG_INPUTS").map_or(10_000_000_u64, |text| text.parse().expect("a number"));
    let mut dice = Dice(20_220_520);
    let begun = Instant::now();
    let mut bytes = Vec::new();
    for input in 0..wanted {
        let (format, text) = SEEDS[usize::try_from(input % 4).unwrap()];
        bytes.clear();
        bytes.extend_from_slice(text.as_bytes());
        mutate(&mut bytes, &mut dice);
        check(&bytes, if dice.next().is_multiple_of(8) { None } else { Some(format) });
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{wanted} inputs in {seconds:.1} s: {:.0} inputs/s",
        f64::from(u32::try_from(wanted).unwrap()) / seconds
    );
}

/// Changes a few bytes: overwrites, inserts, removes, repeats, cuts.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    const ODD: &[u8] = b"0129-+.,|:;#\"\n\r \t=/xT\0\xff";
    for _ in 0..=dice.below(6) {
        let at = dice.index(bytes.len() + 1);
        let odd = ODD[dice.index(ODD.len())];
        match dice.below(6) {
            0 => bytes.insert(at, odd),
            1 if at < bytes.len() => bytes[at] = odd,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => {
                let end = (at + dice.index(40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = dice.index(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 => drop(bytes.splice(at..at, vec![b'9'; dice.index(25)])),
            5 if dice.below(8) == 0 => bytes.truncate(at),
            _ => {
                let end = (at + dice.index(12)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
}
