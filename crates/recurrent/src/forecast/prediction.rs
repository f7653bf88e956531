//! A forecast, and how it is written.

use serde::Serialize;
use serde_json::json;

use super::csv;

/// A forecast of several rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The id of the series, if there are ids.
    pub series: Option<String>,
    /// The target columns.
    pub targets: Vec<String>,
    /// A label for each row: its date, or its distance from the last row of the history, as `+1`.
    pub labels: Vec<String>,
    /// `[row][target]`, in the columns' own units.
    pub values: Vec<Vec<f64>>,
    /// The levels of the quantiles; none if they are not known.
    pub levels: Vec<f64>,
    /// `[row][target][level]`, in the columns' own units.
    pub quantiles: Vec<Vec<Vec<f64>>>,
}

impl Forecast {
    /// As CSV, with a header: `row` (with underscores before it if a target has that name), `series` if there are ids, and
    /// the targets.
    pub fn to_csv(&self) -> String {
        self.table(false)
    }

    /// [`to_csv`](Self::to_csv) with a column of each quantile after its target, such as `sold_q0.9`.
    pub fn to_csv_with_quantiles(&self) -> String {
        self.table(true)
    }

    /// The CSV of several forecasts under one header.
    pub fn all_to_csv(forecasts: &[Self], quantiles: bool) -> String {
        let mut text = String::new();
        for forecast in forecasts {
            let table = forecast.table(quantiles);
            let rows = if text.is_empty() { &*table } else { table.split_once('\n').map_or("", |(_, rows)| rows) };
            text += rows;
        }
        text
    }

    fn table(&self, quantiles: bool) -> String {
        let levels = if quantiles { &self.levels[..] } else { &[] };
        let columns = self.targets.iter().flat_map(|target| {
            std::iter::once(target.clone()).chain(levels.iter().map(move |level| format!("{target}_q{level}")))
        });
        let columns: Vec<String> = columns.collect();
        let row = csv::row_header(&columns);
        let series = self.series.as_ref().map(|_| "series");
        let head = std::iter::once(row.as_str()).chain(series).chain(columns.iter().map(String::as_str));
        let cells = |(index, label): (usize, &String)| {
            let values = self.values[index].iter().enumerate().flat_map(|(target, value)| {
                let quantiles = if levels.is_empty() { &[][..] } else { &self.quantiles[index][target] };
                std::iter::once(*value).chain(quantiles.iter().copied())
            });
            std::iter::once(label.clone())
                .chain(self.series.clone())
                .chain(values.map(|value| value.to_string()))
                .collect()
        };
        csv::text(head, self.labels.iter().enumerate().map(cells))
    }

    /// As JSON: `{"series": .., "targets": [..], "levels": [..], "rows": [{"row": .., "values": [..], "quantiles":
    /// [[..]]}]}`; without ids there is no series, and without quantiles there are no levels.
    pub fn to_json(&self) -> String {
        let row = |(index, label): (usize, &String)| match self.quantiles.get(index) {
            Some(quantiles) => json!({ "row": label, "values": self.values[index], "quantiles": quantiles }),
            None => json!({ "row": label, "values": self.values[index] }),
        };
        let rows: Vec<_> = self.labels.iter().enumerate().map(row).collect();
        let mut all = json!({ "targets": self.targets, "rows": rows });
        if !self.levels.is_empty() {
            all["levels"] = json!(self.levels);
        }
        if let Some(series) = &self.series {
            all["series"] = json!(series);
        }
        all.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(series: Option<&str>) -> Forecast {
        Forecast {
            series: series.map(String::from),
            targets: vec!["y".into()],
            labels: vec!["+1".into(), "+2".into()],
            values: vec![vec![1.0], vec![2.5]],
            levels: vec![0.1, 0.9],
            quantiles: vec![vec![vec![0.0, 2.0]], vec![vec![1.0, 4.0]]],
        }
    }

    #[test]
    fn quantiles_are_columns_by_choice() {
        assert_eq!(forecast(None).to_csv(), "row,y\n+1,1\n+2,2.5\n");
        assert_eq!(forecast(None).to_csv_with_quantiles(), "row,y,y_q0.1,y_q0.9\n+1,1,0,2\n+2,2.5,1,4\n");
        let both = [forecast(Some("a")), forecast(Some("b"))];
        assert_eq!(Forecast::all_to_csv(&both, false), "row,series,y\n+1,a,1\n+2,a,2.5\n+1,b,1\n+2,b,2.5\n");
    }

    #[test]
    fn json_has_what_is_known() {
        let found: serde_json::Value = serde_json::from_str(&forecast(Some("a")).to_json()).unwrap();
        assert_eq!(found["series"], "a");
        assert_eq!(found["rows"][1]["quantiles"][0][1], 4.0);
        let point = Forecast { levels: Vec::new(), quantiles: Vec::new(), ..forecast(None) };
        assert_eq!(
            point.to_json(),
            r#"{"rows":[{"row":"+1","values":[1.0]},{"row":"+2","values":[2.5]}],"targets":["y"]}"#
        );
    }
}
