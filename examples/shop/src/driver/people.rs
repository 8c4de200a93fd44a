//! The people of the demo, their companies and the models of their clients: who they are, beyond the e-mail that a tool call
//! carries. All of them are invented.
//!
//! Called by `calendar`. Invariant: what is known of a person depends on the time given only, so that a trait that changes
//! changes for everyone at once.

use serde_json::{Value, json};

/// Somebody who works with the shop through an agent.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) email: &'static str,
    /// The client they use most, and another one, by number.
    pub(super) clients: (usize, usize),
    name: &'static str,
    role: &'static str,
    city: &'static str,
    seniority_years: u32,
    company: usize,
}

/// A company whose people use the shop's server.
struct Company {
    key: &'static str,
    name: &'static str,
    industry: &'static str,
    plan: &'static str,
    seats: u32,
    country: &'static str,
}

/// Everyone, each with the clients they use.
pub(super) const PEOPLE: [Person; 10] = [
    person("ana@acme.example", (3, 3), "Ana Ferreira", "support lead", "Porto", 6, 0),
    person("ben@acme.example", (1, 0), "Ben Okafor", "support agent", "Leeds", 2, 0),
    person("chloe@acme.example", (0, 3), "Chloé Marchetti", "developer", "Lyon", 4, 0),
    person("dmitri@northwind.example", (4, 4), "Dmitri Halvorsen", "buyer", "Bergen", 9, 1),
    person("emeka@northwind.example", (2, 0), "Emeka Strand", "warehouse planner", "Oslo", 3, 1),
    person("farah@northwind.example", (5, 1), "Farah Lindqvist", "analyst", "Malmö", 1, 1),
    person("grete@acme.example", (3, 3), "Grete Baumann", "support lead", "Graz", 11, 0),
    person("hiro@fjord.example", (0, 2), "Hiro Aalto", "developer", "Turku", 5, 2),
    person("ines@fjord.example", (6, 0), "Inês Vik", "guide", "Tromsø", 2, 2),
    person("jonas@fjord.example", (1, 4), "Jonas Berger", "owner", "Tromsø", 14, 2),
];

const COMPANIES: [Company; 3] = [
    Company {
        key: "acme",
        name: "Acme Outdoor",
        industry: "retail",
        plan: "business",
        seats: 40,
        country: "PT",
    },
    Company {
        key: "northwind",
        name: "Northwind Supply",
        industry: "wholesale",
        plan: "business",
        seats: 25,
        country: "NO",
    },
    Company {
        key: "fjord",
        name: "Fjord Guides",
        industry: "tourism",
        plan: "starter",
        seats: 5,
        country: "NO",
    },
];

impl Person {
    /// What an `identify` would say of them, as JSON; `later` is the second week, when some of it has changed.
    pub(super) fn facts(&self, later: bool) -> Value {
        let mut facts = json!({
            "name": self.name,
            "traits": { "role": self.role, "city": self.city, "years_with_us": self.seniority_years },
        });
        let Some(company) = COMPANIES.get(self.company) else { return facts };
        // Fjord moved to the larger plan with the release.
        let plan = if later && company.plan == "starter" { "team" } else { company.plan };
        facts["account"] = json!({ "type": "company", "key": company.key, "set": {
            "name": company.name, "industry": company.industry, "plan": plan, "seats": company.seats, "country": company.country,
        } });
        facts["traits"]["plan"] = plan.into();
        facts
    }
}

/// The model that a client runs, where it says so.
pub(super) fn model(client: &str, early: bool) -> Option<&'static str> {
    match client {
        "claude-code" | "claude-ai" => Some(if early { "claude-sonnet-4-5" } else { "claude-opus-4-6" }),
        "codex-mcp-client" => Some("gpt-5.2-codex"),
        "opencode" => Some("qwen3-coder"),
        _ => None,
    }
}

/// What some agents say of the server, in the words of its feedback tool.
pub(super) fn feedback(i: usize) -> Option<Value> {
    const SAID: [(&str, &str, &str, &str, bool); 6] = [
        (
            "issue",
            "negative",
            "create_return",
            "The error names a reason code but not which codes exist; I guessed three times.",
            false,
        ),
        ("praise", "positive", "track_parcel", "One call told the customer all they asked for.", true),
        (
            "issue",
            "negative",
            "check_stock",
            "It used to ask all stores at once. Now I need a call for each.",
            true,
        ),
        ("other", "neutral", "search_products", "Prices come as numbers without the currency.", true),
        (
            "issue",
            "mixed",
            "estimate_shipping",
            "Works, but the carrier is often away in the afternoon.",
            false,
        ),
        ("praise", "positive", "get_order", "Status and tracking in one answer saves a call.", true),
    ];
    let (kind, sentiment, tool, summary, done) = *SAID.get((i % 42) / 7).filter(|_| i % 7 == 3)?;
    Some(
        json!({ "type": kind, "sentiment": sentiment, "tool": tool, "summary": summary, "task_completed": done }),
    )
}

const fn person(
    email: &'static str,
    clients: (usize, usize),
    name: &'static str,
    role: &'static str,
    city: &'static str,
    seniority_years: u32,
    company: usize,
) -> Person {
    Person { email, clients, name, role, city, seniority_years, company }
}
