//! The time loop of the reference implementation, for any cell.

use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::State;
use crate::empty_batch::EmptyBatch;

/// The direction of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each row's last step to its first.
    Reverse,
}

/// Options of a scan over a sequence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// The direction of time.
    pub direction: Direction,
    /// The number of valid steps of each row, `[batch]`, 0 allowed; `None` if all rows are full. Past the end of a row
    /// its state stays unchanged and its output is zero. The reverse direction starts at the row's own last step.
    pub lengths: Option<&'a [usize]>,
}

/// The result of a scan.
#[derive(Debug, Clone)]
pub struct Scanned<S> {
    /// The hidden state of every step, `[batch, time, hidden]`.
    pub output: Tensor<3>,
    /// The final state: the one after the last step, or in reverse after the first.
    pub state: S,
}

/// Checks the lengths of a batch of `batch` rows and `time` steps.
///
/// # Panics
/// If there is not one length per row, or one exceeds `time`.
pub fn check_lengths(lengths: &[usize], batch: usize, time: usize) {
    assert!(lengths.len() == batch, "lengths must have one entry per row: expected {batch}, got {}", lengths.len());
    if let Some((row, length)) = lengths.iter().enumerate().find(|(_, length)| **length > time) {
        panic!("lengths[{row}] is {length}, but the sequence has {time} steps");
    }
}

/// Runs `step` over a sequence.
///
/// `inputs` has one tensor `[batch, ..]` per step, `initial` is the state before the first step, and `step` computes the
/// next state from an input and the previous state. It is not called for an empty batch.
///
/// # Panics
/// If `inputs` is empty, or the lengths are invalid (see [`check_lengths`]).
pub fn scan_steps<S: State<2>>(
    inputs: Vec<Tensor<2>>,
    initial: S,
    scan: &Scan,
    step: impl Fn(Tensor<2>, S) -> S,
) -> Scanned<S> {
    let time = inputs.len();
    assert!(time > 0, "a sequence must have at least one step");
    let [batch, hidden] = initial.hidden().dims();
    let masks = scan.lengths.map(|lengths| {
        check_lengths(lengths, batch, time);
        RowMasks::new(lengths, hidden, &inputs[0].device())
    });
    if batch == 0 {
        let inputs = EmptyBatch::of(&inputs[0]).and_all(&inputs[1..]).and_all(&initial.into_parts());
        let state = S::from_parts(vec![inputs.result([0, hidden]); S::PARTS]);
        return Scanned { output: inputs.result([0, time, hidden]), state };
    }

    let mut state = initial;
    let mut outputs = Vec::with_capacity(time);
    let mut advance = |(t, input): (usize, Tensor<2>)| {
        let (next, output) = match masks.as_ref().map_or(ActiveRows::All, |masks| masks.at(t)) {
            ActiveRows::All => {
                let next = step(input, state.clone());
                let output = next.hidden();
                (next, output)
            }
            ActiveRows::None => (state.clone(), Tensor::zeros_like(&state.hidden())),
            ActiveRows::Some(active) => {
                let next = step(input, state.clone());
                let next = state.clone().zip(next, |old, new| old.mask_where(active.clone(), new));
                let output = next.hidden().mask_fill(active.bool_not(), 0.0);
                (next, output)
            }
        };
        state = next;
        outputs.push(output);
    };
    let steps = inputs.into_iter().enumerate();
    match scan.direction {
        Direction::Forward => steps.for_each(&mut advance),
        Direction::Reverse => steps.rev().for_each(&mut advance),
    }
    if scan.direction == Direction::Reverse {
        outputs.reverse();
    }
    Scanned { output: Tensor::stack(outputs, 1), state }
}

/// The rows that are within their length at one step.
#[allow(clippy::large_enum_variant, reason = "it lives for one step, on the stack")]
enum ActiveRows {
    All,
    None,
    /// `[batch, hidden]`, true for active rows.
    Some(Tensor<2, Bool>),
}

/// The active rows of every step.
struct RowMasks {
    shortest: usize,
    longest: usize,
    /// `[longest - shortest, batch, hidden]`: masks of the steps at which some rows are active and some are not.
    mixed: Option<Tensor<3, Bool>>,
}

impl RowMasks {
    fn new(lengths: &[usize], hidden: usize, device: &Device) -> Self {
        let shortest = lengths.iter().copied().min().unwrap_or(0);
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mixed = (shortest < longest).then(|| {
            let active: Vec<bool> =
                (shortest..longest).flat_map(|t| lengths.iter().map(move |length| t < *length)).collect();
            let [steps, batch] = [longest - shortest, lengths.len()];
            let active = TensorData::new(active, [steps, batch, 1]);
            Tensor::<3, Bool>::from_data(active, device).expand([steps, batch, hidden])
        });
        Self { shortest, longest, mixed }
    }

    fn at(&self, t: usize) -> ActiveRows {
        match &self.mixed {
            _ if t < self.shortest => ActiveRows::All,
            Some(mixed) if t < self.longest => {
                let step = mixed.clone().narrow(0, t - self.shortest, 1);
                ActiveRows::Some(step.squeeze_dim(0))
            }
            _ => ActiveRows::None,
        }
    }
}
