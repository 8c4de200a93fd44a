//! A full disk on the PostHog wire, over real sockets (case 21, D3): v0 gets no answer, V1 is told to send again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kit::Kit;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trackway_server::{ServeOptions, Server};
use trackway_store::SqliteOptions;

const UUID: &str = "01a1fbcc-7a5d-7efc-81bb-c8aa35bf0afd";

async fn send(addr: std::net::SocketAddr, path: &str) -> String {
    let body = json!({"api_key": "proj_t", "batch": [{"event": "e", "distinct_id": "u", "uuid": UUID,
        "timestamp": "2026-03-02T11:00:00Z", "properties": {}}]})
    .to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer proj_t\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that is closed without an answer may also end in a reset.
    let _reset = stream.read_to_string(&mut answer).await.is_err();
    answer
}

#[tokio::test]
async fn case_21_a_full_disk_closes_v0_and_tells_v1_to_retry() {
    let full = Arc::new(AtomicBool::new(true));
    let seen = full.clone();
    let free =
        Arc::new(move |_: &std::path::Path| Some(if seen.load(Ordering::Relaxed) { 0 } else { u64::MAX }));
    let kit = Kit::on(SqliteOptions { free_bytes: free, ..SqliteOptions::default() }, |_| {});
    let server = Server::bind(ServeOptions::at(([127, 0, 0, 1], 0).into()), kit.store.clone()).await.unwrap();
    let addr = server.local_addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async {
        let _dropped = stopped.await.is_err();
    }));
    let begun = Instant::now();
    let (v0, v1) = tokio::join!(send(addr, "/batch/"), send(addr, "/i/v1/analytics/events"));
    let held = begun.elapsed();
    assert!(held > Duration::from_secs(4) && held < Duration::from_secs(15), "{held:?}");
    assert_eq!(v0, "");
    assert!(v1.starts_with("HTTP/1.1 200") && v1.contains("retry-after: 1"), "{v1}");
    assert!(v1.contains(&format!(r#"{{"results":{{"{UUID}":{{"result":"retry"}}}}}}"#)), "{v1}");
    // There is room again: what is sent again is stored, once.
    full.store(false, Ordering::Relaxed);
    let again = send(addr, "/batch/").await;
    assert!(again.ends_with(r#"{"status":"Ok"}"#), "{again}");
    assert_eq!(kit.events().len(), 1);
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}
