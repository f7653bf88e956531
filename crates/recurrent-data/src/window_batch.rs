//! Batches of windows on the device.

use burn::tensor::{Device, Tensor, TensorData};

use crate::role::Role;
use crate::window::Windows;

/// A batch of windows.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    /// The features of the context rows: `[batch, window, features]`.
    pub past: Tensor<3>,
    /// The targets of the rows to forecast: `[batch, horizon, targets]`.
    pub future: Tensor<3>,
}

impl WindowBatch {
    /// The windows at these indices, in this order.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn gather<R: Role>(windows: &Windows<R>, indices: &[usize], device: &Device) -> Self {
        let shape = windows.shape();
        let past_shape = [indices.len(), shape.window(), shape.features().len()];
        let future_shape = [indices.len(), shape.horizon(), shape.targets().len()];
        let mut past = Vec::with_capacity(past_shape.iter().product());
        let mut future = Vec::with_capacity(future_shape.iter().product());
        for &index in indices {
            windows.features_into(index, &mut past);
            windows.targets_into(index, &mut future);
        }
        Self {
            past: Tensor::from_data(TensorData::new(past, past_shape), device),
            future: Tensor::from_data(TensorData::new(future, future_shape), device),
        }
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        self.past.dims()[0]
    }

    /// Whether there are no windows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnSelection, RegisteredDataset, Scaler, ScalerKind, WindowShape};

    #[test]
    fn batch_holds_the_windows_in_order() {
        let weather = RegisteredDataset::find("weather").unwrap();
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
