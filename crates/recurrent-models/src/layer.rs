//! One layer of a stack, in one direction or both (Schuster & Paliwal 1997).

use burn::module::Module;
use burn::tensor::Tensor;
use recurrent_kernels::Scanned;

use crate::Cell;

/// One layer of a [`Recurrent`](crate::Recurrent) stack: a cell that runs forward in time and, in a bidirectional layer,
/// a second cell that runs in reverse.
#[derive(Module, Debug)]
pub struct RecurrentLayer<C: Module + Cell> {
    /// From the first step to the last.
    pub forward: C,
    /// From the last step to the first; `None` in a unidirectional layer.
    pub reverse: Option<C>,
}

impl<C: Cell> RecurrentLayer<C> {
    /// The number of directions, 1 or 2.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.reverse.is_some())
    }

    /// Runs the layer over `x [batch, time, input]` from `initial [directions, batch, hidden]`, or from zeros.
    ///
    /// Returns the outputs of both directions concatenated, `[batch, time, directions * hidden]`, and the final state,
    /// which has the shape of the initial one.
    pub fn scan(&self, x: Tensor<3>, initial: Option<C::State<3>>, lengths: Option<&[usize]>) -> Scanned<C::State<3>> {
        let cells: Vec<&C> = [&self.forward].into_iter().chain(&self.reverse).collect();
        C::scan(&cells, x, initial, lengths)
    }
}
