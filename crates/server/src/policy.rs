//! What a project keeps of what it is sent, and how much it may be sent: capture level, redaction, rate and quota (F-145, F-146,
//! F-158). Settings of a project, changed by `trackway project set` or on its settings page, and in force within a second.
//!
//! Called by `ingest::take` for every event before it is capped and stored. Invariants: what a rule masks or a level leaves
//! out reaches no file; an unreadable setting is never a reason to keep more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use regex_lite::Regex;
use serde_json::Value;
use trackway_event::{Event, Kind, Payload};
use trackway_store::{LinkSessions, ProjectKey, Rules, Store};

use crate::options::Limits;

/// How old a project's settings may be.
const FRESH: Duration = Duration::from_millis(500);
/// Projects whose settings and counts are held.
const PROJECTS: usize = 10_000;
/// Characters of one setting.
const VALUE_CHARS: usize = 2_000;
/// Patterns and keys of one project.
const RULES: usize = 50;
/// Levels of a payload that rules look into; deeper parts are left out.
const DEPTH: usize = 64;
/// What stands where something was masked.
const MASK: &str = "[redacted]";

/// A setting of a project.
pub struct ProjectSetting {
    /// Its name.
    pub key: &'static str,
    /// What holds when nobody sets it.
    pub default: &'static str,
    /// What it does, and which values it takes.
    pub help: &'static str,
    check: fn(&str) -> bool,
}

/// Every setting of a project: the reference and the settings page are made from this table.
pub const PROJECT_SETTINGS: &[ProjectSetting] = &[
    ProjectSetting {
        key: "capture",
        default: "full",
        help: "what is kept of arguments and results: full, shape (types and sizes), off",
        check: |v| Level::parse(v).is_some(),
    },
    ProjectSetting {
        key: "redact.keys",
        default: "",
        help: "names of members whose values are masked at any depth, separated by commas",
        check: |v| v.split(',').count() <= RULES,
    },
    ProjectSetting {
        key: "redact.patterns",
        default: "",
        help: "what is masked in every text, separated by spaces: email, card, phone, key, or a regular expression",
        check: |v| Rule::all(v).is_some(),
    },
    ProjectSetting {
        key: "retention.payloads",
        default: "0",
        help: "days that arguments, results and other payloads are kept; 0: for ever",
        check: is_days,
    },
    ProjectSetting {
        key: "retention.events",
        default: "0",
        help: "days that events, and sessions all of whose events are older, are kept; 0: for ever",
        check: is_days,
    },
    ProjectSetting {
        key: "retention.rollups",
        default: "0",
        help: "days that figures by the hour are kept, by the day ten times as long; 0: for ever",
        check: is_days,
    },
    ProjectSetting {
        key: Rules::LINK_SESSIONS,
        default: "on",
        help: "whether a session's anonymous events count for the first person it names: on, off",
        check: |v| LinkSessions::parse(v).is_some(),
    },
    ProjectSetting {
        key: Rules::MERGES,
        default: "safe",
        help: "what becomes of a second user on a device whose first user is known: safe (stays apart), compatible (joins the first, as at PostHog)",
        check: |v| trackway_store::rules::mode(v).is_some(),
    },
    ProjectSetting {
        key: "limit.events_per_second",
        default: "0",
        help: "events taken a second, with bursts of ten seconds' worth; more is held, then sent again by the client; 0: what the server allows every project",
        check: is_count,
    },
    ProjectSetting {
        key: "limit.events_per_day",
        default: "0",
        help: "events taken a day (UTC); more is dropped as quota; 0: what the server allows every project",
        check: is_count,
    },
    ProjectSetting {
        key: ZONE,
        default: "UTC",
        help: "the time zone of days and times for readers who chose none, by its IANA name, as in Europe/Berlin",
        check: |v| trackway_core::period::zone(Some(v)).is_ok(),
    },
    ProjectSetting {
        key: ENVIRONMENTS,
        default: "",
        help: "environments to choose from at the top of every page, separated by commas, as events name them in the tag env",
        check: |v| {
            environments(v).len() <= 20 && environments(v).iter().all(|name| name.chars().count() <= 60)
        },
    },
    ProjectSetting {
        key: crate::own::OWN,
        default: "",
        help: "who belongs to the project itself, as at most ten conditions of the filter box any of which may hold, as in person:~test@ trait.plan:internal; readers can leave them out",
        check: |v| crate::own::rule(v).is_some(),
    },
];

/// The setting that names a project's time zone.
pub(crate) const ZONE: &str = "timezone";

/// The setting that names a project's environments.
pub(crate) const ENVIRONMENTS: &str = "environments";

/// Environments by their setting, in its order.
pub(crate) fn environments(setting: &str) -> Vec<&str> {
    setting.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The setting of this name, if the value fits it.
///
/// # Errors
/// In words: no such setting, or what it takes.
pub fn check_setting(key: &str, value: &str) -> Result<&'static ProjectSetting, String> {
    let Some(setting) = PROJECT_SETTINGS.iter().find(|s| s.key == key) else {
        let known: Vec<&str> = PROJECT_SETTINGS.iter().map(|s| s.key).collect();
        return Err(format!("there is no setting of that name; there are {}", known.join(", ")));
    };
    if value.chars().count() > VALUE_CHARS || value.contains('\0') || !(setting.check)(value) {
        return Err(format!("{key}: {}", setting.help));
    }
    Ok(setting)
}

/// What is kept of arguments and results (D38).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Full,
    Shape,
    Off,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "full" => Some(Self::Full),
            "shape" => Some(Self::Shape),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// A text that is masked.
#[derive(Clone, Debug)]
struct Rule(Regex);

impl Rule {
    /// Every rule of a setting; `None` when one cannot be read.
    fn all(text: &str) -> Option<Vec<Self>> {
        let named = text.split_whitespace().map(|word| match word {
            "email" => r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,253}\.[A-Za-z]{2,24}",
            "card" => r"\b(?:[0-9][ \-]?){12,18}[0-9]\b",
            "phone" => r"\+[0-9][0-9 ().\-]{6,18}[0-9]",
            "key" => r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|twt|phc|phx)[_\-A-Za-z0-9]{16,}\b",
            other => other,
        });
        let rules: Option<Vec<Self>> = named.map(|p| Regex::new(p).ok().map(Self)).collect();
        rules.filter(|rules| rules.len() <= RULES)
    }
}

/// One project's settings, ready for use.
#[derive(Clone, Debug)]
pub struct Policy {
    level: Level,
    keys: Vec<String>,
    rules: Vec<Rule>,
    limits: Limits,
}

impl Policy {
    /// From the settings of a project, and the limits of one that has none. What cannot be read keeps less, not more.
    pub fn of(settings: &BTreeMap<String, String>, others: Limits) -> Self {
        let text = |key: &str| settings.get(key).map_or("", String::as_str);
        let own = |key: &str| text(key).parse().ok().filter(|n: &u64| *n > 0);
        let level = match text("capture") {
            "" => Level::Full,
            other => Level::parse(other).unwrap_or(Level::Off),
        };
        let rules = Rule::all(text("redact.patterns"));
        let keys = text("redact.keys").split(',').map(|k| k.trim().to_lowercase());
        Self {
            level: if rules.is_none() { Level::Off } else { level },
            keys: keys.filter(|k| !k.is_empty()).take(RULES).collect(),
            rules: rules.unwrap_or_default(),
            limits: Limits {
                per_second: own("limit.events_per_second").unwrap_or(others.per_second),
                per_day: own("limit.events_per_day").unwrap_or(others.per_day),
            },
        }
    }

    /// Makes an event what this project keeps of it.
    pub fn apply(&self, event: &mut Event) {
        keep(&mut event.arguments, self.level);
        if event.kind != Kind::ToolsList {
            keep(&mut event.result, self.level);
        }
        if self.keys.is_empty() && self.rules.is_empty() {
            return;
        }
        let payloads = [
            &mut event.arguments,
            &mut event.result,
            &mut event.request_meta,
            &mut event.transport,
            &mut event.properties,
        ];
        payloads.into_iter().for_each(|slot| self.clean(slot));
        if let Some(intent) = &mut event.intent {
            self.mask(intent);
        }
        if let Some(resource) = &mut event.resource {
            self.mask(resource);
        }
        if let Some(error) = &mut event.error {
            self.mask(&mut error.message);
        }
        for value in event.tags.values_mut() {
            self.mask(value);
        }
        if let Some(actor) = &mut event.actor
            && let Ok(mut traits) = serde_json::to_value(&actor.traits)
        {
            self.walk(&mut traits, 0);
            actor.traits = serde_json::from_value(traits).unwrap_or_default();
        }
    }

    /// A text as this project would keep it, and how many places were masked: the test box.
    pub fn try_on(&self, text: &str) -> (String, usize) {
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) if value.is_object() || value.is_array() => {
                let before = value.to_string();
                self.walk(&mut value, 0);
                let after = value.to_string();
                let masked = after.matches(MASK).count().saturating_sub(before.matches(MASK).count());
                (after, masked)
            }
            Ok(_) | Err(_) => {
                let mut masked: Box<str> = text.into();
                self.mask(&mut masked);
                let count = masked.matches(MASK).count().saturating_sub(text.matches(MASK).count());
                (masked.into(), count)
            }
        }
    }

    fn clean(&self, slot: &mut Option<Payload>) {
        let Some(payload) = slot.take() else { return };
        let Ok(mut value) = serde_json::from_str::<Value>(payload.get()) else { return };
        self.walk(&mut value, 0);
        *slot = raw(&value);
    }

    fn walk(&self, value: &mut Value, depth: usize) {
        if depth > DEPTH {
            *value = MASK.into();
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            // A card number may come as a number.
            Value::Number(number) => {
                let text = number.to_string();
                if self.rules.iter().any(|rule| rule.0.is_match(&text)) {
                    *value = MASK.into();
                }
            }
            Value::String(text) => {
                let mut masked: Box<str> = std::mem::take(text).into();
                self.mask(&mut masked);
                *text = masked.into();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, depth + 1)),
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if self.keys.iter().any(|key| name.to_lowercase() == *key) {
                        *member = MASK.into();
                    } else {
                        self.walk(member, depth + 1);
                    }
                }
            }
        }
    }

    fn mask(&self, text: &mut Box<str>) {
        for rule in &self.rules {
            if rule.0.is_match(text) {
                *text = rule.0.replace_all(text, MASK).into();
            }
        }
    }
}

fn keep(slot: &mut Option<Payload>, level: Level) {
    match level {
        Level::Full => {}
        Level::Off => *slot = None,
        Level::Shape => {
            let value = slot.take().and_then(|p| serde_json::from_str::<Value>(p.get()).ok());
            *slot = value.and_then(|value| raw(&outline(&value, 0)));
        }
    }
}

/// Types and sizes; keys are the tool's own and stay, below eight levels only sizes do.
fn outline(value: &Value, depth: usize) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("string({})", text.chars().count()).into(),
        Value::Array(items) if depth >= 8 => format!("array({})", items.len()).into(),
        Value::Object(members) if depth >= 8 => format!("object({})", members.len()).into(),
        Value::Array(items) => match items.first() {
            Some(first) => serde_json::json!({ "array": items.len(), "of": outline(first, depth + 1) }),
            None => "array(0)".into(),
        },
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), outline(member, depth + 1))).collect()
        }
    }
}

fn raw(value: &Value) -> Option<Payload> {
    serde_json::value::RawValue::from_string(value.to_string()).ok()
}

fn is_days(value: &str) -> bool {
    value.parse::<u32>().is_ok_and(|days| days <= 36_500)
}

fn is_count(value: &str) -> bool {
    value.parse::<u64>().is_ok_and(|n| n <= 1_000_000_000_000)
}

/// What is known of a project now: its policy, and what it has used of its limits.
struct Held {
    read_at: Instant,
    policy: Arc<Policy>,
    bucket: Bucket,
    /// Day (UTC, since the epoch), and events taken on it.
    day: (i64, u64),
}

/// The policies of all projects, and the counts their limits are held against.
#[derive(Default)]
pub(crate) struct Policies {
    held: Mutex<HashMap<ProjectKey, Held>>,
    /// By the token's id.
    tokens: Mutex<HashMap<Box<str>, Bucket>>,
    /// What holds where a project has no limits of its own.
    others: Limits,
}

/// Whether events of a project may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// They may.
    In,
    /// Not yet: the rate allows it after this long.
    After(Duration),
    /// Not today.
    OverQuota,
}

/// Seconds of the rate that may come at once.
const BURST_SECONDS: f64 = 10.0;

impl Policies {
    /// With the limits of projects that have none of their own.
    pub(crate) fn new(others: Limits) -> Self {
        Self { others, ..Self::default() }
    }

    /// The policy of a project; read again when it is over half a second old.
    pub(crate) fn of(&self, store: &dyn Store, project: ProjectKey) -> Arc<Policy> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.get(&project).filter(|h| h.read_at.elapsed() < FRESH) {
            return known.policy.clone();
        }
        if held.len() >= PROJECTS && !held.contains_key(&project) {
            held.clear();
        }
        let read = store.settings(project);
        if let Err(error) = &read {
            tracing::warn!(%error, project = project.0, "could not read a project's settings; the last ones stay");
        }
        let now = Instant::now();
        let entry = held.entry(project).or_insert_with(|| Held {
            read_at: now,
            policy: Arc::new(Policy::of(&BTreeMap::new(), self.others)),
            bucket: Bucket::full(now),
            day: (0, 0),
        });
        entry.read_at = now;
        if let Ok(settings) = read {
            entry.policy = Arc::new(Policy::of(&settings, self.others));
        }
        entry.policy.clone()
    }

    /// Asks for room for `events` of a project whose policy was read; takes it where there is. `stored` says how many came in
    /// on this day before this process counted.
    pub(crate) fn admit(
        &self,
        project: ProjectKey,
        events: usize,
        day: i64,
        stored: impl FnOnce() -> u64,
    ) -> Admission {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.get_mut(&project) else { return Admission::In };
        let (rate, quota, wanted) =
            (held.policy.limits.per_second as f64, held.policy.limits.per_day, events as u64);
        if quota > 0 && held.day.0 != day {
            held.day = (day, stored());
        }
        if quota > 0 && held.day.1 + wanted > quota {
            return Admission::OverQuota;
        }
        if let Err(wait) = held.bucket.take(rate, events) {
            return Admission::After(wait);
        }
        held.day.1 += wanted;
        Admission::In
    }

    /// Asks for room for `events` that come in with a token of a rate of its own; takes it where there is, else says when.
    pub(crate) fn admit_token(&self, token: &Rated, events: usize) -> Admission {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= PROJECTS && !tokens.contains_key(&*token.id) {
            tokens.clear();
        }
        let bucket = tokens.entry(token.id.clone()).or_insert_with(|| Bucket::full(Instant::now()));
        bucket.take(token.per_second as f64, events).map_or_else(Admission::After, |()| Admission::In)
    }
}

/// A token with a rate of its own.
#[derive(Clone, Debug)]
pub(crate) struct Rated {
    id: Box<str>,
    per_second: u64,
}

impl Rated {
    /// The token, if it has one.
    pub(crate) fn of(id: &str, per_second: u64) -> Option<Self> {
        (per_second > 0).then(|| Self { id: id.into(), per_second })
    }
}

/// Events that may come at once, and when that was worked out.
struct Bucket {
    room: f64,
    at: Instant,
}

impl Bucket {
    const fn full(at: Instant) -> Self {
        Self { room: f64::MAX, at }
    }

    /// Takes what `events` need of a bucket that fills at a rate; 0: without limit. Else, after how long they may ask again.
    fn take(&mut self, rate: f64, events: usize) -> Result<(), Duration> {
        if rate <= 0.0 {
            return Ok(());
        }
        let burst = rate * BURST_SECONDS;
        let now = Instant::now();
        self.room = (self.room + now.duration_since(self.at).as_secs_f64() * rate).min(burst);
        self.at = now;
        // A batch larger than a whole burst comes in when the bucket is full, and leaves it in debt.
        let need = (events as f64).min(burst);
        if self.room < need {
            return Err(Duration::from_secs_f64((need - self.room) / rate));
        }
        self.room -= events as f64;
        Ok(())
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
