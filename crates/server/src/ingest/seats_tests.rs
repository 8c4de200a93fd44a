//! Seats: what is in work and what waits is bounded, nobody is passed over, a seat comes back however its holder ends.

use std::time::Duration;

use super::*;

/// As many bodies of this weight as one project may have in work.
const HEAVY: usize = HEAVIEST;

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Lets everybody run who can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn fill(seats: &Arc<Seats>, line: u64) -> Vec<Seat> {
    std::iter::from_fn(|| seats.now(line, HEAVY)).collect()
}

#[tokio::test(start_paused = true)]
async fn one_project_leaves_room_for_another() {
    let seats = Arc::new(Seats::default());
    let (noisy, other) = (seats.line(Some("noisy")), seats.line(Some("other")));
    let held = fill(&seats, noisy);
    assert_eq!(held.len(), 6, "three quarters");
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let seats = seats.clone();
            tokio::spawn(async move { seats.by(noisy, HEAVY, far()).await.is_some() })
        })
        .collect();
    settle().await;
    // Somebody waits, but for its own share; another project is served at once, however many wait there.
    let began = Instant::now();
    assert!(seats.by(other, HEAVY, far()).await.is_some());
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(held);
    for one in waiting {
        assert!(one.await.unwrap(), "each gets its turn");
    }
    assert_eq!(seats.held(), (0, 0));
    assert!(seats.room().lines.is_empty(), "nothing is remembered of projects that went away");
}

#[tokio::test(start_paused = true)]
async fn lines_are_served_in_turn_and_each_in_its_order() {
    let seats = Arc::new(Seats::default());
    let (first, second, full) = (seats.line(Some("a")), seats.line(Some("b")), seats.line(Some("c")));
    let mut held = fill(&seats, full);
    held.extend(fill(&seats, first));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (line, name) in [(first, "a1"), (first, "a2"), (first, "a3"), (second, "b1"), (second, "b2")] {
        let (seats, order) = (seats.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let seat = seats.by(line, HEAVY, far()).await;
            order.lock().unwrap().push(name);
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(seat);
        }));
        settle().await;
    }
    // One seat becomes free, and every following one is that seat again.
    held.pop();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["a1", "b1", "a2", "b2", "a3"]);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_body_is_not_passed_over_by_light_ones() {
    let seats = Arc::new(Seats::default());
    let (light, heavy) = (seats.line(Some("light")), seats.line(Some("heavy")));
    let mut held = fill(&seats, light);
    let more = seats.line(Some("more"));
    held.extend([HEAVY, HEAVY - LIGHTEST].map(|bytes| seats.now(more, bytes)).into_iter().flatten());
    let waiting = tokio::spawn({
        let seats = seats.clone();
        async move { seats.by(heavy, HEAVY, far()).await.is_some() }
    });
    settle().await;
    assert!(seats.now(seats.line(Some("late")), 1).is_none(), "there is room for it, but somebody waits");
    drop(held);
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_in_time_and_leaves_nothing() {
    let seats = Arc::new(Seats::default());
    let line = seats.line(None);
    let held = fill(&seats, line);
    let began = Instant::now();
    assert!(seats.by(line, HEAVY, Instant::now() + Duration::from_millis(250)).await.is_none());
    assert_eq!(began.elapsed(), Duration::from_millis(250));
    assert_eq!(seats.held().1, 0);
    // Who gave up is not called; the next one is.
    let waiting = tokio::spawn({
        let seats = seats.clone();
        async move { seats.by(line, 1, far()).await.is_some() }
    });
    settle().await;
    drop(held);
    assert!(waiting.await.unwrap());
    assert_eq!(seats.held(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded() {
    let seats = Arc::new(Seats::default());
    let line = seats.line(Some("noisy"));
    let held = fill(&seats, line);
    const BODY: usize = 512 * 1024;
    let waiting: Vec<_> = (0..400)
        .map(|_| {
            let seats = seats.clone();
            tokio::spawn(async move { seats.by(line, BODY, far()).await.is_some() })
        })
        .collect();
    settle().await;
    let (working, waits) = seats.held();
    assert!(working <= limits::INGEST_WORK_BYTES, "{working}");
    assert_eq!(waits, share_of(limits::INGEST_WAITING_BYTES));
    drop(held);
    let mut seated = 0;
    for one in waiting {
        seated += usize::from(one.await.unwrap());
    }
    assert_eq!(seated, share_of(limits::INGEST_WAITING_BYTES) / BODY, "the others were told at once");
}

/// Many come, work, give up and go away in the middle: never too much in work, and nothing is left at the end.
#[tokio::test(start_paused = true)]
async fn no_seat_is_lost_whatever_becomes_of_its_holder() {
    let seats = Arc::new(Seats::default());
    let mut tasks = Vec::new();
    // A fixed sequence that looks random.
    let mut dice = 7u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for _ in 0..2_000 {
        let line = seats.line(Some(["a", "b", "c"][roll(3) as usize]));
        let (bytes, patience, work) = (roll(2_000_000) as usize, roll(200), roll(30));
        let seats = seats.clone();
        tasks.push(tokio::spawn(async move {
            let deadline = Instant::now() + Duration::from_millis(patience);
            let seat = match seats.now(line, bytes) {
                Some(seat) => Some(seat),
                None => seats.by(line, bytes, deadline).await,
            };
            assert!(seats.held().0 <= limits::INGEST_WORK_BYTES);
            tokio::time::sleep(Duration::from_millis(work)).await;
            seat.is_some()
        }));
        if roll(4) == 0 {
            tokio::time::sleep(Duration::from_millis(roll(10))).await;
            let one = roll(tasks.len() as u64) as usize;
            tasks[one].abort();
        }
    }
    let mut seated = 0;
    for task in tasks {
        seated += usize::from(task.await.unwrap_or(false));
    }
    assert!(seated > 100, "{seated}");
    assert_eq!(seats.held(), (0, 0));
    assert!(seats.room().lines.is_empty() && seats.room().turns.is_empty());
}
