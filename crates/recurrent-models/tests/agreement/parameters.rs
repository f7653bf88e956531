//! The names and shapes of all parameters: saved weights are found by them, so a change here breaks every bundle.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use recurrent_models::networks::ForecastNetworkConfig;
use recurrent_models::{GruConfig, LstmConfig, RnnConfig};

/// Every parameter's path and shape.
#[derive(Default)]
struct Paths {
    path: Vec<String>,
    seen: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.seen.push(format!("{} {:?}", self.path.join("."), param.val().dims()));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

fn paths(module: &impl Module) -> Vec<String> {
    let mut paths = Paths::default();
    module.visit(&mut paths);
    paths.seen
}

#[test]
fn an_lstm_is_saved_under_these_names() {
    let lstm = LstmConfig::new(3, 5).with_num_layers(2).with_bidirectional(true).init(&Device::flex());
    assert_eq!(
        paths(&lstm),
        [
            "layers.0.forward.gates.w_ih [3, 20]",
            "layers.0.forward.gates.w_hh [5, 20]",
            "layers.0.forward.gates.bias [20]",
            "layers.0.reverse.gates.w_ih [3, 20]",
            "layers.0.reverse.gates.w_hh [5, 20]",
            "layers.0.reverse.gates.bias [20]",
            "layers.1.forward.gates.w_ih [10, 20]",
            "layers.1.forward.gates.w_hh [5, 20]",
            "layers.1.forward.gates.bias [20]",
            "layers.1.reverse.gates.w_ih [10, 20]",
            "layers.1.reverse.gates.w_hh [5, 20]",
            "layers.1.reverse.gates.bias [20]",
        ]
    );
}

#[test]
fn a_gru_and_an_rnn_are_saved_under_these_names() {
    assert_eq!(
        paths(&GruConfig::new(3, 5).init(&Device::flex())),
        [
            "layers.0.forward.gates.w_ih [3, 15]",
            "layers.0.forward.gates.w_hh [5, 15]",
            "layers.0.forward.gates.bias [15]",
            "layers.0.forward.bias_hn [5]",
        ]
    );
    assert_eq!(
        paths(&RnnConfig::new(3, 5).with_bias(false).init(&Device::flex())),
        ["layers.0.forward.gates.w_ih [3, 5]", "layers.0.forward.gates.w_hh [5, 5]"]
    );
}

#[test]
fn a_forecaster_is_saved_under_these_names() {
    assert_eq!(
        paths(&ForecastNetworkConfig::new(2, vec![4], 3, 1).init(&Device::flex())),
        [
            "layers.0.Lstm.layers.0.forward.gates.w_ih [2, 16]",
            "layers.0.Lstm.layers.0.forward.gates.w_hh [4, 16]",
            "layers.0.Lstm.layers.0.forward.gates.bias [16]",
            "dense.weight [4, 3]",
            "dense.bias [3]",
        ]
    );
}
