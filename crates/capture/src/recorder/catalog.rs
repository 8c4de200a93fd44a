//! What a server's listings told: which tools there are, whose `context` is ours, and the hashes by which a changed
//! definition is noticed (CAP §2.7).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use trackway_event::json::payload_of;
use trackway_event::{Event, ProjectId};

use crate::wire::inject::last_page;
use crate::wire::scan::{decode, elements, members};
use crate::wire::{eligible, get};

/// Tools of a catalog that are remembered; beyond, calls are recorded without a hash (CAP §2.7).
const TOOLS: usize = 1_000;
/// Bytes of definitions that are sent once (CAP §2.7).
const DEFINITIONS: usize = 4 * 1024 * 1024;
/// Pages whose definitions are remembered as sent.
const PAGES: usize = 1_000;

/// One tool as last listed.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Whether `context` is ours.
    pub(super) strip: bool,
    /// Its definition, hashed.
    pub(super) hash: Box<str>,
    /// Who else records its calls.
    pub(super) inside: Inside,
}

/// Whether a Trackway further inside has injected into a tool (CAP §4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    Nobody,
    /// One of the same project: it records the calls.
    Same,
    /// One of another project: it cuts the intent, which is read here too.
    Other,
}

/// The tools of one connection.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    tools: HashMap<String, Known>,
    /// Name and hash of the pages of the listing under way.
    chain: BTreeMap<String, Box<str>>,
    sent: HashSet<String>,
    /// The marker of our own project.
    own: String,
    /// Whether any listing has been seen whole.
    pub(super) complete: bool,
}

impl Catalog {
    pub(super) fn new(project: &ProjectId) -> Self {
        Self { own: eligible::project_marker(project), ..Self::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Known> {
        self.tools.get(name)
    }

    /// Reads one page of a listing; `event.arguments` tells whether it is the first.
    pub(super) fn listed(&mut self, line: &[u8], result: &Range<usize>, event: &mut Event) {
        let first = event.arguments.is_none();
        if first {
            self.chain.clear();
        }
        let all = get(line, result, "tools").and_then(|t| elements(line, &t)).unwrap_or_default();
        let mut names = Vec::new();
        let mut skipped = serde_json::Map::new();
        let mut page = Sha256::new();
        for tool in all.iter().filter_map(|object| eligible::tool(line, object.clone())).take(TOOLS) {
            if let Err(reason) = &tool.schema {
                skipped.insert(tool.name.clone(), reason.to_string().into());
            }
            let hash = tool_hash(line, &tool.object);
            page.update(tool.name.as_bytes());
            page.update(hash.as_bytes());
            if self.tools.len() < TOOLS || self.tools.contains_key(&tool.name) {
                let inside = match &tool.marked {
                    None => Inside::Nobody,
                    Some(project) if *project == self.own => Inside::Same,
                    Some(_) => Inside::Other,
                };
                let known = Known { strip: tool.schema.is_ok(), hash: hash.clone(), inside };
                self.tools.insert(tool.name.clone(), known);
            }
            if self.chain.len() < TOOLS {
                self.chain.insert(tool.name.clone(), hash);
            }
            names.push(tool.name);
        }
        let mut facts = serde_json::json!({
            "tools": all.len(), "intent_available": names.len() - skipped.len(), "intent_unavailable": skipped,
            "first_page": first,
        });
        if last_page(line, result) {
            self.complete = true;
            facts["catalog_hash"] = self.hash().into();
            facts["catalog_tools"] = self.chain.len().into();
        }
        // The definitions go out once; after that the names and the hash say it all.
        let page = hex(page);
        if result.len() <= DEFINITIONS && self.sent.len() < PAGES && self.sent.insert(page) {
            event.result = super::call::raw(line, result);
        }
        facts["names"] = names.into();
        event.properties = payload_of(&facts);
    }

    /// Over the (name, tool hash) pairs in the order of the names.
    fn hash(&self) -> String {
        let mut all = Sha256::new();
        for (name, hash) in &self.chain {
            all.update(name.as_bytes());
            all.update([0]);
            all.update(hash.as_bytes());
            all.update([0]);
        }
        hex(all)
    }
}

/// SHA-256 of a tool's definition in canonical JSON.
fn tool_hash(line: &[u8], object: &Range<usize>) -> Box<str> {
    let mut text = Vec::with_capacity(object.len());
    let whole = canonical(line, object, &mut text);
    // What cannot be put in order is hashed as it stands.
    let bytes = if whole.is_some() { text.as_slice() } else { line.get(object.clone()).unwrap_or_default() };
    hex(Sha256::new_with_prefix(bytes)).into()
}

/// A JSON text in canonical form; as it stands where it has none.
pub(super) fn canonical_text(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let start = crate::wire::scan::skip_space(text, 0);
    let whole = canonical(text, &(start..text.len()), &mut out);
    String::from_utf8_lossy(if whole.is_some() { &out } else { text }).into_owned()
}

/// Sorted keys, no white space, strings in their plainest spelling, number text kept.
fn canonical(line: &[u8], value: &Range<usize>, out: &mut Vec<u8>) -> Option<()> {
    match line.get(value.start)? {
        b'{' => {
            let mut inner = BTreeMap::new();
            for member in members(line, value)? {
                inner.insert(decode(line, &member.key)?.into_owned(), member.value);
            }
            out.push(b'{');
            for (index, (key, value)) in inner.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend(serde_json::to_vec(key).ok()?);
                out.push(b':');
                canonical(line, value, out)?;
            }
            out.push(b'}');
        }
        b'[' => {
            out.push(b'[');
            for (index, value) in elements(line, value)?.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                canonical(line, value, out)?;
            }
            out.push(b']');
        }
        b'"' => {
            let text = decode(line, &(value.start + 1..value.end.checked_sub(1)?))?;
            out.extend(serde_json::to_vec(text.as_ref()).ok()?);
        }
        _ => out.extend_from_slice(line.get(value.clone())?),
    }
    Some(())
}

fn hex(hash: Sha256) -> String {
    let digest: [u8; 32] = hash.finalize().into();
    trackway_event::id::hex(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_hash_follows_its_meaning_not_its_spelling() {
        let hash = |t: &str| tool_hash(t.as_bytes(), &(0..t.len()));
        let one = hash(r#"{"name":"t","inputSchema":{"type":"object","x":1.0}}"#);
        assert_eq!(one, hash(r#"{ "inputSchema": {"x":1.0,"type":"obj\u0065ct"}, "name":"t" }"#));
        for other in [
            r#"{"name":"t","inputSchema":{"type":"object","x":1}}"#,
            r#"{"name":"t","inputSchema":{"type":"object","x":"1.0"}}"#,
            r#"{"name":"u","inputSchema":{"type":"object","x":1.0}}"#,
        ] {
            assert_ne!(one, hash(other), "{other}");
        }
    }
}
