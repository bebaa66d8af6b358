//! The lines of a run's log: what terminals show of its nodes' outputs, merged in the order in which lines were finished.

use domain::Timestamp;
use engines::Stream;

use super::{
    encoding::Reading,
    screen::{self, Part, Terminal},
};

/// Bytes of one character or line that are kept until the rest of it comes.
const MAX_WAITING_BYTES: usize = 64 << 10;

/// Who wrote a line: one of the streams of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub stream: Stream,
    pub node: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(Vec<Part>),
    /// So many bytes of the stream are left out here.
    LeftOut(u64),
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Ascending as lines are finished; of an open line the number that none has.
    pub number: Option<u64>,
    pub source: Source,
    pub at: Option<Timestamp>,
    pub content: Content,
}

/// A terminal for each source.
#[derive(Debug, Default)]
pub struct Lines {
    reading: Reading,
    terminals: Vec<(Source, Terminal, Vec<u8>)>,
    next: u64,
    noted: Vec<Line>,
}

impl Lines {
    pub fn new(reading: Reading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// How bytes are read by now.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Looks at bytes before they are written, to know how to read them.
    pub fn learn(&mut self, bytes: &[u8]) {
        self.reading.learn(bytes);
    }

    /// Writes bytes of a source to its terminal.
    pub fn write(&mut self, source: Source, bytes: &[u8], at: Option<Timestamp>) {
        let known = self.terminals.iter().position(|terminal| terminal.0 == source);
        let known = known.unwrap_or_else(|| {
            self.terminals.push((source, Terminal::default(), Vec::new()));
            self.terminals.len() - 1
        });
        let (_, terminal, waiting) = &mut self.terminals[known];
        waiting.extend_from_slice(bytes);
        self.reading.learn(waiting);
        let whole = match self.reading.whole(waiting) {
            0 if waiting.len() > MAX_WAITING_BYTES => waiting.len(),
            whole => whole,
        };
        let rest = waiting.split_off(whole);
        terminal.write(&self.reading.text(waiting), at, &mut self.next);
        *waiting = rest;
    }

    /// Tells that bytes of a stream are left out here. What comes after them has nothing to do with what came before.
    pub fn leave_out(&mut self, stream: Stream, bytes: u64) {
        self.finish(|source| source.stream == stream);
        let source = Source { stream, node: None };
        self.noted.push(Line { number: Some(self.next), source, at: None, content: Content::LeftOut(bytes) });
        self.next += 1;
    }

    /// Shows what was kept for later: nothing more comes.
    pub fn end(&mut self) {
        for (_, terminal, waiting) in &mut self.terminals {
            terminal.write(&self.reading.text(waiting), None, &mut self.next);
            waiting.clear();
        }
    }

    fn finish(&mut self, is_meant: impl Fn(Source) -> bool) {
        for (_, terminal, waiting) in self.terminals.iter_mut().filter(|terminal| is_meant(terminal.0)) {
            terminal.write(&self.reading.text(waiting), None, &mut self.next);
            waiting.clear();
            terminal.finish(&mut self.next);
        }
    }

    /// The finished lines that are new or have changed since the last call.
    pub fn take(&mut self) -> Vec<Line> {
        let mut lines = std::mem::take(&mut self.noted);
        for (source, terminal, _) in &mut self.terminals {
            lines.extend(terminal.take().into_iter().map(|line| of(*source, line)));
        }
        lines.sort_by_key(|line| line.number);
        lines
    }

    /// The lines that are not finished, the one that changed last at the end.
    pub fn open(&self) -> Vec<Line> {
        let open =
            self.terminals.iter().filter_map(|(source, terminal, _)| Some(of(*source, terminal.open()?)));
        let mut open: Vec<Line> = open.collect();
        open.sort_by_key(|line| line.at);
        open
    }
}

fn of(source: Source, line: screen::Line) -> Line {
    Line { number: line.number, source, at: line.at, content: Content::Text(line.parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(stream: Stream, node: u16) -> Source {
        Source { stream, node: Some(node) }
    }

    fn texts(lines: &[Line]) -> Vec<String> {
        let text = |line: &Line| match &line.content {
            Content::Text(parts) => parts.iter().map(|part| part.text.as_str()).collect(),
            Content::LeftOut(bytes) => format!("({bytes})"),
        };
        lines.iter().map(text).collect()
    }

    #[test]
    fn sources_do_not_write_over_each_other() {
        let (out, err) = (source(Stream::Stdout, 0), source(Stream::Stderr, 1));
        let mut lines = Lines::default();
        lines.write(err, b"\r 10%", None);
        lines.write(out, b"epoch", None);
        lines.write(err, b"\r 20%", None);
        lines.write(out, b" 1\n", None);
        assert_eq!(
            (texts(&lines.take()), texts(&lines.open())),
            (vec!["epoch 1".into()], vec![" 20%".into()])
        );
        lines.write(err, b"\r100%\n", None);
        let taken = lines.take();
        assert_eq!((texts(&taken), taken[0].number, taken[0].source), (vec!["100%".into()], Some(1), err));
    }

    #[test]
    fn what_is_left_out_stands_between_the_lines() {
        let out = source(Stream::Stdout, 0);
        let mut lines = Lines::default();
        lines.write(out, b"one\ntor", None);
        lines.leave_out(Stream::Stdout, 1000);
        lines.write(out, b"n\nlast\n", None);
        assert_eq!(texts(&lines.take()), ["one", "tor", "(1000)", "n", "last"]);
    }

    #[test]
    fn a_torn_character_waits_and_an_odd_one_is_shown_at_the_end() {
        let out = source(Stream::Stdout, 0);
        let mut lines = Lines::default();
        lines.write(out, "训练".as_bytes().split_at(4).0, None);
        assert_eq!(texts(&lines.open()), ["训"]);
        lines.write(out, "训练".as_bytes().split_at(4).1, None);
        assert_eq!(texts(&lines.open()), ["训练"]);
        // Two characters in GBK without the end of their line.
        lines.write(source(Stream::Stderr, 0), b"\xd1\xb5\xc1\xb7", None);
        lines.end();
        let open = texts(&lines.open());
        assert!(open == ["训练", "训练"] && lines.reading().name() == "GB18030", "{open:?}");
    }
}
