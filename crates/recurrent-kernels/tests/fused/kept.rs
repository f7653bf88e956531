//! What a forward pass keeps for the way back.

use recurrent_kernels::cpu::{Equations, Keep, Layer, Layout, Problem, Sizes, forward};
use recurrent_kernels::{Direction, Nonlinearity};

/// Numbers kept of a sequence of `time` steps.
fn kept(equations: Equations, time: usize, keep: Keep) -> usize {
    let (batch, input, hidden) = (2, 1, 16);
    let width = equations.gates() * hidden;
    let (x, w_ih, w_hh) = (vec![0.5; batch * time * input], vec![0.1; input * width], vec![0.01; hidden * width]);
    let layer = Layer { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None };
    let problem = Problem {
        equations,
        sizes: Sizes { batch, time, input, hidden },
        layout: Layout::BatchFirst,
        x: &x,
        layers: &[layer],
        hidden: None,
        cell: None,
        lengths: None,
    };
    forward(&problem, keep).tape.map_or(0, |tape| tape.numbers())
}

#[test]
fn checkpoints_grow_with_the_root_of_time() {
    for equations in [
        Equations::Rnn(Nonlinearity::Tanh),
        Equations::Lstm { clip: None },
        Equations::Gru { reset_after: true },
        Equations::Gru { reset_after: false },
    ] {
        let grows = |keep| kept(equations, 1600, keep) as f64 / kept(equations, 400, keep) as f64;
        assert!((grows(Keep::Everything) - 4.0).abs() < 0.1, "{equations:?}: {}", grows(Keep::Everything));
        assert!(grows(Keep::Checkpoints) < 2.2, "{equations:?}: {}", grows(Keep::Checkpoints));
        assert!(kept(equations, 400, Keep::Checkpoints) < kept(equations, 400, Keep::Everything) / 5, "{equations:?}");
        assert_eq!(kept(equations, 400, Keep::Nothing), 0);
    }
}
