//! The work of the benchmark cases.

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Distribution, Tensor};

use crate::case::{Mode, Shape};
use crate::layer::Layer;
use crate::network::{Batch, Network};
use crate::stopwatch::{Elapsed, Stopwatch};

const LEARNING_RATE: f64 = 1e-3;

/// A matrix product `[m, k] [k, n]`.
pub fn matrix_product([m, k, n]: [usize; 3], watch: &Stopwatch) -> Vec<Elapsed> {
    let matrix = |rows, columns| Tensor::<2>::random([rows, columns], Distribution::Default, watch.device);
    let (left, right) = (matrix(m, k), matrix(k, n));
    watch.time(|| left.clone().matmul(right.clone()))
}

/// A network in one of its modes.
pub fn network<L: Layer + 'static>(shape: Shape, mode: Mode, watch: &Stopwatch) -> Vec<Elapsed> {
    match (shape, mode) {
        (Shape::Stream, _) => stream::<L>(watch),
        (_, Mode::Infer) => infer::<L>(shape, watch),
        (_, Mode::Replay) => replay::<L>(shape, watch),
        (_, Mode::Train) => train::<L>(shape, watch),
    }
}

fn infer<L: Layer>(shape: Shape, watch: &Stopwatch) -> Vec<Elapsed> {
    let network = Network::<L>::new(shape, watch.device);
    let batch = Batch::new(shape, watch.device);
    watch.time(|| network.forward(&batch).into_data())
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn replay<L: Layer + 'static>(shape: Shape, watch: &Stopwatch) -> Vec<Elapsed> {
    use recurrent::kernels::gpu::CapturedGraph;

    let network = Network::<L>::new(shape, watch.device);
    let batch = Batch::new(shape, watch.device);
    let x = batch.x().clone();
    let forward = move |x| network.forward(&batch.with(x));
    let mut captured = CapturedGraph::new(&x, forward);
    if !captured.is_captured() {
        eprintln!("  the device cannot capture the forward pass, so each iteration launches its kernels");
    }
    watch.time(|| captured.call(x.clone()).into_data())
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn replay<L: Layer>(_shape: Shape, _watch: &Stopwatch) -> Vec<Elapsed> {
    unreachable!("replay is rejected when the case is parsed")
}

fn train<L: Layer>(shape: Shape, watch: &Stopwatch) -> Vec<Elapsed> {
    let device = watch.device.clone().autodiff();
    let mut network = Network::<L>::new(shape, &device);
    let batch = Batch::new(shape, &device);
    let mut optimizer = AdamConfig::new().init();
    watch.time(|| {
        let loss = network.loss(&batch);
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(LEARNING_RATE, network.clone(), grads);
        loss.into_scalar::<f32>()
    })
}

fn stream<L: Layer + 'static>(watch: &Stopwatch) -> Vec<Elapsed> {
    let network = Network::<L>::new(Shape::Stream, watch.device);
    let steps: Vec<Tensor<3>> = Batch::new(Shape::Stream, watch.device).steps();
    watch.time(network.layer().streaming(&steps))
}
