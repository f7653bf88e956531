//! The loop over time, which all cells share.

use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::State;

/// Which way time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each row's last step to its first.
    Reverse,
}

/// How to go over a sequence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// Which way time runs.
    pub direction: Direction,
    /// How many steps of each row are real, `[batch]`; all of them if `None`. Past its end a row's state stays as it
    /// is and its output is zero; the reverse direction starts at the row's own last step.
    pub lengths: Option<&'a [usize]>,
}

/// What a scan gives back.
#[derive(Debug, Clone)]
pub struct Scanned<S> {
    /// The hidden state of every step, `[batch, time, hidden]`.
    pub output: Tensor<3>,
    /// The state after the last step (in reverse, after the first).
    pub state: S,
}

/// Panics unless there is one length a row and none is beyond the sequence.
pub fn check_lengths(lengths: &[usize], batch: usize, time: usize) {
    assert!(lengths.len() == batch, "one length a row: expected {batch} lengths, got {}", lengths.len());
    if let Some((row, length)) = lengths.iter().enumerate().find(|(_, length)| **length > time) {
        panic!("the length of row {row} is {length}, but the sequence has {time} steps");
    }
}

/// Runs `step` over a sequence.
///
/// `inputs` has one tensor `[batch, ..]` a step, `initial` is the state before the first, and `step` makes the next
/// state from an input and the state before it.
///
/// # Panics
/// If `inputs` is empty, or the lengths are wrong (see [`check_lengths`]).
pub fn scan_steps<S: State<2>>(
    inputs: Vec<Tensor<2>>,
    initial: S,
    scan: &Scan,
    step: impl Fn(Tensor<2>, S) -> S,
) -> Scanned<S> {
    let time = inputs.len();
    assert!(time > 0, "a sequence has at least one step");
    let [batch, hidden] = initial.hidden().dims();
    let rows = scan.lengths.map(|lengths| {
        check_lengths(lengths, batch, time);
        ActiveRows::new(lengths, hidden, &inputs[0].device())
    });

    let mut state = initial;
    let mut outputs = Vec::with_capacity(time);
    let mut advance = |(t, input): (usize, Tensor<2>)| {
        let (next, output) = match rows.as_ref().map_or(Active::All, |rows| rows.at(t)) {
            Active::All => {
                let next = step(input, state.clone());
                let output = next.hidden();
                (next, output)
            }
            Active::None => (state.clone(), Tensor::zeros_like(&state.hidden())),
            Active::Some(active) => {
                let next = step(input, state.clone());
                let frozen = state.clone().zip(next, |old, new| old.mask_where(active.clone(), new));
                let output = frozen.hidden().mask_fill(active.bool_not(), 0.0);
                (frozen, output)
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

/// Which rows are still inside their length at a step.
#[allow(clippy::large_enum_variant, reason = "it lives for one step, on the stack")]
enum Active {
    All,
    None,
    /// `[batch, hidden]`, true where the row goes on.
    Some(Tensor<2, Bool>),
}

/// The rows that are inside their length, for every step.
struct ActiveRows {
    shortest: usize,
    longest: usize,
    /// `[longest - shortest, batch, hidden]`: the steps at which some rows go on and some do not, if there are any.
    mixed: Option<Tensor<3, Bool>>,
}

impl ActiveRows {
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

    fn at(&self, t: usize) -> Active {
        match &self.mixed {
            _ if t < self.shortest => Active::All,
            Some(mixed) if t < self.longest => {
                let step = mixed.clone().narrow(0, t - self.shortest, 1);
                Active::Some(step.squeeze_dim(0))
            }
            _ => Active::None,
        }
    }
}
