//! A trained model of a text.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use recurrent_data::{SpecialTokens, TextStream, Tokenizer};
use recurrent_models::networks::LanguageModel;
use recurrent_models::{AnyState, Summarize, Summary};

use super::GenerateConfig;
use crate::decoding::{Beam, Sampler, Sampling, StepDecoder, beam_search, numbers, side_by_side};
use crate::run::{Plan, at_least_one};
use crate::{Error, Result, RunDir};

/// Characters that the rest of a word has at most.
const LONGEST_COMPLETION: usize = 32;
/// How many beginnings of a completion are followed for each that is asked for.
const BEAM_PER_COMPLETION: usize = 4;

/// A trained model of a text: load it from a run's folder and let it go on with a text.
///
/// ```no_run
/// use std::ops::ControlFlow;
///
/// use recurrent::generate::{GenerationConfig, Generator};
///
/// # fn main() -> recurrent::Result<()> {
/// let generator = Generator::load("runs/fables".as_ref(), &Default::default())?;
///
/// // A character at a time, as it is made …
/// let asked = GenerationConfig { length: 300, ..GenerationConfig::default() };
/// generator.generate("The fox said", &asked, |text| {
///     print!("{text}");
///     ControlFlow::Continue(())
/// })?;
///
/// // … or the likeliest endings of a word.
/// for completion in generator.complete("The old riv", 3)? {
///     println!("{} ({:.0} %)", completion.text, 100.0 * completion.probability);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Generator {
    network: LanguageModel,
    codec: Tokenizer,
    plan: GenerateConfig,
    device: Device,
}

/// How a text is to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationConfig {
    /// How each token is drawn.
    pub sampling: Sampling,
    /// Looks for the likeliest text with a beam of this width, instead of drawing; 0 draws.
    pub beam: usize,
    /// Tokens to make.
    pub length: usize,
    /// Ends before this text, if it comes up.
    pub stop: Option<String>,
    /// Refuses a prompt with characters that the codec does not know, instead of reading them as `<unk>`.
    pub strict: bool,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        Self { sampling: Sampling::default(), beam: 0, length: 400, stop: None, strict: false }
    }
}

/// How a text went on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Generated {
    /// What was made, without the prompt.
    pub text: String,
    /// In how many tokens.
    pub tokens: usize,
    /// What of the prompt was not known and read as `<unk>`.
    pub unknown: Vec<String>,
}

/// One way to go on with the beginning of a word.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The rest of the word; where the beginning is a whole word already, perhaps the next.
    pub text: String,
    /// How likely it is that the word goes on exactly so and ends.
    pub probability: f64,
}

impl Generator {
    /// Loads a model from the folder of a run. The text that it was trained on is not needed.
    ///
    /// # Errors
    /// If the folder is not a run's, is damaged, or has no weights yet.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <GenerateConfig as Plan>::of(&run_dir)?;
        let codec = run_dir.read_codec("embedding.weight")?;
        let mut network = plan.network(codec.len()).init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, codec, plan, device: device.clone() })
    }

    /// The plan that it was trained by.
    pub fn plan(&self) -> &GenerateConfig {
        &self.plan
    }

    /// How tokens are numbered.
    pub fn codec(&self) -> &Tokenizer {
        &self.codec
    }

    /// The layers of its network.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.plan.window])
    }

    /// Goes on with a prompt. `on_text` is given each piece as soon as it is made, in whole characters as a reader sees
    /// them, and may end it; an empty prompt begins as if after a line's end.
    ///
    /// # Errors
    /// If a setting cannot be, or the prompt has unknown characters and they are refused.
    pub fn generate(
        &self,
        prompt: &str,
        asked: &GenerationConfig,
        mut on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        asked.sampling.check()?;
        at_least_one("--length", asked.length)?;
        let unknown: Vec<String> = self.codec.unknown(prompt).into_iter().map(|piece| piece.text).collect();
        if let (true, false) = (asked.strict, unknown.is_empty()) {
            return Err(Error::Plan {
                setting: "--prompt",
                expected: "what the run has seen in training (without --strict others are read as <unk>)".into(),
                found: unknown.join(" "),
            });
        }
        let blank = prompt.ends_with(' ');
        let prompt = self.begin(prompt);
        let before = self.codec.decode(&prompt);
        let mut output = Output::new(asked.stop.as_deref());
        output.skipped = before.len();
        // A codec of words puts a blank between the prompt and what follows, which may be there already.
        output.blank = blank && !before.ends_with(' ');
        if asked.beam > 0 {
            self.search(&prompt, asked, &mut output, &mut on_text);
        } else {
            self.draw(&prompt, asked, &mut output, &mut on_text);
        }
        Ok(Generated { text: output.said, tokens: output.tokens, unknown })
    }

    /// The `n` likeliest ways in which the last word of a text goes on to its end, likeliest first.
    ///
    /// A word ends where something follows that is neither letter nor digit. Probabilities are exact for those that are
    /// found; a likely one can be missed only if its beginning is unlikely.
    ///
    /// # Errors
    /// If none is asked for.
    pub fn complete(&self, prefix: &str, n: usize) -> Result<Vec<Completion>> {
        at_least_one("--n", n)?;
        let prompt = self.begin(prefix);
        let (state, last) = self.read(&prompt);
        let mut rows = self.rows(state);
        // As they are written after the prompt: a codec of words puts a blank between two of them.
        let before = self.codec.decode(&[last]).len();
        let after = |id| self.codec.decode(&[last, id]).get(before..).unwrap_or_default().to_string();
        let texts: Vec<String> = (0..self.codec.len() as u32).map(after).collect();
        let ends: Vec<bool> =
            texts.iter().map(|text| !text.chars().next().is_some_and(char::is_alphanumeric)).collect();
        let mut open = vec![Beginning { text: String::new(), last, log_probability: 0.0 }];
        let mut found: Vec<Completion> = Vec::new();
        for _ in 0..LONGEST_COMPLETION {
            let tokens: Vec<u32> = open.iter().map(|beginning| beginning.last).collect();
            let said = rows.advance(&tokens);
            let mut next: Vec<(usize, Beginning)> = Vec::new();
            for (row, (beginning, said)) in open.iter().zip(said.chunks(texts.len())).enumerate() {
                let is_word = beginning.text.chars().any(char::is_alphanumeric);
                if is_word {
                    let end: f64 = (said.iter().zip(&ends)).filter(|x| *x.1).map(|x| f64::from(*x.0).exp()).sum();
                    let probability = beginning.log_probability.exp() * end;
                    found.push(Completion { text: beginning.text.clone(), probability });
                }
                for (id, (said, text)) in said.iter().zip(&texts).enumerate() {
                    if *said > f32::NEG_INFINITY && !text.is_empty() && !(is_word && ends[id]) {
                        let log_probability = beginning.log_probability + f64::from(*said);
                        let text = format!("{}{text}", beginning.text);
                        next.push((row, Beginning { text, last: id as u32, log_probability }));
                    }
                }
            }
            next.sort_by(|a, b| b.1.log_probability.total_cmp(&a.1.log_probability));
            next.truncate(n * BEAM_PER_COMPLETION);
            found.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.text.cmp(&b.text)));
            found.truncate(n);
            let hope = next.first().map_or(0.0, |(_, likeliest)| likeliest.log_probability.exp());
            if next.is_empty() || (found.len() == n && found[n - 1].probability >= hope) {
                break;
            }
            rows.select(&next.iter().map(|(row, _)| *row).collect::<Vec<_>>());
            open = next.into_iter().map(|(_, beginning)| beginning).collect();
        }
        Ok(found)
    }

    /// The tokens that a text begins with.
    fn begin(&self, prompt: &str) -> Vec<u32> {
        let tokens = self.codec.encode(prompt);
        if !tokens.is_empty() {
            return tokens;
        }
        let line_end = self.codec.encode("\n");
        if line_end.is_empty() { vec![self.codec.specials().bos] } else { line_end }
    }

    /// Reads a prompt up to its last token, which is still to come.
    fn read(&self, prompt: &[u32]) -> (Option<AnyState>, u32) {
        let (last, before) = prompt.split_last().expect("a prompt has at least one token");
        if before.is_empty() {
            return (None, *last);
        }
        let (ids, _) = side_by_side(&[before], self.codec.specials().pad, &self.device);
        (Some(self.network.forward(ids, None).1), *last)
    }

    fn rows(&self, state: Option<AnyState>) -> Following<'_> {
        Following { network: &self.network, device: &self.device, state, specials: self.codec.specials() }
    }

    fn draw(
        &self,
        prompt: &[u32],
        asked: &GenerationConfig,
        output: &mut Output,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) {
        let mut sampler = Sampler::new(asked.sampling.clone());
        prompt.iter().for_each(|token| sampler.remember(*token));
        let (state, mut last) = self.read(prompt);
        let mut rows = self.rows(state);
        let mut stream = TextStream::new(&self.codec);
        for token in prompt {
            let _ = output.take(&stream.push(*token), on_text);
        }
        for _ in 0..asked.length {
            last = sampler.draw(&rows.advance(&[last]));
            output.tokens += 1;
            if output.take(&stream.push(last), on_text).is_break() {
                return;
            }
        }
        if output.take(&stream.finish(), on_text).is_continue() {
            output.finish(on_text);
        }
    }

    fn search(
        &self,
        prompt: &[u32],
        asked: &GenerationConfig,
        output: &mut Output,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) {
        let (state, last) = self.read(prompt);
        // A text has no last token: what is found has the length that was asked for.
        let beam = Beam { width: asked.beam, alpha: 0.0, longest: asked.length, end: u32::MAX };
        let found = beam_search(&mut self.rows(state), &[last], &beam).swap_remove(0).swap_remove(0);
        output.tokens = found.tokens.len();
        if output.take(&self.codec.decode(&[prompt, &found.tokens].concat()), on_text).is_continue() {
            output.finish(on_text);
        }
    }
}

/// The beginning of a completion.
struct Beginning {
    text: String,
    last: u32,
    log_probability: f64,
}

/// Texts side by side.
struct Following<'a> {
    network: &'a LanguageModel,
    device: &'a Device,
    state: Option<AnyState>,
    specials: SpecialTokens,
}

impl StepDecoder for Following<'_> {
    fn advance(&mut self, tokens: &[u32]) -> Vec<f32> {
        let (logits, state) = self.network.step(numbers(tokens, self.device), self.state.take());
        self.state = Some(state);
        let vocabulary = logits.dims()[1];
        let mut said: Vec<f32> = log_softmax(logits, 1).into_data().iter::<f32>().collect();
        for row in said.chunks_mut(vocabulary) {
            let SpecialTokens { pad, bos, eos, unk } = self.specials;
            for special in [pad, bos, eos, unk] {
                row[special as usize] = f32::NEG_INFINITY;
            }
        }
        said
    }

    fn select(&mut self, rows: &[usize]) {
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let rows = numbers(&rows, self.device);
        self.state = self.state.take().map(|state| state.select_rows(rows));
    }
}

/// What was said, and what is held back because the text to stop at may have begun.
struct Output<'a> {
    stop: Option<&'a str>,
    /// Bytes at the beginning that are the prompt's.
    skipped: usize,
    /// Whether a blank after them is not said.
    blank: bool,
    said: String,
    held: String,
    tokens: usize,
}

impl<'a> Output<'a> {
    fn new(stop: Option<&'a str>) -> Self {
        Self {
            stop: stop.filter(|stop| !stop.is_empty()),
            skipped: 0,
            blank: false,
            said: String::new(),
            held: String::new(),
            tokens: 0,
        }
    }

    /// Takes a piece of text and says as much as is sure; breaks at the stop.
    fn take(&mut self, piece: &str, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        let known = self.skipped.min(piece.len());
        self.skipped -= known;
        let mut piece = piece.get(known..).unwrap_or_default();
        if self.blank && !piece.is_empty() {
            self.blank = false;
            piece = piece.strip_prefix(' ').unwrap_or(piece);
        }
        self.held.push_str(piece);
        let Some(stop) = self.stop else {
            return self.say(self.held.len(), on_text);
        };
        if let Some(at) = self.held.find(stop) {
            let _ = self.say(at, on_text);
            return ControlFlow::Break(());
        }
        let begun = |at: &usize| stop.starts_with(&self.held[*at..]);
        let sure = self.held.char_indices().map(|(at, _)| at).find(begun).unwrap_or(self.held.len());
        self.say(sure, on_text)
    }

    /// Says what was held back.
    fn finish(&mut self, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.say(self.held.len(), on_text);
    }

    fn say(&mut self, until: usize, on_text: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        let said: String = self.held.drain(..until).collect();
        if said.is_empty() {
            return ControlFlow::Continue(());
        }
        self.said.push_str(&said);
        on_text(&said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stop: &str, pieces: &[&str]) -> (Vec<String>, String) {
        let mut heard = Vec::new();
        let mut on_text = |text: &str| {
            heard.push(text.to_string());
            ControlFlow::Continue(())
        };
        let mut output = Output::new(Some(stop));
        let ended = pieces.iter().any(|piece| output.take(piece, &mut on_text).is_break());
        if !ended {
            output.finish(&mut on_text);
        }
        (heard, output.said)
    }

    #[test]
    fn a_text_ends_before_its_stop_even_if_that_comes_in_pieces() {
        assert_eq!(said("END", &["a", "bE", "N", "Dc"]), (vec!["a".into(), "b".into()], "ab".into()));
        assert_eq!(said("END", &["aEN", "x"]).1, "aENx");
        assert_eq!(said("END", &["EENEN"]).1, "EENEN");
        assert_eq!(said("", &["a", "b"]).1, "ab");
        assert_eq!(said("да", &["тогд", "а ", "да", "!"]).1, "тог");
    }

    #[test]
    fn a_prompt_is_not_said_again() {
        let mut output = Output { skipped: 5, blank: true, ..Output::new(None) };
        for piece in ["The ", "f", " ox", "en"] {
            let _ = output.take(piece, &mut |_| ControlFlow::Continue(()));
        }
        assert_eq!(output.said, "oxen");
    }

    #[test]
    fn who_listens_can_end_it() {
        let mut output = Output::new(None);
        assert!(output.take("x", &mut |_| ControlFlow::Break(())).is_break());
    }
}
