//! The URL is the state (`dashboard.md` §3): reading the query keys of a page, and writing canonical links.
//!
//! Called by every handler and view. Links keep the order of keys below and leave defaults out. A filter that cannot be read
//! is kept as text, so that the page can show it in red; it never disappears in silence.

use axum::extract::FromRequestParts;
use http::request::Parts;
use trackway_core::filter::{Condition, Filter};
use trackway_core::period;
use trackway_event::{Timestamp, limits};
use trackway_store::query::{PageAsk, Period, Scope};

use crate::own;

/// The query keys of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Params {
    /// Start of the period; absent: seven days ago.
    pub from: Option<String>,
    /// Its end; absent: now.
    pub to: Option<String>,
    /// Time zone by its IANA name; absent: UTC.
    pub tz: Option<String>,
    /// What figures are compared with: `prev`, `week` or `none`.
    pub cmp: Option<String>,
    /// Environments; none: all.
    pub env: Vec<String>,
    /// `out`: the project's own people are left out.
    pub own: Option<String>,
    /// Who they are, where they are left out; told by the project, never part of a link.
    pub own_people: Vec<Condition>,
    /// Conditions as written.
    pub f: Vec<String>,
    /// Conditions that are switched off: kept, not asked.
    pub off: Vec<String>,
    /// Free text.
    pub q: Option<String>,
    /// Sort field.
    pub sort: Option<String>,
    /// Columns of a list, comma list of their keys.
    pub cols: Option<String>,
    /// What the rows of a list are grouped by.
    pub group: Option<String>,
    /// Tab of a list.
    pub tab: Option<String>,
    /// What a replay shows beside its steps, comma list of `listings`, `gaps` and `retries`.
    pub show: Option<String>,
    /// The saved view that fills in what is left out; read once, never part of a link.
    pub view: Option<String>,
    /// The selected thing.
    pub sel: Option<String>,
    /// Cursor of the page before.
    pub after: Option<String>,
    /// Page size.
    pub n: Option<usize>,
    /// What was typed into the filter box; read once, then part of `f` and `q`.
    pub add: Option<String>,
    /// The commit sequence a live page has; never part of a link.
    pub since: Option<u64>,
}

/// Columns that an address may name.
const COLUMNS: usize = 40;

/// A question that cannot be asked as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadAsk {
    /// Which condition, by its place in [`Params::f`]; `None`: the period or the filter box.
    pub condition: Option<usize>,
    /// What is wrong and what to write instead.
    pub why: String,
}

impl Params {
    /// Reads decoded pairs; unknown keys are ignored.
    pub(crate) fn read(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut params = Self::default();
        for (key, value) in pairs {
            let some = (!value.is_empty()).then_some(value);
            match key.as_str() {
                "from" => params.from = some,
                "to" => params.to = some,
                "tz" => params.tz = some,
                "cmp" => params.cmp = some,
                "env" => params.env.extend(some.filter(|_| params.env.len() < limits::FILTER_VALUES)),
                "f" => params.f.extend(some.filter(|_| params.f.len() <= limits::FILTER_CONDITIONS)),
                "off" => params.off.extend(some.filter(|_| params.off.len() < limits::FILTER_CONDITIONS)),
                "own" => params.own = some,
                "q" => params.q = some,
                "sort" => params.sort = some,
                "cols" => params.take_columns(some.as_deref().unwrap_or("")),
                "group" => params.group = some,
                "tab" => params.tab = some,
                "show" => params.show = some,
                "view" => params.view = some,
                "sel" => params.sel = some,
                "after" => params.after = some,
                "n" => params.n = some.and_then(|n| n.parse().ok()),
                "add" => params.add = some,
                "since" => params.since = some.and_then(|n| n.parse().ok()),
                _ => {}
            }
        }
        params
    }

    /// Adds columns: a form names each on its own, an address all in one.
    fn take_columns(&mut self, keys: &str) {
        let own = self.cols.take().unwrap_or_default();
        let mut all: Vec<&str> = Vec::new();
        for key in own.split(',').chain(keys.split(',')) {
            let plain = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if plain && !key.is_empty() && key.len() <= 20 && all.len() < COLUMNS && !all.contains(&key) {
                all.push(key);
            }
        }
        self.cols = (!all.is_empty()).then(|| all.join(","));
    }

    /// Reads a query text, without `?`.
    pub(crate) fn of_query(query: &str) -> Self {
        Self::read(pairs(query))
    }

    /// With what it leaves out taken from a saved view.
    pub(crate) fn over(self, view: &Self) -> Self {
        let many = |own: Vec<String>, view: &Vec<String>| if own.is_empty() { view.clone() } else { own };
        // an end without a start would be beside the view's
        let own_period = self.from.is_some() || self.to.is_some();
        let view_period = if own_period { (None, None) } else { (view.from.clone(), view.to.clone()) };
        Self {
            from: self.from.or(view_period.0),
            to: self.to.or(view_period.1),
            tz: self.tz,
            cmp: self.cmp.or_else(|| view.cmp.clone()),
            env: many(self.env, &view.env),
            own: self.own.or_else(|| view.own.clone()),
            own_people: self.own_people,
            f: many(self.f, &view.f),
            off: self.off,
            q: self.q.or_else(|| view.q.clone()),
            sort: self.sort.or_else(|| view.sort.clone()),
            cols: self.cols.or_else(|| view.cols.clone()),
            group: self.group.or_else(|| view.group.clone()),
            tab: self.tab.or_else(|| view.tab.clone()),
            show: self.show.or_else(|| view.show.clone()),
            view: None,
            sel: self.sel,
            after: self.after,
            n: self.n.or(view.n),
            add: self.add,
            since: self.since,
        }
    }

    /// What the storage is asked.
    ///
    /// # Errors
    /// The first condition, or the period, that cannot be read.
    pub(crate) fn scope(&self, now: Timestamp) -> Result<Scope, BadAsk> {
        let bad = |e: period::PeriodError| BadAsk { condition: None, why: e.to_string() };
        let zone = period::zone(self.tz.as_deref()).map_err(bad)?;
        let (from, to) =
            period::resolve(self.from.as_deref(), self.to.as_deref(), now, &zone).map_err(bad)?;
        for (i, text) in self.f.iter().enumerate() {
            Condition::parse(text).map_err(|e| BadAsk { condition: Some(i), why: e.to_string() })?;
        }
        let filter = Filter::parse(&self.f, self.q.as_deref())
            .and_then(|f| f.in_environments(&self.env))
            .map_err(|e| BadAsk { condition: None, why: e.to_string() })?;
        let filter = match self.own.as_deref() {
            None => filter,
            Some(own::OUT) if !self.own_people.is_empty() => filter.leaving_out(&self.own_people),
            Some(own::OUT) => return Err(BadAsk { condition: None, why: own::NO_RULE.to_owned() }),
            Some(_) => return Err(BadAsk { condition: None, why: own::NO_WORD.to_owned() }),
        };
        Ok(Scope { period: Period { from, to }, filter, zone })
    }

    /// Which page of a list.
    pub(crate) fn page(&self) -> PageAsk {
        let limit = self.n.filter(|n| [25, 50, 100].contains(n)).unwrap_or(limits::PAGE_ROWS);
        PageAsk { after: self.after.clone(), limit }
    }

    /// The text of the filter box taken in: its conditions into `f`, its words into `q`.
    ///
    /// # Errors
    /// What cannot be read.
    pub(crate) fn with_typed(mut self) -> Result<Self, BadAsk> {
        let Some(typed) = self.add.take() else { return Ok(self) };
        let bad = |why: String| BadAsk { condition: None, why };
        let filter = Filter::parse_typed(&typed).map_err(|e| bad(e.to_string()))?;
        for condition in filter.conditions {
            let text = condition.to_string();
            if !self.f.contains(&text) {
                self.f.push(text);
            }
        }
        self.q = filter.text.or(self.q);
        self.after = None;
        Ok(self)
    }

    /// The query text, `?` included; empty where everything is the default.
    pub(crate) fn query(&self) -> String {
        let mut out = String::new();
        let mut put = |key: &str, value: &str| {
            out.push(if out.is_empty() { '?' } else { '&' });
            out.push_str(key);
            out.push('=');
            encode_into(&mut out, value);
        };
        let defaults = [
            (&self.from, "from", "now-7d"),
            (&self.to, "to", "now"),
            (&self.tz, "tz", ""),
            (&self.cmp, "cmp", "prev"),
        ];
        for (value, key, default) in defaults {
            if let Some(value) = value.as_deref().filter(|v| *v != default) {
                put(key, value);
            }
        }
        for name in &self.env {
            put("env", name);
        }
        if let Some(own) = &self.own {
            put("own", own);
        }
        for condition in &self.f {
            put("f", condition);
        }
        for condition in &self.off {
            put("off", condition);
        }
        let rest = [
            (&self.q, "q"),
            (&self.sort, "sort"),
            (&self.cols, "cols"),
            (&self.group, "group"),
            (&self.tab, "tab"),
            (&self.show, "show"),
            (&self.sel, "sel"),
            (&self.after, "after"),
        ];
        for (value, key) in rest {
            if let Some(value) = value.as_deref().filter(|v| !v.is_empty()) {
                put(key, value);
            }
        }
        if let Some(n) = self.n.filter(|n| *n != limits::PAGE_ROWS) {
            put("n", &n.to_string());
        }
        out
    }

    /// The keys that go along from page to page: period and filters.
    pub(crate) fn carried(&self) -> Self {
        Self {
            from: self.from.clone(),
            to: self.to.clone(),
            tz: self.tz.clone(),
            env: self.env.clone(),
            own: self.own.clone(),
            own_people: self.own_people.clone(),
            f: self.f.clone(),
            off: self.off.clone(),
            q: self.q.clone(),
            ..Self::default()
        }
    }

    /// The keys of the list that a page of one thing was opened from, so that it can step through it.
    pub(crate) fn listed(&self) -> Self {
        Self { sort: self.sort.clone(), tab: self.tab.clone(), ..self.carried() }
    }

    /// With one more condition.
    pub(crate) fn and(&self, field: &str, op: &str, value: &str) -> Self {
        let condition = format!("{field}:{op}:{}", escape(value));
        let mut next = self.top();
        if !next.f.contains(&condition) {
            next.f.push(condition);
        }
        next
    }

    /// Without the condition at this place.
    pub(crate) fn without(&self, place: usize) -> Self {
        let mut next = self.top();
        if place < next.f.len() {
            next.f.remove(place);
        }
        next
    }

    /// With the condition at this place switched off, kept at hand.
    pub(crate) fn switched_off(&self, place: usize) -> Self {
        let mut next = self.without(place);
        next.off.extend(self.f.get(place).filter(|f| !self.off.contains(f)).cloned());
        next
    }

    /// With the switched-off condition at this place asked again.
    pub(crate) fn switched_on(&self, place: usize) -> Self {
        let mut next = self.forgotten(place);
        next.f.extend(self.off.get(place).filter(|f| !self.f.contains(f)).cloned());
        next
    }

    /// Without the switched-off condition at this place.
    pub(crate) fn forgotten(&self, place: usize) -> Self {
        let mut next = self.top();
        if place < next.off.len() {
            next.off.remove(place);
        }
        next
    }

    /// The same on the first page, with nothing selected.
    pub(crate) fn top(&self) -> Self {
        Self { after: None, sel: None, add: None, ..self.clone() }
    }

    /// From `from` to now.
    pub(crate) fn since(&self, from: &str) -> Self {
        Self { from: Some(from.to_owned()), to: None, ..self.top() }
    }

    /// Exactly this bucket.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        Self { from: Some(from.to_string()), to: Some(to.to_string()), ..self.carried() }
    }

    /// How many things narrow it: conditions, words, environments, the project's own people left out.
    pub(crate) fn narrowed(&self) -> usize {
        self.f.len() + self.env.len() + usize::from(self.q.is_some()) + usize::from(self.own.is_some())
    }

    /// Whether `show` names this.
    pub(crate) fn shows(&self, what: &str) -> bool {
        self.show.as_deref().is_some_and(|s| s.split(',').any(|w| w == what))
    }

    /// With this taken into `show`, or out of it.
    pub(crate) fn toggled(&self, what: &str) -> Self {
        let mut words: Vec<&str> = self
            .show
            .as_deref()
            .unwrap_or("")
            .split(',')
            .filter(|w| matches!(*w, "listings" | "gaps" | "bursts" | "retries" | "scatter"))
            .collect();
        if words.contains(&what) {
            words.retain(|w| *w != what);
        } else {
            words.push(what);
        }
        words.sort_unstable();
        Self { show: (!words.is_empty()).then(|| words.join(",")), ..self.clone() }
    }
}

/// Reads [`Params`] from a request; never fails.
pub(crate) struct Asked(pub(crate) Params);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Params::of_query(parts.uri.query().unwrap_or(""))))
    }
}

/// The decoded pairs of a query or a form.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    });
    pairs.collect()
}

/// A path of a project's page, without query.
pub(crate) fn path(project: &str, page: &str) -> String {
    format!("/p/{}/{page}", encode(project))
}

/// A session's page.
pub(crate) fn session(project: &str, id: &str) -> String {
    format!("/p/{}/sessions/{}", encode(project), encode(id))
}

/// Percent-encoded for a path segment or a query value.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text);
    out
}

fn encode_into(out: &mut String, text: &str) {
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b',' => {
                out.push(char::from(b))
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |at: usize| {
        bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        at += 1;
        match (b, hex(at), hex(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 2;
            }
            (b'+', _, _) => out.push(b' '),
            (b, _, _) => out.push(*b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A value inside a condition.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Params {
        let mut parts = http::Request::builder().uri(format!("/x?{query}")).body(()).unwrap().into_parts().0;
        let future = Asked::from_request_parts(&mut parts, &());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(Ok(asked)) => asked.0,
            std::task::Poll::Ready(Err(_)) | std::task::Poll::Pending => unreachable!(),
        }
    }

    #[test]
    fn links_are_canonical() {
        for (query, expect) in [
            ("", ""),
            ("from=now-7d&to=now", ""),
            ("f=tool:set&env=prod&env=stage", "?env=prod&env=stage&f=tool:set"),
            ("tz=Europe/Berlin&cmp=week", "?tz=Europe%2FBerlin&cmp=week"),
            ("to=now&from=now-30d", "?from=now-30d"),
            ("n=25&sel=evt_1&f=tool:eq:a%20b&q=x", "?f=tool:eq:a%20b&q=x&sel=evt_1&n=25"),
            ("f=tool:eq:a&f=client:eq:Cursor&bogus=1", "?f=tool:eq:a&f=client:eq:Cursor"),
            ("q=%zz%4", "?q=%25zz%254"),
            ("off=client:eq:x&f=tool:eq:a&off=q", "?f=tool:eq:a&off=client:eq:x&off=q"),
            ("q=a+b", "?q=a%20b"),
            ("cols=a,b&cols=c&cols=a&sort=x", "?sort=x&cols=a,b,c"),
            ("cols=%3Cb%3E,A,,a-b", ""),
            ("q=%00%ff", "?q=%00%EF%BF%BD"),
        ] {
            assert_eq!(read(query).query(), expect, "{query}");
        }
    }

    #[test]
    fn any_value_can_be_filtered_by_and_comes_back() {
        for value in ["plain", "a,b", "back\\slash", "q\"<&>", "\u{202e}", "ä:ö", "+ %"] {
            let link = Params::default().and("tool", "eq", value).query();
            let back = read(link.trim_start_matches('?'));
            let scope = back.scope(Timestamp::from_millis(1_767_323_045_000)).unwrap();
            assert_eq!(scope.filter.conditions[0].values, vec![value.to_owned()], "{link}");
        }
    }

    #[test]
    fn a_condition_is_switched_off_and_on_without_being_lost() {
        let on = read("f=tool:eq:a&f=client:eq:b&after=x");
        let off = on.switched_off(0);
        assert_eq!(off.query(), "?f=client:eq:b&off=tool:eq:a");
        assert_eq!(off.carried().query(), off.query());
        assert_eq!(off.switched_on(0).query(), "?f=client:eq:b&f=tool:eq:a");
        assert_eq!(off.forgotten(0).query(), "?f=client:eq:b");
        // What is off is not asked, even where it could not be.
        assert!(read("off=toool:eq:b").scope(Timestamp::from_millis(1_767_323_045_000)).is_ok());
    }

    #[test]
    fn a_bad_filter_names_its_place() {
        let bad =
            read("f=tool:eq:a&f=toool:eq:b").scope(Timestamp::from_millis(1_767_323_045_000)).unwrap_err();
        assert_eq!(bad.condition, Some(1));
        assert!(bad.why.contains("\"tool\""), "{}", bad.why);
    }

    #[test]
    fn a_zone_moves_the_days_and_an_unknown_one_is_refused() {
        let now = Timestamp::parse("2026-03-30T10:00:00Z").unwrap();
        let scope = read("from=now-1d/d&to=now/d&tz=Europe/Berlin").scope(now).unwrap();
        // the clock went on at two in the morning: a day of 23 hours
        assert_eq!(scope.period.from.to_string(), "2026-03-28T23:00:00.000Z");
        assert_eq!(scope.period.to.to_string(), "2026-03-29T22:00:00.000Z");
        assert!(read("tz=Mars/Base").scope(now).unwrap_err().why.contains("IANA"));
    }

    #[test]
    fn the_filter_box_becomes_conditions() {
        let params = read("add=tool:search%20refund&f=client:eq:Cursor").with_typed().unwrap();
        assert_eq!(params.query(), "?f=client:eq:Cursor&f=tool:eq:search&q=refund");
        assert!(read("add=toool:search").with_typed().is_err());
    }

    use std::future::Future;
}
