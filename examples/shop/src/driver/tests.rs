//! The driver against the server, over a pipe in memory: what the demo relies on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use tokio::sync::watch;

use super::play::{Pace, SessionReport, play_over};
use super::*;
use crate::options::{Release, ShopOptions, Weather};
use crate::server::Shop;

fn now() -> Timestamp {
    "2026-11-20T15:30:00Z".parse().unwrap()
}

async fn play_in_memory(scenario: &Scenario) -> SessionReport {
    use rmcp::ServiceExt;
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = Shop::new(scenario.server.clone());
    let serving = tokio::spawn(async move { server.serve(theirs).await.unwrap().waiting().await });
    let (_go_on, stop) = watch::channel(false);
    let report = play_over(scenario, ours, Pace::Compressed, stop).await.unwrap();
    serving.await.unwrap().unwrap();
    report
}

#[test]
fn there_are_at_least_forty_sessions_within_fifteen_days_on_any_day() {
    for hours in 0..24 * 8 {
        let now = now().saturating_add((hours).hours()).unwrap();
        let list = scenarios(now, 7);
        assert!((40..=70).contains(&list.len()), "{now}: {}", list.len());
        for scenario in &list {
            assert!(scenario.start <= now - 25.minutes(), "{now}: {}", scenario.name);
            assert!(scenario.start >= now - (15 * 24).hours(), "{now}: {}", scenario.name);
        }
        assert!(list.is_sorted_by_key(|scenario| scenario.start));
        assert!(list.iter().any(|scenario| scenario.start > now - 4.hours()), "{now}: nothing lately");
    }
}

#[test]
fn a_seed_gives_the_same_load_and_another_seed_another() {
    assert_eq!(scenarios(now(), 7), scenarios(now(), 7));
    assert_ne!(scenarios(now(), 7), scenarios(now(), 8));
}

#[test]
fn the_load_is_as_varied_as_the_demo_promises() {
    let list = scenarios(now(), 7);
    let users: BTreeSet<_> = list.iter().filter_map(|scenario| scenario.user).collect();
    let clients: BTreeSet<_> = list.iter().map(|scenario| scenario.client.name).collect();
    let names: BTreeSet<_> = list.iter().map(|scenario| &scenario.name).collect();
    assert!(users.len() >= 8, "{users:?}");
    assert!(clients.len() >= 6, "{clients:?}");
    assert_eq!(names.len(), list.len(), "names are unique");
    assert!(list.iter().filter(|scenario| scenario.user.is_none()).count() >= 3);
    assert!(list.iter().filter(|scenario| scenario.server.weather == Weather::Storm).count() >= 5);
    assert!(list.iter().any(|scenario| scenario.client.era == Era::Modern));
    let has = |wanted: fn(&Step) -> bool| list.iter().any(|scenario| scenario.steps.iter().any(wanted));
    assert!(has(|step| matches!(step, Step::Wish(_))));
    assert!(has(|step| matches!(step, Step::Together(_))));
    assert!(has(|step| matches!(step, Step::Interrupted(..))));
    assert!(has(|step| matches!(step, Step::Prompt(..))));
    assert!(has(|step| matches!(step, Step::Read(_))));
    let old = list.iter().filter(|scenario| scenario.server.release == Release::V1_7_2).count();
    assert!(old >= 10 && list.len() - old >= 10, "{old} of {} before the release", list.len());
}

#[test]
fn the_reason_codes_begin_with_the_release() {
    let list = scenarios(now(), 7);
    let returns = |release| {
        list.iter().filter(|s| s.name.contains("return-goods") && s.server.release == release).count()
    };
    assert!(returns(Release::V1_7_2) > 0 && returns(Release::V1_8_0) > 0);
}

#[tokio::test]
async fn the_whole_load_plays_and_meets_every_kind_of_trouble() {
    let mut tools: BTreeMap<String, ToolCount> = BTreeMap::new();
    let mut unheard = 0;
    let mut failed_readings = 0;
    let mut users = BTreeSet::new();
    let list = scenarios(now(), 7);
    for chunk in list.chunks(32) {
        let reports = futures_util::future::join_all(chunk.iter().map(play_in_memory)).await;
        for report in reports {
            assert_eq!(report.intents, 0, "{}: bare server asks for no context", report.name);
            assert_eq!(report.missing_reports, 0);
            unheard += report.unheard_wishes;
            failed_readings += report.failed_readings;
            users.extend(report.user);
            for (tool, count) in report.tools {
                tools.entry(tool).or_default().add(&count);
            }
        }
    }
    assert_eq!(tools.len(), 13, "all twelve tools and one that does not exist: {tools:?}");
    assert_eq!(tools["update_order"].protocol_errors, tools["update_order"].calls);
    assert!(unheard >= 5 && failed_readings >= 1 && users.len() >= 8);
    let mut total = ToolCount::default();
    tools.values().for_each(|count| total.add(count));
    let errors = total.tool_errors + total.protocol_errors;
    assert!(total.calls >= 200, "{total:?}");
    assert!(errors * 100 / total.calls >= 10 && errors * 100 / total.calls <= 45, "{total:?}");
    assert!(total.cancelled >= 1 && total.protocol_errors >= 3, "{total:?}");
    println!("{total:?} {tools:#?}");
}

#[tokio::test]
async fn equal_scenarios_end_alike() {
    let list = scenarios(now(), 3);
    for scenario in list.iter().filter(|scenario| scenario.server.weather == Weather::Storm).take(2) {
        let (one, two) = (play_in_memory(scenario).await, play_in_memory(scenario).await);
        assert_eq!(one.tools, two.tools, "{}", scenario.name);
    }
}

#[test]
fn the_demo_clock_and_the_server_arguments_are_what_the_command_line_takes() {
    let scenario = &scenarios(now(), 7)[0];
    let (start, scale) =
        scenario.demo_clock().split_once(',').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(start.parse::<Timestamp>().unwrap(), scenario.start);
    assert_eq!(scale.parse::<u32>().unwrap(), scenario.scale);
    assert_eq!(ShopOptions::parse(scenario.server_args()).unwrap(), scenario.server);
}

#[tokio::test]
async fn a_command_that_is_no_server_is_reported_with_its_complaint() {
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "echo no licence found >&2; exit 3"]);
    let (_go_on, stop) = watch::channel(false);
    let error = play(&scenarios(now(), 7)[0], command, Pace::Compressed, stop).await.unwrap_err();
    assert!(format!("{error:#}").contains("no licence found"), "{error:#}");
}

#[tokio::test]
async fn stop_ends_a_session_before_its_time() {
    let scenario = scenarios(now(), 7).into_iter().max_by_key(|scenario| scenario.steps.len()).unwrap();
    use rmcp::ServiceExt;
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = Shop::new(scenario.server.clone());
    tokio::spawn(async move { server.serve(theirs).await.unwrap().waiting().await });
    let (stop, stopped) = watch::channel(false);
    stop.send(true).unwrap();
    let report = play_over(&scenario, ours, Pace::RealTime, stopped).await.unwrap();
    assert_eq!(report.total().calls, 0);
}

#[test]
fn load_and_live_can_run_in_a_task_of_their_own() {
    fn is_send<F: Future + Send>(_: F) {}
    let (_go_on, stop) = watch::channel(false);
    let command = |_: &Scenario| tokio::process::Command::new("true");
    is_send(live(1, command, stop));
    is_send(load(&[], 1, command, |_| {}));
}

#[test]
fn nobody_comes_back_within_an_hour() {
    for seed in 0..40 {
        let now: Timestamp = "2026-11-21T12:30:00Z".parse().unwrap();
        let mut last = std::collections::HashMap::new();
        for scenario in super::calendar::scenarios(now, seed) {
            let Some(user) = scenario.user else { continue };
            if let Some(before) = last.insert(user, scenario.start) {
                assert!(scenario.start - 1.hours() >= before, "{seed}: {}", scenario.name);
            }
        }
    }
}
