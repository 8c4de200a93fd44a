//! Typed requests and answers as the JSON-RPC bytes the recorder reads, so that SDK and proxy record the same (INV-12).

use std::io::Write;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, ClientCapabilities, CustomResult, ErrorCode, GetPromptResponse, ListToolsResult,
    ReadResourceResponse, RequestId, RequestMetaObject, Tool,
};
use serde::Serialize;
use trackway_capture::wire::eligible;
use trackway_capture::wire::inject::{Injection, Missing};
use trackway_capture::wire::scan::members;
use trackway_capture::wire::{Edit, apply, get};

/// Bytes of an answer that are copied for the recorder; of a longer one only its size is known (CAP §5.3).
const ANSWER_BYTES: usize = 1024 * 1024;

/// An answer that can be put on the wire. rmcp's response enums have no serde of their own.
pub(crate) trait Answer {
    fn write(&self, out: &mut Capped) -> Option<()>;

    /// Whether rmcp adds cache hints to it from 2026-07-28 on.
    fn cached(&self) -> bool {
        false
    }

    /// The error rmcp sends in its place to a client that cannot read it.
    fn refused(&self, _speaks: Speaks) -> Option<ErrorData> {
        None
    }
}

macro_rules! serialised {
    ($($what:ty = $cached:literal),* $(,)?) => { $(impl Answer for $what {
        fn write(&self, out: &mut Capped) -> Option<()> { out.json(self) }

        fn cached(&self) -> bool { $cached }
    })* };
}

serialised!(
    rmcp::model::InitializeResult = false,
    rmcp::model::DiscoverResult = false,
    rmcp::model::CompleteResult = false,
    rmcp::model::ListPromptsResult = true,
    rmcp::model::ListResourcesResult = true,
    rmcp::model::ListResourceTemplatesResult = true,
    rmcp::model::GetTaskResult = false,
    rmcp::model::ListSkillsResult = true,
    rmcp::model::GetSkillResult = true,
    ListToolsResult = true,
    CustomResult = false,
);

/// What rmcp answers to a client of an older revision instead of asking it for input.
fn no_input(speaks: Speaks) -> Option<ErrorData> {
    let text = "InputRequiredResult requires negotiated protocol version 2026-07-28 or newer";
    (speaks.era == Era::Legacy).then(|| ErrorData::invalid_request(text, None))
}

impl Answer for () {
    fn write(&self, out: &mut Capped) -> Option<()> {
        out.write_all(b"{}").ok()
    }
}

impl Answer for CallToolResponse {
    fn write(&self, out: &mut Capped) -> Option<()> {
        match self {
            Self::Complete(result) => out.json(result),
            Self::InputRequired(result) => out.json(result),
            Self::Task(result) => out.json(result),
            // A variant of a later rmcp: passed on, recorded as done.
            _ => out.write_all(b"{}").ok(),
        }
    }

    fn refused(&self, speaks: Speaks) -> Option<ErrorData> {
        match self {
            Self::InputRequired(_) => no_input(speaks),
            Self::Task(_) if !speaks.tasks => {
                let wanted = ClientCapabilities::builder().enable_tasks().build();
                Some(ErrorData::missing_required_client_capability(wanted))
            }
            _ => None,
        }
    }
}

impl Answer for GetPromptResponse {
    fn write(&self, out: &mut Capped) -> Option<()> {
        match self {
            Self::Complete(result) => out.json(result),
            Self::InputRequired(result) => out.json(result),
            _ => out.write_all(b"{}").ok(),
        }
    }

    fn refused(&self, speaks: Speaks) -> Option<ErrorData> {
        if matches!(self, Self::InputRequired(_)) { no_input(speaks) } else { None }
    }
}

impl Answer for ReadResourceResponse {
    fn write(&self, out: &mut Capped) -> Option<()> {
        match self {
            Self::Complete(result) => out.json(result),
            Self::InputRequired(result) => out.json(result),
            _ => out.write_all(b"{}").ok(),
        }
    }

    fn cached(&self) -> bool {
        matches!(self, Self::Complete(_))
    }

    fn refused(&self, speaks: Speaks) -> Option<ErrorData> {
        if matches!(self, Self::InputRequired(_)) { no_input(speaks) } else { None }
    }
}

/// Bytes up to a cap; beyond it, writing fails and serialising ends early.
pub(crate) struct Capped {
    bytes: Vec<u8>,
}

impl Capped {
    fn json(&mut self, value: &impl Serialize) -> Option<()> {
        serde_json::to_writer(self, value).ok()
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > ANSWER_BYTES {
            return Err(std::io::Error::other("over the cap"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A request as a line; the `_meta` that rmcp moved into the context is put back.
pub(crate) fn request(
    method: &str,
    id: &RequestId,
    params: &impl Serialize,
    meta: &RequestMetaObject,
) -> Option<Vec<u8>> {
    let mut out = Capped { bytes: Vec::with_capacity(256) };
    out.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":").ok()?;
    out.json(id)?;
    body(&mut out, method, params, Some(meta))?;
    Some(out.bytes)
}

/// A notification as a line.
pub(crate) fn notification(method: &str, params: &impl Serialize) -> Option<Vec<u8>> {
    let mut out = Capped { bytes: Vec::with_capacity(128) };
    out.write_all(b"{\"jsonrpc\":\"2.0\"").ok()?;
    body(&mut out, method, params, None)?;
    Some(out.bytes)
}

fn body(
    out: &mut Capped,
    method: &str,
    params: &impl Serialize,
    meta: Option<&RequestMetaObject>,
) -> Option<()> {
    out.write_all(b",\"method\":").ok()?;
    out.json(&method)?;
    out.write_all(b",\"params\":").ok()?;
    let start = out.bytes.len();
    out.json(params)?;
    if out.bytes.get(start) != Some(&b'{') {
        // `null`, for methods without parameters.
        out.bytes.truncate(start);
        out.write_all(b"{}").ok()?;
    }
    if let Some(meta) = meta.filter(|meta| !meta.is_empty()) {
        out.bytes.pop();
        let comma: &[u8] = if out.bytes.len() == start + 1 { b"" } else { b"," };
        out.write_all(comma).ok()?;
        out.write_all(b"\"_meta\":").ok()?;
        out.json(meta)?;
        out.write_all(b"}").ok()?;
    }
    out.write_all(b"}").ok()
}

/// Which revision the client speaks, as far as the shape of answers goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// Before 2026-07-28: rmcp takes `resultType` out of complete answers once the handler has returned.
    Legacy,
    /// From 2026-07-28 on.
    Modern,
}

/// What rmcp looks at once a handler has answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaks {
    pub(crate) era: Era,
    /// The client can follow tasks.
    pub(crate) tasks: bool,
}

/// An answer or error as the line that rmcp will send for it: rmcp edits both after the handler has returned.
pub(crate) fn answer<T: Answer>(
    id: &RequestId,
    result: &Result<T, ErrorData>,
    speaks: Speaks,
) -> Option<Vec<u8>> {
    let refused = match result {
        Ok(result) => result.refused(speaks),
        Err(error) if speaks.era == Era::Modern && error.code == ErrorCode::RESOURCE_NOT_FOUND => {
            Some(ErrorData { code: ErrorCode::INVALID_PARAMS, ..error.clone() })
        }
        Err(_) => None,
    };
    match refused {
        Some(error) => line::<T>(id, &Err(error), speaks.era),
        None => line(id, result, speaks.era),
    }
}

fn line<T: Answer>(id: &RequestId, result: &Result<T, ErrorData>, era: Era) -> Option<Vec<u8>> {
    let mut out = Capped { bytes: Vec::with_capacity(512) };
    out.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":").ok()?;
    out.json(id)?;
    let start = out.bytes.len();
    let whole = match result {
        Ok(result) => {
            out.write_all(b",\"result\":").ok()?;
            result.write(&mut out)
        }
        Err(error) => {
            out.write_all(b",\"error\":").ok()?;
            out.json(error)
        }
    };
    if whole.is_none() {
        out.bytes.truncate(start);
        let what: &[u8] = match result {
            Ok(_) => b",\"result\":{\"content\":[],\"_meta\":{\"trackway/note\":\"answer_too_large\"}}",
            Err(_) => b",\"error\":{\"code\":-32603,\"message\":\"answer_too_large\"}",
        };
        out.bytes.extend_from_slice(what);
    }
    out.bytes.push(b'}');
    Some(match era {
        Era::Legacy => without_result_type(out.bytes),
        Era::Modern if whole.is_some() && result.as_ref().is_ok_and(Answer::cached) => {
            with_cache_hints(out.bytes)
        }
        Era::Modern => out.bytes,
    })
}

/// Adds the cache hints a whole result lacks.
fn with_cache_hints(mut line: Vec<u8>) -> Vec<u8> {
    let lacks = || {
        let result = get(&line, &(0..line.len()), "result")?;
        let kind = get(&line, &result, "resultType").and_then(|v| line.get(v));
        let whole = kind.is_none_or(|kind| kind == b"\"complete\"");
        let hints = [("ttlMs", "0"), ("cacheScope", "\"private\"")];
        let missing: Vec<_> =
            hints.into_iter().filter(|(key, _)| whole && get(&line, &result, key).is_none()).collect();
        Some((result.end - 1, members(&line, &result)?.is_empty(), missing))
    };
    let Some((end, mut first, missing)) = lacks() else { return line };
    let mut added = String::new();
    for (key, value) in missing {
        added.push_str(if first { "" } else { "," });
        added.push_str(&format!("\"{key}\":{value}"));
        first = false;
    }
    line.splice(end..end, added.into_bytes());
    line
}

/// Cuts `"resultType":"complete"` out of an answer's result.
fn without_result_type(line: Vec<u8>) -> Vec<u8> {
    const KEY: &str = "resultType";
    let cut = || {
        let result = get(&line, &(0..line.len()), "result")?;
        let all = members(&line, &result)?;
        let place = all.iter().position(|m| line.get(m.key.clone()) == Some(KEY.as_bytes()))?;
        let member = all.get(place).filter(|m| line.get(m.value.clone()) == Some(b"\"complete\""))?;
        // The key's opening quote, and one comma beside the member.
        let (mut start, mut end) = (member.key.start - 1, member.value.end);
        match (place, all.get(place + 1)) {
            (_, Some(next)) => end = next.key.start - 1,
            (0, None) => {}
            (_, None) => start = all.get(place - 1)?.value.end,
        }
        Some(Edit { at: start..end, with: Vec::new() })
    };
    match cut() {
        Some(edit) => apply(&line, &[edit]),
        None => line,
    }
}

/// The listing with `context` in its eligible tools and, on the last page, the reporting tool (E1 on the typed tool, CAP §4.3).
/// `None`: nothing changes, or it cannot be done.
pub(crate) fn inject(
    injection: &Injection,
    listing: &ListToolsResult,
    more: Missing,
) -> Option<ListToolsResult> {
    let line = serde_json::to_vec(&serde_json::json!({ "result": listing })).ok()?;
    let whole = 0..line.len();
    let result = get(&line, &whole, "result")?;
    let (_, edits) = injection.list(&line, &result, more)?;
    if edits.is_empty() {
        return None;
    }
    let edited = apply(&line, &edits);
    #[derive(serde::Deserialize)]
    struct Edited {
        result: ListToolsResult,
    }
    serde_json::from_slice::<Edited>(&edited).ok().map(|e| e.result)
}

/// Tools as the answer to a listing.
pub(crate) fn listing(tools: &[Tool]) -> Option<Vec<u8>> {
    serde_json::to_vec(&serde_json::json!({ "jsonrpc": "2.0", "id": 0, "result": { "tools": tools } })).ok()
}

/// Whether a tool's `context` would be ours (CAP §4.4).
pub(crate) fn is_eligible(tool: &Tool) -> bool {
    let Ok(line) = serde_json::to_vec(tool) else { return false };
    eligible::tool(&line, 0..line.len()).is_some_and(|tool| tool.schema.is_ok())
}
