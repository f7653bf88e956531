//! Greedy decoding.

use super::CtcToken;

/// The likeliest path of CTC outputs (best path decoding, Graves et al. 2006), one frame at a time.
///
/// ```
/// use recurrent::decoding::CtcGreedy;
///
/// let mut greedy = CtcGreedy::new(0);
/// for probabilities in [[0.1_f32, 0.9], [0.4, 0.6], [0.8, 0.2]] {
///     greedy.push(&probabilities.map(f32::ln));
/// }
/// let [token] = greedy.tokens() else { panic!("one token") };
/// assert_eq!((token.id, token.start, token.end), (1, 0, 2));
/// assert_eq!(greedy.trailing_blanks(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct CtcGreedy {
    blank: u32,
    /// The symbol of the last frame.
    last: u32,
    tokens: Vec<CtcToken>,
    num_frames: usize,
}

impl CtcGreedy {
    /// A decoder of outputs in which the blank has this id.
    #[must_use]
    pub fn new(blank: u32) -> Self {
        Self { blank, last: blank, tokens: Vec::new(), num_frames: 0 }
    }

    /// Decodes one frame of log-probabilities, `[symbols]`. Of equals the lowest id counts. NaN counts as minus infinity,
    /// and a frame without any probability as a blank.
    pub fn push(&mut self, log_probs: &[f32]) {
        let (symbol, log_prob) = likeliest(log_probs).unwrap_or((self.blank, 0.0));
        let frame = self.num_frames;
        match self.tokens.last_mut() {
            Some(token) if symbol == self.last && symbol != self.blank => *token = token.extended(frame, log_prob),
            _ if symbol != self.blank => self.tokens.push(CtcToken::new(symbol, frame, log_prob)),
            _ => {}
        }
        self.last = symbol;
        self.num_frames += 1;
    }

    /// The tokens so far. Only the last one can still change: it ends later if the next frame repeats it.
    #[must_use]
    pub fn tokens(&self) -> &[CtcToken] {
        &self.tokens
    }

    /// The number of frames since the last token was emitted; all frames if none was.
    #[must_use]
    pub fn trailing_blanks(&self) -> usize {
        self.num_frames - self.tokens.last().map_or(0, |token| token.end)
    }

    /// The number of frames so far.
    #[must_use]
    pub fn num_frames(&self) -> usize {
        self.num_frames
    }

    /// Forgets all frames; the next one is frame 0.
    pub fn reset(&mut self) {
        self.last = self.blank;
        self.tokens.clear();
        self.num_frames = 0;
    }
}

/// The likeliest symbol with a probability above 0; of equals the lowest id.
fn likeliest(log_probs: &[f32]) -> Option<(u32, f32)> {
    let possible = (0..).zip(log_probs.iter().copied()).filter(|(_, log_prob)| *log_prob > f32::NEG_INFINITY);
    possible.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;
    const NONE: f32 = f32::NEG_INFINITY;

    #[test]
    fn tokens_have_their_frames_and_highest_log_probabilities() {
        let mut greedy = CtcGreedy::new(2);
        let frames =
            [[-3.0, -2.0, -0.1], [-0.5, -2.0, -3.0], [-0.2, -2.0, -3.0], [-2.0, -0.1, -3.0], [-3.0, -2.0, -0.1]];
        for frame in frames.iter().chain([&[-3.0, -0.3, -2.0]]) {
            greedy.push(frame);
        }
        let expected = [
            CtcToken { id: 0, start: 1, end: 3, log_prob: -0.2 },
            CtcToken { id: 1, start: 3, end: 4, log_prob: -0.1 },
            CtcToken { id: 1, start: 5, end: 6, log_prob: -0.3 },
        ];
        assert_eq!((greedy.tokens(), greedy.trailing_blanks(), greedy.num_frames()), (&expected[..], 0, 6));
        greedy.push(&frames[0]);
        greedy.push(&frames[0]);
        assert_eq!((greedy.tokens(), greedy.trailing_blanks(), greedy.num_frames()), (&expected[..], 2, 8));
        greedy.reset();
        assert_eq!((greedy.tokens(), greedy.trailing_blanks(), greedy.num_frames()), (&[][..], 0, 0));
        greedy.push(&frames[4]);
        greedy.push(&frames[1]);
        assert_eq!(greedy.tokens(), [CtcToken { id: 0, start: 1, end: 2, log_prob: -0.5 }]);
    }

    #[test]
    fn nan_is_never_chosen() {
        let mut greedy = CtcGreedy::new(0);
        for frame in [[NAN, NAN, NAN], [NAN, -9.0, NAN], [NONE, NAN, NONE], [NONE; 3], [NAN, -8.0, -9.0]] {
            greedy.push(&frame);
        }
        greedy.push(&[]);
        let found: Vec<_> = greedy.tokens().iter().map(|token| (token.id, token.start, token.end)).collect();
        assert_eq!(found, [(1, 1, 2), (1, 4, 5)]);
        assert_eq!(greedy.trailing_blanks(), 1);
    }

    #[test]
    fn of_equals_the_lowest_id_counts() {
        let mut greedy = CtcGreedy::new(3);
        greedy.push(&[-2.0, -1.0, -1.0, -1.0]);
        assert_eq!(greedy.tokens()[0].id, 1);
    }
}
