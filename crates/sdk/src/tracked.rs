//! The wrapper around a server: delegates every method of rmcp's `ServerHandler`, edits two of them, records most (CAP §5.1).
//!
//! On the path of a call: copy the request, cut `context` out of the typed arguments, call, copy the answer up to a cap, leave both
//! in an inbox. Everything else happens in `worker`. A guard leaves the note when the call is dropped or panics.

use std::any::TypeId;
use std::borrow::Cow;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::request::Parts;
use rmcp::model::*;
use rmcp::service::{MaybeSendFuture, NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::Serialize;
use trackway_capture::recorder::{Observed, SEND_FEEDBACK, Scope, Told, Transport, Way};
use trackway_capture::wire::inject::{MORE_TOOLS, MORE_TOOLS_ANSWER, Missing};
use trackway_event::json::payload_of;
use trackway_event::{Payload, Peer};

use crate::caught::{self, Caught};
use crate::handle;
use crate::hub::{Handle, Hub, random};
use crate::options::{Options, SessionMode};
use crate::running::{Held, Running};
use crate::snapshot::{Extra, RequestInfo};
use crate::tools::{Ours, Tools};
use crate::wire::{self, Era, Speaks};
use crate::worker::Note;

/// How long a listing of our own may take, for a call whose tool is not known (CAP §4.6).
const LISTING: Duration = Duration::from_millis(500);
/// Pages of such a listing.
const PAGES: usize = 20;
/// From this revision on requests carry their own metadata and no session (CAP §1.1).
const MODERN: &str = "2026-07-28";
/// Set by `trackway wrap` for its child: the marker of the project it records for (CAP §4.7).
const WRAPPED: &str = "TRACKWAY_WRAPPED";

/// Records what `server` does for `project` (`proj_…`), and gives back a server to serve in its place.
///
/// Never fails and does no I/O: what cannot be used is logged once, and the server works as it was. Calling it again, as the
/// factory of a Streamable HTTP service does, shares one queue per (endpoint, project); the first call's options hold.
///
/// # What it cannot see
/// It sees what rmcp hands to a handler, and nothing before or beside that; `trackway proxy` in front of the server sees these too:
/// - requests that rmcp answers by itself: bytes that are no JSON-RPC, parameters that do not fit their method, a method or a
///   revision the server does not speak, anything before `initialize`, and HTTP requests refused for their `Host`, their headers
///   or an unknown session;
/// - the end of an MCP session over HTTP by `DELETE`, and streams that are opened by `GET` or broken off;
/// - what the server sends on its own through its `Peer`: sampling, elicitation, roots, progress and log messages.
pub fn track<S: ServerHandler>(server: S, project: impl AsRef<str>, options: Options) -> Tracked<S> {
    let twice = std::any::type_name::<S>().starts_with("trackway::tracked::Tracked<");
    let hub = if twice {
        tracing::warn!("this server is tracked already; it is recorded once");
        None
    } else {
        Hub::of(project.as_ref(), options)
    };
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Tracked {
        inner: server,
        hub,
        connection: NEXT.fetch_add(1, Ordering::Relaxed) | 1 << 63,
        tools: Arc::default(),
        held: Arc::default(),
        corrected: AtomicBool::new(false),
    }
}

/// A server that is recorded. Serve it as you would serve the one inside.
#[derive(Debug)]
pub struct Tracked<S> {
    inner: S,
    hub: Option<Arc<Hub>>,
    /// Tells connections apart for the recorder.
    connection: u64,
    tools: Arc<Tools>,
    held: Arc<Held>,
    /// The agent was told that its session id is not ours; once a connection is enough.
    corrected: AtomicBool,
}

impl<S: ServerHandler> Tracked<S> {
    /// The handle to the recording.
    pub fn handle(&self) -> Handle {
        Handle { hub: self.hub.clone() }
    }

    /// The server inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The hub, unless an outer `trackway wrap` records the same pipe for the same project (CAP §4.7).
    fn hub(&self, context: &RequestContext<RoleServer>) -> Option<&Arc<Hub>> {
        let hub = self.hub.as_ref()?;
        let piped = context.extensions.get::<Parts>().is_none();
        (!(piped && wrapped(&hub.marker))).then_some(hub)
    }

    fn begin(
        &self,
        method: &'static str,
        name: Option<&str>,
        arguments: Option<&JsonObject>,
        params: &impl Serialize,
        context: &RequestContext<RoleServer>,
    ) -> Option<Running> {
        let hub = self.hub(context)?;
        hub.guard.run(|| self.begun(hub, method, name, arguments, params, context))
    }

    fn begun(
        &self,
        hub: &Arc<Hub>,
        method: &'static str,
        name: Option<&str>,
        arguments: Option<&JsonObject>,
        params: &impl Serialize,
        context: &RequestContext<RoleServer>,
    ) -> Option<Running> {
        let (wall, mono_us) = hub.clock.read(Instant::now());
        // Opening a session is of the older revisions, whatever newer one the client names beside it.
        let opening = method == "initialize";
        let none = RequestMetaObject::default();
        let meta = if opening { &none } else { &context.meta };
        let line = wire::request(method, &context.id, params, meta)?;
        let request = Observed { way: Way::FromClient, wall, mono_us, line };
        let parts = context.extensions.get::<Parts>();
        let scope = self.scope(hub, parts, context, opening);
        let seen = hub.options.has_callbacks().then(|| {
            let request =
                RequestInfo { method, name: name.map(str::to_owned), arguments: arguments.cloned() };
            (request, extra(parts, context))
        });
        let session = seen.as_ref().and_then(|_| session_key(&scope));
        if scope.mcp_session.is_some() {
            self.held.release(scope.mcp_session.as_deref());
        }
        let opens = opening && scope.transport == Transport::Http && scope.connection != 0;
        let held = (opens && scope.mcp_session.is_none()).then(|| Arc::clone(&self.held));
        let cancel = context.ct.clone();
        let given_up = Box::new(move || cancel.is_cancelled());
        let modern = !opening && context.protocol_version().is_some_and(|v| v.as_str() >= MODERN);
        let tasks =
            method == "tools/call" && context.client_capabilities().is_some_and(|can| can.supports_tasks());
        let speaks = Speaks { era: if modern { Era::Modern } else { Era::Legacy }, tasks };
        Some(Running {
            hub: Arc::clone(hub),
            parts: Some((scope, request, seen, session)),
            held,
            speaks,
            given_up,
            caught: Caught::default(),
        })
    }

    fn scope(
        &self,
        hub: &Hub,
        parts: Option<&Parts>,
        context: &RequestContext<RoleServer>,
        opening: bool,
    ) -> Scope {
        let exchange = hub.exchange();
        let Some(parts) = parts else {
            let stateless = hub.options.stateless == Some(true);
            let (transport, connection) =
                if stateless { (Transport::Http, 0) } else { (Transport::Stdio, self.connection) };
            return Scope { exchange, connection, transport, ..Scope::default() };
        };
        let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
        let modern = !opening && context.protocol_version().is_some_and(|version| version.as_str() >= MODERN);
        let detached = hub.options.stateless.unwrap_or(modern);
        let mcp_session: Option<Box<str>> =
            text("mcp-session-id").filter(|id| !id.is_empty() && !detached).map(Into::into);
        // The first request of a session has no id yet, but is answered by this very server value.
        let connection = if detached { 0 } else { self.connection };
        Scope {
            exchange,
            connection,
            transport: Transport::Http,
            mcp_session,
            user_agent: context.client_info().map(|c| peer(&c)).or_else(|| user_agent(text("user-agent")?)),
            headers: kept(parts, &hub.options.headers),
            ..Scope::default()
        }
    }

    fn notice(&self, method: &str, params: &impl Serialize, context: &NotificationContext<RoleServer>) {
        let Some(hub) = &self.hub else { return };
        let parts = context.extensions.get::<Parts>();
        if parts.is_none() && wrapped(&hub.marker) {
            return;
        }
        let Some(line) = hub.guard.run(|| wire::notification(method, params)) else { return };
        let (wall, mono_us) = hub.clock.read(Instant::now());
        let session = parts.and_then(|p| p.headers.get("mcp-session-id")).and_then(|id| id.to_str().ok());
        if session.is_some() && hub.options.stateless != Some(true) {
            // The first message after the opening tells which session it opened, be it only a notification.
            self.held.release(session.map(str::trim));
        }
        let scope = match parts {
            None => Scope { connection: self.connection, ..Scope::default() },
            Some(parts) => Scope {
                connection: self.connection,
                transport: Transport::Http,
                headers: kept(parts, &hub.options.headers),
                ..Scope::default()
            },
        };
        let seen = Observed { way: Way::FromClient, wall, mono_us, line };
        hub.inbox.push(seen.line.len(), Note::Notice(Arc::new(scope), seen));
    }

    /// Which arguments of this tool are ours to cut; found out by the server itself where no listing was seen (CAP §4.6).
    async fn ours(&self, hub: &Hub, name: &str, context: &RequestContext<RoleServer>) -> Ours {
        if let Some(ours) = self.tools.get(name) {
            return ours;
        }
        if let Some(tool) = self.inner.get_tool(name) {
            let ours = Ours::of(&tool);
            self.tools.learn(std::slice::from_ref(&tool));
            hub.learn(std::slice::from_ref(&tool));
            return ours;
        }
        // A factory that makes a server for every request need not list its tools for each.
        let shared = hub.tools(TypeId::of::<S>());
        if let Some(ours) = shared.get(name) {
            return ours;
        }
        if !shared.listed.load(Ordering::Relaxed) {
            let list = async {
                let mut cursor: Option<String> = None;
                for _ in 0..PAGES {
                    let request = PaginatedRequestParams::default().with_cursor(cursor.take());
                    let page = self.inner.list_tools(Some(request), context.clone()).await.ok()?;
                    shared.learn(&page.tools);
                    hub.learn(&page.tools);
                    cursor = page.next_cursor;
                    cursor.as_ref()?;
                }
                Some(())
            };
            // A server that lists slowly is called as if it owned the argument: nothing is taken from it.
            // One that panics here would have panicked for its client, not for this call (SDK case 16).
            let list = std::panic::AssertUnwindSafe(list).catch_unwind();
            let _ = tokio::time::timeout(LISTING, list).await;
        }
        shared.get(name).unwrap_or_default()
    }
}

/// Whether an outer proxy records this pipe for this project.
fn wrapped(marker: &str) -> bool {
    static OUTER: OnceLock<Option<String>> = OnceLock::new();
    OUTER.get_or_init(|| std::env::var(WRAPPED).ok()).as_deref() == Some(marker)
}

/// Under what an identity is remembered: the MCP session, or on a pipe its connection; nothing without a session.
fn session_key(scope: &Scope) -> Option<Box<str>> {
    match (&scope.mcp_session, scope.transport) {
        (Some(session), _) => Some(session.clone()),
        (None, Transport::Stdio) => Some(format!("pipe {}", scope.connection).into()),
        (None, Transport::Http) => None,
    }
}

fn extra(parts: Option<&Parts>, context: &RequestContext<RoleServer>) -> Extra {
    let headers = parts.map(|p| p.headers.clone()).unwrap_or_default();
    let mcp_session = headers.get("mcp-session-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
    Extra {
        mcp_session,
        headers,
        request_id: context.id.to_string(),
        meta: match serde_json::to_value(&context.meta) {
            Ok(serde_json::Value::Object(meta)) => meta,
            Ok(_) | Err(_) => serde_json::Map::new(),
        },
        client: context.client_info().map(|client| peer(&client)),
        extensions: Arc::new(parts.map(|p| p.extensions.clone()).unwrap_or_default()),
    }
}

fn peer(client: &Implementation) -> Peer {
    Peer { name: client.name.as_str().into(), version: Some(client.version.as_str().into()) }
}

/// The program a `User-Agent` names first.
fn user_agent(text: &str) -> Option<Peer> {
    let first = text.split_whitespace().next()?;
    let (name, version) = first.split_once('/').map_or((first, None), |(n, v)| (n, Some(v)));
    Some(Peer { name: name.into(), version: version.map(Into::into) })
}

/// The headers of SDK-91's list.
fn kept(parts: &Parts, more: &[String]) -> Option<Payload> {
    let mut kept = serde_json::Map::new();
    for (name, value) in &parts.headers {
        let name = name.as_str();
        let listed = matches!(name, "user-agent" | "mcp-protocol-version" | "traceparent" | "content-type")
            || name.starts_with("x-mcp-client-")
            || more.iter().any(|listed| listed == name) && !is_secret(name);
        if let (true, Ok(value)) = (listed, value.to_str()) {
            kept.insert(name.to_owned(), value.chars().take(256).collect::<String>().into());
        }
    }
    (!kept.is_empty()).then(|| payload_of(&kept)).flatten()
}

/// Headers that carry credentials or cookies, whatever a list says (INV-09).
fn is_secret(name: &str) -> bool {
    let words = ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "session"];
    words.iter().any(|word| name.contains(word))
}

/// A method whose request and answer are recorded as they are.
macro_rules! recorded {
    ($($(#[$attr:meta])* $method:ident($params:ty) -> $answer:ty = $wire:literal, $name:expr;)*) => { $(
        $(#[$attr])*
        fn $method(
            &self,
            request: $params,
            context: RequestContext<RoleServer>,
        ) -> impl Future<Output = Result<$answer, ErrorData>> + MaybeSendFuture + '_ {
            async move {
                let name: fn(&$params) -> Option<&str> = $name;
                let running = self.begin($wire, name(&request), None, &request, &context);
                let id = context.id.clone();
                let result = self.inner.$method(request, context).await;
                if let Some(running) = running {
                    running.done(&id, &result);
                }
                result
            }
        }
    )* };
}

/// A method without parameters whose answer is recorded.
macro_rules! asked {
    ($($method:ident -> $answer:ty = $wire:literal;)*) => { $(
        fn $method(
            &self,
            context: RequestContext<RoleServer>,
        ) -> impl Future<Output = Result<$answer, ErrorData>> + MaybeSendFuture + '_ {
            async move {
                let running = self.begin($wire, None, None, &(), &context);
                let id = context.id.clone();
                let result = self.inner.$method(context).await;
                if let Some(running) = running {
                    running.done(&id, &result);
                }
                result
            }
        }
    )* };
}

#[allow(deprecated, reason = "every method is delegated, the legacy ones too")]
#[allow(clippy::manual_async_fn, reason = "an async fn would lose the trait's MaybeSendFuture")]
impl<S: ServerHandler> ServerHandler for Tracked<S> {
    asked! {
        ping -> () = "ping";
        discover -> DiscoverResult = "server/discover";
    }

    recorded! {
        initialize(InitializeRequestParams) -> InitializeResult = "initialize", |_| None;
        complete(CompleteRequestParams) -> CompleteResult = "completion/complete", |_| None;
        set_level(SetLevelRequestParams) -> () = "logging/setLevel", |_| None;
        get_prompt(GetPromptRequestParams) -> GetPromptResponse = "prompts/get", |r| Some(&r.name);
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult = "prompts/list", |_| None;
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult = "resources/list", |_| None;
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult
            = "resources/templates/list", |_| None;
        read_resource(ReadResourceRequestParams) -> ReadResourceResponse = "resources/read", |r| Some(&r.uri);
        subscribe(SubscribeRequestParams) -> () = "resources/subscribe", |r| Some(&r.uri);
        unsubscribe(UnsubscribeRequestParams) -> () = "resources/unsubscribe", |r| Some(&r.uri);
        get_task(GetTaskParams) -> GetTaskResult = "tasks/get", |_| None;
        update_task(UpdateTaskParams) -> () = "tasks/update", |_| None;
        cancel_task(CancelTaskParams) -> () = "tasks/cancel", |_| None;
        list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult = "skills/list", |_| None;
        get_skill(GetSkillRequestParams) -> GetSkillResult = "skills/get", |r| Some(&r.uri);
        read_resource_directory(ReadResourceDirectoryRequestParams) -> ReadResourceDirectoryResult
            = "resources/directory/read", |_| None;
    }

    fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<ListToolsResult, ErrorData>> + MaybeSendFuture + '_ {
        async move {
            let running = self.begin("tools/list", None, None, &request, &context);
            let id = context.id.clone();
            let edits = self.hub(&context).cloned();
            let result = self.inner.list_tools(request, context).await;
            if let Some(running) = running {
                running.done(&id, &result);
            }
            let (Some(hub), Ok(listing)) = (edits, &result) else { return result };
            self.tools.learn(&listing.tools);
            hub.tools(TypeId::of::<S>()).learn(&listing.tools);
            match hub.guard.run(|| self.injected(&hub, listing)) {
                Some(injected) => Ok(injected),
                None => result,
            }
        }
    }

    fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + MaybeSendFuture + '_ {
        async move {
            let handed = self.handle_of(&mut request, &context).await;
            let mut running =
                self.begin("tools/call", Some(&request.name), request.arguments.as_ref(), &request, &context);
            if let (Some(running), Some((told, _))) = (&mut running, &handed) {
                running.tell(told.clone());
            }
            let id = context.id.clone();
            if let Some(hub) = self.hub(&context) {
                if let Some(thanks) = self.answered_here(hub, &request.name) {
                    let result = Ok(thanks);
                    if let Some(running) = running {
                        running.done(&id, &result);
                    }
                    return result;
                }
                let given = request.arguments.as_ref().is_some_and(|a| a.contains_key("context"));
                if hub.strips() && given && self.ours(hub, &request.name, &context).await.context {
                    // Keeps the order of the others; an empty object stays one.
                    if let Some(arguments) = &mut request.arguments {
                        arguments.retain(|key, _| key != "context");
                    }
                }
            }
            let mut result = match &running {
                Some(running) => caught::scope(&running.caught, self.inner.call_tool(request, context)).await,
                None => self.inner.call_tool(request, context).await,
            };
            if let Some(running) = running {
                running.done(&id, &result);
            }
            if let (Some((told, Some(extended))), Ok(response)) = (handed, &mut result) {
                handle::decorate(response, &told, extended);
            }
            result
        }
    }

    fn listen(
        &self,
        context: SubscriptionContext,
    ) -> impl Future<Output = Result<(), ErrorData>> + MaybeSendFuture + '_ {
        self.inner.listen(context)
    }

    fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CustomResult, ErrorData>> + MaybeSendFuture + '_ {
        async move {
            // The method is the client's own text; callbacks see a fixed word.
            let running = self.begin_custom(&request, &context);
            let id = context.id.clone();
            let result = self.inner.on_custom_request(request, context).await;
            if let Some(running) = running {
                running.done(&id, &result);
            }
            result
        }
    }

    fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + MaybeSendFuture + '_ {
        self.notice("notifications/cancelled", &notification, &context);
        self.inner.on_cancelled(notification, context)
    }

    fn on_progress(
        &self,
        notification: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + MaybeSendFuture + '_ {
        self.notice("notifications/progress", &notification, &context);
        self.inner.on_progress(notification, context)
    }

    fn on_initialized(
        &self,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + MaybeSendFuture + '_ {
        self.notice("notifications/initialized", &(), &context);
        self.inner.on_initialized(context)
    }

    fn on_roots_list_changed(
        &self,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + MaybeSendFuture + '_ {
        self.notice("notifications/roots/list_changed", &(), &context);
        self.inner.on_roots_list_changed(context)
    }

    fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) -> impl Future<Output = ()> + MaybeSendFuture + '_ {
        self.notice(&notification.method, &notification.params, &context);
        self.inner.on_custom_notification(notification, context)
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.inner.get_tool(name)
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.inner.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.inner.accepted_subscription_filter(requested)
    }
}

impl<S: ServerHandler> Tracked<S> {
    /// The listing with what is ours in it; `None`: nothing is.
    fn injected(&self, hub: &Hub, bare: &ListToolsResult) -> Option<ListToolsResult> {
        let owned = self.tools.owns_more_tools.load(Ordering::Relaxed);
        let more = if owned { Missing::Off } else { hub.injection.report_missing };
        let mut listing = wire::inject(&hub.injection, bare, more);
        if hub.options.session_mode == SessionMode::Handle {
            handle::offer(listing.get_or_insert_with(|| bare.clone()), bare);
        }
        let last = bare.next_cursor.is_none();
        if hub.options.feedback && last && !self.tools.owns_feedback.load(Ordering::Relaxed) {
            listing.get_or_insert_with(|| bare.clone()).tools.push(handle::feedback_tool());
        }
        listing
    }

    /// The session the agent's handle names, the argument taken out; and where the answer is to tell it, whether its structured
    /// part is too.
    async fn handle_of(
        &self,
        request: &mut CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Option<(Told, Option<bool>)> {
        let hub = self.hub(context).filter(|hub| hub.options.session_mode == SessionMode::Handle)?;
        let ours = self.ours(hub, &request.name, context).await;
        let (now, _) = hub.clock.read(Instant::now());
        let told = ours.session.then(|| handle::take(&mut request.arguments, now, random()))?;
        // Said once a connection: an agent that goes on regardless does not want to hear it again.
        let again = told == Told::Unknown && self.corrected.swap(true, Ordering::Relaxed);
        Some((told, (!again).then_some(ours.output)))
    }

    /// The answer to a call of a tool that is ours.
    fn answered_here(&self, hub: &Hub, name: &str) -> Option<CallToolResponse> {
        if name == MORE_TOOLS && hub.injection.report_missing == Missing::On && !self.owns_more_tools(hub) {
            return Some(CallToolResult::success(vec![ContentBlock::text(MORE_TOOLS_ANSWER)]).into());
        }
        let owned = || {
            self.tools.owns_feedback.load(Ordering::Relaxed)
                || hub.tools(TypeId::of::<S>()).owns_feedback.load(Ordering::Relaxed)
                || self.inner.get_tool(SEND_FEEDBACK).is_some()
        };
        (name == SEND_FEEDBACK && hub.options.feedback && !owned()).then(handle::thanks)
    }

    fn owns_more_tools(&self, hub: &Hub) -> bool {
        self.tools.owns_more_tools.load(Ordering::Relaxed)
            || hub.tools(TypeId::of::<S>()).owns_more_tools.load(Ordering::Relaxed)
            || self.inner.get_tool(MORE_TOOLS).is_some()
    }

    fn begin_custom(&self, request: &CustomRequest, context: &RequestContext<RoleServer>) -> Option<Running> {
        let mut running = self.begin("custom", None, None, &(), context)?;
        let line = wire::request(&request.method, &context.id, &request.params, &context.meta)?;
        if let Some((_, seen, ..)) = &mut running.parts {
            seen.line = line;
        }
        Some(running)
    }
}
