//! Different ways to compute the same outputs, for the networks over tokens.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_models::networks::{
    LanguageModelConfig, Pooling, Seq2SeqConfig, SequenceClassifierConfig, SequenceInput, SequenceTaggerConfig,
};
use recurrent_models::{AnyState, AttentionKind, CellKind};

use crate::devices::{TestDevice, assert_close};

const VOCAB: usize = 7;
const HIDDEN: usize = 4;
const BATCH: usize = 3;
const SOURCE: usize = 5;
const TARGET: usize = 4;
const LENGTHS: [usize; BATCH] = [5, 1, 3];

/// From a source and its lengths to the outputs of a network.
type Network = Box<dyn Fn(Tensor<2, Int>, &[usize]) -> Tensor<2>>;

pub fn step_equals_whole(on: &TestDevice) {
    for cell in CellKind::ALL {
        on.device.seed(1);
        let config =
            LanguageModelConfig::new(VOCAB, 3, HIDDEN).with_cell(cell).with_num_layers(2).with_tie_weights(true);
        let model = config.init(&on.device);
        let ids = ids([BATCH, SOURCE], 0, &on.device);
        let (whole, last) = model.forward(ids.clone(), None);
        let mut state = None;
        for t in 0..SOURCE {
            let (logits, next) = model.step(column(&ids, t), state);
            assert_close("language model", logits, whole.clone().narrow(1, t, 1).squeeze_dim(1), on.itself);
            state = Some(next);
        }
        assert_same_state(on, state.expect("a step"), last);
    }
    for config in seq2seqs() {
        on.device.seed(2);
        let network = config.init(&on.device);
        let encoded = network.encode(ids([BATCH, SOURCE], 0, &on.device), &LENGTHS);
        let inputs = ids([BATCH, TARGET], 1, &on.device);
        let whole = network.decode(&encoded, inputs.clone());
        let mut state = encoded.state.clone();
        for t in 0..TARGET {
            let step = network.step(&encoded, state, column(&inputs, t));
            let at = |whole: &Tensor<3>| whole.clone().narrow(1, t, 1).squeeze_dim(1);
            assert_close("sequence to sequence", step.logits, at(&whole.logits), on.itself);
            assert_eq!(step.weights.is_some(), config.attention.is_some());
            if let (Some(step), Some(whole)) = (step.weights, &whole.weights) {
                assert_close("attention", step, at(whole), on.itself);
            }
            state = step.state;
        }
        assert_same_state(on, state, whole.state);
    }
}

/// Padding changes nothing, however long it is, and each row by itself has the outputs that it has in a batch.
pub fn padding_is_never_read(on: &TestDevice) {
    let mut networks: Vec<Network> = Vec::new();
    on.device.seed(3);
    for config in seq2seqs() {
        let network = config.init(&on.device);
        networks.push(Box::new(move |source, lengths| {
            let [batch, _] = source.dims();
            let inputs = Tensor::ones([batch, TARGET], (&source.device(), source.dtype()));
            network.forward(source, lengths, inputs).flatten(1, 2)
        }));
    }
    for config in classifiers() {
        let network = config.init(&on.device);
        networks.push(Box::new(move |source, lengths| network.forward(source, lengths)));
    }
    let source = ids([BATCH, SOURCE], 0, &on.device);
    let longer = with_garbage(&source, SOURCE + 3);
    let garbage = longer.clone().narrow(1, 0, SOURCE);
    for network in networks {
        let expected = network(source.clone(), &LENGTHS);
        assert_close("other padding", network(garbage.clone(), &LENGTHS), expected.clone(), on.itself);
        assert_close("longer padding", network(longer.clone(), &LENGTHS), expected.clone(), on.itself);
        for (row, length) in LENGTHS.into_iter().enumerate() {
            let alone = network(source.clone().narrow(0, row, 1).narrow(1, 0, length), &[length]);
            assert_close("row", alone, expected.clone().narrow(0, row, 1), on.itself);
        }
    }
}

/// The same for networks with an output at every step: the logits of valid steps, and a language model's state.
pub fn padding_is_never_read_at_any_step(on: &TestDevice) {
    type PerStep = Box<dyn Fn(Tensor<2, Int>, &[usize]) -> (Tensor<3>, Option<AnyState>)>;
    on.device.seed(7);
    let mut networks: Vec<PerStep> = Vec::new();
    for config in taggers() {
        let network = config.init(&on.device);
        networks.push(Box::new(move |ids, lengths| (network.forward(ids, lengths), None)));
    }
    for cell in CellKind::ALL {
        let network = LanguageModelConfig::new(VOCAB, 3, HIDDEN).with_cell(cell).with_num_layers(2).init(&on.device);
        networks.push(Box::new(move |ids, lengths| {
            let (logits, state) = network.forward_with_lengths(ids, lengths, None);
            (logits, Some(state))
        }));
    }
    let source = ids([BATCH, SOURCE], 0, &on.device);
    let longer = with_garbage(&source, SOURCE + 3);
    for network in networks {
        let (together, states) = network(longer.clone(), &LENGTHS);
        for (row, length) in LENGTHS.into_iter().enumerate() {
            let (alone, state) = network(source.clone().narrow(0, row, 1).narrow(1, 0, length), &[length]);
            assert_close("row", together.clone().narrow(0, row, 1).narrow(1, 0, length), alone, on.itself);
            if let (Some(states), Some(state)) = (&states, state) {
                assert_same_state(on, states.select_rows(Tensor::from_data([row as i64], &on.device)), state);
            }
        }
    }
}

pub fn weights_are_a_distribution(on: &TestDevice) {
    let source = ids([BATCH, SOURCE], 0, &on.device);
    let check = |weights: Vec<f32>, steps: usize| {
        assert_eq!(weights.len(), BATCH * steps * SOURCE);
        for (index, row) in weights.chunks(SOURCE).enumerate() {
            let length = LENGTHS[index / steps];
            assert!((row.iter().sum::<f32>() - 1.0).abs() <= on.itself, "{row:?}");
            assert!(row[..length].iter().all(|weight| *weight > 0.0), "{row:?}");
            assert!(row[length..].iter().all(|weight| *weight == 0.0), "{row:?}");
        }
    };
    on.device.seed(4);
    for config in seq2seqs() {
        let network = config.init(&on.device);
        let encoded = network.encode(source.clone(), &LENGTHS);
        let decoded = network.decode(&encoded, ids([BATCH, TARGET], 1, &on.device));
        if let Some(weights) = decoded.weights {
            check(weights.into_data().iter().collect(), TARGET);
        }
    }
    for config in classifiers() {
        let network = config.init(&on.device);
        let pooled = network.pool(network.embed(source.clone()), &LENGTHS);
        assert_eq!(pooled.weights.is_some(), config.pooling == Pooling::Attention);
        if let Some(weights) = pooled.weights {
            check(weights.into_data().iter().collect(), 1);
        }
    }
}

/// The logits of a network that copies are the logarithms of a distribution.
pub fn copying_is_a_distribution(on: &TestDevice) {
    on.device.seed(8);
    for config in seq2seqs().into_iter().filter(|config| config.copy_except.is_some()) {
        let network = config.init(&on.device);
        let logits =
            network.forward(ids([BATCH, SOURCE], 0, &on.device), &LENGTHS, ids([BATCH, TARGET], 1, &on.device));
        let sums = logits.exp().sum_dim(2);
        assert_close("sum of probabilities", sums.clone(), sums.ones_like(), on.itself);
    }
}

/// The log-probabilities of targets are those of the logits, with the same gradients.
pub fn target_log_probs(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    device.seed(9);
    for config in seq2seqs() {
        let network = config.init(&device);
        let [inputs, targets] = [1, 2].map(|first| ids([BATCH, TARGET], first, &device));
        let encode = || network.encode(ids([BATCH, SOURCE], 0, &device), &LENGTHS);
        let rows = BATCH * TARGET;
        let found = network.target_log_probs(&encode(), inputs.clone(), targets.clone());

        let ln_p = log_softmax(network.decode(&encode(), inputs).logits, 2).reshape([rows, VOCAB]);
        let expected = ln_p.clone().gather(1, targets.reshape([rows, 1])).reshape([rows]);
        assert_close("ln p of targets", found.target.clone().detach(), expected.clone().detach(), on.itself);
        if config.copy_except.is_none() {
            let expected = ln_p.detach().mean_dim(1).reshape([rows]);
            assert_close("mean of ln p", found.mean.detach(), expected, on.itself);
        }
        let gradient = |ln_p: Tensor<1>| {
            let grads = ln_p.mean().backward();
            let of_table = network.source.embedding.as_ref().map(|own| own.weight.grad(&grads).expect("a gradient"));
            (network.output.bias.grad(&grads).expect("a gradient"), of_table)
        };
        let (found, expected) = (gradient(found.target), gradient(expected));
        assert_close("gradient of the bias", found.0, expected.0, on.itself);
        if let (Some(found), Some(expected)) = (found.1, expected.1) {
            assert_close("gradient of the embedding", found, expected, on.itself);
        }
    }
}

/// Rows are repeated, dropped and reordered in the middle of a target, as a beam search does.
pub fn rows_are_selected(on: &TestDevice) {
    on.device.seed(5);
    for config in seq2seqs() {
        let network = config.init(&on.device);
        let encoded = network.encode(ids([BATCH, SOURCE], 0, &on.device), &LENGTHS);
        let inputs = ids([BATCH, TARGET], 1, &on.device);
        let whole = network.decode(&encoded, inputs.clone()).logits;

        let rows = Tensor::<1, Int>::from_data([2, 0, 2, 1], &on.device);
        let selected = network.decode(&encoded.select_rows(rows.clone()), inputs.clone().select(0, rows.clone()));
        assert_close("selected rows", selected.logits, whole.clone().select(0, rows.clone()), on.itself);

        let first = network.step(&encoded, encoded.state.clone(), column(&inputs, 0));
        let second = network.step(
            &encoded.select_rows(rows.clone()),
            first.state.select_rows(rows.clone()),
            column(&inputs, 1).select(0, rows.clone()),
        );
        let expected = whole.clone().narrow(1, 1, 1).squeeze_dim::<2>(1).select(0, rows);
        assert_close("selected rows of a state", second.logits, expected, on.itself);

        let twice = network.decode(&encoded.repeat_rows(2), inputs.clone().repeat_dim(1, 2).reshape([6, TARGET]));
        let expected = whole.unsqueeze_dim::<4>(1).repeat_dim(1, 2).reshape([6, TARGET as i32, VOCAB as i32]);
        assert_close("repeated rows", twice.logits, expected, on.itself);
    }
}

/// A frozen network keeps autodiff, but its dropout is off and its parameters have no gradients.
pub fn gradients_of_embeddings(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    device.seed(6);
    for config in classifiers() {
        let network = config.with_dropout(0.5).init(&device).freeze();
        let embedded = network.embed(ids([BATCH, SOURCE], 0, &device)).require_grad();
        let logits = network.forward_values(embedded.clone(), &LENGTHS);
        let again = network.forward_values(embedded.clone(), &LENGTHS);
        assert_close("dropout", logits.clone().detach(), again.detach(), 0.0);

        let gradient = embedded.grad(&logits.sum().backward()).expect("a gradient");
        for (row, length) in LENGTHS.into_iter().enumerate().filter(|(_, length)| *length < SOURCE) {
            let past = gradient.clone().narrow(0, row, 1).narrow(1, length, SOURCE - length);
            assert_close("gradient of padding", past.clone(), past.zeros_like(), 0.0);
        }
        assert!(gradient.abs().sum().into_scalar::<f32>() > 0.0, "no gradient");
    }
}

/// All cells, all kinds of attention and none, unidirectional and bidirectional; with one table of embeddings and a copy gate.
fn seq2seqs() -> Vec<Seq2SeqConfig> {
    let attentions = [None].into_iter().chain(AttentionKind::ALL.map(Some));
    let config = |(index, attention): (usize, Option<AttentionKind>)| {
        let config = Seq2SeqConfig::new(VOCAB, VOCAB, HIDDEN)
            .with_cell(CellKind::ALL[index % 3])
            .with_bidirectional(index % 2 == 1)
            .with_attention(attention);
        match index / 2 {
            0 => config,
            _ => config.with_embedding_dim(Some(3)).with_num_layers(2).with_tie_weights(true),
        }
    };
    let copying = AttentionKind::ALL.into_iter().enumerate().map(|(index, attention)| {
        Seq2SeqConfig::new(VOCAB, VOCAB, HIDDEN)
            .with_cell(CellKind::ALL[index])
            .with_bidirectional(true)
            .with_embedding_dim(Some(HIDDEN))
            .with_attention(Some(attention))
            .with_share_embeddings(true)
            .with_tie_weights(true)
            .with_copy_except(Some(vec![0, 3]))
    });
    attentions.enumerate().map(config).chain(copying).collect()
}

fn classifiers() -> Vec<SequenceClassifierConfig> {
    let config = SequenceClassifierConfig::new(SequenceInput::tokens(VOCAB, 3), HIDDEN, 2)
        .with_num_layers(2)
        .with_bidirectional(true);
    let cells = CellKind::ALL.into_iter().cycle();
    Pooling::ALL.into_iter().zip(cells).map(|(by, cell)| config.clone().with_pooling(by).with_cell(cell)).collect()
}

/// All cells, unidirectional and bidirectional.
fn taggers() -> Vec<SequenceTaggerConfig> {
    let config = SequenceTaggerConfig::new(SequenceInput::tokens(VOCAB, 3), HIDDEN, 2).with_num_layers(2);
    let cells = CellKind::ALL.into_iter().zip([true, false, true]);
    cells.map(|(cell, bidirectional)| config.clone().with_cell(cell).with_bidirectional(bidirectional)).collect()
}

/// Ids that look random.
fn ids(shape: [usize; 2], seed: usize, device: &Device) -> Tensor<2, Int> {
    let ids = (0..shape[0] * shape[1]).map(|index| ((index * 5 + seed) * (index + 3) % VOCAB) as i64);
    Tensor::from_data(TensorData::new(ids.collect::<Vec<i64>>(), shape), device)
}

/// The same rows with other ids past their ends, padded to `time`.
fn with_garbage(ids: &Tensor<2, Int>, time: usize) -> Tensor<2, Int> {
    let [batch, own] = ids.dims();
    let valid: Vec<i64> = ids.clone().into_data().iter().collect();
    let rows = valid.chunks(own).zip(LENGTHS).flat_map(|(row, length)| {
        let other = |t: usize| row.get(t).map_or(1, |id| (id + 1) % VOCAB as i64);
        (0..time).map(move |t| if t < length { row[t] } else { other(t) })
    });
    Tensor::from_data(TensorData::new(rows.collect::<Vec<i64>>(), [batch, time]), &ids.device())
}

fn column(ids: &Tensor<2, Int>, t: usize) -> Tensor<1, Int> {
    ids.clone().narrow(1, t, 1).squeeze_dim(1)
}

#[track_caller]
fn assert_same_state(on: &TestDevice, ours: AnyState, expected: AnyState) {
    assert_eq!(ours.cell(), expected.cell());
    for (ours, expected) in ours.into_parts().into_iter().zip(expected.into_parts()) {
        assert_close("state", ours, expected, on.itself);
    }
}
