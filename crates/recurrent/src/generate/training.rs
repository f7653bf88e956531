//! The recipe, from top to bottom.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use recurrent_data::{BpttBatches, Role, TokenBatch, Tokenizer, Tokens, Train, Valid};
use recurrent_models::AnyState;
use recurrent_models::networks::LanguageModel;
use serde::Serialize;

use super::GenerateConfig;
use crate::fit::{BatchSource, Callbacks, EpochCounter, History, Loader, Loaders, Loss, Order, StopReason, Trainable};
use crate::fit::{fit, token_loss};
use crate::run::{Plan, Run};
use crate::{Result, RunDir};

/// BpttBatches in which the validation part is read, if it is long enough: each starts without a past.
const VALIDATION_LANES: usize = 32;

/// A run of generation: a text that has become lanes, and a folder.
#[derive(Debug)]
pub struct GenerateRun {
    plan: GenerateConfig,
    codec: Tokenizer,
    train: BpttBatches<Train>,
    valid: BpttBatches<Valid>,
    /// Of the validation part.
    characters_per_token: f64,
    run_dir: RunDir,
}

impl GenerateRun {
    /// Makes the text ready and the run's folder with it. Whatever is wrong with plan or text is found here, before the
    /// first step.
    ///
    /// # Errors
    /// If plan or text are wrong, or the folder is there already.
    pub fn create(plan: GenerateConfig, folder: &Path, force: bool) -> Result<Self> {
        let prepared = Prepared::new(&plan, None)?;
        let files = [("plan.toml", crate::run_dir::to_toml(&plan)), ("codec.json", prepared.codec.to_json())];
        let run_dir = RunDir::create(folder, &files, force)?;
        Ok(prepared.into_run(plan, run_dir))
    }

    /// How good the network of the best epoch foretells the validation part.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn score(&self, device: &Device) -> Result<LanguageMetrics> {
        let mut network = self.plan.network(self.codec.len()).init(device);
        self.run_dir.read_weights(&mut network)?;
        let (mut sum, mut tokens) = (0.0, 0);
        let mut state: Option<AnyState> = None;
        for window in 0..self.valid.len() {
            let TokenBatch { inputs, targets } = TokenBatch::gather(&self.valid, window, device);
            let [lanes, steps] = inputs.dims();
            let (logits, next) = network.forward(inputs, state.take());
            let loss: f32 = token_loss(logits, targets, None, 0.0).into_scalar();
            sum += f64::from(loss) * (lanes * steps) as f64;
            tokens += lanes * steps;
            state = Some(next);
        }
        Ok(self.measures(sum / tokens as f64))
    }

    /// What a loss means.
    pub fn measures(&self, nats: f64) -> LanguageMetrics {
        LanguageMetrics {
            nats,
            bits_per_character: nats / std::f64::consts::LN_2 / self.characters_per_token,
            perplexity: nats.exp(),
        }
    }

    /// The first `steps` steps of training as the network sees them: a token and the one that is expected next.
    pub fn trace(&self, steps: usize) -> Vec<Traced> {
        let mut traced = Vec::with_capacity(steps);
        let named = |id: u32| (id, self.codec.token(id));
        for window in 0..self.train.len() {
            let (inputs, targets) = self.train.window(window);
            let lane = inputs.len() / self.train.lanes();
            let pairs = inputs.iter().zip(&targets).take(lane);
            traced.extend(pairs.map(|(input, target)| Traced { input: named(*input), expected: named(*target) }));
            if traced.len() >= steps {
                break;
            }
        }
        traced.truncate(steps);
        traced
    }

    /// How tokens are numbered.
    pub fn codec(&self) -> &Tokenizer {
        &self.codec
    }

    /// Tokens that training and validation foretell.
    pub fn tokens(&self) -> [usize; 2] {
        [self.train.targets(), self.valid.targets()]
    }
}

/// A step of training, with the codec's own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The token seen.
    pub input: (u32, String),
    /// The token to come.
    pub expected: (u32, String),
}

/// How good a text is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LanguageMetrics {
    /// The mean loss of a token, in nats.
    pub nats: f64,
    /// The mean loss of a character, in bits.
    pub bits_per_character: f64,
    /// Among how many equally likely tokens one would have to choose to be as uncertain: `exp(nats)`.
    pub perplexity: f64,
}

impl fmt::Display for LanguageMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nats, bits_per_character, perplexity } = self;
        write!(f, "{nats:.4} nats a token, {bits_per_character:.3} bits a character, perplexity {perplexity:.2}")
    }
}

impl Run for GenerateRun {
    type Plan = GenerateConfig;

    const UNIT: &'static str = "tokens";

    fn open(folder: &Path) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <GenerateConfig as Plan>::of(&run_dir)?;
        let codec = run_dir.read_codec("embedding.weight")?;
        Ok(Prepared::new(&plan, Some(codec))?.into_run(plan, run_dir))
    }

    fn plan(&self) -> &GenerateConfig {
        &self.plan
    }

    fn plan_mut(&mut self) -> &mut GenerateConfig {
        &mut self.plan
    }

    fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    fn items(&self) -> usize {
        self.train.targets()
    }

    fn fit(&self, device: &Device, session: Callbacks) -> Result<(History, StopReason)> {
        let device = device.clone().autodiff();
        device.seed(self.plan.fit.seed);
        let model =
            GenerateObjective { network: self.plan.network(self.codec.len()).init(&device), fresh: self.plan.fresh };
        let train = InTurn::new(self.train.clone());
        let valid = InTurn::new(self.valid.clone());
        let loaders = Loaders {
            train: Arc::new(Loader::new(train, 1, Order::InTime, &device)),
            valid: Arc::new(Loader::new(valid, 1, Order::InTime, &device)),
            steps: self.train.len(),
            epoch: EpochCounter::default(),
        };
        fit(model, loaders, &self.plan.fit, &self.run_dir, &device, session)
    }
}

/// A text on its way to lanes.
struct Prepared {
    codec: Tokenizer,
    train: BpttBatches<Train>,
    valid: BpttBatches<Valid>,
    characters_per_token: f64,
}

impl Prepared {
    /// Corpus → split → codec → tokens → lanes.
    fn new(plan: &GenerateConfig, codec: Option<Tokenizer>) -> Result<Self> {
        plan.check()?;
        let corpus = plan.corpus()?;
        plan.check_bytes(corpus.sha256())?;
        let (train, valid) = corpus.split(plan.valid)?;
        let codec = match codec {
            Some(codec) => codec,
            None => plan.fit_codec(&train)?,
        };
        let (train, valid) = (train.encode(&codec)?, valid.encode(&codec)?);
        let (lanes, window) = validation_shape(plan, &valid);
        Ok(Self {
            characters_per_token: valid.chars() as f64 / valid.len().max(1) as f64,
            train: BpttBatches::new(train, plan.fit.batch, plan.window)?,
            valid: BpttBatches::new(valid, lanes, window)?,
            codec,
        })
    }

    fn into_run(self, plan: GenerateConfig, run_dir: RunDir) -> GenerateRun {
        let Self { codec, train, valid, characters_per_token } = self;
        GenerateRun { plan, codec, train, valid, characters_per_token, run_dir }
    }
}

/// As many lanes as there are windows for, but not too many, so that each has a past for most of its way.
fn validation_shape(plan: &GenerateConfig, valid: &Tokens<Valid>) -> (usize, usize) {
    let targets = valid.len().saturating_sub(1);
    let window = plan.window.min(targets).max(1);
    ((targets / window).clamp(1, VALIDATION_LANES), window)
}

/// Windows of lanes in their turn, each with the state that the one before has left.
#[derive(Debug, Clone)]
struct InTurn<R: Role> {
    lanes: BpttBatches<R>,
    carried: CarriedState,
}

impl<R: Role> InTurn<R> {
    fn new(lanes: BpttBatches<R>) -> Self {
        Self { lanes, carried: CarriedState::default() }
    }
}

impl<R: Role> BatchSource for InTurn<R> {
    type Batch = BpttBatch;

    const UNIT: &'static str = "windows";

    fn len(&self) -> usize {
        self.lanes.len()
    }

    fn gather(&self, indices: &[usize], device: &Device) -> BpttBatch {
        let &[window] = indices else {
            panic!("lanes go one window at a time, got {indices:?}");
        };
        if window == 0 {
            // A pass over the text begins without a past.
            self.carried.take();
        }
        BpttBatch { batch: TokenBatch::gather(&self.lanes, window, device), carried: self.carried.clone() }
    }
}

/// The state after the last window of a pass over the text: the one that the next begins with.
///
/// A training step of burn-train has no room for a state of its own. It comes with the batch, and goes back there.
#[derive(Debug, Clone, Default)]
pub struct CarriedState(Arc<Mutex<Option<AnyState>>>);

impl CarriedState {
    fn take(&self) -> Option<AnyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, state: AnyState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }
}

/// A window of all lanes, and what comes before it.
#[derive(Debug, Clone)]
pub struct BpttBatch {
    batch: TokenBatch,
    carried: CarriedState,
}

/// The network with its loss, the cross-entropy in nats a token.
#[derive(Module, Debug)]
pub struct GenerateObjective {
    network: LanguageModel,
    fresh: f64,
}

impl GenerateObjective {
    fn loss(&self, BpttBatch { batch, carried }: BpttBatch, fresh: f64) -> Loss {
        let [lanes, steps] = batch.targets.dims();
        let items = lanes * steps;
        let state = carried.take().map(|state| forget(state, fresh, lanes, &batch.inputs.device()));
        let (logits, state) = self.network.forward(batch.inputs, state);
        // The next window starts from these numbers, and no gradient flows back past them.
        carried.put(state.detach());
        Loss { mean: token_loss(logits, batch.targets, None, 0.0), items }
    }
}

/// Sets the state of a share of the lanes, drawn anew each time, to zeros.
fn forget(state: AnyState, share: f64, lanes: usize, device: &Device) -> AnyState {
    if share == 0.0 {
        return state;
    }
    let drawn = Tensor::<3>::random([1, lanes, 1], Distribution::Uniform(0.0, 1.0), device);
    let kept = drawn.greater_equal_elem(share).float();
    state.map(|part| part * kept.clone())
}

impl TrainStep for GenerateObjective {
    type Input = BpttBatch;
    type Output = Loss;

    fn step(&self, stretch: BpttBatch) -> TrainOutput<Loss> {
        let loss = self.loss(stretch, self.fresh);
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl InferenceStep for GenerateObjective {
    type Input = BpttBatch;
    type Output = Loss;

    fn step(&self, stretch: BpttBatch) -> Loss {
        self.loss(stretch, 0.0)
    }
}

impl Trainable for GenerateObjective {
    type Network = LanguageModel;

    fn network(&self) -> &LanguageModel {
        &self.network
    }
}
