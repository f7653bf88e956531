//! The interface of a cell: parameters and equations.

use std::fmt::Debug;

use burn::module::{Initializer, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Distribution, Tensor};
use recurrent_kernels::{Direction, Scan, Scanned, State, Weights, reference};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The sizes of a cell and the initializers of its weights.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CellShape<'a> {
    /// Features of the input.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Whether the gates have biases.
    pub bias: bool,
    /// Initializer of each gate's input weights, `[input, hidden]`.
    pub input_initializer: &'a Initializer,
    /// Initializer of each gate's recurrent weights, `[hidden, hidden]`.
    pub recurrent_initializer: &'a Initializer,
}

/// One layer in one direction: parameters and equations. The stack, the directions, dropout, lengths and the time loop
/// are written once, in [`Recurrent`](crate::Recurrent), for every type with this trait.
///
/// A cell of your own needs a state, its parameters, its options and one step of its equations. This one is the minimal
/// gated unit (Zhou et al. 2016, "Minimal gated unit for recurrent neural networks"), as
/// f = σ(W_if x + b_f + W_hf h), n = tanh(W_in x + b_n + W_hn (f ⊙ h)), h' = (1 − f) ⊙ h + f ⊙ n:
///
/// ```no_run
/// use burn::module::Module;
/// use burn::tensor::activation::sigmoid;
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::kernels::{Weights, impl_state};
/// use recurrent_models::{Cell, CellShape, GateParams, RecurrentConfig};
///
/// #[derive(Debug, Clone)]
/// struct MguState<const D: usize> {
///     hidden: Tensor<D>,
/// }
/// impl_state!(MguState { hidden });
///
/// #[derive(Module, Debug)]
/// struct MguCell {
///     gates: GateParams,
/// }
///
/// impl Cell for MguCell {
///     type State<const D: usize> = MguState<D>;
///     type Options = ();
///     const NAME: &'static str = "MGU";
///     const GATES: usize = 2;
///
///     fn new(shape: &CellShape, _options: &(), device: &Device) -> Self {
///         Self { gates: GateParams::new(shape, [1.0, 0.0], device) }
///     }
///
///     fn weights(&self) -> Weights {
///         self.gates.weights()
///     }
///
///     fn advance(&self, weights: &Weights, projected: Tensor<2>, state: MguState<2>) -> MguState<2> {
///         let h = state.hidden;
///         let size = h.dims()[1];
///         let gate = |of: &Tensor<2>, gate: usize| of.clone().narrow(1, gate * size, size);
///         let f = sigmoid(gate(&projected, 0) + h.clone().matmul(gate(&weights.w_hh, 0)));
///         let n = (gate(&projected, 1) + (f.clone() * h.clone()).matmul(gate(&weights.w_hh, 1))).tanh();
///         MguState { hidden: h.clone() + f * (n - h) }
///     }
/// }
///
/// let device = Device::default();
/// let layer = RecurrentConfig::<MguCell>::new(3, 5).with_num_layers(2).with_bidirectional(true).init(&device);
/// let (output, _state) = layer.forward(Tensor::ones([2, 4, 3], &device), None);
/// assert_eq!(output.dims(), [2, 4, 10]);
/// ```
pub trait Cell: Module + ModuleDisplay {
    /// What is carried from step to step: with `D = 2` by one cell, with `D = 3` by a stack.
    type State<const D: usize>: State<D>;

    /// The options of this cell, part of its [`RecurrentConfig`](crate::RecurrentConfig).
    type Options: Debug + Clone + Default + PartialEq + Send + Sync + Serialize + DeserializeOwned;

    /// The layer's name in a [`Summary`](crate::Summary).
    const NAME: &'static str;

    /// The number of gates: the weight matrices are `GATES * hidden` wide.
    const GATES: usize;

    /// The names of the [`gate_values`](Self::gate_values), in their order; empty for a cell that returns none.
    const GATE_NAMES: &'static [&'static str] = &[];

    /// Makes a cell with fresh weights.
    fn new(shape: &CellShape, options: &Self::Options, device: &Device) -> Self;

    /// The weights, as the kernels take them.
    fn weights(&self) -> Weights;

    /// One step of the equations, from the projected input `[batch, gates * hidden]` ([`Weights::project`]).
    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: Self::State<2>) -> Self::State<2>;

    /// The gates' activations at one step, `[batch, hidden]` each, from the arguments of [`advance`](Self::advance).
    fn gate_values(&self, weights: &Weights, projected: Tensor<2>, state: Self::State<2>) -> Vec<Tensor<2>> {
        let _ = (weights, projected, state);
        Vec::new()
    }

    /// One step, `x [batch, input]`.
    fn step(&self, x: Tensor<2>, state: Self::State<2>) -> Self::State<2> {
        let weights = self.weights();
        self.advance(&weights, weights.project(x), state)
    }

    /// One layer over a whole sequence, `x [batch, time, input]` → `[batch, time, directions * hidden]`.
    ///
    /// `cells` are the one that runs forward and, in a bidirectional layer, the one that runs in reverse; they start
    /// from `initial [directions, batch, hidden]`, or from zeros. The default is a time loop over
    /// [`advance`](Self::advance); override it where a kernel is faster.
    fn scan(
        cells: &[&Self],
        x: Tensor<3>,
        initial: Option<Self::State<3>>,
        lengths: Option<&[usize]>,
    ) -> Scanned<Self::State<3>> {
        let directions = cells.iter().zip([Direction::Forward, Direction::Reverse]);
        reference::scan_directions(directions, initial, |(cell, direction), initial| {
            let weights = cell.weights();
            let step = |projected, state| cell.advance(&weights, projected, state);
            reference::scan_projected(x.clone(), &weights, initial, &Scan { direction, lengths }, step)
        })
    }

    /// `[input features, hidden units]`.
    fn sizes(&self) -> [usize; 2] {
        let weights = self.weights();
        [weights.w_ih.dims()[0], weights.w_hh.dims()[0]]
    }
}

/// The parameters of a cell: the matrices of all gates side by side, in PyTorch's gate order.
#[derive(Module, Debug)]
pub struct GateParams {
    /// `[input, gates * hidden]`.
    pub w_ih: Param<Tensor<2>>,
    /// `[hidden, gates * hidden]`.
    pub w_hh: Param<Tensor<2>>,
    /// `[gates * hidden]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl GateParams {
    /// Fresh parameters. Each gate's matrices are initialized by themselves; `bias[gate]` is the initial value of all
    /// units' biases of a gate.
    pub fn new<const GATES: usize>(shape: &CellShape, bias: [f64; GATES], device: &Device) -> Self {
        let constant = |value: f64| Tensor::full([shape.hidden], value, device);
        Self::with_biases(shape, bias.map(constant), device)
    }

    /// Fresh parameters, with the initial biases of each gate, `[hidden]` each. They are dropped if the shape has no
    /// biases.
    pub fn with_biases<const GATES: usize>(shape: &CellShape, biases: [Tensor<1>; GATES], device: &Device) -> Self {
        let gates = |initializer: &Initializer, rows: usize| {
            let size = [rows, shape.hidden];
            let gate = || initializer.init_with(size, Some(rows), Some(shape.hidden), device);
            let gates: Vec<Tensor<2>> = (0..GATES).map(|_| gate().into_value()).collect();
            Param::from_tensor(Tensor::cat(gates, 1).detach())
        };
        Self {
            w_ih: gates(shape.input_initializer, shape.input),
            w_hh: gates(shape.recurrent_initializer, shape.hidden),
            bias: shape.bias.then(|| Param::from_tensor(Tensor::cat(biases.to_vec(), 0).detach())),
        }
    }

    /// The parameters' tensors.
    pub fn weights(&self) -> Weights {
        Weights { w_ih: self.w_ih.val(), w_hh: self.w_hh.val(), bias: self.bias.as_ref().map(Param::val) }
    }
}

/// Biases of a gate that keeps the memory, log(U[1, max_length − 1]) (Tallec & Ollivier 2018): with σ(b) = 1 − 1/(1 + u),
/// a unit forgets over about u steps, and the units' u are spread over the lengths of the task.
///
/// # Panics
/// If `max_length` is less than 2 or the cell has no biases.
pub(crate) fn chrono_bias(max_length: usize, shape: &CellShape, device: &Device) -> Tensor<1> {
    assert!(max_length >= 2, "chrono initialization needs a max_length of at least 2, got {max_length}");
    assert!(shape.bias, "chrono initialization sets biases, and this layer has none");
    let uniform = Tensor::<1>::random([shape.hidden], Distribution::Uniform(0.0, 1.0), device);
    (uniform * (max_length - 2) as f64 + 1.0).log()
}
