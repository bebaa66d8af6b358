//! Reading a trace, whatever its format.

pub(crate) mod columns;
pub mod fault;
#[cfg(test)]
mod fuzz_tests;
mod lines;
pub(crate) mod node_list;
mod numbers;
mod openb;
pub(crate) mod platform_csv;
mod sacct;
mod swf;

use std::io::{BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

use crate::trace::Trace;
use fault::{Faults, Flaw};

/// How many bytes of an input are looked at to find its format.
const HEAD_BYTES: usize = 16 * 1024;

/// How many bytes are read at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Standard Workload Format of the Parallel Workloads Archive.
    Swf,
    /// The pod list of Alibaba's open GPU cluster trace.
    Openb,
    /// The output of `sacct -P`.
    Sacct,
    /// This platform's own CSV.
    Own,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Swf, Self::Openb, Self::Sacct, Self::Own];

    pub fn code(self) -> &'static str {
        match self {
            Self::Swf => "swf",
            Self::Openb => "openb",
            Self::Sacct => "sacct",
            Self::Own => "csv",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }

    /// Finds the format by the beginning of a text.
    fn tell(head: &[u8]) -> Option<Self> {
        let mut lines =
            head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let first = lines.next()?;
        if first.starts_with(b";") {
            return Some(Self::Swf);
        }
        let first = if first.starts_with(b"#") { lines.find(|line| !line.starts_with(b"#"))? } else { first };
        let lower = first.to_ascii_lowercase();
        let has = |word: &[u8], separator: u8| {
            lower.split(|byte| *byte == separator).any(|title| title.trim_ascii() == word)
        };
        if has(b"jobid", b'|') || has(b"jobidraw", b'|') {
            Some(Self::Sacct)
        } else if has(b"num_gpu", b',') {
            Some(Self::Openb)
        } else if has(b"run_s", b',') {
            Some(Self::Own)
        } else {
            let mut fields = first.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
            let numbers = fields.by_ref().take(18).filter(|field| numbers::seconds(field).is_some()).count();
            (numbers == 18).then_some(Self::Swf)
        }
    }
}

/// Reads a trace from memory, and finds its format where none is given. Where all jobs are in one queue, each
/// user gets a queue, since fair share needs several. Never fails: lines that can't be read are in the
/// faults.
pub fn read(bytes: &[u8], format: Option<Format>) -> (Trace, Faults) {
    read_from(bytes, format)
}

/// As [`read`], from any input, in one pass: only the jobs are kept in memory.
pub fn read_from(input: impl Read, format: Option<Format>) -> (Trace, Faults) {
    let mut input = Head::of(input);
    if input.bytes.starts_with(&[0x1f, 0x8b]) {
        let plain = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, input.whole()));
        input_of(Head::of(plain), format)
    } else {
        input.skip_mark();
        input_of(input, format)
    }
}

fn input_of(mut input: Head<impl Read>, format: Option<Format>) -> (Trace, Faults) {
    input.skip_mark();
    let mut faults = Faults::default();
    let Some(format) = format.or_else(|| Format::tell(&input.bytes)) else {
        if let Some(error) = input.error {
            faults.add(0, Flaw::Broken(error.to_string()), &input.bytes);
        }
        faults.add(0, Flaw::Unknown, &input.bytes);
        return (Trace::default(), faults);
    };
    let input = BufReader::with_capacity(BUFFER_BYTES, input.whole());
    let mut trace = match format {
        Format::Swf => swf::read(input, &mut faults),
        Format::Openb => openb::read(input, &mut faults),
        Format::Sacct => sacct::read(input, &mut faults),
        Format::Own => platform_csv::read(input, &mut faults),
    };
    trace.share_between_users();
    (trace, faults)
}

/// An input with its beginning read ahead.
struct Head<R> {
    bytes: Vec<u8>,
    error: Option<std::io::Error>,
    rest: R,
}

impl<R: Read> Head<R> {
    fn of(mut rest: R) -> Self {
        let mut bytes = Vec::new();
        let error = rest.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).err();
        Self { bytes, error, rest }
    }

    /// Leaves out a byte order mark.
    fn skip_mark(&mut self) {
        if self.bytes.starts_with(b"\xef\xbb\xbf") {
            self.bytes.drain(..3);
        }
    }

    /// The whole input again, with a read error in its place.
    fn whole(self) -> impl Read {
        Cursor::new(self.bytes).chain(Broken(self.error)).chain(self.rest)
    }
}

/// Returns its error once, then nothing.
struct Broken(Option<std::io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const SWF: &str = "; MaxProcs: 8\n1 0 0 10 4 -1 -1 4 20 -1 1 3 1 -1 1 -1 -1 -1\n";
    const OPENB: &str = "name,num_gpu,creation_time,deletion_time,scheduled_time\np,1,0,9,0\n";
    const SACCT: &str = "Submit|JobID|Elapsed|AllocCPUS\n1700000000|7|00:10|4\n";
    const OWN: &str = "# cards: 8\n\nsubmit_s,run_s,cards\n0,10,4\n";

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn the_format_is_found() {
        for (text, format) in
            [(SWF, Format::Swf), (OPENB, Format::Openb), (SACCT, Format::Sacct), (OWN, Format::Own)]
        {
            let marked = format!("\u{feff}{text}");
            for bytes in [text.as_bytes().to_vec(), gz(text.as_bytes()), marked.into_bytes()] {
                let (trace, faults) = read(&bytes, None);
                assert_eq!((trace.jobs.len(), faults.bad), (1, 0), "{format:?}");
                assert_eq!(read(&bytes, Some(format)), (trace, faults));
            }
            assert_eq!(Format::from_code(format.code()), Some(format));
        }
        let without_header = SWF.split_once('\n').unwrap().1;
        assert_eq!(read(without_header.as_bytes(), None).0.jobs.len(), 1);
    }

    #[test]
    fn users_are_the_queues_where_there_is_but_one() {
        let one = "submit_s,run_s,cards,user,queue\n0,1,1,ann,q\n0,1,1,bob,q\n";
        let queues = |text: &str| {
            let trace = read(text.as_bytes(), None).0;
            trace.jobs.iter().map(|job| trace.queues.get(job.queue).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(queues(one), ["ann", "bob"]);
        assert_eq!(queues(&one.replace("bob,q", "bob,p")), ["q", "p"]);
    }

    #[test]
    fn what_nobody_knows_is_a_fault() {
        for bytes in [&b""[..], b"\n\n", b"hello, world\n", b"<html>", b"\x1f\x8b", b"\0\0\0"] {
            let (trace, faults) = read(bytes, None);
            assert!(trace.jobs.is_empty());
            assert_eq!(faults.samples.last().unwrap().flaw, Flaw::Unknown);
        }
    }

    #[test]
    fn a_cut_archive_gives_what_it_has() {
        let line = SWF.split_once('\n').unwrap().1;
        let mut text = String::from("; MaxProcs: 8\n");
        for _ in 0..20_000 {
            text += line;
        }
        let whole = gz(text.as_bytes());
        let (trace, faults) = read(&whole[..whole.len() / 2], None);
        assert!((1..20_000).contains(&trace.jobs.len()), "{}", trace.jobs.len());
        assert_eq!(faults.bad, 1);
        assert!(matches!(faults.samples[0].flaw, Flaw::Broken(_)));
    }
}
