//! Which tools went on under another name from one listing to the next (dashboard §7.5, §7.11). Called by the diff of two
//! listings and for the history of one tool; the answer is the same whatever order the listings are in.
//!
//! A tool that went and one that came are the same where their definitions are alike: the share of common words of both
//! descriptions and the share of common arguments (name and type), each where both have something to compare, are [`ALIKE`]
//! on average. Every tool is paired at most once, the most alike first.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Tool;

/// How alike two definitions of one tool are at least, of 1.
const ALIKE: f64 = 0.75;
/// Words of a description below which it tells no tool from another, unless both are the same to the letter.
const WORDS: usize = 3;
/// Tools that went, and that came, which are held against each other.
const TOOLS: usize = 100;

/// One tool under two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The name in the older listing.
    pub from: String,
    /// The name in the newer one.
    pub to: String,
}

/// Tools of `old` that are in `new` under another name, by their old name.
pub fn renames(old: &[Tool], new: &[Tool]) -> Vec<Rename> {
    let missing = |tools: &[Tool], name: &str| tools.iter().all(|t| t.name != name);
    let gone = old.iter().filter(|t| missing(new, &t.name)).take(TOOLS);
    let come: Vec<&Tool> = new.iter().filter(|t| missing(old, &t.name)).take(TOOLS).collect();
    let mut pairs: Vec<(f64, &Tool, &Tool)> =
        gone.flat_map(|from| come.iter().map(move |to| (alike(from, to), from, *to))).collect();
    pairs.retain(|(alike, ..)| *alike >= ALIKE);
    pairs.sort_by(|a, b| {
        b.0.total_cmp(&a.0).then_with(|| (&a.1.name, &a.2.name).cmp(&(&b.1.name, &b.2.name)))
    });
    let mut found: Vec<Rename> = Vec::new();
    for (_, from, to) in pairs {
        if found.iter().all(|known| known.from != from.name && known.to != to.name) {
            found.push(Rename { from: from.name.clone(), to: to.name.clone() });
        }
    }
    found.sort_by(|a, b| a.from.cmp(&b.from));
    found
}

/// How alike two definitions are but for their names: 0 to 1; 0 where nothing can be compared.
fn alike(a: &Tool, b: &Tool) -> f64 {
    let (words, arguments) = ((words(a), words(b)), (arguments(a), arguments(b)));
    let same_text = !a.description.trim().is_empty() && a.description == b.description;
    let told = same_text || (words.0.len() >= WORDS && words.1.len() >= WORDS);
    match (told, arguments.0.is_empty() && arguments.1.is_empty()) {
        (true, true) => common(&words.0, &words.1, same_text),
        (true, false) => {
            (common(&words.0, &words.1, same_text) + common(&arguments.0, &arguments.1, false)) / 2.0
        }
        // Without words only several arguments, all the same, tell one tool from another.
        (false, _) if arguments.0.len() >= 2 && a.input == b.input => 1.0,
        (false, _) => 0.0,
    }
}

fn common(a: &BTreeSet<String>, b: &BTreeSet<String>, same: bool) -> f64 {
    let all = a.union(b).count();
    if same || all == 0 { f64::from(u8::from(same)) } else { a.intersection(b).count() as f64 / all as f64 }
}

fn words(tool: &Tool) -> BTreeSet<String> {
    let words = tool.description.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.take(200).map(str::to_lowercase).collect()
}

/// Names of the arguments with their types.
fn arguments(tool: &Tool) -> BTreeSet<String> {
    let properties = tool.input.get("properties").and_then(Value::as_object);
    let told = |(name, schema): (&String, &Value)| {
        format!("{name} {}", schema.get("type").map_or(String::new(), ToString::to_string))
    };
    properties.map(|all| all.iter().map(told).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tools;

    #[test]
    fn renames_by_case() {
        let order = r#""inputSchema":{"properties":{"id":{"type":"string"},"full":{"type":"boolean"}}}"#;
        for (old, new, expect) in [
            // to the letter, and with a word more
            (r#"{"name":"a","description":"x"}"#.into(), r#"{"name":"b","description":"x"}"#.into(), "a>b"),
            (
                format!(r#"{{"name":"get_order","description":"Reads one order by its id.",{order}}}"#),
                format!(
                    r#"{{"name":"fetch_order","description":"Reads one order by its id, or none.",{order}}}"#
                ),
                "get_order>fetch_order",
            ),
            // another matter with the same arguments
            (
                format!(r#"{{"name":"get_order","description":"Reads one order by its id.",{order}}}"#),
                format!(r#"{{"name":"drop_user","description":"Deletes somebody for ever now.",{order}}}"#),
                "",
            ),
            // nothing to tell them by
            (r#"{"name":"a"}"#.into(), r#"{"name":"b"}"#.into(), ""),
            (format!(r#"{{"name":"a",{order}}}"#), format!(r#"{{"name":"b",{order}}}"#), "a>b"),
            // it is still there: a copy, no rename
            (
                r#"{"name":"a","description":"x"}"#.into(),
                r#"{"name":"a","description":"x"},{"name":"b","description":"x"}"#.into(),
                "",
            ),
            // one of two goes on: the first by name
            (
                r#"{"name":"a","description":"x"},{"name":"b","description":"x"}"#.into(),
                r#"{"name":"c","description":"x"}"#.into(),
                "a>c",
            ),
        ] {
            let list = |text: &String| tools(&format!("[{text}]"));
            let shown: Vec<String> =
                renames(&list(&old), &list(&new)).iter().map(|r| format!("{}>{}", r.from, r.to)).collect();
            assert_eq!(shown.join(" "), expect, "{old} {new}");
            let back: Vec<String> =
                renames(&list(&new), &list(&old)).iter().map(|r| format!("{}>{}", r.to, r.from)).collect();
            assert_eq!(back.join(" "), expect, "the other way round: {old} {new}");
        }
    }
}
