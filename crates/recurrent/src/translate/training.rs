//! The recipe, from top to bottom.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use recurrent_data::{EncodedPairs, PairBatch, PairSplit, Role, Test, Tokenizer, Train, Translations, Valid};
use recurrent_models::networks::Seq2Seq;

use super::config::Source;
use super::decode::translate;
use super::predictor::TranslateCodecs;
use super::{Answered, NearestNeighborBaseline, TranslateConfig, TranslationScores};
use crate::fit::{BatchSource, Callbacks, History, Loaders, Loss, StopReason, Trainable};
use crate::fit::{fit, token_loss};
use crate::run::{Plan, Run};
use crate::{Result, RunDir};

/// ParallelCorpus a step where no gradient is needed.
const SCORING_BATCH: usize = 128;

/// A run of translation: pairs that have become numbers, and a folder.
#[derive(Debug)]
pub struct TranslateRun {
    plan: TranslateConfig,
    codecs: TranslateCodecs,
    train: EncodedPairs<Train>,
    valid: EncodedPairs<Valid>,
    test: EncodedPairs<Test>,
    sentences: Vec<Translations>,
    neighbours: NearestNeighborBaseline,
    notes: Vec<String>,
    run_dir: RunDir,
}

impl TranslateRun {
    /// Makes the pairs ready and the run's folder with them. Whatever is wrong with plan or pairs is found here, before
    /// the first step.
    ///
    /// # Errors
    /// If plan or pairs are wrong, or the folder is there already.
    pub fn create(plan: TranslateConfig, folder: &Path, force: bool) -> Result<Self> {
        let prepared = Prepared::new(&plan, None)?;
        let codecs = serde_json::to_string(&prepared.codecs).expect("codecs have a form in JSON");
        let files = [("plan.toml", crate::run_dir::to_toml(&plan)), ("codec.json", codecs)];
        let run_dir = RunDir::create(folder, &files, force)?;
        Ok(prepared.into_run(plan, run_dir))
    }

    /// Translates the test part with the network of the best epoch.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn score(&self, device: &Device) -> Result<(TranslationScores, Vec<Answered>)> {
        let network = self.network(device)?;
        let longest = self.plan.longest;
        let sources: Vec<Vec<u32>> =
            self.sentences.iter().map(|sentence| self.codecs.source(&sentence.source, longest).0).collect();
        let search = (self.plan.beam, self.plan.alpha, longest);
        let found = translate(&network, &sources, self.codecs.sides(), search, device);
        let answered: Vec<Answered> = (self.sentences.iter().zip(found))
            .map(|(sentence, found)| Answered {
                source: sentence.source.clone(),
                references: sentence.targets.clone(),
                said: found.first().map_or_else(String::new, |found| self.codecs.target.decode(&found.tokens)),
                nearest: self.neighbours.translate(&sentence.source),
            })
            .collect();
        let loss = self.loss(&network, device);
        let name = format!("{} ({})", self.plan.model.to_string().to_uppercase(), self.attention());
        Ok((TranslationScores::new(&name, loss, &answered), answered))
    }

    /// How many pairs training and validation have, and how many sentences the test part.
    pub fn sizes(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.sentences.len()]
    }

    /// How many tokens both languages have.
    pub fn tokens(&self) -> [usize; 2] {
        [self.codecs.source.len(), self.codecs.target.len()]
    }

    /// What was done to the pairs that one should know of.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn attention(&self) -> String {
        match self.plan.attention.kind() {
            Some(kind) => format!("{kind} attention"),
            None => "no attention".into(),
        }
    }

    fn network(&self, device: &Device) -> Result<Seq2Seq> {
        let [source, target] = self.tokens();
        let mut network = self.plan.network(source, target).init(device);
        self.run_dir.read_weights(&mut network)?;
        Ok(network)
    }

    /// The mean loss of a token of the test part's right answers.
    fn loss(&self, network: &Seq2Seq, device: &Device) -> f64 {
        let (mut sum, mut tokens) = (0.0, 0);
        for batch in self.test.by_length(SCORING_BATCH) {
            let batch = PairBatch::gather(&self.test, &batch, device);
            let items = tokens_of(&batch);
            let logits = network.forward(batch.source, &batch.source_lengths, batch.inputs);
            let padding = self.codecs.target.specials().pad;
            let loss: f32 = token_loss(logits, batch.targets, Some(padding), 0.0).into_scalar();
            sum += f64::from(loss) * items as f64;
            tokens += items;
        }
        sum / tokens as f64
    }
}

impl Run for TranslateRun {
    type Plan = TranslateConfig;

    const UNIT: &'static str = "pairs";

    fn open(folder: &Path) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <TranslateConfig as Plan>::of(&run_dir)?;
        let codecs = TranslateCodecs::read(&run_dir, &plan)?;
        Ok(Prepared::new(&plan, Some(codecs))?.into_run(plan, run_dir))
    }

    fn plan(&self) -> &TranslateConfig {
        &self.plan
    }

    fn plan_mut(&mut self) -> &mut TranslateConfig {
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
        let [source, target] = self.tokens();
        let model = TranslateObjective {
            network: self.plan.network(source, target).init(&device),
            smoothing: self.plan.smoothing,
            sampling: self.plan.sampling,
            padding: self.codecs.target.specials().pad as usize,
        };
        let sources = (self.train.clone(), self.valid.clone());
        let loaders = Loaders::shuffled(sources, [self.plan.fit.batch, SCORING_BATCH], &device);
        fit(model, loaders, &self.plan.fit, &self.run_dir, &device, session)
    }
}

/// ParallelCorpus on their way to numbers.
struct Prepared {
    codecs: TranslateCodecs,
    train: EncodedPairs<Train>,
    valid: EncodedPairs<Valid>,
    test: EncodedPairs<Test>,
    sentences: Vec<Translations>,
    neighbours: NearestNeighborBaseline,
    notes: Vec<String>,
}

impl Prepared {
    /// ParallelCorpus → split → codecs → numbers.
    fn new(plan: &TranslateConfig, codecs: Option<TranslateCodecs>) -> Result<Self> {
        plan.check()?;
        let Source { pairs, sha256, .. } = plan.open()?;
        plan.check_bytes(&sha256)?;
        let PairSplit { train, valid, test, crossed, .. } = pairs.split(&plan.split)?;
        let codecs = match codecs {
            Some(codecs) => codecs,
            None => TranslateCodecs {
                source: Tokenizer::fit(plan.codec, plan.vocabulary, 1, train.sources())?,
                target: Tokenizer::fit(plan.codec, plan.vocabulary, 1, train.targets())?,
            },
        };
        let neighbours = NearestNeighborBaseline::new(train.pairs().map(|pair| (&*pair.source, &*pair.target)));
        let sentences = test.references();
        let train = train.encode(&codecs.source, &codecs.target, plan.longest)?;
        let valid = valid.encode(&codecs.source, &codecs.target, plan.longest)?;
        let test = test.encode(&codecs.source, &codecs.target, plan.longest)?;
        let cut = train.truncated() + valid.truncated() + test.truncated();
        let longest = plan.longest;
        let notes = [
            (pairs.duplicates(), "pair(s) were there twice and count once".to_string()),
            (crossed, "pair(s) of validation and test were left out, for training has nearly the same".into()),
            (cut, format!("sentence(s) were cut to {longest} tokens (--longest)")),
        ];
        let notes = notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!("{count} {note}"));
        Ok(Self { notes: notes.collect(), neighbours, sentences, train, valid, test, codecs })
    }

    fn into_run(self, plan: TranslateConfig, run_dir: RunDir) -> TranslateRun {
        let Self { codecs, train, valid, test, sentences, neighbours, notes } = self;
        TranslateRun { plan, codecs, train, valid, test, sentences, neighbours, notes, run_dir }
    }
}

impl<R: Role> BatchSource for EncodedPairs<R> {
    type Batch = PairBatch;

    const UNIT: &'static str = "pairs";

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

    fn gather(&self, indices: &[usize], device: &Device) -> PairBatch {
        PairBatch::gather(self, indices, device)
    }
}

/// How many tokens of the target a batch asks for.
fn tokens_of(batch: &PairBatch) -> usize {
    batch.target_lengths.iter().sum()
}

/// The network with its loss, the cross-entropy in nats a token.
#[derive(Module, Debug)]
pub struct TranslateObjective {
    network: Seq2Seq,
    smoothing: f64,
    sampling: f64,
    padding: usize,
}

impl TranslateObjective {
    fn loss(&self, batch: PairBatch, smoothing: f64, sampling: f64) -> Loss {
        let items = tokens_of(&batch);
        let encoded = self.network.encode(batch.source, &batch.source_lengths);
        let mut inputs = batch.inputs;
        if sampling > 0.0 {
            let said = self.network.decode(&encoded, inputs.clone()).logits.detach();
            inputs = mixed(inputs, said, sampling);
        }
        let logits = self.network.decode(&encoded, inputs).logits;
        Loss { mean: token_loss(logits, batch.targets, Some(self.padding as u32), smoothing), items }
    }
}

/// Puts what the network has said itself in the place of a share of its inputs, `[batch, time]`; the first stays.
fn mixed(inputs: Tensor<2, Int>, said: Tensor<3>, share: f64) -> Tensor<2, Int> {
    let [batch, time] = inputs.dims();
    if time < 2 {
        return inputs;
    }
    let device = said.device();
    let likeliest = said.argmax(2).reshape([batch, time]);
    let own = Tensor::cat(vec![inputs.clone().narrow(1, 0, 1), likeliest.narrow(1, 0, time - 1)], 1);
    let taken = Tensor::<2>::random([batch, time], Distribution::Uniform(0.0, 1.0), &device).lower_elem(share);
    inputs.mask_where(taken, own)
}

impl TrainStep for TranslateObjective {
    type Input = PairBatch;
    type Output = Loss;

    fn step(&self, batch: PairBatch) -> TrainOutput<Loss> {
        let loss = self.loss(batch, self.smoothing, self.sampling);
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl InferenceStep for TranslateObjective {
    type Input = PairBatch;
    type Output = Loss;

    fn step(&self, batch: PairBatch) -> Loss {
        self.loss(batch, 0.0, 0.0)
    }
}

impl Trainable for TranslateObjective {
    type Network = Seq2Seq;

    fn network(&self) -> &Seq2Seq {
        &self.network
    }
}
