//! BLEU: how many of a translation's word sequences stand in a right answer.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{is_whitespace, ngrams, pairs, words};

/// The longest sequence of tokens that counts.
const ORDER: usize = 4;

/// The BLEU of a corpus, and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bleu {
    /// From 0 to 100: the geometric mean of the precisions times the brevity penalty.
    pub score: f64,
    /// Of the hypotheses' sequences of one, two, three and four tokens, the percentage that stands in a reference; an
    /// order with no match is smoothed. All are 0 if not a single token matches.
    pub precisions: [f64; ORDER],
    /// From 0 to 1: e^(1 − reference length / hypothesis length), 1 if the hypotheses are long enough.
    pub brevity_penalty: f64,
    /// Tokens of all hypotheses.
    pub hypothesis_length: usize,
    /// Tokens of the references that are nearest in length to their hypotheses.
    pub reference_length: usize,
}

impl fmt::Display for Bleu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, three, four] = self.precisions;
        let (score, penalty) = (self.score, self.brevity_penalty);
        write!(f, "BLEU {score:.2} ({one:.1}/{two:.1}/{three:.1}/{four:.1}, BP {penalty:.2})")
    }
}

/// The BLEU of all hypotheses together (Papineni et al. 2002), as sacreBLEU counts it by default (Post 2018):
/// tokenizer 13a, case matters, and of orders without a match the first counts as half a match, the next as a quarter
/// and so on (Chen & Cherry 2014, method 3). It is 0 where no hypothesis has four tokens.
///
/// `references[i]` are the right answers of `hypotheses[i]`, as many as there are. A sequence may match as often as it
/// stands in the reference that has it most often; the length of the nearest reference counts, of the shorter one if
/// two are as near.
///
/// # Panics
///
/// If there is not a list of references for each hypothesis, or one of them is empty.
pub fn corpus_bleu(hypotheses: &[impl AsRef<str>], references: &[Vec<String>]) -> Bleu {
    let mut counts = Counts::default();
    for (hypothesis, answers) in pairs(hypotheses, references) {
        counts.add(hypothesis, answers);
    }
    counts.bleu()
}

/// What BLEU is computed of.
#[derive(Debug, Default)]
struct Counts {
    matches: [usize; ORDER],
    totals: [usize; ORDER],
    hypothesis_length: usize,
    reference_length: usize,
}

impl Counts {
    fn add(&mut self, hypothesis: &str, answers: &[String]) {
        let hypothesis = tokenize(hypothesis);
        let answers: Vec<String> = answers.iter().map(|answer| tokenize(answer)).collect();
        let said: Vec<&str> = words(&hypothesis).collect();
        let right: Vec<Vec<&str>> = answers.iter().map(|answer| words(answer).collect()).collect();

        let lengths = right.iter().map(Vec::len);
        self.hypothesis_length += said.len();
        self.reference_length += lengths.min_by_key(|length| (length.abs_diff(said.len()), *length)).unwrap_or(0);
        for order in 0..ORDER {
            let right: Vec<_> = right.iter().map(|answer| ngrams(answer, order + 1)).collect();
            for (ngram, count) in ngrams(&said, order + 1) {
                let most = right.iter().filter_map(|answer| answer.get(ngram)).max();
                self.matches[order] += most.map_or(0, |most| count.min(*most));
                self.totals[order] += count;
            }
        }
    }

    fn bleu(&self) -> Bleu {
        let precisions = self.precisions();
        let brevity_penalty = self.brevity_penalty();
        // The logarithm of 0 is −∞, and its power 0.
        let mean = precisions.iter().map(|precision| precision.ln()).sum::<f64>() / ORDER as f64;
        Bleu {
            // Four times ln 100 rounds to a mean a little above 100.
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
        // Without a token the quotient is ∞, and the penalty 0.
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

/// Puts spaces between tokens as the tokenizer 13a does, the one of NIST's mteval-v13a.pl.
fn tokenize(text: &str) -> String {
    let text = text.trim_end_matches(is_whitespace);
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    // One after the other: `&amp;lt;` is `&lt;` and then `<`.
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    RULES.iter().fold(format!(" {text} "), |text, (pattern, spaced)| match pattern.replace_all(&text, *spaced) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text,
    })
}

/// Where spaces go, in this order.
static RULES: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    let rule = |pattern, spaced| (Regex::new(pattern).expect("a pattern"), spaced);
    [
        // Around all of ASCII's signs but the apostrophe, the comma, the hyphen and the period.
        rule(r"([ -&(-+/:-@\[-`\{-~])", " $1 "),
        // Around a period or comma, unless a digit stands before it.
        rule(r"([^0-9])([.,])", "$1 $2 "),
        // And unless a digit stands behind it.
        rule(r"([.,])([^0-9])", " $1 $2"),
        // Around a hyphen behind a digit.
        rule(r"([0-9])(-)", "$1 $2 "),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_13a() {
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
    fn the_nearest_reference_gives_the_length_and_the_shorter_of_two() {
        let answers = |answers: &[&str]| vec![answers.iter().map(ToString::to_string).collect()];
        assert_eq!(corpus_bleu(&["a b c"], &answers(&["a", "a b c d e"])).reference_length, 1);
        assert_eq!(corpus_bleu(&["a b c"], &answers(&["a b c d e", "a b c d"])).reference_length, 4);
    }

    #[test]
    fn a_score_says_what_it_is_made_of() {
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
