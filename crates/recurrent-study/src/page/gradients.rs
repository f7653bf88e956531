//! The section on gradient flow.

use recurrent::models::CellKind;

use super::block::{Block, LinePlot, Section};
use super::format;
use super::labels::{cell_name, clipped_fraction, diverged, titled_blocks};
use super::table::Table;
use super::words::{Words, fill};
use crate::gradient_flow::{GradientFlowConfig, GradientFlowResult, LayerGradient};
use crate::results::Results;
use crate::significance::MeanStd;
use crate::spectral_radius::RecurrentInit;
use crate::training::TrainResult;

pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    vec![(words.gradients.title.into(), decay_table(results, words)), explosions(results, words)]
}

fn explosions(results: &Results, words: &Words) -> (String, Table) {
    (words.explosions.into(), explosion_table(results, words))
}

pub fn section(results: &Results, words: &Words) -> Option<Section> {
    let table = decay_table(results, words);
    if table.rows.is_empty() {
        return None;
    }
    let config = &results.config;
    let mut blocks = vec![Block::Table(table)];
    for layer in 0..config.gradient_layers {
        blocks.extend(layer_plots(results, layer, words).map(Block::LinePlot));
    }
    blocks.extend(titled_blocks(vec![explosions(results, words)]));
    let [length, layers] = [config.gradient_length, config.gradient_layers].map(|count| count.to_string());
    let lead = fill(words.gradients.lead, &[("length", &length), ("layers", &layers)]);
    Some(Section { title: words.gradients.title.into(), lead, blocks })
}

/// The factor of the gradient norm per step back, and the fraction of clipped training steps, of each layer of each
/// network.
fn decay_table(results: &Results, words: &Words) -> Table {
    let columns = &words.columns;
    let header = [
        columns.network,
        columns.layer,
        columns.initial_factor,
        columns.trained_factor,
        columns.half_life,
        columns.clipped_steps,
    ];
    let mut table = Table::new(&header);
    for network in GradientFlowConfig::all(&results.config).into_iter().filter(|network| network.seed == 0) {
        let is_same = |other: &GradientFlowConfig| GradientFlowConfig { seed: 0, ..*other } == network;
        let flows: Vec<&GradientFlowResult> =
            results.gradient_flow.iter().filter(|flow| is_same(&flow.config)).collect();
        if !flows.is_empty() {
            table.rows.extend((0..network.num_layers).map(|layer| decay_row(&network, &flows, layer, words)));
        }
    }
    table
}

/// The row of one layer, over all seeds.
fn decay_row(network: &GradientFlowConfig, flows: &[&GradientFlowResult], layer: usize, words: &Words) -> Vec<String> {
    let decay = |layers: &[LayerGradient]| layers.get(layer)?.decay;
    let initial: Vec<f64> = flows.iter().filter_map(|flow| decay(&flow.initial)).collect();
    let trained: Vec<f64> = flows.iter().filter_map(|flow| decay(flow.trained.as_deref()?)).collect();
    let factor = |decays: &[f64]| {
        let factors: Vec<f64> = decays.iter().map(|decay| decay.exp()).collect();
        if factors.is_empty() { "–".to_string() } else { format::sample(&factors) }
    };
    let half_life = MeanStd::of(&trained).filter(|decay| decay.mean < 0.0).map(|decay| 2.0_f64.ln() / -decay.mean);
    let results: Vec<&TrainResult> = flows.iter().map(|flow| &flow.result).collect();
    vec![
        format!("{}, {}", network_name(network, words), clipping_name(network, words)),
        format!("{} / {}", layer + 1, network.num_layers),
        factor(&initial),
        diverged(&results, words).unwrap_or_else(|| factor(&trained)),
        half_life.map_or("–".to_string(), format::short),
        if network.clip_norm > 0.0 { clipped_fraction(&results) } else { "–".to_string() },
    ]
}

/// The cell and the initialization of a network.
fn network_name(network: &GradientFlowConfig, words: &Words) -> String {
    let init = match network.recurrent_init {
        RecurrentInit::Orthogonal => words.orthogonal,
        RecurrentInit::Gaussian => words.gaussian,
    };
    let bias = match network.cell {
        CellKind::Rnn => String::new(),
        CellKind::Lstm | CellKind::Gru => {
            format!(", {}", fill(words.retention_bias, &[("bias", &network.retention_bias.to_string())]))
        }
    };
    format!("{}, {init}{bias}", cell_name(network.cell))
}

/// The gradient clipping of a network.
fn clipping_name(network: &GradientFlowConfig, words: &Words) -> String {
    match network.clip_norm {
        0.0 => words.unclipped.to_string(),
        norm => fill(words.clipped_to, &[("norm", &norm.to_string())]),
    }
}

/// The gradient of a layer at initialization, after training, and after training with and without clipping.
fn layer_plots(results: &Results, layer: usize, words: &Words) -> [LinePlot; 3] {
    let has_default_clipping = |flow: &&GradientFlowResult| flow.config.clip_norm == results.config.clip_norm;
    let has_default_init = |flow: &&GradientFlowResult| flow.config.has_default_init(&results.config);
    let first_seed = || results.gradient_flow.iter().filter(|flow| flow.config.seed == 0);
    let initial = |flow: &GradientFlowResult| norms(&flow.initial, layer);
    let trained = |flow: &GradientFlowResult| norms(flow.trained.as_deref().unwrap_or_default(), layer);
    let network = |flow: &GradientFlowResult| network_name(&flow.config, words);
    let clipping =
        |flow: &GradientFlowResult| format!("{}, {}", cell_name(flow.config.cell), clipping_name(&flow.config, words));
    let plot = |caption, lines| norm_plot(results, caption, layer, lines, words);
    let with_default_clipping = || first_seed().filter(has_default_clipping);
    [
        plot(words.initial_gradient, with_default_clipping().map(|flow| (network(flow), initial(flow))).collect()),
        plot(words.trained_gradient, with_default_clipping().map(|flow| (network(flow), trained(flow))).collect()),
        plot(
            words.clipping_gradient,
            first_seed().filter(has_default_init).map(|flow| (clipping(flow), trained(flow))).collect(),
        ),
    ]
}

/// The gradient norms of a layer by lag. Zero becomes NaN: it has no place on a logarithmic axis.
fn norms(layers: &[LayerGradient], layer: usize) -> Vec<f64> {
    let norms = layers.get(layer).map_or(&[][..], |gradient| &gradient.norms);
    norms.iter().map(|norm| if *norm > 0.0 { *norm } else { f64::NAN }).collect()
}

fn norm_plot(
    results: &Results,
    caption: &str,
    layer: usize,
    lines: Vec<(String, Vec<f64>)>,
    words: &Words,
) -> LinePlot {
    let config = &results.config;
    let values = [("layer", &*(layer + 1).to_string()), ("layers", &*config.gradient_layers.to_string())];
    LinePlot {
        caption: fill(caption, &values),
        x_label: words.columns.lag.into(),
        y_label: words.columns.norm.into(),
        x_ticks: (0..config.gradient_length).map(|lag| lag.to_string()).collect(),
        lines,
        is_fraction: false,
    }
}

/// Runs with exploding gradients, without and with clipping.
fn explosion_table(results: &Results, words: &Words) -> Table {
    let columns = &words.columns;
    let header =
        [columns.network, columns.max_grad_norm, columns.unclipped_loss, columns.clipped_loss, columns.clipped_steps];
    let mut table = Table::new(&header);
    for run in &results.explosions {
        let loss = |result: &TrainResult| {
            let loss = || result.loss.map_or(String::new(), format::short);
            diverged(&[result], words).unwrap_or_else(loss)
        };
        let nonlinearity = if run.config.relu { " (ReLU)" } else { "" };
        table.rows.push(vec![
            format!("{}{nonlinearity}", cell_name(run.config.cell)),
            format!("{:.1e}", run.unclipped.max_grad_norm),
            loss(&run.unclipped),
            loss(&run.clipped),
            clipped_fraction(&[&run.clipped]),
        ]);
    }
    table
}
