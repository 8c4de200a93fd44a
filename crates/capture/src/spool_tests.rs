//! The spool against damage: order, cuts at every byte, flipped bits, room and age.

use super::*;

#[test]
fn batches_come_back_in_order_and_damage_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path().join("s")).unwrap();
    for body in [b"one".as_slice(), b"two", b"three"] {
        spool.write(body, 3).unwrap();
    }
    let first = spool.files().unwrap().remove(0).0;
    let mut bytes = fs::read(&first).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&first, bytes).unwrap();
    let right = spool.lock().unwrap();
    assert!(Spool::open(dir.path().join("s")).unwrap().lock().is_none(), "one replays at a time");
    for expect in [b"two".as_slice(), b"three"] {
        let kept = spool.oldest(&right).unwrap();
        assert_eq!((kept.events, kept.body.as_slice()), (3, expect));
        assert_eq!(events_of(&kept.path), 3);
        spool.remove(&kept.path);
    }
    assert!(spool.oldest(&right).is_none() && spool.is_empty());
}

#[test]
fn a_torn_write_is_no_batch() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path().to_owned()).unwrap();
    fs::write(dir.path().join("00000000000000000001-1.batch.tmp"), b"half").unwrap();
    fs::write(dir.path().join("00000000000000000002-1.batch"), b"TWSPO").unwrap();
    let right = spool.lock().unwrap();
    assert!(spool.oldest(&right).is_none());
}

#[test]
fn a_file_cut_or_changed_at_any_byte_is_never_taken_for_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path().to_owned()).unwrap();
    spool.write(&[7; 200], 5).unwrap();
    let path = spool.files().unwrap().remove(0).0;
    let whole = fs::read(&path).unwrap();
    let right = spool.lock().unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(spool.oldest(&right).is_none(), "cut at {cut}");
        assert!(!path.exists(), "what cannot be read is removed");
        let mut changed = whole.clone();
        changed[cut] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(spool.oldest(&right).is_none(), "changed at {cut}");
        // A batch behind it is found all the same.
        fs::write(&path, &changed).unwrap();
        let behind = dir.path().join("99999999999999999999-1.batch");
        fs::write(&behind, &whole).unwrap();
        assert_eq!(spool.oldest(&right).map(|k| k.path), Some(behind.clone()), "behind {cut}");
        fs::remove_file(behind).unwrap();
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(spool.oldest(&right).map(|k| (k.events, k.body)), Some((5, vec![7; 200])));
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path().to_owned()).unwrap();
    // Sparse files stand for a full spool.
    for number in 0..4u64 {
        spool.write(&[number as u8; 10], 3).unwrap();
        let path = spool.files().unwrap().pop().unwrap().0;
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(BYTES / 4).unwrap();
    }
    let dropped = spool.write(b"new", 1).unwrap();
    assert_eq!(dropped, Dropped { events: 3 });
    assert_eq!(spool.files().unwrap().len(), 4);
}

#[test]
fn refused_batches_are_bounded_and_never_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path().to_owned()).unwrap();
    for _ in 0..12 {
        spool.refuse(&vec![1; 1024 * 1024], 1).unwrap();
    }
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert!((9..=10).contains(&left), "{left}");
    let right = spool.lock().unwrap();
    assert!(spool.oldest(&right).is_none() && spool.is_empty());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Any directory of any files is survived, and only what was written whole comes back.
    #[test]
    fn arbitrary_files_are_survived(
        bodies in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..64), 0..4),
        junk in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..64), 0..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path().to_owned()).unwrap();
        for (index, bytes) in junk.iter().enumerate() {
            let mut file = MAGIC.to_vec();
            file.extend(bytes);
            fs::write(dir.path().join(format!("{index:020}-9.batch")), file).unwrap();
        }
        for body in &bodies {
            spool.write(body, 1).unwrap();
        }
        let right = spool.lock().unwrap();
        let mut back = Vec::new();
        while let Some(kept) = spool.oldest(&right) {
            spool.remove(&kept.path);
            back.push(kept.body);
        }
        proptest::prop_assert_eq!(back, bodies);
    }
}
