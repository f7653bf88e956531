//! Token healing: the last word of a prompt is encoded together with what follows it.

use recurrent_data::Tokenizer;

/// The open end of a prompt: the bytes that the first generated tokens have to reproduce, whether they end with the prompt
/// or span its end.
///
/// A network that learned `quiet` as one token never continues the tokens of `qui` with `et`. So the tokens of the last
/// word are dropped, and the first ones generated are those that agree with it ("token healing", as in Guidance).
#[derive(Debug)]
pub(super) struct PromptEnd {
    open: Vec<u8>,
    /// The bytes of each token.
    tokens: Vec<Vec<u8>>,
    /// Whether the rest from a position on can be reproduced: `[open + 1]`.
    reachable: Vec<bool>,
}

impl PromptEnd {
    /// The end of a prompt after its last complete token; `None` if no tokens can reproduce it.
    pub fn new(tokenizer: &Tokenizer, last: u32, open: Vec<u8>) -> Option<Self> {
        let ids = 0..tokenizer.vocab_size() as u32;
        let tokens = ids.map(|id| tokenizer.bytes_after(Some(last), id)).collect();
        let mut reachable = vec![false; open.len()];
        reachable.push(true);
        let mut end = Self { open, tokens, reachable };
        for position in (0..end.open.len()).rev() {
            end.reachable[position] = (0..end.tokens.len()).any(|id| end.allows(position, id));
        }
        end.reachable[0].then_some(end)
    }

    /// The number of bytes to reproduce.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// The bytes of each token.
    pub fn tokens(&self) -> &[Vec<u8>] {
        &self.tokens
    }

    /// Whether a token agrees with the rest of the prompt from a position on.
    fn allows(&self, position: usize, id: usize) -> bool {
        let (rest, token) = (&self.open[position..], &self.tokens[id]);
        rest.is_empty()
            || token.starts_with(rest)
            || !token.is_empty() && rest.starts_with(token) && self.reachable[position + token.len()]
    }

    /// Sets the logits of the tokens that disagree with the prompt to minus infinity.
    pub fn mask(&self, position: usize, logits: &mut [f32]) {
        if position == self.open.len() {
            return;
        }
        for (id, logit) in logits.iter_mut().enumerate() {
            if !self.allows(position, id) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    /// The position after a token.
    pub fn advance(&self, position: usize, id: u32) -> usize {
        self.open.len().min(position + self.tokens[id as usize].len())
    }

    /// Whether a token at a position adds something to the prompt.
    pub fn adds(&self, position: usize, id: u32) -> bool {
        position == self.open.len() || position + self.tokens[id as usize].len() > self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use recurrent_data::{TokenizerConfig, TokenizerKind};

    use super::*;

    fn allowed(end: &PromptEnd, tokenizer: &Tokenizer, position: usize) -> Vec<String> {
        let mut logits = vec![0.0; tokenizer.vocab_size()];
        end.mask(position, &mut logits);
        let ids = (0..).zip(logits).filter(|(_, logit)| *logit == 0.0);
        ids.map(|(id, _)| tokenizer.display_token(id)).collect()
    }

    #[test]
    fn words_that_begin_with_the_prompt_are_allowed() {
        let words = TokenizerConfig::new(TokenizerKind::Words);
        let tokenizer = Tokenizer::fit_strings(&words, ["a quiet walk. a quick qui"]).unwrap();
        let (ids, open) = tokenizer.encode_open("a qui");
        let end = PromptEnd::new(&tokenizer, ids[0], open).unwrap();
        assert_eq!(allowed(&end, &tokenizer, 0), ["qui", "quick", "quiet"]);
        let quiet = tokenizer.token_to_id("quiet").unwrap();
        assert!(end.adds(0, quiet) && !end.adds(0, tokenizer.token_to_id("qui").unwrap()));
        assert_eq!((end.advance(0, quiet), end.len()), (4, 4));
        let (ids, open) = tokenizer.encode_open("a xyz");
        assert!(PromptEnd::new(&tokenizer, ids[0], open).is_none());
    }

    #[test]
    fn subwords_lead_to_the_end_of_the_prompt() {
        let bpe = TokenizerConfig::new(TokenizerKind::Bpe).with_vocab_size(264);
        let tokenizer = Tokenizer::fit_strings(&bpe, [" quiet".repeat(9)]).unwrap();
        let end = PromptEnd::new(&tokenizer, 4, b" qui".to_vec()).unwrap();
        let first = allowed(&end, &tokenizer, 0);
        assert!(first.contains(&"␣".to_string()) && first.iter().all(|token| token.starts_with('␣')), "{first:?}");
        assert!(allowed(&end, &tokenizer, 3).iter().all(|token| token.starts_with('i')));
        assert_eq!(allowed(&end, &tokenizer, 4).len(), tokenizer.vocab_size());
    }
}
