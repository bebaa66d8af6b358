//! Faults in a trace's lines: counted, named, and never fatal.

use domain::Lang;

/// How many bad lines are kept with their text; all are counted.
pub const MAX_SAMPLES: usize = 50;

/// How many characters of a bad line are kept.
const MAX_SAMPLE_CHARS: usize = 120;

/// The lines of a trace that was read, and the faults in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Lines read, comments and empty ones included.
    pub lines: u64,
    /// Lines that can't be used.
    pub bad: u64,
    /// Good lines that are not jobs for cards: steps of a job, pods without a card, jobs that never ran.
    pub skipped: u64,
    /// The first bad lines.
    pub samples: Vec<LineFault>,
}

/// One bad line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The line's number, from 1; 0: the input as a whole.
    pub line: u64,
    pub flaw: Flaw,
    /// The line's beginning.
    pub sample: String,
}

/// The fault of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The line has another number of fields than the format.
    Fields { found: usize, needed: usize },
    /// A field can't be read.
    Field(&'static str),
    /// A needed column is missing.
    Column(&'static str),
    /// The line is too long.
    Long { limit_bytes: usize },
    /// The input can't be read any further; the lines before count.
    Broken(String),
    /// The format of the input is not known.
    Unknown,
    /// There are more jobs or nodes than are allowed; the rest are left out.
    Many { limit: usize },
}

impl Flaw {
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Fields { found, needed }, Lang::Zh) => format!("有 {found} 个字段，应为 {needed} 个"),
            (Self::Fields { found, needed }, Lang::En) => format!("{found} fields where {needed} are needed"),
            (Self::Field(name), Lang::Zh) => format!("字段 {name} 无法读取"),
            (Self::Field(name), Lang::En) => format!("the field {name} can't be read"),
            (Self::Column(name), Lang::Zh) => format!("缺少列 {name}"),
            (Self::Column(name), Lang::En) => format!("the column {name} is missing"),
            (Self::Long { limit_bytes }, Lang::Zh) => format!("行长超过 {limit_bytes} 字节"),
            (Self::Long { limit_bytes }, Lang::En) => format!("longer than {limit_bytes} bytes"),
            (Self::Broken(why), Lang::Zh) => format!("输入到此中断：{why}"),
            (Self::Broken(why), Lang::En) => format!("the input breaks off here: {why}"),
            (Self::Unknown, Lang::Zh) => "无法识别格式：请用 SWF、openb、sacct 或本平台的 CSV".into(),
            (Self::Unknown, Lang::En) => {
                "the format is not known: use SWF, openb, sacct or this platform's own CSV".into()
            }
            (Self::Many { limit }, Lang::Zh) => format!("超过 {limit} 条，其余略去"),
            (Self::Many { limit }, Lang::En) => {
                format!("more than {limit} entries, and the rest are left out")
            }
        }
    }
}

impl Faults {
    /// Counts a bad line, and keeps it if there is room.
    pub fn add(&mut self, line: u64, flaw: Flaw, text: &[u8]) {
        self.bad += 1;
        if self.samples.len() < MAX_SAMPLES {
            // A character has four bytes at most.
            let head = &text[..text.len().min(4 * MAX_SAMPLE_CHARS)];
            let shown = String::from_utf8_lossy(head);
            let sample = shown.chars().filter(|c| !c.is_control()).take(MAX_SAMPLE_CHARS).collect();
            self.samples.push(LineFault { line, flaw, sample });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_some_are_kept() {
        let mut faults = Faults::default();
        for line in 1..=1000 {
            faults.add(line, Flaw::Field("submit"), &[b'x'; 10_000]);
        }
        assert_eq!((faults.bad, faults.samples.len()), (1000, MAX_SAMPLES));
        assert_eq!(faults.samples[0].sample.len(), MAX_SAMPLE_CHARS);
        assert_eq!(faults.samples[0].line, 1);
    }

    #[test]
    fn a_sample_is_fit_to_print() {
        let mut faults = Faults::default();
        faults.add(1, Flaw::Unknown, b"\x1b[31m\xff\0ok");
        assert_eq!(faults.samples[0].sample, "[31m\u{fffd}ok");
    }

    #[test]
    fn every_flaw_speaks_both_languages() {
        let all = [
            Flaw::Fields { found: 1, needed: 18 },
            Flaw::Field("run"),
            Flaw::Column("Submit"),
            Flaw::Long { limit_bytes: 9 },
            Flaw::Broken("why".into()),
            Flaw::Unknown,
            Flaw::Many { limit: 9 },
        ];
        for flaw in all {
            assert!(flaw.text(Lang::En).is_ascii());
            assert!(!flaw.text(Lang::Zh).is_ascii());
        }
    }
}
