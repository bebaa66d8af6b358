//! What a terminal shows of a program's output: `\r` and `\b` overwrite, codes erase and move, colours hold until they change.
//!
//! The terminal has no size. Its lines are as long as they are written, up to [`MAX_COLUMNS`], and a cursor that goes up
//! reaches the last [`MAX_ROWS`] lines. What no log needs, such as margins and modes, is passed over.

use std::collections::VecDeque;

use domain::Timestamp;
use unicode_width::UnicodeWidthChar as _;
use vte::{Params, Parser, Perform};

use super::style::Style;

/// The longest line. A longer one goes on in the next.
const MAX_COLUMNS: usize = 8192;
/// The last lines that a cursor can go back to. As with any screen, what has left it stays as it is.
const MAX_ROWS: usize = 100;
/// The most characters of these lines, so that long ones take no more memory.
const MAX_CELLS: usize = 32 << 10;
/// A line of so many characters makes it worth counting them.
const LONG: usize = 256;
/// The second column of a wide character.
const SECOND: char = '\0';
const TAB: usize = 8;

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub style: Style,
    pub text: String,
}

/// A line of the screen as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Lines get ascending numbers when they are finished; the open one has none.
    pub number: Option<u64>,
    /// When it was last written to.
    pub at: Option<Timestamp>,
    pub parts: Vec<Part>,
}

#[cfg(test)]
impl Line {
    fn text(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }
}

#[derive(Clone, Debug)]
struct Cell {
    char: char,
    style: Style,
    /// Marks that are drawn over the character.
    marks: String,
}

const BLANK: Cell = Cell { char: ' ', style: Style::PLAIN, marks: String::new() };

#[derive(Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    number: Option<u64>,
    at: Option<Timestamp>,
    is_changed: bool,
}

/// A terminal that one program writes to.
#[derive(Default)]
pub struct Terminal {
    parser: Parser,
    screen: Screen,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("screen", &self.screen).finish_non_exhaustive()
    }
}

impl Terminal {
    /// Shows a piece of output that came at `at`. Lines that it finishes are numbered from `next` on.
    pub fn write(&mut self, text: &str, at: Option<Timestamp>, next: &mut u64) {
        (self.screen.now, self.screen.next) = (at, *next);
        self.parser.advance(&mut self.screen, text.as_bytes());
        *next = self.screen.next;
    }

    /// Finishes the open line: what comes next has nothing to do with it.
    pub fn finish(&mut self, next: &mut u64) {
        self.screen.next = *next;
        if self.screen.open_row().is_some() {
            self.screen.row = self.screen.rows.len() - 1;
            self.screen.line_feed();
        }
        *next = self.screen.next;
        self.parser = Parser::new();
        self.screen.style = Style::PLAIN;
    }

    /// The finished lines that are new or have changed since the last call.
    pub fn take(&mut self) -> Vec<Line> {
        let mut lines = std::mem::take(&mut self.screen.gone);
        for row in self.screen.rows.iter_mut().filter(|row| row.is_changed && row.number.is_some()) {
            row.is_changed = false;
            lines.push(row.line());
        }
        lines
    }

    /// The line that is not finished, if it has anything.
    pub fn open(&self) -> Option<Line> {
        self.screen.open_row().map(Row::line).filter(|line| !line.parts.is_empty())
    }
}

impl Row {
    fn line(&self) -> Line {
        let is_shown = |cell: &Cell| cell.char != ' ' || !cell.marks.is_empty() || cell.style.fills();
        let len = self.cells.iter().rposition(is_shown).map_or(0, |last| last + 1);
        let mut parts: Vec<Part> = Vec::new();
        for cell in self.cells[..len].iter().filter(|cell| cell.char != SECOND) {
            if parts.last().is_none_or(|part| part.style != cell.style) {
                parts.push(Part { style: cell.style, text: String::new() });
            }
            let text = &mut parts.last_mut().expect("there is one now").text;
            text.push(cell.char);
            text.push_str(&cell.marks);
        }
        Line { number: self.number, at: self.at, parts }
    }

    /// Makes room for `width` columns from `column` on, without leaving halves of wide characters.
    fn clear(&mut self, column: usize, width: usize) {
        if self.cells.len() < column + width {
            self.cells.resize(column + width, BLANK);
        }
        if self.cells[column].char == SECOND && column > 0 {
            self.cells[column - 1] = BLANK;
        }
        if let Some(after) = self.cells.get_mut(column + width).filter(|after| after.char == SECOND) {
            *after = BLANK;
        }
        self.cells[column..column + width].fill(BLANK);
    }
}

#[derive(Debug)]
struct Screen {
    /// There is always at least one.
    rows: VecDeque<Row>,
    row: usize,
    column: usize,
    saved: (usize, usize),
    style: Style,
    now: Option<Timestamp>,
    next: u64,
    /// Lines that have left the screen since they were asked for.
    gone: Vec<Line>,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            rows: VecDeque::from([Row::default()]),
            row: 0,
            column: 0,
            saved: (0, 0),
            style: Style::PLAIN,
            now: None,
            next: 0,
            gone: Vec::new(),
        }
    }
}

impl Screen {
    fn open_row(&self) -> Option<&Row> {
        self.rows.back().filter(|row| row.number.is_none())
    }

    fn touched(&mut self) -> &mut Row {
        let now = self.now;
        let row = &mut self.rows[self.row];
        row.is_changed = true;
        row.at = now.or(row.at);
        row
    }

    fn line_feed(&mut self) {
        let (row, next) = (&mut self.rows[self.row], self.next);
        if row.number.is_none() {
            row.number = Some(next);
            row.at = row.at.or(self.now);
            row.is_changed = true;
            self.next += 1;
        }
        let is_long = row.cells.len() > LONG;
        self.column = 0;
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push_back(Row::default());
        }
        while self.row > 0 && (self.rows.len() > MAX_ROWS || (is_long && self.has_many_cells())) {
            let gone = self.rows.pop_front().filter(|row| row.is_changed);
            self.gone.extend(gone.map(|row| row.line()));
            self.row -= 1;
            self.saved.0 = self.saved.0.saturating_sub(1);
        }
    }

    fn has_many_cells(&self) -> bool {
        self.rows.iter().map(|row| row.cells.len()).sum::<usize>() > MAX_CELLS
    }

    fn up(&mut self, rows: usize) {
        self.row = self.row.saturating_sub(rows);
    }

    fn down(&mut self, rows: usize) {
        self.row = self.row.saturating_add(rows).min(self.rows.len() - 1);
    }

    /// Erases columns of the cursor's line; to its end where there is no `to`.
    fn erase(&mut self, from: usize, to: Option<usize>) {
        let row = self.touched();
        let to = to.unwrap_or(row.cells.len()).min(row.cells.len());
        if from < to {
            row.clear(from, to - from);
        }
    }

    fn erase_line(&mut self, how: u16) {
        match how {
            0 => self.erase(self.column, None),
            1 => self.erase(0, Some(self.column + 1)),
            _ => self.erase(0, None),
        }
    }

    fn erase_screen(&mut self, how: u16) {
        match how {
            0 => {
                self.erase_line(0);
                let (row, column) = (self.row, self.column);
                while self.row + 1 < self.rows.len() {
                    self.row += 1;
                    self.erase_line(2);
                }
                (self.row, self.column) = (row, column);
            }
            // What was there stays in the log, as it would in the lines above a screen.
            2 | 3 => {
                self.row = self.rows.len() - 1;
                if !self.rows[self.row].cells.is_empty() {
                    self.line_feed();
                }
            }
            _ => {}
        }
    }

    fn insert_blanks(&mut self, count: usize) {
        let column = self.column;
        let row = self.touched();
        if column < row.cells.len() {
            let count = count.min(MAX_COLUMNS.saturating_sub(row.cells.len()));
            row.cells.splice(column..column, std::iter::repeat_n(BLANK, count));
        }
    }

    fn delete(&mut self, count: usize) {
        let column = self.column;
        let row = self.touched();
        let to = column.saturating_add(count).min(row.cells.len());
        if column < to {
            row.cells.drain(column..to);
        }
    }

    fn add_mark(&mut self, mark: char) {
        let column = self.column;
        let cells = &mut self.touched().cells;
        let end = column.min(cells.len());
        let before = cells[..end].iter_mut().rev().find(|cell| cell.char != SECOND);
        if let Some(cell) = before {
            let marks = &mut cell.marks;
            // Nobody reads more of them, and text made of them alone would never end a line.
            if marks.len() < 32 {
                marks.push(mark);
            }
        }
    }
}

impl Perform for Screen {
    fn print(&mut self, char: char) {
        let width = char.width().unwrap_or(0);
        if width == 0 {
            return self.add_mark(char);
        }
        if self.column + width > MAX_COLUMNS {
            self.line_feed();
        }
        let (column, style) = (self.column, self.style);
        let row = self.touched();
        if column == row.cells.len() && width == 1 {
            row.cells.push(Cell { char, style, marks: String::new() });
        } else {
            row.clear(column, width);
            row.cells[column] = Cell { char, style, marks: String::new() };
            if width == 2 {
                row.cells[column + 1] = Cell { char: SECOND, style, marks: String::new() };
            }
        }
        self.column += width;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => {
                let to = (self.column / TAB + 1) * TAB;
                if to < MAX_COLUMNS {
                    let row = self.touched();
                    if row.cells.len() < to {
                        row.cells.resize(to, BLANK);
                    }
                    self.column = to;
                }
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        if !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|param| param.first().copied()).unwrap_or(0);
        let count = usize::from(first.max(1));
        let last = MAX_COLUMNS - 1;
        match action {
            'm' => self.style.apply(params),
            'A' => self.up(count),
            'B' | 'e' => self.down(count),
            'C' | 'a' => self.column = (self.column + count).min(last),
            'D' => self.column = self.column.saturating_sub(count),
            'E' => {
                self.down(count);
                self.column = 0;
            }
            'F' => {
                self.up(count);
                self.column = 0;
            }
            'G' | '`' => self.column = (count - 1).min(last),
            // There is no first line of a screen without a size; the cursor stays in its own.
            'H' | 'f' => {
                let column = params.iter().nth(1).and_then(|param| param.first().copied()).unwrap_or(1);
                self.column = usize::from(column.max(1) - 1).min(last);
            }
            'J' => self.erase_screen(first),
            'K' => self.erase_line(first),
            'X' => self.erase(self.column, Some(self.column + count)),
            'P' => self.delete(count),
            '@' => self.insert_blanks(count),
            's' => self.saved = (self.row, self.column),
            'u' => self.restore(),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        match (intermediates, byte) {
            ([], b'7') => self.saved = (self.row, self.column),
            ([], b'8') => self.restore(),
            ([], b'D' | b'E') => self.line_feed(),
            ([], b'M') => self.up(1),
            ([], b'c') => self.style = Style::PLAIN,
            _ => {}
        }
    }
}

impl Screen {
    fn restore(&mut self) {
        self.row = self.saved.0.min(self.rows.len() - 1);
        self.column = self.saved.1;
    }
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
