//! Sums of embeddings.

use burn::tensor::{Device, Distribution, Int, Tensor, Tolerance};
use recurrent_kernels::{embedding_bag, reference};

use crate::devices::Tested;

/// Rows, elements of a row, bags and indices of a bag: also more than one task has.
const SIZES: [[usize; 4]; 5] = [[1, 1, 1, 1], [3, 5, 2, 4], [7, 16, 9, 1], [40, 33, 25, 3], [700, 128, 300, 4]];

/// A table and indices into it, some of them several times in a bag.
fn case([rows, width, bags, count]: [usize; 4], device: &Device) -> (Tensor<2>, Tensor<2, Int>) {
    let table = Tensor::random([rows, width], Distribution::Normal(0.0, 1.0), device);
    let indices: Vec<i32> = (0..bags * count).map(|at| (at * at * 7 % rows) as i32).collect();
    (table, Tensor::<1, Int>::from_data(indices.as_slice(), device).reshape([bags, count]))
}

/// Values and gradients are those of the reference.
pub fn equal_reference(tested: &Tested) {
    let device = tested.device.clone().autodiff();
    device.seed(6);
    for size in SIZES {
        let (table, indices) = case(size, &device);
        let weights = Tensor::<2>::random([size[2], size[1]], Distribution::Uniform(-1.0, 1.0), &device);
        let [own, expected] = [embedding_bag, reference::embedding_bag].map(|implementation| {
            let table = table.clone().detach().require_grad();
            let sums = implementation(table.clone(), indices.clone());
            let gradient = table.grad(&(sums.clone() * weights.clone()).sum().backward()).expect("a gradient");
            [sums.into_data(), gradient.into_data()]
        });
        for (own, expected) in own.iter().zip(&expected) {
            own.assert_approx_eq::<f32>(expected, Tolerance::absolute(tested.tolerance));
        }
    }
}

/// By hand, a row of them twice in a bag.
pub fn exact(tested: &Tested) {
    let device = tested.device.clone().autodiff();
    let table = Tensor::<2>::from_data([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]], &device).require_grad();
    let indices = Tensor::<2, Int>::from_data([[0, 2], [2, 2]], &device);
    let sums = embedding_bag(table.clone(), indices);
    assert_eq!(sums.to_data().iter::<f32>().collect::<Vec<_>>(), [5.0, 50.0, 8.0, 80.0]);
    let weights = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &device);
    let gradient = table.grad(&(sums * weights).sum().backward()).expect("a gradient");
    assert_eq!(gradient.into_data().iter::<f32>().collect::<Vec<_>>(), [1.0, 2.0, 0.0, 0.0, 7.0, 10.0]);
}

/// The gradient of the table is zero then.
pub fn no_bags(tested: &Tested) {
    let device = tested.device.clone().autodiff();
    let table = Tensor::<2>::ones([3, 2], &device).require_grad();
    let sums = embedding_bag(table.clone(), Tensor::<2, Int>::zeros([0, 4], &device));
    assert_eq!(sums.dims(), [0, 2]);
    let gradient = table.grad(&sums.sum().backward()).expect("a gradient");
    assert_eq!(gradient.into_data().iter::<f32>().collect::<Vec<_>>(), [0.0; 6]);
}

pub fn foreign_row(tested: &Tested) {
    let run = || embedding_bag(Tensor::zeros([3, 2], &tested.device), Tensor::from_data([[0, 3]], &tested.device));
    let panic = std::panic::catch_unwind(run).expect_err("3 is not one of 3 rows");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert_eq!(message, "index 3 is not that of one of 3 rows");
}
