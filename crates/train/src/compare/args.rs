//! The arguments of `train compare`.

use std::path::PathBuf;

use clap::Args;
use recurrent_study::{Language, MatchBy, MemoryTask, StudyConfig, StudyPart};

use crate::device::DeviceArgs;

#[derive(Debug, Default, Args)]
pub struct CompareArgs {
    /// Run a smaller study: at most three minutes on two cores, in place of at most thirty
    #[arg(long)]
    pub quick: bool,
    /// Parts of the study: memory, gradients, gates, cost, quality [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub parts: Option<Vec<StudyPart>>,
    /// Memory tasks: recall, adding, copy, digits-rows, digits-pixels, digits-permuted, forecast [default: all but
    /// forecast; quick: recall,adding,digits-rows,digits-pixels]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub tasks: Option<Vec<MemoryTask>>,
    /// Sequence lengths of recall, adding and copy [default: 10,30,100,300,1000; quick: 10,30,60]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub lengths: Option<Vec<usize>>,
    /// Number of random seeds per trial [default: 8; quick: 4]
    #[arg(long, value_name = "N")]
    pub seeds: Option<usize>,
    /// What is equal for all cells: hidden-size, parameters or time [default: hidden-size]
    #[arg(long, value_name = "WHAT")]
    pub match_by: Option<MatchBy>,
    /// Number of hidden units; of the LSTM, with --match-by parameters [default: 32]
    #[arg(long, value_name = "N")]
    pub hidden_size: Option<usize>,
    /// Gradient steps per trial [default: 2500; quick: 2000]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Training time per trial in seconds, with --match-by time [default: 4; quick: 0.5]
    #[arg(long, value_name = "X")]
    pub seconds: Option<f64>,
    /// Batch size [default: 16]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Learning rate of Adam [default: 0.005]
    #[arg(long, value_name = "X")]
    pub lr: Option<f64>,
    /// Maximum global gradient norm; 0 for no clipping [default: 1]
    #[arg(long, value_name = "X")]
    pub clip_norm: Option<f64>,
    /// Sequence length of the gradient flow part [default: 50; quick: 30]
    #[arg(long, value_name = "T")]
    pub gradient_length: Option<usize>,
    /// Number of recurrent layers in the gradient flow part [default: 2]
    #[arg(long, value_name = "N")]
    pub gradient_layers: Option<usize>,
    /// Hidden sizes of the cost part [default: 32,64,128,256; quick: 32,64,96]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub cost_hidden_sizes: Option<Vec<usize>>,
    /// Sequence lengths of the cost part [default: 32,128,512; quick: 32,128]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub cost_lengths: Option<Vec<usize>>,
    /// Text whose gate activations are shown [default: a sentence about a fox and a crow]
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Time series whose gate activations are shown: a data set (weather, stocks) or a CSV file with a header [default:
    /// weather]
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub series: Option<String>,
    /// Column of the series [default: the data set's target, or the first numeric column]
    #[arg(long, value_name = "COL")]
    pub column: Option<String>,
    /// Language of tables and report: en or ru
    #[arg(long, value_name = "LANG", default_value_t)]
    pub lang: Language,
    /// Folder of the study [default: a new one under runs/]; an existing study with the same settings is resumed
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl CompareArgs {
    /// The settings of the study, with defaults for those not given. The series and the device are not included.
    pub fn config(&self) -> StudyConfig {
        let mut config = if self.quick { StudyConfig::quick() } else { StudyConfig::full() };
        set(&mut config.parts, &self.parts);
        set(&mut config.tasks, &self.tasks);
        set(&mut config.lengths, &self.lengths);
        set(&mut config.seeds, &self.seeds);
        set(&mut config.match_by, &self.match_by);
        set(&mut config.hidden_size, &self.hidden_size);
        set(&mut config.steps, &self.steps);
        set(&mut config.seconds, &self.seconds);
        set(&mut config.batch_size, &self.batch_size);
        set(&mut config.lr, &self.lr);
        set(&mut config.clip_norm, &self.clip_norm);
        set(&mut config.gradient_length, &self.gradient_length);
        set(&mut config.gradient_layers, &self.gradient_layers);
        set(&mut config.cost_hidden_sizes, &self.cost_hidden_sizes);
        set(&mut config.cost_lengths, &self.cost_lengths);
        set(&mut config.text, &self.text);
        config
    }
}

/// Replaces a setting by the argument, if it was given.
fn set<T: Clone>(setting: &mut T, argument: &Option<T>) {
    if let Some(argument) = argument {
        *setting = argument.clone();
    }
}
