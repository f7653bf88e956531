//! A state that is carried from batch to batch.

use std::sync::{Arc, Mutex, PoisonError};

use recurrent_models::AnyState;

/// The state after the last batch, with which the next one begins: truncated back-propagation through time.
///
/// burn-train's training step takes no state, so the batch carries it.
#[derive(Debug, Clone, Default)]
pub struct CarriedState(Arc<Mutex<Option<AnyState>>>);

impl CarriedState {
    /// Takes the state, which leaves none.
    pub(crate) fn take(&self) -> Option<AnyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps a state, through which no gradient flows into earlier batches.
    pub(crate) fn put(&self, state: AnyState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.detach());
    }
}
