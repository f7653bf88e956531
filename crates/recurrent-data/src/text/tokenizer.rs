//! Codecs: what number stands for what piece of a text, learnt from the training part alone.

use std::{fmt, hash::Hash, ops::Range, path::Path, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use tokenizers::Tokenizer as HfTokenizer;

use super::{chars::Chars, loaded::Loaded, stream::Written, subwords::Subwords, texts::Texts, words::Words};
use crate::{DataError, Result, Train, read_file};

/// What a text is cut into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenizerKind {
    /// Unicode scalar values, numbered in the order of their code points. Those that the training
    /// part does not have are unknown.
    #[default]
    Chars,
    /// Words as Unicode bounds them, with each punctuation mark and each end of a line a word of
    /// its own, numbered from the most frequent. Blanks are put back where they most likely were.
    Words,
    /// Byte pairs, merged from the most frequent. Any text comes back as it was.
    Bpe,
    /// The pieces of which the training part is likeliest, and bytes for what they lack. Any text
    /// comes back as it was.
    Unigram,
}

impl TokenizerKind {
    const CHOICES: [&str; 4] = ["chars", "words", "bpe", "unigram"];

    /// All of them, from the simplest.
    pub const ALL: [Self; 4] = [Self::Chars, Self::Words, Self::Bpe, Self::Unigram];
}

impl FromStr for TokenizerKind {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "chars" => Ok(Self::Chars),
            "words" => Ok(Self::Words),
            "bpe" => Ok(Self::Bpe),
            "unigram" => Ok(Self::Unigram),
            _ => Err(DataError::UnknownChoice { what: "codec", found: text.to_string(), choices: &Self::CHOICES }),
        }
    }
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chars => "chars",
            Self::Words => "words",
            Self::Bpe => "bpe",
            Self::Unigram => "unigram",
        })
    }
}

/// Which codec to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// What a text is cut into.
    pub kind: TokenizerKind,
    /// How many tokens there are at most, the special ones among them. 0: all characters, all
    /// words, 4000 subwords.
    pub vocabulary: usize,
    /// How often something has to occur to become a token: a character, a word, a pair of bytes, or
    /// the word that a piece is taken from.
    pub min_count: usize,
    /// Whether words are read in lower case. They are not told apart then, and written so.
    pub lowercase: bool,
}

impl TokenizerConfig {
    /// A codec of this kind, without limits.
    pub fn new(kind: TokenizerKind) -> Self {
        Self { kind, ..Self::default() }
    }
}

/// The numbers of the tokens that stand for no text.
///
/// They are 0, 1, 2 and 3 in a codec that was fitted here, and somewhere in one that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Nothing: what fills the rest of a row.
    pub pad: u32,
    /// The beginning.
    pub bos: u32,
    /// The end.
    pub eos: u32,
    /// Something that has no token.
    pub unk: u32,
}

impl SpecialTokens {
    /// Whether a token is one of them.
    pub fn contains(&self, id: u32) -> bool {
        [self.pad, self.bos, self.eos, self.unk].contains(&id)
    }
}

/// A piece of a text that a codec has no token for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The piece.
    pub text: String,
    /// The byte of the text at which it begins.
    pub at: usize,
}

/// The names of the special tokens, in the order of their numbers.
pub(crate) const NAMES: [&str; 4] = ["<pad>", "<bos>", "<eos>", "<unk>"];

/// The first number after the special tokens of a codec that was fitted here.
pub(crate) const FIRST: u32 = 4;

/// The number for what is unknown to a codec that was fitted here.
pub(crate) const UNK: u32 = 3;

/// From text to numbers, and back.
///
/// A codec is fitted on training texts and on nothing else. [`Texts`] carry the role of the part
/// they are from, so that a leak does not compile:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{TokenizerKind, Corpus, Result, Tokenizer};
/// fn cheat(corpus: &Corpus) -> Result<Tokenizer> {
///     let (_, valid) = corpus.split(0.1)?;
///     Tokenizer::fit(TokenizerKind::Chars, 0, 0, valid.pieces())
/// }
/// ```
///
/// A text can spell no special token: one that says `<eos>` is five characters, or three words.
///
/// A clone shares what was learnt.
///
/// ```
/// use recurrent_data::{TokenizerKind, Corpus, Tokenizer};
///
/// let corpus = Corpus::from_bytes("a song", "la la la, la la".as_bytes())?;
/// let (train, _) = corpus.split(0.2)?;
/// let codec = Tokenizer::fit(TokenizerKind::Chars, 0, 0, train.pieces())?;
///
/// let ids = codec.encode("al la");
/// assert_eq!(ids, [6, 7, 4, 7, 6]);
/// assert_eq!(codec.decode(&ids), "al la");
/// assert_eq!(codec.token(4), "␣");
/// assert_eq!(codec.unknown("la lo")[0].at, 4);
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Tokenizer {
    codec: Arc<Codec>,
}

#[derive(Debug)]
pub(crate) enum Codec {
    Chars(Chars),
    Words(Words),
    Subwords(Subwords),
    Loaded(Box<Loaded>),
}

impl Codec {
    pub(crate) fn specials(&self) -> SpecialTokens {
        match self {
            Self::Loaded(loaded) => loaded.specials(),
            _ => SpecialTokens { pad: 0, bos: 1, eos: 2, unk: UNK },
        }
    }

    fn each(&self, text: &str, give: impl FnMut(u32, Range<usize>)) {
        match self {
            Self::Chars(chars) => chars.each(text, give),
            Self::Words(words) => words.each(text, give),
            Self::Subwords(subwords) => subwords.each(text, give),
            Self::Loaded(loaded) => loaded.each(text, give),
        }
    }
}

impl Tokenizer {
    /// Learns the tokens of a training part: at most `vocabulary` of them (0: no limit, or 4000
    /// subwords), that occur at least `min_count` times each. [`TokenizerConfig`] has further choices,
    /// for [`fit_request`](Self::fit_request).
    ///
    /// The same texts give the same codec. Fitting takes time in proportion to the texts, and
    /// memory in proportion to the different words of them.
    ///
    /// # Errors
    /// If the texts cannot be read, hold nothing that could become a token, or the vocabulary has
    /// no room for one.
    pub fn fit(kind: TokenizerKind, vocabulary: usize, min_count: usize, texts: Texts<'_, Train>) -> Result<Self> {
        Self::fit_request(&TokenizerConfig { kind, vocabulary, min_count, lowercase: false }, texts)
    }

    /// Learns what is asked for from a training part.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_request(request: &TokenizerConfig, texts: Texts<'_, Train>) -> Result<Self> {
        Self::fit_results(request, texts)
    }

    /// Learns what is asked for from any texts: whoever calls this answers for where they are from.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_texts<T: AsRef<str>>(request: &TokenizerConfig, texts: impl IntoIterator<Item = T>) -> Result<Self> {
        Self::fit_results(request, texts.into_iter().map(Ok))
    }

    fn fit_results<T: AsRef<str>>(request: &TokenizerConfig, texts: impl Iterator<Item = Result<T>>) -> Result<Self> {
        let codec = match request.kind {
            TokenizerKind::Chars => Codec::Chars(Chars::fit(request, texts)?),
            TokenizerKind::Words => Codec::Words(Words::fit(request, texts)?),
            TokenizerKind::Bpe | TokenizerKind::Unigram => Codec::Subwords(Subwords::fit(request, texts)?),
        };
        Ok(Self { codec: Arc::new(codec) })
    }

    /// Reads any `tokenizer.json` of Hugging Face.
    ///
    /// The special tokens are found by their usual names, and those that are missing get numbers
    /// after all others. Nothing is cut off or filled up, whatever the file says about it.
    ///
    /// # Errors
    /// If the file cannot be read or is no such tokenizer.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = read_file(path)?;
        let damaged = |cause| DataError::DamagedCodec {
            path: path.display().to_string(),
            expected: "a tokenizer.json of Hugging Face",
            cause,
        };
        let loaded = HfTokenizer::from_bytes(bytes).and_then(Loaded::new).map_err(damaged)?;
        Ok(Self { codec: Arc::new(Codec::Loaded(Box::new(loaded))) })
    }

    /// Reads what [`to_json`](Self::to_json) wrote; `path` is what errors call it.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_json(path: &str, json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|cause| DataError::DamagedCodec {
            path: path.to_string(),
            expected: "a saved codec",
            cause: cause.into(),
        })
    }

    /// The codec as JSON, the same for the same codec.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What it cuts a text into; of a loaded one, what is nearest to that.
    pub fn kind(&self) -> TokenizerKind {
        match &*self.codec {
            Codec::Chars(_) => TokenizerKind::Chars,
            Codec::Words(_) => TokenizerKind::Words,
            Codec::Subwords(subwords) => subwords.kind(),
            Codec::Loaded(loaded) => loaded.kind(),
        }
    }

    /// How many tokens there are, the special ones among them: every number is below it.
    pub fn len(&self) -> usize {
        match &*self.codec {
            Codec::Chars(chars) => FIRST as usize + chars.len(),
            Codec::Words(words) => FIRST as usize + words.len(),
            Codec::Subwords(subwords) => FIRST as usize + subwords.len(),
            Codec::Loaded(loaded) => loaded.len(),
        }
    }

    /// Whether there is no token: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the special tokens.
    pub fn specials(&self) -> SpecialTokens {
        self.codec.specials()
    }

    /// The numbers of a text, without a beginning or an end.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_into(text, &mut ids);
        ids
    }

    /// Appends the numbers of a text.
    pub fn encode_into(&self, text: &str, ids: &mut Vec<u32>) {
        self.codec.each(text, |id, _| ids.push(id));
    }

    /// The numbers of a text, each with the bytes that it stands for. A number that stands for the
    /// beginning of a character has none, and the one that ends it has all of them.
    pub fn spans(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        let mut spans = Vec::new();
        self.codec.each(text, |id, range| spans.push((id, range)));
        spans
    }

    /// What this codec has no token for: it would be encoded as `<unk>`, and decoded as nothing.
    pub fn unknown(&self, text: &str) -> Vec<Unknown> {
        let unk = self.specials().unk;
        let mut unknown = Vec::new();
        self.codec.each(text, |id, range| {
            if id == unk {
                unknown
                    .push(Unknown { text: text.get(range.clone()).unwrap_or_default().to_string(), at: range.start });
            }
        });
        unknown
    }

    /// The text of some numbers. Special tokens are no text; bytes that make no character become
    /// `\u{FFFD}`.
    ///
    /// # Panics
    /// If a number is not below [`len`](Self::len).
    pub fn decode(&self, ids: &[u32]) -> String {
        if let Codec::Loaded(loaded) = &*self.codec {
            return loaded.decode(ids);
        }
        let mut text = String::new();
        let mut written = Written::new(&self.codec);
        ids.iter().for_each(|id| written.push(&self.codec, *id, &mut text));
        written.finish(&self.codec, &mut text);
        text
    }

    /// A token as a table or a picture can show it: a blank is `␣`, the end of a line `\n`, a byte
    /// that is no character by itself `\xD0`.
    ///
    /// # Panics
    /// If the number is not below [`len`](Self::len).
    pub fn token(&self, id: u32) -> String {
        match (&*self.codec, NAMES.get(id as usize)) {
            (Codec::Loaded(loaded), _) => loaded.token(id),
            (_, Some(name)) => name.to_string(),
            (Codec::Chars(chars), _) => printable(chars.char(id).encode_utf8(&mut [0; 4])),
            (Codec::Words(words), _) => printable(words.word(id)),
            (Codec::Subwords(subwords), _) => printable_bytes(subwords.bytes(id)),
        }
    }

    /// The number of the token that stands for exactly this text, or has this name: a character, a
    /// word, a piece, `<eos>`.
    pub fn id(&self, text: &str) -> Option<u32> {
        let special = NAMES.iter().position(|name| *name == text).map(|at| at as u32);
        let mut chars = text.chars();
        match &*self.codec {
            Codec::Loaded(loaded) => loaded.id(text),
            _ if special.is_some() => special,
            Codec::Chars(alphabet) => match (chars.next(), chars.next()) {
                (Some(c), None) => alphabet.id(c),
                _ => None,
            },
            Codec::Words(words) => words.id(text),
            Codec::Subwords(subwords) => subwords.id(text),
        }
    }

    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }
}

/// What becomes a token, from the most frequent and in its own order where that is equal.
pub(crate) fn frequent<K: Ord + Hash>(
    request: &TokenizerConfig,
    piece: &'static str,
    counts: impl IntoIterator<Item = (K, u64)>,
) -> Result<Vec<K>> {
    let &TokenizerConfig { kind, vocabulary, min_count, .. } = request;
    let needed = FIRST as usize + 1;
    if (1..needed).contains(&vocabulary) {
        return Err(DataError::VocabularyTooSmall { codec: kind.to_string(), needed, found: vocabulary });
    }
    let mut counts: Vec<(K, u64)> = counts.into_iter().filter(|(_, count)| *count >= min_count as u64).collect();
    if counts.is_empty() {
        return Err(DataError::NothingToFit { codec: kind.to_string(), piece, min_count });
    }
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if vocabulary > 0 {
        counts.truncate(vocabulary - FIRST as usize);
    }
    Ok(counts.into_iter().map(|(key, _)| key).collect())
}

/// A text as one can see it.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        match c {
            ' ' => shown.push('␣'),
            '"' | '\'' | '\\' => shown.push(c),
            // An accent without a letter below it would sit on whatever stands before.
            _ if at == 0 || c.is_control() || c.is_whitespace() => shown.extend(c.escape_debug()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Bytes as one can see them.
pub(crate) fn printable_bytes(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&printable(chunk.valid()));
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02X}")));
    }
    shown
}

/// A codec as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    kind: TokenizerKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lowercase: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alphabet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merges: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pieces: Option<Vec<(String, f64)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokenizer: Option<Box<HfTokenizer>>,
}

impl From<Tokenizer> for Saved {
    fn from(codec: Tokenizer) -> Self {
        let kind = codec.kind();
        let mut saved =
            Self { kind, lowercase: None, alphabet: None, words: None, merges: None, pieces: None, tokenizer: None };
        match &*codec.codec {
            Codec::Chars(chars) => saved.alphabet = Some(chars.alphabet()),
            Codec::Words(words) => {
                saved.lowercase = Some(words.lowercase());
                saved.words = Some(words.words().to_vec());
            }
            Codec::Subwords(subwords) => {
                saved.merges = subwords.merges().map(<[_]>::to_vec);
                saved.pieces = subwords.pieces().map(<[_]>::to_vec);
            }
            Codec::Loaded(loaded) => saved.tokenizer = Some(Box::new(loaded.tokenizer().clone())),
        }
        saved
    }
}

impl TryFrom<Saved> for Tokenizer {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let codec = match saved {
            Saved { tokenizer: Some(tokenizer), .. } => {
                let loaded = Loaded::new(*tokenizer).map_err(|cause| format!("expected {cause}"))?;
                return Ok(Self { codec: Arc::new(Codec::Loaded(Box::new(loaded))) });
            }
            Saved { kind: TokenizerKind::Chars, alphabet: Some(alphabet), .. } => {
                Chars::saved(&alphabet).map(Codec::Chars)
            }
            Saved { kind: TokenizerKind::Words, words: Some(words), lowercase, .. } => {
                Words::saved(lowercase.unwrap_or_default(), words).map(Codec::Words)
            }
            Saved { kind: TokenizerKind::Bpe, merges: Some(merges), .. } => Subwords::bpe(merges).map(Codec::Subwords),
            Saved { kind: TokenizerKind::Unigram, pieces: Some(pieces), .. } => {
                Subwords::unigram(pieces).map(Codec::Subwords)
            }
            Saved { kind, .. } => Err(format!("all that {kind} needs, found a part of it")),
        };
        let codec = codec.map_err(|expected| format!("expected {expected}"))?;
        Ok(Self { codec: Arc::new(codec) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Corpus;

    const TEXT: &str = "The cat sat.\nThe dog sat: \"Кот!\"\n";

    fn codecs() -> Vec<Tokenizer> {
        let fit =
            |kind| Tokenizer::fit_texts(&TokenizerConfig { vocabulary: 280, ..TokenizerConfig::new(kind) }, [TEXT]);
        TokenizerKind::ALL.into_iter().map(|kind| fit(kind).unwrap()).collect()
    }

    #[test]
    fn special_tokens_come_first() {
        for codec in codecs() {
            let SpecialTokens { pad, bos, eos, unk } = codec.specials();
            assert_eq!([pad, bos, eos, unk], [0, 1, 2, 3]);
            assert_eq!([0, 1, 2, 3].map(|id| codec.token(id)), NAMES);
            assert_eq!(NAMES.map(|name| codec.id(name)), [Some(0), Some(1), Some(2), Some(3)]);
            assert_eq!(codec.decode(&[1, 0, 3, 2]), "");
        }
    }

    #[test]
    fn a_codec_is_the_same_after_it_was_saved() {
        for codec in codecs() {
            let json = codec.to_json();
            let again = Tokenizer::from_json("codec.json", &json).unwrap();
            assert_eq!(again.to_json(), json);
            assert_eq!((again.kind(), again.len()), (codec.kind(), codec.len()));
            assert_eq!(again.encode(TEXT), codec.encode(TEXT));
            assert_eq!(again.decode(&again.encode(TEXT)).trim(), TEXT.trim());
        }
        assert_eq!(
            Tokenizer::fit_texts(&TokenizerConfig::default(), ["ba c"]).unwrap().to_json(),
            r#"{"kind":"chars","alphabet":" abc"}"#
        );
    }

    #[test]
    fn spans_and_unknown_pieces_say_where_they_are() {
        let chars = &codecs()[0];
        let unknown = |text: &str, at| Unknown { text: text.to_string(), at };
        assert_eq!(chars.unknown("Тhe cаt"), [unknown("Т", 0), unknown("а", 6)]);
        let words = &codecs()[1];
        assert_eq!(words.unknown("The  bird sat"), [unknown("bird", 5)]);
        let spans = words.spans("The  bird sat");
        assert_eq!(spans.iter().map(|(_, range)| range.clone()).collect::<Vec<_>>(), [0..3, 5..9, 10..13]);
        assert_eq!(spans[1].0, words.specials().unk);
    }

    #[test]
    fn a_codec_that_was_damaged_is_refused() {
        let message = |json: &str| Tokenizer::from_json("codec.json", json).unwrap_err().to_string();
        for (json, found) in [
            (r#"{"kind":"chars"}"#, "expected all that chars needs, found a part of it"),
            (r#"{"kind":"chars","alphabet":""}"#, "expected an alphabet, found no character"),
            (r#"{"kind":"chars","alphabet":"ba"}"#, "expected characters that are sorted, found 'b' before 'a'"),
            (r#"{"kind":"words","words":["a","a"]}"#, "expected each word once, found \"a\" again"),
            (r#"{"kind":"words","words":[]}"#, "expected words, found none"),
            (r#"{"kind":"bpe","merges":[["a","bc"]]}"#, "expected merges of known pieces, found \"bc\""),
            (r#"{"kind":"unigram","pieces":[["a",-1.0],["a",-2.0]]}"#, "expected each piece once, found \"a\" again"),
            (
                r#"{"kind":"unigram","pieces":[["<unk>",-1.5]]}"#,
                "expected pieces of text with finite scores, found \"<unk>\" with -1.5",
            ),
        ] {
            assert_eq!(message(json), format!("codec.json: expected a saved codec: {found}"), "{json}");
        }
        assert!(message("{").starts_with("codec.json: expected a saved codec: EOF"));
    }

    #[test]
    fn texts_without_a_token_are_refused() {
        let message = |kind, vocabulary, min_count, text: &str| {
            let request = TokenizerConfig { kind, vocabulary, min_count, lowercase: false };
            Tokenizer::fit_texts(&request, [text]).unwrap_err().to_string()
        };
        assert_eq!(
            message(TokenizerKind::Chars, 0, 3, "ab"),
            "expected texts to fit chars on, found no character that occurs at least 3 times"
        );
        assert_eq!(
            message(TokenizerKind::Words, 0, 0, " "),
            "expected texts to fit words on, found no word that occurs at least once"
        );
        assert_eq!(
            message(TokenizerKind::Bpe, 0, 2, ""),
            "expected texts to fit bpe on, found no word that occurs at least once"
        );
        assert_eq!(message(TokenizerKind::Chars, 4, 0, "ab"), "expected a vocabulary of at least 5 for chars, found 4");
    }

    #[test]
    fn a_codec_sees_the_training_part_alone() {
        let fit = |kind, end: &str| {
            let text = format!("{}{}", TEXT.repeat(9), end.repeat(TEXT.chars().count()));
            let corpus = Corpus::from_bytes("t", text.into_bytes()).unwrap();
            let (train, _) = corpus.split(0.1).unwrap();
            Tokenizer::fit(kind, 290, 0, train.pieces()).unwrap().to_json()
        };
        for kind in TokenizerKind::ALL {
            assert_eq!(fit(kind, "x"), fit(kind, "ы"));
        }
    }

    #[test]
    fn kinds_are_read_from_text_and_from_files() {
        for kind in TokenizerKind::ALL {
            assert_eq!(kind.to_string().parse::<TokenizerKind>().unwrap(), kind);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert_eq!(
            "letters".parse::<TokenizerKind>().unwrap_err().to_string(),
            "expected a codec, one of chars, words, bpe, unigram; found `letters`"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(printable(" a\n\t\"'\\\u{7}"), "␣a\\n\\t\"'\\\\u{7}");
        assert_eq!(printable("\u{301}"), "\\u{301}");
        assert_eq!(printable("e\u{301}ж"), "e\u{301}ж");
        assert_eq!(printable_bytes(b"a\xD0\xB6\xD0"), "aж\\xD0");
    }
}
