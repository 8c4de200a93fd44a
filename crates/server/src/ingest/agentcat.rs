//! The AgentCat / MCPcat wire: one body of `POST /v1/public/events/` into events (wire spec sections 3 to 8 and 10).
//!
//! Called by `ingest::take` with a body that was cleaned (`clean`), so that everything here may be stored. Invariant: a
//! wrong-typed optional field never refuses an event (R12); it is coerced or left out, with a note.

use trackway_event::event::Flags;
use trackway_event::id::Cut;
use trackway_event::json::estimate_tokens;
use trackway_event::{
    Actor, ActorId, CaptureBy, DropReason, Event, EventId, Input, IntentSource, Kind, Payload, Peer,
    SessionId, SessionSource, Status, Timestamp, Tokens, limits,
};

use super::agentcat_error::{result_text, text_of_error};
use super::fields::{Fields, compact, items_of, string_of, without_nulls};
use super::{Batch, Item, address, payload};

/// Names the SDKs send where they know none (R22).
const PLACEHOLDERS: [&str; 3] = ["Unknown Tool Name", "Unknown Tool", "Unknown"];

/// Reads a body: one event, or an array of events (R2).
///
/// # Errors
/// When the body is unreadable as a whole.
pub(super) fn read(text: &str, received_at: Timestamp) -> Result<Batch, DropReason> {
    let Some(items) = items_of(text) else {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| DropReason::BadJson)?;
        return match Fields::parse(text) {
            Some(_) => Ok(Batch { items: vec![item(text, text, received_at)], ..Batch::default() }),
            None => Err(DropReason::NotObject),
        };
    };
    Ok(Batch {
        items: items.iter().map(|raw| item(text, raw.get(), received_at)).collect(),
        ..Batch::default()
    })
}

fn item(whole: &str, text: &str, received_at: Timestamp) -> Item {
    let span = super::span_of(whole, text);
    let refused = |reason| Item { project: None, id: None, span: span.clone(), event: Err(reason) };
    if trackway_event::json::depth(text.as_bytes(), limits::BODY_DEPTH) > limits::BODY_DEPTH {
        return refused(DropReason::TooDeep);
    }
    let Some(fields) = Fields::parse(text) else { return refused(DropReason::NotObject) };
    let body = Body { fields };
    let project = body.get("project_id").and_then(string_of).map(|p| p.trim().to_owned());
    let Some(project) = project.filter(|p| !p.is_empty()) else {
        return refused(DropReason::MissingProject);
    };
    let event = body.event(received_at);
    let id = Some(event.id.as_str().into());
    Item { project: Some(project), id, span, event: Ok(Box::new(event)) }
}

/// One event's members under both spellings (R11).
struct Body<'a> {
    fields: Fields<'a>,
}

impl<'a> Body<'a> {
    /// The member by its snake_case name; camelCase counts only where that is absent.
    fn get(&self, name: &str) -> Option<&'a str> {
        match self.fields.raw(name) {
            Some(raw) => Some(raw.get()).filter(|text| *text != "null"),
            None if name.contains('_') => self.fields.get(&camel(name)),
            None => None,
        }
    }

    /// A text; numbers and booleans as their text, anything else left out with a note.
    fn text(&self, event: &mut Event, name: &str) -> Option<String> {
        let raw = self.get(name)?;
        let text = match raw.as_bytes().first() {
            Some(b'"') => string_of(raw)?,
            Some(b'{' | b'[') => {
                event.note(&format!("coerced:{name}"));
                return None;
            }
            _ => {
                event.note(&format!("coerced:{name}"));
                raw.to_owned()
            }
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn event(&self, received_at: Timestamp) -> Event {
        let event_type = self.get("event_type").and_then(string_of).filter(|t| !t.trim().is_empty());
        let (kind, name) = kind_of(event_type.as_deref().map(str::trim));
        let sent = self.get("timestamp").and_then(time_of);
        let id = ["id", "event_id"].iter().find_map(|name| {
            let raw = self.get(name)?;
            string_of(raw).or_else(|| raw.parse::<f64>().ok().map(|_| raw.to_owned()))
        });
        let id = id.and_then(|id| EventId::foreign(&id));
        let start = sent.filter(|t| t.since(received_at) <= limits::FUTURE.as_micros() as i64);
        let started_at = start.unwrap_or(received_at);
        let id = id.unwrap_or_else(|| EventId::mint(started_at, super::random()));
        let mut event = Event::new(id, kind, started_at);
        event.name = name.into();
        event.input = Input::Agentcat;
        event.capture = Some(CaptureBy::Sdk);
        event.raw_time = Some(sent.unwrap_or(Timestamp::ZERO));
        if start.is_none() {
            event.note("timestamp_replaced");
        }
        if event_type.is_none() {
            event.note("missing_event_type");
        }
        self.duration(&mut event);
        self.peers(&mut event);
        self.tags(&mut event);
        self.session(&mut event);
        self.actor(&mut event);
        event.address =
            self.text(&mut event, "ip_address").filter(|a| address::parse(a).is_some()).map(Into::into);
        self.intent(&mut event);
        if let Some(properties) = self.get("properties") {
            match Fields::parse(properties) {
                Some(fields) => event.properties = fields.filtered(|_, value| value != "null"),
                None => event.note("coerced:properties"),
            }
        }
        self.call(&mut event);
        event.raw = if event.kind == Kind::Identify {
            self.fields.filtered(|key, _| key != "parameters" && !is_address(key))
        } else {
            self.fields.filtered(|key, _| !is_address(key))
        };
        event
    }

    fn duration(&self, event: &mut Event) {
        let Some(raw) = self.get("duration") else { return };
        let text = string_of(raw);
        let number = text.as_deref().unwrap_or(raw).trim().parse::<f64>().ok().filter(|n| n.is_finite());
        match number {
            Some(ms) if ms >= 0.0 => {
                event.duration_us = Some((ms.min((1u64 << 53) as f64) * 1_000.0).round() as u64);
            }
            Some(_) => {}
            None => event.note("coerced:duration"),
        }
    }

    fn peers(&self, event: &mut Event) {
        let peer = |event: &mut Event, name: &str, version: &str| {
            let name = self.text(event, name)?;
            let version = self.text(event, version).map(Into::into);
            Some(Peer { name: name.into(), version })
        };
        event.server = peer(event, "server_name", "server_version");
        event.client = peer(event, "client_name", "client_version");
        let older = self.get("agentcat_version").is_none() && self.get("mcpcat_version").is_some();
        let version = if older { "mcpcat_version" } else { "agentcat_version" };
        event.sdk = peer(event, "sdk_language", version).or_else(|| {
            let name = if older { "mcpcat" } else { "agentcat" };
            let version = self.text(event, version)?;
            Some(Peer { name: name.into(), version: Some(version.into()) })
        });
        if event.sdk.as_ref().is_some_and(|sdk| &*sdk.name == "Go") {
            // Go stamps the end of the call (R30).
            let took = i64::try_from(event.duration_us.unwrap_or(0)).unwrap_or(0);
            event.started_at = event.started_at.plus_micros(-took);
        }
    }

    fn tags(&self, event: &mut Event) {
        let Some(raw) = self.get("tags") else { return };
        let Some(fields) = Fields::parse(raw) else {
            event.note("coerced:tags");
            return;
        };
        for (key, value) in &fields.0 {
            let value = value.get();
            let text = match value.as_bytes().first() {
                Some(b'"') => string_of(value),
                Some(b'{' | b'[' | b'n') | None => None,
                Some(_) => Some(value.to_owned()),
            };
            match text {
                Some(text) => {
                    event.tags.insert((&**key).into(), text.into());
                }
                None if value == "null" => {}
                None => event.note("bad_tag"),
            }
        }
        let tag = |name: &str| event.tags.get(name).map(|v| &**v);
        event.flags = Flags {
            nested: tag("agentcat_nested") == Some("true"),
            mrtr_open: tag("agentcat_mrtr") == Some("input_required"),
            mrtr_continuation: tag("agentcat_mrtr") == Some("continuation"),
            ..event.flags
        };
        event.protocol_version = tag("agentcat_protocol_version").map(Into::into);
    }

    fn session(&self, event: &mut Event) {
        let source = event.tags.get("agentcat_session_id_source").map(|s| &**s);
        // These two say that the SDK knew no session, whatever stands in the field (R21).
        if matches!(source, Some("invalid" | "foreign")) {
            return;
        }
        let Some(text) = self.text(event, "session_id") else { return };
        event.session_id = SessionId::foreign(&text);
        event.session_source = event.session_id.as_ref().map(|_| SessionSource::Given);
        if text.chars().count() > limits::ID_CHARS {
            event.note("session_id_hashed");
        }
    }

    fn actor(&self, event: &mut Event) {
        let id = self.text(event, "identify_actor_given_id").or_else(|| self.text(event, "actor_id"));
        let Some((id, cut)) = id.as_deref().and_then(ActorId::parse) else { return };
        if cut == Cut::Yes {
            event.note("actor_id_cut");
        }
        let name = self.text(event, "identify_actor_name").map(Into::into);
        let traits = match self.get("identify_data").map(serde_json::from_str) {
            Some(Ok(serde_json::Value::Object(traits))) => traits,
            Some(_) => {
                event.note("coerced:identify_data");
                serde_json::Map::new()
            }
            None => serde_json::Map::new(),
        };
        event.actor = Some(Box::new(Actor { id, name, traits }));
    }

    fn intent(&self, event: &mut Event) {
        let Some(raw) = self.get("user_intent") else { return };
        let text = string_of(raw).unwrap_or_else(|| compact(raw));
        if !text.trim().is_empty() {
            event.intent = Some(text.into());
            event.intent_source = Some(IntentSource::Given);
        }
    }

    /// Everything that comes out of `parameters`, `response`, `resource_name` and `error` (R14 to R22, R26, R29).
    fn call(&self, event: &mut Event) {
        let parameters = self.get("parameters").and_then(Fields::parse);
        let request = parameters.as_ref().and_then(|p| p.object("request"));
        let params = request.as_ref().and_then(|r| r.object("params"));
        self.initialize(event, parameters.as_ref(), params.as_ref());
        let label = self.text(event, "resource_name").filter(|name| !PLACEHOLDERS.contains(&name.as_str()));
        let inside = params.as_ref().or(parameters.as_ref());
        match event.kind {
            Kind::Identify => return,
            Kind::ToolCall => {
                let name = inside.and_then(|p| p.string("name"));
                let name = name.filter(|n| !PLACEHOLDERS.contains(&n.trim())).or(label);
                event.tool = name.map(|n| n.trim().into());
                if event.tool.as_deref() == Some("get_more_tools") {
                    event.kind = Kind::MissingCapability;
                }
            }
            Kind::ResourceRead => {
                event.resource = inside.and_then(|p| p.string("uri")).or(label).map(Into::into)
            }
            Kind::PromptGet => {
                event.resource = inside.and_then(|p| p.string("name")).or(label).map(Into::into)
            }
            _ => event.resource = label.map(Into::into),
        }
        let extra = parameters.as_ref().and_then(|p| p.object("extra"));
        event.request_meta = [params.as_ref(), extra.as_ref(), parameters.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|fields| fields.get("_meta"))
            .and_then(payload);
        event.transport = extra
            .and_then(|e| {
                e.filtered(|key, value| {
                    key != "signal"
                        && key != "_meta"
                        && !value.starts_with("\"[Function: ")
                        && value != "null"
                })
            })
            .filter(|t| t.get() != "{}");
        let is_tool = matches!(event.kind, Kind::ToolCall | Kind::MissingCapability);
        let raw_arguments = inside.and_then(|p| p.get("arguments"));
        event.arguments = if is_tool {
            raw_arguments.and_then(|raw| own_arguments(event, raw))
        } else if let Some(params) = &params {
            params.filtered(|key, _| key != "_meta")
        } else {
            let own = |key: &str| matches!(key, "extra" | "_meta" | "request");
            parameters.as_ref().and_then(|p| p.filtered(|key, _| !own(key)))
        }
        .filter(|a| a.get() != "{}" || is_tool);
        if event.kind == Kind::MissingCapability && event.intent.is_none() {
            let asked = raw_arguments.and_then(Fields::parse).and_then(|a| a.string("context"));
            event.intent_source = asked.as_ref().map(|_| IntentSource::Given);
            event.intent = asked.map(Into::into);
        }
        let response = self.get("response").map(normal_response);
        self.failure(event, response.as_deref());
        if is_tool {
            self.tokens(event, raw_arguments, response.as_deref());
        }
        event.result = response.as_deref().and_then(payload);
    }

    /// Client and protocol version of an `initialize`, also where an identify event carries one (AC §11).
    fn initialize(&self, event: &mut Event, parameters: Option<&Fields<'_>>, params: Option<&Fields<'_>>) {
        let Some(inside) = params.or(parameters).filter(|p| p.raw("clientInfo").is_some()) else { return };
        if event.client.is_none()
            && let Some(info) = inside.object("clientInfo")
            && let Some(name) = info.string("name")
        {
            event.client = Some(Peer { name: name.into(), version: info.string("version").map(Into::into) });
        }
        if event.protocol_version.is_none() {
            let agreed =
                self.get("response").and_then(Fields::parse).and_then(|r| r.string("protocolVersion"));
            let version = agreed.or_else(|| inside.string("protocolVersion"));
            event.protocol_version = version.map(Into::into);
        }
    }

    fn failure(&self, event: &mut Event, response: Option<&str>) {
        let fields = response.and_then(Fields::parse);
        let soft = fields.as_ref().and_then(|r| r.get("isError")) == Some("true");
        let mut error =
            self.get("error").filter(|e| !matches!(*e, "{}" | "\"\"" | "false")).map(text_of_error);
        let failed = match self.get("is_error") {
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                event.note("coerced:is_error");
                soft || error.is_some()
            }
            None => soft || error.is_some(),
        };
        let is_request = !matches!(event.kind, Kind::Custom | Kind::Identify | Kind::Feedback);
        if !failed {
            // An `error` beside `is_error: false` stays readable in the raw body and counts for nothing.
            event.status = is_request.then_some(Status::Ok);
        } else {
            let error = error.get_or_insert_default();
            if error.message.trim().is_empty() {
                error.message = response.map(result_text).unwrap_or_default().into();
            }
            let kind = error.kind.as_deref();
            event.status = Some(match kind {
                Some("cancelled") => Status::Cancelled,
                Some("panic") => Status::ProtocolError,
                Some(code) if is_rpc_code(code) => Status::ProtocolError,
                _ if event.kind == Kind::ToolCall || !is_request => Status::ToolError,
                _ => Status::ProtocolError,
            });
            if kind == Some("panic") {
                event.note("panic");
            }
            let said_empty = error.message.to_ascii_lowercase().contains("no tools")
                || fields.as_ref().and_then(|r| r.get("tools")).is_some_and(|t| compact(t) == "[]");
            if event.kind == Kind::ToolsList && said_empty {
                event.flags.declared_error = true;
                event.status = Some(Status::Ok);
            }
        }
        event.error = error.filter(|_| failed).map(Box::new);
        if event.flags.mrtr_open {
            event.status = Some(Status::InputRequired);
        }
    }

    fn tokens(&self, event: &mut Event, arguments: Option<&str>, response: Option<&str>) {
        let given = |name: &str| -> Option<u32> {
            let raw = self.get(name)?;
            let text = string_of(raw);
            let number = text.as_deref().unwrap_or(raw).parse::<f64>().ok().filter(|n| *n >= 0.0)?;
            Some(number.min(f64::from(u32::MAX)) as u32)
        };
        let (input, output) = (given("input_tokens"), given("output_tokens"));
        event.tokens = if input.is_some() || output.is_some() {
            Some(Tokens { input, output, estimated: false })
        } else {
            let input = arguments.map(|text| estimate_tokens(compact(text).len()));
            let output = response.map(|text| estimate_tokens(super::agentcat_error::output_bytes(text)));
            (input.is_some() || output.is_some()).then_some(Tokens { input, output, estimated: true })
        };
    }
}

/// The member that tells the agent's address: it is kept as evidence only (D14).
fn is_address(key: &str) -> bool {
    matches!(key, "ip_address" | "ipAddress")
}

/// The arguments without what the SDK itself put there (R16).
fn own_arguments(event: &mut Event, raw: &str) -> Option<Payload> {
    let Some(fields) = Fields::parse(raw) else { return payload(raw) };
    let tag = |name: &str| event.tags.get(name).map(|v| &**v);
    let session = matches!(tag("agentcat_session_id_source"), Some("minted" | "supplied" | "invalid"));
    let agent = tag("agentcat_agent_id_source").is_some();
    let is_intent = |value: &str| {
        let text = string_of(value).unwrap_or_else(|| compact(value));
        event.intent.as_deref().is_some_and(|intent| intent.trim() == text.trim())
    };
    fields.filtered(|key, value| match key {
        "context" => !is_intent(value),
        "session_id" => !session,
        "agent_id" => !agent,
        _ => true,
    })
}

/// A response in one spelling and without `null` members (R19, AC §11); Python 1.x's list of blocks becomes `content`.
pub(super) fn normal_response(raw: &str) -> String {
    let text = without_nulls(raw);
    let Some(fields) = Fields::parse(&text) else { return text.into_owned() };
    let mut out = String::from("{");
    for (key, value) in &fields.0 {
        let key = match &**key {
            "is_error" if fields.raw("isError").is_none() => "isError",
            "structured_content" if fields.raw("structuredContent").is_none() => "structuredContent",
            "result" if fields.0.len() == 1 && is_blocks(value.get()) => "content",
            other => other,
        };
        super::fields::push_member(&mut out, key, value.get());
    }
    out.push('}');
    out
}

fn is_blocks(text: &str) -> bool {
    let blocks = items_of(text).unwrap_or_default();
    !blocks.is_empty()
        && blocks.iter().all(|b| Fields::parse(b.get()).is_some_and(|f| f.string("type").is_some()))
}

/// Kind and name of an event type (R25).
fn kind_of(event_type: Option<&str>) -> (Kind, &str) {
    let Some(event_type) = event_type else { return (Kind::Custom, "") };
    if let Some(method) = event_type.strip_prefix("mcp:") {
        let kind = match method {
            "tools/call" => Kind::ToolCall,
            "tools/list" => Kind::ToolsList,
            "initialize" => Kind::Initialize,
            "server/discover" => Kind::Discover,
            "resources/list" => Kind::ResourcesList,
            "resources/templates/list" => Kind::ResourceTemplatesList,
            "resources/read" => Kind::ResourceRead,
            "prompts/list" => Kind::PromptsList,
            "prompts/get" => Kind::PromptGet,
            "completion/complete" => Kind::Completion,
            _ => Kind::Protocol,
        };
        return (kind, method);
    }
    match event_type {
        "agentcat:identify" | "mcpcat:identify" => (Kind::Identify, "agentcat:identify"),
        "agentcat:custom" | "mcpcat:custom" => (Kind::Custom, "agentcat:custom"),
        other => (Kind::Custom, other),
    }
}

/// JSON-RPC's code names as the Rust SDK writes them.
fn is_rpc_code(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "parseerror"
            | "invalidrequest"
            | "methodnotfound"
            | "invalidparams"
            | "internalerror"
            | "resourcenotfound"
    )
}

fn time_of(raw: &str) -> Option<Timestamp> {
    match string_of(raw) {
        Some(text) => Timestamp::parse(&text),
        None => raw.parse::<f64>().ok().and_then(Timestamp::from_number),
    }
}

/// `snake_case` as `camelCase`.
fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}
