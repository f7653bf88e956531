//! The commands of translation.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Device;
use recurrent::models::{Summarize, Summary};
use recurrent::translate::{Answered, AttentionMap, BeamConfig, TranslateConfig, TranslateRun, Translator};
use recurrent::{Run, replace};

use super::Shown;
use crate::cli::{BadInput, Format, PredictArgs, TranslateArgs};
use crate::output::{note, say};
use crate::report::{Block, Section};
use crate::settings::Layers;
use crate::{device, plots};

const DEFAULT_DATA: &str = "phrases";
/// Translations that are shown at the end.
const SHOWN: usize = 10;
/// Attention is drawn for so many of them.
const DRAWN: usize = 3;
/// Where a run asks for the lecture's sentence.
const LECTURE: &str = "How are you?";

/// `train translate`.
pub fn train(args: &TranslateArgs) -> Result<ExitCode> {
    let TranslateArgs { run: args, lecture } = args;
    let device = device::open(&args.device)?;
    let layers = Layers::read(&args.settings, args.config.as_deref())?;
    let data = layers.get::<String>("data").unwrap_or_else(|| DEFAULT_DATA.into());
    let recipe = TranslateConfig::new(&data, layers.get::<String>("target_data").as_deref())?;
    let plan = layers.over(&if *lecture { recipe.lecture() } else { recipe })?;
    let folder = super::place(args, &plan, plan.model);
    let run = TranslateRun::create(plan, &folder, args.force)?;
    introduce(&run, &device);
    super::finish(&run, &device)
}

/// Says what is going to be trained.
pub fn introduce(run: &TranslateRun, device: &Device) {
    let plan = run.plan();
    let [train, valid, test] = run.sizes();
    let tokens = run.tokens();
    say(network(plan, tokens, device));
    say(format!(
        "\nTranslating {} in {} ({} and {} different): {train} pairs to train, {valid} to validate, {test} sentences to \
         test; attention: {}.",
        plan.data, plan.codec, tokens[0], tokens[1], plan.attention
    ));
    run.notes().iter().for_each(|text| note(format!("note: {text}")));
}

impl Shown for TranslateRun {
    const LOSS: &'static str = "Cross-entropy, nats a token";

    fn show(&self, device: &Device) -> Result<Section> {
        let (scores, answered) = self.score(device)?;
        super::write_scores(self, &scores)?;
        say(format!("\n{scores}\n"));
        let translator = Translator::load(self.run_dir().root(), device)?;
        let chosen = chosen(&answered);
        let mut blocks = vec![Block::Verbatim(scores.to_string())];
        let bars: Vec<_> = scores.rows.iter().map(|row| (&*row.name, row.bleu.score)).collect();
        let title = "Translations of the test part beside what costs nothing";
        blocks.push(super::keep(self, "bleu", title, plots::bars(title, "BLEU", &bars)?)?);
        let rows: Vec<Vec<String>> = chosen
            .iter()
            .map(|answer| vec![answer.source.clone(), answer.said.clone(), answer.references.join(" / ")])
            .collect();
        for row in &rows {
            say(format!("  {}\n    → {}\n    ({})", row[0], row[1], row[2]));
        }
        let head = ["sentence", "translation", "right answers"].map(String::from).to_vec();
        blocks.push(Block::Table { head, rows });
        if self.plan().data == DEFAULT_DATA {
            let asked = translator.translate(&[LECTURE])?.swap_remove(0);
            let text = format!("The lecture's sentence (it is in training): {LECTURE} → {}", asked.text);
            say(format!("\n{text}"));
            blocks.push(Block::Paragraph(text));
        }
        for (number, answer) in chosen.iter().take(DRAWN).enumerate() {
            if let Some(looked) = translator.looked(&answer.source, &answer.said) {
                let caption = format!("Where the decoder looked back at: {}", answer.source);
                let svg = draw(&looked, &answer.source)?;
                blocks.push(super::keep(self, &format!("attention-{}", number + 1), &caption, svg)?);
            }
        }
        let lead = format!("Sentences of {} that training has not seen, and what they became.", self.plan().data);
        Ok(Section { title: "Translate".into(), lead, blocks })
    }

    fn next(&self) -> String {
        format!("To translate: train predict {} \"{LECTURE}\"", self.run_dir().root().display())
    }
}

/// Some of the answers, from all over the test part.
fn chosen(answered: &[Answered]) -> Vec<&Answered> {
    let step = (answered.len() / SHOWN).max(1);
    answered.iter().step_by(step).take(SHOWN).collect()
}

fn draw(looked: &AttentionMap, sentence: &str) -> Result<String> {
    plots::attention(sentence, &looked.source, &looked.target, &looked.weights)
}

/// `train predict` with a run of `translate`.
pub fn predict(args: &PredictArgs, device: &Device) -> Result<()> {
    let format = super::format(args, &[Format::Text, Format::Json])?;
    let translator = Translator::load(&args.run.run, device)?;
    let sentences = super::sentences(&args.sentences)?;
    let plan = translator.plan();
    let by = BeamConfig {
        beam: args.translate.beam.unwrap_or(plan.beam),
        alpha: args.translate.alpha.unwrap_or(plan.alpha),
    };
    let translations = translator.translate_by(&sentences, by)?;
    let mut text = String::new();
    for (sentence, translation) in sentences.iter().zip(&translations) {
        super::tell_unknown(sentence, &translation.unknown, translation.cut.then_some(plan.longest));
        match format {
            Format::Json => {
                let mut line = serde_json::to_value(translation).context("a translation has a form in JSON")?;
                line["source"] = sentence.as_str().into();
                text += &line.to_string();
            }
            Format::Text | Format::Csv => text += &translation.text,
        }
        text.push('\n');
    }
    if let (Some(path), Some(sentence)) = (&args.translate.attention, sentences.first()) {
        let looked = translator.looked(sentence, &translations[0].text).ok_or_else(|| {
            BadInput(format!("--attention: expected a run with attention, found {} without", args.run.run.display()))
        })?;
        replace(path, draw(&looked, sentence)?.as_bytes())?;
    }
    super::answer(args, &text)
}

/// The layers of a run's network, or of the lecture's.
pub fn layers(run: Option<&Path>, device: &Device) -> Result<Summary> {
    Ok(match run {
        Some(folder) => {
            let run = TranslateRun::open(folder)?;
            network(run.plan(), run.tokens(), device)
        }
        None => {
            let plan = TranslateConfig::new(DEFAULT_DATA, None)?.lecture();
            network(&plan, [plan.vocabulary; 2], device)
        }
    })
}

fn network(plan: &TranslateConfig, [source, target]: [usize; 2], device: &Device) -> Summary {
    plan.network(source, target).init(device).summary(&[plan.longest])
}
