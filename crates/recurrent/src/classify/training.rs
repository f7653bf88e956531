//! Training and evaluation of a classifier.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Distribution, Int, Tensor};
use rand::rngs::StdRng;
use recurrent_data::{
    DataSource, EncodedTexts, LabeledSplit, LabeledSubset, LabeledTexts, Role, Test, TextBatch, Tokenizer, Train, Valid,
};
use recurrent_models::networks::SequenceClassifier;

use super::{BagOfWords, BaselineEvaluation, Classifier, ClassifyConfig, ClassifyEvaluation};
use crate::fit::{BatchSource, Loaders, Loss, Objective, similar_batches};
use crate::metrics::classification::LabeledPrediction;
use crate::partial::Partial;
use crate::task::{count_unknown, unknown_note};
use crate::{Error, Result, Run, RunDir, Task, TrainedRun};

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
    train_texts: LabeledSubset<Train>,
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

    /// The bag of words, read from the folder or fitted.
    fn baseline(&self, run_dir: &RunDir) -> Result<BagOfWords> {
        if let Some(bag) = BagOfWords::read(run_dir, self.labels.len())? {
            return Ok(bag);
        }
        let texts: Vec<&str> = self.train_texts.labeled().map(|labeled| &*labeled.text).collect();
        let bag = BagOfWords::fit(&texts, self.train_texts.label_ids(), self.labels.len())?;
        match bag.write(run_dir) {
            // On a read-only disk it is fitted again the next time.
            Err(error) if error.is_read_only() => {}
            written => written?,
        }
        Ok(bag)
    }
}

impl Task for Classifying {
    const ITEMS: &'static str = "sentences";

    type Config = ClassifyConfig;
    type Source = DataSource;
    type Data = ClassifyData;
    type Network = SequenceClassifier;
    type Objective = ClassifyObjective;
    type Evaluation = ClassifyEvaluation;
    type Predictor = Classifier;

    fn default_config(source: &DataSource, _given: &Partial) -> Result<ClassifyConfig> {
        ClassifyConfig::new(source)
    }

    /// Sentences → splits → tokenizer → token ids.
    fn prepare(config: &ClassifyConfig, source: &DataSource, run_dir: Option<&RunDir>) -> Result<ClassifyData> {
        let column = Option::as_deref;
        let labeled = LabeledTexts::from_table(
            source.table()?,
            column(&config.text_column),
            column(&config.label_column),
            column(&config.split_column),
        )?;
        let LabeledSplit { train: train_texts, valid, test: test_texts, labels, near_duplicates, .. } =
            labeled.split(&config.split)?;
        let tokenizer = match run_dir {
            Some(run_dir) => run_dir.read_tokenizer("embedding.weight")?,
            None => config.tokenizer.tokenizer(&config.tokenizer_config(), train_texts.texts())?,
        };
        let max_length = config.max_length;
        let train = train_texts.encode(&tokenizer, max_length)?;
        let valid = valid.encode(&tokenizer, max_length)?;
        let test = test_texts.encode(&tokenizer, max_length)?;
        let truncated = train.truncated() + valid.truncated() + test.truncated();
        let mut notes = crate::task::counted([
            (near_duplicates, "near-duplicate(s) of training sentences were left out of validation and test".into()),
            (truncated, format!("sentence(s) were truncated to {max_length} tokens (`max_length`)")),
        ]);
        notes.extend(unknown_note_of("validation", &valid, &tokenizer));
        notes.extend(unknown_note_of("test", &test, &tokenizer));
        Ok(ClassifyData { tokenizer, labels: labels.to_vec(), train_texts, test_texts, train, valid, test, notes })
    }

    fn artifacts(_config: &ClassifyConfig, data: &ClassifyData) -> Vec<(&'static str, String)> {
        let labels = serde_json::to_string(&data.labels).expect("labels can be written as JSON");
        vec![("tokenizer.json", data.tokenizer.to_json()), (Classifier::LABELS, labels)]
    }

    fn notes(data: &ClassifyData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &ClassifyData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &ClassifyConfig, data: &ClassifyData) -> usize {
        config.network(data.tokenizer.vocab_size(), data.labels.len()).num_parameters()
    }

    fn network(config: &ClassifyConfig, data: &ClassifyData, device: &Device) -> SequenceClassifier {
        config.network(data.tokenizer.vocab_size(), data.labels.len()).init(device)
    }

    fn input_shape(config: &ClassifyConfig) -> Vec<usize> {
        vec![config.max_length]
    }

    fn objective(config: &ClassifyConfig, data: &ClassifyData) -> ClassifyObjective {
        ClassifyObjective { word_dropout: config.word_dropout, unknown: data.tokenizer.special_tokens().unk }
    }

    fn loaders(config: &ClassifyConfig, data: &ClassifyData, device: &Device) -> Loaders<TextBatch> {
        let splits = (data.train.clone(), data.valid.clone());
        Loaders::shuffled(splits, [config.fit.batch_size, EVALUATION_BATCH], device)
    }

    /// Classifies the sentences of the test split, with the network and with the baseline, which is fitted on the
    /// training split and saved in the folder. A baseline that cannot be fitted is left out.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<ClassifyEvaluation> {
        let TrainedRun { data, network, run_dir, .. } = run;
        let empty = LabeledPrediction { label: 0, probabilities: Vec::new() };
        let mut predictions = vec![empty; data.test.len()];
        for indices in data.test.by_length(EVALUATION_BATCH) {
            let batch = TextBatch::gather(&data.test, &indices, device);
            let probabilities = softmax(network.forward(batch.ids, &batch.lengths), 1).into_data();
            let probabilities: Vec<f64> = probabilities.iter::<f64>().collect();
            for (index, probabilities) in indices.iter().zip(probabilities.chunks(data.labels.len())) {
                let label = data.test.label_id(*index);
                predictions[*index] = LabeledPrediction { label, probabilities: probabilities.to_vec() };
            }
        }
        let texts: Vec<String> = data.test_texts.labeled().map(|labeled| labeled.text.clone()).collect();
        let sentences: Vec<&str> = texts.iter().map(String::as_str).collect();
        let baseline = match data.baseline(run_dir) {
            Ok(bag) => {
                let probabilities = bag.predict(&sentences).into_iter().enumerate();
                let predictions = probabilities.map(|(index, probabilities)| LabeledPrediction {
                    label: data.test.label_id(index),
                    probabilities,
                });
                Ok(BaselineEvaluation { name: bag.name().into(), predictions: predictions.collect() })
            }
            // The network is scored all the same.
            Err(Error::Training(reason)) => Err(reason),
            Err(error) => return Err(error),
        };
        Ok(ClassifyEvaluation { labels: data.labels.clone(), texts, network: predictions, baseline })
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

    fn batches(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Vec<Vec<usize>> {
        similar_batches(rng, || self.by_length(batch_size), || self.bucket(items, batch_size))
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

impl Objective<SequenceClassifier> for ClassifyObjective {
    type Batch = TextBatch;

    fn loss(&self, network: &SequenceClassifier, batch: TextBatch, training: bool) -> Loss {
        let ids = if training { self.drop_words(batch.ids) } else { batch.ids };
        let logits = network.forward(ids, &batch.lengths);
        let mean = CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, batch.labels);
        Loss { mean, items: batch.lengths.len() }
    }
}

impl ClassifyObjective {
    /// Word dropout: replaces random tokens, `[batch, time]`, by `<unk>`.
    fn drop_words(&self, ids: Tensor<2, Int>) -> Tensor<2, Int> {
        if self.word_dropout == 0.0 {
            return ids;
        }
        let uniform = Tensor::<2>::random(ids.dims(), Distribution::Uniform(0.0, 1.0), &ids.device());
        ids.mask_fill(uniform.lower_elem(self.word_dropout), self.unknown as i32)
    }
}
