//! A common interface to this project's layers and Burn's.

use std::hint::black_box;

use burn::module::{Module, ModuleDisplay};
use burn::nn;
use burn::tensor::{Device, Tensor};
use recurrent::models::{Recurrent, RecurrentConfig, StreamingCell};

/// A recurrent layer in one direction.
pub trait Layer: Module + ModuleDisplay {
    /// The recurrent state.
    type State;

    /// A layer with fresh weights.
    fn new(input: usize, hidden: usize, device: &Device) -> Self;

    /// `[batch, time, input]` → `[batch, time, hidden]` and the final state.
    fn forward(&self, x: Tensor<3>, state: Option<Self::State>) -> (Tensor<3>, Self::State);

    /// A function that runs the layer over `steps`, `[1, 1, input]` each, one at a time with the carried state, and reads
    /// every output back.
    fn streaming(&self, steps: &[Tensor<3>]) -> Box<dyn FnMut()>
    where
        Self: 'static,
    {
        let (layer, steps) = (self.clone(), steps.to_vec());
        Box::new(move || {
            let mut state = None;
            for x in &steps {
                let (output, next) = layer.forward(x.clone(), state.take());
                black_box(output.into_data());
                state = Some(next);
            }
        })
    }
}

impl<C: StreamingCell> Layer for Recurrent<C> {
    type State = C::State<3>;

    fn new(input: usize, hidden: usize, device: &Device) -> Self {
        RecurrentConfig::new(input, hidden).init(device)
    }

    fn forward(&self, x: Tensor<3>, state: Option<Self::State>) -> (Tensor<3>, Self::State) {
        self.forward(x, state)
    }

    fn streaming(&self, steps: &[Tensor<3>]) -> Box<dyn FnMut()> {
        let mut stream = self.streaming(None);
        let steps: Vec<Vec<f32>> =
            steps.iter().map(|step| step.to_data().try_into_vec().expect("values of type f32")).collect();
        Box::new(move || {
            for x in &steps {
                black_box(stream.step(x));
            }
        })
    }
}

impl Layer for nn::Rnn {
    type State = nn::RnnState<2>;

    fn new(input: usize, hidden: usize, device: &Device) -> Self {
        nn::RnnConfig::new(input, hidden, true).init(device)
    }

    fn forward(&self, x: Tensor<3>, state: Option<Self::State>) -> (Tensor<3>, Self::State) {
        self.forward(x, state)
    }
}

impl Layer for nn::Lstm {
    type State = nn::LstmState<2>;

    fn new(input: usize, hidden: usize, device: &Device) -> Self {
        nn::LstmConfig::new(input, hidden, true).init(device)
    }

    fn forward(&self, x: Tensor<3>, state: Option<Self::State>) -> (Tensor<3>, Self::State) {
        self.forward(x, state)
    }
}

impl Layer for nn::Gru {
    type State = Tensor<2>;

    fn new(input: usize, hidden: usize, device: &Device) -> Self {
        nn::GruConfig::new(input, hidden, true).init(device)
    }

    /// Burn's GRU returns no state; it equals the last output.
    fn forward(&self, x: Tensor<3>, state: Option<Self::State>) -> (Tensor<3>, Self::State) {
        let [_, time, _] = x.dims();
        let output = self.forward(x, state);
        let last = output.clone().narrow(1, time - 1, 1).squeeze_dim(1);
        (output, last)
    }
}
