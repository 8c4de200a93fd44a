//! INV-09: no credential is captured by default, nor appears in a log, a spool or an export.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use trackway_capture::delivery::{Delivery, DeliveryConfig};
use trackway_capture::export::{
    DatadogConfig, ExportSource, ExporterConfig, Exporters, FileConfig, OtlpConfig, OtlpEncoding, Payloads,
    PostHogConfig, SentryConfig,
};
use trackway_capture::queue::{Keep, Queue};
use trackway_capture::recorder::{Observed, Protocol, Recorder, RecorderConfig, Way};
use trackway_capture::redact::{Redaction, RedactionConfig};
use trackway_capture::wire::inject::Mode;
use trackway_event::{CaptureBy, ProjectId, SdkInfo, Timestamp};

/// Every log line of the process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A receiver that refuses, so that there is something to log, and keeps what it was sent.
fn receiver() -> (String, Lines) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Lines::default();
    let log = seen.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let mut bytes = vec![0; 1 << 16];
            let mut all = Vec::new();
            while let Ok(n) = stream.read(&mut bytes) {
                if n == 0 {
                    break;
                }
                all.extend_from_slice(&bytes[..n]);
            }
            let head = all.windows(4).position(|w| w == b"\r\n\r\n").map_or(all.len(), |at| at + 4);
            let mut body = Vec::new();
            if flate2::read::GzDecoder::new(&all[head..]).read_to_end(&mut body).is_err() {
                body = all[head..].to_vec();
            }
            log.clone().write_all(&body).unwrap();
            let _ =
                stream.write_all(b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (url, seen)
}

/// Traffic with a secret in every place where one may stand.
const TRAFFIC: &[(Way, &str)] = &[
    (
        Way::FromClient,
        r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"c","version":"1"},"capabilities":{}}}"#,
    ),
    (
        Way::FromServer,
        r#"{"id":1,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"s","version":"1"},"capabilities":{},"instructions":"use key CANARY01"}}"#,
    ),
    (
        Way::FromClient,
        r#"{"id":2,"method":"tools/call","params":{"name":"t","arguments":{"token":"CANARY02","nested":{"clientSecret":"CANARY03","headers":{"Authorization":"Bearer CANARY04","Cookie":"sid=CANARY05"}},"list":[{"api-key":"CANARY06"}],"url":"https://u:CANARY07@h/p?access_token=CANARY08&x=1","text":"curl -H 'Authorization: Bearer CANARY09abcdef'","json":"{\"password\":\"CANARY10\",\"in\":\"{\\\"secret\\\":\\\"CANARY11\\\"}\"}"},"_meta":{"progressToken":"CANARY12","authorization":"CANARY13","openai/subject":"CANARY14","vscode.conversationId":"CANARY15"}}}"#,
    ),
    (
        Way::FromServer,
        r#"{"id":2,"error":{"code":-32001,"message":"401 for https://u:CANARY16@h?api_key=CANARY17 with Bearer CANARY18abcdef"}}"#,
    ),
    (
        Way::FromClient,
        r#"{"id":3,"method":"tools/call","params":{"name":"t","requestState":"CANARY19","inputResponses":{"k":{"action":"accept","content":{"pin":"CANARY20"}}}}}"#,
    ),
    (
        Way::FromServer,
        r#"{"id":3,"result":{"content":[{"type":"text","text":"{\"refresh_token\":\"CANARY21\"}"},{"type":"image","mimeType":"image/png","data":"CANARY22"},{"type":"audio","mimeType":"audio/wav","data":"CANARY23"},{"type":"resource","resource":{"uri":"x:y","blob":"CANARY24"}}],"structuredContent":{"session":{"id_token":"CANARY25"}},"isError":false}}"#,
    ),
    (
        Way::FromClient,
        r#"{"id":4,"method":"resources/read","params":{"uri":"https://u:CANARY26@h/?token=CANARY27"}}"#,
    ),
    (Way::FromServer, r#"{"id":4,"result":{"contents":[{"uri":"https://h","text":"CANARY28"}]}}"#),
    (
        Way::FromClient,
        r#"{"id":5,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"https://u:CANARY29@h"},"argument":{"name":"n","value":"CANARY30"}}}"#,
    ),
    (Way::FromServer, r#"{"id":5,"result":{"completion":{"values":["CANARY31"]}}}"#),
    (Way::FromServer, r#"{"id":"a","method":"elicitation/create","params":{"message":"CANARY32"}}"#),
    (Way::FromClient, r#"{"id":"a","result":{"action":"accept","content":{"pin":"CANARY33"}}}"#),
    (
        Way::FromServer,
        r#"{"id":"b","method":"sampling/createMessage","params":{"messages":[{"content":{"text":"CANARY34"}}]}}"#,
    ),
    (Way::FromClient, r#"{"id":"b","result":{"content":{"text":"CANARY35"}}}"#),
    (
        Way::FromServer,
        r#"{"method":"notifications/message","params":{"level":"info","logger":"l","data":"CANARY36"}}"#,
    ),
    (
        Way::FromClient,
        r#"{"method":"notifications/cancelled","params":{"requestId":99,"reason":"CANARY37"}}"#,
    ),
    (Way::FromClient, r#"{"id":6,"method":"tools/call","params":{"name":"t","task":{"ttl":1}}}"#),
    (Way::FromServer, r#"{"id":6,"result":{"task":{"taskId":"CANARY38","status":"working"}}}"#),
    (Way::FromClient, r#"{"id":7,"method":"tasks/get","params":{"taskId":"CANARY38"}}"#),
    (
        Way::FromServer,
        r#"{"id":7,"result":{"taskId":"CANARY38","status":"completed","result":{"content":[{"type":"text","text":"Bearer CANARY39abcdef"}]}}}"#,
    ),
    (
        Way::FromClient,
        r#"{"id":8,"method":"prompts/get","params":{"name":"p","arguments":{"who":"CANARY40"}}}"#,
    ),
    (
        Way::FromServer,
        r#"{"id":8,"result":{"messages":[{"role":"user","content":{"type":"text","text":"CANARY41"}}]}}"#,
    ),
    (Way::FromClient, r#"CANARY42 is no JSON"#),
];

#[test]
fn inv_09_and_sdk_case_36_no_credential_is_in_an_event_a_log_a_spool_or_an_export() {
    let logs = Lines::default();
    let writer = logs.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectId::parse("proj_test").unwrap();
    let sdk = SdkInfo { name: "trackway-test".into(), version: "1".into() };
    let (url, received) = receiver();
    let key = "CANARYKEY".to_owned();
    let file = dir.path().join("events.jsonl");
    let payloads = Payloads::Included;
    let configs = [
        ExporterConfig::Otlp(OtlpConfig {
            endpoint: url.clone(),
            headers: vec![("x-key".into(), key.clone())],
            encoding: OtlpEncoding::Json,
            payloads,
            ..OtlpConfig::default()
        }),
        ExporterConfig::Datadog(DatadogConfig {
            site: url.clone(),
            api_key: key.clone(),
            payloads,
            ..DatadogConfig::default()
        }),
        ExporterConfig::Sentry(SentryConfig {
            dsn: format!("{}/1", url.replace("://", "://CANARYKEY@")),
            payloads,
            ..SentryConfig::default()
        }),
        ExporterConfig::PostHog(PostHogConfig { host: url.clone(), api_key: "phc_public".into(), payloads }),
        ExporterConfig::File(FileConfig::at(file.clone())),
        // One that cannot be opened is said in the log, without its key.
        ExporterConfig::Sentry(SentryConfig { dsn: "https://CANARYKEY@".into(), ..SentryConfig::default() }),
    ];
    let source = ExportSource { project: Some(project.clone()), sdk: sdk.clone() };
    let exporters = Exporters::start(&configs, &source);
    let queue = Arc::new(Queue::with_exporters(exporters, Keep::ForDelivery));
    // Nobody listens there: everything goes to the spool.
    let config = DeliveryConfig {
        endpoint: "http://127.0.0.1:1".into(),
        token: Some(key),
        project: project.clone(),
        sdk,
        spool: Some(dir.path().join("spool")),
        wire: trackway_capture::delivery::Wire::Native,
    };
    assert!(!format!("{config:?}").contains("CANARY"), "{config:?}");
    let delivery = Delivery::start(config, Arc::clone(&queue)).unwrap();

    let config = RecorderConfig {
        project,
        capture: CaptureBy::Wrap,
        version: "1".into(),
        mode: Mode::Required,
        identify: None,
        demo: false,
        protocol: Protocol::All,
    };
    let mut next = 0u128;
    let random = Box::new(move || {
        next += 1;
        next.to_be_bytes()
    });
    let mut recorder = Recorder::new(config, random);
    let mut redaction = Redaction::new(RedactionConfig::default()).unwrap();
    let mut events = Vec::new();
    for (index, (way, line)) in TRAFFIC.iter().enumerate() {
        let mono_us = index as u64 * 1_000;
        let wall = Timestamp::from_micros(1_767_323_045_000_000 + mono_us as i64);
        recorder.observe(&Observed { way: *way, wall, mono_us, line: line.as_bytes().to_vec() }, &mut events);
    }
    recorder.close(1_000_000, &mut events);
    assert!(events.len() >= 10, "{}", events.len());
    let recorded = events.len() as u64;
    for event in events {
        queue.push(redaction.apply(event).unwrap());
    }
    let report = delivery.shutdown(Duration::from_secs(20));
    assert_eq!(report.spooled, recorded, "{report:?}");

    let mut spooled = Vec::new();
    for entry in std::fs::read_dir(dir.path().join("spool")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for at in 0..bytes.len().saturating_sub(1) {
            if bytes[at..].starts_with(&[0x1f, 0x8b]) {
                let _ = flate2::read::GzDecoder::new(&bytes[at..]).read_to_end(&mut spooled);
            }
        }
        spooled.extend(bytes);
    }
    for (place, bytes, expect) in [
        ("file", std::fs::read(file).unwrap(), "tools/call"),
        ("spool", spooled, "tools/call"),
        ("exports", received.0.lock().unwrap().clone(), "tools/call"),
        ("log", logs.0.lock().unwrap().clone(), "trackway"),
    ] {
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(expect), "{place} holds what it should: {text}");
        if let Some(at) = text.find("CANARY") {
            let around: String =
                text.chars().skip(text[..at].chars().count().saturating_sub(120)).take(240).collect();
            unreachable!("a secret is in the {place}: {around}");
        }
    }
}
