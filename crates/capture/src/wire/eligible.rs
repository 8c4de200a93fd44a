//! Which tools may be given the `context` argument: an allow-list of schema shapes, everything else is left alone
//! (CAP §4.2).

use std::fmt;
use std::ops::Range;

use super::scan::{Member, decode, elements, find, members};
use super::text;

/// The argument Trackway adds.
pub const ARGUMENT: &str = "context";
/// The member of a tool's `_meta` that marks an edited tool.
pub const MARKER: &str = "trackway/intent";

/// Why a tool is left alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The tool owns `context`.
    Collision,
    /// `additionalProperties` is a schema, so `context` may be a legitimate key.
    OpenMap,
    /// A reference reaches the root or is dynamic.
    RootRef,
    /// A keyword at the root that is not in the table.
    Keyword(String),
    /// The schema is missing or has wrong types or duplicate keys.
    Malformed,
    /// The tool carries a marker already.
    ForeignMarker,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collision => f.write_str("collision"),
            Self::OpenMap => f.write_str("open_map"),
            Self::RootRef => f.write_str("root_ref"),
            Self::Keyword(name) => write!(f, "keyword:{name}"),
            Self::Malformed => f.write_str("malformed"),
            Self::ForeignMarker => f.write_str("foreign_marker"),
        }
    }
}

/// A tool of a listing as ranges into the line.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The whole object.
    pub object: Range<usize>,
    /// The project in the marker of a Trackway further inside, where there is one (CAP §4.7).
    pub marked: Option<String>,
    /// Its schema object, when it is eligible; else the reason.
    pub schema: Result<Schema, Reason>,
}

/// The places of an eligible schema that the injection needs.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The schema object.
    pub object: Range<usize>,
    /// Its `properties`.
    pub properties: Option<Range<usize>>,
    /// Its `required`.
    pub required: Option<Range<usize>>,
    /// The tool's `_meta`.
    pub meta: Option<Range<usize>>,
}

/// Looks at one tool object. `None`: it has no name, and so is none of our business.
pub fn tool(line: &[u8], object: Range<usize>) -> Option<Tool> {
    tool_for(line, object, ARGUMENT)
}

/// The same for another argument than [`ARGUMENT`].
pub fn tool_for(line: &[u8], object: Range<usize>, argument: &str) -> Option<Tool> {
    let parts = members(line, &object)?;
    let name = text(line, &find(line, &parts, "name")?.value)?;
    let schema = schema(line, &parts, argument);
    let marked = match &schema {
        Err(Reason::ForeignMarker) => marker(line, &parts),
        Ok(_) | Err(_) => None,
    };
    Some(Tool { name, object, marked, schema })
}

/// The project of the marker.
fn marker(line: &[u8], tool: &[Member]) -> Option<String> {
    let meta = find(line, tool, "_meta")?.value.clone();
    let marker = find(line, &members(line, &meta)?, MARKER)?.value.clone();
    text(line, &find(line, &members(line, &marker)?, "p")?.value)
}

/// What a marker says of a project: the first 8 hex digits of the SHA-256 of its id (CAP §4.1).
pub fn project_marker(project: &trackway_event::ProjectId) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(project.as_str()).into();
    trackway_event::id::hex(digest.get(..4).unwrap_or_default())
}

fn schema(line: &[u8], tool: &[Member], argument: &str) -> Result<Schema, Reason> {
    let meta = find(line, tool, "_meta").map(|m| m.value.clone());
    if let Some(meta) = &meta {
        let inner = members(line, meta).ok_or(Reason::Malformed)?;
        if find(line, &inner, MARKER).is_some() {
            return Err(Reason::ForeignMarker);
        }
    }
    let object = find(line, tool, "inputSchema").ok_or(Reason::Malformed)?.value.clone();
    let root = members(line, &object).ok_or(Reason::Malformed)?;
    let keys: Vec<_> =
        root.iter().map(|m| decode(line, &m.key)).collect::<Option<_>>().ok_or(Reason::Malformed)?;
    if keys.iter().enumerate().any(|(i, key)| keys.iter().skip(i + 1).any(|other| other == key)) {
        return Err(Reason::Malformed);
    }
    let (mut properties, mut required, mut is_object) = (None, None, false);
    for (key, Member { value, .. }) in keys.iter().zip(&root) {
        let first = line.get(value.start).copied();
        match key.as_ref() {
            "type" => {
                if text(line, value).as_deref() != Some("object") {
                    return Err(Reason::Malformed);
                }
                is_object = true;
            }
            "properties" => {
                let inner = members(line, value).ok_or(Reason::Malformed)?;
                if find(line, &inner, argument).is_some() {
                    return Err(Reason::Collision);
                }
                properties = Some(value.clone());
            }
            "required" => {
                for element in elements(line, value).ok_or(Reason::Malformed)? {
                    if text(line, &element).ok_or(Reason::Malformed)? == argument {
                        return Err(Reason::Collision);
                    }
                }
                required = Some(value.clone());
            }
            "additionalProperties" => match first {
                Some(b't' | b'f') => {}
                Some(b'{') => return Err(Reason::OpenMap),
                _ => return Err(Reason::Malformed),
            },
            "$defs" | "definitions" => {
                members(line, value).ok_or(Reason::Malformed)?;
            }
            "$schema" | "$id" | "$comment" | "title" | "description" | "default" | "examples"
            | "deprecated" | "readOnly" | "writeOnly" => {}
            other if other.starts_with("x-") => {}
            other => return Err(Reason::Keyword(other.to_owned())),
        }
    }
    if !is_object {
        return Err(Reason::Malformed);
    }
    if reaches_root(line, &object) {
        return Err(Reason::RootRef);
    }
    Ok(Schema { object, properties, required, meta })
}

/// Whether anything inside is a dynamic reference, or a reference elsewhere than into `$defs`, `definitions` or
/// `properties` of the root.
fn reaches_root(line: &[u8], schema: &Range<usize>) -> bool {
    let bytes = line.get(schema.clone()).unwrap_or_default();
    // Escapes may hide a keyword, so a backslash means looking closely too.
    if memchr::memmem::find(bytes, b"Ref").is_none()
        && memchr::memmem::find(bytes, b"ref").is_none()
        && memchr::memchr(b'\\', bytes).is_none()
    {
        return false;
    }
    let mut open = vec![schema.clone()];
    while let Some(value) = open.pop() {
        match line.get(value.start) {
            Some(b'{') => {
                let Some(inner) = members(line, &value) else { return true };
                for Member { key, value } in inner {
                    match decode(line, &key).as_deref() {
                        None | Some("$dynamicRef" | "$recursiveRef") => return true,
                        Some("$ref") => {
                            if let Some(target) = text(line, &value) {
                                let inside = ["#/$defs/", "#/definitions/", "#/properties/"];
                                if !inside.iter().any(|p| target.starts_with(p)) {
                                    return true;
                                }
                            }
                        }
                        Some(_) => {}
                    }
                    open.push(value);
                }
            }
            Some(b'[') => match elements(line, &value) {
                Some(inner) => open.extend(inner),
                None => return true,
            },
            _ => {}
        }
    }
    false
}
