//! Secrets the command mints: bearer tokens, sign-in links, ids. Only their SHA-256 is ever stored (INV-09).
//!
//! Called by the verbs `token`, `open`, `serve`, `demo` and `project create`.

use sha2::{Digest, Sha256};

use crate::failure::{Exit, Failure, Result};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `chars` random letters and digits from the system's generator, each worth 5.95 bits.
pub(crate) fn random_text(chars: usize) -> Result<String> {
    let mut text = String::with_capacity(chars);
    let mut bytes = [0_u8; 64];
    while text.len() < chars {
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::new(Exit::Unreachable, "the system gives no random numbers").why(error.to_string())
        })?;
        // 248 = 4 × 62: larger bytes are skipped, so that every letter is equally likely.
        let usable = bytes.iter().filter(|byte| **byte < 248);
        text.extend(usable.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).take(chars - text.len()));
    }
    Ok(text)
}

/// The form in which a secret is stored.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_length_and_differ() {
        let (a, b) = (random_text(43).unwrap(), random_text(43).unwrap());
        assert_eq!(a.len(), 43);
        assert!(a.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(a, b);
    }

    #[test]
    fn hash_is_sha_256() {
        assert_eq!(hash("")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }
}
