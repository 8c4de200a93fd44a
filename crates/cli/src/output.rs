//! What verbs print: captured text made harmless, tables, JSON.
//!
//! Invariant: no control or direction-changing character of captured text reaches a terminal.

use std::io::Write;

use crate::failure::{Exit, Failure, Result};

/// The text without anything that moves a cursor, changes direction or breaks a line.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !is_format(*c)).collect()
}

/// Writes rows under a head, in columns, to standard output.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    print(&text)
}

/// Writes one JSON document to standard output.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// Writes text to standard output.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        Failure::new(Exit::Unreachable, "standard output cannot be written").why(error.to_string())
    })
}

/// Characters that are shown as nothing but change how the rest is shown.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_text_cannot_play_with_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\r\n\u{202e}c\u{200b}d\u{9b}e"), "a[31mbcde");
        assert_eq!(harmless("Grüße, 日本"), "Grüße, 日本");
    }
}
