//! A function without gradients, captured once and replayed for every later call.

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::{Graph, Tensor, capture};

/// A function of a tensor whose kernel launches are captured: calling it again is one request to the device, however many
/// kernels it consists of.
///
/// Replaying saves the host's work per launch: choosing kernels, binding buffers, sending arguments. This matters most
/// for a [stepwise](super::Schedule::Stepwise) scan, with its two launches per step, at small batch sizes. CUDA replays
/// the graph as a whole; wgpu encodes it again from prepared commands.
///
/// Where a device cannot capture the function, it is called each time. wgpu cannot capture one that uploads data in each
/// call, such as a scan with lengths.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_kernels::gpu::CapturedGraph;
///
/// let device = Device::default();
/// let weights = Tensor::<2>::full([3, 4], 0.5, &device);
/// let x = Tensor::<3>::ones([1, 2, 3], &device);
/// let mut double = CapturedGraph::new(&x, move |x| x.matmul(weights.clone().unsqueeze()) * 2.0);
///
/// let y = double.call(x);
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), vec![3.0; 8]);
/// ```
pub struct CapturedGraph<const I: usize, const O: usize> {
    /// The input that the captured kernels read; its buffer stays in place.
    input: Rc<RefCell<Tensor<I>>>,
    graph: Graph<Tensor<O>, Box<dyn FnMut() -> Tensor<O>>>,
}

impl<const I: usize, const O: usize> CapturedGraph<I, O> {
    /// Calls a function of a tensor like `like` a few times, on zeros, and captures it.
    ///
    /// The function must own all other tensors that it reads, must not change them, and must not keep a clone of its
    /// argument. Random numbers drawn on the device are drawn anew in each call; those drawn on the host may not be.
    ///
    /// # Panics
    /// If the device has autodiff enabled: a captured function has no gradients.
    pub fn new(like: &Tensor<I>, function: impl Fn(Tensor<I>) -> Tensor<O> + 'static) -> Self {
        let device = like.device();
        assert!(!device.is_autodiff(), "a captured function has no gradients: use a device without autodiff");
        let input = Rc::new(RefCell::new(like.zeros_like()));
        let argument = input.clone();
        // The product gives the output a buffer of its own. If the output shared the argument's, the argument could not
        // be overwritten in place.
        let closure: Box<dyn FnMut() -> Tensor<O>> = Box::new(move || function(argument.borrow().clone()) * 1.0);
        Self { input, graph: capture(&device, closure) }
    }

    /// Returns the function's result for `x`, in a buffer of its own.
    ///
    /// # Panics
    /// If `x` differs in shape or dtype from the tensor at capture, or the function keeps a clone of its argument.
    pub fn call(&mut self, x: Tensor<I>) -> Tensor<O> {
        let mut input = self.input.borrow_mut();
        assert_eq!((x.dims(), x.dtype()), (input.dims(), input.dtype()), "x must be like the tensor at capture");
        assert!(input.can_mut() || !self.graph.is_hardware(), "the captured function keeps a clone of its argument");
        input.inplace(|before| before.slice_assign(x.dims().map(|size| 0..size), x));
        drop(input);
        // SAFETY: the device keeps the buffers of the captured kernels for as long as the graph lives, so none of them
        // accesses another's. `CapturedGraph` is not `Send`, so the write before the replay, the replay and the copy after
        // it are issued to the stream of one thread, in this order.
        let output = unsafe { self.graph.replay() };
        // The next call overwrites the output, so this one returns a copy.
        output.clone() * 1.0
    }

    /// Whether the device has captured the function; if not, it is called each time.
    pub fn is_captured(&self) -> bool {
        self.graph.is_hardware()
    }
}
