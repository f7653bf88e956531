//! `train generate`.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::decoding::SamplingConfig;
use recurrent::exchange::import_generator;
use recurrent::fit::{AfterEpoch, History};
use recurrent::generate::{GenerateConfig, GenerateRun, Generated, Generation, GenerationConfig, Generator};
use recurrent::models::Summary;
use recurrent::prelude::*;
use recurrent::settings::Settings;

use super::command_line::{CommandLine, Import, format, write_output, write_scores};
use super::sampling::SamplingOptions;
use super::sentences::note_unknown;
use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::output::{note, print, write};
use crate::report::{Block, Section};

/// The number of tokens of the samples after each epoch and after training.
const EPOCH_SAMPLE: usize = 200;
const FINAL_SAMPLE: usize = 600;

/// Options of training that are not settings.
#[derive(Debug, Default, Args)]
pub struct TraceOptions {
    /// Print the input token and the target token of so many steps before training
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub trace: usize,
}

/// Options of text generation.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of generate")]
pub struct GenerateOptions {
    /// The beginning of the text [default: the beginning of a line]
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// Tokens to generate [default: 400]
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<usize>,
    #[command(flatten)]
    pub sampling: SamplingOptions,
    /// Stop before this text
    #[arg(long, value_name = "TEXT")]
    pub stop: Option<String>,
    /// Refuse a prompt with unknown characters, instead of reading them as `<unk>`
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub beam: BeamOptions,
}

/// The option that generation, translation and transcription share.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of generate, translate and transcribe")]
pub struct BeamOptions {
    /// Beam size; 1 for greedy search [default: generate: no search but sampling; translate: the run's; transcribe: 1]
    #[arg(long, value_name = "N")]
    pub beam_size: Option<usize>,
}

impl GenerateOptions {
    /// The options as settings of a generation.
    ///
    /// # Errors
    /// If an option of sampling is given for a beam search, which does not sample.
    fn config(&self) -> Result<GenerationConfig, BadInput> {
        if let (Some(beams), Some(option)) = (self.beam.beam_size, self.sampling.given()) {
            return Err(BadInput(format!(
                "{option}: expected no option of sampling beside --beam-size, which searches and does not sample, found \
                 --beam-size {beams}"
            )));
        }
        let defaults = GenerationConfig::default();
        let sampling = self.sampling.config(defaults.sampling.clone());
        let beam_size = self.beam.beam_size.unwrap_or(defaults.beam_size);
        let max_new_tokens = self.max_new_tokens.unwrap_or(defaults.max_new_tokens);
        Ok(defaults
            .with_sampling(sampling)
            .with_beam_size(beam_size)
            .with_max_new_tokens(max_new_tokens)
            .with_stop(self.stop.clone())
            .with_strict(self.strict))
    }
}

impl CommandLine for Generation {
    const ABOUT: &'static str = "Train a language model on a text, to generate and complete text";
    const LOSS: &'static str = "Cross-entropy, nats per token";
    const IMPORT: Option<Import> = Some(Import {
        network: "A language model",
        run: |config, folder, device| import_generator(config, folder, device),
    });
    // The dashboard has no room for samples.
    const DASHBOARD: bool = false;

    type TrainOptions = TraceOptions;
    type PredictOptions = GenerateOptions;

    fn describe(run: &GenerateRun) -> String {
        let [train, valid] = run.data().token_counts();
        let GenerateConfig { data, bptt, fit, .. } = run.config();
        let tokenizer = run.data().tokenizer();
        format!(
            "Language model of {data}, tokenizer {} (vocabulary of {}): {train} tokens for training, {valid} for \
             validation; {} parallel streams, windows of {bptt}.",
            tokenizer.kind(),
            tokenizer.vocab_size(),
            fit.batch_size,
        )
    }

    /// Prints the lecture's table of training steps.
    fn before_training(run: &GenerateRun, options: &TraceOptions) {
        let mut table = String::new();
        for (step, traced) in run.data().trace(options.trace).into_iter().enumerate() {
            let [(input, input_text), (target, target_text)] = [traced.input, traced.target];
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "\nStep {step:4}\n  input: {input} ('{input_text}')\n  expected output: {target} ('{target_text}')"
            );
        }
        if !table.is_empty() {
            print(table);
        }
    }

    fn after_epoch(run: &GenerateRun, device: &Device) -> AfterEpoch {
        let (folder, device) = (run.run_dir().root().to_path_buf(), device.clone());
        let metrics = run.data().metrics(1.0);
        Box::new(move |history: &History| {
            if let Some(last) = history.epochs.last() {
                note(format!("  validation: {}", metrics.with_nats(last.valid_loss).comparable()));
                match sample(&folder, &device, last.epoch) {
                    Ok(text) => note(format!("  a sample of the best epoch: {}", text.trim().replace('\n', "\n    "))),
                    Err(error) => note(format!("  no sample: {error}")),
                }
            }
        })
    }

    fn evaluate_and_print(run: &GenerateRun, device: &Device) -> Result<Section> {
        let evaluation = run.evaluate(device)?;
        print(format!("\nValidation: {evaluation}."));
        write_scores(run, &evaluation)?;
        let options = GenerationConfig::default().with_max_new_tokens(FINAL_SAMPLE);
        let sample = run.predictor(device)?.generate("", &options, |_| ControlFlow::Continue(()))?;
        print(format!("\nA sample:\n{}", sample.text));
        let lead = format!(
            "A language model of {}, tokenizer {}, and a sample of its text.",
            run.config().data,
            run.data().tokenizer().kind()
        );
        let blocks = vec![Block::Paragraph(format!("Validation: {evaluation}.")), Block::Verbatim(sample.text)];
        Ok(Section { title: "Generate".into(), lead, blocks })
    }

    fn next_command(run: &GenerateRun) -> String {
        let folder = run.run_dir().root().display();
        format!("To generate text: train predict {folder} --prompt \"The\"; to complete words: train complete {folder}")
    }

    fn predict(args: &PredictArgs, options: &GenerateOptions, device: &Device) -> Result<()> {
        let generator = Generator::load(&args.run.run, device)?;
        let prompt = options.prompt.as_deref().unwrap_or_default();
        let config = options.config()?;
        let format = format(args, &[Format::Text, Format::Json])?;
        if format == Format::Text && args.output.is_none() {
            // The prompt is written with the first piece, so that nothing is written before an error.
            let mut started = false;
            let generated = generator.generate(prompt, &config, |text| {
                if !started {
                    write(prompt);
                    started = true;
                }
                write(text);
                ControlFlow::Continue(())
            })?;
            write("\n");
            note_unknown(prompt, &generated.unknown, None);
            return Ok(());
        }
        let generated = generator.generate(prompt, &config, |_| ControlFlow::Continue(()))?;
        note_unknown(prompt, &generated.unknown, None);
        let Generated { text, num_tokens, unknown, .. } = generated;
        let text = match format {
            Format::Json => {
                let line =
                    serde_json::json!({ "prompt": prompt, "text": text, "num_tokens": num_tokens, "unknown": unknown });
                line.to_string() + "\n"
            }
            Format::Text | Format::Csv | Format::Srt => format!("{prompt}{text}\n"),
        };
        write_output(args, &text)
    }

    fn default_summary(device: &Device) -> Result<Summary> {
        let source = recurrent::open_data(&GenerateConfig::defaults().data)?;
        let config = GenerateConfig::new(&source)?;
        let data = Self::prepare(&config, &source, FittedParts::Anew)?;
        Ok(recurrent::models::Summarize::summary(&Self::network(&config, &data, device), &Self::input_shape(&config)))
    }
}

/// A sample by the best network so far, with another seed after each epoch.
fn sample(folder: &Path, device: &Device, epoch: usize) -> recurrent::Result<String> {
    let sampling = SamplingConfig::default().with_seed(epoch as u64);
    let options = GenerationConfig::default().with_max_new_tokens(EPOCH_SAMPLE).with_sampling(sampling);
    let generated = Generator::load(folder, device)?.generate("", &options, |_| ControlFlow::Continue(()))?;
    Ok(generated.text)
}
