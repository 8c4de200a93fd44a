//! Clusters of sentences by the words they share: intents, wishes (product F-98). Lexical, offline, and the same for the same
//! sentences whatever their order (INV-04).
//!
//! A sentence becomes the set of its telling words; equal sets are one phrase. Phrases are taken from the most said to the least,
//! and each joins the cluster whose leader shares most words with it, at least half of all words of both (Jaccard), or
//! leads a new one. A leader never changes, so a cluster keeps its name while more is said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Words of one sentence that are looked at; the rest of a longer one is left out.
const WORDS: usize = 24;
/// Words, or pairs of signs, that a sentence is compared by.
const MOST_WORDS: usize = 255;
/// Share of common words, of all words of both, from which two phrases are one matter.
const ALIKE: f64 = 0.5;
/// Words that tell nothing of the matter. Short and English on purpose: a missed one only makes phrases a little less alike.
const DULL: &[&str] = &[
    "a", "about", "after", "all", "an", "and", "any", "are", "as", "at", "be", "before", "by", "can",
    "could", "do", "does", "for", "from", "has", "have", "i", "if", "in", "into", "is", "it", "its", "me",
    "my", "need", "of", "on", "or", "our", "please", "should", "so", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "up", "user", "want", "wants", "was", "we", "were",
    "what", "when", "where", "which", "who", "will", "with", "would", "you", "your",
];

/// Sentences about one matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The sentence most often said in it, word for word; the shortest, then the first by letters, of equally frequent ones.
    pub name: String,
    /// Positions in what was given, in that order.
    pub members: Vec<usize>,
}

/// The clusters of these sentences, largest first. Blank sentences are in none.
pub fn clusters<S: AsRef<str>>(sentences: &[S]) -> Vec<Cluster> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut phrases: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
    for (i, sentence) in sentences.iter().enumerate() {
        let mut phrase = Vec::new();
        each_word(sentence.as_ref(), |word| {
            let next = numbers.len() as u32;
            phrase.push(match numbers.get(word) {
                Some(number) => *number,
                None => *numbers.entry(word.to_owned()).or_insert(next),
            });
        });
        phrase.sort_unstable();
        phrase.dedup();
        if !phrase.is_empty() {
            phrases.entry(phrase).or_default().push(i);
        }
    }
    let places = Places::of(&numbers, phrases.keys());
    let mut phrases: Vec<(Vec<u32>, Vec<usize>, Vec<u32>)> = phrases
        .into_iter()
        .map(|(phrase, said)| (places.in_letters(&phrase), said, places.in_rarity(&phrase)))
        .collect();
    // Equally frequent phrases in the order of their words.
    phrases.sort_by(|(a, most, _), (b, more, _)| more.len().cmp(&most.len()).then_with(|| a.cmp(b)));

    let mut leaders = Leaders::of(numbers.len());
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (_, said, words) in phrases {
        match leaders.nearest(&words).and_then(|leader| members.get_mut(leader)) {
            Some(members) => members.extend(said),
            None => {
                leaders.add(words);
                members.push(said);
            }
        }
    }
    let mut clusters: Vec<Cluster> = members
        .into_iter()
        .map(|mut members| {
            members.sort_unstable();
            Cluster { name: name(sentences, &members), members }
        })
        .collect();
    clusters.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then_with(|| a.name.cmp(&b.name)));
    clusters
}

/// The places of every word, by its number, in two orders.
struct Places {
    letters: Vec<u32>,
    /// The rarest first.
    rarity: Vec<u32>,
}

impl Places {
    fn of<'a>(numbers: &HashMap<String, u32>, phrases: impl Iterator<Item = &'a Vec<u32>>) -> Self {
        let mut counts = vec![0u32; numbers.len()];
        for word in phrases.flatten() {
            if let Some(count) = counts.get_mut(*word as usize) {
                *count += 1;
            }
        }
        let mut words: Vec<(&str, u32)> = numbers.iter().map(|(word, n)| (word.as_str(), *n)).collect();
        words.sort_unstable();
        let letters = Self::places(&words);
        // Stable: equally rare ones stay in the order of their letters.
        words.sort_by_key(|(_, n)| counts.get(*n as usize).copied());
        Self { letters, rarity: Self::places(&words) }
    }

    fn places(words: &[(&str, u32)]) -> Vec<u32> {
        let mut places = vec![0; words.len()];
        for ((_, number), place) in words.iter().zip(0..) {
            if let Some(at) = places.get_mut(*number as usize) {
                *at = place;
            }
        }
        places
    }

    fn in_letters(&self, phrase: &[u32]) -> Vec<u32> {
        sorted(phrase, &self.letters)
    }

    fn in_rarity(&self, phrase: &[u32]) -> Vec<u32> {
        sorted(phrase, &self.rarity)
    }
}

fn sorted(phrase: &[u32], places: &[u32]) -> Vec<u32> {
    let mut words: Vec<u32> = phrase.iter().filter_map(|n| places.get(*n as usize).copied()).collect();
    words.sort_unstable();
    words
}

/// Phrases that lead a cluster, found by their rarest words.
///
/// Two sets of which half of all words are common share at least half of the words of each; so one of the common words is among
/// the rarer half, and one more, of both (the prefix filter of set-similarity joins, Bayardo, Ma and Srikant, WWW 2007). No other
/// leader is compared; nor is one whose first common word stands so late in either that too few can follow (the positional
/// filter, Xiao, Wang, Lin and Yu, WWW 2008).
struct Leaders {
    all: Vec<Vec<u32>>,
    /// By leader, a bit for each word, shared by those that are equal modulo 128.
    bits: Vec<u128>,
    /// The question that met a leader last.
    met: Vec<u32>,
    /// By word, the leaders that have it among their rarest.
    by_rare: Vec<Vec<Posting>>,
    /// Words of the longest.
    longest: usize,
    /// Number of the question asked last.
    asked: u32,
}

/// A leader with a word.
struct Posting {
    leader: u32,
    /// Words of the leader from this one on.
    left: u8,
    words: u8,
}

impl Leaders {
    /// None yet, of so many words.
    fn of(words: usize) -> Self {
        let by_rare = std::iter::repeat_with(Vec::new).take(words).collect();
        Self { all: Vec::new(), bits: Vec::new(), met: Vec::new(), by_rare, longest: 0, asked: 0 }
    }

    fn add(&mut self, words: Vec<u32>) {
        let (leader, count) = (self.all.len() as u32, words.len() as u8);
        for (word, place) in rare(&words).iter().zip(0..) {
            if let Some(with) = self.by_rare.get_mut(*word as usize) {
                with.push(Posting { leader, left: count - place, words: count });
            }
        }
        self.longest = self.longest.max(words.len());
        self.bits.push(bits(&words));
        self.all.push(words);
        self.met.push(0);
    }

    /// The leader that is most alike, the earliest of equals.
    fn nearest(&mut self, words: &[u32]) -> Option<usize> {
        self.asked += 1;
        let asked = bits(words);
        // Words that share their bit with another are counted as if all were common.
        let doubled = words.len() - asked.count_ones() as usize;
        let mut best: Option<(f64, u32)> = None;
        let mut least = Least::of(ALIKE, words.len(), self.longest);
        for (place, word) in rare(words).iter().enumerate() {
            let left = words.len() - place;
            for posting in self.by_rare.get(*word as usize).into_iter().flatten() {
                let number = posting.leader as usize;
                let least_common = least.common(posting.words);
                if left.min(posting.left.into()) < least_common {
                    continue;
                }
                let Some(met) = self.met.get_mut(number).filter(|met| **met != self.asked) else { continue };
                *met = self.asked;
                let Some(its) = self.bits.get(number) else { continue };
                if (its & asked).count_ones() as usize + doubled < least_common {
                    continue;
                }
                let Some(leader) = self.all.get(number) else { continue };
                let alike = share(common(words, leader), words.len(), leader.len());
                let (most, earliest) = best.unwrap_or((ALIKE, u32::MAX));
                if alike > most || (alike == most && posting.leader < earliest) {
                    best = Some((alike, posting.leader));
                    least = Least::of(alike, words.len(), self.longest);
                }
            }
        }
        best.map(|(_, leader)| leader as usize)
    }
}

/// How many words a set of some size must at least have in common with one that is asked for.
struct Least([u8; MOST_WORDS + 1]);

impl Least {
    /// For sets of up to `longest` words.
    fn of(alike: f64, words: usize, longest: usize) -> Self {
        let mut least = [0; MOST_WORDS + 1];
        for (size, least) in least.iter_mut().enumerate().take(longest + 1) {
            // A little less, so that what is equal passes however it was rounded.
            *least = (alike * (words + size) as f64 / (1.0 + alike) - 1e-6).ceil() as u8;
        }
        Self(least)
    }

    fn common(&self, size: u8) -> usize {
        self.0.get(usize::from(size)).copied().unwrap_or_default().into()
    }
}

fn bits(words: &[u32]) -> u128 {
    words.iter().fold(0, |bits, word| bits | 1 << (word % 128))
}

/// How many words two sorted sets have in common.
fn common(a: &[u32], b: &[u32]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut common = 0;
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        let order = one.cmp(other);
        common += usize::from(order.is_eq());
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
    }
    common
}

/// The words of which a set that is [`ALIKE`] has at least one among its own.
fn rare(words: &[u32]) -> &[u32] {
    let common = (words.len() as f64 * ALIKE).ceil() as usize;
    words.get(..=words.len().saturating_sub(common)).unwrap_or(words)
}

/// So many common words, as a share of all words of both sets, of these sizes.
fn share(common: usize, a: usize, b: usize) -> f64 {
    common as f64 / (a + b - common) as f64
}

/// Which share of the telling words of a sentence a text has, 0 to 1; 0 where fewer than two are common, for one tells little.
pub fn told_by(sentence: &str, text: &str) -> f64 {
    let (asked, given) = (words(sentence), all_words(text));
    let common = asked.iter().filter(|word| given.contains(word.as_str())).count();
    if common < 2 { 0.0 } else { common as f64 / asked.len() as f64 }
}

/// Every word of a text, however long, as [`words`] writes them.
fn all_words(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    parts.chunks(WORDS).flat_map(|chunk| words(&chunk.join(" "))).collect()
}

/// The sentence most often said.
fn name<S: AsRef<str>>(sentences: &[S], members: &[usize]) -> String {
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for sentence in members.iter().filter_map(|i| sentences.get(*i)) {
        *said.entry(sentence.as_ref().trim()).or_default() += 1;
    }
    let best = said.into_iter().max_by(|(a, n), (b, m)| {
        n.cmp(m).then_with(|| b.chars().count().cmp(&a.chars().count())).then_with(|| b.cmp(a))
    });
    best.map(|(sentence, _)| sentence.to_owned()).unwrap_or_default()
}

/// The telling words of a sentence: small letters, without an English plural's s, without dull words and without what names one
/// single thing (ids, numbers). Where nothing is left, all of them; scripts without spaces count in pairs of signs.
fn words(sentence: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    each_word(sentence, |word| {
        words.insert(word.to_owned());
    });
    words
}

/// Gives each of them, some more than once; at most [`MOST_WORDS`].
fn each_word(sentence: &str, mut each: impl FnMut(&str)) {
    let lower = sentence.to_lowercase();
    let all = || lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(WORDS);
    let mut room = MOST_WORDS;
    let mut give = |word: &str| {
        if room > 0 {
            room -= 1;
            each(word);
        }
    };
    let mut telling = false;
    for word in all() {
        if word.chars().any(|c| c.is_ascii_digit()) || DULL.binary_search(&word).is_ok() {
            continue;
        }
        telling = true;
        let mut signs = word.char_indices().map(|(at, _)| at);
        if word.chars().nth(1).is_some() && word.chars().all(is_unspaced) {
            // Every sign with the one after it.
            let starts: Vec<usize> = signs.by_ref().chain(std::iter::once(word.len())).collect();
            for pair in starts.windows(3) {
                if let [start, _, end] = pair {
                    give(word.get(*start..*end).unwrap_or_default());
                }
            }
        } else {
            give(singular(word));
        }
    }
    if !telling {
        all().for_each(give);
    }
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i']) => stem,
        Some(_) | None => word,
    }
}

/// Han, Hiragana, Katakana and Thai are written without spaces.
const fn is_unspaced(c: char) -> bool {
    matches!(c as u32, 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
