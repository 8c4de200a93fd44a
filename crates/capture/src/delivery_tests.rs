//! Delivery against a receiver of its own: what arrives, what is tried again, what waits on disk, what is given up.

use super::*;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use trackway_event::{EventId, Kind};

type Batches = Receiver<IngestBatch>;

/// A receiver that answers its requests one by one as told (the last answer again and again), and passes on the
/// batches it acknowledged.
fn receiver(answers: &'static [&'static str]) -> (String, Batches) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, batches) = channel();
    std::thread::spawn(move || {
        for (next, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let answer = answers.get(next).or(answers.last()).unwrap();
            let batch = read(&stream);
            if answer.is_empty() {
                // Never answers; the connection stays open.
                std::mem::forget(stream);
                continue;
            }
            // Before the answer: who has that may look at once.
            if answer.contains(" 2") {
                let _ = send.send(batch);
            }
            let _ = (&stream).write_all(format!("{answer}\r\nconnection: close\r\n\r\n").as_bytes());
        }
    });
    (url, batches)
}

fn read(stream: &TcpStream) -> IngestBatch {
    let mut reader = BufReader::new(stream);
    let (mut length, mut gzip) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(n) = line.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        gzip |= line == "content-encoding: gzip";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut json = body.clone();
    if gzip {
        json.clear();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut json).unwrap();
    }
    serde_json::from_slice(&json).unwrap()
}

fn start(endpoint: &str, spool: Option<&std::path::Path>) -> (Arc<Queue>, Delivery) {
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        endpoint: endpoint.into(),
        token: None,
        project: ProjectId::parse("proj_test").unwrap(),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
        spool: spool.map(Into::into),
        wire: Wire::Native,
    };
    (Arc::clone(&queue), Delivery::start(config, queue).unwrap())
}

fn push(queue: &Queue, count: usize) {
    for n in 0..count {
        let at = Timestamp::from_millis(1_767_323_045_000 + n as i64);
        let mut random = [0; 16];
        random[..8].copy_from_slice(&(n as u64).to_be_bytes());
        queue.push(Event::new(EventId::mint(at, random), Kind::ToolCall, at));
    }
}

fn ids(batches: &[IngestBatch]) -> usize {
    let all: std::collections::BTreeSet<_> =
        batches.iter().flat_map(|b| &b.events).map(|e| e.id.as_str().to_owned()).collect();
    all.len()
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn sdk_case_03_any_success_is_success_and_everything_arrives() {
    for answer in [
        "HTTP/1.1 202 Accepted\r\ncontent-length: 0",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 200 OK\r\ncontent-length: 0",
    ] {
        let (url, batches) = receiver(Box::leak(vec![&*answer.to_owned().leak()].into_boxed_slice()));
        let (queue, delivery) = start(&url, None);
        queue.lose("queue_full", 2);
        push(&queue, 250);
        let report = delivery.shutdown(LONG);
        assert_eq!(report, Report { sent: 250, ..Report::default() }, "{answer}");
        let got: Vec<_> = batches.try_iter().collect();
        assert_eq!((ids(&got), got.len()), (250, 3));
        let lost: Vec<_> = got.iter().filter_map(|b| b.lost.get("queue_full")).collect();
        assert_eq!(lost, [&2], "a loss is reported once");
    }
}

#[test]
fn sdk_case_04_a_refused_batch_is_not_tried_again_and_reported() {
    let (url, batches) =
        receiver(&["HTTP/1.1 400 Bad Request\r\ncontent-length: 0", "HTTP/1.1 200 OK\r\ncontent-length: 0"]);
    let (queue, delivery) = start(&url, None);
    queue.lose("recorder_behind", 1);
    push(&queue, 150);
    let report = delivery.shutdown(LONG);
    // Two are under way: either may meet the refusal.
    assert!(matches!((report.sent, report.lost), (50, 100) | (100, 50)), "{report:?}");
    let got: Vec<_> = batches.try_iter().collect();
    assert_eq!(ids(&got) as u64, report.sent);
    let lost = |reason: &str| got.iter().filter_map(|b| b.lost.get(reason)).sum::<u64>();
    assert_eq!(lost("refused"), report.lost);
    assert_eq!(lost("recorder_behind"), 1, "a report of losses is not lost with its batch");
}

#[test]
fn sdk_case_05_06_failures_are_tried_again_with_the_same_ids() {
    let (url, batches) = receiver(&[
        "HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0",
        "HTTP/1.1 200 OK\r\ncontent-length: 0",
    ]);
    let (queue, delivery) = start(&url, None);
    let begin = Instant::now();
    push(&queue, 100);
    let batch = batches.recv_timeout(LONG).unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1), "retry-after is a floor");
    assert_eq!(batch.events.len(), 100);
    assert_eq!(delivery.shutdown(LONG).sent, 100);
}

#[test]
fn case_48_a_hanging_receiver_costs_the_deadline_and_nothing_else() {
    let (url, _batches) = receiver(&[""]);
    let dir = tempfile::tempdir().unwrap();
    let (queue, delivery) = start(&url, Some(dir.path()));
    push(&queue, 250);
    let begin = Instant::now();
    let report = delivery.shutdown(Duration::from_secs(1));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(report, Report { spooled: 250, ..Report::default() });
    // The next start brings them.
    let (url, batches) = receiver(&["HTTP/1.1 200 OK\r\ncontent-length: 0"]);
    let (_queue, delivery) = start(&url, Some(dir.path()));
    let got: Vec<_> = (0..3).map(|_| batches.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(ids(&got), 250);
    delivery.shutdown(LONG);
    assert!(Spool::open(dir.path().into()).unwrap().is_empty());
}

#[test]
fn sdk_case_02_43_without_a_disk_the_loss_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    // Nobody listens there, and the directory cannot be made.
    let (queue, delivery) = start("http://127.0.0.1:1", Some(&file.join("spool")));
    push(&queue, 50);
    let report = delivery.shutdown(Duration::from_secs(2));
    assert_eq!(report, Report { lost: 50, ..Report::default() });
}

#[test]
fn sdk_case_01_an_outage_is_made_up_for_while_running() {
    let (url, batches) = receiver(&[
        "HTTP/1.1 500 Broken\r\ncontent-length: 0",
        "garbage that is no HTTP",
        "HTTP/1.1 200 OK\r\ncontent-length: 0",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let (queue, delivery) = start(&url, Some(dir.path()));
    push(&queue, 300);
    let got: Vec<_> = (0..3).map(|_| batches.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(ids(&got), 300);
    let report = delivery.shutdown(LONG);
    assert_eq!(report.lost, 0);
}

#[test]
fn sdk_83_a_refused_batch_is_kept_for_a_look_and_not_sent_again() {
    let (url, batches) = receiver(&["HTTP/1.1 422 No\r\ncontent-length: 0"]);
    let dir = tempfile::tempdir().unwrap();
    let (queue, delivery) = start(&url, Some(dir.path()));
    push(&queue, 20);
    let report = delivery.shutdown(LONG);
    assert_eq!(report, Report { lost: 20, ..Report::default() });
    let refused: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "refused"))
        .collect();
    assert_eq!(refused.len(), 1);
    // The next start leaves it alone; renamed, it is tried again.
    let (url, batches_after) = receiver(&["HTTP/1.1 200 OK\r\ncontent-length: 0"]);
    let (_queue, delivery) = start(&url, Some(dir.path()));
    assert!(batches_after.recv_timeout(Duration::from_millis(300)).is_err() && batches.try_recv().is_err());
    delivery.shutdown(LONG);
    std::fs::rename(&refused[0], refused[0].with_extension("batch")).unwrap();
    let (_queue, delivery) = start(&url, Some(dir.path()));
    assert_eq!(batches_after.recv_timeout(LONG).unwrap().events.len(), 20);
    delivery.shutdown(LONG);
}

#[test]
fn sdk_88_with_the_spool_always_on_events_are_on_disk_before_they_are_sent() {
    // The receiver never answers; nothing is shut down: as after kill -9 only the disk is left.
    let (url, _batches) = receiver(&[""]);
    let dir = tempfile::tempdir().unwrap();
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        endpoint: url,
        token: None,
        project: ProjectId::parse("proj_test").unwrap(),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
        spool: Some(dir.path().into()),
        wire: Wire::Native,
    };
    let _running = Delivery::start_with(config, Arc::clone(&queue), SpoolMode::Always).unwrap();
    push(&queue, 30);
    let begin = Instant::now();
    let on_disk = || {
        let spool = Spool::open(dir.path().into()).unwrap();
        let copies =
            std::fs::read_dir(dir.path()).unwrap().filter_map(|e| std::fs::read(e.unwrap().path()).ok());
        (!spool.is_empty()) && copies.map(|c| c.len()).sum::<usize>() > 100
    };
    while !on_disk() && begin.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    // What another process finds there is all of it.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let (url, batches) = receiver(&["HTTP/1.1 200 OK\r\ncontent-length: 0"]);
    let (_queue, delivery) = start(&url, Some(copy.path()));
    assert_eq!(batches.recv_timeout(LONG).unwrap().events.len(), 30);
    delivery.shutdown(LONG);
}

#[test]
fn sdk_88_what_was_sent_is_off_the_disk_again() {
    let (url, batches) = receiver(&["HTTP/1.1 200 OK\r\ncontent-length: 0"]);
    let dir = tempfile::tempdir().unwrap();
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        endpoint: url,
        token: None,
        project: ProjectId::parse("proj_test").unwrap(),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
        spool: Some(dir.path().into()),
        wire: Wire::Native,
    };
    let delivery = Delivery::start_with(config, Arc::clone(&queue), SpoolMode::Always).unwrap();
    push(&queue, 250);
    assert!(delivery.flush(LONG));
    assert_eq!(delivery.status(), Report { sent: 250, ..Report::default() });
    assert!(Spool::open(dir.path().into()).unwrap().is_empty());
    assert_eq!(delivery.shutdown(LONG), Report { sent: 250, ..Report::default() });
    assert_eq!(ids(&batches.try_iter().collect::<Vec<_>>()), 250);
}

#[test]
fn d24_two_requests_are_under_way_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let now = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (seen, count) = (Arc::clone(&most), Arc::clone(&now));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (seen, count) = (Arc::clone(&seen), Arc::clone(&count));
            std::thread::spawn(move || {
                read(&stream);
                seen.fetch_max(
                    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1,
                    std::sync::atomic::Ordering::SeqCst,
                );
                std::thread::sleep(Duration::from_millis(100));
                count.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                let _ =
                    (&stream).write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            });
        }
    });
    let (queue, delivery) = start(&url, None);
    push(&queue, 1_000);
    assert_eq!(delivery.shutdown(LONG).sent, 1_000);
    assert_eq!(most.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn sdk_case_02_what_an_outage_without_a_disk_pushes_out_is_counted() {
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        endpoint: "http://127.0.0.1:1".into(),
        token: None,
        project: ProjectId::parse("proj_test").unwrap(),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
        spool: None,
        wire: Wire::Native,
    };
    let delivery = Delivery::start(config, Arc::clone(&queue)).unwrap();
    push(&queue, 20_000);
    assert!(!delivery.flush(Duration::from_millis(300)), "nothing is settled while nobody answers");
    let report = delivery.shutdown(Duration::from_secs(2));
    let pushed_out = queue.take_lost().get("queue_full").copied().unwrap_or(0);
    // What the worker took in time made room for as many more.
    assert!((8_000..=10_000).contains(&pushed_out), "{pushed_out}");
    assert_eq!((report.sent, report.lost + pushed_out), (0, 20_000), "{report:?}");
}
