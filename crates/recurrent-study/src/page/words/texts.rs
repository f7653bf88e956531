//! The texts of one language.

/// All texts of one language. Arrays are in the order of the enum's `ALL`.
pub struct Words {
    pub title: &'static str,
    /// With `{device}`, `{match_by}`, `{bias}`, `{retention}` and `{seeds}`.
    pub lead: &'static str,
    pub differences: Heading,
    pub problems: Heading,
    pub rules: Heading,
    pub memory: Heading,
    pub failure_lengths: &'static str,
    pub clipped_steps: &'static str,
    /// With `{length}` and `{layers}`.
    pub gradients: Heading,
    pub explosions: &'static str,
    pub gates: Heading,
    /// With `{batch_size}`.
    pub cost: Heading,
    pub quality: Heading,
    pub corrupted_digits: &'static str,
    /// With the `{rmse}` of the naive forecast.
    pub corrupted_forecast: &'static str,
    pub claims: [ClaimWords; 9],
    pub verdicts: [&'static str; 4],
    pub tasks: [TaskWords; 7],
    pub corruptions: [&'static str; 5],
    /// The same, short enough for the axis of a plot.
    pub corruptions_short: [&'static str; 5],
    pub match_by: [&'static str; 3],
    pub columns: Columns,
    pub tests: TestWords,
    /// With `{count}` and `{all}`.
    pub diverged: &'static str,
    /// In place of a length, where a cell fails at none.
    pub no_failure: &'static str,
    pub not_measured: &'static str,
    pub orthogonal: &'static str,
    pub gaussian: &'static str,
    /// With `{bias}`.
    pub retention_bias: &'static str,
    pub unclipped: &'static str,
    /// With `{norm}`.
    pub clipped_to: &'static str,
    /// With `{layer}` and `{layers}`.
    pub initial_gradient: &'static str,
    /// With `{layer}` and `{layers}`.
    pub trained_gradient: &'static str,
    /// With `{layer}` and `{layers}`.
    pub clipping_gradient: &'static str,
    /// With `{cell}`, `{input}` and `{gate}`.
    pub gate_map: &'static str,
    pub text: &'static str,
    pub series: &'static str,
    /// With `{accuracy}`.
    pub prediction_accuracy: &'static str,
    /// With `{rmse}`.
    pub prediction_rmse: &'static str,
    /// The names of the gates in the code and in this language.
    pub gate_names: [(&'static str, &'static str); 5],
    pub unit: &'static str,
    pub open: &'static str,
    /// With `{task}`.
    pub skill_by_length: &'static str,
    /// With `{task}`.
    pub accuracy_by_length: &'static str,
    /// With `{task}`.
    pub loss_curve: &'static str,
    /// With `{quantity}` and `{length}`.
    pub by_hidden_size: &'static str,
    /// With `{quantity}` and `{hidden_size}`.
    pub by_length: &'static str,
    pub corrupted_digits_plot: &'static str,
    pub corrupted_forecast_plot: &'static str,
}

/// The title and the introduction of a section.
pub struct Heading {
    pub title: &'static str,
    pub lead: &'static str,
}

/// A claim of the lecture.
pub struct ClaimWords {
    /// The property it is about.
    pub name: &'static str,
    /// What it says of RNN, LSTM and GRU.
    pub claimed: [&'static str; 3],
    /// The measured quantity.
    pub quantity: &'static str,
    /// When it is confirmed or refuted.
    pub rule: &'static str,
}

pub struct TaskWords {
    pub name: &'static str,
    pub definition: &'static str,
}

/// Headers of columns and labels of axes.
pub struct Columns {
    pub property: &'static str,
    pub verdict: &'static str,
    pub evidence: &'static str,
    pub quantity: &'static str,
    pub rule: &'static str,
    pub task: &'static str,
    pub chance_loss: &'static str,
    pub length: &'static str,
    pub hidden_size: &'static str,
    pub cell: &'static str,
    pub parameters: &'static str,
    pub token_flops: &'static str,
    pub token_bytes: &'static str,
    pub sequence_flops: &'static str,
    pub sequence_bytes: &'static str,
    pub network: &'static str,
    pub layer: &'static str,
    pub initial_factor: &'static str,
    pub trained_factor: &'static str,
    pub half_life: &'static str,
    pub unclipped_loss: &'static str,
    pub clipped_loss: &'static str,
    pub clipped_steps: &'static str,
    pub max_grad_norm: &'static str,
    pub lag: &'static str,
    pub norm: &'static str,
    pub milliseconds: &'static str,
    pub tokens_per_second: &'static str,
    pub streaming: &'static str,
    pub data: &'static str,
    pub input: &'static str,
    pub prediction: &'static str,
    pub skill: &'static str,
    pub loss: &'static str,
    pub accuracy: &'static str,
    pub rmse: &'static str,
    pub progress: &'static str,
}

/// The outcomes of tests. With `{first}`, `{second}` and `{p}`.
pub struct TestWords {
    pub greater: &'static str,
    pub less: &'static str,
    pub no_difference: &'static str,
    /// One cell under two conditions.
    pub loses: &'static str,
    pub gains: &'static str,
    pub no_loss: &'static str,
    /// In place of a test.
    pub counted: &'static str,
    pub rule: &'static str,
    pub few_seeds: &'static str,
}
