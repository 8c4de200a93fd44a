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

/// Wishes in like words after one was shipped, in the whole project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// How many, among the newest [`LATER_WISHES`].
    pub wishes: u64,
    /// The newest of them.
    pub newest: Option<Timestamp>,
}

/// Later wishes that a shipped one is held against.
pub const LATER_WISHES: usize = 1_000;

/// What an agent said of a tool or of the whole, as far as lists show it.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who said it, when, in which words.
    pub event: EventRow,
    /// One of [`Said::KINDS`].
    pub kind: &'static str,
    /// One of [`Said::SENTIMENTS`], where it was said.
    pub sentiment: Option<&'static str>,
}

impl Said {
    /// Sorts of feedback; the last stands for every other.
    pub const KINDS: [&'static str; 4] = ["missing_capability", "issue", "praise", "other"];
    /// Sentiments.
    pub const SENTIMENTS: [&'static str; 4] = ["positive", "neutral", "negative", "mixed"];
    /// The tag that holds the sort of a feedback.
    pub const TYPE_TAG: &'static str = "feedback_type";
    /// The tag that holds its sentiment.
    pub const SENTIMENT_TAG: &'static str = "feedback_sentiment";

    /// The sort a word stands for.
    pub fn kind(word: &str) -> &'static str {
        Self::KINDS.into_iter().find(|kind| *kind == word).unwrap_or("other")
    }

    /// The sentiment a word stands for; any other word is none.
    pub fn sentiment(word: &str) -> Option<&'static str> {
        Self::SENTIMENTS.into_iter().find(|sentiment| *sentiment == word)
    }
}

/// One wish: the event in which it was said, and what somebody noted on it.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who asked, when, in which words.
    pub event: EventRow,
    /// `None`: nobody noted anything.
    pub note: Option<WishNote>,
    /// Where it is shipped: whether it was asked for again since.
    pub again: Option<Again>,
    /// A tool that may answer it now.
    pub answer: Option<Answer>,
    /// The words that name its matter: wishes of this page in like words have the same; empty where it has none.
    pub matter: String,
}

/// A tool that was first listed after a wish, and whose name and description have at least half of its telling words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its name.
    pub tool: String,
    /// When it was first listed.
    pub since: Timestamp,
}
