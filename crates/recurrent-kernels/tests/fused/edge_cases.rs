//! Empty batches, sequences without steps, and rows of length 0, for every cell, direction and implementation.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_kernels::{GruGates, LstmGates};

use crate::case::{Case, Cell, Inputs, Results, Track};
use crate::devices::Tested;

/// The implementations under test: the one that the scans choose on the device, and the reference.
const IMPLEMENTATIONS: [fn(&Case, &Inputs) -> Results; 2] = [Case::run, Case::run_reference];

/// All small cases with an empty batch: with and without lengths and an initial state.
fn empty_cases() -> impl Iterator<Item = Case> {
    let small = Case::all_small().map(|case| Case { batch: 0, ..case });
    small.flat_map(|case| {
        [(Some(Vec::new()), true), (None, true), (None, false)].map(|(lengths, initial)| Case {
            lengths,
            initial,
            ..case.clone()
        })
    })
}

/// An empty batch gives results of the right shapes, and zero gradients for the weights.
pub fn empty_batch(Tested { device, .. }: &Tested) {
    for case in empty_cases() {
        for run in IMPLEMENTATIONS {
            for device in [device.clone(), device.clone().autodiff(), checkpointing(device)] {
                assert_empty(&case, &run(&case, &case.inputs(&device)));
            }
            let device = device.clone().autodiff();
            let inputs = case.inputs(&device).change(&mut Track);
            let results = run(&case, &inputs);
            assert_empty(&case, &results);
            let gradients = case.loss(&results).backward();
            inputs.assert_weights_have_gradients(&gradients);
            for (name, gradient) in inputs.gradients(&gradients) {
                assert!(elements(&gradient).iter().all(|value| *value == 0.0), "{case:?}: {name}");
            }
        }
    }
}

fn checkpointing(device: &Device) -> Device {
    device.clone().autodiff().gradient_checkpointing()
}

fn assert_empty(case: &Case, results: &Results) {
    let directions = case.directions.count();
    assert_eq!(results.output.dims(), [0, case.time, directions * case.hidden], "{case:?}");
    assert!(elements(&results.output).is_empty());
    assert_eq!(results.state.len(), case.cell.parts(), "{case:?}");
    for part in &results.state {
        assert_eq!(part.dims(), [directions, 0, case.hidden], "{case:?}");
        assert!(elements(part).is_empty());
    }
}

/// One step of an empty batch gives a state and gates of the right shapes, and zero gradients for the weights.
pub fn empty_batch_step(Tested { device, .. }: &Tested) {
    for case in Case::all_small().filter(|case| case.directions.count() == 1) {
        let case = Case { batch: 0, lengths: None, ..case };
        for device in [device.clone(), device.clone().autodiff()] {
            let inputs = case.inputs(&device).change(&mut Track);
            let x = Tensor::<2>::zeros([0, case.input], &device);
            let state = case.step(&inputs, x.clone());
            assert_eq!(state.len(), case.cell.parts(), "{case:?}");
            for part in &state {
                assert_eq!(part.dims(), [0, case.hidden], "{case:?}");
            }
            for gate in gates(&case, &inputs, x) {
                assert_eq!(gate.dims(), [0, case.hidden], "{case:?}");
            }
            if device.is_autodiff() {
                let loss = state.into_iter().map(Tensor::sum).reduce(|a, b| a + b).expect("a state");
                let gradients = loss.backward();
                inputs.assert_weights_have_gradients(&gradients);
                for (name, gradient) in inputs.gradients(&gradients) {
                    assert!(elements(&gradient).iter().all(|value| *value == 0.0), "{case:?}: {name}");
                }
            }
        }
    }
}

fn gates(case: &Case, inputs: &Inputs, x: Tensor<2>) -> Vec<Tensor<2>> {
    let weights = inputs.directions[0].weights();
    let hidden = Tensor::zeros([0, case.hidden], &x.device());
    match case.cell {
        Cell::Rnn(_) => Vec::new(),
        Cell::Lstm { .. } => {
            let LstmGates { input, forget, candidate, output } = LstmGates::new(weights.project(x), hidden, &weights);
            vec![input, forget, candidate, output]
        }
        Cell::Gru { reset_after } => {
            let reset = inputs.directions[0].reset(reset_after);
            let GruGates { reset, update, candidate } = GruGates::new(weights.project(x), hidden, &weights, &reset);
            vec![reset, update, candidate]
        }
    }
}

/// A sequence without steps is rejected, whether the batch is empty or not.
pub fn no_steps(Tested { device, .. }: &Tested) {
    for case in Case::all_small() {
        for batch in [3, 0] {
            for run in IMPLEMENTATIONS {
                let case = Case { batch, lengths: None, ..case.clone() };
                let mut inputs = case.inputs(device);
                inputs.x = Tensor::from_data(TensorData::new(Vec::<f32>::new(), [batch, 0, case.input]), device);
                let panic = catch_unwind(AssertUnwindSafe(|| drop(run(&case, &inputs)))).expect_err("a panic");
                let message = panic.downcast_ref::<String>().expect("a message");
                let expected = format!("x [batch, time, input] must have at least one step, got [{batch}, 0, 2]");
                assert_eq!(*message, expected, "{case:?}");
            }
        }
    }
}

/// A row of length 0 has zero output, and its final state is its initial state.
pub fn length_zero(Tested { device, .. }: &Tested) {
    for case in Case::all_small() {
        for lengths in [vec![9, 0, 4], vec![0, 0, 0]] {
            for run in IMPLEMENTATIONS {
                let case = Case { lengths: Some(lengths.clone()), ..case.clone() };
                let inputs = case.inputs(device);
                let results = run(&case, &inputs);
                let row = |tensor: &Tensor<3>, dim: usize| elements(&tensor.clone().narrow(dim, 1, 1));
                assert!(row(&results.output, 0).iter().all(|value| *value == 0.0), "{case:?}");
                for (part, initial) in results.state.iter().zip(inputs.initial.iter().flatten()) {
                    assert_eq!(row(part, 1), row(initial, 1), "{case:?}");
                }
            }
        }
    }
}

fn elements<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter::<f32>().collect()
}
