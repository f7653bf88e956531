//! What is said to be kept for the way back against what the engine reports.

use recurrent::compare::cost::Cost;
use recurrent::kernels::cpu::{Equations, Keep, Layer, Layout, Problem, Sizes, forward};
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
            let layer = |direction| Layer { direction, w_ih, w_hh, bias: Some(bias), bias_hn: None };
            let layers = [layer(Direction::Forward), layer(Direction::Reverse)];
            for (layers, bidirectional) in [(&layers[..1], false), (&layers[..], true)] {
                let problem = Problem {
                    equations,
                    sizes: Sizes { batch, time, input, hidden },
                    layout: Layout::BatchFirst,
                    x,
                    layers,
                    hidden: None,
                    cell: None,
                    lengths: None,
                };
                let tape = forward(&problem, Keep::Everything).tape.expect("all is kept");
                let config = AnyRecurrentConfig::new(kind, input, hidden).with_bidirectional(bidirectional);
                assert_eq!(tape.numbers(), Cost::of(&config).kept * batch * time, "{config:?}");
            }
        }
    }
}
