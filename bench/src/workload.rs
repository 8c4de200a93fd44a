//! The traffic every driver sends (spec/storage): skewed over 200 tools, 50 servers and 20,000 people, mean 20 events a session,
//! 400 sessions active at once, about 1,500 raw bytes an event. The same seed gives the same events.

use trackway_event::json::payload_of;
use trackway_event::{
    Actor, ActorId, CaptureBy, ErrorInfo, Event, EventId, IntentSource, Kind, Payload, Peer, SessionId,
    SessionSource, Status, Timestamp, Tokens,
};

const TOOLS: usize = 200;
const SERVERS: usize = 50;
const PEOPLE: u64 = 20_000;
const ACTIVE: usize = 400;
const MEAN_SESSION: u64 = 20;

/// An endless stream of events.
pub(crate) struct Workload {
    random: Random,
    sessions: Vec<Session>,
    at: Timestamp,
    step_us: i64,
    tools: Vec<f64>,
    servers: Vec<f64>,
}

/// One agent at work.
#[derive(Clone)]
struct Session {
    id: Option<SessionId>,
    person: Option<u64>,
    client: usize,
    server: usize,
    sent: u64,
}

impl Workload {
    /// A stream whose events begin at `from` and are `step_us` apart.
    pub(crate) fn new(seed: u64, from: Timestamp, step_us: i64) -> Self {
        let mut workload = Self {
            random: Random(seed),
            sessions: Vec::new(),
            at: from,
            step_us,
            tools: skew(TOOLS),
            servers: skew(SERVERS),
        };
        for _ in 0..ACTIVE {
            let session = workload.open();
            workload.sessions.push(session);
        }
        workload
    }

    /// The next `n` events.
    pub(crate) fn batch(&mut self, n: usize) -> Vec<Event> {
        (0..n).map(|_| self.event()).collect()
    }

    /// The next event.
    pub(crate) fn event(&mut self) -> Event {
        self.at = self.at.plus_micros(self.step_us);
        let slot = self.random.below(ACTIVE as u64) as usize;
        if self.sessions[slot].sent > 2 && self.random.below(MEAN_SESSION - 2) == 0 {
            self.sessions[slot] = self.open();
        }
        self.sessions[slot].sent += 1;
        let session = self.sessions[slot].clone();
        let at = self.at.plus_micros(self.random.below(1_000) as i64);
        let kind = match session.sent {
            1 => Kind::Initialize,
            2 => Kind::ToolsList,
            _ => Kind::ToolCall,
        };
        let mut event = Event::new(EventId::mint(at, self.random.bytes()), kind, at);
        event.session_source = session.id.as_ref().map(|_| SessionSource::McpSession);
        event.session_id = session.id;
        event.actor = session.person.map(|n| {
            let (id, _) = ActorId::parse(&format!("user_{n:05}")).expect("not blank");
            let name = format!("{} {n}", WORDS[n as usize % WORDS.len()]);
            Box::new(Actor { id, name: Some(name.into()), traits: serde_json::Map::new() })
        });
        let (client, version) = CLIENTS[session.client];
        event.client = Some(Peer { name: client.into(), version: Some(version.into()) });
        event.server = Some(Peer {
            name: format!("server-{:02}", session.server).into(),
            version: Some("1.4.2".into()),
        });
        event.sdk = Some(Peer { name: "trackway-wrap".into(), version: Some("0.1.0".into()) });
        event.protocol_version = Some("2025-06-18".into());
        event.capture = Some(CaptureBy::Wrap);
        event.duration_us = Some(self.duration());
        event.status = Some(Status::Ok);
        match kind {
            Kind::ToolCall => self.call(&mut event),
            Kind::ToolsList => {
                event.name = "tools/list".into();
                event.result = payload_of(&self.text(900));
            }
            _ => event.name = "initialize".into(),
        }
        event
    }

    fn open(&mut self) -> Session {
        let id = SessionId::mint(self.at, self.random.bytes());
        let stateless = self.random.below(20) == 0;
        let known = stateless || self.random.below(10) < 7;
        let (a, b) = (self.random.below(PEOPLE), self.random.below(PEOPLE));
        Session {
            id: (!stateless).then_some(id),
            person: known.then_some(a * b / PEOPLE),
            client: (self.random.below(CLIENTS.len() as u64) * self.random.below(2)) as usize,
            server: self.pick(&self.servers.clone()),
            sent: 0,
        }
    }

    fn call(&mut self, event: &mut Event) {
        let tool = pick(&self.tools, self.random.unit());
        event.name = "tools/call".into();
        event.tool = Some(format!("{}_{}", VERBS[tool % VERBS.len()], WORDS[tool % WORDS.len()]).into());
        event.intent = Some(format!("{} because {}", self.text(40), self.text(40)).into());
        event.intent_source = Some(IntentSource::Given);
        event.arguments = self.arguments();
        event.tokens = Some(Tokens { input: Some(84), output: Some(290), estimated: true });
        event.bytes_in = Some(400);
        event.bytes_out = Some(1_050);
        if self.random.below(100) < 6 {
            let n = self.random.next();
            let (kind, text) = ERRORS[self.random.below(ERRORS.len() as u64) as usize];
            let message = text.replace("{}", &(n % 100_000).to_string());
            event.status = Some(if n.is_multiple_of(5) { Status::ProtocolError } else { Status::ToolError });
            event.result = payload_of(&serde_json::json!({
                "content": [{"type": "text", "text": message}], "isError": true,
            }));
            event.error = Some(Box::new(ErrorInfo {
                kind: (!kind.is_empty()).then(|| kind.into()),
                message: message.into(),
                ..ErrorInfo::default()
            }));
        } else {
            event.result = self.result();
        }
    }

    fn arguments(&mut self) -> Option<Payload> {
        let text = format!(
            r#"{{"query":"{}","filters":{{"brand":"{}","max_price":{},"in_stock":true}},"cursor":"{:016x}{:016x}","limit":{},"fields":["id","title","price","stock"],"locale":"en-GB","note":"{}"}}"#,
            self.text(40),
            WORDS[self.random.below(WORDS.len() as u64) as usize],
            self.random.below(50_000),
            self.random.next(),
            self.random.next(),
            self.random.below(100),
            self.text(50),
        );
        serde_json::value::RawValue::from_string(text).ok()
    }

    fn result(&mut self) -> Option<Payload> {
        let mut text = String::with_capacity(1_100);
        text.push_str(r#"{"content":[{"type":"text","text":""#);
        text.push_str(&self.text(260));
        text.push_str(r#""}],"structuredContent":{"items":["#);
        for i in 0..6 {
            if i > 0 {
                text.push(',');
            }
            text.push_str(&format!(
                r#"{{"id":"sku_{:08x}","title":"{}","price":{}.{:02},"stock":{}}}"#,
                self.random.next() as u32,
                self.text(32),
                self.random.below(900),
                self.random.below(100),
                self.random.below(50),
            ));
        }
        text.push_str(r#"],"total":812}}"#);
        serde_json::value::RawValue::from_string(text).ok()
    }

    /// About `length` bytes of words.
    fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 12);
        while text.len() < length {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(WORDS[self.random.below(WORDS.len() as u64) as usize]);
        }
        text
    }

    /// Log-normal-like: most around 60 ms, some of seconds.
    fn duration(&mut self) -> u64 {
        let spread: f64 = (0..4).map(|_| self.random.unit()).sum::<f64>() - 2.0;
        (60_000.0 * (spread * 2.2).exp()) as u64
    }

    fn pick(&mut self, weights: &[f64]) -> usize {
        pick(weights, self.random.unit())
    }
}

/// Cumulated weights of a Zipf-like skew.
fn skew(n: usize) -> Vec<f64> {
    let weights: Vec<f64> = (1..=n).map(|k| 1.0 / (k as f64).powf(1.1)).collect();
    let total: f64 = weights.iter().sum();
    weights
        .iter()
        .scan(0.0, |sum, w| {
            *sum += w / total;
            Some(*sum)
        })
        .collect()
}

fn pick(cumulated: &[f64], at: f64) -> usize {
    cumulated.partition_point(|c| *c < at).min(cumulated.len() - 1)
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }
}

const CLIENTS: &[(&str, &str)] = &[
    ("claude-code", "2.1.4"),
    ("cursor-vscode", "1.9.0"),
    ("codex-mcp-client", "0.58.0"),
    ("Visual Studio Code", "1.106.2"),
    ("claude-ai", "0.1.0"),
    ("gemini-cli-mcp-client", "0.18.4"),
];

const ERRORS: &[(&str, &str)] = &[
    ("NotFoundError", "order ord_{} not found"),
    ("ValidationError", "1 validation error for search: limit must be at most 100, got {}"),
    ("", "connect ECONNREFUSED 10.0.0.7:5432 after {} ms"),
    ("TimeoutError", "query took longer than {} ms"),
    ("TypeError", "Cannot read properties of undefined (reading 'sku_{}')"),
    ("", "rate limit exceeded: retry in {} s"),
    ("ConflictError", "duplicate key value violates unique constraint \"orders_{}\""),
    ("PermissionError", "user {} may not cancel this order"),
    ("", "No results for 'item {}'"),
    ("UpstreamError", "Request failed with status code 503 (attempt {})"),
];

const VERBS: &[&str] =
    &["search", "get", "list", "create", "update", "cancel", "track", "compare", "export", "explain"];

const WORDS: &[&str] = &[
    "order",
    "invoice",
    "customer",
    "parcel",
    "blue",
    "winter",
    "shoes",
    "jacket",
    "return",
    "refund",
    "address",
    "delivery",
    "tomorrow",
    "because",
    "payment",
    "failed",
    "card",
    "stock",
    "warehouse",
    "berlin",
    "lisbon",
    "size",
    "price",
    "discount",
    "voucher",
    "gift",
    "wrapping",
    "express",
    "standard",
    "tracking",
    "number",
    "email",
    "phone",
    "account",
    "basket",
    "checkout",
    "review",
    "rating",
    "photo",
    "catalogue",
    "category",
    "brand",
    "supplier",
    "shipment",
    "customs",
    "tax",
    "total",
    "amount",
    "currency",
    "exchange",
    "policy",
    "warranty",
    "manual",
    "battery",
    "charger",
    "cable",
    "adapter",
    "screen",
    "keyboard",
    "monitor",
    "laptop",
    "tablet",
    "garden",
    "kitchen",
    "chair",
    "table",
    "lamp",
    "carpet",
    "curtain",
    "pillow",
    "blanket",
    "coffee",
    "grinder",
    "kettle",
    "toaster",
    "bicycle",
    "helmet",
    "gloves",
    "backpack",
    "tent",
    "compare",
    "cheapest",
    "available",
    "before",
    "friday",
    "weekend",
    "urgent",
    "second",
    "attempt",
    "user",
    "asked",
    "whether",
    "still",
    "possible",
    "change",
    "colour",
    "green",
    "red",
    "large",
    "small",
    "medium",
    "pair",
    "spare",
    "part",
    "repair",
    "service",
    "appointment",
    "morning",
    "evening",
    "pickup",
    "store",
    "nearest",
    "opening",
    "hours",
    "holiday",
    "membership",
    "points",
    "balance",
    "statement",
    "history",
    "export",
    "report",
    "summary",
    "weekly",
    "monthly",
    "quarter",
    "forecast",
    "demand",
    "supply",
    "route",
    "driver",
    "depot",
    "pallet",
    "carton",
    "label",
    "barcode",
    "scan",
    "weight",
    "volume",
    "limit",
    "quota",
    "access",
];
