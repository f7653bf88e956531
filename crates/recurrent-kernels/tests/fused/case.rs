//! Test cases: cells, directions, sizes and random inputs.

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use recurrent_kernels::reference::{self, scan_directions};
use recurrent_kernels::{
    Direction, GruState, LstmState, Nonlinearity, Reset, RnnState, Scan, Scanned, State, Weights, gru_layer, gru_scan,
    gru_step, lstm_layer, lstm_scan, lstm_step, rnn_layer, rnn_scan, rnn_step, stack_states,
};

/// A pseudorandom number generator with a fixed seed.
pub struct Random(pub u64);

impl Random {
    /// The generator of Steele et al. 2014, "Fast splittable pseudorandom number generators".
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Uniformly distributed within ± `bound`.
    pub fn tensor<const D: usize>(&mut self, shape: [usize; D], bound: f32, device: &Device) -> Tensor<D> {
        let uniform = |_| ((self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0) * bound;
        let elements: Vec<f32> = (0..shape.iter().product()).map(uniform).collect();
        Tensor::from_data(TensorData::new(elements, shape), device)
    }
}

/// A cell with its options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    Rnn(Nonlinearity),
    Lstm { cell_clip: Option<f64> },
    Gru { reset_after: bool },
}

impl Cell {
    pub const ALL: [Self; 6] = [
        Self::Rnn(Nonlinearity::Tanh),
        Self::Rnn(Nonlinearity::Relu),
        Self::Lstm { cell_clip: None },
        Self::Lstm { cell_clip: Some(0.25) },
        Self::Gru { reset_after: true },
        Self::Gru { reset_after: false },
    ];

    pub fn gates(self) -> usize {
        match self {
            Self::Rnn(_) => 1,
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
        }
    }

    /// Whether its gradient is discontinuous.
    pub fn has_kink(self) -> bool {
        matches!(self, Self::Rnn(Nonlinearity::Relu) | Self::Lstm { cell_clip: Some(_) })
    }

    /// The number of tensors in its state.
    pub fn parts(self) -> usize {
        1 + usize::from(matches!(self, Self::Lstm { .. }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Directions {
    One(Direction),
    Both,
}

impl Directions {
    pub const ALL: [Self; 3] = [Self::One(Direction::Forward), Self::One(Direction::Reverse), Self::Both];

    pub fn count(self) -> usize {
        self.list().len()
    }

    fn list(self) -> Vec<Direction> {
        match self {
            Self::One(direction) => vec![direction],
            Self::Both => vec![Direction::Forward, Direction::Reverse],
        }
    }
}

/// The outputs that the loss depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Used {
    All,
    Output,
    State,
}

impl Used {
    pub const ALL: [Self; 3] = [Self::All, Self::Output, Self::State];
}

/// A scan to test.
#[derive(Debug, Clone)]
pub struct Case {
    pub cell: Cell,
    pub directions: Directions,
    pub batch: usize,
    pub time: usize,
    pub input: usize,
    pub hidden: usize,
    pub bias: bool,
    /// Whether there is an initial state.
    pub initial: bool,
    pub lengths: Option<Vec<usize>>,
    pub used: Used,
    pub seed: u64,
}

impl Case {
    /// A small case with lengths and an initial state, whose loss depends on all outputs.
    pub fn small(cell: Cell, directions: Directions) -> Self {
        let lengths = Some(vec![9, 0, 4]);
        let sizes = Self { cell, directions, batch: 3, time: 9, input: 2, hidden: 5, ..Self::default() };
        Self { bias: true, initial: true, lengths, ..sizes }
    }

    /// A small case for every cell and direction.
    pub fn all_small() -> impl Iterator<Item = Self> {
        let pairs = Cell::ALL.into_iter().flat_map(|cell| Directions::ALL.map(|directions| (cell, directions)));
        pairs.map(|(cell, directions)| Self::small(cell, directions))
    }

    pub fn inputs(&self, device: &Device) -> Inputs {
        let mut random = Random(self.seed);
        let Self { batch, time, input, hidden, .. } = *self;
        let width = self.cell.gates() * hidden;
        let bound = (hidden as f32).sqrt().recip();
        let directions = self.directions.list().len();
        let direction = |_| {
            let has_bias_hn = self.bias && self.cell == Cell::Gru { reset_after: true };
            DirectionInputs {
                w_ih: random.tensor([input, width], (input as f32).sqrt().recip(), device),
                w_hh: random.tensor([hidden, width], bound, device),
                bias: self.bias.then(|| random.tensor([width], 0.5, device)),
                bias_hn: has_bias_hn.then(|| random.tensor([hidden], 0.5, device)),
            }
        };
        let weights = (0..directions).map(direction).collect();
        let mut part = |_| random.tensor([directions, batch, hidden], 1.0, device);
        let initial = self.initial.then(|| (0..self.cell.parts()).map(&mut part).collect());
        Inputs { x: random.tensor([batch, time, input], 1.5, device), directions: weights, initial }
    }

    /// Runs the scan by the crate's entry points, which choose the implementation.
    pub fn run(&self, inputs: &Inputs) -> Results {
        let lengths = self.lengths.as_deref();
        let x = inputs.x.clone();
        let weights = || inputs.directions.iter().map(DirectionInputs::weights).collect::<Vec<_>>();
        match (self.cell, self.directions) {
            (Cell::Rnn(phi), Directions::Both) => Results::of(rnn_layer(x, weights(), phi, inputs.stacked(), lengths)),
            (Cell::Rnn(phi), Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                Results::of_one(rnn_scan(x, weights, phi, inputs.one::<RnnState<2>>(0), &scan))
            }
            (Cell::Lstm { cell_clip }, Directions::Both) => {
                Results::of(lstm_layer(x, weights(), cell_clip, inputs.stacked(), lengths))
            }
            (Cell::Lstm { cell_clip }, Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                Results::of_one(lstm_scan(x, weights, cell_clip, inputs.one::<LstmState<2>>(0), &scan))
            }
            (Cell::Gru { reset_after }, Directions::Both) => {
                let directions = inputs.directions.iter().map(|own| (own.weights(), own.reset(reset_after)));
                Results::of(gru_layer(x, directions.collect(), inputs.stacked(), lengths))
            }
            (Cell::Gru { reset_after }, Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                let reset = inputs.directions[0].reset(reset_after);
                Results::of_one(gru_scan(x, weights, reset, inputs.one::<GruState<2>>(0), &scan))
            }
        }
    }

    /// Runs the reference implementation, one direction after the other.
    pub fn run_reference(&self, inputs: &Inputs) -> Results {
        let directions = self.directions.list().into_iter().zip(&inputs.directions);
        let (x, lengths) = (|| inputs.x.clone(), self.lengths.as_deref());
        match self.cell {
            Cell::Rnn(phi) => Results::of(scan_directions::<_, _, RnnState>(
                directions,
                inputs.stacked(),
                |(direction, own), initial| {
                    reference::rnn_scan(x(), own.weights(), phi, initial, &Scan { direction, lengths })
                },
            )),
            Cell::Lstm { cell_clip } => Results::of(scan_directions::<_, _, LstmState>(
                directions,
                inputs.stacked(),
                |(direction, own), initial| {
                    reference::lstm_scan(x(), own.weights(), cell_clip, initial, &Scan { direction, lengths })
                },
            )),
            Cell::Gru { reset_after } => Results::of(scan_directions::<_, _, GruState>(
                directions,
                inputs.stacked(),
                |(direction, own), initial| {
                    let reset = own.reset(reset_after);
                    reference::gru_scan(x(), own.weights(), reset, initial, &Scan { direction, lengths })
                },
            )),
        }
    }

    /// One step from the initial state of the first direction, `x [batch, input]`; the tensors of the state.
    pub fn step(&self, inputs: &Inputs, x: Tensor<2>) -> Vec<Tensor<2>> {
        let own = &inputs.directions[0];
        let weights = own.weights();
        let projected = weights.project(x);
        match self.cell {
            Cell::Rnn(phi) => {
                let state = inputs.one(0).expect("an initial state");
                rnn_step(projected, state, &weights, phi).into_parts()
            }
            Cell::Lstm { cell_clip } => {
                let state = inputs.one(0).expect("an initial state");
                lstm_step(projected, state, &weights, cell_clip).into_parts()
            }
            Cell::Gru { reset_after } => {
                let state = inputs.one(0).expect("an initial state");
                gru_step(projected, state, &weights, &own.reset(reset_after)).into_parts()
            }
        }
    }

    /// A loss: the weighted sum of the outputs in use, with a random weight for each element.
    pub fn loss(&self, results: &Results) -> Tensor<1> {
        let mut random = Random(self.seed + 1);
        let mut weigh = |tensor: &Tensor<3>| {
            (tensor.clone() * random.tensor(tensor.dims(), 1.0, &tensor.device()).cast(tensor.dtype())).sum()
        };
        let (output, state) =
            (weigh(&results.output), results.state.iter().map(weigh).reduce(|a, b| a + b).expect("a state"));
        match self.used {
            Used::All => output + state,
            Used::Output => output,
            Used::State => state,
        }
    }
}

impl Default for Case {
    fn default() -> Self {
        Self {
            cell: Cell::ALL[0],
            directions: Directions::ALL[0],
            batch: 1,
            time: 1,
            input: 1,
            hidden: 1,
            bias: false,
            initial: false,
            lengths: None,
            used: Used::All,
            seed: 1,
        }
    }
}

/// The input tensors of a scan.
#[derive(Debug, Clone)]
pub struct Inputs {
    pub x: Tensor<3>,
    pub directions: Vec<DirectionInputs>,
    pub initial: Option<Vec<Tensor<3>>>,
}

/// The weights of one direction.
#[derive(Debug, Clone)]
pub struct DirectionInputs {
    pub w_ih: Tensor<2>,
    pub w_hh: Tensor<2>,
    pub bias: Option<Tensor<1>>,
    pub bias_hn: Option<Tensor<1>>,
}

impl DirectionInputs {
    pub fn weights(&self) -> Weights {
        Weights { w_ih: self.w_ih.clone(), w_hh: self.w_hh.clone(), bias: self.bias.clone() }
    }

    pub fn reset(&self, after: bool) -> Reset {
        if after { Reset::After { bias_hn: self.bias_hn.clone() } } else { Reset::Before }
    }
}

/// A function on tensors of any rank.
pub trait Change {
    fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D>;
}

/// Tracks gradients, where the device has autodiff.
pub struct Track;

impl Change for Track {
    fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
        if tensor.device().is_autodiff() { tensor.require_grad() } else { tensor }
    }
}

impl Inputs {
    pub fn change(self, change: &mut impl Change) -> Self {
        Self {
            x: change.change(self.x),
            directions: self.directions.into_iter().map(|direction| direction.change(change)).collect(),
            initial: self.initial.map(|parts| parts.into_iter().map(|part| change.change(part)).collect()),
        }
    }

    /// All gradients by name, zeros for those that are absent.
    pub fn gradients(&self, grads: &Gradients) -> Vec<(String, Tensor<1>)> {
        fn of<const D: usize>(name: String, tensor: &Tensor<D>, grads: &Gradients) -> (String, Tensor<1>) {
            let gradient = tensor.grad(grads).unwrap_or_else(|| tensor.clone().inner().zeros_like());
            assert_eq!(gradient.dims(), tensor.dims(), "{name}");
            (format!("gradient of {name}"), gradient.flatten(0, D - 1))
        }
        let mut all = vec![of("x".into(), &self.x, grads)];
        for (index, own) in self.directions.iter().enumerate() {
            all.push(of(format!("w_ih {index}"), &own.w_ih, grads));
            all.push(of(format!("w_hh {index}"), &own.w_hh, grads));
            all.extend(own.bias.iter().map(|bias| of(format!("bias {index}"), bias, grads)));
            all.extend(own.bias_hn.iter().map(|bias| of(format!("bias_hn {index}"), bias, grads)));
        }
        for (index, part) in self.initial.iter().flatten().enumerate() {
            all.push(of(format!("initial state {index}"), part, grads));
        }
        all
    }

    /// Panics if a weight has no gradient.
    pub fn assert_weights_have_gradients(&self, grads: &Gradients) {
        for own in &self.directions {
            assert!(own.w_ih.grad(grads).is_some() && own.w_hh.grad(grads).is_some(), "matrices");
            assert!(own.bias.iter().chain(&own.bias_hn).all(|bias| bias.grad(grads).is_some()), "biases");
        }
    }

    fn stacked<S: State<3>>(&self) -> Option<S> {
        self.initial.clone().map(S::from_parts)
    }

    fn one<S: State<2>>(&self, direction: usize) -> Option<S> {
        let part = |part: &Tensor<3>| part.clone().narrow(0, direction, 1).squeeze_dim(0);
        self.initial.as_ref().map(|parts| S::from_parts(parts.iter().map(part).collect()))
    }
}

impl DirectionInputs {
    fn change(self, change: &mut impl Change) -> Self {
        Self {
            w_ih: change.change(self.w_ih),
            w_hh: change.change(self.w_hh),
            bias: self.bias.map(|bias| change.change(bias)),
            bias_hn: self.bias_hn.map(|bias| change.change(bias)),
        }
    }
}

/// The results of a scan: the output, and the tensors of the state, `[directions, batch, hidden]`.
#[derive(Debug, Clone)]
pub struct Results {
    pub output: Tensor<3>,
    pub state: Vec<Tensor<3>>,
}

impl Results {
    fn of<S: State<3>>(scanned: Scanned<S>) -> Self {
        Self { output: scanned.output, state: scanned.state.into_parts() }
    }

    fn of_one<S: State<2>>(scanned: Scanned<S>) -> Self {
        let parts = scanned.state.into_parts().into_iter();
        Self {
            output: scanned.output,
            state: parts
                .map(|hidden| stack_states::<RnnState<2>, RnnState>(vec![RnnState { hidden }]).hidden)
                .collect(),
        }
    }

    /// All tensors by name, flattened.
    pub fn flattened(&self) -> Vec<(String, Tensor<1>)> {
        let output = ("output".into(), self.output.clone().flatten(0, 2));
        let state = self.state.iter().enumerate();
        [output].into_iter().chain(state.map(|(i, part)| (format!("state {i}"), part.clone().flatten(0, 2)))).collect()
    }
}
