//! A pass without a gradient, recorded once and replayed for every batch after.

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::{Graph, Tensor, capture};

/// A function of a tensor, whose launches a device has recorded: to call it again is one request to the device, however
/// many kernels it is made of.
///
/// What it saves is the host's work, launch by launch: choosing kernels, binding buffers, sending arguments. That is worth
/// most to a scan that goes [step by step](super::Schedule::Stepwise), with its two launches for each step, at small
/// batches. CUDA replays the record in one piece, and wgpu encodes it anew from what was prepared.
///
/// On a device that records nothing the function is called each time; and so it is where wgpu cannot record it, since it
/// uploads something in each call, as a scan with lengths does.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_kernels::gpu::Recorded;
///
/// let device = Device::default();
/// let weights = Tensor::<2>::full([3, 4], 0.5, &device);
/// let x = Tensor::<3>::ones([1, 2, 3], &device);
/// let mut double = Recorded::new(&x, move |x| x.matmul(weights.clone().unsqueeze()) * 2.0);
///
/// let y = double.call(x);
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), vec![3.0; 8]);
/// ```
pub struct Recorded<const I: usize, const O: usize> {
    /// What the recorded kernels read; it stays where it is.
    x: Rc<RefCell<Tensor<I>>>,
    graph: Graph<Tensor<O>, Box<dyn FnMut() -> Tensor<O>>>,
}

impl<const I: usize, const O: usize> Recorded<I, O> {
    /// Calls a function of a tensor like `like` a few times, on zeros, and records it.
    ///
    /// All tensors that the function reads besides its argument have to be its own, and stay the same; it keeps no clone
    /// of its argument. Random numbers that it draws on the device are drawn anew in each call, those of the host may not
    /// be.
    ///
    /// # Panics
    /// If the device is one with autodiff: what is recorded has no gradient.
    pub fn new(like: &Tensor<I>, function: impl Fn(Tensor<I>) -> Tensor<O> + 'static) -> Self {
        let device = like.device();
        assert!(!device.is_autodiff(), "a device without autodiff: what is recorded has no gradient");
        let x = Rc::new(RefCell::new(like.zeros_like()));
        let argument = x.clone();
        // An output in memory of its own: were it the argument's, nobody could write to that in place.
        let closure: Box<dyn FnMut() -> Tensor<O>> = Box::new(move || function(argument.borrow().clone()) * 1.0);
        Self { x, graph: capture(&device, closure) }
    }

    /// What the function gives for `x`, in memory of its own.
    ///
    /// # Panics
    /// If `x` has another shape or type than what was recorded, or the function has kept a clone of its argument.
    pub fn call(&mut self, x: Tensor<I>) -> Tensor<O> {
        let mut held = self.x.borrow_mut();
        assert_eq!((x.dims(), x.dtype()), (held.dims(), held.dtype()), "a tensor like the one that was recorded");
        assert!(held.can_mut() || !self.graph.is_hardware(), "the recorded function keeps a clone of its argument");
        held.inplace(|before| before.slice_assign(x.dims().map(|size| 0..size), x));
        drop(held);
        // SAFETY: the device keeps the memory that recorded kernels were given for as long as the record lives, so none of
        // them touches another's. This is not `Send`, so the replay, the write before it and the copy after it go to the
        // stream of one thread, in this order.
        let output = unsafe { self.graph.replay() };
        // The next call writes over the output.
        output.clone() * 1.0
    }

    /// Whether the device has recorded the function; if not, it is called each time.
    pub fn is_recorded(&self) -> bool {
        self.graph.is_hardware()
    }
}
