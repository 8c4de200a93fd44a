//! What reads of a resource bring, and which arguments gets of a prompt fill (dashboard §7.5): a fold over their arguments and
//! results. Texts themselves are never told, only types, sizes and names; memory is bounded by [`KINDS`].

use std::collections::BTreeMap;

use serde_json::Value;

use super::percentile;

/// Media types, or arguments, that are told apart.
const KINDS: usize = 32;
/// Signs of a media type or a name that is kept.
const SIGNS: usize = 100;

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    looked_at: u64,
    mimes: BTreeMap<String, u64>,
    bytes: Vec<u64>,
    filled: BTreeMap<String, u64>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Requests looked at.
    pub looked_at: u64,
    /// Media types of what was read, most often first; nothing where none was said.
    pub mimes: Vec<(String, u64)>,
    /// Bytes of what one read brought, the median.
    pub bytes_p50: Option<u64>,
    /// The most that one brought.
    pub bytes_max: Option<u64>,
    /// Arguments that were sent and not empty, most often filled first.
    pub filled: Vec<(String, u64)>,
}

impl Contents {
    /// Adds one finished request.
    pub fn add(&mut self, arguments: &Value, result: &Value) {
        self.looked_at += 1;
        for (name, value) in arguments.as_object().into_iter().flatten() {
            let empty = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            // Who reads a resource says which by these.
            if !empty && !matches!(name.as_str(), "uri" | "name") {
                add(&mut self.filled, name);
            }
        }
        let Some(parts) = result.get("contents").and_then(Value::as_array) else { return };
        let mut known = None;
        for part in parts {
            if let Some(mime) = part.get("mimeType").and_then(Value::as_str).filter(|m| !m.is_empty()) {
                add(&mut self.mimes, mime);
            }
            known = size(part).map_or(known, |n| Some(known.unwrap_or(0) + n));
        }
        self.bytes.extend(known);
    }

    /// What was found.
    pub fn told(mut self) -> Content {
        self.bytes.sort_unstable();
        Content {
            looked_at: self.looked_at,
            mimes: most(self.mimes),
            bytes_p50: percentile(&self.bytes, 0.5),
            bytes_max: self.bytes.last().copied(),
            filled: most(self.filled),
        }
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name: String = name.chars().take(SIGNS).collect();
    if counts.len() < KINDS || counts.contains_key(&name) {
        *counts.entry(name).or_default() += 1;
    }
}

/// Bytes of one part: as the recorder counted them, else of its text, else what its base64 stands for.
fn size(part: &Value) -> Option<u64> {
    let text = |key: &str| part.get(key).and_then(Value::as_str).map(|text| text.len() as u64);
    let counted = part.get("bytes").and_then(Value::as_u64);
    counted.or_else(|| text("text")).or_else(|| text("blob").map(|n| n / 4 * 3))
}

fn most(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_sizes_and_filled_arguments() {
        let mut all = Contents::default();
        let pdf = json!({ "contents": [{ "mimeType": "application/pdf", "bytes": 900 }] });
        let text = json!({ "contents": [{ "mimeType": "text/plain", "text": "four" }, { "mimeType": "text/plain", "blob": "AAAA" }] });
        for (arguments, result) in [
            (json!({ "uri": "a", "style": "short" }), &pdf),
            (json!({ "style": " ", "tone": null }), &text),
            (json!({ "style": "long", "tone": "dry" }), &pdf),
            (json!(null), &json!("odd")),
        ] {
            all.add(&arguments, result);
        }
        let told = all.told();
        assert_eq!(told.mimes, [("application/pdf".into(), 2), ("text/plain".into(), 2)]);
        assert_eq!((told.looked_at, told.bytes_p50, told.bytes_max), (4, Some(900), Some(900)));
        assert_eq!(told.filled, [("style".into(), 2), ("tone".into(), 1)]);
        let mut few = Contents::default();
        few.add(&json!({}), &text);
        assert_eq!(few.told().bytes_p50, Some(7));
    }

    #[test]
    fn what_hostile_calls_send_is_bounded() {
        let mut all = Contents::default();
        for i in 0..200 {
            let mime = format!("type/{i}");
            all.add(&json!({ format!("name {i}"): 1 }), &json!({ "contents": [{ "mimeType": mime }] }));
        }
        let told = all.told();
        assert!(told.mimes.len() <= KINDS && told.filled.len() <= KINDS);
    }
}
