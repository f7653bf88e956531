//! The commands of generation.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;
use recurrent::Run;
use recurrent::decoding::Sampling;
use recurrent::fit::{AfterEpoch, History};
use recurrent::generate::{GenerateConfig, GenerateRun, Generated, GenerationConfig, Generator};
use recurrent::models::{Summarize, Summary};

use super::Shown;
use crate::cli::{Format, GenerateArgs, PredictArgs};
use crate::device;
use crate::output::{note, say, utter};
use crate::report::{Block, Section};
use crate::settings::Layers;

const DEFAULT_DATA: &str = "fables";
/// Tokens of a sample that is shown after an epoch, and at the end.
const SAMPLE: usize = 200;
const LAST_SAMPLE: usize = 600;

/// `train generate`.
pub fn train(args: &GenerateArgs) -> Result<ExitCode> {
    let GenerateArgs { run: args, trace } = args;
    let device = device::open(&args.device)?;
    let layers = Layers::read(&args.settings, args.config.as_deref())?;
    let data = layers.get::<String>("data").unwrap_or_else(|| DEFAULT_DATA.into());
    let plan = layers.over(&GenerateConfig::new(&data)?)?;
    let folder = super::place(args, &plan, plan.model);
    let run = GenerateRun::create(plan, &folder, args.force)?;
    introduce(&run, &device);
    if *trace > 0 {
        say(table_of_steps(&run, *trace));
    }
    super::finish(&run, &device)
}

/// Says what is going to be trained.
pub fn introduce(run: &GenerateRun, device: &Device) {
    let plan = run.plan();
    let [train, valid] = run.tokens();
    say(network(plan, run.codec().len(), device));
    say(format!(
        "\nReading {} as {} ({} different): {train} tokens to train, {valid} to validate; {} lanes, windows of {}.",
        plan.data,
        run.codec().kind(),
        run.codec().len(),
        plan.fit.batch,
        plan.window,
    ));
}

/// The lecture's table of steps, with the codec's own numbers.
fn table_of_steps(run: &GenerateRun, steps: usize) -> String {
    let mut table = String::new();
    for (step, traced) in run.trace(steps).into_iter().enumerate() {
        let [(input, seen), (expected, to_come)] = [traced.input, traced.expected];
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "\nStep {step:4}\n  input: {input} ('{seen}')\n  expected output: {expected} ('{to_come}')"
        );
    }
    table
}

impl Shown for GenerateRun {
    const LOSS: &'static str = "Cross-entropy, nats a token";
    // A dashboard has no room for samples.
    const DASHBOARD: bool = false;

    fn show(&self, device: &Device) -> Result<Section> {
        let measures = self.score(device)?;
        super::write_scores(self, &measures)?;
        say(format!("\nValidation: {measures}."));
        let asked = GenerationConfig { length: LAST_SAMPLE, ..GenerationConfig::default() };
        let sample =
            Generator::load(self.run_dir().root(), device)?.generate("", &asked, |_| ControlFlow::Continue(()))?;
        say(format!("\nA sample:\n{}", sample.text));
        let plan = self.plan();
        let lead =
            format!("A model of {}, read as {}, and a sample of what it writes.", plan.data, self.codec().kind());
        let blocks = vec![Block::Paragraph(format!("Validation: {measures}.")), Block::Verbatim(sample.text)];
        Ok(Section { title: "Generate".into(), lead, blocks })
    }

    fn next(&self) -> String {
        let folder = self.run_dir().root().display();
        format!("To let it write: train predict {folder} --prompt \"The\"; to complete words: train complete {folder}")
    }

    fn after_epoch(&self, device: &Device) -> AfterEpoch {
        let (folder, device) = (self.run_dir().root().to_path_buf(), device.clone());
        let per_character = self.measures(1.0).bits_per_character;
        Box::new(move |history: &History| {
            if let Some(last) = history.epochs.last() {
                note(format!(
                    "  validation: {:.3} bits a character, perplexity {:.2}",
                    last.valid_loss * per_character,
                    last.valid_loss.exp()
                ));
                match sample(&folder, &device, last.epoch) {
                    Ok(text) => note(format!("  the best so far writes: {}", text.trim().replace('\n', "\n    "))),
                    Err(error) => note(format!("  no sample: {error}")),
                }
            }
        })
    }
}

/// What the best network so far writes, another sample after each epoch.
fn sample(folder: &Path, device: &Device, epoch: usize) -> recurrent::Result<String> {
    let sampling = Sampling { seed: epoch as u64, ..Sampling::default() };
    let asked = GenerationConfig { length: SAMPLE, sampling, ..GenerationConfig::default() };
    let generated = Generator::load(folder, device)?.generate("", &asked, |_| ControlFlow::Continue(()))?;
    Ok(generated.text)
}

/// `train predict` with a run of `generate`.
pub fn predict(args: &PredictArgs, device: &Device) -> Result<()> {
    let generator = Generator::load(&args.run.run, device)?;
    let asked = &args.generate;
    let prompt = asked.prompt.as_deref().unwrap_or_default();
    let usual = GenerationConfig::default();
    let sampling = Sampling {
        temperature: if asked.greedy.is_some() { 0.0 } else { asked.temperature.unwrap_or(usual.sampling.temperature) },
        top_k: asked.top_k.unwrap_or(usual.sampling.top_k),
        top_p: asked.top_p.unwrap_or(usual.sampling.top_p),
        repetition: asked.repetition.unwrap_or(usual.sampling.repetition),
        seed: asked.seed.unwrap_or(usual.sampling.seed),
    };
    let generation = GenerationConfig {
        sampling,
        beam: args.translate.beam.unwrap_or(usual.beam),
        length: asked.length.unwrap_or(usual.length),
        stop: asked.stop.clone(),
        strict: asked.strict.is_some(),
    };
    let format = super::format(args, &[Format::Text, Format::Json])?;
    if format == Format::Text && args.output.is_none() {
        // As it is made; the prompt once it is sure that there is something to go on with.
        let mut begun = false;
        let generated = generator.generate(prompt, &generation, |text| {
            if !begun {
                utter(prompt);
                begun = true;
            }
            utter(text);
            ControlFlow::Continue(())
        })?;
        utter("\n");
        super::tell_unknown(prompt, &generated.unknown, None);
        return Ok(());
    }
    let generated = generator.generate(prompt, &generation, |_| ControlFlow::Continue(()))?;
    super::tell_unknown(prompt, &generated.unknown, None);
    let Generated { text, tokens, unknown } = generated;
    super::answer(
        args,
        &match format {
            Format::Json => {
                serde_json::json!({ "prompt": prompt, "text": text, "tokens": tokens, "unknown": unknown }).to_string()
                    + "\n"
            }
            Format::Text | Format::Csv => format!("{prompt}{text}\n"),
        },
    )
}

/// The layers of a run's network, or of the recipe's for the embedded text.
pub fn layers(run: Option<&Path>, device: &Device) -> Result<Summary> {
    Ok(match run {
        Some(folder) => {
            let run = GenerateRun::open(folder)?;
            network(run.plan(), run.codec().len(), device)
        }
        None => {
            let plan = GenerateConfig::new(DEFAULT_DATA)?;
            network(&plan, plan.tokens()?, device)
        }
    })
}

fn network(plan: &GenerateConfig, tokens: usize, device: &Device) -> Summary {
    plan.network(tokens).init(device).summary(&[plan.window])
}
