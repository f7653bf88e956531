//! Gradient flow through time: the norm of the loss gradient at every hidden state of a recurrent network.
//!
//! For a loss L and the hidden states h₁ … h_T of a layer, [`gradient_trace`] measures ‖∂L/∂hₜ‖ at every step. How fast
//! it decays from the last step to the first tells how far back the layer can learn: gradients vanish or explode
//! exponentially in the number of steps (Bengio et al. 1994, Pascanu et al. 2013).
//!
//! - [`gradient_trace`] measures one loss, and [`GradientTrace`] holds the norms, the rate of their decay and its
//!   [`Trend`].
//! - [`GradientProbe`] and [`ProbedOutput`] are the two halves of it, for a training step with its own loss and
//!   gradients.
//! - [`GradientDecayMetric`] shows the decay during training with burn-train.
//!
//! The layers run step by step and a zero is added to every hidden state, hₜ := hₜ + εₜ. The output does not change, but
//! εₜ is a leaf of the graph, and its gradient is the total derivative ∂L/∂hₜ, through later steps and upper layers.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent::gradient_flow::{Trend, gradient_trace};
//! use recurrent::models::{LstmConfig, RnnConfig};
//!
//! let device = Device::default();
//! device.seed(1);
//! let x = Tensor::<3>::random([4, 60, 3], Distribution::Normal(0.0, 1.0), &device);
//! let last_step = |output: Tensor<3>| output.narrow(1, 59, 1).powi_scalar(2).sum();
//! let rnn = gradient_trace(&RnnConfig::new(3, 16).init(&device), x.clone(), last_step);
//! let lstm = gradient_trace(&LstmConfig::new(3, 16).with_forget_bias(4.0).init(&device), x, last_step);
//!
//! assert_eq!(rnn.norms[0].len(), 60);
//! assert!(rnn.decay(0) < lstm.decay(0));
//! assert_eq!(rnn.trend(0), Some(Trend::Vanishing));
//! ```

mod metric;
mod probe;
mod trace;

pub use metric::GradientDecayMetric;
pub use probe::{GradientProbe, ProbedOutput, gradient_trace};
pub use trace::{GradientTrace, Trend};
