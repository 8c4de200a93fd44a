//! Captured text on a page: every character that could hide, reorder or break something is shown as a mark.
//!
//! Called by every view for every string that came from outside. Escaping itself is maud's; this module keeps what escaping
//! does not: control, bidirectional and zero-width characters are visible, and long text is cut where a list shows it.

use maud::{Markup, html};

/// The whole text, hidden characters as marks. Line ends and tabs stay as they are.
pub(crate) fn text(value: &str) -> Markup {
    let parts = split(value, Lines::Kept);
    html! {
        bdi { @for part in &parts { @match part {
            Part::Plain(plain) => (plain),
            Part::Hidden(c) => span.mark title=(name_of(*c)) { (format!("U+{:04X}", u32::from(*c))) },
        } } }
    }
}

/// At most `limit` characters on one line; what was cut is in the title.
pub(crate) fn line(value: &str, limit: usize) -> Markup {
    let (head, cut) = head(value, limit);
    let parts = split(head, Lines::Joined);
    html! {
        bdi title=[cut.then(|| plain(value, TITLE_CHARS))] {
            @for part in &parts { @match part {
                Part::Plain(plain) => (plain),
                Part::Hidden(c) => span.mark title=(name_of(*c)) { (format!("U+{:04X}", u32::from(*c))) },
            } }
            @if cut { "…" }
        }
    }
}

/// The same as plain text, for titles, labels and attributes: marks become `⟨U+202E⟩`.
pub(crate) fn plain(value: &str, limit: usize) -> String {
    let (head, cut) = head(value, limit);
    let mut out = String::with_capacity(head.len());
    for part in split(head, Lines::Joined) {
        match part {
            Part::Plain(text) => out.push_str(&text),
            Part::Hidden(c) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
        }
    }
    if cut {
        out.push('…');
    }
    out
}

/// Whether a text holds characters that are shown as marks.
pub(crate) fn has_marks(value: &str) -> bool {
    value.chars().any(is_hidden)
}

/// Characters of a title.
const TITLE_CHARS: usize = 600;

enum Part {
    Plain(String),
    Hidden(char),
}

/// What becomes of line ends and tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Kept,
    Joined,
}

fn head(value: &str, limit: usize) -> (&str, bool) {
    match value.char_indices().nth(limit) {
        Some((end, _)) => (value.split_at(end).0, true),
        None => (value, false),
    }
}

fn split(value: &str, lines: Lines) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut run = String::new();
    for c in value.chars() {
        if matches!(c, '\n' | '\t' | '\r') {
            if lines == Lines::Kept {
                if c != '\r' {
                    run.push(c);
                }
            } else if !run.ends_with(' ') {
                run.push(' ');
            }
        } else if is_hidden(c) {
            if !run.is_empty() {
                parts.push(Part::Plain(std::mem::take(&mut run)));
            }
            parts.push(Part::Hidden(c));
        } else {
            run.push(c);
        }
    }
    if !run.is_empty() {
        parts.push(Part::Plain(run));
    }
    parts
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | '\r' => false,
        c if c.is_control() => true,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{3164}' | '\u{ffa0}' | '\u{feff}' => true,
        '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

fn name_of(c: char) -> &'static str {
    match c {
        '\u{0}' => "null character",
        '\u{1b}' => "escape, starts a terminal sequence",
        c if c.is_control() => "control character",
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "changes the direction of text"
        }
        '\u{e0000}'..='\u{e0fff}' => "invisible tag",
        _ => "invisible character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_marks_by_case() {
        for (given, expect) in [
            ("plain", "plain"),
            ("a\u{202e}b", "a⟨U+202E⟩b"),
            ("\0", "⟨U+0000⟩"),
            ("zero\u{200b}width", "zero⟨U+200B⟩width"),
            ("one\ntwo\tthree", "one two three"),
            ("\u{1b}[31mred", "⟨U+001B⟩[31mred"),
            ("\u{e0041}", "⟨U+E0041⟩"),
            ("Grüße, 世界", "Grüße, 世界"),
        ] {
            assert_eq!(plain(given, 100), expect, "{given:?}");
        }
        assert!(has_marks("a\u{2066}") && !has_marks("a\nb"));
    }

    #[test]
    fn markup_is_escaped_and_cut() {
        assert_eq!(text("<b>&\"").into_string(), "<bdi>&lt;b&gt;&amp;&quot;</bdi>");
        let cut = line(&"x".repeat(10_000), 20).into_string();
        assert!(cut.contains(&format!("{}…</bdi>", "x".repeat(20))) && cut.len() < 800, "{cut}");
        assert!(text("a\u{202e}").into_string().contains("U+202E"));
    }
}
