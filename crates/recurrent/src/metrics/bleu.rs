//! BLEU: n-gram precision of words, with a brevity penalty.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::text::{is_whitespace, ngrams, pairs, words};

/// The maximum n-gram order.
const ORDER: usize = 4;

/// The BLEU of a corpus, and its components.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bleu {
    /// The geometric mean of the precisions times the brevity penalty, from 0 to 100.
    pub score: f64,
    /// The percentages of the hypotheses' 1-grams to 4-grams that occur in a reference; an order without matches is
    /// smoothed. All are 0 if no token matches.
    pub precisions: [f64; ORDER],
    /// e^(1 − reference length / hypothesis length), at most 1.
    pub brevity_penalty: f64,
    /// The number of tokens of all hypotheses.
    pub hypothesis_length: usize,
    /// The number of tokens of the references closest in length to their hypotheses.
    pub reference_length: usize,
}

impl fmt::Display for Bleu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, three, four] = self.precisions;
        let (score, penalty) = (self.score, self.brevity_penalty);
        write!(f, "BLEU {score:.2} ({one:.1}/{two:.1}/{three:.1}/{four:.1}, BP {penalty:.2})")
    }
}

/// Corpus BLEU (Papineni et al. 2002) with sacreBLEU's defaults (Post 2018): tokenizer 13a, case-sensitive, exponential
/// smoothing (Chen & Cherry 2014, method 3: of the orders without matches, the first counts as half a match, the second
/// as a quarter, ...). It is 0 if no hypothesis has four tokens.
///
/// `references[i]` belong to `hypotheses[i]`, one or more. An n-gram matches at most as often as it occurs in one of the
/// references. The reference length is that of the closest reference, the shorter of two that are as close.
///
/// # Panics
/// If the numbers of hypotheses and lists of references differ, or a list is empty.
pub fn corpus_bleu(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> Bleu {
    let mut counts = Counts::default();
    for (hypothesis, references) in pairs(hypotheses, references) {
        counts.add(hypothesis, references);
    }
    counts.bleu()
}

/// The counts that BLEU is computed from.
#[derive(Debug, Default)]
struct Counts {
    matches: [usize; ORDER],
    totals: [usize; ORDER],
    hypothesis_length: usize,
    reference_length: usize,
}

impl Counts {
    fn add(&mut self, hypothesis: &str, references: &[String]) {
        let hypothesis = tokenize(hypothesis);
        let references: Vec<String> = references.iter().map(|reference| tokenize(reference)).collect();
        let hypothesis: Vec<&str> = words(&hypothesis).collect();
        let references: Vec<Vec<&str>> = references.iter().map(|reference| words(reference).collect()).collect();

        let lengths = references.iter().map(Vec::len);
        self.hypothesis_length += hypothesis.len();
        self.reference_length += lengths.min_by_key(|length| (length.abs_diff(hypothesis.len()), *length)).unwrap_or(0);
        for order in 0..ORDER {
            let references: Vec<_> = references.iter().map(|reference| ngrams(reference, order + 1)).collect();
            for (ngram, count) in ngrams(&hypothesis, order + 1) {
                let most = references.iter().filter_map(|reference| reference.get(ngram)).max();
                self.matches[order] += most.map_or(0, |most| count.min(*most));
                self.totals[order] += count;
            }
        }
    }

    fn bleu(&self) -> Bleu {
        let precisions = self.precisions();
        let brevity_penalty = self.brevity_penalty();
        // ln 0 is −∞, and e^−∞ is 0.
        let mean = precisions.iter().map(|precision| precision.ln()).sum::<f64>() / ORDER as f64;
        Bleu {
            // Rounding can give a little more than 100.
            score: (brevity_penalty * mean.exp()).min(100.0),
            precisions,
            brevity_penalty,
            hypothesis_length: self.hypothesis_length,
            reference_length: self.reference_length,
        }
    }

    fn brevity_penalty(&self) -> f64 {
        if self.hypothesis_length >= self.reference_length {
            return 1.0;
        }
        // Without tokens the quotient is ∞, and the penalty 0.
        (1.0 - self.reference_length as f64 / self.hypothesis_length as f64).exp()
    }

    fn precisions(&self) -> [f64; ORDER] {
        let mut precisions = [0.0; ORDER];
        if self.matches == [0; ORDER] {
            return precisions;
        }
        let mut smoothed = 1.0;
        for (precision, (&matches, &total)) in precisions.iter_mut().zip(self.matches.iter().zip(&self.totals)) {
            if total == 0 {
                break;
            }
            let matches = if matches > 0 {
                matches as f64
            } else {
                smoothed /= 2.0;
                smoothed
            };
            *precision = 100.0 * matches / total as f64;
        }
        precisions
    }
}

/// Separates tokens by spaces, as tokenizer 13a (NIST's mteval-v13a.pl).
fn tokenize(text: &str) -> String {
    let text = text.trim_end_matches(is_whitespace);
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    // The order matters: `&amp;lt;` becomes `&lt;` and then `<`.
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    RULES.iter().fold(format!(" {text} "), |text, (pattern, spaced)| match pattern.replace_all(&text, *spaced) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text,
    })
}

/// Where spaces are inserted, in this order.
static RULES: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    let rule = |pattern, spaced| (Regex::new(pattern).expect("a pattern"), spaced);
    [
        // Around ASCII punctuation other than apostrophe, comma, hyphen and period.
        rule(r"([ -&(-+/:-@\[-`\{-~])", " $1 "),
        // Around a period or comma that does not follow a digit.
        rule(r"([^0-9])([.,])", "$1 $2 "),
        // Around a period or comma that does not precede a digit.
        rule(r"([.,])([^0-9])", " $1 $2"),
        // Around a hyphen that follows a digit.
        rule(r"([0-9])(-)", "$1 $2 "),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_equal_those_of_13a() {
        let check = |text: &str, tokens: &str| {
            assert_eq!(words(&tokenize(text)).collect::<Vec<_>>().join(" "), tokens, "of {text:?}");
        };
        check("It cost $1,234.56, not 1.5.", "It cost $ 1,234.56 , not 1.5 .");
        check("well-known, 2-3 o'clock", "well-known , 2 - 3 o'clock");
        check("&quot;Q&amp;A&quot; &amp;lt; [x]", "\" Q & A \" < [ x ]");
        check("«Да», — сказал он...", "«Да» , — сказал он . . .");
        check("over-\nlap\nped- \n", "overlap ped-");
        check("a<skipped>b\u{1c}c\u{a0}d", "ab c d");
    }

    #[test]
    fn the_closest_reference_gives_the_length_and_the_shorter_of_two() {
        let references = |references: &[&str]| vec![references.iter().map(ToString::to_string).collect()];
        assert_eq!(corpus_bleu(&["a b c"], &references(&["a", "a b c d e"])).reference_length, 1);
        assert_eq!(corpus_bleu(&["a b c"], &references(&["a b c d e", "a b c d"])).reference_length, 4);
    }

    #[test]
    fn bleu_is_printed_with_its_components() {
        let bleu = Bleu {
            score: 23.412,
            precisions: [58.1, 30.2, 17.5, 9.8],
            brevity_penalty: 0.9512,
            hypothesis_length: 20,
            reference_length: 21,
        };
        assert_eq!(bleu.to_string(), "BLEU 23.41 (58.1/30.2/17.5/9.8, BP 0.95)");
    }
}
