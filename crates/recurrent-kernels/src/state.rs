//! The state that a cell carries from one step to the next.

use std::fmt::Debug;

use burn::tensor::{Tensor, TensorCreationOptions};

use crate::empty_batch::EmptyBatch;

/// The recurrent state of a cell: a few named tensors of one shape.
///
/// `D` is 2 for one layer in one direction, `[batch, hidden]`, and 3 for a stack of layers,
/// `[num_layers * directions, batch, hidden]`. As in PyTorch, layer `l` owns the rows `l * directions` (forward) and, if
/// bidirectional, `l * directions + 1` (reverse).
pub trait State<const D: usize>: Debug + Clone + Send + Sized {
    /// Builds the state from its tensors, in the order of [`into_parts`](Self::into_parts).
    fn from_parts(parts: Vec<Tensor<D>>) -> Self;

    /// Returns the state's tensors, the hidden state first.
    fn into_parts(self) -> Vec<Tensor<D>>;

    /// Number of tensors in the state.
    const PARTS: usize;

    /// The hidden state, which is also the cell's output.
    fn hidden(&self) -> Tensor<D>;

    /// A state of zeros; `options` is a device, or a device and a dtype.
    fn zeros(shape: [usize; D], options: impl Into<TensorCreationOptions>) -> Self {
        Self::from_parts(vec![Tensor::zeros(shape, options); Self::PARTS])
    }

    /// Applies `f` to each tensor.
    fn map(self, f: impl FnMut(Tensor<D>) -> Tensor<D>) -> Self {
        self.map_into(f)
    }

    /// Applies `f`, which may change the rank, to each tensor.
    fn map_into<const E: usize, S: State<E>>(self, f: impl FnMut(Tensor<D>) -> Tensor<E>) -> S {
        S::from_parts(self.into_parts().into_iter().map(f).collect())
    }

    /// Combines several states into one: `f` gets the first tensor of every state, then the second of every state, and
    /// so on.
    fn join<const E: usize, S: State<E>>(states: Vec<Self>, f: impl FnMut(Vec<Tensor<D>>) -> Tensor<E>) -> S {
        let mut parts = vec![Vec::with_capacity(states.len()); Self::PARTS];
        for state in states {
            for (part, tensor) in parts.iter_mut().zip(state.into_parts()) {
                part.push(tensor);
            }
        }
        S::from_parts(parts.into_iter().map(f).collect())
    }

    /// Combines two states tensor by tensor.
    fn zip(self, other: Self, mut f: impl FnMut(Tensor<D>, Tensor<D>) -> Tensor<D>) -> Self {
        let pairs = self.into_parts().into_iter().zip(other.into_parts());
        Self::from_parts(pairs.map(|(a, b)| f(a, b)).collect())
    }

    /// Detaches the state from the autodiff graph, for truncated backpropagation through time.
    fn detach(self) -> Self {
        self.map(Tensor::detach)
    }

    /// The hidden state of the top layer of a stack, `[batch, hidden]`: PyTorch's `h_n[-1]`. In a bidirectional stack that
    /// is the reverse direction's alone; see [`last_layer_bidirectional`](Self::last_layer_bidirectional).
    fn last_layer(&self) -> Tensor<2>
    where
        Self: State<3>,
    {
        let hidden = State::<3>::hidden(self);
        let [rows, batch, size] = hidden.dims();
        match batch {
            // Burn takes a slice without elements out of the autodiff graph.
            0 => hidden.swap_dims(0, 1).reshape([0, size]),
            _ => hidden.narrow(0, rows - 1, 1).squeeze_dim(0),
        }
    }

    /// The hidden states of both directions of the top layer of a bidirectional stack, forward then reverse,
    /// `[batch, 2 * hidden]`: PyTorch's `torch.cat([h_n[-2], h_n[-1]], dim=1)`.
    ///
    /// # Panics
    /// If the number of rows is odd: the stack is not bidirectional.
    fn last_layer_bidirectional(&self) -> Tensor<2>
    where
        Self: State<3>,
    {
        let hidden = State::<3>::hidden(self);
        let [rows, batch, size] = hidden.dims();
        assert!(rows.is_multiple_of(2), "a bidirectional state has two rows per layer, got {rows} rows");
        match batch {
            0 => hidden.swap_dims(0, 1).reshape([0, 2 * size]),
            _ => hidden.narrow(0, rows - 2, 2).swap_dims(0, 1).reshape([batch, 2 * size]),
        }
    }
}

/// Stacks states `[batch, hidden]` into one of shape `[states, batch, hidden]`.
///
/// Unlike [`Tensor::stack`] it accepts an empty batch.
pub fn stack_states<S: State<2>, L: State<3>>(states: Vec<S>) -> L {
    S::join(states, |parts| match parts[0].dims() {
        [0, hidden] => EmptyBatch::of(&parts[0]).and_all(&parts[1..]).result([parts.len(), 0, hidden]),
        _ => Tensor::stack(parts, 0),
    })
}

/// Implements [`State`] for a struct of tensors. The fields are listed in order, with `hidden` first.
///
/// ```
/// use burn::tensor::Tensor;
/// use recurrent_kernels::{State, impl_state};
///
/// #[derive(Debug, Clone)]
/// struct Pair<const D: usize> {
///     hidden: Tensor<D>,
///     memory: Tensor<D>,
/// }
/// impl_state!(Pair { hidden, memory });
///
/// assert_eq!(<Pair<2> as State<2>>::PARTS, 2);
/// ```
#[macro_export]
macro_rules! impl_state {
    ($name:ident { $($field:ident),+ }) => {
        impl<const D: usize> $crate::State<D> for $name<D> {
            const PARTS: usize = [$(stringify!($field)),+].len();

            fn from_parts(parts: Vec<$crate::burn::tensor::Tensor<D>>) -> Self {
                let mut parts = parts.into_iter();
                $(let $field = parts.next().expect(concat!("missing state tensor `", stringify!($field), "`"));)+
                Self { $($field),+ }
            }

            fn into_parts(self) -> Vec<$crate::burn::tensor::Tensor<D>> {
                vec![$(self.$field),+]
            }

            fn hidden(&self) -> $crate::burn::tensor::Tensor<D> {
                self.hidden.clone()
            }
        }
    };
}
