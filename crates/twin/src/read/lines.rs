//! Lines of an input, one at a time, with a limit on their length.

use std::io::BufRead;

use super::fault::{Faults, Flaw};

/// The longest line that a reader looks at.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Calls `take` with each line's number (from 1) and its bytes without the line's end, until `take` returns
/// `false`. A line that is too long is a fault and is left out. An input that can't be read any further is a
/// fault, and its end.
pub fn each(
    mut input: impl BufRead,
    faults: &mut Faults,
    mut take: impl FnMut(u64, &[u8], &mut Faults) -> bool,
) {
    // The beginning of a line that goes on after the buffer.
    let mut kept: Vec<u8> = Vec::new();
    let mut long = false;
    let mut number = faults.lines;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                faults.add(number + 1, Flaw::Broken(error.to_string()), &kept);
                return;
            }
        };
        if buffer.is_empty() {
            break;
        }
        let used = buffer.len();
        let mut rest = buffer;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            rest = tail;
            number += 1;
            faults.lines = number;
            let going = if kept.is_empty() && !long {
                finish(number, head, faults, &mut take)
            } else {
                keep(&mut kept, head, &mut long);
                let going = close(number, &kept, long, faults, &mut take);
                kept.clear();
                long = false;
                going
            };
            if !going {
                return;
            }
        }
        keep(&mut kept, rest, &mut long);
        input.consume(used);
    }
    if !kept.is_empty() || long {
        faults.lines = number + 1;
        close(number + 1, &kept, long, faults, &mut take);
    }
}

fn keep(kept: &mut Vec<u8>, more: &[u8], long: &mut bool) {
    let room = MAX_LINE_BYTES + 1 - kept.len();
    *long |= more.len() >= room;
    kept.extend_from_slice(&more[..more.len().min(room)]);
}

fn close(
    number: u64,
    line: &[u8],
    long: bool,
    faults: &mut Faults,
    take: &mut impl FnMut(u64, &[u8], &mut Faults) -> bool,
) -> bool {
    if long {
        faults.add(number, Flaw::Long { limit_bytes: MAX_LINE_BYTES }, line);
        return true;
    }
    finish(number, line, faults, take)
}

fn finish(
    number: u64,
    line: &[u8],
    faults: &mut Faults,
    take: &mut impl FnMut(u64, &[u8], &mut Faults) -> bool,
) -> bool {
    if line.len() > MAX_LINE_BYTES {
        faults.add(number, Flaw::Long { limit_bytes: MAX_LINE_BYTES }, line);
        return true;
    }
    take(number, line.strip_suffix(b"\r").unwrap_or(line), faults)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], buffer: usize) -> (Vec<(u64, Vec<u8>)>, Faults) {
        let mut faults = Faults::default();
        let mut lines = Vec::new();
        each(BufReader::with_capacity(buffer, bytes), &mut faults, |number, line, _| {
            lines.push((number, line.to_vec()));
            true
        });
        (lines, faults)
    }

    #[test]
    fn ends_of_lines_are_left_out() {
        let (lines, faults) = read(b"a\r\n\nb", 2);
        assert_eq!(lines, [(1, b"a".to_vec()), (2, vec![]), (3, b"b".to_vec())]);
        assert_eq!((faults.lines, faults.bad), (3, 0));
    }

    #[test]
    fn too_long_a_line_is_a_fault_and_the_next_is_read() {
        for buffer in [7, 1 << 20] {
            let mut bytes = vec![b'x'; MAX_LINE_BYTES + 1];
            bytes.extend(b"\nok\n");
            bytes.extend(vec![b'y'; MAX_LINE_BYTES]);
            let (lines, faults) = read(&bytes, buffer);
            assert_eq!((lines.len(), faults.bad, faults.samples[0].line), (2, 1, 1), "{buffer}");
            assert_eq!((lines[0].0, lines[1].0), (2, 3));
        }
    }

    #[test]
    fn a_broken_input_ends_with_a_fault() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let mut faults = Faults::default();
        let mut seen = 0;
        each(BufReader::new((&b"a\nb"[..]).chain(Broken)), &mut faults, |_, _, _| {
            seen += 1;
            true
        });
        assert_eq!((seen, faults.bad), (1, 1));
        assert_eq!(faults.samples[0].flaw, Flaw::Broken("gone".into()));
    }

    proptest! {
        #[test]
        fn the_buffer_makes_no_difference(bytes in prop::collection::vec(prop::sample::select(&b"ab\r\n"[..]), 0..60), buffer in 1_usize..9) {
            prop_assert_eq!(read(&bytes, buffer), read(&bytes, 1 << 16));
        }
    }
}
