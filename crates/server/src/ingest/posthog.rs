//! The PostHog wire: the events of a rewritten body (`posthog_envelope`) into ours (wire-posthog sections 2 and 4 to 9).
//!
//! Called by `ingest::take` with a body that was cleaned, so that everything here may be stored. Invariants: one bad event
//! refuses only itself (R8); a wrong-typed property never refuses an event: it stays readable among its properties (R24);
//! one tool call is one tool call, whatever else its SDK says about it (R22).

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use trackway_event::event::Flags;
use trackway_event::json::estimate_tokens;
use trackway_event::{
    CaptureBy, DropReason, Event, EventId, Input, IntentSource, Kind, Payload, Peer, SessionId,
    SessionSource, Status, Timestamp, Tokens, limits,
};

use super::agentcat::normal_response;
use super::agentcat_error::{output_bytes, result_text};
use super::fields::{Fields, compact, items_of, string_of};
use super::posthog_error::{self, is_unknown_tool};
use super::{Batch, Item, feedback, payload, posthog_identity, posthog_time};

/// Names the SDKs send where they know none.
const PLACEHOLDERS: [&str; 3] = ["Unknown Tool Name", "Unknown Tool", "Unknown"];

/// Reads a rewritten body.
///
/// # Errors
/// When it is none.
pub(super) fn read(text: &str, received_at: Timestamp) -> Result<Batch, DropReason> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| DropReason::BadJson)?;
    let around = Fields::parse(text).ok_or(DropReason::NotObject)?;
    let project = around.string("project").ok_or(DropReason::MissingProject)?;
    let items = around.get("batch").and_then(items_of).ok_or(DropReason::NotObject)?;
    let sent_at = around.string("sent_at").and_then(|text| posthog_time::parse(&text));
    let with = Around {
        project: &project,
        strict: around.get("version") == Some("1"),
        skew: posthog_time::skew(sent_at, received_at),
        sdk: around.string("sdk"),
        unnamed: around.string("unnamed"),
        received_at,
    };
    let mut seen = std::collections::HashSet::new();
    let items = items.iter().map(|raw| {
        let mut item = with.item(text, raw.get());
        // One receipt per uuid is all V1 can answer (R19).
        let repeated = item.id.as_ref().is_some_and(|id| !seen.insert(id.clone()));
        if with.strict && (repeated || item.id.is_none()) {
            item.event = Err(DropReason::BadEvent);
        }
        item
    });
    Ok(Batch { items: items.collect(), project: Some(project.clone()), whole: true, ..Batch::default() })
}

/// What holds for every event of a body.
struct Around<'a> {
    project: &'a str,
    /// Capture V1: stricter, with members lifted out of the properties.
    strict: bool,
    skew: Option<i64>,
    sdk: Option<String>,
    unnamed: Option<String>,
    received_at: Timestamp,
}

impl Around<'_> {
    fn item(&self, whole: &str, text: &str) -> Item {
        let span = super::span_of(whole, text);
        let fields = Fields::parse(text);
        let uuid = fields.as_ref().and_then(|f| f.string("uuid"));
        let event = match &fields {
            None => Err(DropReason::BadEvent),
            Some(_)
                if trackway_event::json::depth(text.as_bytes(), limits::BODY_DEPTH) > limits::BODY_DEPTH =>
            {
                Err(DropReason::TooDeep)
            }
            Some(fields) => self.event(fields, uuid.as_deref()).map(Box::new),
        };
        let id = match (&event, self.strict) {
            (Ok(event), false) => Some(event.id.as_str().into()),
            (Ok(_) | Err(_), _) => uuid.map(Into::into),
        };
        Item { project: Some(self.project.to_owned()), id, span, event }
    }

    fn event(&self, fields: &Fields<'_>, uuid: Option<&str>) -> Result<Event, DropReason> {
        let name = fields.get("event").and_then(string_of).filter(|name| !name.trim().is_empty());
        let name = name.or_else(|| self.unnamed.clone()).ok_or(DropReason::MissingEventName)?;
        let name = name.trim();
        if name.chars().count() > limits::EVENT_NAME_CHARS {
            return Err(DropReason::BadEvent);
        }
        let mut props = Props::of(fields, self);
        if self.strict && props.wrong_type {
            return Err(DropReason::BadEvent);
        }
        let mcp = props.is_mcp(name);
        let distinct_id = posthog_identity::distinct_id(fields, &props);
        let distinct_id = match distinct_id {
            Some(id) => id,
            None if mcp => props.peek_text("$session_id").unwrap_or_else(|| "anonymous".into()),
            None => return Err(DropReason::MissingDistinctId),
        };
        let method = props.method();
        let (kind, label) = kind_of(name, method.as_deref());
        let (id, odd_uuid) = self.id(uuid);
        let mut event = Event::new(id, kind, self.received_at);
        event.name = label.into();
        event.input = Input::Posthog;
        event.capture = Some(CaptureBy::Sdk);
        if odd_uuid && let Some(text) = uuid {
            event.note(&format!("uuid:{}", text.chars().take(64).collect::<String>()));
        }
        if props.wrong_type {
            event.note("coerced:properties");
        }
        let unskewed = props.get("$ignore_sent_at").is_some_and(|raw| raw == "true");
        let said = posthog_time::Said {
            timestamp: fields.get("timestamp"),
            offset: fields.get("offset"),
            skew: self.skew.filter(|_| !unskewed),
        };
        posthog_time::put(&mut event, posthog_time::settle(&said, self.received_at));
        props.session(&mut event, mcp);
        posthog_identity::put(&mut event, name, fields, &mut props, &distinct_id);
        props.peers(&mut event, self.sdk.as_deref());
        props.intent(&mut event);
        props.call(&mut event, name);
        if event.kind == Kind::Exception && event.session_id.is_some() && event.tool.is_some() {
            // The detail of a failed call: shown with it, counted with it (R22, R23).
            event.kind = Kind::Protocol;
            event.flags.sibling = true;
        }
        event.properties = props.rest();
        if event.kind == Kind::Feedback {
            feedback::of_posthog(&mut event, props.of_feedback());
        }
        Ok(event)
    }

    /// The event's id (R6), and whether it was made from a text that is no UUID.
    fn id(&self, uuid: Option<&str>) -> (EventId, bool) {
        let minted = |bytes: [u8; 16], version: u8| {
            let id = EventId::foreign(&uuid_text(bytes, version));
            id.unwrap_or_else(|| EventId::mint(self.received_at, bytes))
        };
        let Some(text) = uuid.map(str::trim) else {
            let mut bytes = super::random();
            let ms = self.received_at.millis().to_be_bytes();
            for (to, from) in bytes.iter_mut().zip(ms.iter().skip(2)) {
                *to = *from;
            }
            return (minted(bytes, 7), false);
        };
        if is_uuid(text) {
            let id = EventId::foreign(&text.to_ascii_lowercase());
            return (id.unwrap_or_else(|| minted(super::random(), 4)), false);
        }
        let digest = Sha256::new().chain_update(self.project).chain_update([0]).chain_update(text).finalize();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        (minted(bytes, 8), true)
    }
}

/// The properties of one event, with what V1 lifted out of them put back (R17), and which of them have found a place.
pub(super) struct Props<'a> {
    fields: Fields<'a>,
    lifted: Vec<(&'static str, Cow<'a, str>)>,
    taken: Vec<&'static str>,
    wrong_type: bool,
}

impl<'a> Props<'a> {
    fn of(event: &Fields<'a>, around: &Around<'_>) -> Self {
        let raw = event.get("properties");
        let parsed = raw.and_then(Fields::parse);
        let wrong_type = raw.is_some() && parsed.is_none();
        let mut lifted: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
        if around.strict {
            for (from, to) in [("session_id", "$session_id"), ("window_id", "$window_id")] {
                lifted.extend(event.get(from).map(|raw| (to, Cow::Borrowed(raw))));
            }
            let options = event.object("options");
            for (from, to) in [
                ("process_person_profile", "$process_person_profile"),
                ("cookieless_mode", "$cookieless_mode"),
                ("disable_skew_correction", "$ignore_sent_at"),
                ("product_tour_id", "$product_tour_id"),
            ] {
                let Some(raw) = options.as_ref().and_then(|o| o.get(from)) else { continue };
                // Booleans of options may be written in several ways (R19).
                let raw = match raw {
                    "\"true\"" | "\"1\"" | "1" => "true",
                    "\"false\"" | "\"0\"" | "0" => "false",
                    other => other,
                };
                lifted.push((to, Cow::Borrowed(raw)));
            }
        }
        Self { fields: parsed.unwrap_or(Fields(Vec::new())), lifted, taken: Vec::new(), wrong_type }
    }

    /// The text of a property; `null` is as good as absent, one in place wins over a lifted one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match self.fields.raw(name) {
            Some(raw) => Some(raw.get()).filter(|text| *text != "null"),
            None => self.lifted.iter().find(|(key, _)| *key == name).map(|(_, raw)| &**raw),
        }
    }

    /// The object of this name.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'_>> {
        self.get(name).and_then(Fields::parse)
    }

    /// A property has found its place: it is not kept beside it.
    pub(super) fn take(&mut self, name: &'static str) {
        self.taken.push(name);
    }

    /// A text or number of this name, left where it is.
    pub(super) fn peek_text(&self, name: &str) -> Option<String> {
        let raw = self.get(name)?;
        let text = match raw.as_bytes().first() {
            Some(b'"') => string_of(raw)?,
            Some(b'{' | b'[') | None => return None,
            Some(_) => raw.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A text or number of this name, which has found its place.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.peek_text(name)?;
        self.take(name);
        Some(text)
    }

    fn number(&mut self, name: &'static str) -> Option<f64> {
        let number = self.peek_text(name)?.parse::<f64>().ok().filter(|n| n.is_finite())?;
        self.take(name);
        Some(number)
    }

    fn truth(&mut self, name: &'static str) -> bool {
        let raw = self.get(name).map(|raw| raw.trim_matches('"').trim().to_ascii_lowercase());
        let truth = match raw.as_deref() {
            Some("true" | "1") => true,
            Some("false" | "0" | "") => false,
            Some(_) | None => return false,
        };
        self.take(name);
        truth
    }

    /// Whether the event is one of MCP (R10).
    fn is_mcp(&self, name: &str) -> bool {
        let is = |key: &str, value: &str| self.get(key).and_then(string_of).is_some_and(|v| v == value);
        name.starts_with("$mcp_")
            || is("$mcp_source", "posthog_mcp_analytics")
            || is("$mcp_interface", "mcp")
            || (matches!(name, "$identify" | "$exception")
                && self.fields.0.iter().any(|(key, _)| key.starts_with("$mcp_")))
    }

    fn method(&self) -> Option<String> {
        let parameters = self.object("$mcp_parameters")?;
        let method = parameters.object("request").and_then(|r| r.string("method"));
        method.or_else(|| parameters.string("method"))
    }

    /// The session, verbatim (R27). Without one an event of MCP is grouped, any other belongs to none (R28).
    fn session(&mut self, event: &mut Event, mcp: bool) {
        if let Some(text) = self.text("$session_id") {
            event.session_id = SessionId::foreign(&text);
            event.session_source = event.session_id.as_ref().map(|_| SessionSource::Given);
            if text.chars().count() > limits::ID_CHARS {
                event.note("session_id_hashed");
            }
        }
        if event.session_id.is_none() && !mcp {
            event.session_source = Some(SessionSource::None);
        }
        event.conversation_id = self.text("$mcp_conversation_id").map(Into::into);
    }

    fn peers(&mut self, event: &mut Event, sdk: Option<&str>) {
        let mut peer = |name: &'static str, version: &'static str| {
            let name = self.text(name)?;
            let version = self.text(version).map(Into::into);
            Some(Peer { name: name.into(), version })
        };
        event.server = peer("$mcp_server_name", "$mcp_server_version");
        event.client = peer("$mcp_client_name", "$mcp_client_version");
        event.sdk = peer("$lib", "$lib_version");
        if let Some((name, version)) = sdk.map(|sdk| sdk.split_once('/').unwrap_or((sdk, ""))) {
            let sdk = event.sdk.get_or_insert_with(|| Peer { name: name.into(), version: None });
            if sdk.version.is_none() {
                sdk.version = Some(version).filter(|v| !v.is_empty()).map(Into::into);
            }
        }
        event.protocol_version = self.text("$mcp_protocol_version").map(Into::into);
        let model = self.text("$mcp_llm_model").filter(|m| !m.eq_ignore_ascii_case("unknown"));
        event.model = model.map(Into::into);
    }

    fn intent(&mut self, event: &mut Event) {
        let Some(text) = self.text("$mcp_intent") else { return };
        let inferred = self.peek_text("$mcp_intent_source").as_deref() == Some("inferred");
        self.take("$mcp_intent_source");
        event.intent = Some(text.into());
        event.intent_source = Some(if inferred { IntentSource::Inferred } else { IntentSource::Given });
    }

    /// Tool, resource, arguments, result and failure.
    fn call(&mut self, event: &mut Event, name: &str) {
        let known = |text: &String| !PLACEHOLDERS.contains(&text.as_str());
        let resource = self.text("$mcp_resource_name").filter(known);
        let tool = self.text("$mcp_tool_name").filter(known);
        match event.kind {
            Kind::ToolCall | Kind::Exception => event.tool = tool.or(resource).map(Into::into),
            Kind::Custom => event.resource = Some(name.into()),
            Kind::ResourceRead | Kind::PromptGet => event.resource = resource.or(tool).map(Into::into),
            Kind::Identify | Kind::MissingCapability => {}
            _ => event.resource = resource.map(Into::into),
        }
        if event.tool.as_deref() == Some("get_more_tools") && event.kind == Kind::ToolCall {
            event.kind = Kind::MissingCapability;
        }
        let duration = self.number("$mcp_duration_ms").filter(|ms| *ms >= 0.0);
        event.duration_us = duration.map(|ms| (ms.min((1u64 << 53) as f64) * 1_000.0).round() as u64);
        let is_tool = matches!(event.kind, Kind::ToolCall | Kind::MissingCapability);
        self.parameters(event, is_tool);
        let response = self.get("$mcp_response").map(normal_response);
        if response.is_some() {
            self.take("$mcp_response");
        }
        self.failure(event, name, response.as_deref());
        if is_tool {
            let input = event.arguments.as_ref().map(|a| estimate_tokens(compact(a.get()).len()));
            let output = response.as_deref().map(|text| estimate_tokens(output_bytes(text)));
            event.tokens =
                (input.is_some() || output.is_some()).then_some(Tokens { input, output, estimated: true });
        }
        event.result = response.as_deref().and_then(payload);
    }

    fn parameters(&mut self, event: &mut Event, is_tool: bool) {
        let Some(parameters) = self.object("$mcp_parameters") else { return };
        let request = parameters.object("request");
        let params =
            request.as_ref().and_then(|r| r.object("params")).or_else(|| parameters.object("params"));
        let extra = parameters.object("extra");
        if event.kind == Kind::Identify {
            // It holds raw arguments and headers; only the session its transport names is read out of it (I15).
            let session = extra.as_ref().and_then(posthog_identity::token_session);
            if let (Some(session), Some(identity)) = (session, &mut event.identity) {
                identity.token_session = Some(session.into());
            }
            self.take("$mcp_parameters");
            return;
        }
        let inside = params.as_ref().unwrap_or(&parameters);
        let meta = [Some(inside), extra.as_ref()].into_iter().flatten().find_map(|f| f.get("_meta"));
        event.request_meta = meta.and_then(payload);
        let gone = |key: &str, value: &str| {
            matches!(key, "signal" | "_meta") || value.starts_with("\"[Function: ") || value == "null"
        };
        event.transport =
            extra.and_then(|e| e.filtered(|k, v| !gone(k, v))).filter(|t: &Payload| t.get() != "{}");
        event.arguments = if is_tool {
            inside.get("arguments").and_then(payload)
        } else {
            inside
                .filtered(|key, _| !matches!(key, "_meta" | "extra" | "request"))
                .filter(|a| a.get() != "{}")
        };
        self.take("$mcp_parameters");
    }

    fn failure(&mut self, event: &mut Event, name: &str, response: Option<&str>) {
        if event.kind == Kind::Exception {
            event.error = posthog_error::of_exception(self).map(Box::new);
            return;
        }
        let is_request = !matches!(
            event.kind,
            Kind::Custom
                | Kind::Identify
                | Kind::Feedback
                | Kind::Alias
                | Kind::GroupIdentify
                | Kind::PersonUpdate
        );
        let failed = self.truth("$mcp_is_error") || name == "$mcp_unknown_tool";
        if name == "$mcp_input_required" {
            event.flags = Flags { mrtr_open: true, ..event.flags };
            event.status = Some(Status::InputRequired);
            return;
        }
        if !failed {
            event.status = is_request.then_some(Status::Ok);
            return;
        }
        let mut error = trackway_event::ErrorInfo {
            kind: self.text("$mcp_error_type").map(Into::into),
            message: self.text("$mcp_error_message").unwrap_or_default().into(),
            ..Default::default()
        };
        if error.message.is_empty() {
            error.message = response.map(result_text).unwrap_or_default().into();
        }
        let tool = event.tool.clone().unwrap_or_default();
        if name == "$mcp_unknown_tool" || (event.kind == Kind::ToolCall && is_unknown_tool(&error.message)) {
            event.flags.unknown_tool = true;
            if error.message.is_empty() {
                error.message = format!("Unknown tool: {tool}").into();
            }
        }
        let tool_failed = event.kind == Kind::ToolCall || !is_request;
        event.status = Some(if tool_failed { Status::ToolError } else { Status::ProtocolError });
        // "No tools" is an answer, not a failure (AC R26).
        let none = response.and_then(Fields::parse).and_then(|r| r.get("tools").map(compact));
        let listed = self.get("$mcp_listed_tool_names").map(compact);
        let empty = none.as_deref() == Some("[]")
            || listed.as_deref() == Some("[]")
            || error.message.to_ascii_lowercase().contains("no tools");
        if event.kind == Kind::ToolsList && empty {
            event.flags.declared_error = true;
            event.status = Some(Status::Ok);
        }
        event.error = Some(Box::new(error));
    }

    /// What an agent's feedback says: names without their prefix.
    fn of_feedback(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .0
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(feedback::PREFIX)?, value.get())))
    }

    /// What has found no place, as sent; without addresses (section 7).
    fn rest(&self) -> Option<Payload> {
        let rest = self.fields.filtered(|key, value| {
            value != "null"
                && !self.taken.contains(&key)
                && key != "$ip"
                && !key.starts_with("$geoip_")
                && !key.starts_with(feedback::PREFIX)
                && !matches!(key, "token" | "$mcp_source" | "$mcp_interface")
        });
        rest.filter(|rest| rest.get() != "{}")
    }
}

/// Kind and name of an event (section 6).
fn kind_of<'a>(name: &'a str, method: Option<&str>) -> (Kind, &'a str) {
    match name {
        "$mcp_tool_call" | "$mcp_unknown_tool" | "$mcp_input_required" => (Kind::ToolCall, "tools/call"),
        "$mcp_tools_list" => (Kind::ToolsList, "tools/list"),
        "$mcp_initialize" => (Kind::Initialize, "initialize"),
        "$mcp_resources_list" if method == Some("resources/templates/list") => {
            (Kind::ResourceTemplatesList, "resources/templates/list")
        }
        "$mcp_resources_list" => (Kind::ResourcesList, "resources/list"),
        "$mcp_resource_read" => (Kind::ResourceRead, "resources/read"),
        "$mcp_prompts_list" => (Kind::PromptsList, "prompts/list"),
        "$mcp_prompt_get" => (Kind::PromptGet, "prompts/get"),
        "$mcp_missing_capability" => (Kind::MissingCapability, "tools/call"),
        "$mcp_feedback" => (Kind::Feedback, name),
        "$identify" => (Kind::Identify, name),
        "$exception" => (Kind::Exception, name),
        "$create_alias" | "$merge_dangerously" => (Kind::Alias, name),
        "$groupidentify" => (Kind::GroupIdentify, name),
        "$set" | "$set_once" | "$unset" => (Kind::PersonUpdate, name),
        _ if name.starts_with("$mcp_") => (Kind::Protocol, name),
        _ => (Kind::Custom, name),
    }
}

fn is_uuid(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_hexdigit();
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { hex(b) })
}

fn uuid_text(bytes: [u8; 16], version: u8) -> String {
    let mut out = String::with_capacity(36);
    for (i, byte) in bytes.into_iter().enumerate() {
        let byte = match i {
            6 => byte & 0x0f | version << 4,
            8 => byte & 0x3f | 0x80,
            _ => byte,
        };
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}
