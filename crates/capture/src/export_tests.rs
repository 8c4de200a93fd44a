//! Exporters: what each one sends, to the byte of the meaning; the failure matrix each goes through; and that none of
//! them holds up another (SDK-70 to SDK-76, SDK cases 42 and 36).

use super::*;
use crate::queue::{Keep, Queue};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use trackway_event::json::payload_of;
use trackway_event::{
    Actor, ActorId, CaptureBy, ErrorInfo, EventId, Kind, Peer, SessionId, SessionSource, Status, Timestamp,
};

const KEY: &str = "CANARYKEY";
const LONG: Duration = Duration::from_secs(20);

fn source() -> ExportSource {
    ExportSource {
        project: Some(ProjectId::parse("proj_test").unwrap()),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
    }
}

fn call(n: u8) -> Event {
    let at = Timestamp::from_millis(1_767_323_045_000);
    let mut event = Event::new(EventId::mint(at, [n; 16]), Kind::ToolCall, at);
    event.name = "tools/call".into();
    event.tool = Some("search".into());
    event.status = Some(Status::Ok);
    event.duration_us = Some(12_500);
    event.session_id = SessionId::foreign("ses_one");
    event.session_source = Some(SessionSource::StdioProcess);
    event.client = Some(Peer { name: "cursor".into(), version: Some("1.9".into()) });
    event.server = Some(Peer { name: "shop".into(), version: Some("1.8".into()) });
    event.intent = Some("find boots".into());
    event.capture = Some(CaptureBy::Sdk);
    event.arguments = payload_of(&json!({ "q": "boots" }));
    event.result = payload_of(&json!({ "content": [] }));
    event.transport = payload_of(&json!({ "kind": "stdio", "request_id": "7" }));
    event.tags.insert("team".into(), "web".into());
    event.tags.insert("$session_id".into(), "forged".into());
    event
}

fn failed(n: u8) -> Event {
    let mut event = call(n);
    event.status = Some(Status::ToolError);
    event.error = Some(Box::new(ErrorInfo { message: "no such sku".into(), ..ErrorInfo::default() }));
    event.actor = Some(Box::new(Actor {
        id: ActorId::parse("ana").unwrap().0,
        name: Some("Ana".into()),
        traits: Default::default(),
    }));
    event.request_meta =
        payload_of(&json!({ "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }));
    event
}

/// Every exporter that speaks HTTP, towards one address.
fn all(url: &str) -> Vec<ExporterConfig> {
    let dsn = format!("{}/42", url.replace("://", &format!("://{KEY}@")));
    vec![
        ExporterConfig::Otlp(OtlpConfig {
            endpoint: url.into(),
            headers: vec![("x-key".into(), KEY.into())],
            ..OtlpConfig::default()
        }),
        ExporterConfig::Datadog(DatadogConfig {
            site: url.into(),
            api_key: KEY.into(),
            ..DatadogConfig::default()
        }),
        ExporterConfig::Sentry(SentryConfig { dsn, ..SentryConfig::default() }),
        ExporterConfig::PostHog(PostHogConfig {
            host: url.into(),
            api_key: KEY.into(),
            ..PostHogConfig::default()
        }),
    ]
}

#[derive(Clone, Debug)]
struct Got {
    head: String,
    body: Vec<u8>,
}

type Log = Arc<Mutex<Vec<Got>>>;

/// A receiver that answers one by one as told, the last answer again and again; "" never answers.
fn receiver(answers: &'static [&'static str]) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let log = Log::default();
    let seen = Arc::clone(&log);
    std::thread::spawn(move || {
        for (next, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let Some(got) = read(&stream) else { continue };
            seen.lock().unwrap().push(got);
            match *answers.get(next).or(answers.last()).unwrap() {
                "" => std::mem::forget(stream),
                answer => {
                    let _ = (&stream).write_all(
                        format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                            .as_bytes(),
                    );
                }
            }
        }
    });
    (url, log)
}

fn read(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1)?.split_whitespace().next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if lower.contains("content-encoding: gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).ok()?;
        body = plain;
    }
    Some(Got { head, body })
}

fn export(configs: &[ExporterConfig], events: Vec<Event>, timeout: Duration) -> Vec<ExportReport> {
    let exporters = Exporters::start(configs, &source());
    assert_eq!(exporters.lanes.len(), configs.len(), "every exporter started");
    for event in events {
        exporters.offer(&Arc::new(event));
    }
    exporters.shutdown(timeout)
}

fn counts(sent: u64, failed: u64) -> LaneReport {
    LaneReport { sent, failed, ..LaneReport::default() }
}

#[test]
fn otlp_spans_have_the_conventions_names() {
    let config =
        OtlpConfig { endpoint: "http://h/".into(), payloads: Payloads::Included, ..OtlpConfig::default() };
    let otlp = otlp::Otlp::new(&config, &source()).unwrap();
    let events = [Arc::new(call(1)), Arc::new(failed(2))];
    let json = otlp.json(&events);
    let spans = &json["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(spans[0]["name"], "tools/call search");
    assert_eq!(
        (&spans[0]["kind"], &spans[0]["startTimeUnixNano"]),
        (&2.into(), &"1767323045000000000".into())
    );
    assert_eq!(spans[0]["endTimeUnixNano"], "1767323045012500000");
    assert_eq!((spans[0].get("status"), spans[0].get("parentSpanId")), (None, None));
    assert_eq!(spans[1]["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(spans[1]["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(spans[1]["status"], json!({ "code": 2, "message": "no such sku" }));
    let read = |span: &Value, key: &str| {
        let all = span["attributes"].as_array().unwrap();
        all.iter().find(|a| a["key"] == key).map(|a| a["value"].clone()).unwrap_or_default()
    };
    for (key, expect) in [
        ("mcp.method.name", json!({ "stringValue": "tools/call" })),
        ("mcp.session.id", json!({ "stringValue": "ses_one" })),
        ("gen_ai.operation.name", json!({ "stringValue": "execute_tool" })),
        ("gen_ai.tool.name", json!({ "stringValue": "search" })),
        ("gen_ai.tool.call.arguments", json!({ "stringValue": r#"{"q":"boots"}"# })),
        ("jsonrpc.request.id", json!({ "stringValue": "7" })),
        ("network.transport", json!({ "stringValue": "pipe" })),
        ("error.type", json!({ "stringValue": "tool_error" })),
        ("trackway.intent", json!({ "stringValue": "find boots" })),
        ("enduser.id", json!({ "stringValue": "ana" })),
    ] {
        assert_eq!(read(&spans[1], key), expect, "{key}");
    }
    assert_eq!(read(&spans[0], "error.type"), Value::Null);
    let resource = &json["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(resource[0], json!({ "key": "service.name", "value": { "stringValue": "shop" } }));
    // The same in protobuf: the fields of one span by their tags.
    let bytes = otlp.protobuf(&events[1..]);
    for expect in [
        [b"\x0a\x10".as_slice(), &[0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48]].concat(),
        b"\x2a\x11tools/call search\x30\x02\x39".to_vec(),
        [b"\x39".as_slice(), &1_767_323_045_000_000_000u64.to_le_bytes(), b"\x41"].concat(),
        b"\x0a\x0fmcp.method.name\x12\x0c\x0a\x0atools/call".to_vec(),
        b"\x7a\x0f\x12\x0bno such sku\x18\x02".to_vec(),
    ] {
        assert!(bytes.windows(expect.len()).any(|w| w == expect), "{}", String::from_utf8_lossy(&expect));
    }
}

#[test]
fn payloads_stay_at_home_unless_they_are_wanted() {
    let (url, log) = receiver(&["200 OK"]);
    export(&all(&url), vec![failed(1)], LONG);
    for got in log.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(&got.body);
        assert!(!text.contains("boots\"}") && !text.contains("\"boots\""), "{text}");
    }
}

#[test]
fn datadog_gets_logs_and_figures() {
    let config =
        DatadogConfig { site: "datadoghq.eu".into(), api_key: KEY.into(), ..DatadogConfig::default() };
    let intakes = datadog::intakes(&config).unwrap();
    assert_eq!(intakes.0, "https://http-intake.logs.datadoghq.eu/api/v2/logs");
    assert_eq!(intakes.1, "https://api.datadoghq.eu/api/v2/series");
    let datadog = datadog::Datadog::new(&config, &source()).unwrap();
    let events = [Arc::new(call(1)), Arc::new(call(2)), Arc::new(failed(3))];
    let logs = datadog.log_lines(&events);
    assert_eq!(logs[0]["message"], "tools/call search ok");
    assert_eq!((&logs[0]["status"], &logs[2]["status"]), (&"info".into(), &"error".into()));
    assert_eq!((&logs[0]["service"], &logs[0]["duration"]), (&"shop".into(), &12_500_000.into()));
    assert_eq!(logs[2]["error"]["message"], "no such sku");
    assert_eq!(logs[0]["ddtags"], "trackway_project:proj_test");
    let series = datadog.series(&events);
    let of = |metric: &str, status: &str| {
        let all = series["series"].as_array().unwrap().iter();
        all.filter(|s| {
            s["metric"] == metric
                && s["tags"].as_array().unwrap().contains(&format!("status:{status}").into())
        })
        .map(|s| s["points"][0]["value"].clone())
        .collect::<Vec<_>>()
    };
    assert_eq!(of("mcp.events.count", "ok"), [2]);
    assert_eq!(of("mcp.event.duration", "ok"), [12.5]);
    assert_eq!(of("mcp.errors.count", "tool_error"), [1]);
    assert!(of("mcp.errors.count", "ok").is_empty());
}

#[test]
fn sentry_gets_an_envelope_a_failure() {
    for (dsn, url) in [
        ("https://abc@o1.ingest.example/42", "https://o1.ingest.example/api/42/envelope/"),
        ("http://k-9_Z:secret@h:9000/under/path/7/", "http://h:9000/under/path/api/7/envelope/"),
    ] {
        assert_eq!(sentry::Dsn::parse(dsn).unwrap().url, url);
    }
    for bad in
        ["", "https://h/1", "https://@h/1", "https://k@h", "ftp://k@h/1", "https://k@/1", "https://k@h/"]
    {
        assert!(sentry::Dsn::parse(bad).is_err(), "{bad}");
    }
    let config = SentryConfig {
        dsn: "https://abc@o1.ingest.example/42".into(),
        release: Some("shop@2".into()),
        transactions: Transactions::On,
        ..SentryConfig::default()
    };
    let sentry = sentry::Sentry::new(&config, &source()).unwrap();
    assert_eq!(sentry.envelopes(&call(1)).len(), 1, "a call that went well is a transaction only");
    let both = sentry.envelopes(&failed(2));
    let lines: Vec<Value> = both[0]
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let [head, item, event] = lines.as_slice() else { unreachable!() };
    assert_eq!(item["type"], "event");
    assert_eq!(item["length"].as_u64(), Some(event.to_string().len() as u64));
    assert_eq!((head["event_id"].as_str().unwrap().len(), &head["event_id"]), (32, &event["event_id"]));
    assert_eq!(event["exception"]["values"][0], json!({ "type": "tool_error", "value": "no such sku" }));
    assert_eq!(event["contexts"]["trace"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&event["user"]["id"], &event["release"]), (&"ana".into(), &"shop@2".into()));
    assert_eq!(event["tags"]["mcp.tool"], "search");
    let text = String::from_utf8(both[1].clone()).unwrap();
    assert!(text.contains(r#""type":"transaction""#) && text.contains(r#""op":"mcp.server""#), "{text}");
}

#[test]
fn posthog_gets_its_own_names_and_none_is_overridden() {
    let config =
        PostHogConfig { host: "https://h".into(), api_key: "phc_1".into(), payloads: Payloads::Included };
    let posthog = posthog::PostHog::new(&config, &source()).unwrap();
    let mut identify = failed(3);
    identify.kind = Kind::Identify;
    let mut noise = call(4);
    noise.kind = Kind::Protocol;
    let body = posthog.body(&[Arc::new(call(1)), Arc::new(failed(2)), Arc::new(identify), Arc::new(noise)]);
    let batch = body["batch"].as_array().unwrap();
    let names: Vec<_> = batch.iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["$mcp_tool_call", "$mcp_tool_call", "$identify"], "protocol noise stays out");
    let own = &batch[0]["properties"];
    assert_eq!(
        (&own["$session_id"], &own["team"]),
        (&"ses_one".into(), &"web".into()),
        "no tag replaces a reserved name"
    );
    assert_eq!((&own["$mcp_duration_ms"], &own["$mcp_is_error"]), (&12.5.into(), &false.into()));
    assert_eq!(own["$process_person_profile"], false);
    assert_eq!(own["$mcp_parameters"]["request"]["params"]["arguments"]["q"], "boots");
    assert_eq!((&batch[0]["distinct_id"], &batch[1]["distinct_id"]), (&"ses_one".into(), &"ana".into()));
    assert_eq!(batch[1]["properties"]["$mcp_error_type"], "tool_error");
    assert_eq!(batch[2]["properties"]["$set"]["name"], "Ana");
    assert_eq!(batch[0]["uuid"].as_str().map(str::len), Some(36));
    assert_ne!(batch[0]["uuid"], batch[1]["uuid"]);
}

#[test]
fn every_receiver_is_asked_as_it_wants() {
    let (url, log) = receiver(&["202 Accepted"]);
    let reports = export(&all(&url), vec![failed(1), failed(2)], LONG);
    for report in reports {
        assert_eq!(report.events, counts(2, 0), "{}", report.exporter);
    }
    let log = log.lock().unwrap();
    let asked = |path: &str, header: &str| {
        let hits = log.iter().filter(|g| g.head.starts_with(&format!("POST {path} ")));
        hits.filter(|g| g.head.to_ascii_lowercase().contains(header)).count()
    };
    let key = KEY.to_ascii_lowercase();
    assert_eq!(asked("/v1/traces", "content-type: application/x-protobuf"), 1);
    assert_eq!(asked("/v1/traces", &format!("x-key: {key}")), 1);
    assert_eq!(asked("/api/v2/logs", &format!("dd-api-key: {key}")), 1);
    assert_eq!(asked("/api/v2/series", &format!("dd-api-key: {key}")), 1);
    assert_eq!(asked("/api/42/envelope/", &format!("sentry_key={key}")), 2);
    assert_eq!(asked("/batch/", "user-agent: trackway-test/1"), 1);
}

/// Refused, 4xx, 5xx, hang, 413: for each exporter, what it costs is its own batch.
#[test]
fn the_failure_matrix_of_every_exporter() {
    for (answers, timeout, expect) in [
        // Refused for good: not tried again.
        (&["401 Unauthorized"] as &[_], LONG, counts(0, 2)),
        (&["404 Not Found"], LONG, counts(0, 2)),
        (&["302 Found"], LONG, counts(0, 2)),
        // Hangs: given up at the deadline.
        (&[""], Duration::from_millis(700), LaneReport { lost: 2, ..LaneReport::default() }),
    ] {
        for config in all("http://unused") {
            let (url, log) = receiver(Box::leak(answers.to_vec().into_boxed_slice()));
            let config: Vec<_> = all(&url).into_iter().filter(|c| c.name() == config.name()).collect();
            let begin = Instant::now();
            let report = export(&config, vec![failed(1), failed(2)], timeout).remove(0);
            assert_eq!(report.events, expect, "{} {answers:?}", report.exporter);
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
            assert!(log.lock().unwrap().len() <= 2, "{} {answers:?}", report.exporter);
        }
    }
}

#[test]
fn refused_connections_and_broken_servers_are_tried_again_for_a_while() {
    // Nobody listens there.
    for config in all("http://127.0.0.1:1") {
        let begin = Instant::now();
        let report = export(&[config], vec![failed(1)], Duration::from_millis(300)).remove(0);
        assert_eq!(
            (report.events.sent, report.events.failed + report.events.lost),
            (0, 1),
            "{}",
            report.exporter
        );
        assert!(begin.elapsed() < Duration::from_secs(3));
    }
    for index in 0..4 {
        let (url, log) = receiver(&["500 Broken", "429 Slow Down", "200 OK"]);
        let config = all(&url).remove(index);
        let report = export(&[config], vec![failed(1)], LONG).remove(0);
        assert_eq!(report.events, counts(1, 0), "{}", report.exporter);
        // Datadog's metrics are one request more; its logs are not sent twice.
        let log = log.lock().unwrap();
        assert_eq!(log.len(), if report.exporter == "datadog" { 4 } else { 3 }, "{}", report.exporter);
    }
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let (url, log) = receiver(&["413 Too Large", "200 OK"]);
    let config = all(&url).remove(0);
    let report = export(&[config], (0..8).map(call).collect(), LONG).remove(0);
    assert_eq!(report.events, counts(8, 0));
    assert_eq!(log.lock().unwrap().len(), 3);
    for index in 0..4 {
        let (url, _log) = receiver(&["413 Too Large"]);
        let report = export(&[all(&url).remove(index)], vec![failed(1), failed(2)], LONG).remove(0);
        assert_eq!(report.events, counts(0, 2), "{}: one event that never fits is given up", report.exporter);
    }
}

#[test]
fn sdk_case_42_a_hanging_exporter_delays_no_other_and_its_queue_is_bounded() {
    let (hanging, _) = receiver(&[""]);
    let (good, _) = receiver(&["200 OK"]);
    let configs = [all(&hanging).remove(0), all(&good).remove(3)];
    let exporters = Exporters::start(&configs, &source());
    let queue = Queue::with_exporters(exporters, Keep::Nothing);
    let begin = Instant::now();
    for n in 0..LANE_EVENTS + 500 {
        queue.push(call((n % 251) as u8));
        // The good one keeps up.
        if n % 400 == 399 {
            let wait = Instant::now();
            while queue.exporters().reports()[1].events.sent + 400 < n as u64 && wait.elapsed() < LONG {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    assert!(begin.elapsed() < LONG);
    let reports = queue.exporters().shutdown(Duration::from_secs(2));
    let [slow, fast] = reports.as_slice() else { unreachable!() };
    let all = (LANE_EVENTS + 500) as u64;
    assert_eq!(slow.events.sent, 0);
    assert!(slow.events.behind > 0, "{slow:?}");
    assert_eq!(
        slow.events.behind + slow.events.lost + slow.events.failed,
        all,
        "every event is accounted for"
    );
    assert_eq!(fast.events.sent, all, "{fast:?}");
}

#[test]
fn the_file_is_rotated_and_every_line_is_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let config = FileConfig { path: path.clone(), rotate_at: 6_000, keep: 2 };
    let mut file = file::JsonLines::open(&config).unwrap();
    let until = Instant::now() + LONG;
    for n in 0..40 {
        let mut event = call(n);
        event.arguments = Some(serde_json::value::RawValue::from_string("{\n\"a\":\r\n1}".into()).unwrap());
        file.export(&[Arc::new(event)], until).unwrap();
    }
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
    let mut last = None;
    for name in names.iter().rev() {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text.len() <= 6_000);
        for line in text.lines() {
            let event: Event = serde_json::from_str(line).unwrap();
            assert!(last.is_none_or(|l: String| l.as_str() < event.id.as_str()), "in order over the parts");
            last = Some(event.id.as_str().to_owned());
        }
    }
    assert_eq!(last.as_deref(), Some(call(39).id.as_str()));
    // A file that stands where a directory should: left out, never an error for the host.
    let config = ExporterConfig::File(FileConfig::at(path.join("x")));
    assert!(Exporters::start(&[config], &source()).is_empty());
}

#[test]
fn delivery_and_exporters_get_each_event_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let exporters = Exporters::start(&[ExporterConfig::File(FileConfig::at(path.clone()))], &source());
    let queue = Queue::with_exporters(exporters, Keep::ForDelivery);
    for n in 0..10 {
        queue.push(call(n));
    }
    assert_eq!(queue.take(Instant::now()).events.len(), 10);
    assert_eq!(queue.exporters().shutdown(LONG)[0].events, counts(10, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 10);
}
