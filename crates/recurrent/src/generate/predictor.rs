//! A trained language model that generates text.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use recurrent_data::{SpecialTokens, TextStream, Tokenizer};
use recurrent_models::networks::LanguageModel;
use recurrent_models::{AnyState, Summarize, Summary};

use super::GenerateConfig;
use super::prompt_end::PromptEnd;
use crate::decoding::{BeamSearch, Sampler, SamplingConfig, StepDecoder, beam_search, id_tensor, padded_ids};
use crate::settings::{Bound, MAX_BEAMS, MAX_TOKENS};
use crate::{Error, Predictor, Result, RunDir};

/// The most tokens of a completed word.
const MAX_COMPLETION: usize = 32;
/// Beams for each completion that is asked for.
const BEAMS_PER_COMPLETION: usize = 4;
/// Beams that have not reproduced the end of the prompt yet.
const PROMPT_BEAMS: usize = 16;

/// A trained language model, loaded from the folder of a run.
///
/// ```no_run
/// use std::ops::ControlFlow;
///
/// use recurrent::generate::{GenerationConfig, Generator};
/// use recurrent::prelude::*;
///
/// # fn main() -> recurrent::Result<()> {
/// let generator = Generator::load("runs/fables", &Default::default())?;
///
/// // Each piece as it is generated ...
/// let options = GenerationConfig::default().with_max_new_tokens(300);
/// generator.generate("The fox said", &options, |text| {
///     print!("{text}");
///     ControlFlow::Continue(())
/// })?;
///
/// // ... or the likeliest completions of a word.
/// for completion in generator.complete("The old riv", 3)? {
///     println!("{} ({:.0} %)", completion.text, 100.0 * completion.probability);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Generator {
    network: LanguageModel,
    tokenizer: Tokenizer,
    config: GenerateConfig,
    device: Device,
}

/// How a text is generated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GenerationConfig {
    /// How each token is sampled.
    pub sampling: SamplingConfig,
    /// The number of beams of a search for the likeliest text; 0 samples instead.
    pub beam_size: usize,
    /// The number of tokens to generate.
    pub max_new_tokens: usize,
    /// Generation stops before this text.
    pub stop: Option<String>,
    /// Rejects a prompt with characters that the tokenizer does not know, instead of reading them as `<unk>`.
    pub strict: bool,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        Self { sampling: SamplingConfig::default(), beam_size: 0, max_new_tokens: 400, stop: None, strict: false }
    }
}

impl GenerationConfig {
    /// How each token is sampled.
    #[must_use]
    pub fn with_sampling(self, sampling: SamplingConfig) -> Self {
        Self { sampling, ..self }
    }

    /// Beams of a search instead of sampling; 0 samples.
    #[must_use]
    pub fn with_beam_size(self, beam_size: usize) -> Self {
        Self { beam_size, ..self }
    }

    /// Tokens to generate.
    #[must_use]
    pub fn with_max_new_tokens(self, max_new_tokens: usize) -> Self {
        Self { max_new_tokens, ..self }
    }

    /// The text before which generation ends.
    #[must_use]
    pub fn with_stop(self, stop: Option<String>) -> Self {
        Self { stop, ..self }
    }

    /// Whether unknown characters in a prompt are refused.
    #[must_use]
    pub fn with_strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }
}

/// A generated text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Generated {
    /// The text, without the prompt.
    pub text: String,
    /// Its number of tokens, without those that only repeat the end of the prompt.
    pub num_tokens: usize,
    /// The parts of the prompt that were unknown and read as `<unk>`.
    pub unknown: Vec<String>,
}

/// One completion of a word.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The rest of the word; after a whole word, possibly the next one.
    pub text: String,
    /// The probability that the word continues with this text and ends, given the prompt.
    pub probability: f64,
}

impl Predictor for Generator {
    type Config = GenerateConfig;
    type Input = str;
    type Output = Generated;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: GenerateConfig = run_dir.config()?;
        let tokenizer = run_dir.read_tokenizer("embedding.weight")?;
        let network = config.network(tokenizer.vocab_size());
        run_dir.check_size(network.num_parameters())?;
        let mut network = network.init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, tokenizer, config, device: device.clone() })
    }

    /// Continues each prompt with the default [`GenerationConfig`].
    ///
    /// # Errors
    /// None: any text is a valid prompt.
    fn predict(&self, prompts: &[&str]) -> Result<Vec<Generated>> {
        let options = GenerationConfig::default();
        prompts.iter().map(|prompt| self.generate(prompt, &options, |_| ControlFlow::Continue(()))).collect()
    }

    fn config(&self) -> &GenerateConfig {
        &self.config
    }
}

impl Generator {
    /// Its network.
    pub(crate) fn network(&self) -> &LanguageModel {
        &self.network
    }

    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.config.bptt])
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Continues a prompt. `on_text` gets each piece of text as soon as it is generated, in whole grapheme clusters, and can
    /// stop the generation. An empty prompt stands for a line break. The last word of the prompt is encoded with what follows
    /// it, so that it may be the beginning of a longer subword or word (token healing).
    ///
    /// # Errors
    /// If a setting is out of bounds, or the prompt has unknown characters and `strict` is set.
    pub fn generate(
        &self,
        prompt: &str,
        options: &GenerationConfig,
        mut on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        options.sampling.check()?;
        Bound::Range(1, MAX_TOKENS).check("max_new_tokens", options.max_new_tokens.try_into().unwrap_or(i64::MAX))?;
        Bound::Range(0, MAX_BEAMS).check("beam_size", options.beam_size.try_into().unwrap_or(i64::MAX))?;
        let (prompt, space) = (self.read_prompt(prompt), prompt.ends_with(' '));
        let unknown = prompt.unknown.clone();
        if let (true, false) = (options.strict, unknown.is_empty()) {
            let expected = "characters of the training split (unless `strict` is set, others are read as <unk>)";
            return Err(Error::setting("prompt", expected, unknown.join(" ")));
        }
        let before = self.tokenizer.decode(&prompt.ids);
        let open = prompt.end.as_ref().map_or(0, PromptEnd::len);
        let mut output = TextOutput::new(options.stop.as_deref());
        output.skipped = before.len() + open;
        // A word tokenizer puts a space between the prompt and the next word; the prompt may end with one already.
        output.skip_space = space && open == 0 && !before.ends_with(' ');
        if options.beam_size > 0 {
            self.search(&prompt, options, &mut output, &mut on_text);
        } else {
            self.sample(&prompt, options, &mut output, &mut on_text);
        }
        Ok(Generated { text: output.written, num_tokens: output.num_tokens, unknown })
    }

    /// The `n` likeliest completions of the last word of a text, likeliest first.
    ///
    /// A word ends before a character that is neither letter nor digit. The last word of the text is encoded with its
    /// completion (token healing), and the probabilities of all tokens that make the same completion are added up. The
    /// search is a beam search over prefixes, so that a completion with an unlikely prefix can be missed.
    ///
    /// # Errors
    /// If `n` is out of bounds.
    pub fn complete(&self, prefix: &str, n: usize) -> Result<Vec<Completion>> {
        Bound::Range(1, MAX_BEAMS).check("n", n.try_into().unwrap_or(i64::MAX))?;
        let prompt = self.read_prompt(prefix);
        let (state, last) = self.encode_prompt(&prompt.ids);
        let mut decoder = self.decoder(state, prompt.end.as_ref());
        let own_texts: Vec<Vec<u8>>;
        let texts = match &prompt.end {
            Some(end) => end.tokens(),
            None => {
                let ids = 0..self.tokenizer.vocab_size() as u32;
                own_texts = ids.map(|id| self.tokenizer.bytes_after(Some(last), id)).collect();
                &own_texts[..]
            }
        };
        let open_len = prompt.end.as_ref().map_or(0, PromptEnd::len);
        // A word tokenizer puts a space before the next word; the prompt may end with one already.
        let skip_space = open_len == 0 && prefix.ends_with(' ') && !self.tokenizer.decode(&prompt.ids).ends_with(' ');
        let completion = |prefix: &Prefix| {
            let text = String::from_utf8_lossy(prefix.bytes.get(open_len..).unwrap_or_default()).into_owned();
            if skip_space { text.strip_prefix(' ').map_or(text.clone(), String::from) } else { text }
        };
        let starts_word =
            |text: &Vec<u8>| String::from_utf8_lossy(text).chars().next().is_some_and(char::is_alphanumeric);
        let ends: Vec<bool> = texts.iter().map(|text| !starts_word(text)).collect();
        let mut open = vec![Prefix { bytes: Vec::new(), last, log_probability: 0.0 }];
        let mut found: Vec<Completion> = Vec::new();
        // The probability of the open end of the prompt.
        let mut reached = if open_len == 0 { 1.0 } else { 0.0 };
        for _ in 0..MAX_COMPLETION + open_len {
            let tokens: Vec<u32> = open.iter().map(|prefix| prefix.last).collect();
            let log_probabilities = decoder.step(&tokens);
            let [mut next, mut before_end]: [Vec<(usize, Prefix)>; 2] = Default::default();
            for (row, (prefix, next_token)) in open.iter().zip(log_probabilities.chunks(texts.len())).enumerate() {
                let text = completion(prefix);
                let is_word = text.chars().any(char::is_alphanumeric);
                if is_word {
                    let end: f64 = (next_token.iter().zip(&ends)).filter(|x| *x.1).map(|x| f64::from(*x.0).exp()).sum();
                    let probability = prefix.log_probability.exp() * end;
                    match found.iter_mut().find(|known| known.text == text) {
                        Some(known) => known.probability += probability,
                        None => found.push(Completion { text, probability }),
                    }
                }
                for (id, (log_p, bytes)) in next_token.iter().zip(texts).enumerate() {
                    if *log_p > f32::NEG_INFINITY && !bytes.is_empty() && !(is_word && ends[id]) {
                        let log_probability = prefix.log_probability + f64::from(*log_p);
                        let bytes = [&prefix.bytes[..], bytes].concat();
                        let extended = Prefix { bytes, last: id as u32, log_probability };
                        if extended.bytes.len() < open_len {
                            before_end.push((row, extended));
                            continue;
                        }
                        if prefix.bytes.len() < open_len {
                            reached += log_probability.exp();
                        }
                        next.push((row, extended));
                    }
                }
            }
            for (prefixes, kept) in
                [(&mut next, n.saturating_mul(BEAMS_PER_COMPLETION)), (&mut before_end, PROMPT_BEAMS)]
            {
                prefixes.sort_by(|a, b| b.1.log_probability.total_cmp(&a.1.log_probability));
                prefixes.truncate(kept);
            }
            found.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.text.cmp(&b.text)));
            let best_open = next.first().map_or(0.0, |(_, likeliest)| likeliest.log_probability.exp());
            let is_done = next.is_empty() || (found.len() >= n && found[n - 1].probability >= best_open);
            if before_end.is_empty() && is_done {
                break;
            }
            next.append(&mut before_end);
            decoder.reorder(&next.iter().map(|(row, _)| *row).collect::<Vec<_>>());
            open = next.into_iter().map(|(_, prefix)| prefix).collect();
        }
        found.truncate(n);
        // The probability of a long and unlikely prompt can be too small for a number.
        found.retain(|_| reached > 0.0);
        found.iter_mut().for_each(|completion| completion.probability /= reached);
        Ok(found)
    }

    /// The parts of a prompt that are unknown and read as `<unk>`.
    pub fn unknown(&self, prompt: &str) -> Vec<String> {
        self.read_prompt(prompt).unknown
    }

    /// The token ids behind which a text begins, at least one: those of a line break.
    pub(crate) fn start_tokens(&self) -> Vec<u32> {
        let line_end = self.tokenizer.encode("\n");
        if line_end.is_empty() { vec![self.tokenizer.special_tokens().bos] } else { line_end }
    }

    /// The token ids of a prompt, at least one, and its open end.
    fn read_prompt(&self, prompt: &str) -> Prompt {
        let or_line_end = |ids: Vec<u32>| if ids.is_empty() { self.start_tokens() } else { ids };
        let (ids, open) = self.tokenizer.encode_open(prompt);
        let complete = ids.len();
        let ids = or_line_end(ids);
        let end = (!open.is_empty()).then(|| PromptEnd::new(&self.tokenizer, ids[ids.len() - 1], open)).flatten();
        let mut unknown = self.tokenizer.unknown_pieces(prompt);
        match end {
            Some(end) => {
                let tokens = self.tokenizer.encode_with_offsets(prompt);
                let until = tokens[..complete].last().map_or(0, |(_, range)| range.end);
                unknown.retain(|piece| piece.offset < until);
                Prompt { ids, end: Some(end), unknown: unknown.into_iter().map(|piece| piece.text).collect() }
            }
            None => Prompt {
                ids: or_line_end(self.tokenizer.encode(prompt)),
                end: None,
                unknown: unknown.into_iter().map(|piece| piece.text).collect(),
            },
        }
    }

    /// The state after all tokens of a prompt but the last, and the last.
    fn encode_prompt(&self, prompt: &[u32]) -> (Option<AnyState>, u32) {
        let (last, before) = prompt.split_last().expect("a prompt has at least one token");
        if before.is_empty() {
            return (None, *last);
        }
        let (ids, _) = padded_ids(&[before], self.tokenizer.special_tokens().pad, &self.device);
        (Some(self.network.forward(ids, None).1), *last)
    }

    fn decoder<'a>(&'a self, state: Option<AnyState>, end: Option<&'a PromptEnd>) -> LanguageDecoder<'a> {
        LanguageDecoder {
            network: &self.network,
            device: &self.device,
            state,
            specials: self.tokenizer.special_tokens(),
            end,
            positions: None,
        }
    }

    fn sample(
        &self,
        prompt: &Prompt,
        options: &GenerationConfig,
        output: &mut TextOutput,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) {
        let mut sampler = Sampler::new(options.sampling.clone());
        prompt.ids.iter().for_each(|token| sampler.push(*token));
        let (state, mut last) = self.encode_prompt(&prompt.ids);
        let mut decoder = self.decoder(state, prompt.end.as_ref());
        let mut stream = TextStream::new(&self.tokenizer);
        for token in &prompt.ids {
            let _ = output.push(&stream.push(*token), on_text);
        }
        let mut position = 0;
        while output.num_tokens < options.max_new_tokens {
            last = sampler.sample(&decoder.step_logits(&[last]));
            output.num_tokens += usize::from(prompt.adds(&mut position, last));
            if output.push(&stream.push(last), on_text).is_break() {
                return;
            }
        }
        if output.push(&stream.finish(), on_text).is_continue() {
            output.finish(on_text);
        }
    }

    fn search(
        &self,
        prompt: &Prompt,
        options: &GenerationConfig,
        output: &mut TextOutput,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) {
        let (state, last) = self.encode_prompt(&prompt.ids);
        // A text has no end token, so the result has `max_new_tokens`, and at least one that reaches the prompt's end.
        let open = prompt.end.as_ref().map_or(0, |end| end.len() - 1);
        let beam = BeamSearch {
            beam_size: options.beam_size,
            length_penalty: 0.0,
            max_length: options.max_new_tokens.saturating_add(open),
            end: u32::MAX,
        };
        let mut decoder = self.decoder(state, prompt.end.as_ref());
        let mut tokens = beam_search(&mut decoder, &[last], &beam).swap_remove(0).swap_remove(0).tokens;
        let mut position = 0;
        let is_new: Vec<bool> = tokens.iter().map(|token| prompt.adds(&mut position, *token)).collect();
        let last = is_new.iter().enumerate().filter(|(_, is_new)| **is_new).nth(options.max_new_tokens - 1);
        tokens.truncate(last.map_or(tokens.len(), |(index, _)| index + 1));
        output.num_tokens = is_new[..tokens.len()].iter().filter(|is_new| **is_new).count();
        if output.push(&self.tokenizer.decode(&[&prompt.ids[..], &tokens].concat()), on_text).is_continue() {
            output.finish(on_text);
        }
    }
}

/// A prompt as a network reads it.
struct Prompt {
    /// The complete tokens, at least one.
    ids: Vec<u32>,
    /// What the first generated tokens have to reproduce.
    end: Option<PromptEnd>,
    /// The parts of the complete tokens that are unknown.
    unknown: Vec<String>,
}

impl Prompt {
    /// Whether a generated token adds something to the prompt; `position` in its end advances.
    fn adds(&self, position: &mut usize, token: u32) -> bool {
        let Some(end) = &self.end else { return true };
        let adds = end.adds(*position, token);
        *position = end.advance(*position, token);
        adds
    }
}

/// The prefix of a completion.
struct Prefix {
    /// What the tokens add to the complete tokens of the prompt.
    bytes: Vec<u8>,
    last: u32,
    log_probability: f64,
}

/// Decodes a batch of continuations.
struct LanguageDecoder<'a> {
    network: &'a LanguageModel,
    device: &'a Device,
    state: Option<AnyState>,
    specials: SpecialTokens,
    /// What the first tokens have to reproduce.
    end: Option<&'a PromptEnd>,
    /// How much of it each row has reproduced; `None` before the first token.
    positions: Option<Vec<usize>>,
}

impl LanguageDecoder<'_> {
    /// Feeds one token to each row; returns the logits of the next, `[rows, vocab]`.
    fn forward(&mut self, tokens: &[u32]) -> Tensor<2> {
        let (logits, state) = self.network.step(id_tensor(tokens, self.device), self.state.take());
        self.state = Some(state);
        if let Some(end) = self.end {
            self.positions = Some(match &self.positions {
                None => vec![0; tokens.len()],
                Some(positions) => {
                    positions.iter().zip(tokens).map(|(position, token)| end.advance(*position, *token)).collect()
                }
            });
        }
        logits
    }

    /// As [`step`](StepDecoder::step), but logits.
    fn step_logits(&mut self, tokens: &[u32]) -> Vec<f32> {
        let logits = self.forward(tokens);
        self.exclude(logits)
    }

    /// The values of each token, with minus infinity for those that are never generated or disagree with the prompt.
    fn exclude(&self, values: Tensor<2>) -> Vec<f32> {
        let vocab_size = values.dims()[1];
        let mut values: Vec<f32> = values.into_data().iter::<f32>().collect();
        let SpecialTokens { pad, bos, eos, unk } = self.specials;
        for (row, values) in values.chunks_mut(vocab_size).enumerate() {
            for special in [pad, bos, eos, unk] {
                values[special as usize] = f32::NEG_INFINITY;
            }
            if let (Some(end), Some(positions)) = (self.end, &self.positions) {
                end.mask(positions[row], values);
            }
        }
        values
    }
}

impl StepDecoder for LanguageDecoder<'_> {
    fn step(&mut self, tokens: &[u32]) -> Vec<f32> {
        let log_probabilities = log_softmax(self.forward(tokens), 1);
        self.exclude(log_probabilities)
    }

    fn reorder(&mut self, rows: &[usize]) {
        if let Some(positions) = &mut self.positions {
            *positions = rows.iter().map(|row| positions[*row]).collect();
        }
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let rows = id_tensor(&rows, self.device);
        self.state = self.state.take().map(|state| state.select_rows(rows));
    }
}

/// The generated text, without what is held back because it may be the beginning of the stop text.
struct TextOutput<'a> {
    stop: Option<&'a str>,
    /// The bytes of the prompt, which are not written.
    skipped: usize,
    /// Whether a space after the prompt is left out.
    skip_space: bool,
    written: String,
    held: String,
    num_tokens: usize,
}

impl<'a> TextOutput<'a> {
    fn new(stop: Option<&'a str>) -> Self {
        Self {
            stop: stop.filter(|stop| !stop.is_empty()),
            skipped: 0,
            skip_space: false,
            written: String::new(),
            held: String::new(),
            num_tokens: 0,
        }
    }

    /// Adds a piece of text, and writes the part that cannot belong to the stop text; breaks at the stop text.
    fn push(&mut self, piece: &str, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        let known = self.skipped.min(piece.len());
        self.skipped -= known;
        let mut piece = piece.get(known..).unwrap_or_default();
        if self.skip_space && !piece.is_empty() {
            self.skip_space = false;
            piece = piece.strip_prefix(' ').unwrap_or(piece);
        }
        self.held.push_str(piece);
        let Some(stop) = self.stop else {
            return self.write(self.held.len(), on_text);
        };
        if let Some(at) = self.held.find(stop) {
            let _ = self.write(at, on_text);
            return ControlFlow::Break(());
        }
        let may_begin = |at: &usize| stop.starts_with(&self.held[*at..]);
        let safe = self.held.char_indices().map(|(at, _)| at).find(may_begin).unwrap_or(self.held.len());
        self.write(safe, on_text)
    }

    /// Writes the text that is held back.
    fn finish(&mut self, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.write(self.held.len(), on_text);
    }

    fn write(&mut self, until: usize, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        let text: String = self.held.drain(..until).collect();
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        self.written.push_str(&text);
        on_text(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(stop: &str, pieces: &[&str]) -> (Vec<String>, String) {
        let mut pieces_written = Vec::new();
        let mut on_text = |text: &str| {
            pieces_written.push(text.to_string());
            ControlFlow::Continue(())
        };
        let mut output = TextOutput::new(Some(stop));
        let ended = pieces.iter().any(|piece| output.push(piece, &mut on_text).is_break());
        if !ended {
            output.finish(&mut on_text);
        }
        (pieces_written, output.written)
    }

    #[test]
    fn text_ends_before_a_stop_text_that_spans_pieces() {
        assert_eq!(written("END", &["a", "bE", "N", "Dc"]), (vec!["a".into(), "b".into()], "ab".into()));
        assert_eq!(written("END", &["aEN", "x"]).1, "aENx");
        assert_eq!(written("END", &["EENEN"]).1, "EENEN");
        assert_eq!(written("", &["a", "b"]).1, "ab");
        assert_eq!(written("да", &["тогд", "а ", "да", "!"]).1, "тог");
    }

    #[test]
    fn the_prompt_is_not_written_again() {
        let mut output = TextOutput { skipped: 5, skip_space: true, ..TextOutput::new(None) };
        for piece in ["The ", "f", " ox", "en"] {
            let _ = output.push(piece, &mut |_| ControlFlow::Continue(()));
        }
        assert_eq!(output.written, "oxen");
    }

    #[test]
    fn the_callback_can_stop() {
        let mut output = TextOutput::new(None);
        assert!(output.push("x", &mut |_| ControlFlow::Break(())).is_break());
    }
}
