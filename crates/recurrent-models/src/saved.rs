//! States as records, so that a stream can be stopped and resumed.

use burn::module::{Module, Param};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;
use recurrent_kernels::State;

/// A state that can be saved and loaded like a module.
///
/// ```
/// use burn::module::Module;
/// use burn::store::ModuleRecord;
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::{LstmConfig, SavedState};
///
/// let device = Device::default();
/// let lstm = LstmConfig::new(3, 4).init(&device);
/// let (_, state) = lstm.forward(Tensor::ones([1, 6, 3], &device), None);
///
/// let bytes = SavedState::new(state.clone()).into_record().into_bytes().unwrap();
///
/// let record = ModuleRecord::from_bytes(bytes).unwrap();
/// let restored = SavedState::load(record, lstm.zero_state(1, &device));
/// assert_eq!(restored.cell.to_data(), state.cell.to_data());
/// ```
#[derive(Module, Debug)]
pub struct SavedState {
    /// The state's tensors in their order, `[num_layers * directions, batch, hidden]` each.
    parts: Vec<Param<Tensor<3>>>,
}

impl SavedState {
    /// Wraps the state of a stack; [`Module::into_record`] then makes a record of it.
    #[must_use]
    pub fn new<S: State<3>>(state: S) -> Self {
        let parts = state.into_parts().into_iter();
        Self { parts: parts.map(|part| Param::from_tensor(part.detach())).collect() }
    }

    /// The state in a record; `like` is a state with its shapes and device, e.g. from
    /// [`zero_state`](crate::Recurrent::zero_state).
    #[must_use]
    pub fn load<S: State<3>>(record: ModuleRecord, like: S) -> S {
        let parts = Self::new(like).load_record(record).parts.into_iter();
        S::from_parts(parts.map(|part| part.into_value().detach()).collect())
    }
}
