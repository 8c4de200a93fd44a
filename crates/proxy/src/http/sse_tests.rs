//! Case 36: streams cut at every byte are the same events, and the same bytes.

use super::*;

const STREAMS: &[(&str, &[&str])] = &[
    ("data: one\n\ndata:two\n\n", &["one", "two"]),
    ("data: one\r\n\r\ndata: two\r\n\r\n", &["one", "two"]),
    ("data: one\r\rdata: two\r\r", &["one", "two"]),
    ("id: 7\ndata:\n\n", &[""]),
    (": ping\n\n\n", &["", ""]),
    ("event: message\nid: 1\nretry: 3000\ndata: {\"a\":\ndata:  1}\n\n", &["{\"a\":\n 1}"]),
    ("\u{feff}data: marked\n\n", &["marked"]),
    ("data\n\ndata: x", &[""]),
    ("data: mixed\r\n\ndata: y\n\r\ndata: z\r\n\r", &["mixed", "y", "z"]),
];

/// The events' data, and all bytes again.
fn split(text: &[u8], cuts: &[usize], cap: usize) -> (Vec<String>, Vec<u8>) {
    let mut splitter = Splitter::new(cap);
    let (mut events, mut all, mut from) = (Vec::new(), Vec::new(), 0);
    for to in cuts.iter().copied().chain([text.len()]) {
        for piece in splitter.push(&text[from..to]) {
            match piece {
                Piece::Event(event) => {
                    events.push(String::from_utf8(event.data()).unwrap());
                    assert_eq!(event.with_data(&event.data()), event.raw);
                    all.extend(event.raw);
                }
                Piece::Over(bytes) => all.extend(bytes),
            }
        }
        from = to;
    }
    all.extend(splitter.rest());
    (events, all)
}

#[test]
fn case_36_any_cut_gives_the_same_events_and_bytes() {
    for (stream, expected) in STREAMS {
        let text = stream.as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (events, all) = split(text, &[first, second], 1 << 20);
                assert_eq!(all, text, "{stream:?} cut at {first}, {second}");
                let found: Vec<&str> = events.iter().map(String::as_str).collect();
                assert_eq!(&found, expected, "{stream:?} cut at {first}, {second}");
            }
        }
        let bytes: Vec<usize> = (1..text.len()).collect();
        assert_eq!(split(text, &bytes, 1 << 20).1, text);
    }
}

#[test]
fn case_36_other_data_leaves_the_rest_of_the_event() {
    let mut splitter = Splitter::new(1 << 20);
    let text = b": hi\r\nevent: message\r\ndata: {\"a\":\r\nid: 9\r\ndata:1}\r\n\r\n";
    let [Piece::Event(event)] = &splitter.push(text)[..] else { panic!("one event") };
    assert!(event.is("message") && !event.is("endpoint"));
    let edited = event.with_data(b"{\"a\":\n1,\"b\":2}");
    assert_eq!(edited, b": hi\r\nevent: message\r\ndata: {\"a\":\r\nid: 9\r\ndata:1,\"b\":2}\r\n\r\n");
    assert_eq!(event.with_data(b"other"), event.raw, "another number of lines is no edit of ours");
}

#[test]
fn case_29_events_over_the_cap_pass_and_the_next_is_seen() {
    let long = format!("data: {}\n\ndata: next\n\n", "x".repeat(200));
    for step in 1..40 {
        let cuts: Vec<usize> = (step..long.len()).step_by(step).collect();
        let (events, all) = split(long.as_bytes(), &cuts, 64);
        assert_eq!(all, long.as_bytes(), "step {step}");
        assert_eq!(events, ["next"], "step {step}");
    }
}
