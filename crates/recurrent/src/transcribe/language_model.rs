//! A language model in the search for words: shallow fusion.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use recurrent_data::{Tokenizer, TokenizerKind};
use recurrent_models::networks::StreamingLanguageModel;

use super::recognizer::log_softmax;
use crate::decoding::PrefixScorer;
use crate::generate::Generator;
use crate::settings::Bound;
use crate::{Error, Result};

/// The largest weight of a language model.
const MAX_WEIGHT: f64 = 10.0;
/// The largest bonus of a word, and the largest penalty.
const MAX_WORD_BONUS: i64 = 100;
/// The memory for what the model knows of prefixes, in bytes. There are two generations of it.
const CACHE_BYTES: usize = 16 << 20;
/// The fewest prefixes in a generation, however much memory each takes.
const MIN_CACHED: usize = 16;

/// A language model that takes part in the search of a recognizer. A clone is the same model.
///
/// It runs on the CPU, one token at a time, and keeps the states of recent prefixes, in memory that does not grow. All streams
/// that have a clone of it share both.
///
/// ```no_run
/// use recurrent::generate::Generator;
/// use recurrent::prelude::*;
/// use recurrent::transcribe::{FusionModel, RecognizeOptions, Recognizer};
///
/// # fn main() -> recurrent::Result<()> {
/// let language_model = FusionModel::new(&Generator::load("runs/sentences", &Default::default())?);
/// let options = RecognizeOptions::default().with_language_model(language_model, 0.3, 0.0);
/// let recognizer = Recognizer::load("runs/digits", &Default::default())?;
/// let stream = recognizer.stream(16_000, &options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FusionModel(Arc<Shared>);

struct Shared {
    tokenizer: Tokenizer,
    /// Before the first token of a text.
    start: Arc<Context>,
    contexts: Mutex<Contexts>,
}

impl fmt::Debug for FusionModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokenizer = &self.0.tokenizer;
        let (kind, vocab_size) = (tokenizer.kind(), tokenizer.vocab_size());
        f.debug_struct("FusionModel").field("kind", &kind).field("vocab_size", &vocab_size).finish_non_exhaustive()
    }
}

impl PartialEq for FusionModel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What the model knows of a prefix.
#[derive(Debug)]
struct Context {
    /// No other context has it.
    id: u64,
    state: Vec<f32>,
    /// Those of the next token, `[vocab]`.
    log_probs: Vec<f32>,
}

/// The network, and the prefixes that it has read lately.
struct Contexts {
    network: StreamingLanguageModel,
    /// By the context before it and its last token.
    recent: HashMap<(u64, u32), Arc<Context>>,
    /// Those that were recent before `recent` was full.
    older: HashMap<(u64, u32), Arc<Context>>,
    /// The most contexts in each of the two.
    capacity: usize,
    /// The number of contexts so far, which is that of the network's steps.
    count: u64,
}

impl Contexts {
    /// The context after one more token.
    fn after(&mut self, context: &Context, token: u32) -> Arc<Context> {
        let key = (context.id, token);
        if let Some(found) = self.recent.get(&key) {
            return Arc::clone(found);
        }
        let next = self.older.remove(&key).unwrap_or_else(|| Arc::new(self.read(&context.state, token)));
        if self.recent.len() >= self.capacity {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, Arc::clone(&next));
        next
    }

    fn read(&mut self, state: &[f32], token: u32) -> Context {
        self.count += 1;
        let (mut state, mut log_probs) = (state.to_vec(), Vec::new());
        self.network.step(token, &mut state, &mut log_probs);
        log_softmax(&mut log_probs);
        Context { id: self.count, state, log_probs }
    }
}

impl FusionModel {
    /// A copy of a trained language model.
    #[must_use]
    pub fn new(generator: &Generator) -> Self {
        let tokenizer = generator.tokenizer().clone();
        Self::from_parts(generator.network().streaming(), tokenizer, &generator.start_tokens())
    }

    fn from_parts(network: StreamingLanguageModel, tokenizer: Tokenizer, start_tokens: &[u32]) -> Self {
        let values = network.zero_state().len() + network.vocab_size();
        let capacity = (CACHE_BYTES / size_of::<f32>() / values).max(MIN_CACHED);
        let zeros = Context { id: 0, state: network.zero_state(), log_probs: Vec::new() };
        let (recent, older) = Default::default();
        let mut contexts = Contexts { network, recent, older, capacity, count: 0 };
        let read = |context: Arc<Context>, token: &u32| contexts.after(&context, *token);
        let start = start_tokens.iter().fold(Arc::new(zeros), read);
        Self(Arc::new(Shared { tokenizer, start, contexts: Mutex::new(contexts) }))
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.tokenizer
    }

    fn after(&self, context: &Context, token: u32) -> Arc<Context> {
        // A step that panics leaves the contexts as they were.
        self.0.contexts.lock().unwrap_or_else(PoisonError::into_inner).after(context, token)
    }

    /// The tokens of a text; `None` if it has an unknown part, or none.
    fn spell(&self, text: &str) -> Option<Vec<u32>> {
        let ids = self.tokenizer().encode(text);
        (!ids.is_empty() && !ids.contains(&self.tokenizer().special_tokens().unk)).then_some(ids)
    }
}

/// A language model in the search of a recognizer, and how much it counts (shallow fusion, Gulcehre et al. 2015; Hannun et
/// al. 2014):
///
/// score = log P(CTC) + `weight` · log P(language model) + `word_bonus` · words
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShallowFusion {
    /// The language model.
    pub model: FusionModel,
    /// The weight of its log-probability, from 0 to 10.
    pub weight: f64,
    /// What each word adds, from -100 to 100: a language model alone prefers few words.
    pub word_bonus: f64,
}

impl ShallowFusion {
    pub(super) fn check(&self) -> Result<()> {
        Bound::UpTo(MAX_WEIGHT).check("lm_weight", self.weight)?;
        Bound::Range(-MAX_WORD_BONUS, MAX_WORD_BONUS).check("word_bonus", self.word_bonus)
    }
}

/// Scores prefixes of a recognizer's tokens by a language model.
///
/// A recognizer of words is scored by the tokens that the language model has for each word: by its characters with the space
/// behind it, so that no word gains by being the beginning of another; by subwords with the space before it; or by the word.
/// A recognizer of characters is scored character by character, and the last word by the space behind it at the end.
#[derive(Debug)]
pub struct LanguageModelScorer {
    fusion: ShallowFusion,
    /// How the language model spells each token of the recognizer, if it can.
    pieces: Vec<Option<Piece>>,
    /// The token that ends a word of characters; `None` if each token is a word.
    word_end: Option<u32>,
}

/// A token of the recognizer in those of the language model.
#[derive(Debug)]
struct Piece {
    ids: Vec<u32>,
    is_space: bool,
}

/// What a [`LanguageModelScorer`] knows of a prefix.
#[derive(Debug, Clone)]
pub struct LanguageModelState {
    /// That before the last token.
    context: Arc<Context>,
    /// It is read when something follows it: most prefixes are given up before.
    last: Option<u32>,
    in_word: bool,
}

impl LanguageModelScorer {
    /// A scorer for a recognizer with these tokens.
    ///
    /// # Errors
    /// If a weight is out of range, or the language model's tokens cannot spell all of the recognizer's.
    pub fn new(fusion: &ShallowFusion, tokenizer: &Tokenizer) -> Result<Self> {
        let special = tokenizer.special_tokens();
        let ids = (0..tokenizer.vocab_size() as u32).filter(|id| !special.contains(*id));
        Self::for_tokens(fusion, tokenizer, ids)
    }

    /// A scorer for a recognizer of which a lexicon allows these words alone: no others need to be spelled.
    ///
    /// # Errors
    /// If a weight is out of range, or the language model's tokens cannot spell the words.
    pub fn for_words(fusion: &ShallowFusion, tokenizer: &Tokenizer, words: &[String]) -> Result<Self> {
        let ids = words.iter().flat_map(|word| tokenizer.encode(word));
        Self::for_tokens(fusion, tokenizer, ids)
    }

    /// A scorer that spells at least these tokens of a recognizer.
    fn for_tokens(
        fusion: &ShallowFusion,
        tokenizer: &Tokenizer,
        mut needed: impl Iterator<Item = u32>,
    ) -> Result<Self> {
        fusion.check()?;
        let wrong = |expected: &str, found: String| {
            Err(Error::Input { what: "the language model".into(), expected: expected.into(), found })
        };
        let model = &fusion.model;
        let (kind, model_kind) = (tokenizer.kind(), model.tokenizer().kind());
        let spell = |text: &str| match (kind, model_kind) {
            (TokenizerKind::Words, TokenizerKind::Chars) => model.spell(&format!("{text} ")),
            (TokenizerKind::Words, TokenizerKind::Bpe | TokenizerKind::Unigram) => model.spell(&format!(" {text}")),
            _ => model.spell(text),
        };
        let word_end = match (kind, model_kind) {
            (TokenizerKind::Words, _) => None,
            (TokenizerKind::Chars, TokenizerKind::Chars) => match model.spell(" ").as_deref() {
                Some([space]) => Some(*space),
                _ => return wrong("one with a space among its characters", "none".into()),
            },
            (TokenizerKind::Chars, found) => {
                return wrong("one whose tokens are chars, as those of the recognizer are", found.to_string());
            }
            (found, _) => {
                return wrong("a recognizer whose tokens are words or chars", found.to_string());
            }
        };
        let piece = |id: u32| {
            let text = tokenizer.decode(&[id]);
            spell(&text).map(|ids| Piece { ids, is_space: text.trim().is_empty() })
        };
        let pieces: Vec<Option<Piece>> = (0..tokenizer.vocab_size() as u32).map(piece).collect();
        match needed.find(|id| pieces[*id as usize].is_none()) {
            None => Ok(Self { fusion: fusion.clone(), pieces, word_end }),
            Some(id) => {
                let found = format!("none for `{}`", tokenizer.decode(&[id]));
                wrong("one with tokens for all that the recognizer may say", found)
            }
        }
    }

    /// The context after all of a prefix.
    fn context(&self, context: &Arc<Context>, last: Option<u32>) -> Arc<Context> {
        last.map_or_else(|| Arc::clone(context), |last| self.fusion.model.after(context, last))
    }
}

impl PrefixScorer for LanguageModelScorer {
    type State = LanguageModelState;

    fn start(&self) -> LanguageModelState {
        LanguageModelState { context: Arc::clone(&self.fusion.model.0.start), last: None, in_word: false }
    }

    fn extend(&self, state: &LanguageModelState, token: u32) -> Option<(f32, LanguageModelState)> {
        let piece = self.pieces.get(token as usize)?.as_ref()?;
        let is_new_word = !piece.is_space && (self.word_end.is_none() || !state.in_word);
        let mut score = if is_new_word { self.fusion.word_bonus } else { 0.0 };
        let mut next = LanguageModelState { in_word: !piece.is_space, ..state.clone() };
        if self.fusion.weight != 0.0 {
            for id in &piece.ids {
                next.context = self.context(&next.context, next.last);
                next.last = Some(*id);
                score += self.fusion.weight * f64::from(next.context.log_probs[*id as usize]);
            }
        }
        Some((score as f32, next))
    }

    fn end(&self, state: &LanguageModelState) -> Option<f32> {
        let Some(space) = self.word_end.filter(|_| state.in_word && self.fusion.weight != 0.0) else {
            return Some(0.0);
        };
        let context = self.context(&state.context, state.last);
        Some((self.fusion.weight * f64::from(context.log_probs[space as usize])) as f32)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Tensor};
    use recurrent_data::TokenizerConfig;
    use recurrent_models::networks::{LanguageModel, LanguageModelConfig};

    use super::*;
    use crate::decoding::{CtcBeam, CtcBeamConfig, Lexicon};

    fn tokenizer(kind: TokenizerKind, text: &str) -> Tokenizer {
        Tokenizer::fit_strings(&TokenizerConfig::new(kind), [text]).unwrap()
    }

    fn network(tokenizer: &Tokenizer) -> LanguageModel {
        LanguageModelConfig::new(tokenizer.vocab_size(), 6, 8).init(&Device::flex())
    }

    fn fusion(network: &LanguageModel, tokenizer: &Tokenizer, weight: f64, word_bonus: f64) -> ShallowFusion {
        let model = FusionModel::from_parts(network.streaming(), tokenizer.clone(), &[tokenizer.special_tokens().bos]);
        ShallowFusion { model, weight, word_bonus }
    }

    /// A model of characters without memory that prefers some of them.
    fn preferring(tokenizer: &Tokenizer, preferred: &str) -> LanguageModel {
        let mut network = network(tokenizer);
        let mut bias = vec![0.0_f32; tokenizer.vocab_size()];
        tokenizer.encode(preferred).into_iter().for_each(|id| bias[id as usize] = 3.0);
        let device = Device::flex();
        network.output.weight = Some(Param::from_tensor(Tensor::zeros([8, bias.len()], &device)));
        network.output.bias = Param::from_tensor(Tensor::from_data(&bias[..], &device));
        network
    }

    /// Frames with these probabilities of tokens, each followed by a blank.
    fn frames(tokenizer: &Tokenizer, probabilities: &[&[(&str, f32)]]) -> Vec<Vec<f32>> {
        let size = tokenizer.vocab_size();
        let frame = |tokens: &&[(&str, f32)]| {
            let mut frame = vec![1e-6_f32; size];
            tokens.iter().for_each(|(token, probability)| frame[tokenizer.encode(token)[0] as usize] = *probability);
            let mut blank = vec![1e-6_f32; size];
            blank[tokenizer.special_tokens().pad as usize] = 1.0;
            [frame, blank].map(|frame| frame.into_iter().map(f32::ln).collect())
        };
        probabilities.iter().flat_map(frame).collect()
    }

    fn best<S: PrefixScorer>(frames: &[Vec<f32>], tokenizer: &Tokenizer, scorer: S) -> String {
        let blank = tokenizer.special_tokens().pad;
        let mut beam = CtcBeam::with_scorer(CtcBeamConfig { blank, beam_size: 8, prune: 10.0 }, scorer);
        frames.iter().for_each(|frame| beam.push(frame));
        let ids: Vec<u32> = beam.finish().iter().map(|token| token.id).collect();
        tokenizer.decode(&ids)
    }

    const SIMILAR: &[(&str, f32)] = &[("see", 0.52), ("sea", 0.48)];

    #[test]
    fn of_two_words_that_sound_alike_the_model_decides() {
        let words = tokenizer(TokenizerKind::Words, "the see sea");
        let chars = tokenizer(TokenizerKind::Chars, "the see sea");
        let heard = frames(&words, &[&[("the", 1.0)], SIMILAR]);
        assert_eq!(best(&heard, &words, crate::decoding::Unconstrained), "the see");
        let model = preferring(&chars, "a");
        let scorer = |weight| LanguageModelScorer::new(&fusion(&model, &chars, weight, 0.0), &words).unwrap();
        assert_eq!(best(&heard, &words, scorer(0.5)), "the sea");
        assert_eq!(best(&heard, &words, scorer(0.01)), "the see");
        // Character by character.
        let heard = frames(&chars, &[&[("s", 1.0)], &[("e", 1.0)], &[("e", 0.52), ("a", 0.48)]]);
        let scorer = |weight| LanguageModelScorer::new(&fusion(&model, &chars, weight, 0.0), &chars).unwrap();
        assert_eq!(best(&heard, &chars, crate::decoding::Unconstrained), "see");
        assert_eq!(best(&heard, &chars, scorer(0.5)), "sea");
    }

    #[test]
    fn a_lexicon_forbids_what_the_model_prefers() {
        let chars = tokenizer(TokenizerKind::Chars, "the see sea");
        let words = tokenizer(TokenizerKind::Words, "the see sea");
        let model = preferring(&chars, "a");
        let allowed = ["see".to_string(), "the".to_string()];
        let lexicon = Lexicon::new(allowed.iter().map(|word| words.encode(word)), None);
        let scorer = LanguageModelScorer::for_words(&fusion(&model, &chars, 0.5, 0.0), &words, &allowed).unwrap();
        assert_eq!(best(&frames(&words, &[SIMILAR]), &words, (Some(lexicon), Some(scorer))), "see");
    }

    #[test]
    fn a_bonus_counts_words() {
        let chars = tokenizer(TokenizerKind::Chars, "ab ");
        let model = network(&chars);
        let scorer = LanguageModelScorer::new(&fusion(&model, &chars, 0.0, 1.5), &chars).unwrap();
        let mut state = scorer.start();
        let mut score = |text: &str| {
            let (score, next) = scorer.extend(&state, chars.encode(text)[0]).unwrap();
            state = next;
            score
        };
        assert_eq!(["a", "b", " ", " ", "b"].map(&mut score), [1.5, 0.0, 0.0, 0.0, 1.5]);
        assert_eq!(scorer.end(&state), Some(0.0));
    }

    /// The score of a prefix is the log-probability that the network gives to its text.
    #[test]
    fn scores_are_log_probabilities_of_the_text() {
        let chars = tokenizer(TokenizerKind::Chars, "one two ");
        let words = tokenizer(TokenizerKind::Words, "one two");
        let model = network(&chars);
        for (recognizer, prefix) in [(&words, "two one two"), (&chars, "two one two")] {
            let scorer = LanguageModelScorer::new(&fusion(&model, &chars, 0.7, 0.25), recognizer).unwrap();
            let (mut state, mut sum) = (scorer.start(), 0.0);
            for id in recognizer.encode(prefix) {
                let (score, next) = scorer.extend(&state, id).unwrap();
                (state, sum) = (next, sum + score);
            }
            sum += scorer.end(&state).unwrap();
            let text = chars.encode(&format!("{prefix} "));
            let ids: Vec<i32> =
                [&[chars.special_tokens().bos][..], &text].concat().iter().map(|id| *id as i32).collect();
            let (logits, _) =
                model.forward(Tensor::<1, burn::tensor::Int>::from_data(&ids[..], &Device::flex()).unsqueeze(), None);
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            let log_prob = |(logits, id): (&[f32], &u32)| {
                let mut log_probs = logits.to_vec();
                log_softmax(&mut log_probs);
                log_probs[*id as usize]
            };
            let expected: f32 = logits.chunks(chars.vocab_size()).zip(&text).map(log_prob).sum();
            assert!((sum - (0.7 * expected + 3.0 * 0.25)).abs() < 1e-4, "{sum} {expected}");
        }
    }

    #[test]
    fn a_prefix_is_read_once_and_memory_is_bounded() {
        let chars = tokenizer(TokenizerKind::Chars, "one two ");
        let words = tokenizer(TokenizerKind::Words, "one two");
        let model = network(&chars);
        let fusion = fusion(&model, &chars, 0.5, 0.0);
        let steps = || fusion.model.0.contexts.lock().unwrap().count;
        let scorer = LanguageModelScorer::new(&fusion, &words).unwrap();
        let [one, two] = ["one", "two"].map(|word| words.encode(word)[0]);
        let before = steps();
        let (score, state) = scorer.extend(&scorer.start(), one).unwrap();
        // The space behind it is not read yet.
        assert_eq!(steps() - before, 3);
        assert_eq!(scorer.extend(&scorer.start(), one).unwrap().0, score);
        assert_eq!(steps() - before, 3);
        let (expected, _) = scorer.extend(&state, two).unwrap();
        assert_eq!(steps() - before, 7);
        // What was forgotten is read again, with the same result.
        fusion.model.0.contexts.lock().unwrap().capacity = 16;
        let mut long = scorer.start();
        for _ in 0..50 {
            long = scorer.extend(&long, two).unwrap().1;
        }
        {
            let contexts = fusion.model.0.contexts.lock().unwrap();
            assert!(contexts.recent.len() <= 16 && contexts.older.len() <= 16);
        }
        assert_eq!(scorer.extend(&state, two).unwrap().0, expected);

        // While nothing new is said, nothing is read.
        let config = CtcBeamConfig { blank: words.special_tokens().pad, beam_size: 4, prune: 10.0 };
        let mut beam = CtcBeam::with_scorer(config, scorer);
        let heard = frames(&words, &[&[("one", 0.6), ("two", 0.4)]]);
        heard.iter().chain([&heard[1]]).for_each(|frame| beam.push(frame));
        let before = steps();
        (0..200).for_each(|_| beam.push(&heard[1]));
        assert_eq!(steps(), before);
    }

    #[test]
    fn models_that_cannot_spell_are_refused() {
        let chars = tokenizer(TokenizerKind::Chars, "one two ");
        let words = tokenizer(TokenizerKind::Words, "one two");
        let error = |of: &Tokenizer, recognizer: &Tokenizer| {
            LanguageModelScorer::new(&fusion(&network(of), of, 0.5, 0.0), recognizer).unwrap_err().to_string()
        };
        assert_eq!(
            error(&words, &chars),
            "the language model: expected one whose tokens are chars, as those of the recognizer are, found words"
        );
        let (other, short) = (tokenizer(TokenizerKind::Words, "one zero"), tokenizer(TokenizerKind::Chars, "one"));
        let spelled =
            "the language model: expected one with tokens for all that the recognizer may say, found none for";
        assert_eq!(error(&chars, &other), format!("{spelled} `zero`"));
        assert_eq!(error(&words, &other), format!("{spelled} `zero`"));
        assert!(error(&short, &short).contains("expected one with a space among its characters"));
        assert_eq!(
            error(&chars, &tokenizer(TokenizerKind::Bpe, "one two")),
            "the language model: expected a recognizer whose tokens are words or chars, found bpe"
        );
        // A lexicon leaves out what cannot be spelled.
        let fusion = fusion(&network(&chars), &chars, 0.5, 0.0);
        let scorer = LanguageModelScorer::for_words(&fusion, &other, &["one".into()]).unwrap();
        assert!(scorer.extend(&scorer.start(), other.encode("zero")[0]).is_none());
        // Words that any tokenizer spells.
        for kind in TokenizerKind::ALL {
            let of = tokenizer(kind, "one two one two ");
            let fusion = self::fusion(&network(&of), &of, 0.5, 0.0);
            let scorer = LanguageModelScorer::new(&fusion, &words).unwrap();
            assert!(scorer.extend(&scorer.start(), words.encode("two")[0]).unwrap().0 < 0.0, "{kind}");
        }
    }

    #[test]
    fn weights_out_of_range_are_refused() {
        let chars = tokenizer(TokenizerKind::Chars, "one two ");
        let error =
            |weight, word_bonus| fusion(&network(&chars), &chars, weight, word_bonus).check().unwrap_err().to_string();
        assert_eq!(error(-0.1, 0.0), "lm_weight: expected a number from 0 to 10, found -0.1");
        assert!(error(f64::NAN, 0.0).starts_with("lm_weight: "));
        assert_eq!(error(0.3, 101.0), "word_bonus: expected between -100 and 100, found 101");
        assert!(error(0.3, f64::INFINITY).starts_with("word_bonus: "));
    }

    #[test]
    fn a_stream_may_move_to_another_thread() {
        fn is_send<T: Send>() {}
        fn is_sync<T: Sync>() {}
        is_send::<crate::transcribe::RecognizerStream>();
        is_send::<LanguageModelScorer>();
        is_send::<FusionModel>();
        is_sync::<FusionModel>();
    }
}
