//! The operation on backends whose tensors lie in the host's memory, by the [engine](crate::cpu).

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;

use super::ScanBackend;
use super::layout::{arranged, layout_of};
use super::operands::{Inputs, LayerOperands, Operands, Outputs, Plan, SLOTS, Shapes};
use crate::cpu::{self, Cotangents, Layer, Problem, Sizes, Tape};
use crate::host::Host;
use crate::pass::{Keep, Layout, Need};

/// What a forward pass on a CPU keeps.
#[derive(Debug)]
pub struct Kept {
    tape: Tape,
    layout: Layout,
}

impl<B: Host> ScanBackend for B {
    type Kept = Kept;

    fn scan(inputs: &Inputs<B>, plan: &Plan, keep: Keep) -> (Outputs<B>, Option<Kept>) {
        let Shapes { batch, time, hidden, directions, .. } = Shapes::of::<B>(inputs);
        let layout = layout_of::<B>(&inputs.x, B::lies_in_order);
        let outcome = with_problem::<B, _>(inputs, plan, layout, |problem| cpu::forward(problem, keep));
        let state = |numbers: Vec<f32>| match numbers.is_empty() {
            true => B::tensor(vec![0.0], Shape::new([1])),
            false => B::tensor(numbers, Shape::new([directions, batch, hidden])),
        };
        let output = sequence::<B>(outcome.output, [batch, time, directions * hidden], layout);
        let outputs = [output, state(outcome.hidden), state(outcome.cell)];
        (outputs, outcome.tape.map(|tape| Kept { tape, layout }))
    }

    fn scan_backward(
        inputs: &Inputs<B>,
        plan: &Plan,
        Kept { tape, layout }: Kept,
        [output, hidden, cell]: [Option<FloatTensor<B>>; 3],
        need: Need,
    ) -> [Option<FloatTensor<B>>; SLOTS] {
        let Shapes { batch, time, input, .. } = Shapes::of::<B>(inputs);
        let output = output.map(|output| B::numbers(arranged::<B>(output, layout)));
        let [hidden, cell] = [hidden, cell].map(|state| state.map(B::numbers));
        let cotangents = Cotangents {
            output: output.as_ref().map(|numbers| numbers.as_ref()),
            hidden: hidden.as_ref().map(|numbers| numbers.as_ref()),
            cell: cell.as_ref().map(|numbers| numbers.as_ref()),
        };
        let gradients =
            with_problem::<B, _>(inputs, plan, layout, |problem| cpu::backward(problem, tape, &cotangents, need));

        let like = |numbers: Option<Vec<f32>>, tensor: &FloatTensor<B>| numbers.map(|n| B::tensor(n, tensor.shape()));
        let maybe = |numbers, tensor: &Option<FloatTensor<B>>| tensor.as_ref().map(|tensor| like(numbers, tensor));
        let layers = inputs.layers.iter().zip(gradients.layers).map(|(layer, gradients)| LayerOperands {
            direction: layer.direction,
            w_ih: like(gradients.w_ih, &layer.w_ih),
            w_hh: like(gradients.w_hh, &layer.w_hh),
            bias: maybe(gradients.bias, &layer.bias),
            bias_hn: maybe(gradients.bias_hn, &layer.bias_hn),
        });
        let gradients = Operands {
            x: gradients.x.map(|x| sequence::<B>(x, [batch, time, input], layout)),
            layers: layers.collect(),
            hidden: maybe(gradients.hidden, &inputs.hidden),
            cell: maybe(gradients.cell, &inputs.cell),
        };
        gradients.into_slots().map(Option::flatten)
    }
}

/// Borrows everything that the engine works on.
fn with_problem<B: Host, T>(inputs: &Inputs<B>, plan: &Plan, layout: Layout, run: impl FnOnce(&Problem) -> T) -> T {
    let Shapes { batch, time, input, hidden, .. } = Shapes::of::<B>(inputs);
    let inputs = Operands { x: arranged::<B>(inputs.x.clone(), layout), ..inputs.clone() }.map(B::numbers);
    let layers = inputs.layers.iter().map(|layer| Layer {
        direction: layer.direction,
        w_ih: layer.w_ih.as_ref(),
        w_hh: layer.w_hh.as_ref(),
        bias: layer.bias.as_ref().map(|numbers| numbers.as_ref()),
        bias_hn: layer.bias_hn.as_ref().map(|numbers| numbers.as_ref()),
    });
    run(&Problem {
        equations: plan.equations,
        sizes: Sizes { batch, time, input, hidden },
        layout,
        x: inputs.x.as_ref(),
        layers: &layers.collect::<Vec<_>>(),
        hidden: inputs.hidden.as_ref().map(|numbers| numbers.as_ref()),
        cell: inputs.cell.as_ref().map(|numbers| numbers.as_ref()),
        lengths: plan.lengths.as_deref(),
    })
}

/// A sequence `[batch, time, features]` of numbers that lie in the layout's order.
fn sequence<B: Host>(numbers: Vec<f32>, [batch, time, features]: [usize; 3], layout: Layout) -> FloatTensor<B> {
    let shape = match layout {
        Layout::BatchFirst => [batch, time, features],
        Layout::TimeFirst => [time, batch, features],
    };
    arranged::<B>(B::tensor(numbers, Shape::new(shape)), layout)
}
