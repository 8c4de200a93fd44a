//! The bytes of small derived facts in the ledger: varints and length-prefixed texts. Used by `session`, `person` and
//! `sketch`. Reading is safe on any bytes: a bad length or a missing byte is `None`, never a panic or a big allocation.

/// Appends facts to a buffer.
pub(crate) trait Put {
    /// An unsigned number, 7 bits a byte, low first.
    fn put_u64(&mut self, n: u64);
    /// A signed number, zigzag.
    fn put_i64(&mut self, n: i64);
    /// A text with its length before it.
    fn put_text(&mut self, text: &str);
}

impl Put for Vec<u8> {
    fn put_u64(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.push(n as u8);
    }

    fn put_i64(&mut self, n: i64) {
        self.put_u64(((n << 1) ^ (n >> 63)) as u64);
    }

    fn put_text(&mut self, text: &str) {
        self.put_u64(text.len() as u64);
        self.extend_from_slice(text.as_bytes());
    }
}

/// Takes facts from the front of a buffer.
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            n |= part << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        let n = self.u64()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// A count of things that take at least one byte each, so never more than there are bytes.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let n = usize::try_from(self.u64()?).ok()?;
        (n <= self.0.len()).then_some(n)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let n = self.count()?;
        let (text, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A closed list of words, each with a number for the ledger that is never reused.
macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal : $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* $variant = $code,)+
        }

        impl $name {
            /// The word in every surface.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The number in the ledger.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The member with this number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use coded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let mut bytes = Vec::new();
        for n in [0, 1, 127, 128, u64::MAX] {
            bytes.put_u64(n);
        }
        for n in [0, -1, i64::MIN, i64::MAX] {
            bytes.put_i64(n);
        }
        bytes.put_text("日本");
        let mut take = Take(&bytes);
        for n in [0, 1, 127, 128, u64::MAX] {
            assert_eq!(take.u64(), Some(n));
        }
        for n in [0, -1, i64::MIN, i64::MAX] {
            assert_eq!(take.i64(), Some(n));
        }
        assert_eq!(take.text(), Some("日本"));
        assert!(take.end().is_some());
    }

    #[test]
    fn hostile_bytes_are_refused() {
        assert_eq!(Take(&[0xff; 11]).u64(), None);
        assert_eq!(Take(&[0x80]).u64(), None);
        assert_eq!(Take(&[0x7f, b'a']).text(), None);
        assert_eq!(Take(&[1, 0xff]).text(), None);
    }
}
