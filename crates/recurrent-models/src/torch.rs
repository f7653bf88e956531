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
    /// The gates' parameters.
    fn gates(&self) -> &GateParams;

    /// The gates' parameters, to change.
    fn gates_mut(&mut self) -> &mut GateParams;

    /// This cell with PyTorch's weights in place of its own.
    ///
    /// # Panics
    /// If the sizes differ, or one has biases and the other has not.
    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = torch.biases.clone().map(|[ih, hh]| ih + hh);
        import(self.gates_mut(), torch, bias);
        self
    }

    /// This cell's weights as PyTorch keeps them.
    fn to_torch(&self) -> TorchWeights {
        export(self.gates(), None)
    }
}

impl FromTorch for RnnCell {
    fn gates(&self) -> &GateParams {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut GateParams {
        &mut self.gates
    }
}

impl FromTorch for LstmCell {
    fn gates(&self) -> &GateParams {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut GateParams {
        &mut self.gates
    }
}

impl FromTorch for GruCell {
    fn gates(&self) -> &GateParams {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut GateParams {
        &mut self.gates
    }

    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = match (torch.biases.clone(), self.bias_hn.take()) {
            (Some([ih, hh]), Some(own)) => {
                let [_, hidden] = self.sizes();
                let [hh_rz, b_hn] = [hh.clone().narrow(0, 0, 2 * hidden), hh.narrow(0, 2 * hidden, hidden)];
                let summed = Tensor::cat(vec![hh_rz, b_hn.zeros_like()], 0);
                self.bias_hn = Some(replaced(own, b_hn));
                Some(ih + summed)
            }
            (biases, _) => biases.map(|[ih, hh]| ih + hh),
        };
        import(&mut self.gates, torch, bias);
        self
    }

    fn to_torch(&self) -> TorchWeights {
        export(&self.gates, self.bias_hn.as_ref().map(Param::val))
    }
}

fn import(own: &mut GateParams, torch: TorchWeights, bias: Option<Tensor<1>>) {
    own.w_ih = replaced(own.w_ih.clone(), torch.weight_ih.transpose());
    own.w_hh = replaced(own.w_hh.clone(), torch.weight_hh.transpose());
    own.bias = match (own.bias.take(), bias) {
        (Some(own), Some(bias)) => Some(replaced(own, bias)),
        (None, None) => None,
        (Some(_), None) => panic!("the layer has biases and PyTorch's weights have none"),
        (None, Some(_)) => panic!("PyTorch's weights have biases and the layer has none"),
    };
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

fn replaced<const D: usize>(own: Param<Tensor<D>>, new: Tensor<D>) -> Param<Tensor<D>> {
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::{GruConfig, LstmConfig};

    fn biases(torch: &TorchWeights) -> [Vec<f32>; 2] {
        let biases = torch.biases.clone().expect("biases");
        biases.map(|bias| bias.into_data().iter::<f32>().collect())
    }

    #[test]
    fn an_exported_gru_keeps_the_candidates_recurrent_bias_and_comes_back_the_same() {
        let device = Device::flex();
        let mut cell = GruConfig::new(2, 2).init(&device).layers.remove(0).forward;
        let random = || Tensor::<1>::random([2], Distribution::Default, &device);
        cell.bias_hn = cell.bias_hn.map(|bias| bias.map(|_| random()));

        let torch = cell.to_torch();
        let back = GruConfig::new(2, 2).init(&device).layers.remove(0).forward.with_torch(torch.clone());

        let [_, hh] = biases(&torch);
        assert_eq!(hh[..4], [0.0; 4]);
        assert!(hh[4] != 0.0 && hh[5] != 0.0);
        assert_eq!(biases(&back.to_torch()), biases(&torch));
        assert_eq!(back.gates.w_ih.val().into_data(), cell.gates.w_ih.val().into_data());
    }

    #[test]
    fn two_biases_become_one_and_one_becomes_two() {
        let device = Device::flex();
        let cell = LstmConfig::new(1, 1).init(&device).layers.remove(0).forward;
        let mut torch = cell.to_torch();
        torch.biases = Some([Tensor::full([4], 1.5, &device), Tensor::full([4], 2.0, &device)]);
        let [ih, hh] = biases(&cell.with_torch(torch).to_torch());
        assert_eq!((ih, hh), (vec![3.5; 4], vec![0.0; 4]));
    }

    #[test]
    #[should_panic(expected = "the layer's weights are [1, 4]")]
    fn weights_of_another_size_are_refused() {
        let device = Device::flex();
        let cell = |input| LstmConfig::new(input, 1).init(&device).layers.remove(0).forward;
        cell(1).with_torch(cell(2).to_torch());
    }
}
