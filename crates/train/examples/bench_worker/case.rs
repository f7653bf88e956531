//! What can be asked for.

use std::str::FromStr;

use recurrent::models::CellKind;

/// One line of the worker's input.
#[derive(Debug)]
pub struct Case {
    /// What is done over and over.
    pub work: Work,
    /// Iterations before the clock runs.
    pub warm: usize,
    /// Iterations that are timed.
    pub iterations: usize,
}

/// What is done in an iteration.
#[derive(Debug)]
pub enum Work {
    /// `gemm 2048` or `gemm 64x512x2048`: a product `[m, k] [k, n]`, the limit of what a machine can do.
    Product([usize; 3]),
    /// Anything else.
    Network {
        /// The network and its batch.
        shape: Shape,
        /// The recurrent layers in it.
        cell: CellKind,
        /// What is done with it.
        mode: Mode,
    },
}

/// A network and its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `keras`, or `long800` with so many steps: two layers of 50 on `[32, 100, 1]`, and a dense layer on the last step.
    Forecast {
        /// Steps.
        time: usize,
    },
    /// `seq2seq`: an encoder of 128 on `[32, 20, 100]`, its final state into a decoder of 128 on as much, a dense layer
    /// to 100 symbols.
    Seq2Seq,
    /// `charlm`: an embedding of 128 for 65 symbols, a layer of 512 on `[64, 100]`, a dense layer to the symbols.
    Language,
    /// `big`: a layer of 1024 on `[64, 50, 1024]`, and nothing else.
    Big,
    /// `stream`: a layer of 256 on `[1, 1000, 64]`, one step at a time.
    Stream,
}

/// What is done with a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A forward pass, whose output is read back.
    Infer,
    /// The same, recorded once on a GPU and replayed.
    Replay,
    /// A forward pass, the loss, a backward pass and a step of Adam; the loss is read back.
    Train,
}

/// Sizes of a [`Shape`].
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Rows.
    pub batch: usize,
    /// Steps.
    pub time: usize,
    /// Features of a step.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
    /// What the dense layer gives, if there is one.
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
        let [shape, cell, mode, warm, iterations] = words[..] else {
            return Err(format!("expected SHAPE CELL MODE WARM-UPS ITERATIONS, got `{line}`"));
        };
        let work = match shape {
            "gemm" => Work::Product(product(cell)?),
            _ => Work::Network { shape: shape.parse()?, cell: cell.parse()?, mode: mode.parse()? },
        };
        if matches!(work, Work::Network { shape: Shape::Stream, mode: Mode::Train | Mode::Replay, .. }) {
            return Err("a stream is not trained on, nor recorded".into());
        }
        if matches!(work, Work::Network { mode: Mode::Replay, .. }) && !cfg!(any(feature = "wgpu", feature = "cuda")) {
            return Err("a recording is for a GPU: build with --features wgpu or cuda".into());
        }
        Ok(Self { work, warm: count(warm)?, iterations: count(iterations)? })
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

/// `2048` is `2048x2048x2048`.
fn product(text: &str) -> Result<[usize; 3], String> {
    let sizes: Vec<usize> = text.split('x').map(count).collect::<Result<_, _>>()?;
    match sizes[..] {
        [size] => Ok([size; 3]),
        [m, k, n] => Ok([m, k, n]),
        _ => Err(format!("expected N or MxKxN, got `{text}`")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("expected a number, got `{text}`"))
}
