//! Groups that a person took out of others by hand: by message, or by client (dashboard §7.6).
//!
//! The writer of the store asks for [`group_of`] of every failed event. What it answers is a function of the event and of the words
//! said alone, so order and repetition cannot change the groups (INV-04): a word makes the partition finer, and nothing undoes it
//! but showing the parts as one again.

use xxhash_rust::xxh3::xxh3_128;

use super::{Fingerprint, TITLE_CHARS, normalise};

/// How deep parts may be taken out of parts.
pub const DEPTH: usize = 8;

/// What failures that are taken out have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The message, word for word but for spaces around it.
    Message(String),
    /// Messages that read like this one once numbers, ids and the like are taken out ([`normalise`]).
    Alike(String),
    /// The client the failed event itself names. What its session learns of the client later takes no part: it depends on order.
    Client(String),
}

/// What of a failure is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure<'a> {
    /// Its message.
    pub message: &'a str,
    /// The name of its client.
    pub client: Option<&'a str>,
}

/// A word: failures of one group that are a group of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The group they are taken out of.
    pub from: Fingerprint,
    /// What they have in common.
    pub by: By,
}

impl By {
    /// As it is stored: what it goes by, and the value.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Message(text) => ("message", text),
            Self::Alike(text) => ("alike", text),
            Self::Client(name) => ("client", name),
        }
    }

    /// The other way.
    pub fn parse(what: &str, value: &str) -> Option<Self> {
        match what {
            "message" => Some(Self::Message(value.to_owned())),
            "alike" => Some(Self::Alike(value.to_owned())),
            "client" => Some(Self::Client(value.to_owned())),
            _ => None,
        }
    }

    /// What the group is called, where its failures would be called `title`: so that it is told from the one it was taken out of.
    pub fn title(&self, title: String) -> String {
        let mut title: Box<str> = match self {
            Self::Message(text) if !text.is_empty() => text.lines().next().unwrap_or("").into(),
            Self::Client(name) if !name.is_empty() => format!("{name}: {title}").into(),
            Self::Message(_) | Self::Alike(_) | Self::Client(_) => return title,
        };
        trackway_event::validate::cut_text(&mut title, TITLE_CHARS);
        title.into()
    }

    /// Whether it takes a failure out.
    pub fn takes(&self, failure: &Failure<'_>) -> bool {
        match self {
            Self::Message(text) => failure.message.trim() == text,
            Self::Alike(text) => normalise(failure.message.trim()) == *text,
            Self::Client(name) => failure.client == Some(name),
        }
    }
}

impl Word {
    /// The group that it makes: the same one when it is said again.
    pub fn made(&self) -> Fingerprint {
        let (what, value) = self.by.parts();
        let mut parts = format!("apart\0{what}\0{value}\0").into_bytes();
        parts.extend(self.from.0);
        Fingerprint(xxh3_128(&parts).to_be_bytes())
    }
}

/// The group of a failure whose own is `group`, by words in the order they were said: the first that fits counts, and those on the
/// part that it makes follow.
pub fn group_of<'a>(
    group: Fingerprint,
    words: impl IntoIterator<Item = &'a Word> + Clone,
    failure: &Failure<'_>,
) -> Fingerprint {
    let mut at = group;
    for _ in 0..DEPTH {
        let mut fits = words.clone().into_iter();
        let Some(word) = fits.find(|word| word.from == at && word.by.takes(failure)) else { return at };
        at = word.made();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Fingerprint = Fingerprint([7; 16]);

    fn word(from: Fingerprint, by: By) -> Word {
        Word { from, by }
    }

    #[test]
    fn a_word_takes_out_what_fits_and_nothing_else() {
        let failure = |message, client| Failure { message, client };
        for (by, fits, other) in [
            (
                By::Message("no order 17".into()),
                failure(" no order 17\n", None),
                failure("no order 18", None),
            ),
            (
                By::Alike(normalise("no order 17")),
                failure("no order 18", None),
                failure("no such order", None),
            ),
            (By::Client("zed".into()), failure("x", Some("zed")), failure("x", None)),
        ] {
            let words = [word(GROUP, by)];
            assert_eq!(group_of(GROUP, &words, &fits), words[0].made());
            assert_eq!(group_of(GROUP, &words, &other), GROUP);
            let elsewhere = Fingerprint([8; 16]);
            assert_eq!(group_of(elsewhere, &words, &fits), elsewhere, "of that group only");
            let (what, value) = words[0].by.parts();
            assert_eq!(By::parse(what, value).as_ref(), Some(&words[0].by));
        }
        assert_eq!(By::parse("moon", "full"), None);
        let titles =
            [By::Message("no 17\nat x".into()), By::Alike("no <n>".into()), By::Client("zed".into())];
        let titles = titles.map(|by| by.title("no <n>".into()));
        assert_eq!(titles, ["no 17", "no <n>", "zed: no <n>"]);
    }

    #[test]
    fn the_word_said_first_counts_and_those_on_its_part_follow() {
        let by_message = word(GROUP, By::Message("late".into()));
        let by_client = word(GROUP, By::Client("zed".into()));
        let of_part = word(by_message.made(), By::Client("zed".into()));
        let failure = Failure { message: "late", client: Some("zed") };
        let words = [by_message.clone(), by_client.clone(), of_part.clone()];
        assert_eq!(group_of(GROUP, &words, &failure), of_part.made());
        let words = [by_client.clone(), by_message, of_part];
        assert_eq!(group_of(GROUP, &words, &failure), by_client.made());
    }
}
