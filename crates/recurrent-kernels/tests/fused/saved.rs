//! The memory that a forward pass saves for the backward pass.

use recurrent_kernels::cpu::{DirectionWeights, Equations, LayerArgs, Layout, SavePolicy, Sizes, forward};
use recurrent_kernels::{Direction, Nonlinearity};

/// Elements saved of a sequence of `time` steps.
fn saved_elements(equations: Equations, time: usize, policy: SavePolicy) -> usize {
    let (batch, input, hidden) = (2, 1, 16);
    let width = equations.gates() * hidden;
    let (x, w_ih, w_hh) = (vec![0.5; batch * time * input], vec![0.1; input * width], vec![0.01; hidden * width]);
    let weights =
        DirectionWeights { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None };
    let args = LayerArgs {
        equations,
        sizes: Sizes { batch, time, input, hidden },
        layout: Layout::BatchFirst,
        x: &x,
        directions: &[weights],
        initial_hidden: None,
        initial_cell: None,
        lengths: None,
    };
    forward(&args, policy).saved.map_or(0, |saved| saved.elements())
}

#[test]
fn checkpoints_grow_with_the_square_root_of_time() {
    for equations in [
        Equations::Rnn(Nonlinearity::Tanh),
        Equations::Lstm { clip: None },
        Equations::Gru { reset_after: true },
        Equations::Gru { reset_after: false },
    ] {
        let growth =
            |policy| saved_elements(equations, 1600, policy) as f64 / saved_elements(equations, 400, policy) as f64;
        assert!(
            (growth(SavePolicy::Everything) - 4.0).abs() < 0.1,
            "{equations:?}: {}",
            growth(SavePolicy::Everything)
        );
        assert!(growth(SavePolicy::Checkpoints) < 2.2, "{equations:?}: {}", growth(SavePolicy::Checkpoints));
        assert!(
            saved_elements(equations, 400, SavePolicy::Checkpoints)
                < saved_elements(equations, 400, SavePolicy::Everything) / 5,
            "{equations:?}"
        );
        assert_eq!(saved_elements(equations, 400, SavePolicy::Nothing), 0);
    }
}
