//! Ids as newtypes: parsed at the border, trusted afterwards.
//!
//! Event and session ids are `evt_` or `ses_` and a KSUID: 4 bytes of seconds since 1 400 000 000 and 16 bytes of
//! payload, big-endian, in base62, padded to 27 digits (AC §5). Foreign ids of any text are kept as they came.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits;
use crate::time::Timestamp;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// A project's id: `proj_` and 1 to 59 letters, digits, `_` or `-` (D8).
    ProjectId
);
text_id!(
    /// An event's id, constant over retries: `evt_` + KSUID from our recorder and AgentCat's, any text from others.
    EventId
);
text_id!(
    /// A session's id: `ses_` + KSUID, or a foreign SDK's text verbatim.
    SessionId
);
text_id!(
    /// An identified user's id: non-blank text of at most 400 code points (D9).
    ActorId
);

/// A text that is no project id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a project id is \"proj_\" and 1 to 59 letters, digits, \"_\" or \"-\"")]
pub struct BadProjectId;

impl ProjectId {
    /// Reads a project id, trimmed.
    pub fn parse(text: &str) -> Result<Self, BadProjectId> {
        let text = text.trim();
        let tail = text.strip_prefix("proj_").ok_or(BadProjectId)?;
        let legal = tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if tail.is_empty() || tail.len() > 59 || !legal {
            return Err(BadProjectId);
        }
        Ok(Self(text.into()))
    }
}

impl EventId {
    /// An id minted at `at` from 16 random bytes.
    pub fn mint(at: Timestamp, random: [u8; 16]) -> Self {
        Self(format!("evt_{}", ksuid(at, random)).into())
    }

    /// A foreign id, trimmed. `None` when blank; longer than [`limits::ID_CHARS`] becomes its SHA-256 in hex.
    pub fn foreign(text: &str) -> Option<Self> {
        foreign(text).map(Self)
    }
}

impl SessionId {
    /// An id minted at `at` from 16 random bytes.
    pub fn mint(at: Timestamp, random: [u8; 16]) -> Self {
        Self(format!("ses_{}", ksuid(at, random)).into())
    }

    /// A foreign id, trimmed and otherwise verbatim (AC R21). `None` when blank; longer than [`limits::ID_CHARS`]
    /// becomes its SHA-256 in hex.
    pub fn foreign(text: &str) -> Option<Self> {
        foreign(text).map(Self)
    }

    /// The id every replica derives from the same transport session and project (AC §5).
    pub fn derive(transport_session: &str, project: Option<&ProjectId>) -> Self {
        let mut hash = Sha256::new();
        hash.update(transport_session.as_bytes());
        if let Some(project) = project {
            hash.update(b":");
            hash.update(project.as_str().as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let (head, tail) = digest.split_at(4);
        let mut ms = [0u8; 4];
        ms.copy_from_slice(head);
        let mut payload = [0u8; 16];
        payload.copy_from_slice(tail.split_at(16).0);
        let at = Timestamp::from_millis(1_704_067_200_000 + i64::from(u32::from_be_bytes(ms)));
        Self::mint(at, payload)
    }
}

impl ActorId {
    /// Reads an actor id: trimmed, `None` when blank, cut to [`limits::ACTOR_ID_CHARS`] code points. The flag tells
    /// whether it was cut, so that the event can be noted.
    pub fn parse(text: &str) -> Option<(Self, Cut)> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match text.char_indices().nth(limits::ACTOR_ID_CHARS) {
            Some((end, _)) => Some((Self(text.split_at(end).0.into()), Cut::Yes)),
            None => Some((Self(text.into()), Cut::No)),
        }
    }
}

/// Whether a text had to be shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It lost its tail.
    Yes,
    /// It is whole.
    No,
}

fn foreign(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.chars().nth(limits::ID_CHARS).is_none() {
        return Some(text.into());
    }
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    Some(hex(&digest).into())
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n & 15)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect()
}

/// The KSUID of a time (floored to seconds) and 16 bytes, 27 base62 digits.
pub fn ksuid(at: Timestamp, payload: [u8; 16]) -> String {
    const EPOCH: i64 = 1_400_000_000;
    let seconds = (at.micros().div_euclid(1_000_000) - EPOCH).clamp(0, i64::from(u32::MAX)) as u32;
    let mut bytes = [0u8; 20];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(&payload);
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut limbs = [0u32; 5];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(4)) {
        *limb = chunk.iter().fold(0, |n, b| (n << 8) | u32::from(*b));
    }
    let mut digits = [0u8; 27];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u64;
        for limb in &mut limbs {
            let n = (rest << 32) | u64::from(*limb);
            *limb = (n / 62) as u32;
            rest = n % 62;
        }
        *digit = DIGITS[rest as usize];
    }
    digits.iter().map(|b| char::from(*b)).collect()
}

/// The second in which a `xxx_` + KSUID id was minted; `None` for ids of another form. A hint for look-ups, never a fact.
pub fn minted_at(id: &str) -> Option<Timestamp> {
    let digits = id.split_once('_').map_or(id, |(_, d)| d);
    if digits.len() != 27 {
        return None;
    }
    let mut value = 0u128;
    let mut high = 0u64;
    for b in digits.bytes() {
        let d = match b {
            b'0'..=b'9' => b - b'0',
            b'A'..=b'Z' => b - b'A' + 10,
            b'a'..=b'z' => b - b'a' + 36,
            _ => return None,
        };
        let low = (value & u128::from(u64::MAX)) * 62 + u128::from(d);
        let mid = (value >> 64) * 62 + (low >> 64);
        value = (mid << 64) | (low & u128::from(u64::MAX));
        high = high.checked_mul(62)?.checked_add((mid >> 64) as u64)?;
    }
    (high <= u64::from(u32::MAX)).then(|| Timestamp::from_millis((1_400_000_000 + high as i64) * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_ids_of_the_table_in_ac_5() {
        for (transport, project, expect) in [
            ("session-abc", Some("proj_123"), "ses_2ad1IUJY22FZA7HVjz7XTWS9k1n"),
            ("session-abc", None, "ses_2cJ8ryWot3Vdtgb8kSteR5zAxxB"),
            (
                "550e8400-e29b-41d4-a716-446655440000",
                Some("proj_abc123xyz"),
                "ses_2bYCPTCB0yHNB9VRg16DCXfex4p",
            ),
            ("日本", Some("proj_x"), "ses_2bfYwCXHPzr8OQqtijYG2P96fPh"),
            ("a", Some("proj_b"), "ses_2aQQXHdAcHs9PfABQ09OGUjS0Pz"),
            ("mcp-session-1", Some("proj_rec"), "ses_2c96v9go3Xm6Av2bSYqZ1jX6ODA"),
        ] {
            let project = project.map(|p| ProjectId::parse(p).unwrap());
            assert_eq!(SessionId::derive(transport, project.as_ref()).as_str(), expect);
        }
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 9, 0x0f, 0x80, 0xff]), "00090f80ff");
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn finds_the_second_an_id_was_minted_in() {
        for seconds in [1_400_000_000, 1_767_323_045, 4_000_000_000] {
            let at = Timestamp::from_millis(seconds * 1_000);
            assert_eq!(minted_at(EventId::mint(at, [0xa7; 16]).as_str()), Some(at));
            assert_eq!(minted_at(EventId::mint(at, [0xff; 16]).as_str()), Some(at));
        }
        assert_eq!(minted_at("evt_short"), None);
        assert_eq!(minted_at("evt_zzzzzzzzzzzzzzzzzzzzzzzzzzz"), None);
    }

    #[test]
    fn project_ids_are_checked() {
        assert_eq!(ProjectId::parse(" proj_a-B_9 ").unwrap().as_str(), "proj_a-B_9");
        for bad in ["", "proj_", "proj_ä", "x", "proj_a b", &format!("proj_{}", "a".repeat(60))] {
            assert!(ProjectId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn foreign_ids_stay_as_they_came() {
        assert_eq!(SessionId::foreign(" ses_custom-not-valid ").unwrap().as_str(), "ses_custom-not-valid");
        assert!(SessionId::foreign(" \t").is_none());
        assert_eq!(SessionId::foreign(&"é".repeat(257)).unwrap().as_str().len(), 64);
    }
}
