use proptest::prelude::*;

use super::*;

/// The lines that a terminal shows after it was sent these pieces.
fn shown(pieces: &[&str]) -> Vec<String> {
    let (mut terminal, mut next) = (Terminal::default(), 0);
    let mut lines = std::collections::BTreeMap::new();
    for piece in pieces {
        terminal.write(piece, None, &mut next);
        lines.extend(
            terminal.take().into_iter().map(|line| (line.number.expect("it is finished"), line.text())),
        );
    }
    let mut lines: Vec<String> = lines.into_values().collect();
    lines.extend(terminal.open().map(|line| line.text()));
    lines
}

fn parts(text: &str) -> Vec<(String, String)> {
    let (mut terminal, mut next) = (Terminal::default(), 0);
    terminal.write(text, None, &mut next);
    let line = terminal.open().unwrap_or_default();
    line.parts.into_iter().map(|part| (part.style.classes(), part.text)).collect()
}

#[test]
fn output_is_shown_as_a_terminal_shows_it() {
    for (output, want) in [
        ("a\nb", vec!["a", "b"]),
        ("a\r\nb\r\n", vec!["a", "b"]),
        ("a\n\n\nb\n", vec!["a", "", "", "b"]),
        ("10%\r20%\r100%\n", vec!["100%"]),
        ("100%\r5%", vec!["5%0%"]),
        ("100%\r\x1b[K5%", vec!["5%"]),
        ("long line\r          \rx\n", vec!["x"]),
        ("abc\x08\x08X", vec!["aXc"]),
        ("ab\x08 \x08\n", vec!["a"]),
        ("\x08\x08a", vec!["a"]),
        ("a\tb\n12345678\tc", vec!["a       b", "12345678        c"]),
        ("abcdef\x1b[3D\x1b[1K", vec!["    ef"]),
        ("abcdef\x1b[2K\rx", vec!["x"]),
        ("abcdef\x1b[2GX\x1b[5CY", vec!["aXcdef Y"]),
        ("abcdef\r\x1b[2P\x1b[1@-", vec!["-cdef"]),
        ("abcdef\r\x1b[2X", vec!["  cdef"]),
        ("one\ntwo\nthree\x1b[2A\rONE\x1b[B\rTWO\x1b[B!", vec!["ONE", "TWO", "thr!e"]),
        ("one\ntwo\n\x1b[1F\x1b[2Kagain\x1b[1E!", vec!["one", "again", "!"]),
        ("one\ntwo\n\x1b[2A\x1b[Jnew\n", vec!["new", ""]),
        ("old\n\x1b[H\x1b[2Jnew\n", vec!["old", "new"]),
        ("a\x1b7bcd\x1b8X", vec!["aXcd"]),
        ("\x1b]0;a title\x07text\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", vec!["textlink"]),
        ("\x1b[?25l\x1b[1mx\x1b[?25h\x1b(B", vec!["x"]),
        ("进度 10%\r进度 20%", vec!["进度 20%"]),
        ("中文\rab", vec!["ab文"]),
        ("中文\ra", vec!["a 文"]),
        ("e\u{301}\u{26a0}\u{fe0f}!", vec!["e\u{301}\u{26a0}\u{fe0f}!"]),
    ] {
        assert_eq!(shown(&[output]), want, "{output:?}");
    }
}

#[test]
fn twenty_thousand_updates_of_a_bar_are_one_line() {
    let bar = |n: u32| format!("\r{:3}%|{}| {n}/20000", n / 200, "█".repeat(n as usize / 400));
    let output: String = (0..=20_000).map(bar).collect();
    let lines = shown(&[&output, "\ndone\n"]);
    assert_eq!((lines.len(), lines[0].ends_with("| 20000/20000"), lines[1].as_str()), (2, true, "done"));
}

#[test]
fn bars_below_each_other_keep_their_lines() {
    // As tqdm draws two: the second on the next line, and back up.
    let frame = |n: u32| format!("\rfirst {n}\n\rsecond {n}\x1b[A");
    let output: String = (0..50).map(frame).collect();
    assert_eq!(shown(&[&output, "\n\n"]), ["first 49", "second 49"]);
}

#[test]
fn long_lines_go_on_in_the_next_and_take_no_more_memory() {
    let long = "x".repeat(20_000) + "\n";
    assert_eq!(shown(&[&long]).iter().map(String::len).collect::<Vec<_>>(), [8192, 8192, 3616]);
    let (mut terminal, mut next) = (Terminal::default(), 0);
    for _ in 0..50 {
        terminal.write(&long, None, &mut next);
    }
    assert!(terminal.screen.rows.iter().map(|row| row.cells.len()).sum::<usize>() <= MAX_CELLS);
    assert_eq!(terminal.take().len(), 150);
}

#[test]
fn colours_hold_until_they_change_and_become_classes() {
    let of = |text: &str| {
        parts(text).into_iter().map(|(class, text)| format!("{class}:{text}")).collect::<Vec<_>>()
    };
    assert_eq!(of("\x1b[31;1mred\x1b[0m plain"), ["sgr-f1 sgr-bold:red", ": plain"]);
    assert_eq!(of("\x1b[38;5;196mx\x1b[48;2;0;0;0my\x1b[mz"), ["sgr-f9:x", "sgr-f9 sgr-g0:y", ":z"]);
    assert_eq!(of("\x1b[38:2::255:0:0mx\x1b[39my"), ["sgr-f9:x", ":y"]);
    assert_eq!(of("\x1b[92ma\x1b[7mb\x1b[27;22mc"), ["sgr-f10:a", "sgr-f10 sgr-inverse:b", "sgr-f10:c"]);
    assert_eq!(of("\x1b[41m  \x1b[0m  "), ["sgr-g1:  "], "blanks on a ground are seen");
}

#[test]
fn a_line_has_the_instant_of_its_last_change() {
    let (mut terminal, mut next) = (Terminal::default(), 0);
    let at = |second| Some(Timestamp::from_secs(second));
    terminal.write("a", at(1), &mut next);
    terminal.write("b\nc", at(2), &mut next);
    terminal.write("\x1b[A!", at(3), &mut next);
    let lines = terminal.take();
    assert_eq!((lines.len(), lines[0].at, lines[0].text()), (1, at(3), "a!".to_owned()));
    assert_eq!(terminal.open().unwrap().at, at(2));
    assert_eq!(terminal.take(), [], "what was taken is not told again");
}

proptest! {
    #[test]
    fn pieces_of_any_size_show_the_same(output in "([a-c中\n\r\t\u{8}]|\u{1b}\\[[0-3]?[ABCDGKJPXm]){0,80}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| output.floor_char_boundary(cut.index(output.len() + 1))).collect();
        at.extend([0, output.len()]);
        at.sort_unstable();
        let pieces: Vec<&str> = at.windows(2).map(|ends| &output[ends[0]..ends[1]]).collect();
        prop_assert_eq!(shown(&pieces), shown(&[&output]));
    }

    #[test]
    fn nothing_breaks_it(output in "(.|[0-9;:\u{1b}\u{9b}\\[\\]\n\r@-z]){0,300}") {
        shown(&[&output]);
    }
}
