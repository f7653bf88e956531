//! Windows side by side, on the device: where numbers become tensors.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{Role, Windows};

/// Some windows, stacked.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    /// What is seen: `[batch, window, inputs]`.
    pub past: Tensor<3>,
    /// What is to be foretold: `[batch, horizon, targets]`.
    pub future: Tensor<3>,
}

impl WindowBatch {
    /// The windows at these indices, in this order.
    ///
    /// # Panics
    /// If an index is past the last window.
    pub fn gather<R: Role>(windows: &Windows<R>, indices: &[usize], device: &Device) -> Self {
        let shape = windows.shape();
        let past = [indices.len(), shape.window(), shape.inputs().len()];
        let future = [indices.len(), shape.horizon(), shape.targets().len()];
        let mut seen = Vec::with_capacity(past.iter().product());
        let mut foretold = Vec::with_capacity(future.iter().product());
        for &index in indices {
            windows.inputs_into(index, &mut seen);
            windows.targets_into(index, &mut foretold);
        }
        Self {
            past: Tensor::from_data(TensorData::new(seen, past), device),
            future: Tensor::from_data(TensorData::new(foretold, future), device),
        }
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        self.past.dims()[0]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnSelection, DatasetManifest, Scaler, ScalerKind, WindowShape};

    #[test]
    fn a_batch_holds_its_windows_in_their_order() {
        let weather = DatasetManifest::find("weather").unwrap();
        let series = weather.table().unwrap().series(&ColumnSelection::default()).unwrap();
        let split = series.split(&weather.manifest.series().unwrap().split).unwrap();
        let scaler = Scaler::fit(&split.train, ScalerKind::Standard);
        let shape = WindowShape::new(10, 3, vec![0, 1], vec![1]).unwrap();
        let windows = Windows::new(&scaler.scale(&split.valid).unwrap(), shape).unwrap();

        let batch = WindowBatch::gather(&windows, &[4, 0], &Device::default());

        assert_eq!(batch.past.dims(), [2, 10, 2]);
        assert_eq!(batch.future.dims(), [2, 3, 1]);
        let mut expected = vec![];
        windows.targets_into(4, &mut expected);
        windows.targets_into(0, &mut expected);
        assert_eq!(batch.future.into_data().try_to_vec::<f32>().unwrap(), expected);
    }
}
