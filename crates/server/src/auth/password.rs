//! Members' passwords: optional, kept as argon2id (19 MiB, two passes: the crate's defaults, OWASP's first choice).
//!
//! Called by the sign-in and, to set one, by `trackway member password`. Invariants: a wrong name takes as long as a wrong
//! password; at most [`AT_A_TIME`] are checked at a time, so that guessing cannot eat the memory.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// Checks that run at a time, each with 19 MiB.
pub(crate) const AT_A_TIME: usize = 2;
/// Fewest characters of a password.
pub const SHORTEST: usize = 12;
/// Most bytes of a password.
pub const LONGEST: usize = 1_024;
/// The hash of a password nobody has: checked where there is no such member.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$vZ6LrKjnhSPaBmYVRgYwH0SBsIiKELEAzMPBqhz3nd0";

/// A password as it is stored.
///
/// # Errors
/// In words, when it is too short or too long, or the system gives no random numbers.
pub fn hash(password: &str) -> Result<String, &'static str> {
    if password.chars().count() < SHORTEST {
        return Err("a password has at least 12 characters");
    }
    if password.len() > LONGEST {
        return Err("a password has at most 1,024 bytes");
    }
    let hashed = Argon2::default().hash_password(password.as_bytes());
    Ok(hashed.map_err(|_| "the password could not be hashed")?.to_string())
}

/// Whether this is the password of that hash; without a hash the answer is no, after the same work.
pub(crate) fn is(password: &str, hash: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let matches =
        password.len() <= LONGEST && Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_only() {
        let hashed = hash("correct horse battery").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hashed.contains("horse"));
        assert_ne!(hashed, hash("correct horse battery").unwrap(), "salted");
        assert!(is("correct horse battery", Some(&hashed)));
        assert!(!is("correct horse batterz", Some(&hashed)));
        assert!(!is("anything", None) && !is("anything", Some("no hash")));
        assert!(hash("short").is_err() && hash(&"x".repeat(2_000)).is_err());
    }

    #[test]
    fn nobody_s_hash_is_a_hash() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
