//! LZ-String's base64 form (`compression=lz64`), which older browser code of PostHog sends (wire-posthog R3).
//!
//! Called by `posthog_envelope`. Bounded by a cap on what comes out; never reads out of bounds.

/// Codes below this one are no entries of the dictionary: a new 8-bit unit, a new 16-bit unit, the end.
const RESERVED: usize = 3;

/// Decompresses to at most `cap` UTF-16 units; `None` for what is no such text or would be larger.
pub(super) fn inflate(text: &str, cap: usize) -> Option<String> {
    let mut bits = Bits { digits: text.trim().trim_end_matches('=').bytes(), digit: 0, left: 0 };
    let unit = match bits.take(2)? {
        0 => bits.take(8)? as u16,
        1 => bits.take(16)? as u16,
        2 => return Some(String::new()),
        _ => return None,
    };
    // An entry names a stretch of what has come out, so that a bomb costs no more than what it unfolds to.
    let mut out = vec![unit];
    let mut dictionary: Vec<(usize, usize)> = vec![(0, 1)];
    let mut last = (0usize, 1usize);
    let (mut width, mut room) = (3u32, 4u64);
    loop {
        let code = bits.take(width)? as usize;
        let entry = match code {
            2 => return String::from_utf16(&out).ok(),
            0 | 1 => {
                out.push(bits.take(if code == 0 { 8 } else { 16 })? as u16);
                let entry = (out.len() - 1, 1);
                dictionary.push(entry);
                grow(&mut width, &mut room);
                entry
            }
            _ => {
                let (start, length) = match dictionary.get(code - RESERVED) {
                    Some(entry) => *entry,
                    // The entry that is being made just now: the last one and its own first unit again.
                    None if code - RESERVED == dictionary.len() => (last.0, last.1 + 1),
                    None => return None,
                };
                let at = out.len();
                for n in start..start + length {
                    out.push(*out.get(n)?);
                }
                (at, length)
            }
        };
        // The last entry and the first unit of this one lie beside each other in what has come out.
        dictionary.push((last.0, last.1 + 1));
        grow(&mut width, &mut room);
        last = entry;
        if out.len() > cap || width > 31 {
            return None;
        }
    }
}

/// One entry more: codes become a bit wider when those of this width are used up.
fn grow(width: &mut u32, room: &mut u64) {
    *room -= 1;
    if *room == 0 {
        *room = 1 << *width;
        *width += 1;
    }
}

struct Bits<'a> {
    digits: std::str::Bytes<'a>,
    digit: u8,
    left: u32,
}

impl Bits<'_> {
    /// The next `n` bits, the first one lowest; `None` at the end.
    fn take(&mut self, n: u32) -> Option<u32> {
        let mut value = 0;
        for place in 0..n {
            if self.left == 0 {
                self.digit = match self.digits.next()? {
                    b @ b'A'..=b'Z' => b - b'A',
                    b @ b'a'..=b'z' => b - b'a' + 26,
                    b @ b'0'..=b'9' => b - b'0' + 52,
                    b'+' | b' ' | b'-' => 62,
                    b'/' | b'_' => 63,
                    _ => return None,
                };
                self.left = 6;
            }
            self.left -= 1;
            value |= u32::from(self.digit >> self.left & 1) << place;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with npm `lz-string` 1.5.0, `compressToBase64`.
    const CASES: &[(&str, &str)] = &[
        ("", "Q==="),
        ("a", "IZA="),
        ("ab", "IYIyA==="),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "IY18aQ=="),
        (
            r#"{"event":"e","properties":{"token":"proj_t","distinct_id":"u1","emoji":"żółć 😀"}}"#,
            "N4IgpgbmB2AuIC5wgDQgA4CcD26ydgEswBnRUWbAaxkQxwCsB9eNAE0JKOgGNYnCbOgFcAjKnABbbA0J1APoABnwEKAgcEAABIF4NwAB7IAL56gA",
        ),
        (
            "abcabcabcabcabcabcabcabcabcabcabcdefgdefgdefgdefgabcabcabcabcabcabcabcabcabcabcabcdefgdefgdefgdefg",
            "IYIwxqHpPXUMgEwKYDMDmrPa+jsi8hJ8u5+uQA==",
        ),
    ];

    #[test]
    fn texts_of_the_reference_come_back() {
        for (text, packed) in CASES {
            assert_eq!(inflate(packed, 10_000).as_deref(), Some(*text), "{packed}");
        }
    }

    #[test]
    fn rubbish_and_bombs_end() {
        for bad in ["", "A", "????", "//////////"] {
            assert_eq!(inflate(bad, 1_000), None, "{bad}");
        }
        // 5,000 times "a".
        let bomb = "IY18ZXTt/DFOS1b0c17Pd/wYUcSaWeRZVdTbXfQ408y62+x519z73/wMFDhI0WPETJU6TNlz5CxUuUrVa9Rs1btO3Xv0HDR4ydMsgA==";
        assert_eq!(inflate(bomb, 10_000), Some("a".repeat(5_000)));
        assert_eq!(inflate(bomb, 1_000), None);
    }
}
