//! One layer, in one direction or in both (Schuster & Paliwal 1997).

use burn::module::Module;
use burn::tensor::Tensor;
use recurrent_kernels::Scanned;

use crate::Cell;

/// One layer of a stack: a cell that runs forward and, if there is one, a second that runs from the end to the start.
#[derive(Module, Debug)]
pub struct Bidirectional<C: Module + Cell> {
    /// From the first step to the last.
    pub forward: C,
    /// From the last step to the first.
    pub reverse: Option<C>,
}

impl<C: Cell> Bidirectional<C> {
    /// 1 or 2.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.reverse.is_some())
    }

    /// Runs the layer over `x [batch, time, input]` from `initial [directions, batch, hidden]`, or from zeros.
    ///
    /// Gives the outputs side by side, `[batch, time, directions * hidden]`, and the final state, which is shaped as
    /// the initial one.
    pub fn scan(&self, x: Tensor<3>, initial: Option<C::State<3>>, lengths: Option<&[usize]>) -> Scanned<C::State<3>> {
        let cells: Vec<&C> = [&self.forward].into_iter().chain(&self.reverse).collect();
        C::scan(&cells, x, initial, lengths)
    }
}
