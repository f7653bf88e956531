//! One layer, in one direction or in both (Schuster & Paliwal 1997).

use burn::module::Module;
use burn::tensor::Tensor;
use recurrent_kernels::{Direction, Scan, Scanned};

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

    /// Runs the layer over `x [batch, time, input]`; `initial` has a state a direction.
    ///
    /// Gives the outputs side by side, `[batch, time, directions * hidden]`, and a final state a direction.
    pub fn scan(
        &self,
        x: Tensor<3>,
        initial: impl IntoIterator<Item = C::State<2>>,
        lengths: Option<&[usize]>,
    ) -> Scanned<Vec<C::State<2>>> {
        let directions = [(Some(&self.forward), Direction::Forward), (self.reverse.as_ref(), Direction::Reverse)];
        let (outputs, state): (Vec<_>, Vec<_>) = directions
            .into_iter()
            .filter_map(|(cell, direction)| cell.map(|cell| (cell, direction)))
            .zip(initial)
            .map(|((cell, direction), initial)| {
                let scanned = cell.scan(x.clone(), initial, &Scan { direction, lengths });
                (scanned.output, scanned.state)
            })
            .unzip();
        Scanned { output: Tensor::cat(outputs, 2), state }
    }
}
