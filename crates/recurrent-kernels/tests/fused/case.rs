//! Scans to try: sizes, cells, directions, and numbers for them.

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use recurrent_kernels::{
    Direction, GruState, LstmState, Nonlinearity, Reset, RnnState, Scan, Scanned, State, Weights, gru_layer, gru_scan,
    lstm_layer, lstm_scan, plain, rnn_layer, rnn_scan,
};

/// Numbers that look as if they were drawn, the same every time.
pub struct Draw(pub u64);

impl Draw {
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

    pub fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Uniform within ± `bound`.
    pub fn tensor<const D: usize>(&mut self, shape: [usize; D], bound: f32, device: &Device) -> Tensor<D> {
        let uniform = |_| ((self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0) * bound;
        let numbers: Vec<f32> = (0..shape.iter().product()).map(uniform).collect();
        Tensor::from_data(TensorData::new(numbers, shape), device)
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

    /// Whether its gradient jumps somewhere.
    pub fn has_kink(self) -> bool {
        matches!(self, Self::Rnn(Nonlinearity::Relu) | Self::Lstm { cell_clip: Some(_) })
    }

    /// How many tensors its state has.
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

    fn list(self) -> Vec<Direction> {
        match self {
            Self::One(direction) => vec![direction],
            Self::Both => vec![Direction::Forward, Direction::Reverse],
        }
    }
}

/// What of a scan's outputs the loss depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Used {
    All,
    Output,
    State,
}

impl Used {
    pub const ALL: [Self; 3] = [Self::All, Self::Output, Self::State];
}

/// A scan to try.
#[derive(Debug, Clone)]
pub struct Case {
    pub cell: Cell,
    pub directions: Directions,
    pub batch: usize,
    pub time: usize,
    pub input: usize,
    pub hidden: usize,
    pub bias: bool,
    /// Whether it starts from a state other than zeros.
    pub initial: bool,
    pub lengths: Option<Vec<usize>>,
    pub used: Used,
    pub seed: u64,
}

impl Case {
    /// A small one, ragged, from a given state, all of it used.
    pub fn small(cell: Cell, directions: Directions) -> Self {
        let lengths = Some(vec![9, 0, 4]);
        let sizes = Self { cell, directions, batch: 3, time: 9, input: 2, hidden: 5, ..Self::default() };
        Self { bias: true, initial: true, lengths, ..sizes }
    }

    /// Every cell in every direction.
    pub fn all_small() -> impl Iterator<Item = Self> {
        let pairs = Cell::ALL.into_iter().flat_map(|cell| Directions::ALL.map(|directions| (cell, directions)));
        pairs.map(|(cell, directions)| Self::small(cell, directions))
    }

    pub fn leaves(&self, device: &Device) -> Leaves {
        let mut draw = Draw(self.seed);
        let Self { batch, time, input, hidden, .. } = *self;
        let width = self.cell.gates() * hidden;
        let bound = (hidden as f32).sqrt().recip();
        let directions = self.directions.list().len();
        let layer = |_| {
            let bias_hn = self.bias && self.cell == Cell::Gru { reset_after: true };
            LayerLeaves {
                w_ih: draw.tensor([input, width], (input as f32).sqrt().recip(), device),
                w_hh: draw.tensor([hidden, width], bound, device),
                bias: self.bias.then(|| draw.tensor([width], 0.5, device)),
                bias_hn: bias_hn.then(|| draw.tensor([hidden], 0.5, device)),
            }
        };
        let layers = (0..directions).map(layer).collect();
        let mut part = |_| draw.tensor([directions, batch, hidden], 1.0, device);
        let initial = self.initial.then(|| (0..self.cell.parts()).map(&mut part).collect());
        Leaves { x: draw.tensor([batch, time, input], 1.5, device), layers, initial }
    }

    /// By the doors, which choose the way.
    pub fn run(&self, leaves: &Leaves) -> Ran {
        let lengths = self.lengths.as_deref();
        let x = leaves.x.clone();
        let weights = || leaves.layers.iter().map(LayerLeaves::weights).collect::<Vec<_>>();
        match (self.cell, self.directions) {
            (Cell::Rnn(phi), Directions::Both) => Ran::of(rnn_layer(x, weights(), phi, leaves.stacked(), lengths)),
            (Cell::Rnn(phi), Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                Ran::of_one(rnn_scan(x, weights, phi, leaves.one::<RnnState<2>>(0), &scan))
            }
            (Cell::Lstm { cell_clip }, Directions::Both) => {
                Ran::of(lstm_layer(x, weights(), cell_clip, leaves.stacked(), lengths))
            }
            (Cell::Lstm { cell_clip }, Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                Ran::of_one(lstm_scan(x, weights, cell_clip, leaves.one::<LstmState<2>>(0), &scan))
            }
            (Cell::Gru { reset_after }, Directions::Both) => {
                let directions = leaves.layers.iter().map(|layer| (layer.weights(), layer.reset(reset_after)));
                Ran::of(gru_layer(x, directions.collect(), leaves.stacked(), lengths))
            }
            (Cell::Gru { reset_after }, Directions::One(direction)) => {
                let (weights, scan) = (weights().remove(0), Scan { direction, lengths });
                let reset = leaves.layers[0].reset(reset_after);
                Ran::of_one(gru_scan(x, weights, reset, leaves.one::<GruState<2>>(0), &scan))
            }
        }
    }

    /// By the plain path, one direction after the other.
    pub fn run_plain(&self, leaves: &Leaves) -> Ran {
        let lengths = self.lengths.as_deref();
        let one = |(index, direction): (usize, Direction)| {
            let (x, layer, scan) = (leaves.x.clone(), &leaves.layers[index], Scan { direction, lengths });
            let weights = layer.weights();
            match self.cell {
                Cell::Rnn(phi) => Ran::of_one(plain::rnn_scan(x, weights, phi, leaves.one(index), &scan)),
                Cell::Lstm { cell_clip } => {
                    Ran::of_one(plain::lstm_scan(x, weights, cell_clip, leaves.one(index), &scan))
                }
                Cell::Gru { reset_after } => {
                    let reset = layer.reset(reset_after);
                    Ran::of_one(plain::gru_scan(x, weights, reset, leaves.one(index), &scan))
                }
            }
        };
        let mut all: Vec<Ran> = self.directions.list().into_iter().enumerate().map(one).collect();
        match all.pop() {
            Some(reverse) if !all.is_empty() => {
                let forward = all.remove(0);
                let states = forward.state.into_iter().zip(reverse.state);
                Ran {
                    output: Tensor::cat(vec![forward.output, reverse.output], 2),
                    state: states.map(|(forward, reverse)| Tensor::cat(vec![forward, reverse], 0)).collect(),
                }
            }
            only => only.expect("a direction"),
        }
    }

    /// A number that depends on what is used, each element with a weight of its own.
    pub fn loss(&self, ran: &Ran) -> Tensor<1> {
        let mut draw = Draw(self.seed + 1);
        let mut weigh = |tensor: &Tensor<3>| {
            (tensor.clone() * draw.tensor(tensor.dims(), 1.0, &tensor.device()).cast(tensor.dtype())).sum()
        };
        let (output, state) = (weigh(&ran.output), ran.state.iter().map(weigh).reduce(|a, b| a + b).expect("a state"));
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

/// The tensors that a scan starts from.
#[derive(Debug, Clone)]
pub struct Leaves {
    pub x: Tensor<3>,
    pub layers: Vec<LayerLeaves>,
    pub initial: Option<Vec<Tensor<3>>>,
}

/// Those of one direction.
#[derive(Debug, Clone)]
pub struct LayerLeaves {
    pub w_ih: Tensor<2>,
    pub w_hh: Tensor<2>,
    pub bias: Option<Tensor<1>>,
    pub bias_hn: Option<Tensor<1>>,
}

impl LayerLeaves {
    fn weights(&self) -> Weights {
        Weights { w_ih: self.w_ih.clone(), w_hh: self.w_hh.clone(), bias: self.bias.clone() }
    }

    fn reset(&self, after: bool) -> Reset {
        if after { Reset::After { bias_hn: self.bias_hn.clone() } } else { Reset::Before }
    }
}

/// A change of tensors of any rank.
pub trait Change {
    fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D>;
}

/// Tracks gradients.
pub struct Track;

impl Change for Track {
    fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
        tensor.require_grad()
    }
}

impl Leaves {
    pub fn change(self, change: &mut impl Change) -> Self {
        Self {
            x: change.change(self.x),
            layers: self.layers.into_iter().map(|layer| layer.change(change)).collect(),
            initial: self.initial.map(|parts| parts.into_iter().map(|part| change.change(part)).collect()),
        }
    }

    /// All gradients, by name; zeros where there is none.
    pub fn gradients(&self, grads: &Gradients) -> Vec<(String, Tensor<1>)> {
        fn of<const D: usize>(name: String, tensor: &Tensor<D>, grads: &Gradients) -> (String, Tensor<1>) {
            let gradient = tensor.grad(grads).unwrap_or_else(|| tensor.clone().inner().zeros_like());
            assert_eq!(gradient.dims(), tensor.dims(), "{name}");
            (format!("gradient of {name}"), gradient.flatten(0, D - 1))
        }
        let mut all = vec![of("x".into(), &self.x, grads)];
        for (index, layer) in self.layers.iter().enumerate() {
            all.push(of(format!("w_ih {index}"), &layer.w_ih, grads));
            all.push(of(format!("w_hh {index}"), &layer.w_hh, grads));
            all.extend(layer.bias.iter().map(|bias| of(format!("bias {index}"), bias, grads)));
            all.extend(layer.bias_hn.iter().map(|bias| of(format!("bias_hn {index}"), bias, grads)));
        }
        for (index, part) in self.initial.iter().flatten().enumerate() {
            all.push(of(format!("initial state {index}"), part, grads));
        }
        all
    }

    fn stacked<S: State<3>>(&self) -> Option<S> {
        self.initial.clone().map(S::from_parts)
    }

    fn one<S: State<2>>(&self, direction: usize) -> Option<S> {
        let part = |part: &Tensor<3>| part.clone().narrow(0, direction, 1).squeeze_dim(0);
        self.initial.as_ref().map(|parts| S::from_parts(parts.iter().map(part).collect()))
    }
}

impl LayerLeaves {
    fn change(self, change: &mut impl Change) -> Self {
        Self {
            w_ih: change.change(self.w_ih),
            w_hh: change.change(self.w_hh),
            bias: self.bias.map(|bias| change.change(bias)),
            bias_hn: self.bias_hn.map(|bias| change.change(bias)),
        }
    }
}

/// What a scan gave: the output, and the state's tensors `[directions, batch, hidden]`.
#[derive(Debug, Clone)]
pub struct Ran {
    pub output: Tensor<3>,
    pub state: Vec<Tensor<3>>,
}

impl Ran {
    fn of<S: State<3>>(scanned: Scanned<S>) -> Self {
        Self { output: scanned.output, state: scanned.state.into_parts() }
    }

    fn of_one<S: State<2>>(scanned: Scanned<S>) -> Self {
        let parts = scanned.state.into_parts().into_iter();
        Self { output: scanned.output, state: parts.map(|part| part.unsqueeze_dim(0)).collect() }
    }

    /// All numbers, by name.
    pub fn numbers(&self) -> Vec<(String, Tensor<1>)> {
        let output = ("output".into(), self.output.clone().flatten(0, 2));
        let state = self.state.iter().enumerate();
        [output].into_iter().chain(state.map(|(i, part)| (format!("state {i}"), part.clone().flatten(0, 2)))).collect()
    }
}
