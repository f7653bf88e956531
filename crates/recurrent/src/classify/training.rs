//! Training and evaluation of a classifier.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Distribution, Tensor};
use rand::rngs::StdRng;
use recurrent_data::{
    DataSource, EncodedTexts, LabeledSplit, LabeledSubset, LabeledTexts, Role, Test, TextBatch, Tokenizer, Train, Valid,
};
use recurrent_models::networks::SequenceClassifier;

use super::evidence::Evidence;
use super::predictor::{pieces, values};
use super::{
    BagOfWords, BaselineEvaluation, Classifier, ClassifyConfig, ClassifyEvaluation, LabeledSentences, NaiveBayesNgrams,
};
use crate::fit::{BatchSource, Loaders, Loss, Objective, similar_batches};
use crate::metrics::classification::LabeledPrediction;
use crate::partial::Partial;
use crate::task::{count_unknown, unknown_note};
use crate::{Ensemble, Error, FittedParts, Result, Run, RunDir, Task, TrainedRun};

/// Sentences per batch in evaluation.
const EVALUATION_BATCH: usize = 256;

/// A run of [`Classifying`].
pub type ClassifyRun = Run<Classifying>;

/// The task of classification.
#[derive(Debug)]
pub struct Classifying;

/// Labeled sentences as token ids.
#[derive(Debug)]
pub struct ClassifyData {
    tokenizer: Tokenizer,
    labels: Vec<String>,
    evidence: Option<Evidence>,
    train_texts: LabeledSubset<Train>,
    valid_texts: LabeledSubset<Valid>,
    test_texts: LabeledSubset<Test>,
    train: EncodedTexts<Train>,
    valid: EncodedTexts<Valid>,
    test: EncodedTexts<Test>,
    notes: Vec<String>,
}

impl ClassifyData {
    /// The numbers of sentences of the training, validation and test splits.
    pub fn sizes(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The labels, in the order of their indices.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The training sentences with their evidence, which an opened run counts again.
    fn training_texts(&self, max_length: usize) -> EncodedTexts<Train> {
        let train = self.train.clone();
        match &self.evidence {
            Some(evidence) if train.num_features() == 0 => {
                let tokens = tokens(&self.train_texts, &self.tokenizer, max_length);
                let values = evidence.cross_fitted(&tokens, self.train_texts.label_ids(), self.labels.len());
                let values = values.expect("the same sentences were counted when the run was created");
                train.with_features(Evidence::num_features(self.labels.len()), values)
            }
            _ => train,
        }
    }

    /// The bag of words, read from the folder or fitted.
    fn bag_of_words(&self, run_dir: &RunDir) -> Result<BagOfWords> {
        if let Some(bag) = BagOfWords::read(run_dir, self.labels.len())? {
            return Ok(bag);
        }
        let bag = BagOfWords::fit(&texts(&self.train_texts), self.train_texts.label_ids(), self.labels.len())?;
        match bag.write(run_dir) {
            // On a read-only disk it is fitted again the next time.
            Err(error) if error.is_read_only() => {}
            written => written?,
        }
        Ok(bag)
    }

    fn ngrams(&self) -> Result<NaiveBayesNgrams> {
        let (train, valid) = (texts(&self.train_texts), texts(&self.valid_texts));
        let train = LabeledSentences { texts: &train, labels: self.train_texts.label_ids() };
        let valid = LabeledSentences { texts: &valid, labels: self.valid_texts.label_ids() };
        NaiveBayesNgrams::fit(train, valid, self.labels.len())
    }

    /// The baselines on the test split, and the reasons why others could not be fitted.
    fn baselines(&self, run_dir: &RunDir) -> Result<(Vec<BaselineEvaluation>, Vec<String>)> {
        let sentences = texts(&self.test_texts);
        let evaluation = |name: &str, probabilities: Vec<Vec<f64>>| {
            let predictions = probabilities
                .into_iter()
                .enumerate()
                .map(|(index, probabilities)| LabeledPrediction { label: self.test.label_id(index), probabilities });
            BaselineEvaluation { name: name.into(), predictions: predictions.collect() }
        };
        let bag = self.bag_of_words(run_dir).map(|bag| evaluation(bag.name(), bag.predict(&sentences)));
        let ngrams = self.ngrams().map(|ngrams| evaluation(NaiveBayesNgrams::NAME, ngrams.predict(&sentences)));
        let (mut baselines, mut missing) = (Vec::new(), Vec::new());
        for baseline in [bag, ngrams] {
            match baseline {
                Ok(baseline) => baselines.push(baseline),
                // The network is scored all the same.
                Err(Error::Training(reason)) => missing.push(reason),
                Err(error) => return Err(error),
            }
        }
        Ok((baselines, missing))
    }
}

fn texts<R: Role>(subset: &LabeledSubset<R>) -> Vec<&str> {
    subset.labeled().map(|labeled| &*labeled.text).collect()
}

/// The tokens of each sentence, as evidence counts them; one without tokens has the `<unk>` that is read in their place.
fn tokens<R: Role>(subset: &LabeledSubset<R>, tokenizer: &Tokenizer, max_length: usize) -> Vec<Vec<String>> {
    let of = |text: &str| {
        let mut spans = tokenizer.encode_with_offsets(text);
        spans.truncate(max_length);
        if spans.is_empty() { vec![String::new()] } else { pieces(text, &spans) }
    };
    subset.labeled().map(|labeled| of(&labeled.text)).collect()
}

impl Task for Classifying {
    const ITEMS: &'static str = "sentences";
    const NETWORK_SETTINGS: &'static [&'static str] = &[
        "tokenizer",
        "vocab_size",
        "min_count",
        "embedding_dim",
        "cell",
        "hidden_size",
        "num_layers",
        "bidirectional",
        "pooling",
        "evidence",
        "ensemble",
        "max_length",
    ];

    type Config = ClassifyConfig;
    type Source = DataSource;
    type Data = ClassifyData;
    type Network = Ensemble<SequenceClassifier>;
    type Objective = ClassifyObjective;
    type Evaluation = ClassifyEvaluation;
    type Predictor = Classifier;

    fn default_config(source: &DataSource, _given: &Partial) -> Result<ClassifyConfig> {
        ClassifyConfig::new(source)
    }

    /// Sentences → splits → tokenizer → token ids.
    fn prepare(config: &ClassifyConfig, source: &DataSource, fitted: FittedParts<'_>) -> Result<ClassifyData> {
        let column = Option::as_deref;
        let labeled = LabeledTexts::from_table(
            source.table()?,
            column(&config.text_column),
            column(&config.label_column),
            column(&config.split_column),
        )?;
        let labeled = match &config.kind_column {
            Some(kinds) => labeled.with_kinds(source.table()?, kinds)?,
            None => labeled,
        };
        let split = labeled.split(&config.split)?;
        let split = match fitted {
            FittedParts::Anew => split,
            FittedParts::Of(run_dir) => split.with_labels(&Classifier::read_labels(run_dir)?)?,
            // Those of the data, if they are others.
            FittedParts::OfBase(base) => split.clone().with_labels(&Classifier::read_labels(base)?).unwrap_or(split),
        };
        let LabeledSplit { train: train_texts, valid: valid_texts, test: test_texts, labels, near_duplicates, .. } =
            split;
        let tokenizer = match fitted.run_dir() {
            Some(run_dir) => run_dir.read_tokenizer(Classifier::EMBEDDING)?,
            None => config.tokenizer.tokenizer(&config.tokenizer_config(), train_texts.texts())?,
        };
        let max_length = config.max_length;
        let mut train = train_texts.encode(&tokenizer, max_length)?;
        let mut valid = valid_texts.encode(&tokenizer, max_length)?;
        let mut test = test_texts.encode(&tokenizer, max_length)?;
        let mut evidence = None;
        if config.reads_evidence(labels.len()) {
            let count = Evidence::num_features(labels.len());
            let fitted = match fitted.run_dir() {
                Some(run_dir) => Evidence::read(run_dir, labels.len())?,
                None => {
                    let tokens = tokens(&train_texts, &tokenizer, max_length);
                    let (evidence, values) = Evidence::fit(&tokens, train_texts.label_ids(), labels.len())?;
                    train = train.with_features(count, values);
                    evidence
                }
            };
            valid = valid.with_features(count, fitted.of_all(&tokens(&valid_texts, &tokenizer, max_length)));
            test = test.with_features(count, fitted.of_all(&tokens(&test_texts, &tokenizer, max_length)));
            if config.fit.from.is_some() {
                // Counted on other sentences.
                train = train.with_features(count, fitted.of_all(&tokens(&train_texts, &tokenizer, max_length)));
            }
            evidence = Some(fitted);
        }
        let truncated = train.truncated() + valid.truncated() + test.truncated();
        let mut notes = crate::task::counted([
            (near_duplicates, "near-duplicate(s) of training sentences were left out of validation and test".into()),
            (truncated, format!("sentence(s) were truncated to {max_length} tokens (`max_length`)")),
        ]);
        notes.extend(unknown_note_of("validation", &valid, &tokenizer));
        notes.extend(unknown_note_of("test", &test, &tokenizer));
        let labels = labels.to_vec();
        Ok(ClassifyData {
            tokenizer,
            labels,
            evidence,
            train_texts,
            valid_texts,
            test_texts,
            train,
            valid,
            test,
            notes,
        })
    }

    /// The layer over the labels, if they are others.
    fn fresh_parts(config: &ClassifyConfig, data: &ClassifyData, base: &RunDir) -> Result<Vec<&'static str>> {
        let labels = Classifier::read_labels(base)?;
        if labels == data.labels {
            return Ok(Vec::new());
        }
        if config.reads_evidence(labels.len()) {
            let expected = format!("the labels {}, for which the network reads evidence", labels.join(", "));
            return Err(Error::Input { what: config.data.clone(), expected, found: data.labels.join(", ") });
        }
        Ok(vec!["dense"])
    }

    fn artifacts(_config: &ClassifyConfig, data: &ClassifyData) -> Vec<(&'static str, String)> {
        let labels = serde_json::to_string(&data.labels).expect("labels can be written as JSON");
        let evidence = data.evidence.iter().map(|evidence| (Evidence::FILE, evidence.to_json()));
        [("tokenizer.json", data.tokenizer.to_json()), (Classifier::LABELS, labels)]
            .into_iter()
            .chain(evidence)
            .collect()
    }

    fn notes(data: &ClassifyData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &ClassifyData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &ClassifyConfig, data: &ClassifyData) -> usize {
        let network = config.network(data.tokenizer.vocab_size(), data.labels.len());
        network.num_parameters().saturating_mul(config.ensemble)
    }

    fn network(config: &ClassifyConfig, data: &ClassifyData, device: &Device) -> Ensemble<SequenceClassifier> {
        let network = config.network(data.tokenizer.vocab_size(), data.labels.len());
        Ensemble::new(config.ensemble, || network.init(device))
    }

    fn input_shape(config: &ClassifyConfig) -> Vec<usize> {
        vec![config.max_length]
    }

    fn objective(config: &ClassifyConfig, data: &ClassifyData) -> ClassifyObjective {
        ClassifyObjective { word_dropout: config.word_dropout, unknown: data.tokenizer.special_tokens().unk }
    }

    fn loaders(config: &ClassifyConfig, data: &ClassifyData, device: &Device) -> Loaders<TextBatch> {
        let splits = (data.training_texts(config.max_length), data.valid.clone());
        Loaders::shuffled(splits, [config.fit.batch_size, EVALUATION_BATCH], device)
    }

    /// Classifies the sentences of the test split, with the network and with the baselines, which are fitted on the
    /// training split; the bag of words is saved in the folder. A baseline that cannot be fitted is left out.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<ClassifyEvaluation> {
        let TrainedRun { data, network, run_dir, .. } = run;
        let empty = LabeledPrediction { label: 0, probabilities: Vec::new() };
        let mut predictions = vec![empty; data.test.len()];
        for indices in data.test.by_length(EVALUATION_BATCH) {
            let batch = TextBatch::gather(&data.test, &indices, device);
            let probabilities: Vec<f64> = probabilities(&network, &batch).into_data().iter::<f64>().collect();
            for (index, probabilities) in indices.iter().zip(probabilities.chunks(data.labels.len())) {
                let label = data.test.label_id(*index);
                predictions[*index] = LabeledPrediction { label, probabilities: probabilities.to_vec() };
            }
        }
        let (baselines, missing) = data.baselines(run_dir)?;
        let kinds = data.test_texts.labeled().map(|labeled| labeled.kind.clone()).collect();
        let texts = texts(&data.test_texts).into_iter().map(String::from).collect();
        Ok(ClassifyEvaluation { labels: data.labels.clone(), texts, kinds, network: predictions, baselines, missing })
    }
}

/// A note on unknown tokens, if there are any.
fn unknown_note_of<R: Role>(subset: &str, texts: &EncodedTexts<R>, tokenizer: &Tokenizer) -> Option<String> {
    let ids = (0..texts.len()).map(|index| texts.ids(index));
    unknown_note(subset, count_unknown(ids, tokenizer.special_tokens().unk))
}

impl<R: Role> BatchSource for EncodedTexts<R> {
    type Batch = TextBatch;

    const UNIT: &'static str = "sentences";

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn groups(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Option<Vec<Vec<usize>>> {
        Some(similar_batches(rng, || self.by_length(batch_size), || self.bucket(items, batch_size)))
    }

    fn gather(&self, indices: &[usize], device: &Device) -> TextBatch {
        TextBatch::gather(self, indices, device)
    }
}

/// The cross-entropy in nats per sentence.
#[derive(Debug, Clone)]
pub struct ClassifyObjective {
    word_dropout: f64,
    unknown: u32,
}

impl Objective<Ensemble<SequenceClassifier>> for ClassifyObjective {
    type Batch = TextBatch;

    /// The mean loss of the members, which learn on their own; in validation, that of the mean of their probabilities.
    fn loss(&self, network: &Ensemble<SequenceClassifier>, batch: TextBatch, training: bool) -> Loss {
        let items = batch.len();
        let labels = batch.labels.clone();
        let mean = if training {
            network.mean(|member| {
                let logits = logits(member, &self.drop_words(batch.clone()));
                CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, labels.clone())
            })
        } else {
            let likelihood = probabilities(network, &batch).gather(1, labels.unsqueeze_dim(1));
            likelihood.clamp_min(f32::MIN_POSITIVE).log().mean().neg()
        };
        Loss { mean, items }
    }
}

fn logits(network: &SequenceClassifier, batch: &TextBatch) -> Tensor<2> {
    network.forward_values(values(network, batch.ids.clone(), batch.features.as_ref()), &batch.lengths)
}

/// The mean over the members, `[batch, labels]`.
fn probabilities(network: &Ensemble<SequenceClassifier>, batch: &TextBatch) -> Tensor<2> {
    network.mean(|member| softmax(logits(member, batch), 1))
}

impl ClassifyObjective {
    /// Word dropout: replaces random tokens by `<unk>`, whose features are 0.
    fn drop_words(&self, batch: TextBatch) -> TextBatch {
        if self.word_dropout == 0.0 {
            return batch;
        }
        let uniform = Tensor::<2>::random(batch.ids.dims(), Distribution::Uniform(0.0, 1.0), &batch.ids.device());
        let dropped = uniform.lower_elem(self.word_dropout);
        let features = batch.features.map(|features| {
            let dropped = dropped.clone().unsqueeze_dim::<3>(2).expand(features.dims());
            features.mask_fill(dropped, 0.0)
        });
        TextBatch { ids: batch.ids.mask_fill(dropped, self.unknown as i32), features, ..batch }
    }
}
