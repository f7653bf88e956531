//! Training of subwords with the trainers of the `tokenizers` crate, made deterministic.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};

use tokenizers::{
    models::{
        bpe::{BPE, BpeTrainer},
        unigram::{Unigram, UnigramTrainer},
    },
    parallelism::{get_parallelism, set_parallelism},
};

use super::byte_letters::{letter, letters};
use super::segments::each_segment;
use crate::error::Result;

/// The number of byte tokens, which are in every subword vocabulary so that every text can be encoded.
pub(crate) const BYTES: u32 = 256;

/// The name of the unknown token in a unigram model. No segment of a text equals it.
pub(crate) const UNKNOWN: &str = "<unk>";

/// The largest total count: the trainers count in 32 bits.
const MAX_TOTAL_COUNT: u64 = 1 << 30;

/// The smallest total count for the unigram trainer. It prunes pieces with an expected count below one half, and with
/// fewer occurrences it could prune all of them.
const MIN_TOTAL_COUNT: u64 = 1000;

pub(crate) type Trained<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How often each segment occurs, scaled down where the trainers could not count it.
pub(crate) fn count_segments<T: AsRef<str>>(texts: impl Iterator<Item = Result<T>>) -> Result<BTreeMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for text in texts {
        each_segment(text?.as_ref(), |_, segment| match counts.get_mut(segment) {
            Some(count) => *count += 1,
            None => drop(counts.insert(segment.to_string(), 1)),
        });
    }
    let total: u64 = counts.iter().map(|(segment, count)| segment.len() as u64 * count).sum();
    let divisor = total.div_ceil(MAX_TOTAL_COUNT).max(1);
    let scaled = counts.into_iter().map(|(segment, count)| (segment, count / divisor));
    Ok(scaled.filter(|(_, count)| *count > 0).collect())
}

/// At most `room` merges of bytes.
pub(crate) fn train_bpe(
    counts: &BTreeMap<String, u64>,
    room: usize,
    min_count: usize,
) -> Trained<Vec<(String, String)>> {
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(BYTES as usize + room)
        .min_frequency(min_count as u64)
        .initial_alphabet((0..=u8::MAX).map(letter).collect())
        .build();
    let mut model = BPE::default();
    let words = counts.iter().map(|(segment, count)| (letters(segment).into(), *count)).collect();
    on_one_thread(|| trainer.do_train(&words, &mut model))?;
    let merges = serde_json::to_value(&model)?["merges"].take();
    Ok(serde_json::from_value(merges)?)
}

/// At most `room` pieces with their log-probabilities.
pub(crate) fn train_unigram(
    counts: &BTreeMap<String, u64>,
    room: usize,
    min_count: usize,
) -> Trained<Vec<(String, f64)>> {
    let alphabet = alphabet(counts, (room / 2).max(1));
    let mut sentences: BTreeMap<String, u64> = BTreeMap::new();
    for (segment, count) in counts.iter().filter(|(_, count)| **count >= min_count as u64) {
        for known in segment.split(|c| !alphabet.contains_key(&c)).filter(|known| !known.is_empty()) {
            *sentences.entry(known.to_string()).or_default() += count;
        }
    }
    if sentences.is_empty() {
        // No segment is frequent enough: the pieces are single characters.
        sentences.extend(alphabet.keys().map(|c| (c.to_string(), 1)));
    }
    if sentences.is_empty() {
        return Ok(vec![]);
    }
    let factor = MIN_TOTAL_COUNT.div_ceil(sentences.values().sum());
    let sentences = sentences.into_iter().map(|(text, count)| (text, (count * factor) as u32));

    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(u32::try_from(room + 1)?)
        .unk_token(Some(UNKNOWN.to_string()))
        .build()?;
    let model = run_unigram_trainer(&trainer, sentences.collect())?;
    Ok(sorted_pieces(&model, room))
}

/// Runs the trainer on one thread.
///
/// The suffix array that it uses (esaxx-rs 0.1.10) panics on a few texts of some dozen characters. One more sentence, of
/// a letter that occurs anyway, makes another array.
fn run_unigram_trainer(trainer: &UnigramTrainer, mut sentences: Vec<(String, u32)>) -> Trained<Unigram> {
    const ATTEMPTS: usize = 8;
    let letter: String = sentences.iter().flat_map(|(text, _)| text.chars()).take(1).collect();
    for attempt in 1..=ATTEMPTS {
        let mut model = Unigram::default();
        let train = || catch_unwind(AssertUnwindSafe(|| trainer.do_train(sentences.clone(), &mut model)));
        if let Ok(trained) = on_one_thread(train) {
            trained?;
            return Ok(model);
        }
        sentences.push((letter.repeat(attempt), 1));
    }
    Err("there are too few of them".into())
}

/// The most frequent characters, of which pieces consist. The others are encoded as bytes.
fn alphabet(counts: &BTreeMap<String, u64>, room: usize) -> HashMap<char, u64> {
    let mut alphabet: HashMap<char, u64> = HashMap::new();
    for (segment, count) in counts {
        // The trainer terminates its sentences with NUL.
        segment.chars().filter(|c| *c != '\0').for_each(|c| *alphabet.entry(c).or_default() += count);
    }
    let mut sorted: Vec<(char, u64)> = alphabet.into_iter().collect();
    sorted.sort_unstable_by_key(|(c, count)| (std::cmp::Reverse(*count), *c));
    sorted.truncate(room);
    sorted.into_iter().collect()
}

/// The pieces of a trained model, from the most likely, always in the same order.
///
/// The trainer visits the characters that it has no score for in an order that differs from run to run, and gives each a
/// slightly higher score than the one before. Here these scores are assigned in the order of the code points.
fn sorted_pieces(model: &Unigram, room: usize) -> Vec<(String, f64)> {
    const STEP: f64 = 0.0001;
    let all = model.iter().filter(|(piece, _)| piece != UNKNOWN).cloned();
    let (mut singles, mut longer): (Vec<_>, Vec<_>) = all.partition(|(piece, _)| piece.chars().nth(1).is_none());

    singles.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    let lowest = singles.first().map_or(0.0, |(_, score)| *score);
    let is_step = |(step, (_, score)): &(usize, &(String, f64))| (score - lowest - *step as f64 * STEP).abs() < 1e-9;
    let steps = singles.iter().enumerate().take_while(is_step).count();
    let mut stepped: Vec<String> = singles[..steps].iter().map(|(piece, _)| piece.clone()).collect();
    stepped.sort_unstable();
    for (single, piece) in singles.iter_mut().zip(stepped) {
        single.0 = piece;
    }

    let order = |a: &(String, f64), b: &(String, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    // Six decimals survive a round trip through a file.
    let rounded = |(piece, score): (String, f64)| (piece, (score * 1e6).round() / 1e6);
    longer.sort_by(order);
    longer.truncate(room.saturating_sub(singles.len()));
    let mut pieces: Vec<_> = singles.into_iter().chain(longer).map(rounded).collect();
    pieces.sort_by(order);
    pieces
}

/// Makes the trainer sum in a fixed order, so that results do not differ in their last digits.
fn on_one_thread<T>(train: impl FnOnce() -> T) -> T {
    // The setting is global to the process, so only one trainer runs at a time.
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let before = get_parallelism();
    set_parallelism(false);
    let trained = train();
    set_parallelism(before);
    trained
}
