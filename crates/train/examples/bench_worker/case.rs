//! The benchmark cases.

use std::str::FromStr;

use recurrent::models::CellKind;

/// A benchmark case: one line of the worker's input.
#[derive(Debug)]
pub struct Case {
    /// The work of an iteration.
    pub work: Work,
    /// Untimed iterations before the timed ones.
    pub warm_ups: usize,
    /// Timed iterations.
    pub iterations: usize,
}

/// The work of an iteration.
#[derive(Debug)]
pub enum Work {
    /// `gemm 2048` or `gemm 64x512x2048`: a matrix product `[m, k] [k, n]`, the upper bound of a machine's throughput.
    MatrixProduct([usize; 3]),
    /// A network in one of its modes.
    Network {
        /// The network and its batch.
        shape: Shape,
        /// The cell of its recurrent layers.
        cell: CellKind,
        /// The kind of pass.
        mode: Mode,
    },
}

/// A network and its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `keras`, or `long800` for 800 steps: two layers of 50 on `[32, 100, 1]`, and a dense layer on the last step.
    Forecast {
        /// Steps.
        time: usize,
    },
    /// `seq2seq`: an encoder of 128 on `[32, 20, 100]`, whose final state initializes a decoder of 128 on the same shape,
    /// and a dense layer to 100 tokens.
    Seq2Seq,
    /// `charlm`: an embedding of 128 for 65 tokens, a layer of 512 on `[64, 100]`, and a dense layer to the tokens.
    Language,
    /// `big`: a single layer of 1024 on `[64, 50, 1024]`.
    Big,
    /// `stream`: a layer of 256 on `[1, 1000, 64]`, one step at a time.
    Stream,
}

/// The kind of pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A forward pass; the output is read back.
    Infer,
    /// A forward pass that is captured once on a GPU and replayed.
    Replay,
    /// Forward pass, loss, backward pass and a step of Adam; the loss is read back.
    Train,
}

/// Sizes of a [`Shape`].
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Batch size.
    pub batch: usize,
    /// Steps.
    pub time: usize,
    /// Input features.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Output features of the dense layer, if there is one.
    pub output: Option<usize>,
}

impl Shape {
    /// The sizes.
    pub fn sizes(self) -> Sizes {
        let sizes = |batch, time, input, hidden, output| Sizes { batch, time, input, hidden, output };
        match self {
            Self::Forecast { time } => sizes(32, time, 1, 50, Some(1)),
            Self::Seq2Seq => sizes(32, 20, 100, 128, Some(100)),
            Self::Language => sizes(64, 100, 128, 512, Some(65)),
            Self::Big => sizes(64, 50, 1024, 1024, None),
            Self::Stream => sizes(1, 1000, 64, 256, None),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [shape, cell, mode, warm_ups, iterations] = words[..] else {
            return Err(format!("expected SHAPE CELL MODE WARM-UPS ITERATIONS, found `{line}`"));
        };
        let work = match shape {
            "gemm" => Work::MatrixProduct(product_sizes(cell)?),
            _ => Work::Network { shape: shape.parse()?, cell: cell.parse()?, mode: mode.parse()? },
        };
        if matches!(work, Work::Network { shape: Shape::Stream, mode: Mode::Train | Mode::Replay, .. }) {
            return Err("a stream can be neither trained nor replayed".into());
        }
        if matches!(work, Work::Network { mode: Mode::Replay, .. }) && !cfg!(any(feature = "wgpu", feature = "cuda")) {
            return Err("replay needs a GPU: build with --features wgpu or cuda".into());
        }
        Ok(Self { work, warm_ups: count(warm_ups)?, iterations: count(iterations)? })
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "keras" => Ok(Self::Forecast { time: 100 }),
            "seq2seq" => Ok(Self::Seq2Seq),
            "charlm" => Ok(Self::Language),
            "big" => Ok(Self::Big),
            "stream" => Ok(Self::Stream),
            _ => match name.strip_prefix("long").map(count) {
                Some(Ok(time)) if time > 0 => Ok(Self::Forecast { time }),
                _ => Err(format!("unknown shape `{name}`")),
            },
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "infer" => Ok(Self::Infer),
            "replay" => Ok(Self::Replay),
            "train" => Ok(Self::Train),
            _ => Err(format!("unknown mode `{name}`")),
        }
    }
}

/// The sizes of a matrix product; `2048` is `2048x2048x2048`.
fn product_sizes(text: &str) -> Result<[usize; 3], String> {
    let sizes: Vec<usize> = text.split('x').map(count).collect::<Result<_, _>>()?;
    match sizes[..] {
        [size] => Ok([size; 3]),
        [m, k, n] => Ok([m, k, n]),
        _ => Err(format!("expected N or MxKxN, found `{text}`")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("expected a number, found `{text}`"))
}
