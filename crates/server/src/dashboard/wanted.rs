//! "Needs you" (`dashboard.md` §7.2): at most five things that want a person, ranked; each can be put aside for seven days with a
//! reason. Nothing left says what was checked.
//!
//! Called by [`super::overview`]. What was put aside is kept with the project's settings, under `dismissed.` and the thing's key,
//! so that all who read the project see the same list.

use std::collections::BTreeMap;

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{Ending, IssueRow, Overview, State};
use trackway_store::{Act, NewAudit};

use super::checklist::{self, Checklist};
use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile, issues};
use crate::problem::Problem;

/// Things shown at most.
const SHOWN: usize = 5;
/// How long something stays aside, µs.
const ASIDE_US: i64 = 7 * 86_400_000_000;
/// The same where it is meant for good.
const FOR_GOOD_US: i64 = 50 * 365 * 86_400_000_000;
/// Things of a project that may be aside at a time.
const KEPT: usize = 50;
/// Characters of a reason.
const WHY_CHARS: usize = 200;
/// Sessions from which a new issue comes before the rest.
const SPREAD: u64 = 3;
/// Where a setting of this file begins.
const PREFIX: &str = "dismissed.";

/// What was put aside: until when, by whom and why.
pub(crate) type Aside = BTreeMap<String, (Timestamp, String)>;

/// One thing that wants a person.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// What it is put aside by.
    key: String,
    rank: u8,
    line: Markup,
}

/// What of a project's settings is still aside at `now`.
pub(crate) fn aside(settings: &BTreeMap<String, String>, now: Timestamp) -> Aside {
    let read = |(key, value): (&String, &String)| {
        let key = key.strip_prefix(PREFIX)?;
        let (until, why) = value.split_once('|')?;
        let until = Timestamp::parse(until).filter(|until| *until > now)?;
        Some((key.to_owned(), (until, why.to_owned())))
    };
    settings.iter().filter_map(read).collect()
}

/// Everything that wants a person, the most urgent first; what is aside is left out.
pub(crate) fn list(o: &Overview, checklist: &Checklist, aside: &Aside, place: &Place<'_>) -> Vec<Need> {
    let base = place.params.carried();
    let sessions = |params: &Params| format!("{}{}", link::path(place.project, "sessions"), params.query());
    let mut all: Vec<Need> = o.issues.iter().map(|issue| of_issue(issue, place)).collect();
    let stuck: Vec<_> = o.worth_a_look.iter().filter(|s| s.ending == Some(Ending::Stuck)).collect();
    if !stuck.is_empty() {
        let href = sessions(&base.and("ending", "eq", "stuck"));
        all.push(Need { key: "stuck".into(), rank: 2, line: html! {
            span.tag.fail { "stuck" } a href=(href) { "A tool kept failing in " (format::counted(stuck.len() as u64, "session", "sessions")) }
        } });
    }
    if o.now.missing_reports > 0 {
        let href = sessions(&Params { tab: Some("asked".into()), ..base.clone() });
        all.push(Need { key: "wishes".into(), rank: 4, line: html! {
            span.tag.info { "wish" } a href=(href) { "Asked for a tool that is not there, " (format::counted(o.now.missing_reports, "time", "times")) }
        } });
    }
    for warning in checklist.warnings() {
        let key: String = warning
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        all.push(Need {
            key: format!("setup-{key}"),
            rank: 3,
            line: html! {
                span.tag.warn { "set-up" } a href=(link::path(place.project, "setup")) { (warning) }
            },
        });
    }
    all.sort_by_key(|need| need.rank);
    all.retain(|need| !aside.contains_key(&need.key));
    all
}

fn of_issue(issue: &IssueRow, place: &Place<'_>) -> Need {
    let href =
        format!("{}/{}{}", link::path(place.project, "issues"), issue.id, place.params.carried().query());
    let rank = match issue.state {
        State::Regressed { .. } => 0,
        _ if issue.sessions >= SPREAD => 1,
        _ => 5,
    };
    Need {
        key: format!("issue-{}", issue.id),
        rank,
        line: html! {
            (issues::state(&issue.state))
            a href=(href) title=(hostile::plain(&issue.title, 300)) {
                @if let Some(tool) = &issue.tool { b { (hostile::line(tool, 32)) } ": " }
                (hostile::line(&issue.title, 90))
            }
            small { (format::counted(issue.events, "failure", "failures")) " in " (format::counted(issue.sessions, "session", "sessions")) }
        },
    }
}

/// The panel.
pub(crate) fn panel(needs: &[Need], aside: &Aside, may_change: bool, place: &Place<'_>) -> Markup {
    let act = link::path(place.project, "wanted");
    html! {
        section #needs.panel tabindex="-1" data-testid="needs-you" {
            h2 { "Needs you" }
            @if needs.is_empty() {
                p.quiet { (icon(Icon::Tick)) "Nothing needs you. Checked: failures by group, stuck sessions, missing tools, instrumentation." }
            } @else {
                ul.needs { @for need in needs.iter().take(SHOWN) { li data-testid="need-row" {
                    (need.line)
                    @if may_change { details.aside-form {
                        summary title="Not now" { (icon(Icon::Close)) span.sr { "Not now" } }
                        form method="post" action=(act) {
                            input type="hidden" name="key" value=(need.key);
                            label { "Why " input name="why" maxlength=(WHY_CHARS) required autocomplete="off"; }
                            button { "Put aside for 7 days" }
                        }
                    } }
                } } }
                @if needs.len() > SHOWN { p.dim { a href=(link::path(place.project, "issues")) { (format::counted((needs.len() - SHOWN) as u64, "more", "more")) " in Issues" } } }
            }
            @if !aside.is_empty() {
                details.put-aside { summary { (format::counted(aside.len() as u64, "thing", "things")) " put aside" }
                    ul.needs { @for (key, (until, why)) in aside { li data-testid="aside-row" {
                        span.tag { (hostile::line(key, 40)) }
                        span { (hostile::line(why, WHY_CHARS)) " " @if key != checklist::KEY { span.dim { "until " (format::time(*until, &format::day(*until))) } } }
                        @if may_change { form method="post" action=(act) { input type="hidden" name="key" value=(key); button.quiet { "Show again" } } }
                    } } }
                }
            }
        }
    }
}

/// The form that puts a thing aside; without a reason it is taken back.
#[derive(Debug, Deserialize)]
pub(crate) struct AsideForm {
    #[serde(default)]
    key: String,
    #[serde(default)]
    why: String,
}

/// `POST /p/{p}/wanted`
pub(crate) async fn put_aside(visit: Visit, Path(_): Path<String>, Form(form): Form<AsideForm>) -> Response {
    let known = !form.key.is_empty()
        && form.key.len() <= 80
        && form.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let (key, now, actor) = (visit.project.key, visit.guest.now, visit.guest.viewer.actor());
    if !known {
        let problem = Problem::new(ProblemCode::BadRequest, "there is no such thing to put aside");
        return visit::problem_page(visit.guest.theme, &problem);
    }
    let why: String = form.why.trim().chars().filter(|c| !c.is_control()).take(WHY_CHARS).collect();
    let long = if form.key == checklist::KEY { FOR_GOOD_US } else { ASIDE_US };
    let value = (!why.is_empty()).then(|| format!("{}|{why} ({actor})", now.plus_micros(long)));
    let name = format!("{PREFIX}{}", form.key);
    let act = NewAudit::new(actor, Act::SettingChange, name.clone()).of(visit.project.id.as_str());
    let act = act.detail(if value.is_some() { why } else { "shown again".to_owned() });
    let done = visit.ask("put_aside", move |store| {
        let set = store.settings(key)?;
        let held = aside(&set, now);
        // What is over makes room.
        for old in set.keys().filter(|k| k.strip_prefix(PREFIX).is_some_and(|k| !held.contains_key(k))) {
            store.set_setting(key, old, None)?;
        }
        if value.is_some() && held.len() >= KEPT {
            return Ok(false);
        }
        store.set_setting(key, &name, value.as_deref())?;
        store.note(act, now)?;
        Ok(true)
    });
    match done.await {
        Ok(true) => Redirect::to(&format!("{}#needs", link::path(visit.project.id.as_str(), "overview")))
            .into_response(),
        Ok(false) => {
            let problem =
                Problem::new(ProblemCode::BadRequest, "50 things are aside already; show some again first");
            visit::problem_page(visit.guest.theme, &problem)
        }
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_no_longer_aside() {
        let now = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        let later = now.plus_micros(ASIDE_US);
        let set = BTreeMap::from([
            ("dismissed.stuck".to_owned(), format!("{later}|known, being fixed (ana)")),
            ("dismissed.wishes".to_owned(), format!("{now}|over (ana)")),
            ("dismissed.issue-3".to_owned(), "not readable".to_owned()),
            ("capture".to_owned(), "full".to_owned()),
        ]);
        let found = aside(&set, now);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["stuck"]);
        assert_eq!(found["stuck"].1, "known, being fixed (ana)");
    }
}
