//! The logarithms of probabilities over a vocabulary.

use burn::tensor::{Device, Distribution, Int, Tensor, Tolerance};
use recurrent_kernels::{TokenLogProbs, reference, token_log_probs};

use crate::devices::Tested;

/// Vectors, parts of one, and more rows than one task has.
const SIZES: [[usize; 2]; 6] = [[1, 1], [3, 2], [2, 16], [5, 37], [40, 65], [33, 1000]];

fn case([rows, vocab]: [usize; 2], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let logits = Tensor::random([rows, vocab], Distribution::Normal(0.0, 4.0), device);
    let targets: Vec<i32> = (0..rows).map(|row| (row * 7 % vocab) as i32).collect();
    (logits, Tensor::from_data(targets.as_slice(), device))
}

/// Values and gradients are those of the reference, whichever of the two results the loss depends on.
pub fn equal_reference(tested: &Tested) {
    let device = tested.device.clone().autodiff();
    device.seed(5);
    for size in SIZES {
        let (logits, targets) = case(size, &device);
        let weights = Tensor::<1>::random([size[0]], Distribution::Uniform(-1.0, 1.0), &device);
        let losses: [fn(TokenLogProbs) -> Tensor<1>; 3] =
            [|own| own.target, |own| own.mean, |own| own.target * 0.9 + own.mean * 0.1];
        for loss in losses {
            let results = [token_log_probs, reference::token_log_probs].map(|implementation| {
                let logits = logits.clone().detach().require_grad();
                let loss = loss(implementation(logits.clone(), targets.clone())) * weights.clone();
                let gradient = logits.grad(&loss.clone().sum().backward()).expect("a gradient").into_data();
                (loss.into_data(), gradient)
            });
            let tolerance = Tolerance::absolute(tested.tolerance);
            results[0].0.assert_approx_eq::<f32>(&results[1].0, tolerance);
            results[0].1.assert_approx_eq::<f32>(&results[1].1, tolerance);
        }
    }
}

/// Values in double precision, by the definition; also where the exponentials of the logits overflow.
pub fn exact(tested: &Tested) {
    for shift in [-1000.0, 0.0, 1000.0] {
        let (logits, targets) = case([4, 21], &tested.device);
        let logits = logits + shift;
        let found = token_log_probs(logits.clone(), targets.clone());
        let found = [found.target, found.mean].map(|values| values.into_data().iter::<f64>().collect::<Vec<_>>());
        let rows: Vec<f64> = logits.into_data().iter().collect();
        for (row, (logits, target)) in rows.chunks(21).zip(targets.into_data().iter::<i64>()).enumerate() {
            let max = logits.iter().copied().fold(f64::MIN, f64::max);
            let ln_sum = max + logits.iter().map(|logit| (logit - max).exp()).sum::<f64>().ln();
            let mean = logits.iter().map(|logit| logit - ln_sum).sum::<f64>() / 21.0;
            let expected = [logits[target as usize] - ln_sum, mean];
            for (found, expected) in found.iter().map(|values| values[row]).zip(expected) {
                assert!((found - expected).abs() < 2e-4, "{found}, expected {expected}");
            }
        }
    }
}

pub fn no_rows(tested: &Tested) {
    let device = tested.device.clone().autodiff();
    let logits = Tensor::<2>::zeros([0, 3], &device).require_grad();
    let found = token_log_probs(logits.clone(), Tensor::from_data([0; 0], &device));
    assert_eq!([found.target.dims(), found.mean.dims()], [[0]; 2]);
    let gradient = logits.grad(&found.target.sum().backward()).expect("a gradient");
    assert_eq!(gradient.dims(), [0, 3]);
}

pub fn foreign_token(tested: &Tested) {
    let run = || token_log_probs(Tensor::zeros([1, 3], &tested.device), Tensor::from_data([3], &tested.device));
    let panic = std::panic::catch_unwind(run).expect_err("3 is not one of 3 tokens");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert_eq!(message, "target 3 is not one of 3 tokens");
}
