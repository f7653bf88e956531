//! To and from PyTorch's weights.
//!
//! PyTorch keeps matrices as `[gates * hidden, input]` and two biases a gate; here they are `[input, gates * hidden]`
//! with one bias. The order of the gates is the same, so an import is a transpose and a sum, and nothing is lost:
//!
//! - LSTM, RNN and GRU with reset-before: the two biases of a gate only ever appear as a sum. On import they are added,
//!   on export the first takes the whole and the second is zero.
//! - GRU with reset-after (PyTorch's): the candidate's recurrent bias `b_hn` lies inside the reset, so it stays a
//!   parameter of its own (`bias_hn`); the other gates are summed as above.
//!
//! This is also why the counts of a [summary](crate::Summary) agree with Keras and not with PyTorch: an LSTM(50) on
//! one feature has 4 · 50 · (1 + 50 + 1) = 10,400 parameters with one bias a gate and 10,600 with two.

use burn::module::Param;
use burn::tensor::Tensor;

use crate::Cell;
use crate::cell::GateParams;
use crate::cells::gru::GruCell;
use crate::cells::lstm::LstmCell;
use crate::cells::rnn::RnnCell;

/// The weights of one layer in one direction as PyTorch keeps them.
#[derive(Debug, Clone)]
pub struct TorchWeights {
    /// `weight_ih_l*`: `[gates * hidden, input]`.
    pub weight_ih: Tensor<2>,
    /// `weight_hh_l*`: `[gates * hidden, hidden]`.
    pub weight_hh: Tensor<2>,
    /// `bias_ih_l*` and `bias_hh_l*`: `[gates * hidden]` each.
    pub biases: Option<[Tensor<1>; 2]>,
}

/// A cell whose weights can be exchanged with PyTorch.
pub trait FromTorch: Cell {
    /// This cell with PyTorch's weights in place of its own.
    ///
    /// # Panics
    /// If the sizes differ, or one has biases and the other has not.
    fn with_torch(self, torch: TorchWeights) -> Self;

    /// This cell's weights as PyTorch keeps them.
    fn to_torch(&self) -> TorchWeights;
}

impl FromTorch for RnnCell {
    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = torch.biases.clone().map(|[ih, hh]| ih + hh);
        self.gates = import(self.gates, torch, bias);
        self
    }

    fn to_torch(&self) -> TorchWeights {
        export(&self.gates, None)
    }
}

impl FromTorch for LstmCell {
    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = torch.biases.clone().map(|[ih, hh]| ih + hh);
        self.gates = import(self.gates, torch, bias);
        self
    }

    fn to_torch(&self) -> TorchWeights {
        export(&self.gates, None)
    }
}

impl FromTorch for GruCell {
    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = match (torch.biases.clone(), self.bias_hn.take()) {
            (Some([ih, hh]), Some(own)) => {
                let [_, hidden] = self.sizes();
                let b_hn = hh.clone().narrow(0, 2 * hidden, hidden);
                let summed = hh.slice_assign([2 * hidden..3 * hidden], b_hn.zeros_like());
                self.bias_hn = Some(replace(own, b_hn));
                Some(ih + summed)
            }
            (biases, _) => biases.map(|[ih, hh]| ih + hh),
        };
        self.gates = import(self.gates, torch, bias);
        self
    }

    fn to_torch(&self) -> TorchWeights {
        export(&self.gates, self.bias_hn.as_ref().map(Param::val))
    }
}

fn import(own: GateParams, torch: TorchWeights, bias: Option<Tensor<1>>) -> GateParams {
    GateParams {
        w_ih: replace(own.w_ih, torch.weight_ih.transpose()),
        w_hh: replace(own.w_hh, torch.weight_hh.transpose()),
        bias: match (own.bias, bias) {
            (Some(own), Some(bias)) => Some(replace(own, bias)),
            (None, None) => None,
            (own, _) => panic!(
                "the layer has {} biases and PyTorch's weights have {}",
                if own.is_some() { "its" } else { "no" },
                if own.is_some() { "none" } else { "theirs" },
            ),
        },
    }
}

/// PyTorch's second bias is zero but for the candidate's recurrent bias, where there is one.
fn export(gates: &GateParams, bias_hn: Option<Tensor<1>>) -> TorchWeights {
    TorchWeights {
        weight_ih: gates.w_ih.val().transpose(),
        weight_hh: gates.w_hh.val().transpose(),
        biases: gates.bias.as_ref().map(|bias| {
            let ih = bias.val();
            let hh = match bias_hn {
                Some(b_hn) => Tensor::cat(vec![Tensor::zeros([2 * b_hn.dims()[0]], &ih.device()), b_hn], 0),
                None => ih.zeros_like(),
            };
            [ih, hh]
        }),
    }
}

fn replace<const D: usize>(own: Param<Tensor<D>>, new: Tensor<D>) -> Param<Tensor<D>> {
    own.map(|old| {
        assert_eq!(
            new.dims(),
            old.dims(),
            "the layer's weights are {:?}, PyTorch's transposed are {:?}",
            old.dims(),
            new.dims()
        );
        new.detach().set_require_grad(old.is_require_grad())
    })
}
