//! JSON payloads as a tree that opens without script.
//!
//! Reads the payload's own text, so that numbers, repeated keys and the order of keys are shown as they came. At most
//! [`NODES`] nodes; deeper or longer parts are named, never dropped in silence. Called by the replay's detail.

use maud::{Markup, html};

use super::{format, hostile};

/// Nodes drawn at most (`dashboard.md` §10).
const NODES: usize = 1_000;
/// Levels drawn at most; ingest refuses deeper bodies.
const LEVELS: usize = 70;
/// Levels that are open at first.
const OPEN: usize = 3;
/// Characters of a string shown before it folds.
const LONG: usize = 280;

/// A value with its numbers as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`, `true`, `false` or a number, as text.
    Plain(String),
    /// A string, decoded; lone surrogates stay escaped.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object, repeated keys included.
    Map(Vec<(String, Json)>),
}

/// The tree of a payload.
pub(crate) fn tree(payload: &str) -> Markup {
    let mut left = NODES;
    html! { div.json {
        @match Json::read(payload) {
            Some(value) => (node(None, &value, 0, &mut left)),
            None => pre { (hostile::text(payload)) },
        }
        @if left == 0 { p.note { "The first " (format::separated(NODES as u64)) " values are shown; copy gives all." } }
    } }
}

impl Json {
    /// Reads JSON text; `None` where it is none or too deep.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.blanks();
        (reader.at == text.len()).then_some(value)
    }

    /// One short line of it.
    pub(crate) fn short(&self, limit: usize) -> String {
        match self {
            Self::Plain(text) => hostile::plain(text, limit),
            Self::Text(text) => format!("\"{}\"", hostile::plain(text, limit)),
            Self::List(items) => format!("[{}]", format::counted(items.len() as u64, "item", "items")),
            Self::Map(members) => format!("{{{}}}", format::counted(members.len() as u64, "key", "keys")),
        }
    }
}

/// One change between the arguments of two attempts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// Only in the later one.
    Added(String, Json),
    /// Only in the earlier one.
    Removed(String, Json),
    /// In both with different values.
    Changed(String, Json, Json),
}

/// What changed from one payload to the next, by path; objects are compared member by member.
pub(crate) fn changes(before: &Json, after: &Json) -> Vec<Change> {
    let mut out = Vec::new();
    compare(String::new(), before, after, &mut out);
    out
}

fn compare(path: String, before: &Json, after: &Json, out: &mut Vec<Change>) {
    let (Json::Map(old), Json::Map(new)) = (before, after) else {
        if before != after {
            out.push(Change::Changed(path, before.clone(), after.clone()));
        }
        return;
    };
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in old {
        match new.iter().find(|(k, _)| k == key) {
            Some((_, other)) => compare(inside(key), value, other, out),
            None => out.push(Change::Removed(inside(key), value.clone())),
        }
    }
    for (key, value) in new {
        if !old.iter().any(|(k, _)| k == key) {
            out.push(Change::Added(inside(key), value.clone()));
        }
    }
}

fn node(key: Option<&str>, value: &Json, level: usize, left: &mut usize) -> Markup {
    if *left == 0 {
        return html! {};
    }
    *left -= 1;
    let name = html! { @if let Some(key) = key { span.k { (hostile::line(key, 120)) } span.p { ": " } } };
    match value {
        Json::Plain(text) => html! { div.n { (name) span.v { (hostile::line(text, 400)) } } },
        Json::Text(text) if text.chars().nth(LONG).is_some() => html! {
            details.n { summary { (name) span.s { "\"" (hostile::line(text, 120)) "\"" } span.p { " " (format::bytes(text.len() as u64)) } }
                div.long { (hostile::text(text)) } }
        },
        Json::Text(text) => html! { div.n { (name) span.s { "\"" (hostile::text(text)) "\"" } } },
        Json::List(items) if items.is_empty() => html! { div.n { (name) span.p { "[]" } } },
        Json::Map(members) if members.is_empty() => html! { div.n { (name) span.p { "{}" } } },
        Json::List(items) => html! {
            details.n open[level < OPEN && items.len() <= 40] {
                summary { (name) span.p { "[" (format::counted(items.len() as u64, "item", "items")) "]" } }
                @for (i, item) in items.iter().enumerate() { (node(Some(&i.to_string()), item, level + 1, left)) }
            }
        },
        Json::Map(members) => html! {
            details.n open[level < OPEN] {
                summary { (name) span.p { "{" (format::counted(members.len() as u64, "key", "keys")) "}" } }
                @for (key, member) in members { (node(Some(key), member, level + 1, left)) }
            }
        },
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, level: usize) -> Option<Json> {
        if level > LEVELS {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                if self.take(b'}').is_some() {
                    return Some(Json::Map(members));
                }
                loop {
                    self.blanks();
                    let key = self.string()?;
                    self.take(b':')?;
                    members.push((key, self.value(level + 1)?));
                    if self.take(b',').is_none() {
                        self.take(b'}')?;
                        return Some(Json::Map(members));
                    }
                }
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.take(b']').is_some() {
                    return Some(Json::List(items));
                }
                loop {
                    items.push(self.value(level + 1)?);
                    if self.take(b',').is_none() {
                        self.take(b']')?;
                        return Some(Json::List(items));
                    }
                }
            }
            b'"' => self.string().map(Json::Text),
            _ => {
                let start = self.at;
                while self
                    .peek()
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
                {
                    self.at += 1;
                }
                let text = self.text.get(start..self.at).filter(|t| !t.is_empty())?;
                Some(Json::Plain(text.to_owned()))
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at)?;
        let inner = || quoted.get(1..quoted.len() - 1).unwrap_or("").to_owned();
        Some(serde_json::from_str(quoted).unwrap_or_else(|_| inner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_as_they_came() {
        let json = Json::read(
            r#" {"n": 12345678901234567890.10, "a":[1e400,{}], "n":null, "s":"\ud800 x", "t":"\u00e4"} "#,
        )
        .unwrap();
        let Json::Map(members) = &json else { unreachable!() };
        assert_eq!(members[0].1, Json::Plain("12345678901234567890.10".into()));
        assert_eq!(members[1].1, Json::List(vec![Json::Plain("1e400".into()), Json::Map(vec![])]));
        assert_eq!(members[2].0, "n");
        assert_eq!(members[3].1, Json::Text("\\ud800 x".into()));
        assert_eq!(members[4].1, Json::Text("ä".into()));
        for bad in ["", "{", "{\"a\"}", "[1,]x", "\"open", "{\"a\":1}}", "\\"] {
            assert_eq!(Json::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn hostile_trees_are_bounded() {
        let wide = format!("[{}1]", "1,".repeat(5_000));
        let html = tree(&wide).into_string();
        assert!(html.matches("class=\"n\"").count() <= NODES && html.contains("1,000 values"));
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert!(tree(&deep).into_string().contains("<pre>"));
        let script = tree(r#"{"<script>":"</script><img src=x onerror=alert(1)>\u202e"}"#).into_string();
        assert!(!script.contains("<script>") && !script.contains("<img") && script.contains("U+202E"));
    }

    #[test]
    fn changes_between_attempts() {
        let read = |t| Json::read(t).unwrap();
        assert_eq!(
            changes(
                &read(r#"{"a":1,"b":{"c":"x","d":2},"e":3}"#),
                &read(r#"{"a":1,"b":{"c":"y","d":2},"f":4}"#)
            ),
            vec![
                Change::Changed("b.c".into(), Json::Text("x".into()), Json::Text("y".into())),
                Change::Removed("e".into(), Json::Plain("3".into())),
                Change::Added("f".into(), Json::Plain("4".into())),
            ]
        );
        assert_eq!(changes(&read("{}"), &read("{}")), vec![]);
    }
}
