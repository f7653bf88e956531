//! English.

use super::texts::{ClaimWords, Columns, Heading, TaskWords, TestWords, Words};

pub const WORDS: Words = Words {
    title: "RNN, LSTM and GRU compared",
    lead: "The claims of a lecture on recurrent networks, and what was measured on this machine (device {device}). All \
           cells share the training loop, the loss, the order of the examples and the hyperparameters, and have equal \
           {match_by}. LSTM and GRU start with equal retention: the initial biases of the forget and update gates are \
           {bias}, so that a new cell keeps σ({bias}) = {retention} of its state per step. Each trial runs with {seeds} \
           seeds, each with examples and initial weights of its own. Values are mean ± standard deviation over the \
           seeds. A difference is significant if the p-value of Welch's t-test is below 0.05.",
    differences: Heading {
        title: "Differences between the cells",
        lead: "Each cell of the table has the claim of the lecture and the measured value.",
    },
    problems: Heading { title: "Problems of recurrent networks", lead: "" },
    rules: Heading {
        title: "Measured quantities and decision rules",
        lead: "The skill score is 1 − loss / chance loss, from 0 to 1: 1 for a perfect model, 0 for a model that guesses \
               or diverged. A claim that is neither confirmed nor refuted is inconclusive. All cells are trained with the \
               same learning rate; a cell may do better with hyperparameters of its own. Several tests are made without \
               a correction for multiple comparisons: at a level of 0.05, one in twenty is significant by chance.",
    },
    memory: Heading {
        title: "Memory",
        lead: "Test loss and, for classification, test accuracy, beside the chance loss: that of the best predictor \
               without memory.",
    },
    failure_lengths: "The shortest length at which the mean skill score is below 0.5.",
    clipped_steps: "The fraction of training steps whose gradients were clipped.",
    gradients: Heading {
        title: "Gradient flow",
        lead: "The gradient of the loss with respect to each hidden state, ‖∂L/∂h‖, on the recall task with T = {length}, in \
               each of {layers} layers from the bottom up: the factor by which its norm changes per step back in time, at \
               initialization and after training. A factor of 0.87 per step leaves a thousandth after 50 steps. The \
               gradient of a lower layer has passed through the upper layers. The initial recurrent weights have a \
               spectral radius of 1.",
    },
    explosions: "Runs with exploding gradients: Gaussian recurrent weights with a spectral radius of 1.7, gradient descent \
                 without momentum, the adding problem; without clipping, and with the global gradient norm clipped to 1.",
    gates: Heading {
        title: "Gate activations",
        lead: "The gates of networks with 16 hidden units that were trained to predict the next character of a text or the \
               next value of a time series. A row is a unit; the darker, the more open the gate. The text is the training \
               text; the rows of the series are from the test split and are labeled with date and value.",
    },
    cost: Heading {
        title: "Cost",
        lead: "Parameters, multiplications and additions (FLOPs) per token, forward and backward pass together, and the \
               bytes saved for the backward pass are counted and do not depend on the length; the rest is measured. A \
               training step is forward pass, backward pass and Adam with a batch size of {batch_size}; the median of \
               nine. Streaming is inference with one row, one time step at a time, on a CPU.",
    },
    quality: Heading {
        title: "Data quality",
        lead: "Models are trained on corrupted data and tested on clean data. A missing value is 0, the mean of a series. \
               A wrong label is another digit, or the value of another row.",
    },
    corrupted_digits: "Digits by rows: test accuracy after training on corrupted data.",
    corrupted_forecast: "Forecast of the daily maximum temperature in Seattle from the 14 days before, after training on \
                         corrupted data: root mean squared error in standard deviations. The naive forecast, the value of \
                         the day before, has an RMSE of {rmse}.",
    claims: [
        ClaimWords {
            name: "memory",
            claimed: ["bad", "good", "good"],
            quantity: "skill score, the mean over recall, adding and copy at all lengths",
            rule: "confirmed if LSTM and GRU are both significantly higher than the RNN; refuted if one of them is \
                   significantly lower",
        },
        ClaimWords {
            name: "gates",
            claimed: ["1", "3", "2"],
            quantity: "blocks of recurrent weights without that of the candidate",
            rule: "refuted: LSTM and GRU have as many gates as claimed, and an RNN has none, only the candidate",
        },
        ClaimWords {
            name: "complexity",
            claimed: ["low", "high", "medium"],
            quantity: "parameters at equal hidden size",
            rule: "confirmed if RNN < GRU < LSTM, otherwise refuted; counted, so that no test is needed",
        },
        ClaimWords {
            name: "training speed",
            claimed: ["high", "slow", "fast"],
            quantity: "milliseconds per training step at the largest hidden size and length",
            rule: "confirmed if the GRU is significantly slower than the RNN and the LSTM than the GRU; refuted if one of \
                   the two is significantly faster",
        },
        ClaimWords {
            name: "vanishing gradient",
            claimed: ["yes", "no", "no"],
            quantity: "factor of the gradient norm per step back, in the bottom layer, after training on recall",
            rule: "the gradient vanishes if less than a thousandth reaches the first step; confirmed if that is so with \
                   every seed of the RNN and with none of LSTM and GRU; refuted if a cell shows the opposite with every \
                   seed",
        },
        ClaimWords {
            name: "exploding gradient",
            claimed: ["possible", "possible", "possible"],
            quantity: "largest gradient norm of the unclipped run with exploding gradients; the RNN has ReLU",
            rule: "confirmed if the RNN diverges without clipping and not with it; refuted if it does not diverge",
        },
        ClaimWords {
            name: "order of data",
            claimed: ["matters", "matters", "matters"],
            quantity: "loss of score by training on shuffled time steps: accuracy of digits and standard deviations of the \
                       forecast, the mean",
            rule: "confirmed if every cell loses significantly; refuted if none loses",
        },
        ClaimWords {
            name: "long sequences",
            claimed: ["hard", "hard", "hard"],
            quantity: "skill score at the longest length, the mean over recall, adding and copy",
            rule: "confirmed if the LSTM's is significantly lower than at the shortest length; refuted if it is not lower",
        },
        ClaimWords {
            name: "bad data",
            claimed: ["sensitive", "sensitive", "sensitive"],
            quantity: "loss of score by training with noise, missing values and wrong labels: accuracy of digits and \
                       standard deviations of the forecast, the mean",
            rule: "confirmed if every cell loses significantly; refuted if none loses",
        },
    ],
    verdicts: ["confirmed", "refuted", "inconclusive", "not measured"],
    tasks: [
        TaskWords {
            name: "recall",
            definition: "Classify a sequence of T random symbols out of 8 by its first symbol.",
        },
        TaskWords {
            name: "adding",
            definition: "The sum of two marked values among T (Hochreiter & Schmidhuber 1997); the constant 1 has a loss of \
                         1/6. A value within 0.04 is correct.",
        },
        TaskWords {
            name: "copy",
            definition: "Reproduce ten symbols out of 8 after T blanks (Arjovsky et al. 2016); the chance loss is \
                         10 ln 8 / (T + 20). The accuracy is over the ten symbols.",
        },
        TaskWords { name: "digits by rows", definition: "Classify the UCI 8×8 digits, read as 8 rows." },
        TaskWords { name: "digits by pixels", definition: "The same, read as 64 pixels." },
        TaskWords { name: "permuted digits", definition: "The same 64 pixels in one fixed random order." },
        TaskWords {
            name: "forecast",
            definition: "The next day's maximum temperature in Seattle from 14 days, in standard deviations; the chance \
                         loss is the variance of the training data. A value within 0.04 is correct.",
        },
    ],
    corruptions: ["clean", "steps shuffled", "noise (σ = 0.5)", "30 % of values missing", "10 % of labels wrong"],
    corruptions_short: ["clean", "shuffled", "noise", "missing", "labels"],
    match_by: ["hidden size", "numbers of parameters", "training time and hidden size"],
    columns: Columns {
        property: "property",
        verdict: "verdict",
        evidence: "evidence",
        quantity: "measured quantity",
        rule: "decision rule",
        task: "task",
        chance_loss: "chance loss",
        length: "T",
        hidden_size: "hidden size",
        cell: "cell",
        parameters: "parameters",
        token_flops: "FLOPs per token",
        token_bytes: "bytes saved per token",
        sequence_flops: "FLOPs per sequence",
        sequence_bytes: "bytes saved per sequence",
        network: "network",
        layer: "layer",
        initial_factor: "factor per step back, initial",
        trained_factor: "factor per step back, trained",
        half_life: "half-life in steps, trained",
        unclipped_loss: "loss, unclipped",
        clipped_loss: "loss, clipped",
        clipped_steps: "clipped steps",
        max_grad_norm: "largest gradient norm, unclipped",
        lag: "steps back from the last",
        norm: "‖∂L/∂h‖",
        milliseconds: "ms per step",
        tokens_per_second: "tokens per second",
        streaming: "streaming, µs per step",
        data: "training data",
        input: "input",
        prediction: "prediction",
        skill: "skill score",
        loss: "training loss",
        accuracy: "accuracy",
        rmse: "RMSE, standard deviations",
        progress: "training, first to last step",
    },
    tests: TestWords {
        greater: "{first} higher than {second}: p {p}",
        less: "{first} lower than {second}: p {p}",
        no_difference: "{first} and {second} do not differ significantly: p {p}",
        loses: "{first} loses: p {p}",
        gains: "{first} gains: p {p}",
        no_loss: "{first} does not lose significantly: p {p}",
        counted: "counted",
        rule: "by the decision rule, without a test",
        few_seeds: "too few seeds for a test",
    },
    diverged: "diverged ({count} of {all})",
    no_failure: "none",
    not_measured: "not measured",
    orthogonal: "orthogonal weights",
    gaussian: "Gaussian weights",
    retention_bias: "retention bias {bias}",
    unclipped: "unclipped",
    clipped_to: "clipped to {norm}",
    initial_gradient: "‖∂L/∂h‖ by steps back at initialization, layer {layer} of {layers}, first seed",
    trained_gradient: "‖∂L/∂h‖ by steps back after training, layer {layer} of {layers}, first seed",
    clipping_gradient: "‖∂L/∂h‖ by steps back after training with and without clipping, layer {layer} of {layers}, first \
                        seed",
    gate_map: "{cell}, {input}: {gate}",
    text: "text",
    series: "time series",
    prediction_accuracy: "accuracy {accuracy}",
    prediction_rmse: "RMSE {rmse} standard deviations",
    gate_names: [
        ("input", "input gate"),
        ("forget", "forget gate"),
        ("output", "output gate"),
        ("reset", "reset gate"),
        ("update", "update gate"),
    ],
    unit: "unit",
    open: "open",
    skill_by_length: "{task}: skill score by length",
    accuracy_by_length: "{task}: test accuracy by length",
    loss_curve: "{task}: training loss at the longest length, first seed",
    by_hidden_size: "{quantity} by hidden size, T = {length}",
    by_length: "{quantity} by length, hidden size {hidden_size}",
    corrupted_digits_plot: "digits by rows: test accuracy after training on corrupted data",
    corrupted_forecast_plot: "forecast: RMSE after training on corrupted data",
};
