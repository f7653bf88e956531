//! Subwords: frequent words whole, rare ones in pieces, and nothing unknown.
//!
//! The pieces are found by the trainers of the `tokenizers` crate. What lies around its models is
//! ours, for three reasons: every text has to come back as it was, whatever its letters; no text
//! may spell a special token; and a line of any length takes time in proportion to it.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{LazyLock, Mutex, PoisonError},
};

use tokenizers::{
    Model,
    models::{
        bpe::{BPE, BpeTrainer},
        unigram::{Unigram, UnigramTrainer},
    },
    parallelism::{get_parallelism, set_parallelism},
};
use unicode_segmentation::UnicodeSegmentation;

use super::tokenizer::{FIRST, TokenizerConfig, TokenizerKind};
use crate::{DataError, Result};

/// The vocabulary where nobody says how large it should be.
const DEFAULT: usize = 4000;

/// The bytes are in every vocabulary, so that there is a way to write anything.
const BYTES: u32 = 256;

/// The longest piece of a text that is looked at as a whole, in characters. Nothing a language
/// calls a word is longer; a megabyte without a blank is not one word.
const LONGEST: usize = 32;

/// Occurrences that the trainers can count: they do so in 32 bits.
const COUNTABLE: u64 = 1 << 30;

/// Occurrences below which the trainer of unigrams, which drops what it expects less than half a
/// time, could drop everything.
const PLENTY: u64 = 1000;

/// What the unigram model calls a character it does not have. No cut of a text spells it.
const NO_PIECE: &str = "<unk>";

/// The special tokens, the bytes, the pieces: numbers are given in this order.
#[derive(Debug, Clone)]
pub(crate) struct Subwords {
    model: Pieces,
    /// What is written for each number after the special tokens.
    bytes: Vec<Box<[u8]>>,
    ids: HashMap<Box<[u8]>, u32>,
}

#[derive(Debug, Clone)]
enum Pieces {
    /// Its tokens are bytes written as letters, and merges of them.
    Bpe { model: Box<BPE>, merges: Vec<(String, String)> },
    /// Its tokens are pieces of text, after [`NO_PIECE`].
    Unigram { model: Box<Unigram>, pieces: Vec<(String, f64)> },
}

impl Subwords {
    pub(crate) fn fit<T: AsRef<str>>(
        request: &TokenizerConfig,
        texts: impl Iterator<Item = Result<T>>,
    ) -> Result<Self> {
        let vocabulary = if request.vocabulary == 0 { DEFAULT } else { request.vocabulary };
        let needed = (FIRST + BYTES + 1) as usize;
        let Some(room) = vocabulary.checked_sub(needed - 1).filter(|room| *room > 0) else {
            let codec = request.kind.to_string();
            return Err(DataError::VocabularyTooSmall { codec, needed, found: vocabulary });
        };
        let counts = count(texts)?;
        if counts.is_empty() {
            let codec = request.kind.to_string();
            return Err(DataError::NothingToFit { codec, piece: "word", min_count: 1 });
        }
        let fitted = match request.kind {
            TokenizerKind::Unigram => fit_unigram(&counts, room, request.min_count),
            _ => fit_bpe(&counts, room, request.min_count),
        };
        fitted.map_err(|cause| DataError::CannotFit { codec: request.kind.to_string(), cause })
    }

    /// Merges that were saved: pairs of bytes, and of what other merges make.
    pub(crate) fn bpe(merges: Vec<(String, String)>) -> Result<Self, String> {
        let mut names: Vec<String> = (0..=u8::MAX).map(|byte| letter(byte).to_string()).collect();
        let mut known: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
        for (a, b) in &merges {
            let merged = format!("{a}{b}");
            if !known.contains_key(&merged) {
                known.insert(merged.clone(), names.len() as u32);
                names.push(merged);
            }
        }
        let parts = || merges.iter().flat_map(|(a, b)| [a, b]);
        if let Some(unknown) = parts().find(|part| !known.contains_key(*part)) {
            return Err(format!("merges of known pieces, found {unknown:?}"));
        }
        let bytes = names.iter().map(|name| name.chars().filter_map(byte).collect());
        let model = BPE::new(known.iter().map(|(name, id)| (name.clone(), *id)).collect(), merges.clone());
        Ok(Self::new(Pieces::Bpe { model: Box::new(model), merges }, bytes.collect()))
    }

    /// Pieces that were saved, with the logarithm of how likely each is.
    pub(crate) fn unigram(pieces: Vec<(String, f64)>) -> Result<Self, String> {
        let mut seen = HashMap::new();
        for (piece, score) in &pieces {
            if piece.is_empty() || piece == NO_PIECE || !score.is_finite() {
                return Err(format!("pieces of text with finite scores, found {piece:?} with {score}"));
            }
            if seen.insert(piece, ()).is_some() {
                return Err(format!("each piece once, found {piece:?} again"));
            }
        }
        let all = std::iter::once((NO_PIECE.to_string(), 0.0)).chain(pieces.iter().cloned()).collect();
        let model = Unigram::from(all, Some(0), false).map_err(|cause| cause.to_string())?;
        let bytes = (0..=u8::MAX).map(|byte| Box::from([byte]));
        let bytes = bytes.chain(pieces.iter().map(|(piece, _)| Box::from(piece.as_bytes())));
        let bytes = bytes.collect();
        Ok(Self::new(Pieces::Unigram { model: Box::new(model), pieces }, bytes))
    }

    fn new(model: Pieces, bytes: Vec<Box<[u8]>>) -> Self {
        // Where a piece is a single byte it comes later than the byte, and is what a text is made of.
        let ids = bytes.iter().cloned().zip(FIRST..).collect();
        Self { model, bytes, ids }
    }

    pub(crate) fn kind(&self) -> TokenizerKind {
        match self.model {
            Pieces::Bpe { .. } => TokenizerKind::Bpe,
            Pieces::Unigram { .. } => TokenizerKind::Unigram,
        }
    }

    pub(crate) fn merges(&self) -> Option<&[(String, String)]> {
        match &self.model {
            Pieces::Bpe { merges, .. } => Some(merges),
            Pieces::Unigram { .. } => None,
        }
    }

    pub(crate) fn pieces(&self) -> Option<&[(String, f64)]> {
        match &self.model {
            Pieces::Bpe { .. } => None,
            Pieces::Unigram { pieces, .. } => Some(pieces),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is written for a number that is no special token's. It may be a part of a character.
    pub(crate) fn bytes(&self, id: u32) -> &[u8] {
        &self.bytes[(id - FIRST) as usize]
    }

    pub(crate) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text.as_bytes()).copied()
    }

    pub(crate) fn each(&self, text: &str, mut give: impl FnMut(u32, Range<usize>)) {
        // A piece that ends inside a character leaves the whole of it to the one that ends it.
        let floor = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        each_cut(text, |start, cut| {
            let mut at = start;
            self.each_of_cut(cut, |id| {
                let from = at;
                at += self.bytes(id).len();
                give(id, floor(from)..floor(at));
            });
        });
    }

    fn each_of_cut(&self, cut: &str, mut give: impl FnMut(u32)) {
        let mut give_bytes = |text: &str| text.bytes().for_each(|byte| give(FIRST + u32::from(byte)));
        match &self.model {
            Pieces::Bpe { model, .. } => match model.tokenize(&letters(cut)) {
                Ok(tokens) => tokens.into_iter().for_each(|token| give(FIRST + token.id)),
                Err(_) => give_bytes(cut),
            },
            Pieces::Unigram { model, .. } => match model.tokenize(cut) {
                Ok(tokens) => {
                    for token in tokens {
                        match token.id {
                            0 => token.value.bytes().for_each(|byte| give(FIRST + u32::from(byte))),
                            piece => give(FIRST + BYTES + piece - 1),
                        }
                    }
                }
                Err(_) => give_bytes(cut),
            },
        }
    }
}

/// Hands out a text in pieces that are encoded one by one: words with the blank before them,
/// punctuation marks, runs of other blanks; none longer than [`LONGEST`].
fn each_cut<'a>(text: &'a str, mut give: impl FnMut(usize, &'a str)) {
    let mut give_all = |range: Range<usize>| {
        let mut rest = range.start;
        while rest < range.end {
            let piece = &text[rest..range.end];
            let length = piece.char_indices().nth(LONGEST).map_or(piece.len(), |(at, _)| at);
            give(rest, &piece[..length]);
            rest += length;
        }
    };
    // Where a blank begins that waits for its word.
    let mut blank = None;
    for (at, segment) in text.split_word_bound_indices() {
        let end = at + segment.len();
        if segment.chars().all(char::is_whitespace) {
            if let Some(from) = blank.take() {
                give_all(from..at);
            }
            if segment.ends_with(' ') {
                give_all(at..end - 1);
                blank = Some(end - 1);
            } else {
                give_all(at..end);
            }
        } else {
            give_all(blank.take().unwrap_or(at)..end);
        }
    }
    if let Some(from) = blank {
        give_all(from..text.len());
    }
}

/// How often each cut occurs, in numbers that the trainers can count.
fn count<T: AsRef<str>>(texts: impl Iterator<Item = Result<T>>) -> Result<BTreeMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for text in texts {
        each_cut(text?.as_ref(), |_, cut| match counts.get_mut(cut) {
            Some(count) => *count += 1,
            None => drop(counts.insert(cut.to_string(), 1)),
        });
    }
    let total: u64 = counts.iter().map(|(cut, count)| cut.len() as u64 * count).sum();
    let divisor = total.div_ceil(COUNTABLE).max(1);
    let scaled = counts.into_iter().map(|(cut, count)| (cut, count / divisor));
    Ok(scaled.filter(|(_, count)| *count > 0).collect())
}

type Fitted<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn fit_bpe(counts: &BTreeMap<String, u64>, room: usize, min_count: usize) -> Fitted<Subwords> {
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(BYTES as usize + room)
        .min_frequency(min_count as u64)
        .initial_alphabet((0..=u8::MAX).map(letter).collect())
        .build();
    let mut model = BPE::default();
    let words = counts.iter().map(|(cut, count)| (letters(cut).into(), *count)).collect();
    one_thread(|| trainer.do_train(&words, &mut model))?;
    let merges = serde_json::to_value(&model)?["merges"].take();
    Ok(Subwords::bpe(serde_json::from_value(merges)?)?)
}

fn fit_unigram(counts: &BTreeMap<String, u64>, room: usize, min_count: usize) -> Fitted<Subwords> {
    let alphabet = alphabet(counts, (room / 2).max(1));
    let mut sentences: BTreeMap<String, u64> = BTreeMap::new();
    for (cut, count) in counts.iter().filter(|(_, count)| **count >= min_count as u64) {
        for known in cut.split(|c| !alphabet.contains_key(&c)).filter(|known| !known.is_empty()) {
            *sentences.entry(known.to_string()).or_default() += count;
        }
    }
    if sentences.is_empty() {
        // Nothing is frequent enough to be put together.
        sentences.extend(alphabet.keys().map(|c| (c.to_string(), 1)));
    }
    if sentences.is_empty() {
        return Ok(Subwords::unigram(vec![])?);
    }
    let factor = PLENTY.div_ceil(sentences.values().sum());
    let sentences = sentences.into_iter().map(|(text, count)| (text, (count * factor) as u32));

    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(u32::try_from(room + 1)?)
        .unk_token(Some(NO_PIECE.to_string()))
        .build()?;
    let model = trained(&trainer, sentences.collect())?;
    Ok(Subwords::unigram(settled(&model, room))?)
}

/// Trains on one thread.
///
/// The suffix array beneath the trainer (esaxx-rs 0.1.10) panics on a few texts of some dozen characters. Another word
/// makes another array: of a letter that is there anyway, once.
fn trained(trainer: &UnigramTrainer, mut sentences: Vec<(String, u32)>) -> Fitted<Unigram> {
    const TRIES: usize = 8;
    let letter: String = sentences.iter().flat_map(|(text, _)| text.chars()).take(1).collect();
    for more in 1..=TRIES {
        let mut model = Unigram::default();
        let train = || catch_unwind(AssertUnwindSafe(|| trainer.do_train(sentences.clone(), &mut model)));
        if let Ok(done) = one_thread(train) {
            done?;
            return Ok(model);
        }
        sentences.push((letter.repeat(more), 1));
    }
    Err("there are too few of them".into())
}

/// The characters that pieces are made of: the most frequent ones. Others are written in bytes.
fn alphabet(counts: &BTreeMap<String, u64>, room: usize) -> HashMap<char, u64> {
    let mut alphabet: HashMap<char, u64> = HashMap::new();
    for (cut, count) in counts {
        // The trainer ends its sentences with zeros.
        cut.chars().filter(|c| *c != '\0').for_each(|c| *alphabet.entry(c).or_default() += count);
    }
    let mut sorted: Vec<(char, u64)> = alphabet.into_iter().collect();
    sorted.sort_unstable_by_key(|(c, count)| (std::cmp::Reverse(*count), *c));
    sorted.truncate(room);
    sorted.into_iter().collect()
}

/// The pieces of a fitted model, the likeliest first, and the same for the same texts.
///
/// The trainer goes through the characters for which it has no score in an order that differs from
/// run to run, and scores each a little higher than the one before. Here they get these scores in
/// the order of their code points.
fn settled(model: &Unigram, room: usize) -> Vec<(String, f64)> {
    const STEP: f64 = 0.0001;
    let all = model.iter().filter(|(piece, _)| piece != NO_PIECE).cloned();
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
    // So many digits are the same in a file.
    let rounded = |(piece, score): (String, f64)| (piece, (score * 1e6).round() / 1e6);
    longer.sort_by(order);
    longer.truncate(room.saturating_sub(singles.len()));
    let mut pieces: Vec<_> = singles.into_iter().chain(longer).map(rounded).collect();
    pieces.sort_by(order);
    pieces
}

/// Lets the trainer add its numbers up in one order, without which their last digits differ.
fn one_thread<T>(train: impl FnOnce() -> T) -> T {
    // The switch is the process's, so trainers take turns.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = get_parallelism();
    set_parallelism(false);
    let trained = train();
    set_parallelism(before);
    trained
}

/// A letter for each byte, as byte-level tokenizers write them: its own where it has one that can
/// be seen, and one above 255 otherwise.
static LETTERS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut others = (256..).filter_map(char::from_u32);
    std::array::from_fn(|byte| match byte as u8 {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => byte as u8 as char,
        _ => others.next().unwrap_or_default(),
    })
});

fn letter(byte: u8) -> char {
    LETTERS[usize::from(byte)]
}

pub(crate) fn letters(text: &str) -> String {
    text.bytes().map(letter).collect()
}

/// The byte that a letter stands for.
pub(crate) fn byte(letter: char) -> Option<u8> {
    static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| (0..=u8::MAX).map(|b| (self::letter(b), b)).collect());
    BYTES.get(&letter).copied()
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;
    use crate::Tokenizer;

    const SONG: &str = "the cat sat on the mat, the rat sat on the cat.\nМама мыла раму, мама мыла раму.\n";

    fn fit(kind: TokenizerKind, vocabulary: usize, text: &str) -> Tokenizer {
        Tokenizer::fit_texts(&TokenizerConfig { vocabulary, ..TokenizerConfig::new(kind) }, [text]).unwrap()
    }

    fn both(vocabulary: usize) -> [Tokenizer; 2] {
        [TokenizerKind::Bpe, TokenizerKind::Unigram].map(|kind| fit(kind, vocabulary, &SONG.repeat(20)))
    }

    fn cuts(text: &str) -> Vec<&str> {
        let mut cuts = vec![];
        each_cut(text, |_, cut| cuts.push(cut));
        cuts
    }

    #[test]
    fn a_text_is_cut_into_words_with_the_blank_before_them() {
        assert_eq!(
            cuts("Hi  you, e\u{301}t\n\n a <unk> "),
            ["Hi", " ", " you", ",", " e\u{301}t", "\n", "\n", " a", " <", "unk", ">", " "]
        );
        assert_eq!(cuts(&"x".repeat(70)).iter().map(|cut| cut.len()).collect::<Vec<_>>(), [32, 32, 6]);
    }

    #[test]
    fn frequent_words_become_pieces_that_can_be_read() {
        let tokens = |codec: &Tokenizer, text: &str| -> Vec<String> {
            assert!(codec.len() <= 360, "{}", codec.len());
            codec.encode(text).into_iter().map(|id| codec.token(id)).collect()
        };
        let [bpe, unigram] = both(360);
        assert_eq!(tokens(&bpe, "the cat мыла"), ["the", "␣cat", "␣мыла"]);
        assert_eq!(bpe.token(bpe.id(" мыла").unwrap()), "␣мыла");
        // This one takes no piece that only ever ends words.
        assert_eq!(tokens(&unigram, "cat мама"), ["c", "a", "t", "␣", "ма", "ма"]);
        assert_eq!(unigram.token(unigram.id("ма").unwrap()), "ма");
    }

    #[test]
    fn the_same_texts_give_the_same_codec() {
        for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
            let first = fit(kind, 320, &SONG.repeat(3));
            for _ in 0..3 {
                assert_eq!(fit(kind, 320, &SONG.repeat(3)).to_json(), first.to_json());
            }
        }
    }

    #[test]
    fn no_text_spells_a_special_token() {
        let text = "<pad> <unk> <UNK> <eos> <0x41> \0 <s>";
        for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
            let codec = fit(kind, 330, &text.repeat(50));
            let ids = codec.encode(text);
            assert!(ids.iter().all(|id| !codec.specials().contains(*id)));
            assert_eq!(codec.decode(&ids), text);
            assert_eq!(codec.unknown(text), []);
        }
    }

    #[test]
    fn a_vocabulary_holds_the_bytes_and_a_piece() {
        let message = |kind, vocabulary| {
            let request = TokenizerConfig { vocabulary, ..TokenizerConfig::new(kind) };
            Tokenizer::fit_texts(&request, ["a b"]).unwrap_err().to_string()
        };
        assert_eq!(message(TokenizerKind::Bpe, 260), "expected a vocabulary of at least 261 for bpe, found 260");
        assert_eq!(message(TokenizerKind::Unigram, 5), "expected a vocabulary of at least 261 for unigram, found 5");
        for codec in both(261) {
            assert!(codec.len() <= 261);
        }
    }

    #[test]
    fn spans_lie_side_by_side_and_cover_the_text() {
        let text = "кот на 🐈 the <cat>";
        for codec in both(290) {
            let spans = codec.spans(text);
            let said: Vec<_> = spans.iter().map(|(_, range)| &text[range.clone()]).collect();
            assert_eq!(said.concat(), text);
            assert!(spans.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
            assert_eq!(spans.iter().map(|(id, _)| *id).collect::<Vec<_>>(), codec.encode(text));
        }
    }

    #[test]
    fn ten_megabytes_without_a_blank_come_back() {
        let long = "abcdefghij".repeat(1 << 20);
        for codec in both(300) {
            assert_eq!(codec.decode(&codec.encode(&long)).len(), long.len());
        }
        fit(TokenizerKind::Bpe, 300, &long);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_comes_back(text in "\\PC{0,60}|[\\s\\S]{0,60}|[ab <>0xunk\\s]{0,60}") {
            static CODECS: LazyLock<[Tokenizer; 2]> = LazyLock::new(|| both(300));
            for codec in &*CODECS {
                prop_assert_eq!(codec.decode(&codec.encode(&text)), &*text);
            }
        }

        #[test]
        fn a_codec_is_fitted_on_any_text(text in "\\PC{1,40}|[\\s\\S]{1,40}|[ab ]{1,40}|a{1,40}") {
            for kind in [TokenizerKind::Bpe, TokenizerKind::Unigram] {
                let codec = fit(kind, 280, &text);
                prop_assert!(codec.len() <= 280);
                prop_assert_eq!(codec.decode(&codec.encode(&text)), &*text);
            }
        }
    }
}
