//! Serves the dashboard over invented sessions, for looking at pages while working on them.
//!
//! `cargo run -p trackway-server --example preview [ADDRESS]` prints a sign-in link. Nothing is kept: the data directory is a
//! temporary one. Projects: `proj_shop` (full, with hostile text in one session), `proj_small` (a few calls), `proj_empty`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use trackway_event::event::ErrorInfo;
use trackway_event::json::payload_of;
use trackway_event::{
    Actor, ActorId, CaptureBy, DropReason, Event, EventId, IntentSource, Kind, Peer, ProjectId, SessionId,
    SessionSource, Status, Timestamp, Tokens,
};
use trackway_server::{ServeOptions, Server};
use trackway_store::{NewProject, NewQuarantined, SqliteOptions, SqliteStore, Store};

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7439".into());
    let dir = tempfile::tempdir()?;
    let store: Arc<dyn Store> = SqliteStore::open(dir.path(), SqliteOptions::default())?;
    let now = now()?;
    for (id, name, demo, sessions) in [
        ("proj_shop", "shop-mcp", true, 140),
        ("proj_small", "weather", false, 3),
        ("proj_empty", "not connected yet", false, 0),
    ] {
        let new = NewProject { id: ProjectId::parse(id)?, name: name.into(), demo };
        let project = store.create_project(new, now.plus_micros(-20 * DAY))?;
        let mut made = Made { random: 7, events: Vec::new() };
        for i in 0..sessions {
            made.session(i, sessions, now);
        }
        if sessions > 100 {
            made.hostile(now.plus_micros(-HOUR));
        }
        for batch in made.events.chunks(500) {
            store.submit(project.key, batch.to_vec(), now)?.await??;
        }
    }
    store.quarantine(
        NewQuarantined {
            reason: DropReason::UnknownProject,
            project_text: Some("proj_shopp".into()),
            route: "/v1/public/events".into(),
            user_agent: Some("node".into()),
            bytes: 4_120,
            events: 3,
            body: b"[]".to_vec(),
            replayable: true,
        },
        now.plus_micros(-90 * 1_000_000),
    )?;
    let secret = "preview";
    let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    store.create_login_link(&hash, now.plus_micros(DAY))?;
    let server = Server::bind(ServeOptions::at(address.parse()?), store).await?;
    println!("http://{}/login?token={secret}", server.local_addr());
    server.run(std::future::pending()).await?;
    Ok(())
}

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

struct Made {
    random: u64,
    events: Vec<Event>,
}

/// A goal of an agent: what it says, and the calls it makes; `!` fails, `?` asks for a missing tool.
const GOALS: &[&[(&str, &str)]] = &[
    &[
        ("search_products", "find a rain jacket under 80 euros in size M"),
        ("get_product", "check the material and the reviews"),
        ("add_to_cart", "put the blue one into the cart"),
    ],
    &[
        ("get_order", "see where order 4411 is"),
        ("track_parcel!", "look up the parcel of the order"),
        ("track_parcel", "try again with the carrier named"),
    ],
    &[
        ("create_refund!", "refund the broken kettle"),
        ("create_refund!", "the date must be ISO, try tomorrow as a date"),
        ("create_refund", "send 2026-11-22"),
        ("get_order", "confirm the refund is on the order"),
    ],
    &[
        ("search_products", "compare kettles by capacity"),
        ("search_products", "only those with temperature control"),
        ("?", "compare two products side by side in one table"),
    ],
    &[
        ("list_orders", "orders of this month, for the expense report"),
        ("export_csv!", "export them as a sheet"),
        ("export_csv!", "smaller range"),
        ("export_csv!", "one week only"),
        ("export_csv!", "one day"),
        ("export_csv!", "one order"),
    ],
    &[("check_stock", "is the red bicycle in stock in Ghent"), ("reserve_item", "hold one until Saturday")],
    &[
        ("get_customer", "look up the account before changing the address"),
        ("update_address!", "change the delivery address"),
        ("get_customer", "see which fields exist"),
        ("update_address", "street and number apart this time"),
    ],
];
const CLIENTS: &[(&str, &str)] =
    &[("claude-code", "2.4.1"), ("Cursor", "1.9.0"), ("Codex", "0.98.0"), ("Claude Desktop", "1.4.2")];
const PEOPLE: &[(&str, &str)] = &[
    ("ana@acme.test", "Ana Lindqvist"),
    ("bo@acme.test", "Bo Okafor"),
    ("chen@globex.test", "Chen Wei"),
    ("dara@globex.test", "Dara Novak"),
    ("eli@initech.test", "Eli Sørensen"),
];
const ERRORS: &[(&str, &str)] = &[
    ("track_parcel", "carrier is required when the order has several parcels"),
    ("create_refund", "due_date is not a date: \"tomorrow\""),
    ("export_csv", "upstream timed out after 30000 ms (https://files.shop.test/export/8f3a)"),
    ("update_address", "unknown field \"address\"; expected street, number, postcode, city"),
];

impl Made {
    fn next(&mut self, below: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below.max(1)
    }

    fn bytes(&mut self) -> [u8; 16] {
        let mut out = [0; 16];
        for b in &mut out {
            *b = u8::try_from(self.next(256)).unwrap_or(0);
        }
        out
    }

    fn session(&mut self, i: i64, of: i64, now: Timestamp) {
        let back = if of > 100 { i * 12 * DAY / of + 20_000_000 } else { i * HOUR + 40_000_000 };
        let wobble = i64::try_from(self.next(3_600)).unwrap_or(0) * 1_000_000;
        let mut at = now.plus_micros(-back - if i > 2 { wobble } else { 0 });
        let session = SessionId::mint(at, self.bytes());
        let who = PEOPLE.get(usize::try_from(self.next(8)).unwrap_or(0));
        let client = CLIENTS[usize::try_from(self.next(4)).unwrap_or(0)];
        let goal = GOALS[usize::try_from(self.next(GOALS.len() as u64)).unwrap_or(0)];
        self.push(&session, Kind::Initialize, at, None, client, |e| e.name = "initialize".into());
        self.push(&session, Kind::ToolsList, at.plus_micros(80_000), who, client, |e| {
            e.name = "tools/list".into()
        });
        if who.is_some() {
            self.push(&session, Kind::Identify, at.plus_micros(120_000), who, client, |e| {
                e.name = "identify".into()
            });
        }
        for round in 0..=self.next(2) {
            for (call, intent) in goal {
                let pause = 900_000
                    + i64::try_from(self.next(9_000)).unwrap_or(0) * 1_000
                    + if round > 0 && self.next(3) == 0 { 95_000_000 } else { 0 };
                at = at.plus_micros(pause);
                let took = 8_000 + self.next(60) * self.next(60) * 400;
                let (tool, failed) = (call.trim_end_matches('!'), call.ends_with('!'));
                let kind = if *call == "?" { Kind::MissingCapability } else { Kind::ToolCall };
                self.push(&session, kind, at, who, client, |e| {
                    e.name = "tools/call".into();
                    e.tool = Some(if kind == Kind::ToolCall { tool.into() } else { "get_more_tools".into() });
                    e.intent = Some((*intent).into());
                    e.intent_source = Some(IntentSource::Given);
                    e.duration_us = Some(took);
                    e.status = Some(if failed { Status::ToolError } else { Status::Ok });
                    let attempt = intent.len() % 7;
                    e.arguments = payload_of(&json!({"query": intent, "limit": 10 + attempt, "filters": {"in_stock": true, "price": {"max": 79.90, "currency": "EUR"}}, "due_date": if failed { "tomorrow" } else { "2026-11-22" }}));
                    if failed {
                        let text = ERRORS.iter().find(|(t, _)| *t == tool).map_or("internal error", |(_, m)| m);
                        e.error = Some(Box::new(ErrorInfo { kind: Some("ValidationError".into()), message: text.into(), ..ErrorInfo::default() }));
                        e.result = payload_of(&json!({"isError": true, "content": [{"type": "text", "text": text}]}));
                    } else {
                        e.result = payload_of(&json!({"content": [{"type": "text", "text": format!("{} results", 3 + attempt)}], "structuredContent": {"items": (0..4).map(|n| json!({"id": format!("prd_{n}8f3a"), "name": format!("Rain jacket {n}"), "price": 59.5 + f64::from(n), "tags": ["outdoor", "new"]})).collect::<Vec<_>>(), "next": null}}));
                    }
                    e.bytes_in = Some(210);
                    e.bytes_out = Some(1_240 + took / 50);
                    e.tokens = Some(Tokens { input: Some(60), output: Some(354 + u32::try_from(took / 175).unwrap_or(0)), estimated: true });
                });
            }
        }
    }

    fn hostile(&mut self, at: Timestamp) {
        let session = SessionId::mint(at, self.bytes());
        let evil = "<script>alert(1)</script> \u{202e}gnp.exe\u{2069} \"quoted\" & \0 end";
        let long = "w".repeat(10_000);
        for (n, text) in [evil, &long].into_iter().enumerate() {
            let at = at.plus_micros(i64::try_from(n).unwrap_or(0) * 2_000_000);
            self.push(
                &session,
                Kind::ToolCall,
                at,
                Some(&("eve@<b>evil</b>.test", "Eve \u{202e}ylnO")),
                ("<img src=x onerror=alert(1)>", "9\u{200b}9"),
                |e| {
                    e.name = "tools/call".into();
                    e.tool = Some(text.chars().take(200).collect::<String>().into());
                    e.intent = Some(text.chars().take(4_000).collect::<String>().into());
                    e.status = Some(Status::ToolError);
                    e.duration_us = Some(59_000_000);
                    e.error = Some(Box::new(ErrorInfo {
                        message: text.chars().take(4_000).collect::<String>().into(),
                        ..ErrorInfo::default()
                    }));
                    e.arguments = payload_of(&json!({ evil: long, "n": [[[[[evil]]]]] }));
                },
            );
        }
    }

    fn push(
        &mut self,
        session: &SessionId,
        kind: Kind,
        at: Timestamp,
        who: Option<&(&str, &str)>,
        client: (&str, &str),
        more: impl FnOnce(&mut Event),
    ) {
        let mut event = Event::new(EventId::mint(at, self.bytes()), kind, at);
        event.session_id = Some(session.clone());
        event.session_source = Some(SessionSource::StdioProcess);
        event.client = Some(Peer { name: client.0.into(), version: Some(client.1.into()) });
        event.server = Some(Peer { name: "shop-mcp".into(), version: Some("1.8.0".into()) });
        event.sdk = Some(Peer { name: "trackway-wrap".into(), version: Some("0.1.0".into()) });
        event.protocol_version = Some("2025-11-25".into());
        event.capture = Some(CaptureBy::Wrap);
        event.status = Some(Status::Ok);
        event.duration_us = Some(3_000);
        event.flags.demo = true;
        if let Some((id, _)) = who.and_then(|(id, _)| ActorId::parse(id)) {
            event.actor =
                Some(Box::new(Actor { id, name: who.map(|w| w.1.into()), traits: serde_json::Map::new() }));
        }
        more(&mut event);
        self.events.push(event);
    }
}

fn now() -> Result<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(Timestamp::from_micros(i64::try_from(since.as_micros())?))
}
