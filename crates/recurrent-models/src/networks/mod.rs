//! Whole networks, each a struct with a config, a forward pass and a summary.

mod forecast;

pub use forecast::{ForecastNetwork, ForecastNetworkConfig};
