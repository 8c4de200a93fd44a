//! E1: the `context` property, its entry in `required` and a marker, spliced into each eligible tool of a
//! `tools/list` result; and the reporting tool at the end of the last page (CAP §4.1, §4.3, D20).
//!
//! A pure function of configuration and the bytes: equal listings give equal output.

use std::ops::Range;

use super::eligible::{ARGUMENT, MARKER, Tool, tool};
use super::scan::{elements, members};
use super::{Edit, get};

/// The text agents read (version `intent/1`).
pub const DESCRIPTION: &str = "In one or two sentences, say what you are trying to achieve and why you chose this tool. \
     Describe the purpose only; leave out secrets and personal data.";

/// The name of the reporting tool.
pub const MORE_TOOLS: &str = "get_more_tools";

/// Whether and how `context` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Injected and required: strict function schemas of model vendors need it.
    #[default]
    Required,
    /// Injected, not required.
    Optional,
    /// Not injected; still stripped, for clients that hold an old listing.
    Off,
    /// Neither injected nor stripped.
    ObserveOnly,
}

/// What the injection is configured with.
#[derive(Clone, Debug)]
pub struct Injection {
    /// Mode.
    pub mode: Mode,
    /// The description as a JSON string, quotes included.
    description: String,
    /// First 8 hex digits of the SHA-256 of the project id.
    project: String,
    /// Whether [`MORE_TOOLS`] is offered.
    pub report_missing: Missing,
}

/// Whether agents are offered a way to ask for tools that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Missing {
    /// No tool is added.
    #[default]
    Off,
    /// `get_more_tools` is added and answered.
    On,
}

impl Injection {
    /// `project` is the marker's `p`; `description` replaces the constant text.
    pub fn new(mode: Mode, project: String, description: Option<&str>, report_missing: Missing) -> Self {
        let text = description.unwrap_or(DESCRIPTION);
        let description = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
        Self { mode, description, project, report_missing }
    }

    /// The tools of a listing's `result`, and the edits that inject into the eligible ones; `more`: whether the last
    /// page gets [`MORE_TOOLS`].
    pub fn list(&self, line: &[u8], result: &Range<usize>, more: Missing) -> Option<(Vec<Tool>, Vec<Edit>)> {
        let array = get(line, result, "tools")?;
        let all = elements(line, &array)?;
        let tools: Vec<Tool> = all.iter().filter_map(|object| tool(line, object.clone())).collect();
        let mut edits = Vec::new();
        if matches!(self.mode, Mode::Required | Mode::Optional) {
            for tool in &tools {
                self.tool(line, tool, &mut edits);
            }
        }
        if more == Missing::On && !tools.iter().any(|t| t.name == MORE_TOOLS) && last_page(line, result) {
            let comma = if all.is_empty() { "" } else { "," };
            edits.push(Edit::insert(end_inside(line, &array), format!("{comma}{}", more_tools())));
        }
        Some((tools, edits))
    }

    fn tool(&self, line: &[u8], tool: &Tool, edits: &mut Vec<Edit>) -> Option<()> {
        let Ok(schema) = &tool.schema else { return None };
        let property = format!("\"{ARGUMENT}\":{{\"type\":\"string\",\"description\":{}}}", self.description);
        let mut here = Vec::with_capacity(4);
        let mut tail = String::new();
        match &schema.properties {
            Some(at) => here.push(append(line, at, &property)?),
            None => tail = format!("\"properties\":{{{property}}}"),
        }
        if self.mode == Mode::Required {
            match &schema.required {
                Some(at) => here.push(append(line, at, &format!("\"{ARGUMENT}\""))?),
                None => {
                    tail.push_str(if tail.is_empty() { "" } else { "," });
                    tail.push_str(&format!("\"required\":[\"{ARGUMENT}\"]"));
                }
            }
        }
        if !tail.is_empty() {
            here.push(append(line, &schema.object, &tail)?);
        }
        let marker = format!("\"{MARKER}\":{{\"v\":1,\"arg\":\"{ARGUMENT}\",\"p\":\"{}\"}}", self.project);
        here.push(match &schema.meta {
            Some(meta) => append(line, meta, &marker)?,
            None => append(line, &tool.object, &format!("\"_meta\":{{{marker}}}"))?,
        });
        here.sort_by_key(|edit| edit.at.start);
        edits.extend(here);
        Some(())
    }
}

/// The insertion that makes `text` the last part of the object or array at `range`.
fn append(line: &[u8], range: &Range<usize>, text: &str) -> Option<Edit> {
    let at = end_inside(line, range);
    let empty = at == range.start + 1;
    Some(Edit::insert(at, if empty { text.to_owned() } else { format!(",{text}") }))
}

/// After the last byte inside the brackets that is no white space.
fn end_inside(line: &[u8], range: &Range<usize>) -> usize {
    let mut at = range.end - 1;
    while at > range.start + 1 && matches!(line.get(at - 1), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at -= 1;
    }
    at
}

/// Whether no further page follows: no `nextCursor`, or `null`.
pub fn last_page(line: &[u8], result: &Range<usize>) -> bool {
    get(line, result, "nextCursor").is_none_or(|v| line.get(v) == Some(b"null"))
        && members(line, result).is_some()
}

/// The reporting tool as it is listed.
pub fn more_tools() -> &'static str {
    concat!(
        r#"{"name":"get_more_tools","title":"Ask for a missing tool","#,
        r#""description":"Call this when no listed tool does what you need. Say what you wanted to do; "#,
        r#"the maintainers of this server read it.","inputSchema":{"type":"object","properties":{"context":"#,
        r#"{"type":"string","description":"What you need to do, and why none of the listed tools does it."}},"#,
        r#""required":["context"]},"annotations":{"readOnlyHint":true,"destructiveHint":false,"#,
        r#""idempotentHint":true,"openWorldHint":false}}"#
    )
}

/// The text a call of the reporting tool is answered with.
pub const MORE_TOOLS_ANSWER: &str = "Thank you. The request was passed on to the maintainers of this server. No further tools are available now: \
     go on with the listed ones.";
