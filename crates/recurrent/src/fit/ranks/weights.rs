//! The weights of all ranks are those of the first.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::{Ranks, append, on_rank};
use crate::Result;

/// The bytes of a number.
const BYTES: usize = size_of::<f32>();

/// The network with the weights of the first rank's, wherever it got them from.
pub(in crate::fit) fn first_weights<M: Module>(network: M, ranks: &dyn Ranks) -> Result<M> {
    if ranks.is_alone() {
        return Ok(network);
    }
    let mut bytes = weights(&network);
    let num_bytes = bytes.len();
    ranks.broadcast(&mut bytes)?;
    if bytes.len() != num_bytes {
        let (found, expected) = (num_bytes / BYTES, bytes.len() / BYTES);
        return Err(on_rank(ranks, format!("a network of {found} numbers, the first rank has one of {expected}")));
    }
    let (values, _) = bytes.as_chunks::<BYTES>();
    Ok(network.map(&mut Given { values: values.iter().map(|value| f32::from_le_bytes(*value)) }))
}

/// Checks that this rank has the weights of the first one, to the bit.
///
/// # Errors
/// If it has others: two machines of different kinds may round differently.
pub(in crate::fit) fn check_weights<M: Module>(network: &M, ranks: &dyn Ranks) -> Result<()> {
    if ranks.is_alone() {
        return Ok(());
    }
    let own = recurrent_data::sha256(&weights(network)).into_bytes();
    let mut first = own.clone();
    ranks.broadcast(&mut first)?;
    match first == own {
        true => Ok(()),
        false => Err(on_rank(ranks, "other weights than on the first rank: its machine rounds differently")),
    }
}

/// The weights in single precision, little-endian.
fn weights<M: Module>(network: &M) -> Vec<u8> {
    let mut all = All(vec![]);
    network.visit(&mut all);
    all.0.iter().flat_map(|value| value.to_le_bytes()).collect()
}

struct All(Vec<f32>);

impl ModuleVisitor for All {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        append(&mut self.0, param.val().without_autodiff());
    }
}

struct Given<I> {
    values: I,
}

impl<I: Iterator<Item = f32>> ModuleMapper for Given<I> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|weights| {
            let values: Vec<f32> = self.values.by_ref().take(weights.shape().num_elements()).collect();
            let given = TensorData::new(values, weights.shape());
            let is_trained = weights.is_require_grad();
            Tensor::from_data(given, (&weights.device(), weights.dtype())).set_require_grad(is_trained)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    use super::super::testing::on_threads;
    use super::*;

    #[test]
    fn weights_are_those_of_the_first_rank() {
        let device = Device::flex().autodiff();
        let networks: Vec<_> = (0..3).map(|_| LinearConfig::new(4, 3).init(&device)).collect();
        let found = on_threads(3, |ranks| {
            let own = networks[ranks.rank()].clone();
            let differs = check_weights(&own, ranks);
            let given = first_weights(own, ranks).unwrap();
            check_weights(&given, ranks).unwrap();
            assert!(given.weight.val().is_require_grad());
            (differs, weights(&given))
        });
        for (rank, (differs, given)) in found.into_iter().enumerate() {
            assert_eq!(given, weights(&networks[0]));
            match rank {
                0 => differs.unwrap(),
                rank => {
                    let error = differs.unwrap_err().to_string();
                    assert!(error.starts_with(&format!("rank {rank}: training stopped: other weights")), "{error}");
                }
            }
        }
    }
}
