//! When the sessions of the demo took place, and who held them: the last 15 days of an invented team.
//!
//! Called by the demo through [`scenarios`]. More sessions on weekdays and in office hours; one bad afternoon; a release
//! in the middle; some in the hours before now. Invariants: nobody comes back within an hour; every start lies in `now − 15 days ..= now − 25 minutes`, and
//! equal arguments give equal scenarios.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rmcp::model::ProtocolVersion;
use serde_json::json;

use super::people::{self, PEOPLE};
use super::scenario::{Client, Era, Scenario, Step};
use super::scripts::{self, Scene, Script};
use crate::chance::{Dice, hash};
use crate::data::Database;
use crate::options::{Release, ShopOptions, Weather};

/// Days of history.
const DAYS: i64 = 16;
/// The release 1.8.0 went out this many days before now.
const RELEASED_DAYS_AGO: i64 = 6;
/// No session starts later than this before now, so that none ends in the future.
const MARGIN: Duration = Duration::from_secs(25 * 60);
/// Sessions of the bad afternoon.
const STORMY: usize = 6;
/// Sessions in the last hours before now.
const RECENT: u64 = 5;

/// Nobody comes back sooner after the start of a session: what is shown as one conversation is what was played as one.
const REST: SignedDuration = SignedDuration::from_mins(60);
/// Other people that are tried where somebody would.
const TRIES: usize = 16;

/// Scripted agent sessions of the 15 days before `now`, oldest first: 40 to 70 of them.
pub fn scenarios(now: Timestamp, seed: u64) -> Vec<Scenario> {
    let mut dice = Dice::new(seed, "calendar");
    let mut starts: Vec<(Timestamp, Weather)> = Vec::new();
    let today = now.to_zoned(TimeZone::UTC).date();
    let storm = bad_day(today);
    for back in (0..DAYS).rev() {
        let Ok(day) = today.checked_sub(back.days()) else { continue };
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let sessions = if weekend { 1 } else { 4 + usize::from(dice.percent(50)) };
        for _ in 0..sessions {
            let hour = if weekend { 9 + dice.below(12) } else { *dice.pick(&OFFICE_HOURS) };
            starts.push((at(day, hour, &mut dice), Weather::Calm));
        }
        if day == storm {
            starts.extend((0..STORMY).map(|i| (at(day, 13 + i % 4, &mut dice), Weather::Storm)));
        }
    }
    for i in 1..=RECENT {
        let back = MARGIN + Duration::from_secs(i * 1_500 + u64::try_from(dice.below(900)).unwrap_or(0));
        starts.push((earlier(now, back), Weather::Calm));
    }
    let newest = earlier(now, MARGIN);
    let oldest = earlier(now, Duration::from_secs(15 * 86_400));
    starts.retain(|(start, _)| (oldest..=newest).contains(start));
    starts.sort_by_key(|(start, _)| *start);
    let released = earlier(now, Duration::from_secs(u64::try_from(RELEASED_DAYS_AGO).unwrap_or(0) * 86_400));
    let mut order = scripts::order(&mut dice, starts.len());
    let mut seen: HashMap<&str, Timestamp> = HashMap::new();
    starts
        .into_iter()
        .enumerate()
        .map(|(i, (start, weather))| {
            let release = if start < released { Release::V1_7_2 } else { Release::V1_8_0 };
            let script = order.pop().unwrap_or(Script::FindProduct);
            let server = Server { release, weather, until: today };
            let at = |number| scenario(number, seed, start, server, script);
            let rested = |s: &Scenario| {
                s.user.and_then(|user| seen.get(user)).is_none_or(|last| start.duration_since(*last) >= REST)
            };
            let free = (0..TRIES).map(|again| at(i + again * 1_000)).find(rested);
            let scenario = free.unwrap_or_else(|| anonymous(at(i)));
            seen.extend(scenario.user.map(|user| (user, start)));
            scenario
        })
        .collect()
}

/// The same session, held by nobody known.
fn anonymous(scenario: Scenario) -> Scenario {
    let facts = json!({ "model": scenario.facts["model"] });
    Scenario { user: None, facts, ..scenario }
}

/// A session that begins now and plays in real time, for the live loop.
pub(super) fn live_scenario(number: u64, seed: u64, now: Timestamp) -> Scenario {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut dice = Dice::new(seed ^ 0x11fe, &number.to_string());
    let script = *dice.pick(&Script::ALL);
    let server = Server { release: Release::V1_8_0, weather: Weather::Calm, until: today };
    let i = usize::try_from(number).unwrap_or(0);
    let mut scenario = scenario(i, seed ^ 0x11fe, now, server, script);
    scenario.name = format!("live {}", scenario.name);
    scenario.scale = 1;
    scenario
}

#[derive(Clone, Copy)]
struct Server {
    release: Release,
    weather: Weather,
    until: Date,
}

const OFFICE_HOURS: [usize; 14] = [7, 8, 8, 9, 9, 10, 10, 11, 13, 13, 14, 15, 15, 16];

fn scenario(i: usize, seed: u64, start: Timestamp, server: Server, script: Script) -> Scenario {
    let mut dice = Dice::new(seed, &format!("session {i}"));
    let person = dice.pick(&PEOPLE);
    let (usual, other) = person.clients;
    let client = if dice.percent(75) { usual } else { other };
    let anonymous = dice.percent(18);
    let today = start.to_zoned(TimeZone::UTC).date();
    let database = Database::at(today, server.until);
    let user = (!anonymous).then_some(person.email);
    let mut scene = Scene { dice: dice.clone(), database: &database, release: server.release };
    let (goal, mut steps) = scripts::write(script, &mut scene);
    // Many people ask for a second thing in the same session.
    if scene.dice.percent(45) {
        let second = *scene.dice.pick(&Script::OFTEN);
        steps.push(Step::Think(2));
        steps.extend(scripts::write(second, &mut scene).1);
    }
    let client = client_at(client, start, &mut dice);
    let early = server.release == Release::V1_7_2;
    let mut facts = if anonymous { json!({}) } else { person.facts(!early) };
    facts["model"] = people::model(client.name, early).into();
    facts["feedback"] = people::feedback(i).into();
    Scenario {
        name: format!("{today} #{i} {}", script.word()),
        client,
        user,
        facts,
        anonymous_calls: if dice.percent(15) { 2 } else { 0 },
        goal,
        start,
        // A stall of 6 s of the machine must not look like half an hour of silence, which would cut the session.
        scale: 100 + u32::try_from(dice.below(180)).unwrap_or(0),
        server: ShopOptions {
            seed: hash(seed, &format!("server {i}")) % 1_000_000,
            release: server.release,
            weather: server.weather,
            today,
            until: server.until,
        },
        steps,
    }
}

/// The clients by number; most change their version once in the two weeks.
fn client_at(number: usize, start: Timestamp, dice: &mut Dice) -> Client {
    let late = start.as_second() / 86_400 % 14 > 6;
    let pick = |early: &'static str, later: &'static str| if late { later } else { early };
    let june = Era::Legacy(ProtocolVersion::V_2025_06_18);
    let november = Era::Legacy(ProtocolVersion::V_2025_11_25);
    match number {
        0 => Client { name: "claude-code", version: pick("2.1.148", "2.1.153"), era: november },
        1 => Client { name: "cursor-vscode", version: "1.0.0", era: june },
        2 if dice.percent(50) => Client { name: "codex-mcp-client", version: "0.121.0", era: Era::Modern },
        2 => Client { name: "codex-mcp-client", version: "0.118.2", era: june },
        3 => Client { name: "claude-ai", version: "0.1.0", era: november },
        4 => Client { name: "Visual Studio Code", version: pick("1.116.1", "1.117.0"), era: november },
        5 => Client { name: "windsurf-client", version: "1.0.0", era: june },
        _ => Client { name: "opencode", version: pick("1.4.2", "2.0.1"), era: Era::Modern },
    }
}

/// The bad afternoon: the last working day that lies at least three days back.
fn bad_day(today: Date) -> Date {
    (3..10)
        .filter_map(|back| today.checked_sub(i64::from(back).days()).ok())
        .find(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
        .unwrap_or(today)
}

fn at(day: Date, hour: usize, dice: &mut Dice) -> Timestamp {
    let hour = i8::try_from(hour).unwrap_or(12);
    let minute = i8::try_from(dice.below(60)).unwrap_or(0);
    let second = i8::try_from(dice.below(60)).unwrap_or(0);
    day.at(hour, minute, second, 0)
        .to_zoned(TimeZone::UTC)
        .map(|zoned| zoned.timestamp())
        .unwrap_or(Timestamp::MIN)
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}
