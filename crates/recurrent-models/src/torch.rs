//! Import from and export to PyTorch's weights.
//!
//! PyTorch stores matrices as `[gates * hidden, input]` and two biases per gate; here they are `[input, gates * hidden]`
//! with one bias. The order of the gates is the same, so an import is a transpose and a sum, and nothing is lost:
//!
//! - LSTM, RNN and GRU with reset-before: the two biases of a gate only ever appear as a sum. An import adds them; an
//!   export writes the sum into the first and zeros into the second.
//! - GRU with reset-after (PyTorch's): the candidate's recurrent bias `b_hn` is inside the reset product, so it stays a
//!   parameter of its own (`bias_hn`); the biases of the other gates are added as above.
//!
//! The parameter counts of a [summary](crate::Summary) therefore agree with Keras and not with PyTorch: an LSTM(50) on
//! one feature has 4 · 50 · (1 + 50 + 1) = 10,400 parameters with one bias per gate and 10,600 with two.

use burn::module::Param;
use burn::tensor::Tensor;

use crate::Cell;
use crate::cell::GateParams;
use crate::cells::gru::GruCell;
use crate::cells::lstm::LstmCell;
use crate::cells::rnn::RnnCell;

/// The weights of one layer in one direction, in PyTorch's layout.
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

    /// The gates' parameters, mutable.
    fn gates_mut(&mut self) -> &mut GateParams;

    /// Replaces this cell's weights by PyTorch's.
    ///
    /// # Panics
    /// If the sizes differ, or only one of the two has biases.
    #[must_use]
    fn with_torch(mut self, torch: TorchWeights) -> Self {
        let bias = torch.biases.clone().map(|[ih, hh]| ih + hh);
        import(self.gates_mut(), torch, bias);
        self
    }

    /// This cell's weights in PyTorch's layout.
    #[must_use]
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
    own.w_ih = replaced(own.w_ih.clone(), transposed(torch.weight_ih));
    own.w_hh = replaced(own.w_hh.clone(), transposed(torch.weight_hh));
    own.bias = match (own.bias.take(), bias) {
        (Some(own), Some(bias)) => Some(replaced(own, bias)),
        (None, None) => None,
        (Some(_), None) => panic!("the layer has biases, and PyTorch's weights have none"),
        (None, Some(_)) => panic!("PyTorch's weights have biases, and the layer has none"),
    };
}

/// PyTorch's second bias is zero, except for the candidate's recurrent bias.
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

/// The transpose in memory of its own. A transposed view would be copied by every forward pass.
fn transposed(weight: Tensor<2>) -> Tensor<2> {
    let (device, dtype) = (weight.device(), weight.dtype());
    Tensor::from_data(weight.transpose().into_data(), (&device, dtype))
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
    fn gru_round_trips_with_its_recurrent_bias() {
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
    fn import_adds_biases_and_export_writes_the_first() {
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
        let _ = cell(1).with_torch(cell(2).to_torch());
    }
}
