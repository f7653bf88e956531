//! The options of a language model in the search of a recognizer.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::Predictor;
use recurrent::generate::Generator;
use recurrent::transcribe::{FusionModel, RecognizeOptions};

use crate::zoo;

/// The weight of a language model, if none is given.
const WEIGHT: f64 = 0.3;

#[derive(Debug, Default, Args)]
pub struct LanguageModelArgs {
    /// A language model in the search: a run of generate, or a pretrained model such as zoo:fables
    #[arg(long, value_name = "RUN|zoo:NAME")]
    pub language_model: Option<PathBuf>,
    /// The weight of its log-probability, up to 10 [default: 0.3]
    #[arg(long, value_name = "X", requires = "language_model")]
    pub lm_weight: Option<f64>,
    /// What each word adds to the score, from -100 to 100 [default: 0]
    #[arg(long, value_name = "X", requires = "language_model", allow_negative_numbers = true)]
    pub word_bonus: Option<f64>,
}

impl LanguageModelArgs {
    /// Adds the language model to the options of a recognizer, if there is one.
    pub fn add_to(&self, options: RecognizeOptions, device: &Device) -> Result<RecognizeOptions> {
        let Some(mut run) = self.language_model.clone() else { return Ok(options) };
        let _unpacked = zoo::unpack(&mut run)?;
        let model = FusionModel::new(&Generator::load(&run, device)?);
        Ok(options.with_language_model(model, self.lm_weight.unwrap_or(WEIGHT), self.word_bonus.unwrap_or(0.0)))
    }
}
