//! INV-08: whatever Trackway's endpoint does, calls answer the same and as fast, and the process ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

mod kit;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use kit::{Server, call, connect, text};
use serde_json::json;
use trackway::{Options, track};

/// An endpoint that treats every connection like this; its address.
fn endpoint(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().take(200) {
            let Ok(mut stream) = stream else { return };
            if let Some(answer) = answer {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = stream.read(&mut [0; 65536]);
                let _ = stream.write_all(answer);
            } else {
                held.push(stream);
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn inv_08_no_endpoint_changes_a_call() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let table = [
        ("refuses", refused),
        ("hangs", endpoint(None)),
        ("500", endpoint(Some(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"))),
        ("413", endpoint(Some(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n"))),
        ("garbage", endpoint(Some(b"\x00\xff not http at all\r\n\r\n"))),
        ("no address", "not a url".to_owned()),
    ];
    for (what, endpoint) in table {
        let server = track(Server::default(), "proj_test", Options::new().endpoint(endpoint));
        let handle = server.handle();
        let client = connect(server).await;
        let begun = Instant::now();
        for n in 0..200 {
            let answer =
                call(&client, "echo", json!({"a": n.to_string(), "context": "under fire"})).await.unwrap();
            assert_eq!(text(&answer), format!(r#"{{"a":"{n}"}}"#), "{what}");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}: {:?}", begun.elapsed());
        let ending = Instant::now();
        let status =
            tokio::task::spawn_blocking(move || handle.shutdown(Duration::from_secs(1))).await.unwrap();
        assert!(!status.on && ending.elapsed() < Duration::from_secs(4), "{what}: {:?}", ending.elapsed());
    }
}
