//! Every recorded AgentCat and MCPcat client replayed, once, twice and in reverse: the same rows, and nothing lost (INV-02,
//! INV-03).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use kit::{Kit, fixture};
use trackway_event::Kind;
use trackway_store::Store;

struct Expect {
    file: &'static str,
    events: u64,
    sessions: usize,
    calls: u64,
    errors: u64,
    missing: u64,
    client: &'static str,
    people: &'static [&'static str],
}

const FILES: &[Expect] = &[
    Expect {
        file: "agentcat-ts-1.0.1-stdio.jsonl",
        events: 9,
        sessions: 1,
        calls: 6,
        errors: 4,
        missing: 0,
        client: "claude-code",
        people: &["u_1"],
    },
    Expect {
        file: "agentcat-ts-1.0.1-identified.jsonl",
        events: 7,
        sessions: 1,
        calls: 2,
        errors: 1,
        missing: 1,
        client: "cli",
        people: &["u1"],
    },
    Expect {
        file: "agentcat-ts-1.0.1-retries.jsonl",
        events: 5,
        sessions: 1,
        calls: 2,
        errors: 1,
        missing: 0,
        client: "cli",
        people: &["u1"],
    },
    Expect {
        file: "mcpcat-ts-0.1.17.jsonl",
        events: 8,
        sessions: 2,
        calls: 2,
        errors: 1,
        missing: 1,
        client: "cursor",
        people: &["u_1"],
    },
    Expect {
        file: "agentcat-python-1.0.2.jsonl",
        events: 8,
        sessions: 1,
        calls: 2,
        errors: 1,
        missing: 1,
        client: "mcp",
        people: &["u1"],
    },
    Expect {
        file: "agentcat-python-1.0.2-stateless.jsonl",
        events: 8,
        sessions: 1,
        calls: 2,
        errors: 1,
        missing: 1,
        client: "mcp",
        people: &["u1"],
    },
    Expect {
        file: "agentcat-python-2.1.0.jsonl",
        events: 6,
        sessions: 3,
        calls: 4,
        errors: 1,
        missing: 1,
        client: "mcp",
        people: &["u1"],
    },
    Expect {
        file: "agentcat-rust-1.0.0.jsonl",
        events: 5,
        sessions: 5,
        calls: 4,
        errors: 2,
        missing: 1,
        client: "rmcp",
        people: &[],
    },
];

#[tokio::test]
async fn inv_03_every_fixture_in_any_order_and_repeated() {
    for expect in FILES {
        let mut pictures = Vec::new();
        for order in ["forward", "backward", "twice"] {
            let kit = Kit::new();
            let mut bodies = fixture(expect.file);
            match order {
                "backward" => bodies.reverse(),
                "twice" => bodies.extend(bodies.clone()),
                _ => {}
            }
            let sent = bodies.len() as u64;
            for body in bodies {
                kit.ac(body).await;
            }
            let intake = kit.store.intake(Some(kit.p)).unwrap();
            assert_eq!(intake.received(), sent, "{} {order}: {intake:?}", expect.file);
            assert!(intake.dropped.is_empty(), "{}: {intake:?}", expect.file);
            let sessions = kit.sessions();
            let mut picture: Vec<_> = sessions
                .iter()
                .map(|s| {
                    (
                        s.started_at,
                        s.events,
                        s.tool_calls,
                        s.errors,
                        s.missing_reports,
                        s.client.clone(),
                        s.actors,
                    )
                })
                .collect();
            picture.sort();
            pictures.push((intake.stored, picture));
            assert!(kit.events().iter().all(|e| e.tool.as_deref().is_none_or(|t| !t.starts_with("Unknown"))));
            assert!(kit.events().iter().all(|e| e.kind != Kind::Protocol));
            for person in expect.people {
                assert!(kit.store.person(kit.p, person).unwrap().is_some(), "{}: {person}", expect.file);
            }
        }
        let (stored, sessions) = &pictures[0];
        #[allow(clippy::type_complexity, reason = "one line of a test")]
        let sum = |f: fn(
            &(trackway_event::Timestamp, u64, u64, u64, u64, Option<trackway_event::Peer>, u32),
        ) -> u64| { sessions.iter().map(f).sum::<u64>() };
        let got = (*stored, sessions.len(), sum(|s| s.2), sum(|s| s.3), sum(|s| s.4));
        assert_eq!(
            got,
            (expect.events, expect.sessions, expect.calls, expect.errors, expect.missing),
            "{}",
            expect.file
        );
        assert!(
            sessions.iter().any(|s| s.5.as_ref().is_some_and(|c| &*c.name == expect.client)),
            "{}",
            expect.file
        );
        assert_eq!(pictures[0], pictures[1], "{}", expect.file);
        assert_eq!(pictures[0], pictures[2], "{}", expect.file);
    }
}
