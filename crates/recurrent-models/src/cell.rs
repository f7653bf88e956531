//! What makes a recurrent layer the layer that it is.

use std::fmt::Debug;

use burn::module::{Initializer, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{Direction, Scan, Scanned, State, Weights, reference};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The sizes of a cell and how its weights start.
#[derive(Debug, Clone)]
pub struct CellShape<'a> {
    /// Input features.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Whether the gates have biases.
    pub bias: bool,
    /// How each gate's input weights `[input, hidden]` start.
    pub input_initializer: &'a Initializer,
    /// How each gate's recurrent weights `[hidden, hidden]` start.
    pub recurrent_initializer: &'a Initializer,
}

/// One layer in one direction: parameters and equations. Stack, direction, dropout and the loop over time are the same
/// for all cells and know only this trait.
pub trait Cell: Module + ModuleDisplay {
    /// What is carried from step to step: with `D = 2` by one cell, with `D = 3` by a stack.
    type State<const D: usize>: State<D>;

    /// What can be chosen for this cell and no other.
    type Options: Debug + Clone + Default + PartialEq + Send + Sync + Serialize + DeserializeOwned;

    /// The layer's name in a summary.
    const NAME: &'static str;

    /// Gates: how many times `hidden` the weight matrices are wide.
    const GATES: usize;

    /// The names of what [`gate_values`](Self::gate_values) gives, in its order; none for a cell that has nothing to show.
    const GATE_NAMES: &'static [&'static str] = &[];

    /// Makes a cell with fresh weights.
    fn new(shape: &CellShape, options: &Self::Options, device: &Device) -> Self;

    /// The weights, as the kernels take them.
    fn weights(&self) -> Weights;

    /// One step of the equations, from the projected input `[batch, gates * hidden]` ([`Weights::project`]).
    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: Self::State<2>) -> Self::State<2>;

    /// What the gates come to at a step, `[batch, hidden]` each: what [`advance`](Self::advance) makes the next state of.
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
    /// `cells` are the one that runs forward and, if the layer has both directions, the one that runs in reverse; they
    /// start from `initial [directions, batch, hidden]`, or from zeros. Override it where a kernel does better than the
    /// plain loop.
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

/// The parameters that all cells of this crate have: the gates side by side, in PyTorch's order.
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
    /// Fresh parameters: each gate's matrices start by themselves, `bias[gate]` is the value of a whole gate's bias.
    pub fn new<const GATES: usize>(shape: &CellShape, bias: [f64; GATES], device: &Device) -> Self {
        let gates = |initializer: &Initializer, rows: usize| {
            let size = [rows, shape.hidden];
            let gate = || initializer.init_with(size, Some(rows), Some(shape.hidden), device);
            let gates: Vec<Tensor<2>> = (0..GATES).map(|_| gate().into_value()).collect();
            Param::from_tensor(Tensor::cat(gates, 1).detach())
        };
        let constant = |value: &f64| Tensor::<1>::full([shape.hidden], *value, device);
        Self {
            w_ih: gates(shape.input_initializer, shape.input),
            w_hh: gates(shape.recurrent_initializer, shape.hidden),
            bias: shape.bias.then(|| Param::from_tensor(Tensor::cat(bias.iter().map(constant).collect(), 0))),
        }
    }

    /// The parameters' tensors.
    pub fn weights(&self) -> Weights {
        Weights { w_ih: self.w_ih.val(), w_hh: self.w_hh.val(), bias: self.bias.as_ref().map(Param::val) }
    }
}
