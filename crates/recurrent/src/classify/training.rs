//! The recipe, from top to bottom.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use recurrent_data::{
    EncodedTexts, LabeledSplit, LabeledSubset, Role, SpecialTokens, Test, TextBatch, Tokenizer, Train, Valid,
};
use recurrent_models::networks::SequenceClassifier;

use super::{BagOfWords, ClassifyConfig, TestTexts};
use crate::fit::fit;
use crate::fit::{BatchSource, Callbacks, History, Loaders, Loss, StopReason, Trainable};
use crate::metrics::classification::LabeledPrediction;
use crate::run::{Plan, Run};
use crate::{Result, RunDir};

/// Sentences a step where no gradient is needed.
const SCORING_BATCH: usize = 256;

/// A run of sentiment: sentences that have become numbers, and a folder.
#[derive(Debug)]
pub struct ClassifyRun {
    plan: ClassifyConfig,
    codec: Tokenizer,
    labels: Arc<[String]>,
    texts: LabeledSubset<Train>,
    test_texts: LabeledSubset<Test>,
    train: EncodedTexts<Train>,
    valid: EncodedTexts<Valid>,
    test: EncodedTexts<Test>,
    notes: Vec<String>,
    run_dir: RunDir,
}

impl ClassifyRun {
    /// Makes the sentences ready and the run's folder with them. Whatever is wrong with plan or sentences is found
    /// here, before the first step.
    ///
    /// # Errors
    /// If plan or sentences are wrong, or the folder is there already.
    pub fn create(plan: ClassifyConfig, folder: &Path, force: bool) -> Result<Self> {
        let prepared = Prepared::new(&plan, None)?;
        let labels = serde_json::to_string(&prepared.labels[..]).expect("words have a form in JSON");
        let files = [
            ("plan.toml", crate::run_dir::to_toml(&plan)),
            ("codec.json", prepared.codec.to_json()),
            ("labels.json", labels),
        ];
        let run_dir = RunDir::create(folder, &files, force)?;
        Ok(prepared.into_run(plan, run_dir))
    }

    /// Lets the network of the best epoch judge the test part, and the baseline beside it, which is fitted on the
    /// training part and kept in the folder.
    ///
    /// # Errors
    /// If the weights are missing or damaged, or the baseline cannot be fitted.
    pub fn score(&self, device: &Device) -> Result<TestTexts> {
        let mut network = self.plan.network(self.codec.len(), self.labels.len()).init(device);
        self.run_dir.read_weights(&mut network)?;
        let mut judged = vec![LabeledPrediction { truth: 0, probabilities: Vec::new() }; self.test.len()];
        for indices in self.test.by_length(SCORING_BATCH) {
            let batch = TextBatch::gather(&self.test, &indices, device);
            let said = softmax(network.forward(batch.ids, &batch.lengths), 1).into_data();
            let said: Vec<f64> = said.iter::<f64>().collect();
            for (index, probabilities) in indices.iter().zip(said.chunks(self.labels.len())) {
                judged[*index] =
                    LabeledPrediction { truth: self.test.label(*index), probabilities: probabilities.to_vec() };
            }
        }
        let texts: Vec<String> = self.test_texts.labeled().map(|labeled| labeled.text.clone()).collect();
        let baseline = self.baseline()?;
        let read: Vec<&str> = texts.iter().map(String::as_str).collect();
        let probabilities = baseline.judge(&read)?.into_iter();
        let baseline = probabilities
            .enumerate()
            .map(|(index, probabilities)| LabeledPrediction { truth: self.test.label(index), probabilities });
        Ok(TestTexts { labels: self.labels.to_vec(), network: judged, baseline: baseline.collect(), texts })
    }

    /// The bag of words, from the folder or fitted now.
    fn baseline(&self) -> Result<BagOfWords> {
        if let Some(bag) = BagOfWords::read(&self.run_dir)? {
            return Ok(bag);
        }
        let texts: Vec<&str> = self.texts.labeled().map(|labeled| &*labeled.text).collect();
        let bag = BagOfWords::fit(&texts, self.texts.numbers(), self.labels.len())?;
        bag.write(&self.run_dir)?;
        Ok(bag)
    }

    /// How many sentences training, validation and test have.
    pub fn sizes(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }

    /// How many tokens are known.
    pub fn tokens(&self) -> usize {
        self.codec.len()
    }

    /// What the labels are called, in the order of their numbers.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What was done to the sentences that one should know of.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Run for ClassifyRun {
    type Plan = ClassifyConfig;

    const UNIT: &'static str = "sentences";

    fn open(folder: &Path) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <ClassifyConfig as Plan>::of(&run_dir)?;
        let codec = run_dir.read_codec("embedding.weight")?;
        Ok(Prepared::new(&plan, Some(codec))?.into_run(plan, run_dir))
    }

    fn plan(&self) -> &ClassifyConfig {
        &self.plan
    }

    fn plan_mut(&mut self) -> &mut ClassifyConfig {
        &mut self.plan
    }

    fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    fn items(&self) -> usize {
        self.train.len()
    }

    fn fit(&self, device: &Device, session: Callbacks) -> Result<(History, StopReason)> {
        let device = device.clone().autodiff();
        device.seed(self.plan.fit.seed);
        let SpecialTokens { unk, .. } = self.codec.specials();
        let model = ClassifyObjective {
            network: self.plan.network(self.codec.len(), self.labels.len()).init(&device),
            word_dropout: self.plan.word_dropout,
            unknown: unk as usize,
        };
        let sources = (self.train.clone(), self.valid.clone());
        let loaders = Loaders::shuffled(sources, [self.plan.fit.batch, SCORING_BATCH], &device);
        fit(model, loaders, &self.plan.fit, &self.run_dir, &device, session)
    }
}

/// Sentences on their way to numbers.
struct Prepared {
    codec: Tokenizer,
    labels: Arc<[String]>,
    texts: LabeledSubset<Train>,
    test_texts: LabeledSubset<Test>,
    train: EncodedTexts<Train>,
    valid: EncodedTexts<Valid>,
    test: EncodedTexts<Test>,
    notes: Vec<String>,
}

impl Prepared {
    /// Sentences → split → codec → numbers.
    fn new(plan: &ClassifyConfig, codec: Option<Tokenizer>) -> Result<Self> {
        plan.check()?;
        let (labeled, sha256) = plan.open()?;
        plan.check_bytes(&sha256)?;
        let LabeledSplit { train: texts, valid, test: test_texts, labels, crossed, .. } = labeled.split(&plan.split)?;
        let codec = match codec {
            Some(codec) => codec,
            None => Tokenizer::fit_request(&plan.codec_request(), texts.texts())?,
        };
        let train = texts.encode(&codec, plan.longest)?;
        let valid = valid.encode(&codec, plan.longest)?;
        let test = test_texts.encode(&codec, plan.longest)?;
        let cut = train.truncated() + valid.truncated() + test.truncated();
        let notes = [
            (crossed, "sentence(s) of validation and test were left out, for training has nearly the same".to_string()),
            (cut, format!("sentence(s) were cut to {} tokens (--longest)", plan.longest)),
        ];
        let notes = notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!("{count} {note}"));
        Ok(Self { notes: notes.collect(), codec, labels, texts, test_texts, train, valid, test })
    }

    fn into_run(self, plan: ClassifyConfig, run_dir: RunDir) -> ClassifyRun {
        let Self { codec, labels, texts, test_texts, train, valid, test, notes } = self;
        ClassifyRun { plan, codec, labels, texts, test_texts, train, valid, test, notes, run_dir }
    }
}

impl<R: Role> BatchSource for EncodedTexts<R> {
    type Batch = TextBatch;

    const UNIT: &'static str = "sentences";

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn batches(&self, items: &[usize], batch: usize, random: Option<&mut StdRng>) -> Vec<Vec<usize>> {
        match random {
            None => self.by_length(batch),
            Some(random) => {
                let mut batches = self.bucket(items, batch);
                batches.shuffle(random);
                batches
            }
        }
    }

    fn gather(&self, indices: &[usize], device: &Device) -> TextBatch {
        TextBatch::gather(self, indices, device)
    }
}

/// The network with its loss, the cross-entropy in nats a sentence.
#[derive(Module, Debug)]
pub struct ClassifyObjective {
    network: SequenceClassifier,
    word_dropout: f64,
    unknown: usize,
}

impl ClassifyObjective {
    fn loss(&self, ids: Tensor<2, Int>, lengths: &[usize], labels: Tensor<1, Int>) -> Loss {
        let logits = self.network.forward(ids, lengths);
        let mean = CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, labels);
        Loss { mean, items: lengths.len() }
    }

    /// Strikes words out, so that no judgement rests on a single one.
    fn struck(&self, ids: Tensor<2, Int>, device: &Device) -> Tensor<2, Int> {
        if self.word_dropout == 0.0 {
            return ids;
        }
        let struck =
            Tensor::<2>::random(ids.dims(), Distribution::Uniform(0.0, 1.0), device).lower_elem(self.word_dropout);
        ids.mask_fill(struck, self.unknown as i32)
    }
}

impl TrainStep for ClassifyObjective {
    type Input = TextBatch;
    type Output = Loss;

    fn step(&self, batch: TextBatch) -> TrainOutput<Loss> {
        let device = batch.ids.device();
        let loss = self.loss(self.struck(batch.ids, &device), &batch.lengths, batch.labels);
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl InferenceStep for ClassifyObjective {
    type Input = TextBatch;
    type Output = Loss;

    fn step(&self, batch: TextBatch) -> Loss {
        self.loss(batch.ids, &batch.lengths, batch.labels)
    }
}

impl Trainable for ClassifyObjective {
    type Network = SequenceClassifier;

    fn network(&self) -> &SequenceClassifier {
        &self.network
    }
}
