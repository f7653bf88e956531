//! English.

use super::{ClaimWords, Head, TaskWords, Tests, Titled, Words};

pub const WORDS: Words = Words {
    title: "RNN, LSTM and GRU, measured",
    lead: "The claims of the lecture on recurrent networks, each beside what this machine measured on the device \
           {device}: one loop, one loss, one order of data, one learning rate for all cells; equal {fair}; {seeds} \
           seeds, each with rows and weights of its own. Numbers are mean ± standard deviation over the seeds. A \
           difference is called one if Welch's test gives it a p below 0.05.",
    cells: Titled { title: "The cells", lead: "In each cell: what the lecture says, and what was measured." },
    problems: Titled { title: "The problems", lead: "" },
    rules: Titled {
        title: "What the numbers are, and what decides",
        lead: "\"Skill\" is the share of chance's loss that is gone: 1 for who knows, 0 for who guesses or diverged. \
               What is neither confirmed nor refuted is not decided. A single learning rate serves all cells, and a \
               cell that is tuned by itself may do better than here. Several claims are tested at once, and one in \
               twenty would seem sure by chance alone.",
    },
    memory: Titled {
        title: "Memory",
        lead: "Loss on rows that were not learned from and, where answers are classes, the share of right ones; beside \
               the loss of who remembers nothing.",
    },
    fails: "The shortest length at which half of chance's loss is left, or more.",
    clipped: "The share of training steps whose gradients were clipped.",
    gradients: Titled {
        title: "Gradients",
        lead: "How much of the loss each hidden state has to answer for, ‖∂L/∂h‖, on the recall task at T = {length}, in \
               each of {layers} layers from the bottom up: by what it is multiplied for each step back, before training \
               and after it. 0.87 a step leaves a thousandth after 50 steps. A lower layer's gradient comes back through \
               the layers above too. The spectral radius of the recurrent weights is 1 at the start.",
    },
    explosion: "Runs made to explode: Gaussian recurrent weights with a spectral radius of 1.7, plain gradient descent, \
                the adding problem; without clipping, and the same run with the global norm clipped to 1.",
    gates: Titled {
        title: "Gates seen",
        lead: "Networks of 16 units that have learned to foretell each character of a text or the next number of a \
               series, while they read: dark is open, a row is a unit. The text is the one that was learned; the rows \
               of the series were not learned from, and stand with their date and number.",
    },
    cost: Titled {
        title: "Cost",
        lead: "Parameters, multiplications and additions of a token forward and back, and bytes kept for the way back \
               are counted, and are the same at every length; the rest is measured. A step of training is forward, \
               backward and Adam on {batch} rows; the median of nine. A stream is a trained layer on a live signal, one \
               row, one step at a time, on a CPU.",
    },
    quality: Titled {
        title: "Bad data",
        lead: "What is learned from is damaged, what is scored by is whole. A missing value is 0, which is the mean of a \
               series; a wrong answer is another digit, or the number of another row.",
    },
    spoiled_digits: "Digits read row by row after training on damaged data, the share of right answers.",
    spoiled_forecast: "A forecast of the highest temperature of a day in Seattle from the 14 days before, after training \
                       on damaged data: the root of the mean squared error, in standard deviations. The day before, as \
                       a forecast, is off by {error}.",
    claims: [
        ClaimWords {
            name: "memory",
            said: ["bad", "good", "good"],
            numbers: "skill, the mean over recall, adding and copying at all lengths",
            rule: "confirmed if LSTM and GRU both have more than the RNN; refuted if one of them has less",
        },
        ClaimWords {
            name: "gates",
            said: ["1", "3", "2"],
            numbers: "blocks of recurrent weights, without that of the candidate",
            rule: "refuted: LSTM and GRU have as many as the lecture says, and an RNN has none, only its candidate",
        },
        ClaimWords {
            name: "complexity",
            said: ["low", "high", "medium"],
            numbers: "parameters at equal hidden size",
            rule: "confirmed if RNN < GRU < LSTM; counted, so that no test is needed; else refuted",
        },
        ClaimWords {
            name: "training speed",
            said: ["high", "slow", "fast"],
            numbers: "milliseconds a step of training, at the largest size",
            rule: "confirmed if the GRU takes longer than the RNN and the LSTM longer than the GRU; refuted if one of \
                   the two is the other way round",
        },
        ClaimWords {
            name: "vanishing gradient",
            said: ["yes", "no", "no"],
            numbers: "by what a gradient is multiplied for each step back, in the bottom layer, after training on recall",
            rule: "it vanishes if less than a thousandth is left at the first step; confirmed if that is so with every \
                   seed of the RNN and none of LSTM and GRU; refuted if every seed of a cell shows otherwise",
        },
        ClaimWords {
            name: "exploding gradient",
            said: ["can be", "can be", "can be"],
            numbers: "largest norm of the gradients in a run that is made to explode; the RNN is one with relu",
            rule: "confirmed if the RNN diverges and the same run is saved by clipping; refuted if it does not diverge",
        },
        ClaimWords {
            name: "order of data",
            said: ["matters", "matters", "matters"],
            numbers: "what shuffling the steps of each training row costs: share of right digits and standard deviations of \
                      a forecast, their mean",
            rule: "confirmed if every cell loses; refuted if none does",
        },
        ClaimWords {
            name: "long sequences",
            said: ["hard", "hard", "hard"],
            numbers: "skill at the greatest length, the mean over recall, adding and copying",
            rule: "confirmed if the LSTM's is lower than at the least length; refuted if it is as high",
        },
        ClaimWords {
            name: "bad data",
            said: ["sensitive", "sensitive", "sensitive"],
            numbers: "what noise, missing values and wrong answers cost: share of right digits and standard deviations of a \
                      forecast, their mean",
            rule: "confirmed if every cell loses; refuted if none does",
        },
    ],
    verdicts: ["confirmed", "refuted", "not decided", "not measured"],
    tasks: [
        TaskWords {
            name: "recall",
            definition: "Which of 8 symbols came first, asked after T steps of random symbols.",
        },
        TaskWords {
            name: "adding",
            definition: "The sum of two marked numbers among T (Hochreiter & Schmidhuber 1997); always saying 1 costs \
                         1/6. Right is what is within 0.04.",
        },
        TaskWords {
            name: "copy",
            definition: "Ten symbols out of 8, said again after T blanks (Arjovsky et al. 2016); chance is \
                         10 ln 8 / (T + 20). Right answers are counted over the ten.",
        },
        TaskWords { name: "digits by rows", definition: "Which of UCI's 8×8 digits, read as 8 rows." },
        TaskWords { name: "digits by points", definition: "The same, read as 64 points." },
        TaskWords {
            name: "digits permuted",
            definition: "The same 64 points, in an order that was drawn once for all.",
        },
        TaskWords {
            name: "forecast",
            definition: "The highest temperature of Seattle's next day, from 14 days, in standard deviations; chance is \
                         the variance of the days learned from. Right is what is within 0.04.",
        },
    ],
    damages: ["whole", "steps shuffled", "noise (σ = 0.5)", "30 % of values missing", "10 % of answers wrong"],
    damages_in_short: ["whole", "shuffled", "noise", "missing", "wrong"],
    fairness: ["hidden size", "parameters", "time and hidden size"],
    head: Head {
        property: "property",
        verdict: "verdict",
        why: "how sure",
        numbers: "the numbers",
        rule: "the rule",
        task: "task",
        chance: "chance",
        length: "T",
        hidden: "hidden",
        cell: "cell",
        parameters: "parameters",
        operations: "operations a token",
        kept: "bytes kept a token",
        row_operations: "operations a row",
        row_kept: "bytes kept a row",
        network: "network",
        layer: "layer",
        fresh: "a step back, fresh",
        trained: "a step back, trained",
        half: "halved after, trained",
        free: "loss, unclipped",
        clipped: "loss, clipped",
        share_clipped: "steps clipped",
        largest_norm: "largest norm, unclipped",
        back: "steps back from the last",
        norm: "‖∂L/∂h‖",
        milliseconds: "ms a step",
        tokens: "tokens a second",
        stream: "stream, µs a step",
        data: "data learned from",
        read: "reads",
        foretold: "foretold",
        skill: "skill",
        loss: "training loss",
        right: "right answers",
        error: "error, standard deviations",
        stretch: "training, from first to last step",
    },
    tests: Tests {
        above: "{first} above {second}: p {p}",
        below: "{first} below {second}: p {p}",
        chance: "{first} and {second} differ by no more than chance: p {p}",
        loses: "{first} loses: p {p}",
        gains: "{first} gains: p {p}",
        keeps: "{first} loses no more than chance: p {p}",
        counted: "counted",
        rule: "by the rule below, without a test",
        few: "too few seeds for a test",
    },
    diverged: "diverged ({count} of {all})",
    nowhere: "nowhere",
    not_measured: "not measured",
    orthogonal: "orthogonal weights",
    gaussian: "Gaussian weights",
    forget_bias: "forget bias {bias}",
    unclipped: "unclipped",
    clipped_to: "clipped to {clip}",
    never: "never",
    fresh_picture: "‖∂L/∂h‖ on the way back, fresh weights, layer {layer} of {layers}, the first seed",
    trained_picture: "‖∂L/∂h‖ on the way back, after training, layer {layer} of {layers}, the first seed",
    clipping_picture: "‖∂L/∂h‖ after training with clipping and without, layer {layer} of {layers}, the first seed",
    gate_picture: "{cell} reads {read}: {gate} gate",
    read_text: "a text",
    read_series: "a series",
    off_by: "off by {error} standard deviations",
    gate_names: [
        ("input", "input"),
        ("forget", "forget"),
        ("output", "output"),
        ("reset", "reset"),
        ("update", "update"),
    ],
    unit: "unit",
    open: "open",
    skill_picture: "the share of chance's loss that is gone, by length",
    right_picture: "the share of right answers, by length",
    curve_picture: "training losses at the greatest length, the first seed",
    by_hidden: "{quantity}, against the hidden size, T = {length}",
    by_length: "{quantity}, against the length, {hidden} hidden units",
    spoiled_digits_picture: "digits by rows: right answers after training on damaged data",
    spoiled_forecast_picture: "forecast: error after training on damaged data",
};
