//! What a host may choose (D27, SDK-07). Everything is optional; nothing here can fail: what cannot be used is logged once and
//! replaced by its default when tracking starts (SDK-02).

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use trackway_capture::delivery::Wire;
use trackway_capture::export::ExporterConfig;
use trackway_capture::queue::Size;
use trackway_capture::recorder::SessionRules;
use trackway_capture::redact::{Level, RedactionConfig};
use trackway_capture::wire::inject::{Missing, Mode};
use trackway_event::Event;

use crate::snapshot::{Extra, RequestInfo, UserIdentity};
use crate::testing::Memory;

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// `identify`, boxed.
pub(crate) type Identify = Arc<dyn Fn(RequestInfo, Extra) -> Answer<Option<UserIdentity>> + Send + Sync>;
/// `event_tags`, boxed.
pub(crate) type Tags = Arc<dyn Fn(&RequestInfo, &Extra) -> BTreeMap<String, String> + Send + Sync>;
/// `resolve_session`, boxed.
pub(crate) type ResolveSession = Arc<dyn Fn(&RequestInfo, &Extra) -> Option<String> + Send + Sync>;
/// `event_properties`, boxed.
pub(crate) type Properties =
    Arc<dyn Fn(&RequestInfo, &Extra) -> serde_json::Map<String, serde_json::Value> + Send + Sync>;

/// How agents are asked why they make a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// A required argument of every eligible tool: strict function schemas of model vendors need it.
    #[default]
    Required,
    /// An optional argument.
    Optional,
    /// Not asked for; still taken out, where clients hold an older listing.
    Off,
    /// Neither asked for nor taken out: for servers that never asked.
    ObserveOnly,
}

impl Intent {
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::Required => Mode::Required,
            Self::Optional => Mode::Optional,
            Self::Off => Mode::Off,
            Self::ObserveOnly => Mode::ObserveOnly,
        }
    }
}

/// Where a session comes from (SDK-50, SDK-54).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionMode {
    /// From what the request shows: the host's own rule, a conversation key of a known client, the MCP session, the pipe.
    #[default]
    Auto,
    /// From the agent: every eligible tool gets a required argument `session_id`, and every answer ends in a block of text
    /// with the id to send next. It sets conversations apart where neither transport nor client does.
    Handle,
}

/// When `identify` is asked (SDK-42).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentifyMode {
    /// In a session: until it answers, then again when the authorization or the session changes, or after 10 minutes;
    /// without a session: on every request.
    #[default]
    Adaptive,
    /// In a session: until it answers, then never again.
    Once,
    /// On every request.
    EveryRequest,
}

/// Options of [`crate::track`].
#[derive(Clone, Default)]
pub struct Options {
    pub(crate) identify: Option<Identify>,
    pub(crate) identify_mode: IdentifyMode,
    pub(crate) stateless: Option<bool>,
    pub(crate) sessions: SessionRules,
    pub(crate) session_mode: SessionMode,
    pub(crate) resolve_session: Option<ResolveSession>,
    pub(crate) intent: Intent,
    pub(crate) context_description: Option<String>,
    pub(crate) no_report_missing: bool,
    pub(crate) feedback: bool,
    pub(crate) headers: Vec<String>,
    pub(crate) size: Option<Size>,
    pub(crate) debug: Option<PathBuf>,
    pub(crate) tags: Option<Tags>,
    pub(crate) properties: Option<Properties>,
    pub(crate) redaction: RedactionConfig,
    pub(crate) exporters: Vec<ExporterConfig>,
    pub(crate) endpoint: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) wire: Wire,
    pub(crate) disabled: bool,
    pub(crate) no_protocol: bool,
    pub(crate) callback_deadline: Option<Duration>,
    pub(crate) memory: Option<Memory>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither callbacks nor the token (INV-09).
        f.debug_struct("Options")
            .field("intent", &self.intent)
            .field("stateless", &self.stateless)
            .field("endpoint", &self.endpoint)
            .field("spool", &self.spool)
            .field("exporters", &self.exporters.len())
            .finish_non_exhaustive()
    }
}

impl Options {
    /// The defaults: `context` asked for, missing tools reported, credentials masked, a server on this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the user of a request. Runs beside the call, on a thread of its own, within 5 s; see the crate's examples.
    #[must_use]
    pub fn identify<F, Fut>(mut self, identify: F) -> Self
    where
        F: Fn(RequestInfo, Extra) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<UserIdentity>> + Send + 'static,
    {
        self.identify = Some(Arc::new(move |request, extra| Box::pin(identify(request, extra))));
        self
    }

    /// When `identify` is asked.
    #[must_use]
    pub fn identify_mode(mut self, mode: IdentifyMode) -> Self {
        self.identify_mode = mode;
        self
    }

    /// Whether requests belong to no session of the transport: Trackway then groups them by user and client. Found out by
    /// itself where this is not called.
    #[must_use]
    pub fn stateless(mut self, stateless: bool) -> Self {
        self.stateless = Some(stateless);
        self
    }

    /// A member of a request's `_meta` whose text is the session.
    #[must_use]
    pub fn session_meta_key(mut self, key: impl Into<String>) -> Self {
        self.sessions.meta_key = Some(key.into());
        self
    }

    /// Names the conversation a request belongs to, where the host knows it: any text of 1 to 256 characters, which leaves only
    /// as a one-way `ses_…`. `None` leaves it to the other ways. Runs beside the call like `identify`.
    #[must_use]
    pub fn resolve_session<F>(mut self, resolve: F) -> Self
    where
        F: Fn(&RequestInfo, &Extra) -> Option<String> + Send + Sync + 'static,
    {
        self.resolve_session = Some(Arc::new(resolve));
        self
    }

    /// Where a session comes from.
    #[must_use]
    pub fn session_mode(mut self, mode: SessionMode) -> Self {
        self.session_mode = mode;
        self
    }

    /// Whether agents are asked for a `context` argument (they are). Off, it is still taken out for a client that holds an
    /// older listing; [`Self::intent`] has more shades.
    #[must_use]
    pub fn context(mut self, on: bool) -> Self {
        self.intent = if on { Intent::Required } else { Intent::Off };
        self
    }

    /// How agents are asked why they make a call.
    #[must_use]
    pub fn intent(mut self, intent: Intent) -> Self {
        self.intent = intent;
        self
    }

    /// The text agents read about `context`, in place of the built-in one. Keep it constant: clients cache listings.
    #[must_use]
    pub fn context_description(mut self, text: impl Into<String>) -> Self {
        self.context_description = Some(text.into());
        self
    }

    /// Whether agents are offered `get_more_tools` to say what they miss (on).
    #[must_use]
    pub fn report_missing(mut self, on: bool) -> Self {
        self.no_report_missing = !on;
        self
    }

    /// Whether agents are offered `send_feedback` to praise or complain (off).
    #[must_use]
    pub fn feedback(mut self, on: bool) -> Self {
        self.feedback = on;
        self
    }

    /// Searchable labels of each event: at most 50, keys of 32 and values of 200 characters.
    #[must_use]
    pub fn event_tags<F>(mut self, tags: F) -> Self
    where
        F: Fn(&RequestInfo, &Extra) -> BTreeMap<String, String> + Send + Sync + 'static,
    {
        self.tags = Some(Arc::new(tags));
        self
    }

    /// Free members of each event, at most 32 KiB of JSON.
    #[must_use]
    pub fn event_properties<F>(mut self, properties: F) -> Self
    where
        F: Fn(&RequestInfo, &Extra) -> serde_json::Map<String, serde_json::Value> + Send + Sync + 'static,
    {
        self.properties = Some(Arc::new(properties));
        self
    }

    /// Sees every text of an event last; answers what it becomes, `None` leaves it. Credentials are masked before.
    #[must_use]
    pub fn redact_text<F>(mut self, redact: F) -> Self
    where
        F: Fn(&str) -> Option<String> + Send + Sync + 'static,
    {
        self.redaction.text_hook = Some(Arc::new(redact));
        self
    }

    /// Sees every event once its credentials are out; may edit it, or drop it with `None`.
    #[must_use]
    pub fn redact_event<F>(mut self, redact: F) -> Self
    where
        F: Fn(Event) -> Option<Event> + Send + Sync + 'static,
    {
        self.redaction.event_hook = Some(Arc::new(redact));
        self
    }

    /// Rules of redaction beyond credentials: personal data, members, paths, patterns, capture levels. Hooks set by
    /// [`Self::redact_text`] and [`Self::redact_event`] stay.
    #[must_use]
    pub fn redaction(mut self, rules: RedactionConfig) -> Self {
        let (event_hook, text_hook) = (self.redaction.event_hook.take(), self.redaction.text_hook.take());
        self.redaction = RedactionConfig {
            event_hook: rules.event_hook.clone().or(event_hook),
            text_hook: rules.text_hook.clone().or(text_hook),
            ..rules
        };
        self
    }

    /// How much of arguments and results is recorded (all, once credentials are masked).
    #[must_use]
    pub fn capture(mut self, arguments: Level, results: Level) -> Self {
        (self.redaction.arguments, self.redaction.results) = (arguments, results);
        self
    }

    /// HTTP headers to record beside those of SDK-91, by name. Those that carry credentials are never recorded.
    #[must_use]
    pub fn header_allow_list<I: IntoIterator<Item = T>, T: Into<String>>(mut self, names: I) -> Self {
        self.headers = names.into_iter().map(|name| name.into().to_ascii_lowercase()).collect();
        self
    }

    /// Also sends events elsewhere. With exporters and without a project, only there.
    #[must_use]
    pub fn exporter(mut self, exporter: ExporterConfig) -> Self {
        self.exporters.push(exporter);
        self
    }

    /// Base URL of Trackway; else `TRACKWAY_ENDPOINT`, `AGENTCAT_API_URL`, `MCPCAT_API_URL`, and in the end a server on this machine.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// In which form events are sent: Trackway's own, or AgentCat's to a backend of that name. With [`Wire::AgentCat`] name the
    /// backend by [`Self::endpoint`] or `AGENTCAT_API_URL`.
    ///
    /// ```
    /// use trackway::{Options, Wire};
    ///
    /// let options = Options::new().endpoint("https://agentcat.example").wire(Wire::AgentCat);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Ingest token, where the project wants one; else `TRACKWAY_TOKEN`.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Events that may wait to be sent (10,000, and 32 MiB).
    #[must_use]
    pub fn queue_capacity(mut self, events: usize) -> Self {
        self.size = Some(Size { events, ..self.size.unwrap_or_default() });
        self
    }

    /// Events of a batch, at most 1,000 (100), and how long it waits to fill (1 s).
    #[must_use]
    pub fn batch(mut self, events: usize, wait: Duration) -> Self {
        self.size = Some(Size { batch: events, wait, ..self.size.unwrap_or_default() });
        self
    }

    /// A file that gets a line for each event: time, id, kind, name, status and duration, never its contents. At 5 MiB it is
    /// moved to the same name with `.1` at its end.
    #[must_use]
    pub fn debug(mut self, file: impl Into<PathBuf>) -> Self {
        self.debug = Some(file.into());
        self
    }

    /// Directory in which events that cannot be sent now wait, over restarts; without it they wait in memory.
    #[must_use]
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(dir.into());
        self
    }

    /// Turns everything off, the `context` argument included; so does `TRACKWAY_ENABLED=false`.
    #[must_use]
    pub fn enabled(mut self, on: bool) -> Self {
        self.disabled = !on;
        self
    }

    /// Whether notifications and pings are recorded too (they are).
    #[must_use]
    pub fn protocol(mut self, on: bool) -> Self {
        self.no_protocol = !on;
        self
    }

    /// How long a callback may take (5 s).
    #[must_use]
    pub fn callback_deadline(mut self, deadline: Duration) -> Self {
        self.callback_deadline = Some(deadline);
        self
    }

    pub(crate) fn missing(&self) -> Missing {
        if self.no_report_missing { Missing::Off } else { Missing::On }
    }

    pub(crate) fn has_callbacks(&self) -> bool {
        self.identify.is_some()
            || self.tags.is_some()
            || self.properties.is_some()
            || self.resolve_session.is_some()
    }
}
