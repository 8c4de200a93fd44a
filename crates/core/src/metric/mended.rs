//! What the try after a failure changed, where agents got past it (dashboard §7.6): a fold over the arguments of both calls. Of
//! every argument the newest pair of values is told, cut; memory is bounded by [`NAMES`].

use std::collections::BTreeMap;

use serde_json::Value;

/// Arguments that are told apart.
const NAMES: usize = 64;
/// Changes that are told.
const SHOWN: usize = 6;
/// Signs of a name or a value that is kept.
const SIGNS: usize = 80;

/// The fold; the newest try first.
#[derive(Clone, Debug, Default)]
pub struct Mending {
    tries: u64,
    same: u64,
    changes: BTreeMap<(String, How), Change>,
    tools: BTreeMap<String, u64>,
}

/// What was done to an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Another value was sent.
    Changed,
    /// It was sent, which it was not before.
    Added,
    /// It was sent no more.
    LeftOut,
}

/// One way in which tries differ from the failure before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The argument, cut.
    pub name: String,
    /// What was done to it.
    pub how: How,
    /// Tries that did it.
    pub tries: u64,
    /// Its value before, of the newest such try, as JSON and cut.
    pub from: Option<String>,
    /// Its value in that try.
    pub to: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Tries after such a failure, in attempts that were solved.
    pub tries: u64,
    /// Of those, the ones that sent the same again.
    pub same: u64,
    /// What the others changed, most often first; a try may change several.
    pub changes: Vec<Change>,
    /// Tools that were called instead, most often first.
    pub tools: Vec<(String, u64)>,
}

impl Mending {
    /// Adds a try of the same tool.
    pub fn add(&mut self, before: &Value, after: &Value) {
        self.tries += 1;
        if before == after {
            self.same += 1;
            return;
        }
        let none = serde_json::Map::new();
        let (old, new) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
        for (name, from) in old {
            match new.get(name) {
                Some(to) if to != from => self.note(name, How::Changed, Some(from), Some(to)),
                Some(_) => {}
                None => self.note(name, How::LeftOut, Some(from), None),
            }
        }
        for (name, to) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            self.note(name, How::Added, None, Some(to));
        }
    }

    /// Adds a try that called another tool.
    pub fn switched(&mut self, tool: &str) {
        self.tries += 1;
        let tool = cut(tool);
        if self.tools.contains_key(&tool) || self.tools.len() < NAMES {
            *self.tools.entry(tool).or_default() += 1;
        }
    }

    /// What it comes to.
    pub fn told(self) -> Mended {
        let mut changes: Vec<Change> = self.changes.into_values().collect();
        changes.sort_by(|a, b| b.tries.cmp(&a.tries).then_with(|| (&a.name, a.how).cmp(&(&b.name, b.how))));
        changes.truncate(SHOWN);
        let mut tools: Vec<(String, u64)> = self.tools.into_iter().collect();
        tools.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        tools.truncate(SHOWN);
        Mended { tries: self.tries, same: self.same, changes, tools }
    }

    fn note(&mut self, name: &str, how: How, from: Option<&Value>, to: Option<&Value>) {
        let key = (cut(name), how);
        if let Some(known) = self.changes.get_mut(&key) {
            known.tries += 1;
        } else if self.changes.len() < NAMES {
            let text = |value: &Value| cut(&value.to_string());
            let name = key.0.clone();
            let change = Change { name, how, tries: 1, from: from.map(text), to: to.map(text) };
            self.changes.insert(key, change);
        }
    }
}

impl How {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::LeftOut => "left_out",
        }
    }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(SIGNS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tries_by_case() {
        let mut fold = Mending::default();
        fold.add(&json!({"due": "tomorrow", "id": 1}), &json!({"due": "2026-11-21", "id": 1}));
        fold.add(&json!({"due": "soon", "id": 2}), &json!({"due": "2026-11-22", "zone": "UTC", "id": 2}));
        fold.add(&json!({"id": 3, "limit": 500}), &json!({"id": 3}));
        fold.add(&json!({"id": 4}), &json!({"id": 4}));
        fold.add(&Value::Null, &json!({"id": 5}));
        fold.switched("find");
        let told = fold.told();
        assert_eq!((told.tries, told.same, told.tools), (6, 1, vec![("find".to_owned(), 1)]));
        let said: Vec<_> = told
            .changes
            .iter()
            .map(|c| (c.name.as_str(), c.how, c.tries, c.from.as_deref(), c.to.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                ("due", How::Changed, 2, Some("\"tomorrow\""), Some("\"2026-11-21\"")),
                ("id", How::Added, 1, None, Some("5")),
                ("limit", How::LeftOut, 1, Some("500"), None),
                ("zone", How::Added, 1, None, Some("\"UTC\"")),
            ]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut fold = Mending::default();
        for n in 0..1_000 {
            let name = format!("{n}{}", "ä".repeat(500));
            fold.add(&json!({}), &json!({ name.clone(): name }));
            fold.switched(&format!("{n}"));
        }
        assert!(fold.changes.len() <= NAMES && fold.tools.len() <= NAMES);
        let told = fold.told();
        assert!(told.changes.len() <= SHOWN && told.tools.len() <= SHOWN);
        assert!(told.changes.iter().all(|c| c.name.chars().count() <= SIGNS + 1));
    }
}
