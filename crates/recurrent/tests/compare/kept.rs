//! What is said to be kept for the way back against what the engine reports.

use recurrent::compare::cost::Cost;
use recurrent::kernels::cpu::{DirectionWeights, Equations, LayerArgs, Layout, SavePolicy, Sizes, forward};
use recurrent::models::{AnyRecurrentConfig, CellKind, Direction, Nonlinearity};

#[test]
fn what_is_kept_a_token_is_what_the_engine_keeps() {
    let (batch, time, input) = (3, 7, 5);
    for hidden in [1, 16, 50] {
        for (kind, equations) in [
            (CellKind::Rnn, Equations::Rnn(Nonlinearity::Tanh)),
            (CellKind::Lstm, Equations::Lstm { clip: None }),
            (CellKind::Gru, Equations::Gru { reset_after: true }),
        ] {
            let width = equations.gates() * hidden;
            let numbers = [batch * time * input, input * width, hidden * width, width].map(|count| vec![0.1; count]);
            let [x, w_ih, w_hh, bias] = &numbers;
            let layer = |direction| DirectionWeights { direction, w_ih, w_hh, bias: Some(bias), bias_hn: None };
            let layers = [layer(Direction::Forward), layer(Direction::Reverse)];
            for (layers, bidirectional) in [(&layers[..1], false), (&layers[..], true)] {
                let args = LayerArgs {
                    equations,
                    sizes: Sizes { batch, time, input, hidden },
                    layout: Layout::BatchFirst,
                    x,
                    directions: layers,
                    initial_hidden: None,
                    initial_cell: None,
                    lengths: None,
                };
                let saved = forward(&args, SavePolicy::Everything).saved.expect("everything is saved");
                let config = AnyRecurrentConfig::new(kind, input, hidden).with_bidirectional(bidirectional);
                assert_eq!(saved.elements(), Cost::of(&config).kept * batch * time, "{config:?}");
            }
        }
    }
}
