//! A pass without a gradient, recorded once and replayed for every batch after.

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::{Device, Graph, Tensor, capture};

/// A function of a tensor, whose launches a device has recorded: to call it again is one request to the device, however
/// many kernels it is made of.
///
/// What it saves is the host's work, launch by launch: choosing kernels, binding buffers, sending arguments. That is worth
/// most to a scan that goes [step by step](super::Schedule::Stepwise), with its two launches for each step, at small
/// batches. CUDA replays the record in one piece, and wgpu encodes it anew from what was prepared. On a device that
/// records nothing the function is called each time.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_kernels::gpu::Recorded;
///
/// let device = Device::default();
/// let weights = Tensor::<2>::full([3, 4], 0.5, &device);
/// let mut double = Recorded::new([1, 2, 3], &device, move |x| x.matmul(weights.clone().unsqueeze()) * 2.0);
///
/// let y = double.call(Tensor::ones([1, 2, 3], &device));
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), vec![3.0; 8]);
/// ```
pub struct Recorded<const I: usize, const O: usize> {
    /// What the recorded kernels read; it stays where it is.
    x: Rc<RefCell<Tensor<I>>>,
    graph: Graph<Tensor<O>, Box<dyn FnMut() -> Tensor<O>>>,
}

impl<const I: usize, const O: usize> Recorded<I, O> {
    /// Calls a function of a tensor of the given shape a few times, on zeros, and records it.
    ///
    /// The kernels are the same in each call, and so are all tensors but the argument: those that the function owns. What
    /// it does on the host, drawing random numbers or uploading data, is done now, and not again when it is called.
    ///
    /// # Panics
    /// If the device is one with autodiff: what is recorded has no gradient.
    pub fn new(shape: [usize; I], device: &Device, function: impl Fn(Tensor<I>) -> Tensor<O> + 'static) -> Self {
        assert!(!device.is_autodiff(), "a device without autodiff: what is recorded has no gradient");
        let x = Rc::new(RefCell::new(Tensor::zeros(shape, device)));
        let argument = x.clone();
        let closure: Box<dyn FnMut() -> Tensor<O>> = Box::new(move || function(argument.borrow().clone()));
        Self { x, graph: capture(device, closure) }
    }

    /// What the function gives for `x`, in memory of its own.
    ///
    /// # Panics
    /// If `x` has another shape than what was recorded.
    pub fn call(&mut self, x: Tensor<I>) -> Tensor<O> {
        let held = self.x.borrow().dims();
        assert_eq!(x.dims(), held, "a tensor of the shape that was recorded");
        self.x.borrow_mut().inplace(|before| before.slice_assign(held.map(|size| 0..size), x));
        // SAFETY: what the kernels read and write is owned by the function, by this or by its graph, as `new` asks. This
        // is not `Send`, so the replay, the write before it and the copy after it go to the stream of one thread, in this
        // order.
        let output = unsafe { self.graph.replay() };
        // The next call writes over the output.
        output.clone() * 1.0
    }

    /// Whether the device has recorded the function; if not, it is called each time.
    pub fn is_recorded(&self) -> bool {
        self.graph.is_hardware()
    }
}
