//! The operation on backends whose tensors are in host memory, computed by the [CPU kernels](crate::cpu).

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;

use super::operands::{DirectionOperands, INPUT_SLOTS, Inputs, Operands, Outputs, ScanConfig, ScanShape};
use super::scan_backend::ScanBackend;
use crate::Layout;
use crate::autograd::{NeedsGrad, SavePolicy};
use crate::cpu::{self, DirectionWeights, LayerArgs, OutputGrads, SavedForBackward, Sizes};
use crate::host::HostBackend;
use crate::layout::{in_layout, layout_of};

/// What a forward pass on a CPU saves.
#[derive(Debug)]
pub struct CpuSaved {
    saved: SavedForBackward,
    layout: Layout,
}

impl<B: HostBackend> ScanBackend for B {
    type Saved = CpuSaved;

    fn scan(inputs: &Inputs<B>, config: &ScanConfig, policy: SavePolicy) -> (Outputs<B>, Option<CpuSaved>) {
        let ScanShape { batch, time, hidden, directions, .. } = ScanShape::of::<B>(inputs);
        let layout = layout_of::<B>(&inputs.x, B::is_contiguous);
        let result = with_args::<B, _>(inputs, config, layout, |args| cpu::forward(args, policy));
        let state = |elements: Vec<f32>| match elements.is_empty() {
            true => B::from_elements(vec![0.0], Shape::new([1])),
            false => B::from_elements(elements, Shape::new([directions, batch, hidden])),
        };
        let output = sequence::<B>(result.output, [batch, time, directions * hidden], layout);
        let outputs = [output, state(result.hidden), state(result.cell)];
        (outputs, result.saved.map(|saved| CpuSaved { saved, layout }))
    }

    fn scan_backward(
        inputs: &Inputs<B>,
        config: &ScanConfig,
        CpuSaved { saved, layout }: CpuSaved,
        [output, hidden, cell]: [Option<FloatTensor<B>>; 3],
        needs: NeedsGrad,
    ) -> [Option<FloatTensor<B>>; INPUT_SLOTS] {
        let ScanShape { batch, time, input, .. } = ScanShape::of::<B>(inputs);
        let output = output.map(|output| B::elements(in_layout::<B>(output, layout)));
        let [hidden, cell] = [hidden, cell].map(|state| state.map(B::elements));
        let output_grads = OutputGrads {
            output: output.as_ref().map(|elements| elements.as_ref()),
            hidden: hidden.as_ref().map(|elements| elements.as_ref()),
            cell: cell.as_ref().map(|elements| elements.as_ref()),
        };
        let gradients =
            with_args::<B, _>(inputs, config, layout, |args| cpu::backward(args, saved, &output_grads, needs));

        let like =
            |elements: Option<Vec<f32>>, tensor: &FloatTensor<B>| elements.map(|e| B::from_elements(e, tensor.shape()));
        let optional = |elements, tensor: &Option<FloatTensor<B>>| tensor.as_ref().map(|tensor| like(elements, tensor));
        let directions =
            inputs.directions.iter().zip(gradients.directions).map(|(weights, gradients)| DirectionOperands {
                direction: weights.direction,
                w_ih: like(gradients.w_ih, &weights.w_ih),
                w_hh: like(gradients.w_hh, &weights.w_hh),
                bias: optional(gradients.bias, &weights.bias),
                bias_hn: optional(gradients.bias_hn, &weights.bias_hn),
            });
        let gradients = Operands {
            x: gradients.x.map(|x| sequence::<B>(x, [batch, time, input], layout)),
            directions: directions.collect(),
            initial_hidden: optional(gradients.initial_hidden, &inputs.initial_hidden),
            initial_cell: optional(gradients.initial_cell, &inputs.initial_cell),
        };
        gradients.into_slots().map(Option::flatten)
    }
}

/// Borrows the elements of all inputs as arguments of the CPU kernels.
fn with_args<B: HostBackend, T>(
    inputs: &Inputs<B>,
    config: &ScanConfig,
    layout: Layout,
    run: impl FnOnce(&LayerArgs) -> T,
) -> T {
    let ScanShape { batch, time, input, hidden, .. } = ScanShape::of::<B>(inputs);
    let inputs = Operands { x: in_layout::<B>(inputs.x.clone(), layout), ..inputs.clone() }.map(B::elements);
    let directions = inputs.directions.iter().map(|weights| DirectionWeights {
        direction: weights.direction,
        w_ih: weights.w_ih.as_ref(),
        w_hh: weights.w_hh.as_ref(),
        bias: weights.bias.as_ref().map(|elements| elements.as_ref()),
        bias_hn: weights.bias_hn.as_ref().map(|elements| elements.as_ref()),
    });
    run(&LayerArgs {
        equations: config.equations,
        sizes: Sizes { batch, time, input, hidden },
        layout,
        x: inputs.x.as_ref(),
        directions: &directions.collect::<Vec<_>>(),
        initial_hidden: inputs.initial_hidden.as_ref().map(|elements| elements.as_ref()),
        initial_cell: inputs.initial_cell.as_ref().map(|elements| elements.as_ref()),
        lengths: config.lengths.as_deref(),
    })
}

/// A sequence `[batch, time, features]` from elements in the given layout.
fn sequence<B: HostBackend>(elements: Vec<f32>, [batch, time, features]: [usize; 3], layout: Layout) -> FloatTensor<B> {
    let shape = match layout {
        Layout::BatchFirst => [batch, time, features],
        Layout::TimeFirst => [time, batch, features],
    };
    in_layout::<B>(B::from_elements(elements, Shape::new(shape)), layout)
}
