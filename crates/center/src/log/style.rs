//! Colours and weights of text in a log, as SGR codes set them.

use vte::Params;

/// The style of a character. Its colours are the sixteen that a page has classes for; others become the nearest of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is switched by codes of its own")]
pub struct Style {
    /// `None` is the page's own.
    pub ink: Option<u8>,
    pub ground: Option<u8>,
    pub is_bold: bool,
    pub is_faint: bool,
    pub is_italic: bool,
    pub is_underlined: bool,
    pub is_struck: bool,
    pub is_inverse: bool,
    pub is_hidden: bool,
}

/// The sixteen colours as xterm has them.
const COLOURS: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

impl Style {
    pub const PLAIN: Self = Self {
        ink: None,
        ground: None,
        is_bold: false,
        is_faint: false,
        is_italic: false,
        is_underlined: false,
        is_struck: false,
        is_inverse: false,
        is_hidden: false,
    };

    /// Whether a blank in this style can be seen.
    pub(super) fn fills(self) -> bool {
        self.ground.is_some() || self.is_inverse || self.is_underlined || self.is_struck
    }

    /// The names of the classes that show it.
    pub fn classes(self) -> String {
        let mut classes = Vec::new();
        let flags = [
            (self.is_bold, "sgr-bold"),
            (self.is_faint, "sgr-faint"),
            (self.is_italic, "sgr-italic"),
            (self.is_underlined, "sgr-under"),
            (self.is_struck, "sgr-struck"),
            (self.is_inverse, "sgr-inverse"),
            (self.is_hidden, "sgr-hidden"),
        ];
        classes.extend(self.ink.map(|ink| format!("sgr-f{ink}")));
        classes.extend(self.ground.map(|ground| format!("sgr-g{ground}")));
        classes.extend(flags.into_iter().filter(|flag| flag.0).map(|flag| flag.1.to_owned()));
        classes.join(" ")
    }

    /// Takes over the codes of one sequence.
    pub(super) fn apply(&mut self, params: &Params) {
        let mut codes = params.iter();
        while let Some(code) = codes.next() {
            match code {
                [0] => *self = Self::PLAIN,
                [1] => self.is_bold = true,
                [2] => self.is_faint = true,
                [3] => self.is_italic = true,
                [4, 0] | [24] => self.is_underlined = false,
                [4 | 21, ..] => self.is_underlined = true,
                [7] => self.is_inverse = true,
                [8] => self.is_hidden = true,
                [9] => self.is_struck = true,
                [22] => (self.is_bold, self.is_faint) = (false, false),
                [23] => self.is_italic = false,
                [27] => self.is_inverse = false,
                [28] => self.is_hidden = false,
                [29] => self.is_struck = false,
                [n @ 30..=37] => self.ink = Some(small(n - 30)),
                [n @ 40..=47] => self.ground = Some(small(n - 40)),
                [n @ 90..=97] => self.ink = Some(small(n - 82)),
                [n @ 100..=107] => self.ground = Some(small(n - 92)),
                [39] => self.ink = None,
                [49] => self.ground = None,
                [38 | 48] => {
                    let colour = match codes.next() {
                        Some([5]) => codes.next().map(|n| indexed(n[0])),
                        Some([2]) => {
                            let rgb = [(); 3].map(|()| codes.next().map_or(0, |n| small(n[0])));
                            Some(nearest(rgb))
                        }
                        _ => None,
                    };
                    self.set(code[0], colour);
                }
                [which @ (38 | 48), 5, n, ..] => self.set(*which, Some(indexed(*n))),
                // With or without the number of a colour space before the colour.
                [which @ (38 | 48), 2, _, r, g, b, ..] | [which @ (38 | 48), 2, r, g, b] => {
                    self.set(*which, Some(nearest([small(*r), small(*g), small(*b)])));
                }
                _ => {}
            }
        }
    }

    fn set(&mut self, which: u16, colour: Option<u8>) {
        let Some(colour) = colour else { return };
        if which == 38 {
            self.ink = Some(colour);
        } else {
            self.ground = Some(colour);
        }
    }
}

fn small(n: u16) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

/// One of the 256 colours of xterm: the sixteen, a cube of six by six by six, and greys.
fn indexed(n: u16) -> u8 {
    let n = small(n);
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match n {
        0..=15 => n,
        16..=231 => nearest([level((n - 16) / 36), level((n - 16) / 6 % 6), level((n - 16) % 6)]),
        232..=255 => nearest([8 + 10 * (n - 232); 3]),
    }
}

fn nearest(rgb: [u8; 3]) -> u8 {
    let distance = |colour: &[u8; 3]| -> u32 {
        colour.iter().zip(rgb).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    (0..16).min_by_key(|&n| distance(&COLOURS[usize::from(n)])).expect("there are sixteen")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_all_kinds_become_the_nearest_of_sixteen() {
        assert_eq!((indexed(9), indexed(196), indexed(46), indexed(232), indexed(255)), (9, 9, 10, 0, 7));
        assert_eq!((nearest([200, 10, 10]), nearest([130, 130, 130]), nearest([250, 250, 250])), (1, 8, 15));
    }

    #[test]
    fn classes_are_those_of_the_style_sheet() {
        let style = Style { ink: Some(9), ground: Some(0), is_bold: true, is_inverse: true, ..Style::PLAIN };
        assert_eq!(style.classes(), "sgr-f9 sgr-g0 sgr-bold sgr-inverse");
        assert_eq!(Style::PLAIN.classes(), "");
    }
}
