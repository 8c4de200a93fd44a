//! Clusters of sentences by the words they share: intents, wishes (product F-98). Lexical, offline, and the same for the same
//! sentences whatever their order (INV-04).
//!
//! A sentence becomes the set of its telling words; equal sets are one phrase. Phrases are taken from the most said to the least,
//! and each joins the cluster whose leader shares most words with it, at least half of all words of both (Jaccard), or
//! leads a new one. A leader never changes, so a cluster keeps its name while more is said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Words of one sentence that are looked at; the rest of a longer one is left out.
const WORDS: usize = 24;
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
    let mut phrases: BTreeMap<BTreeSet<String>, Vec<usize>> = BTreeMap::new();
    for (i, sentence) in sentences.iter().enumerate() {
        let words = words(sentence.as_ref());
        if !words.is_empty() {
            phrases.entry(words).or_default().push(i);
        }
    }
    let rarity = rarity(phrases.keys());
    let mut phrases: Vec<(&BTreeSet<String>, &Vec<usize>)> = phrases.iter().collect();
    // Stable: equally frequent phrases stay in the order of their words.
    phrases.sort_by_key(|(_, said)| std::cmp::Reverse(said.len()));

    let mut leaders = Leaders::default();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (words, said) in phrases {
        let mut words: Vec<u32> = words.iter().filter_map(|w| rarity.get(w.as_str()).copied()).collect();
        words.sort_unstable();
        match leaders.nearest(&words).and_then(|leader| members.get_mut(leader)) {
            Some(members) => members.extend(said),
            None => {
                leaders.add(words);
                members.push(said.clone());
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

/// A number for each word, the rarest first.
fn rarity<'a>(phrases: impl Iterator<Item = &'a BTreeSet<String>>) -> HashMap<&'a str, u32> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for word in phrases.flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let mut words: Vec<(u32, &str)> = counts.into_iter().map(|(word, n)| (n, word)).collect();
    words.sort_unstable();
    words.into_iter().zip(0..).map(|((_, word), number)| (word, number)).collect()
}

/// Phrases that lead a cluster, found by their rarest words.
///
/// Two sets of which half of all words are common share at least half of the words of each; so one of the common words is among
/// the rarer half, and one more, of both (the prefix filter of set-similarity joins, Bayardo, Ma and Srikant, WWW 2007). No other
/// leader is compared.
#[derive(Default)]
struct Leaders {
    all: Vec<Leader>,
    by_rare: HashMap<u32, Vec<usize>>,
    /// Number of the question asked last.
    asked: u64,
}

struct Leader {
    words: Vec<u32>,
    /// A bit for each word, shared by those that are equal modulo 128.
    bits: u128,
    /// The question that met it last.
    met: u64,
}

impl Leaders {
    fn add(&mut self, words: Vec<u32>) {
        for word in rare(&words) {
            self.by_rare.entry(*word).or_default().push(self.all.len());
        }
        let bits = bits(&words);
        self.all.push(Leader { words, bits, met: 0 });
    }

    /// The leader that is most alike, the earliest of equals.
    fn nearest(&mut self, words: &[u32]) -> Option<usize> {
        self.asked += 1;
        let bits = bits(words);
        // Words that share their bit with another are counted as if all were common.
        let doubled = words.len() - bits.count_ones() as usize;
        let mut best: Option<(f64, usize)> = None;
        for number in rare(words).iter().filter_map(|w| self.by_rare.get(w)).flatten() {
            let Some(leader) = self.all.get_mut(*number).filter(|l| l.met != self.asked) else { continue };
            leader.met = self.asked;
            let least = best.map_or(ALIKE, |(most, _)| most);
            let at_most = (leader.bits & bits).count_ones() as usize + doubled;
            if share(at_most, words, &leader.words) < least {
                continue;
            }
            let shared = words.iter().filter(|w| leader.words.binary_search(w).is_ok()).count();
            let alike = share(shared, words, &leader.words);
            let nearer =
                |(most, earliest): (f64, usize)| alike > most || (alike == most && *number < earliest);
            if alike >= ALIKE && best.is_none_or(nearer) {
                best = Some((alike, *number));
            }
        }
        best.map(|(_, leader)| leader)
    }
}

fn bits(words: &[u32]) -> u128 {
    words.iter().fold(0, |bits, word| bits | 1 << (word % 128))
}

/// The words of which a set that is [`ALIKE`] has at least one among its own.
fn rare(words: &[u32]) -> &[u32] {
    let common = (words.len() as f64 * ALIKE).ceil() as usize;
    words.get(..=words.len().saturating_sub(common)).unwrap_or(words)
}

/// So many common words, as a share of all words of both.
fn share(shared: usize, a: &[u32], b: &[u32]) -> f64 {
    let shared = shared.min(a.len()).min(b.len());
    shared as f64 / (a.len() + b.len() - shared) as f64
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
    let lower = sentence.to_lowercase();
    let all: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(WORDS).collect();
    let mut telling = BTreeSet::new();
    for word in &all {
        if word.chars().any(|c| c.is_ascii_digit()) || DULL.binary_search(word).is_ok() {
            continue;
        }
        let signs: Vec<char> = word.chars().collect();
        if signs.len() > 1 && signs.iter().all(|c| is_unspaced(*c)) {
            telling.extend(signs.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            telling.insert(singular(word).to_owned());
        }
    }
    if telling.is_empty() { all.into_iter().map(str::to_owned).collect() } else { telling }
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
