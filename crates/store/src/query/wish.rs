//! Wishes: what agents asked for and did not find, and what becomes of it (F-101).

use trackway_event::Timestamp;

use super::EventRow;

/// Characters of a note.
pub const NOTE_CHARS: usize = 500;

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WishStatus {
    /// Nobody has looked at it.
    #[default]
    New,
    /// It will be made.
    Planned,
    /// It is there.
    Shipped,
    /// It will not be made.
    Declined,
}

impl WishStatus {
    /// All, in the order of a wish's life.
    pub const ALL: [Self; 4] = [Self::New, Self::Planned, Self::Shipped, Self::Declined];

    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Planned => "planned",
            Self::Shipped => "shipped",
            Self::Declined => "declined",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What somebody noted on a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishNote {
    /// What becomes of it.
    pub status: WishStatus,
    /// Free words.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
}

/// One wish: the event in which it was said, and what somebody noted on it.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who asked, when, in which words.
    pub event: EventRow,
    /// `None`: nobody noted anything.
    pub note: Option<WishNote>,
}
