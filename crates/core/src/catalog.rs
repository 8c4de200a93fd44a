//! Catalogs: what a server's `tools/list` told (F-115 to F-120). Which listing an event shows, what it costs its readers,
//! how one differs from the one before, and whether a call's arguments fit what was shown.
//!
//! - [`listed`]: the listing of an event; [`tools`]: its definitions read
//! - [`diff`]: graded changes; [`rename`]: tools under another name; [`schema`]: arguments against a schema

pub mod diff;
pub mod rename;
pub mod schema;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use trackway_event::{Event, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::metric::repeats;

/// Tools of one listing that are looked at.
const TOOLS: usize = 2_000;

/// The complete listing an event shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its identity inside a project: the recorder's hash over names and definitions, or one worked out from them.
    pub hash: String,
    /// The JSON array of the definitions, where the event carries all of them.
    pub tools: Option<&'a str>,
}

/// What the recorder says of a page (CAP §2.7).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Facts {
    catalog_hash: Option<String>,
    catalog_tools: Option<usize>,
    first_page: Option<bool>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(rename = "nextCursor")]
    next: Option<Value>,
}

/// The listing an answered `tools/list` shows; `None` for a page that is not the last, or where nothing tells.
pub fn listed(event: &Event) -> Option<Listed<'_>> {
    let facts: Facts =
        event.properties.as_ref().and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default();
    let asked: Option<Value> = event.arguments.as_ref().and_then(|a| serde_json::from_str(a.get()).ok());
    let continued = asked.as_ref().and_then(|a| a.get("cursor")).is_some_and(|c| !c.is_null());
    let page: Option<Page<'_>> = event.result.as_ref().and_then(|r| serde_json::from_str(r.get()).ok());
    let last = page.as_ref().is_none_or(|p| p.next.as_ref().is_none_or(Value::is_null));
    let whole = facts.first_page.unwrap_or(!continued) && last && !event.flags.truncated;
    let text = page.and_then(|p| p.tools).map(RawValue::get).filter(|_| whole);
    let each: Option<Vec<&RawValue>> = text.and_then(|t| serde_json::from_str(t).ok());
    let complete = each.as_ref().is_some_and(|e| facts.catalog_tools.is_none_or(|n| n == e.len()));
    let given = facts.catalog_hash.filter(|h| h.len() <= 128 && h.bytes().all(|b| b.is_ascii_hexdigit()));
    let hash = given.or_else(|| each.as_deref().map(hash_of))?;
    Some(Listed { hash, tools: text.filter(|_| complete) })
}

/// Over the definitions in any order, each without regard to white space and the order of its members.
fn hash_of(tools: &[&RawValue]) -> String {
    let mut all: Vec<u64> = tools.iter().map(|t| repeats::json_hash(t.get())).collect();
    all.sort_unstable();
    let bytes: Vec<u8> = all.iter().flat_map(|h| h.to_be_bytes()).collect();
    format!("{:032x}", xxh3_128(&bytes))
}

/// One definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The arguments it takes.
    pub input: Value,
    /// The shape of its answer, where it promises one.
    pub output: Option<Value>,
    /// Hints on what it does.
    pub annotations: Value,
    /// Bytes of the whole definition as minified JSON: exact, as it stands in an agent's context.
    pub bytes: usize,
    /// Of those, bytes of the description.
    pub description_bytes: usize,
    /// Of those, bytes of the schemas.
    pub schema_bytes: usize,
}

impl Tool {
    /// Estimated tokens of the definition (AC R29).
    pub const fn tokens(&self) -> u32 {
        json::estimate_tokens(self.bytes)
    }
}

/// The definitions of a listing's JSON array, in its order; what is no tool is left out.
pub fn tools(array: &str) -> Vec<Tool> {
    let all: Vec<Value> = serde_json::from_str(array).unwrap_or_default();
    all.into_iter().take(TOOLS).filter_map(tool).collect()
}

fn tool(mut value: Value) -> Option<Tool> {
    let bytes = value.to_string().len();
    let object = value.as_object_mut()?;
    let name = object.get("name")?.as_str()?.to_owned();
    let description = object.get("description").and_then(Value::as_str).unwrap_or("").to_owned();
    let input = object.remove("inputSchema").unwrap_or(Value::Null);
    let output = object.remove("outputSchema").filter(|o| !o.is_null());
    let annotations = object.remove("annotations").unwrap_or(Value::Null);
    let size = |v: &Value| v.to_string().len();
    let description_bytes = object.get("description").map_or(0, size);
    let schema_bytes = if input.is_null() { 0 } else { size(&input) } + output.as_ref().map_or(0, size);
    Some(Tool { name, description, input, output, annotations, bytes, description_bytes, schema_bytes })
}

#[cfg(test)]
mod tests {
    use trackway_event::Kind;

    use super::*;
    use crate::testing::event;

    fn listing(result: &str, properties: &str) -> Event {
        let mut e = event("a", Kind::ToolsList, 0);
        e.result = RawValue::from_string(result.into()).ok();
        e.properties = RawValue::from_string(properties.into()).ok();
        e
    }

    #[test]
    fn a_listing_is_named_by_its_meaning() {
        let one = listing(r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b"}]}"#, "");
        let two = listing(r#"{"tools": [{"name":"b"}, {"inputSchema":{"type":"object"}, "name":"a"}]}"#, "");
        let other = listing(r#"{"tools":[{"name":"a"},{"name":"b"}]}"#, "");
        assert_eq!(listed(&one).unwrap().hash, listed(&two).unwrap().hash);
        assert_ne!(listed(&one).unwrap().hash, listed(&other).unwrap().hash);
        assert!(listed(&one).unwrap().tools.is_some());
    }

    #[test]
    fn pages_and_hashes_by_case() {
        let whole = r#"{"tools":[{"name":"a"}]}"#;
        for (result, properties, arguments, expect) in [
            (
                whole,
                r#"{"catalog_hash":"ab12","catalog_tools":1,"first_page":true}"#,
                "",
                Some(("ab12", true)),
            ),
            // the last page of several has the hash of all, but not all definitions
            (
                whole,
                r#"{"catalog_hash":"ab12","catalog_tools":9,"first_page":false}"#,
                "",
                Some(("ab12", false)),
            ),
            (r#"{"tools":[{"name":"a"}],"nextCursor":"2"}"#, r#"{"first_page":true}"#, "", None),
            ("", r#"{"catalog_hash":"ab12","catalog_tools":1,"first_page":true}"#, "", Some(("ab12", false))),
            (whole, "", r#"{"cursor":"2"}"#, None),
            (r#"{"tools":7}"#, "", "", None),
            ("", "", "", None),
        ] {
            let mut e = listing(result, properties);
            e.arguments = RawValue::from_string(arguments.into()).ok();
            let found = listed(&e);
            let found = found.as_ref().map(|l| (l.hash.as_str(), l.tools.is_some()));
            assert_eq!(found, expect, "{result} {properties}");
        }
    }

    #[test]
    fn a_definition_is_weighed_in_bytes() {
        let text = r#"[{"name":"a","description":"says a","inputSchema":{"type":"object"}},{"no":"name"},3]"#;
        let found = tools(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].bytes,
            r#"{"name":"a","description":"says a","inputSchema":{"type":"object"}}"#.len()
        );
        assert_eq!((found[0].description_bytes, found[0].schema_bytes), (8, 17));
        assert_eq!(found[0].tokens(), json::estimate_tokens(found[0].bytes));
    }
}
