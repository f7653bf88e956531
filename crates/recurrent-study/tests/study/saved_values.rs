//! The counted values saved for the backward pass against those that the CPU kernels save.

use recurrent::kernels::cpu::{DirectionWeights, Equations, LayerArgs, Layout, SavePolicy, Sizes, forward};
use recurrent::models::{AnyRecurrentConfig, CellKind, Direction, Nonlinearity};
use recurrent_study::cost::Cost;

#[test]
fn counted_saved_values_match_the_kernels() {
    let (batch, time, input) = (3, 7, 5);
    for hidden in [1, 16, 50] {
        for (cell, equations) in [
            (CellKind::Rnn, Equations::Rnn(Nonlinearity::Tanh)),
            (CellKind::Lstm, Equations::Lstm { clip: None }),
            (CellKind::Gru, Equations::Gru { reset_after: true }),
        ] {
            let width = equations.gates() * hidden;
            let values = [batch * time * input, input * width, hidden * width, width].map(|count| vec![0.1; count]);
            let [x, w_ih, w_hh, bias] = &values;
            let weights = |direction| DirectionWeights { direction, w_ih, w_hh, bias: Some(bias), bias_hn: None };
            let both = [weights(Direction::Forward), weights(Direction::Reverse)];
            for (directions, bidirectional) in [(&both[..1], false), (&both[..], true)] {
                let args = LayerArgs {
                    equations,
                    sizes: Sizes { batch, time, input, hidden },
                    layout: Layout::BatchFirst,
                    x,
                    directions,
                    initial_hidden: None,
                    initial_cell: None,
                    lengths: None,
                };
                let saved = forward(&args, SavePolicy::Everything).saved.expect("everything is saved");
                let config = AnyRecurrentConfig::new(cell, input, hidden).with_bidirectional(bidirectional);
                assert_eq!(saved.elements(), Cost::of(&config).saved_values * batch * time, "{config:?}");
            }
        }
    }
}
