//! Template matching, the rival of a network: connected words by dynamic time warping.

use std::collections::BTreeMap;
use std::iter::zip;
use std::ops::Range;

use recurrent_audio::{Features, LogMelConfig};

use super::WordTime;
use crate::metrics::word_errors;

/// Segments of a word that are compared in the choice of its templates, at most.
const MAX_CANDIDATES: usize = 100;

/// The weight of a frame that is aligned with the same template frame as the one before, or leaves a template frame out.
const UNEVEN: f32 = 1.5;

/// The word-insertion penalties that are tried. A penalty of 1 is what a frame costs that differs from its template by 1
/// in each value.
const PENALTIES: [f32; 9] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0];

/// The least deviation that values are divided by: a recording of silence stays quiet.
const MIN_DEVIATION: f32 = 0.1;

/// Recognizes connected words by recorded examples of them, the templates. There is nothing to train.
///
/// A recording is a sequence of templates, each stretched and compressed in time by dynamic time warping (Sakoe and Chiba
/// 1978, *Dynamic programming algorithm optimization for spoken word recognition*). The cheapest sequence is found in one
/// stage (Ney 1984, *The use of a one-stage dynamic programming algorithm for connected word recognition*): the best way to
/// be in frame `j` of template `k` at time `i` is
///
/// ```text
/// D[i, j, k] = min(D[i-1, j-1, k] + d, D[i-1, j, k] + 1.5 d, D[i-1, j-2, k] + 1.5 d),    d = d[i, j, k]
/// ```
///
/// where `j = -1` stands for the end of the best template at time `i - 1`, plus a penalty if template `k` is a word. `d` is
/// the mean squared difference of the values of two frames. Time is proportional to the frames of the recording times those
/// of all templates. Memory is one column of costs, and the best template that ends at each time.
///
/// Each frame of a recording counts once. With the steps of Sakoe and Chiba, which may also stay at one frame while the
/// template moves on, a third more words of `spoken-digits` were wrong.
///
/// - Each value of a recording has mean 0 and deviation 1, which removes much of the microphone and the noise. It is also
///   why this cannot stream.
/// - The templates of a word are medoids of its segments (Rabiner et al. 1979, *Speaker-independent recognition of isolated
///   words using clustering techniques*), chosen one after the other, so that the sum of distances to the nearest is the
///   least. Silence has templates of one frame.
#[derive(Debug, Clone)]
pub(super) struct TemplateMatching {
    width: usize,
    templates: Vec<Template>,
    /// The frames of all templates, `[frames, width]`.
    frames: Vec<f32>,
    /// What a word costs.
    penalty: f32,
}

#[derive(Debug, Clone)]
struct Template {
    /// The word; `None` for silence.
    word: Option<String>,
    /// The indices of its frames.
    frames: Range<usize>,
}

/// A part of a recording: a word, or a frame of silence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// The word, in lower case; `None` for silence.
    word: Option<String>,
    /// Its frames, `[frames, width]`.
    frames: Vec<f32>,
}

/// The segments of a recording. Without word times, that is the whole recording if it has one word, its frames as silence
/// if it has no word, and else nothing.
pub(super) fn segments(
    text: &str,
    words: Option<&[WordTime]>,
    features: &Features,
    log_mel: &LogMelConfig,
) -> Vec<Segment> {
    let width = features.width;
    let values = standardized(&features.values, width);
    let word = |word: &str, frames: Range<usize>| Segment {
        word: Some(word.to_lowercase()),
        frames: values[frames.start * width..frames.end * width].to_vec(),
    };
    let silence = |frames: Range<usize>| {
        let frames = values[frames.start * width..frames.end * width].chunks_exact(width.max(1));
        frames.map(|frame| Segment { word: None, frames: frame.to_vec() })
    };
    let Some(words) = words else {
        let mut words = text.split_whitespace();
        return match (words.next(), words.next()) {
            (None, _) => silence(0..features.len()).collect(),
            (Some(only), None) => vec![word(only, 0..features.len())],
            _ => Vec::new(),
        };
    };
    // The first frame whose middle is at this time or later.
    let frame_at = |seconds: f64| {
        let frames = (seconds - log_mel.frame_end(0) / 2.0) / log_mel.frame_seconds();
        (frames.ceil().max(0.0) as usize).min(features.len())
    };
    let mut segments = Vec::new();
    let mut end = 0;
    for time in words {
        let spoken = frame_at(time.start).max(end)..frame_at(time.end).max(end);
        segments.extend(silence(end..spoken.start));
        end = spoken.end.max(spoken.start);
        segments.push(word(&time.word, spoken.start..end));
    }
    segments.extend(silence(end..features.len()));
    segments
}

/// Features in which each value has mean 0 and deviation 1 over the recording.
fn standardized(features: &[f32], width: usize) -> Vec<f32> {
    let mut values = features.to_vec();
    let count = (values.len() / width.max(1)).max(1) as f32;
    for value in 0..width {
        let column = || features.iter().skip(value).step_by(width);
        let mean = column().sum::<f32>() / count;
        let variance = column().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        let deviation = variance.sqrt().max(MIN_DEVIATION);
        values.iter_mut().skip(value).step_by(width).for_each(|x| *x = (*x - mean) / deviation);
    }
    values
}

impl TemplateMatching {
    /// Chooses at most `max_templates` for each word and for silence from [`segments`] with frames of this width; `None` if
    /// there is no word among them.
    pub fn fit(segments: impl IntoIterator<Item = Segment>, width: usize, max_templates: usize) -> Option<Self> {
        let mut by_word: BTreeMap<Option<String>, Vec<Vec<f32>>> = BTreeMap::new();
        for Segment { word, frames } in segments {
            if (1..=frames.len()).contains(&width) {
                by_word.entry(word).or_default().push(frames);
            }
        }
        let mut fitted = Self { width, templates: Vec::new(), frames: Vec::new(), penalty: 1.0 };
        for (word, segments) in by_word {
            for medoid in medoids(&segments, width, max_templates) {
                let start = fitted.frames.len() / width;
                fitted.frames.extend(medoid);
                let frames = start..fitted.frames.len() / width;
                fitted.templates.push(Template { word: word.clone(), frames });
            }
        }
        fitted.templates.iter().any(|template| template.word.is_some()).then_some(fitted)
    }

    /// Chooses the word-insertion penalty with the fewest word errors on some recordings, given as features and text. Words
    /// are compared without regard to case.
    pub fn choose_penalty(&mut self, recordings: &[(&[f32], &str)]) {
        let mut errors = [0; PENALTIES.len()];
        for (features, text) in recordings {
            for (errors, words) in errors.iter_mut().zip(self.search(features, &PENALTIES)) {
                *errors += word_errors(&text.to_lowercase(), &words.join(" ")).errors();
            }
        }
        let fewest = zip(errors, PENALTIES).min_by_key(|(errors, _)| *errors);
        if let (false, Some((_, penalty))) = (recordings.is_empty(), fewest) {
            self.penalty = penalty;
        }
    }

    /// The words of a recording, `[frames, width]`, in lower case.
    pub fn recognize(&self, features: &[f32]) -> Vec<String> {
        self.search(features, &[self.penalty]).concat()
    }

    /// The words of a recording for each penalty.
    fn search(&self, features: &[f32], penalties: &[f32]) -> Vec<Vec<String>> {
        let values = standardized(features, self.width);
        let mut searches: Vec<_> = penalties.iter().map(|penalty| Search::new(&self.templates, *penalty)).collect();
        let mut distances = vec![0.0; self.frames.len() / self.width];
        for frame in values.chunks_exact(self.width) {
            for (distance, other) in distances.iter_mut().zip(self.frames.chunks_exact(self.width)) {
                *distance = mean_square(frame, other);
            }
            searches.iter_mut().for_each(|search| search.advance(&distances));
        }
        searches.iter().map(Search::words).collect()
    }
}

/// The cheapest sequence of templates up to some frame of a recording.
struct Search<'a> {
    templates: &'a [Template],
    penalty: f32,
    /// For each template, the best ways to be in each of its frames, after one that cannot be and the way into it.
    columns: Vec<Vec<Path>>,
    /// For each frame of the recording, the best template that ends there.
    ends: Vec<End<'a>>,
}

/// A way to be in a frame of a template.
#[derive(Clone, Copy)]
struct Path {
    cost: f32,
    /// The frame of the recording in which the template began.
    start: usize,
}

/// A way to be at the end of a template.
struct End<'a> {
    path: Path,
    word: Option<&'a String>,
}

impl Path {
    const IMPOSSIBLE: Self = Self { cost: f32::INFINITY, start: 0 };

    fn plus(self, cost: f32) -> Self {
        Self { cost: self.cost + cost, ..self }
    }

    fn or(self, other: Self) -> Self {
        if other.cost < self.cost { other } else { self }
    }
}

impl<'a> Search<'a> {
    fn new(templates: &'a [Template], penalty: f32) -> Self {
        let columns = templates.iter().map(|template| vec![Path::IMPOSSIBLE; template.frames.len() + 2]);
        Self { templates, penalty, columns: columns.collect(), ends: Vec::new() }
    }

    /// Reads a frame with these distances to the frames of all templates.
    fn advance(&mut self, distances: &[f32]) {
        let so_far = Path { cost: self.ends.last().map_or(0.0, |end| end.path.cost), start: self.ends.len() };
        let mut best = End { path: Path::IMPOSSIBLE, word: None };
        for (template, column) in self.templates.iter().zip(&mut self.columns) {
            column[1] = if template.word.is_some() { so_far.plus(self.penalty) } else { so_far };
            // Backward, so that the column still has the paths of the frame before.
            for (index, distance) in distances[template.frames.clone()].iter().enumerate().rev() {
                let [skipping, even, staying] = [column[index], column[index + 1], column[index + 2]];
                column[index + 2] = even.plus(*distance).or(skipping.or(staying).plus(UNEVEN * distance));
            }
            if let Some(path) = column.last().filter(|path| path.cost < best.path.cost) {
                best = End { path: *path, word: template.word.as_ref() };
            }
        }
        self.ends.push(best);
    }

    /// The words of the cheapest sequence; none if no sequence is as short as the recording.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut frames = self.ends.len();
        while let Some(End { path, word }) = frames.checked_sub(1).map(|last| &self.ends[last]) {
            words.extend(word.cloned());
            frames = path.start;
        }
        words.reverse();
        words
    }
}

/// The segments that stand for all, at most `count`: in each round the one that lowers the sum of the distances to the
/// nearest of them the most.
fn medoids(segments: &[Vec<f32>], width: usize, count: usize) -> Vec<&[f32]> {
    let step = segments.len().div_ceil(MAX_CANDIDATES).max(1);
    let candidates: Vec<&[f32]> = segments.iter().step_by(step).map(Vec::as_slice).collect();
    let mut distances = vec![vec![0.0; candidates.len()]; candidates.len()];
    for row in 0..candidates.len() {
        for column in 0..row {
            let distance = warped_distance(candidates[row], candidates[column], width);
            (distances[row][column], distances[column][row]) = (distance, distance);
        }
    }
    let mut nearest = vec![f32::MAX; candidates.len()];
    let sum = |row: &[f32], nearest: &[f32]| zip(row, nearest).map(|(a, b)| f64::from(a.min(*b))).sum::<f64>();
    let mut chosen = Vec::new();
    for _ in 0..count.min(candidates.len()) {
        let sums = distances.iter().map(|row| sum(row, &nearest));
        let Some((best, _)) = sums.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        nearest.iter_mut().zip(&distances[best]).for_each(|(nearest, distance)| *nearest = nearest.min(*distance));
        chosen.push(candidates[best]);
    }
    chosen
}

/// The mean distance of the frames of two segments, warped in time: the symmetric form of Sakoe and Chiba without a slope
/// constraint.
fn warped_distance(a: &[f32], b: &[f32], width: usize) -> f32 {
    let (rows, columns) = (a.len() / width, b.len() / width);
    let mut costs = vec![f32::INFINITY; columns + 1];
    costs[0] = 0.0;
    for frame in a.chunks_exact(width) {
        let mut diagonal = std::mem::replace(&mut costs[0], f32::INFINITY);
        for (column, other) in b.chunks_exact(width).enumerate() {
            let distance = mean_square(frame, other);
            let cost = (diagonal + 2.0 * distance).min(costs[column] + distance).min(costs[column + 1] + distance);
            diagonal = std::mem::replace(&mut costs[column + 1], cost);
        }
    }
    costs[columns] / (rows + columns) as f32
}

/// The mean squared difference of two frames.
fn mean_square(a: &[f32], b: &[f32]) -> f32 {
    let square = |(x, y): (&f32, &f32)| (x - y) * (x - y);
    // Several sums, so that the compiler can use SIMD.
    let ((parts, rest), (others, other_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (part, other) in zip(parts, others) {
        zip(&mut sums, zip(part, other)).for_each(|(sum, pair)| *sum += square(pair));
    }
    let rest: f32 = zip(rest, other_rest).map(square).sum();
    (rest + sums.iter().sum::<f32>()) / a.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 10;
    const WORDS: [&str; 4] = ["Yes", "no", "нет", "stop"];

    /// Numbers from -1 to 1.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
        }
    }

    /// A recording of words, each with its times. Each word is a path of peaks at its own speed, and silence has none.
    fn recording(words: &[&str], noise: &mut Noise) -> (Features, Vec<WordTime>) {
        let log_mel = LogMelConfig::default();
        let mut features = Features::new(WIDTH);
        let mut times = Vec::new();
        let push = |peak: Option<f32>, features: &mut Features, noise: &mut Noise| {
            let height = |value: usize| peak.map_or(0.0, |peak| (4.0 - (value as f32 - peak).abs()).max(0.0));
            features.values.extend((0..WIDTH).map(|value| height(value) + 0.4 * noise.next()));
        };
        let pause = |features: &mut Features, noise: &mut Noise| (0..8).for_each(|_| push(None, features, noise));
        pause(&mut features, noise);
        for word in words {
            let index = WORDS.iter().position(|other| other == word).expect("a word of the toy language");
            let peaks = [[1.0, 8.0, 1.0], [8.0, 1.0, 8.0], [1.0, 4.0, 8.0], [8.0, 4.0, 4.0]][index];
            let middle = |frame: usize| frame as f64 * log_mel.frame_seconds() + log_mel.frame_end(0) / 2.0;
            let start = middle(features.len());
            for peak in peaks {
                let frames = 4 + (noise.next().abs() * 4.0) as usize;
                (0..frames).for_each(|_| push(Some(peak), &mut features, noise));
            }
            times.push(WordTime { word: word.to_string(), start, end: middle(features.len()) });
            if noise.next() > 0.0 {
                pause(&mut features, noise);
            }
        }
        pause(&mut features, noise);
        (features, times)
    }

    /// Sentences of these lengths with all the words in turn.
    fn sentences(lengths: &[usize]) -> Vec<Vec<&'static str>> {
        let mut words = WORDS.into_iter().cycle();
        lengths.iter().map(|length| words.by_ref().take(*length).collect()).collect()
    }

    fn fitted() -> TemplateMatching {
        let mut noise = Noise(1);
        let recordings = sentences(&[3; 30]).into_iter().flat_map(|words| {
            let (features, times) = recording(&words, &mut noise);
            segments(&words.join(" "), Some(&times), &features, &LogMelConfig::default())
        });
        TemplateMatching::fit(recordings, WIDTH, 3).unwrap()
    }

    #[test]
    fn connected_words_are_recognized_at_any_speed() {
        let mut matching = fitted();
        let mut noise = Noise(2);
        let recordings: Vec<_> = sentences(&[1, 2, 5, 3, 0, 4, 1, 1, 7])
            .into_iter()
            .map(|words| (recording(&words, &mut noise).0, words.join(" ")))
            .collect();
        let borrowed: Vec<_> = recordings.iter().map(|(features, text)| (&*features.values, text.as_str())).collect();
        matching.choose_penalty(&borrowed[..3]);
        for (features, text) in borrowed {
            assert_eq!(matching.recognize(features).join(" "), text.to_lowercase());
            assert_eq!(matching.recognize(features), matching.clone().recognize(features));
        }
    }

    #[test]
    fn silence_has_no_words() {
        let matching = fitted();
        for seed in 0..5 {
            let features = recording(&[], &mut Noise(seed)).0;
            assert!(matching.recognize(&features.values).is_empty());
        }
        assert!(matching.recognize(&[]).is_empty());
        assert!(matching.recognize(&[f32::NAN; 3 * WIDTH]).is_empty());
    }

    #[test]
    fn without_a_word_there_is_nothing_to_match() {
        let silence = || Segment { word: None, frames: vec![0.0; WIDTH] };
        let no_frames = || Segment { word: Some("no".into()), frames: Vec::new() };
        for width in [0, WIDTH] {
            assert!(TemplateMatching::fit([silence(), no_frames()], width, 3).is_none());
        }
    }

    #[test]
    fn words_are_cut_at_their_times() {
        let (features, times) = recording(&["Yes", "no"], &mut Noise(3));
        let log_mel = LogMelConfig::default();
        let found = segments("Yes no", Some(&times), &features, &log_mel);
        let words: Vec<_> = found.iter().filter(|segment| segment.word.is_some()).collect();
        let frames =
            |index: usize| ((times[index].end - times[index].start) / log_mel.frame_seconds()).round() as usize;
        assert_eq!(words.len(), 2);
        assert_eq!(words[0].word.as_deref(), Some("yes"));
        assert_eq!([0, 1].map(|index| words[index].frames.len() / WIDTH), [frames(0), frames(1)]);
        assert_eq!(found.iter().map(|segment| segment.frames.len()).sum::<usize>(), features.values.len());
        assert!(found[..8].iter().all(|segment| segment.word.is_none()));
    }

    #[test]
    fn without_times_only_a_single_word_is_a_template() {
        let features = recording(&["no"], &mut Noise(4)).0;
        let found = |text: &str| segments(text, None, &features, &LogMelConfig::default());
        assert_eq!(found("No").len(), 1);
        assert_eq!(found("No")[0].word.as_deref(), Some("no"));
        assert!(found("no yes").is_empty());
        assert_eq!(found("").len(), features.len());
    }

    #[test]
    fn templates_of_a_word_differ() {
        let level = |value: f32| vec![value; 2 * WIDTH];
        let segments = [level(0.0), level(0.1), level(0.0), level(5.0), level(5.1), level(0.1)];
        let chosen = medoids(&segments, WIDTH, 2);
        assert!((chosen[0][0] < 1.0) && (chosen[1][0] > 4.0));
        assert_eq!(medoids(&segments, WIDTH, 100).len(), segments.len());
        assert_eq!(warped_distance(&level(0.0), &[level(2.0), level(2.0)].concat(), WIDTH), 4.0);
    }
}
