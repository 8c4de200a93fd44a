//! Fills a ledger and asks it: `cargo run --release -p trackway-store --example ledger -- DIR EVENTS BATCH`. For looking
//! into the store alone; the figures on record come from `bench`.

use std::time::{Duration, Instant};

use trackway_core::filter::Filter;
use trackway_event::{
    Actor, ActorId, ErrorInfo, Event, EventId, Kind, Peer, ProjectId, SessionId, SessionSource, Status,
    Timestamp, Tokens,
};
use trackway_store::query::*;
use trackway_store::{NewProject, SqliteOptions, SqliteStore, Store};

/// A small generator, so that runs are alike.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// Small numbers more often.
    fn skewed(&mut self, n: u64) -> u64 {
        let f = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (n as f64 * f * f * f) as u64
    }
}

const WORDS: &[&str] = &[
    "order",
    "customer",
    "invoice",
    "status",
    "shipping",
    "refund",
    "page",
    "query",
    "limit",
    "filter",
    "result",
    "warehouse",
    "product",
    "price",
    "updated",
    "created",
    "pending",
    "failed",
    "retry",
    "region",
    "search",
    "find",
];

struct Talk {
    id: SessionId,
    actor: u64,
    client: usize,
    left: u64,
}

struct Traffic {
    rng: Rng,
    talks: Vec<Talk>,
    n: u64,
    start: i64,
    step: i64,
}

impl Traffic {
    fn text(&mut self, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 16);
        while out.len() < bytes {
            out.push_str(WORDS[self.rng.below(WORDS.len() as u64) as usize]);
            out.push(' ');
            if self.rng.below(4) == 0 {
                out.push_str(&self.rng.below(1_000_000).to_string());
                out.push(' ');
            }
        }
        out
    }

    fn event(&mut self) -> Event {
        let at = Timestamp::from_micros(self.start + self.n as i64 * self.step);
        self.n += 1;
        if self.talks.len() < 400 {
            let id = SessionId::mint(
                at,
                ((self.rng.next() as u128) << 64 | self.rng.next() as u128).to_be_bytes(),
            );
            let talk = Talk {
                id,
                actor: self.rng.skewed(20_000),
                client: self.rng.skewed(6) as usize,
                left: 1 + self.rng.below(39),
            };
            self.talks.push(talk);
        }
        let i = self.rng.below(self.talks.len() as u64) as usize;
        let random = ((self.rng.next() as u128) << 64 | self.rng.next() as u128).to_be_bytes();
        let mut e = Event::new(EventId::mint(at, random), Kind::ToolCall, at);
        e.name = "tools/call".into();
        e.session_id = Some(self.talks[i].id.clone());
        e.session_source = Some(SessionSource::McpSession);
        e.tool = Some(format!("tool_{}", self.rng.skewed(200)).into());
        e.status = Some(Status::Ok);
        e.duration_us = Some(1_000 + self.rng.skewed(3_000_000));
        e.tokens = Some(Tokens { input: Some(80), output: Some(280), estimated: true });
        let actor = self.talks[i].actor;
        e.actor = Some(Box::new(Actor {
            id: ActorId::parse(&format!("user_{actor}@example.com")).expect("not blank").0,
            name: Some(format!("User {actor}").into()),
            traits: Default::default(),
        }));
        e.client = Some(Peer {
            name: ["claude-code", "cursor", "codex", "vscode", "windsurf", "zed"][self.talks[i].client]
                .into(),
            version: Some("1.4.2".into()),
        });
        e.server =
            Some(Peer { name: format!("server-{}", actor % 50).into(), version: Some("2.0.1".into()) });
        e.intent = Some(self.text(60).into());
        if self.rng.below(20) == 0 {
            e.status = Some(Status::ToolError);
            let message =
                format!("could not {} row {}", WORDS[self.rng.below(20) as usize], self.rng.below(1_000_000));
            e.error = Some(Box::new(ErrorInfo {
                kind: Some("DbError".into()),
                message: message.into(),
                ..Default::default()
            }));
        }
        let (arguments, result) = (self.text(260), self.text(960));
        e.arguments = trackway_event::json::payload_of(&serde_json::json!({"q": arguments, "limit": 10}));
        e.result = trackway_event::json::payload_of(
            &serde_json::json!({"content": [{"type": "text", "text": result}]}),
        );
        self.talks[i].left -= 1;
        if self.talks[i].left == 0 {
            self.talks.swap_remove(i);
        }
        e
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("DIR");
    let total: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let batch: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let store = SqliteStore::open(dir.as_ref(), SqliteOptions::default()).expect("open");
    let now = Timestamp::from_millis(1_772_445_600_000);
    let id = ProjectId::parse("proj_bench").expect("legal");
    let key = match store.project("proj_bench").expect("project") {
        Some(project) => project.key,
        None => {
            store.create_project(NewProject { id, name: "b".into(), demo: false }, now).expect("project").key
        }
    };
    let month = 30 * 24 * 3_600_000_000i64;
    let filled = store.intake(Some(key)).expect("intake").stored > 0;
    if !filled {
        let mut traffic = Traffic {
            rng: Rng(0x9e3779b97f4a7c15),
            talks: Vec::new(),
            n: 0,
            start: now.micros() - month,
            step: month / total as i64,
        };
        let mut spent = Duration::ZERO;
        let mut generated = 0;
        while generated < total {
            // Made ahead, so that only the store is timed; two batches are always waiting.
            let batches: Vec<Vec<Event>> =
                (0..20_000 / batch.max(20)).map(|_| (0..batch).map(|_| traffic.event()).collect()).collect();
            generated += (batches.len() * batch) as u64;
            let start = Instant::now();
            let mut waiting = std::collections::VecDeque::new();
            for events in batches {
                waiting.push_back(store.submit(key, events, now).expect("room"));
                if waiting.len() > 4_000 / batch.max(1) {
                    waiting.pop_front().expect("one").blocking_recv().expect("answer").expect("stored");
                }
            }
            for receipt in waiting {
                receipt.blocking_recv().expect("answer").expect("stored");
            }
            spent += start.elapsed();
        }
        let health = store.health().expect("health");
        println!(
            "{generated} events, batch {batch}: {:.0}/s, {} B/event, commits {} p50 {} p99 {} us, fsync {} us, wal {}",
            generated as f64 / spent.as_secs_f64(),
            (health.bytes - health.wal_bytes) / generated,
            health.commits,
            health.commit_us.0,
            health.commit_us.1,
            health.fsync_us,
            health.wal_bytes
        );
    }
    ask(&store, key, now, month);
}

fn ask(store: &SqliteStore, key: trackway_store::ProjectKey, now: Timestamp, month: i64) {
    let scope = |days: i64, offset: i64| Scope {
        period: Period { from: now.plus_micros(-days * 86_400_000_000), to: now },
        filter: Filter::default(),
        zone: trackway_core::period::fixed_zone(offset),
    };
    let _ = month;
    let page = || PageAsk { after: None, limit: 50 };
    let time = |name: &str, question: &dyn Fn()| {
        let mut times: Vec<Duration> = (0..20)
            .map(|_| {
                let start = Instant::now();
                question();
                start.elapsed()
            })
            .collect();
        let first = times[0];
        times.sort_unstable();
        println!("{name:32} p50 {:>9.2?} p95 {:>9.2?} first {first:>9.2?}", times[10], times[18]);
    };
    for (days, offset) in [(1, 0), (7, 0), (30, 0), (30, 2 * 3_600_000_000)] {
        let s = scope(days, offset);
        let name = |n: &str| format!("{n} {days}d +{}h", offset / 3_600_000_000);
        time(&name("overview"), &|| {
            drop(
                store
                    .overview(key, &OverviewAsk { scope: s.clone(), compare: Compare::Previous })
                    .expect("ok"),
            );
        });
        time(&name("tools"), &|| {
            let ask = ToolsAsk {
                scope: s.clone(),
                kind: Kind::ToolCall,
                sort: None,
                preset: Default::default(),
                depth: Default::default(),
                page: page(),
            };
            drop(store.tools(key, &ask).expect("ok"));
        });
        time(&name("tool common"), &|| drop(store.tool(key, "tool_0", &s).expect("ok")));
        time(&name("tool rare"), &|| drop(store.tool(key, "tool_199", &s).expect("ok")));
        let list = ListAsk { scope: s.clone(), page: page(), sort: None };
        time(&name("issues"), &|| {
            drop(store.issues(key, &list, trackway_store::query::IssueTab::All).expect("ok"))
        });
        time(&name("people"), &|| drop(store.people(key, &list).expect("ok")));
        time(&name("clients"), &|| drop(store.clients(key, &s).expect("ok")));
        for sort in ["-started", "-calls"] {
            let ask =
                SessionsAsk { scope: s.clone(), page: page(), sort: Some(sort.into()), tab: SessionTab::All };
            time(&name(&format!("sessions {sort}")), &|| drop(store.sessions(key, &ask).expect("ok")));
        }
        let ask = EventsAsk { scope: s.clone(), page: page(), protocol: Protocol::Hidden };
        time(&name("events"), &|| drop(store.events(key, &ask).expect("ok")));
        let mut q = ask.clone();
        q.scope.filter.text = Some("refund warehouse".into());
        time(&name("events q"), &|| drop(store.events(key, &q).expect("ok")));
        let mut f = ask.clone();
        f.scope.filter = trackway_core::filter::Filter {
            conditions: vec![trackway_core::filter::Condition {
                field: trackway_core::filter::Field::Tool,
                op: trackway_core::filter::Op::Eq,
                values: vec!["tool_150".into()],
            }],
            text: None,
        };
        time(&name("events tool="), &|| drop(store.events(key, &f).expect("ok")));
    }
    let ask = EventsAsk { scope: scope(30, 0), page: page(), protocol: Protocol::Hidden };
    let one = store.events(key, &ask).expect("ok").items.remove(7);
    time("event", &|| assert!(store.event(key, one.id.as_str()).expect("ok").is_some()));
    time("event missing", &|| assert!(store.event(key, "evt_none").expect("ok").is_none()));
    let session = one.session_id.expect("a session");
    time("session", &|| drop(store.session(key, session.as_str()).expect("ok")));
    time("session events", &|| drop(store.session_events(key, session.as_str(), &page()).expect("ok")));
}
