//! Batches of windows on the device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::role::Role;
use crate::window::Windows;

/// A batch of windows.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    /// The features of the context rows: `[batch, window, features]`.
    pub past: Tensor<3>,
    /// The targets of the rows to forecast: `[batch, horizon, targets]`.
    pub targets: Tensor<3>,
    /// What is known of the rows to forecast: `[batch, horizon, future]`; `None` if the shape has no such columns.
    pub future: Option<Tensor<3>>,
    /// The series of each window, `[batch]`: its index in [`Series::ids`](crate::Series::ids) plus 1, since 0 stands for an
    /// unknown series; `None` if there are no ids.
    pub series: Option<Tensor<1, Int>>,
}

impl WindowBatch {
    /// The windows at these indices, in this order.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn gather<R: Role>(windows: &Windows<R>, indices: &[usize], device: &Device) -> Self {
        let shape = windows.shape();
        let tensor = |[rows, columns]: [usize; 2], write: &dyn Fn(usize, &mut Vec<f32>)| {
            let mut values = Vec::with_capacity(indices.len() * rows * columns);
            indices.iter().for_each(|index| write(*index, &mut values));
            Tensor::from_data(TensorData::new(values, [indices.len(), rows, columns]), device)
        };
        let future = [shape.horizon(), shape.future().len()];
        let ids: Option<Vec<i32>> =
            indices.iter().map(|index| windows.series_id(*index).map(|id| id as i32 + 1)).collect();
        let ids = ids.filter(|_| !windows.series().ids().is_empty());
        Self {
            past: tensor([shape.window(), shape.features().len()], &|i, to| windows.features_into(i, to)),
            targets: tensor([shape.horizon(), shape.targets().len()], &|i, to| windows.targets_into(i, to)),
            future: (future[1] > 0).then(|| tensor(future, &|i, to| windows.future_into(i, to))),
            series: ids.map(|ids| Tensor::from_data(TensorData::new(ids, [indices.len()]), device)),
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
    use crate::{ColumnSelection, RegisteredDataset, Scaler, ScalerKind, SplitFractions, Table, WindowShape};

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
        assert_eq!(batch.targets.dims(), [2, 3, 1]);
        assert!(batch.future.is_none() && batch.series.is_none());
        let mut expected = vec![];
        windows.targets_into(4, &mut expected);
        windows.targets_into(0, &mut expected);
        assert_eq!(batch.targets.into_data().try_to_vec::<f32>().unwrap(), expected);
    }

    #[test]
    fn batch_has_future_columns_and_series() {
        let rows: String = (0..12).map(|row| format!("{},{row},{}\n", ["b", "a"][row % 2], 100 + row)).collect();
        let table = Table::from_bytes("t.csv", format!("id,x,z\n{rows}").as_bytes(), None).unwrap();
        let selection = ColumnSelection { series: Some("id".into()), ..ColumnSelection::default() };
        let split = table.series(&selection).unwrap().split(&SplitFractions::new(0.7, 0.15, 0.15).unwrap()).unwrap();
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let shape = WindowShape::new(2, 1, vec![0, 1], vec![0]).unwrap().with_future(vec![1]);
        let windows = Windows::new(&scaler.scale(&split.train).unwrap(), shape).unwrap();
        // Four training rows of each series: 0, 2, 4, 6 of `b`, 1, 3, 5, 7 of `a`.
        let batch = WindowBatch::gather(&windows, &[3, 0], &Device::default());
        let values = |tensor: Tensor<3>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values(batch.past), [3.0, 103.0, 5.0, 105.0, 0.0, 100.0, 2.0, 102.0]);
        assert_eq!(values(batch.targets), [7.0, 4.0]);
        assert_eq!(values(batch.future.unwrap()), [107.0, 104.0]);
        assert_eq!(batch.series.unwrap().into_data().iter::<i64>().collect::<Vec<_>>(), [2, 1]);
    }
}
