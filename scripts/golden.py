"""Writes the golden tensors that the recurrent layers and networks are tested against.

    python3 -m venv .venv
    .venv/bin/pip install torch safetensors numpy
    .venv/bin/python scripts/golden.py            # write the files
    .venv/bin/python scripts/golden.py --check    # recompute and compare

They are in crates/recurrent-models/tests/goldens: one file for each kind of cell, one for
attention, one for CTC and one or two for each network.

# Cells

Each file holds the same sixteen cases, so every tensor's key has a prefix such as
`3l-bi-ragged-given/`: one or three layers, one or two directions, full or ragged
lengths, zero or given initial state. A case holds, with PyTorch's names and layouts:

    x              [batch, time, input]
    lengths        [batch], int64
    h0, c0         [layers * directions, batch, hidden]    c0 for the LSTM only
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, ...
    output         [batch, time, directions * hidden]      zero past a row's length
    h_n, c_n       like h0 and c0
    loss_output, loss_h_n, loss_c_n                        like output, h_n and c_n
    grad/x, grad/h0, grad/c0, grad/weight_ih_l0, ...       like what they are named for

The gradients are those of the loss

    sum(output * loss_output) + sum(h_n * loss_h_n) + sum(c_n * loss_c_n)

Past a row's length `x` is PADDING, which is far from anything else in it, so a layer that
reads it cannot agree with these files.

All kinds but one come from `torch.nn`. The GRU that applies its reset gate before the
product (Cho et al. 2014) is not in PyTorch, so it comes from `explicit_gru` below. The
same code also implements PyTorch's variant, and each run asserts that it agrees with
`torch.nn.GRU` there. Both GRU files have the same inputs and weights.

# Attention and networks

Here a parameter has the name and the layout that it has in recurrent-models, such as
`encoder.Lstm.layers.0.forward.gates.w_ih` and [input, gates * hidden], and a case holds

    NAME           a parameter, or a real-valued input
    ids, source, inputs, lengths                           int64
    RESULT         logits, weights, features, h_n, ...
    loss_RESULT    like RESULT
    grad/NAME      like NAME

with the gradients of the sum of all RESULT * loss_RESULT. The networks are written out
below in plain operations, row by row and step by step, so that no padding is ever read;
the steps are those of `torch.lstm_cell`, `torch.gru_cell` and `torch.rnn_tanh_cell`.

Inputs are drawn in float32 and everything is computed in float64, so a stored value is
the exact one rounded once.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

GOLDENS = Path(__file__).resolve().parents[1] / "crates/recurrent-models/tests/goldens"

# A seed that leaves no layer of the ReLU cells dead; `golden` asserts it.
SEED = 3
TOLERANCE = 1e-6

BATCH, TIME, INPUT, HIDDEN = 3, 5, 2, 3
PADDING = 100.0

# Number of gates stacked in a weight's rows.
GATES = {"rnn-tanh": 1, "rnn-relu": 1, "lstm": 4, "gru-reset-after": 3, "gru-reset-before": 3}

Tensors = dict[str, Tensor]
Forward = Callable[[Tensors, Tensor], Tensors]


@dataclass(frozen=True)
class Case:
    layers: int
    bidirectional: bool
    ragged: bool
    given_state: bool

    @property
    def name(self) -> str:
        directions = "bi" if self.bidirectional else "uni"
        lengths = "ragged" if self.ragged else "full"
        state = "given" if self.given_state else "zero"
        return f"{self.layers}l-{directions}-{lengths}-{state}"

    @property
    def suffixes(self) -> list[str]:
        """The suffix of a parameter's name for each direction, in PyTorch."""
        return ["", "_reverse"] if self.bidirectional else [""]

    @property
    def lengths(self) -> list[int]:
        if not self.ragged:
            return [TIME] * BATCH
        # In the second the longest row is in the middle, and no row fills the time axis.
        return [2, 4, 1] if self.given_state else [5, 2, 3]


CASES = [Case(*choice) for choice in product([1, 3], [False, True], [False, True], [False, True])]


def draw_weights(gates: int, case: Case, generator: torch.Generator) -> Tensors:
    rows = gates * HIDDEN
    weights = {}
    for layer, suffix in product(range(case.layers), case.suffixes):
        features = INPUT if layer == 0 else HIDDEN * len(case.suffixes)
        shapes = {
            "weight_ih": (rows, features),
            "weight_hh": (rows, HIDDEN),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            weights[f"{name}_l{layer}{suffix}"] = uniform(shape, 0.5, generator)
    return weights


def draw_inputs(kind: str, case: Case, generator: torch.Generator) -> Tensors:
    """The inputs of a case: x, lengths, initial state, weights and loss weights."""
    directions = len(case.suffixes)
    state_shape = (case.layers * directions, BATCH, HIDDEN)
    states = ["h", "c"] if kind == "lstm" else ["h"]

    x = uniform((BATCH, TIME, INPUT), 1.0, generator)
    for row, length in enumerate(case.lengths):
        x[row, length:] = PADDING

    inputs = {"x": x, "lengths": torch.tensor(case.lengths)}
    for state in states:
        drawn = uniform(state_shape, 1.0, generator)
        inputs[f"{state}0"] = drawn if case.given_state else torch.zeros(state_shape)
    inputs |= draw_weights(GATES[kind], case, generator)
    inputs["loss_output"] = uniform((BATCH, TIME, directions * HIDDEN), 1.0, generator)
    for state in states:
        inputs[f"loss_{state}_n"] = uniform(state_shape, 1.0, generator)
    return inputs


def uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(shape, dtype=torch.float32).uniform_(-bound, bound, generator=generator)


def torch_module(kind: str, case: Case) -> nn.RNNBase:
    shape = {
        "input_size": INPUT,
        "hidden_size": HIDDEN,
        "num_layers": case.layers,
        "bidirectional": case.bidirectional,
        "batch_first": True,
        "dtype": torch.float64,
    }
    match kind:
        case "rnn-tanh":
            return nn.RNN(nonlinearity="tanh", **shape)
        case "rnn-relu":
            return nn.RNN(nonlinearity="relu", **shape)
        case "lstm":
            return nn.LSTM(**shape)
        case "gru-reset-after":
            return nn.GRU(**shape)
        case _:
            raise ValueError(f"PyTorch has no {kind}")


def torch_forward(kind: str, case: Case) -> Forward:
    """The forward pass of PyTorch's own module."""

    def forward(leaves: Tensors, lengths: Tensor) -> Tensors:
        module = torch_module(kind, case)
        for name, _ in list(module.named_parameters()):
            setattr(module, name, leaves[name])
        x = leaves["x"]
        if case.ragged:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        state = (leaves["h0"], leaves["c0"]) if kind == "lstm" else leaves["h0"]
        output, state = module(x, state)
        if case.ragged:
            output, _ = pad_packed_sequence(output, batch_first=True, total_length=TIME)
        if kind == "lstm":
            return {"output": output, "h_n": state[0], "c_n": state[1]}
        return {"output": output, "h_n": state}

    return forward


def explicit_gru(case: Case, reset_before: bool) -> Forward:
    """The forward pass of a GRU, one row and one step at a time."""

    def forward(leaves: Tensors, lengths: Tensor) -> Tensors:
        sequence = leaves["x"]
        finals = []
        for layer in range(case.layers):
            outputs = []
            for suffix in case.suffixes:
                weights = [
                    leaves[f"{name}_l{layer}{suffix}"]
                    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                ]
                initial = leaves["h0"][len(finals)]
                rows = [
                    scan_row(row, h, int(length), weights, suffix == "_reverse", reset_before)
                    for row, h, length in zip(sequence, initial, lengths)
                ]
                outputs.append(torch.stack([output for output, _ in rows]))
                finals.append(torch.stack([h for _, h in rows]))
            sequence = torch.cat(outputs, dim=-1)
        return {"output": sequence, "h_n": torch.stack(finals)}

    return forward


def scan_row(
    x: Tensor, h: Tensor, length: int, weights: list[Tensor], reverse: bool, reset_before: bool
) -> tuple[Tensor, Tensor]:
    """Outputs [time, hidden] and final state [hidden] of one row's first `length` steps."""
    outputs = [torch.zeros_like(h)] * TIME
    for t in reversed(range(length)) if reverse else range(length):
        h = gru_step(x[t], h, weights, reset_before)
        outputs[t] = h
    return torch.stack(outputs), h


def gru_step(x: Tensor, h: Tensor, weights: list[Tensor], reset_before: bool) -> Tensor:
    """One step of a GRU whose gates are stacked in the order r, z, n.

    r  = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
    z  = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
    n  = tanh(W_in x + b_in + W_hn (r * h) + b_hn)      reset before the product
    n  = tanh(W_in x + b_in + r * (W_hn h + b_hn))      reset after it
    h' = (1 - z) * n + z * h
    """
    w_i, w_h, b_i, b_h = weights
    w_hr, w_hz, w_hn = w_h.chunk(3)
    b_hr, b_hz, b_hn = b_h.chunk(3)
    i_r, i_z, i_n = (w_i @ x + b_i).chunk(3)

    r = torch.sigmoid(i_r + w_hr @ h + b_hr)
    z = torch.sigmoid(i_z + w_hz @ h + b_hz)
    if reset_before:
        n = torch.tanh(i_n + w_hn @ (r * h) + b_hn)
    else:
        n = torch.tanh(i_n + r * (w_hn @ h + b_hn))
    return (1 - z) * n + z * h


def leaves_of(inputs: Tensors) -> Tensors:
    """The tensors that need a gradient, in float64."""
    return {
        name: nn.Parameter(value.double())
        for name, value in inputs.items()
        if value.is_floating_point() and not name.startswith("loss_")
    }


def evaluate(forward: Forward, inputs: Tensors) -> Tensors:
    """The results of a forward pass, and the gradients of the loss, in float64."""
    leaves = leaves_of(inputs)
    results = forward(leaves, inputs["lengths"])
    loss = sum((value * inputs[f"loss_{name}"]).sum() for name, value in results.items())
    loss.backward()
    gradients = {f"grad/{name}": leaf.grad for name, leaf in leaves.items()}
    return {name: value.detach() for name, value in results.items()} | gradients


def evaluate_case(kind: str, case: Case, inputs: Tensors) -> Tensors:
    if kind == "gru-reset-before":
        return evaluate(explicit_gru(case, reset_before=True), inputs)
    results = evaluate(torch_forward(kind, case), inputs)
    if kind == "gru-reset-after":
        explicit = evaluate(explicit_gru(case, reset_before=False), inputs)
        wrong = differences(explicit, results)
        assert not wrong, f"{case.name}: explicit_gru is not torch.nn.GRU: {wrong}"
    return results


def golden_cell(kind: str) -> Tensors:
    """All tensors of a cell's file."""
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for case in CASES:
        inputs = draw_inputs(kind, case, generator)
        results = evaluate_case(kind, case, inputs)
        tensors |= stored(f"{kind}, {case.name}", case.name, inputs, results)
    return tensors


def stored(where: str, prefix: str, inputs: Tensors, results: Tensors) -> Tensors:
    """A case as it is stored in a file."""
    dead = [name for name, value in results.items() if not value.any()]
    assert not dead, f"{where}: zeros test nothing: {dead}"
    tensors = {}
    for name, value in (inputs | results).items():
        value = value.float() if value.is_floating_point() else value
        tensors[f"{prefix}/{name}"] = value.contiguous()
    return tensors


# Sizes of the networks: the vocabularies of the source and of the target, the embedding
# dimension, classes, tags, and steps of a target.
SOURCE_VOCAB, TARGET_VOCAB, EMBEDDING, CLASSES, TAGS, TARGET_TIME = 6, 5, 2, 2, 4, 4

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Network:
    """A case of attention or of a network."""

    name: str
    shapes: Shapes
    """Parameters and real-valued inputs."""
    ids: dict[str, tuple[int, int]]
    """The vocabulary size and the number of steps of each input of ids."""
    forward: Callable[[Tensors, Tensors], Tensors]
    """From parameters and inputs, both by name, to results."""
    patch: int = 1
    """The lengths are so many times longer."""


def golden_networks(networks: list[Network]) -> Tensors:
    """All tensors of a file with these cases."""
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for network in networks:
        inputs = {"lengths": network.patch * torch.tensor([5, 2, 3])}
        for name, (vocab, time) in network.ids.items():
            inputs[name] = torch.randint(vocab, (BATCH, time), generator=generator)
        for name, shape in network.shapes.items():
            inputs[name] = uniform(shape, 1.0, generator)
        for name in ("keys", "values"):
            if name in inputs:
                for row, length in enumerate(inputs["lengths"]):
                    inputs[name][row, length:] = PADDING

        def forward(leaves: Tensors, _: Tensor) -> Tensors:
            return network.forward(leaves, inputs)

        for name, value in forward(leaves_of(inputs), inputs["lengths"]).items():
            inputs[f"loss_{name}"] = uniform(tuple(value.shape), 1.0, generator)
        results = evaluate(forward, inputs)
        tensors |= stored(network.name, network.name, inputs, results)
    return tensors


def dense_shapes(name: str, features: int, outputs: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (features, outputs)}
    return shapes | ({f"{name}.bias": (outputs,)} if bias else {})


def dense(p: Tensors, name: str, x: Tensor) -> Tensor:
    y = x @ p[f"{name}.weight"]
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def stack_shapes(name: str, kind: str, features: int, layers: int, bidirectional: bool) -> Shapes:
    """The parameters of a stack; `kind` is Rnn, Lstm or Gru."""
    gates = {"Rnn": 1, "Lstm": 4, "Gru": 3}[kind] * HIDDEN
    directions = ["forward", "reverse"] if bidirectional else ["forward"]
    shapes: Shapes = {}
    for layer, direction in product(range(layers), directions):
        cell = f"{name}.{kind}.layers.{layer}.{direction}"
        width = features if layer == 0 else HIDDEN * len(directions)
        shapes[f"{cell}.gates.w_ih"] = (width, gates)
        shapes[f"{cell}.gates.w_hh"] = (HIDDEN, gates)
        shapes[f"{cell}.gates.bias"] = (gates,)
        if kind == "Gru":
            shapes[f"{cell}.bias_hn"] = (HIDDEN,)
    return shapes


State = tuple[Tensor, ...]
"""The hidden state, and an LSTM's cell state."""


def cell_step(p: Tensors, cell: str, kind: str, x: Tensor, state: State) -> State:
    """One step of one row, with PyTorch's own equations."""
    bias = p[f"{cell}.gates.bias"]
    second = torch.zeros_like(bias)
    if kind == "Gru":
        second = torch.cat([second[: 2 * HIDDEN], p[f"{cell}.bias_hn"]])
    weights = [p[f"{cell}.gates.w_ih"].T, p[f"{cell}.gates.w_hh"].T, bias, second]
    rows = tuple(part[None] for part in state)
    match kind:
        case "Lstm":
            rows = torch.lstm_cell(x[None], rows, *weights)
        case "Gru":
            rows = (torch.gru_cell(x[None], rows[0], *weights),)
        case _:
            rows = (torch.rnn_tanh_cell(x[None], rows[0], *weights),)
    return tuple(part[0] for part in rows)


def stack(
    p: Tensors, name: str, kind: str, x: Tensor, initial: State | None = None
) -> tuple[Tensor, State]:
    """One row, x [time, features] without padding, through a stack: its outputs
    [time, directions * hidden] and its final state, [layers * directions, hidden] each."""
    zeros = (x.new_zeros(HIDDEN),) * (2 if kind == "Lstm" else 1)
    finals: list[State] = []
    layer = 0
    while f"{name}.{kind}.layers.{layer}.forward.gates.w_ih" in p:
        sides = []
        for direction in ("forward", "reverse"):
            cell = f"{name}.{kind}.layers.{layer}.{direction}"
            if f"{cell}.gates.w_ih" not in p:
                continue
            state = zeros if initial is None else tuple(part[len(finals)] for part in initial)
            steps = x if direction == "forward" else x.flip(0)
            outputs = []
            for step in steps:
                state = cell_step(p, cell, kind, step, state)
                outputs.append(state[0])
            side = torch.stack(outputs)
            sides.append(side if direction == "forward" else side.flip(0))
            finals.append(state)
        x = torch.cat(sides, dim=-1)
        layer += 1
    return x, tuple(torch.stack(part) for part in zip(*finals))


def padded(rows: list[Tensor], time: int) -> Tensor:
    """Rows of different lengths in one tensor, with zeros past their ends."""
    zeros = [row.new_zeros(time - len(row), *row.shape[1:]) for row in rows]
    return torch.stack([torch.cat([row, past]) for row, past in zip(rows, zeros)])


def state_results(states: list[State]) -> Tensors:
    """The rows' final states as [layers * directions, batch, hidden]."""
    parts = [torch.stack(part, dim=1) for part in zip(*states)]
    return dict(zip(("h_n", "c_n"), parts))


def attention_shapes(prefix: str, kind: str, query: int, key: int, hidden: int) -> Shapes:
    match kind:
        case "general":
            return dense_shapes(f"{prefix}key", key, query, bias=False)
        case "additive":
            return (
                dense_shapes(f"{prefix}query", query, hidden, bias=False)
                | dense_shapes(f"{prefix}key", key, hidden, bias=False)
                | dense_shapes(f"{prefix}energy", hidden, 1, bias=False)
            )
        case _:
            return {}


def attend(p: Tensors, prefix: str, query: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """One query [query] at the real keys [length, key] of its row: context and weights."""
    if f"{prefix}energy.weight" in p:
        sums = [dense(p, f"{prefix}query", query) + dense(p, f"{prefix}key", key) for key in keys]
        scores = [dense(p, f"{prefix}energy", torch.tanh(both))[0] for both in sums]
    elif f"{prefix}key.weight" in p:
        scores = [query @ dense(p, f"{prefix}key", key) / len(query) ** 0.5 for key in keys]
    else:
        scores = [query @ key / len(query) ** 0.5 for key in keys]
    weights = torch.softmax(torch.stack(scores), dim=0)
    return weights @ keys, weights


def attention(kind: str) -> Network:
    query_size = 3 if kind == "dot" else 2

    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        contexts, weights = [], []
        for queries, keys, length in zip(p["query"], p["keys"], inputs["lengths"]):
            pairs = [attend(p, "", query, keys[:length]) for query in queries]
            contexts.append(torch.stack([context for context, _ in pairs]))
            weights.append(padded([weights for _, weights in pairs], TIME))
        return {"context": torch.stack(contexts), "weights": torch.stack(weights)}

    inputs = {"query": (BATCH, TARGET_TIME, query_size), "keys": (BATCH, TIME, 3)}
    return Network(kind, inputs | attention_shapes("", kind, query_size, 3, 4), {}, forward)


# The labels of each row's target; a blank is the first or the last of six labels.
CTC_TARGETS = ([1, 1, 2, 3], [4], [2, 3, 2])


def ctc(name: str, blank: int) -> Network:
    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        log_probs = p["logits"].log_softmax(dim=2).transpose(0, 1)
        targets = torch.tensor([label for target in CTC_TARGETS for label in target])
        sizes = torch.tensor([len(target) for target in CTC_TARGETS])
        return {"losses": ctc_loss(log_probs, targets, inputs["lengths"], sizes, blank, reduction="none")}

    return Network(name, {"logits": (BATCH, 2 * TIME, 6)}, {}, forward, patch=2)


def output_shapes(tied: bool, embedding: int, vocab: int) -> Shapes:
    if not tied:
        return dense_shapes("output", HIDDEN, vocab)
    projection = dense_shapes("output.projection", HIDDEN, embedding) if embedding != HIDDEN else {}
    return projection | {"output.bias": (vocab,)}


def token_logits(p: Tensors, hidden: Tensor, embedding: str) -> Tensor:
    if "output.projection.weight" in p:
        hidden = dense(p, "output.projection", hidden)
    if "output.weight" in p:
        return dense(p, "output", hidden)
    return hidden @ p[embedding].T + p["output.bias"]


def language(name: str, kind: str, layers: int, embedding: int, tied: bool) -> Network:
    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        logits, states = [], []
        for row, ids in enumerate(inputs["ids"]):
            initial = tuple(p[part][:, row] for part in ("h0", "c0") if part in p)
            hidden, state = stack(p, "recurrent", kind, p["embedding.weight"][ids], initial)
            logits.append(token_logits(p, hidden, "embedding.weight"))
            states.append(state)
        return {"logits": torch.stack(logits)} | state_results(states)

    parts = ["h0", "c0"] if kind == "Lstm" else ["h0"]
    shapes = {part: (layers, BATCH, HIDDEN) for part in parts}
    shapes |= {"embedding.weight": (SOURCE_VOCAB, embedding)}
    shapes |= stack_shapes("recurrent", kind, embedding, layers, False)
    shapes |= output_shapes(tied, embedding, SOURCE_VOCAB)
    return Network(name, shapes, {"ids": (SOURCE_VOCAB, TIME)}, forward)


def seq2seq(
    name: str,
    kind: str,
    layers: int = 1,
    embedding: int | None = EMBEDDING,
    bidirectional: bool = False,
    score: str | None = None,
    tied: bool = False,
    shared: bool = False,
    copy_except: tuple[int, ...] | None = None,
) -> Network:
    directions = 2 if bidirectional else 1
    # Both sides have one vocabulary and one embedding.
    target_vocab = SOURCE_VOCAB if shared else TARGET_VOCAB
    target_side = "source" if shared else "target"
    # A dot product needs keys of the queries' size.
    summed = bidirectional and score == "dot"
    key = HIDDEN if summed else directions * HIDDEN

    def vectors(p: Tensors, side: str, vocab: int, ids: Tensor) -> Tensor:
        if embedding is None:
            return nn.functional.one_hot(ids, vocab).double()
        return p[f"{side}.embedding.weight"][ids]

    def bridge(p: Tensors, state: State) -> State:
        if not bidirectional:
            return state
        joined = [torch.cat([part[0::2], part[1::2]], dim=-1) for part in state]
        hidden = torch.tanh(dense(p, "bridge.hidden", joined[0]))
        return (hidden, *(dense(p, "bridge.cell", part) for part in joined[1:]))

    def copied(p: Tensors, logits: Tensor, hidden: Tensor, weights: Tensor, source: Tensor) -> Tensor:
        """The log-probabilities of one step, token by token of the source."""
        gate = torch.sigmoid(dense(p, "copy.gate", hidden))
        pointed = [torch.zeros((), dtype=torch.float64)] * len(logits)
        for token, weight in zip(source.tolist(), weights):
            if token not in copy_except:
                pointed[token] = pointed[token] + (1 - gate[0]) * weight
        pointer = torch.stack(pointed)
        return torch.log((1 - pointer.sum()) * torch.softmax(logits, dim=0) + pointer)

    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        logits, states, attended = [], [], []
        for source, target, length in zip(inputs["source"], inputs["inputs"], inputs["lengths"]):
            x = vectors(p, "source", SOURCE_VOCAB, source[:length])
            keys, state = stack(p, "encoder", kind, x)
            x = vectors(p, target_side, target_vocab, target)
            hidden, state = stack(p, "decoder", kind, x, bridge(p, state))
            if score is not None:
                keys = keys[:, :HIDDEN] + keys[:, HIDDEN:] if summed else keys
                pairs = [attend(p, "attention.score.", query, keys) for query in hidden]
                context = torch.stack([context for context, _ in pairs])
                joined = torch.cat([context, hidden], dim=-1)
                hidden = torch.tanh(dense(p, "attention.combine", joined))
                attended.append(padded([weights for _, weights in pairs], TIME))
            row = token_logits(p, hidden, f"{target_side}.embedding.weight")
            if copy_except is not None:
                steps = zip(row, hidden, pairs)
                row = torch.stack(
                    [copied(p, step, h, weights, source[:length]) for step, h, (_, weights) in steps]
                )
            logits.append(row)
            states.append(state)
        weights = {"weights": torch.stack(attended)} if attended else {}
        return {"logits": torch.stack(logits)} | state_results(states) | weights

    shapes: Shapes = {}
    if embedding is not None:
        shapes["source.embedding.weight"] = (SOURCE_VOCAB, embedding)
        if not shared:
            shapes["target.embedding.weight"] = (TARGET_VOCAB, embedding)
    shapes |= stack_shapes("encoder", kind, embedding or SOURCE_VOCAB, layers, bidirectional)
    if bidirectional:
        shapes |= dense_shapes("bridge.hidden", 2 * HIDDEN, HIDDEN)
        if kind == "Lstm":
            shapes |= dense_shapes("bridge.cell", 2 * HIDDEN, HIDDEN)
    shapes |= stack_shapes("decoder", kind, embedding or target_vocab, layers, False)
    if score is not None:
        shapes |= attention_shapes("attention.score.", score, HIDDEN, key, HIDDEN)
        shapes |= dense_shapes("attention.combine", key + HIDDEN, HIDDEN, bias=False)
    if copy_except is not None:
        shapes |= dense_shapes("copy.gate", HIDDEN, 1)
    shapes |= output_shapes(tied, embedding or 0, target_vocab)
    ids = {"source": (SOURCE_VOCAB, TIME), "inputs": (target_vocab, TARGET_TIME)}
    return Network(name, shapes, ids, forward)


def read_rows(p: Tensors, inputs: Tensors) -> list[Tensor]:
    """The valid steps [length, features] of each row: embedded ids, or real values."""
    rows = p["values"] if "values" in p else inputs["ids"]
    valid = [row[:length] for row, length in zip(rows, inputs["lengths"])]
    return valid if "values" in p else [p["embedding.weight"][ids] for ids in valid]


def read_shapes(values: bool) -> tuple[Shapes, dict[str, tuple[int, int]]]:
    """The shapes and the ids of an input of real values, or of an embedding and its ids."""
    if values:
        return {"values": (BATCH, TIME, INPUT)}, {}
    return {"embedding.weight": (SOURCE_VOCAB, EMBEDDING)}, {"ids": (SOURCE_VOCAB, TIME)}


def classifier(name: str, pooling: str, kind: str = "Lstm", values: bool = False) -> Network:
    features = 2 * HIDDEN

    def pool(p: Tensors, outputs: Tensor, state: State) -> tuple[Tensor, Tensor | None]:
        match pooling:
            case "last":
                return state[0][-2:].flatten(), None
            case "mean":
                return outputs.mean(dim=0), None
            case "max":
                return outputs.amax(dim=0), None
            case _:
                hidden = torch.tanh(dense(p, "attention.hidden", outputs))
                energy = dense(p, "attention.energy", hidden)
                weights = torch.softmax(energy[:, 0], dim=0)
                return weights @ outputs, weights

    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        pooled = [pool(p, *stack(p, "recurrent", kind, x)) for x in read_rows(p, inputs)]
        results = {"logits": dense(p, "dense", torch.stack([vector for vector, _ in pooled]))}
        weights = [weights for _, weights in pooled if weights is not None]
        return results | ({"weights": padded(weights, TIME)} if weights else {})

    shapes, ids = read_shapes(values)
    shapes |= stack_shapes("recurrent", kind, INPUT if values else EMBEDDING, 2, True)
    if pooling == "attention":
        shapes |= dense_shapes("attention.hidden", features, features)
        shapes |= dense_shapes("attention.energy", features, 1, bias=False)
    shapes |= dense_shapes("dense", features, CLASSES)
    return Network(name, shapes, ids, forward)


def tagger(name: str, kind: str, layers: int, bidirectional: bool, values: bool) -> Network:
    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        rows = [stack(p, "recurrent", kind, x)[0] for x in read_rows(p, inputs)]
        # As after `pad_packed_sequence`, zeros past a row's end go through the dense layer.
        return {"logits": dense(p, "dense", padded(rows, TIME))}

    shapes, ids = read_shapes(values)
    shapes |= stack_shapes("recurrent", kind, INPUT if values else EMBEDDING, layers, bidirectional)
    shapes |= dense_shapes("dense", 2 * HIDDEN if bidirectional else HIDDEN, TAGS)
    return Network(name, shapes, ids, forward)


FORECAST_FEATURES, FORECAST_HORIZON, FORECAST_FUTURE, FORECAST_SERIES = 3, 4, 2, 2


def forecast(
    name: str,
    kind: str,
    layers: int,
    targets: list[int],
    *,
    outputs: int = 1,
    patch: int = 1,
    season: int = 1,
    decoder: bool = False,
    lags: tuple[int, ...] = (),
    series: bool = False,
) -> Network:
    """`targets` are features; a season and the lags are counted in steps back."""
    horizon, width = FORECAST_HORIZON, len(targets) * outputs

    def side(p: Tensors, name: str, x: Tensor, initial: list[State | None]) -> tuple[Tensor, list]:
        finals = []
        for layer, state in enumerate(initial):
            x, final = stack(p, f"{name}.{layer}", kind, x, state)
            finals.append(final)
        return x, finals

    def forward(p: Tensors, inputs: Tensors) -> Tensors:
        rows = []
        for row, length in enumerate(inputs["lengths"].tolist()):
            past = p["values"][row, :length]

            def steps(x: Tensor) -> Tensor:
                x = x.reshape(len(x) // patch, -1)
                if not series:
                    return x
                vector = p["series.weight"][inputs["series_ids"][row, 0]]
                return torch.cat([x, vector.expand(len(x), -1)], dim=1)

            x, states = side(p, "layers", steps(past), [None] * layers)
            if decoder:
                known = [p["future"][row]]
                for lag in lags:
                    before = [length - lag + step for step in range(horizon)]
                    known.append(past[before][:, targets])
                x, _ = side(p, "decoder", steps(torch.cat(known, dim=1)), states)
            else:
                x = x[-1]
            forecast = dense(p, "dense", x).reshape(horizon, width)
            base = torch.zeros_like(forecast)
            for step in range(horizon):
                base[step, ::outputs] = past[length - season + step % season, targets]
            rows.append(forecast + base)
        return {"forecast": torch.stack(rows)}

    vector = EMBEDDING if series else 0
    shapes: Shapes = {"values": (BATCH, TIME * patch, FORECAST_FEATURES)}
    shapes |= {"series.weight": (FORECAST_SERIES + 1, EMBEDDING)} if series else {}
    shapes |= {"future": (BATCH, horizon, FORECAST_FUTURE)} if decoder else {}
    read = {"layers": FORECAST_FEATURES, "decoder": FORECAST_FUTURE + len(lags) * len(targets)}
    for name_of_side in ("layers", "decoder") if decoder else ("layers",):
        for layer in range(layers):
            features = HIDDEN if layer else patch * read[name_of_side] + vector
            shapes |= stack_shapes(f"{name_of_side}.{layer}", kind, features, 1, False)
    shapes |= dense_shapes("dense", HIDDEN, (patch if decoder else horizon) * width)
    ids = {"series_ids": (FORECAST_SERIES + 1, 1)} if series else {}
    return Network(name, shapes, ids, forward, patch)


NETWORKS = {
    "attention": [attention(kind) for kind in ("dot", "general", "additive")],
    "ctc": [ctc("blank-first", 0), ctc("blank-last", 5)],
    "language": [
        language("rnn-untied", "Rnn", 1, EMBEDDING, tied=False),
        language("gru-tied", "Gru", 1, HIDDEN, tied=True),
        language("lstm-tied-projected", "Lstm", 2, EMBEDDING, tied=True),
    ],
    "seq2seq": [
        seq2seq("lstm-one-hot", "Lstm", embedding=None),
        seq2seq("gru-two-layers", "Gru", layers=2),
        seq2seq("rnn-general", "Rnn", score="general"),
        seq2seq("lstm-bi", "Lstm", layers=2, bidirectional=True),
        seq2seq("lstm-bi-dot-tied", "Lstm", bidirectional=True, score="dot", tied=True),
        seq2seq(
            "gru-bi-general-tied",
            "Gru",
            embedding=HIDDEN,
            bidirectional=True,
            score="general",
            tied=True,
        ),
        seq2seq("lstm-bi-additive", "Lstm", layers=2, bidirectional=True, score="additive"),
        seq2seq("lstm-bi-general-shared", "Lstm", bidirectional=True, score="general", shared=True),
        seq2seq(
            "lstm-bi-general-copy",
            "Lstm",
            embedding=HIDDEN,
            bidirectional=True,
            score="general",
            tied=True,
            shared=True,
            copy_except=(0, 3),
        ),
    ],
    "classifier": [
        classifier(pooling, pooling) for pooling in ("last", "mean", "max", "attention")
    ],
    "classifier-values": [
        classifier("rnn-last", "last", "Rnn", values=True),
        classifier("gru-mean", "mean", "Gru", values=True),
        classifier("lstm-attention", "attention", "Lstm", values=True),
    ],
    "tagger": [
        tagger("lstm-bi-ids", "Lstm", 2, bidirectional=True, values=False),
        tagger("gru-ids", "Gru", 1, bidirectional=False, values=False),
        tagger("rnn-bi-values", "Rnn", 1, bidirectional=True, values=True),
        tagger("gru-values", "Gru", 2, bidirectional=False, values=True),
    ],
    "forecast": [
        forecast("lstm-last-value", "Lstm", 2, [2, 0]),
        forecast("rnn-patches-quantiles", "Rnn", 1, [1], outputs=3, patch=2, season=3),
        forecast("gru-decoder", "Gru", 2, [1, 2], decoder=True, season=2),
        forecast(
            "lstm-decoder-series",
            "Lstm",
            2,
            [2, 0],
            outputs=2,
            patch=4,
            season=8,
            decoder=True,
            lags=(4, 7),
            series=True,
        ),
    ],
}


def golden(name: str) -> Tensors:
    """All tensors of a file."""
    return golden_cell(name) if name in GATES else golden_networks(NETWORKS[name])


def differences(actual: Tensors, expected: Tensors) -> list[str]:
    """One line for each tensor that is not within TOLERANCE of what was expected."""
    lines = []
    for key in sorted(actual.keys() | expected.keys()):
        if key not in actual or key not in expected:
            lines.append(f"{key}: {'missing' if key not in actual else 'unexpected'}")
            continue
        a, b = actual[key], expected[key]
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            found, wanted = (f"{list(t.shape)} of {t.dtype}" for t in (a, b))
            lines.append(f"{key}: {found}, expected {wanted}")
        elif not torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE):
            lines.append(f"{key}: differs by up to {(a - b).abs().max():.3g}")
    return lines


def sort_metadata(data: bytes) -> bytes:
    """The same safetensors file with its metadata sorted.

    The library leaves them in an order that changes from run to run, but equal tensors
    must give equal files. Nothing moves: the header keeps its length.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    return data[:8] + text + data[8 + length :]


def write(name: str, path: Path) -> None:
    tensors = golden(name)
    metadata = {"torch": torch.__version__, "script": "scripts/golden.py", "seed": str(SEED)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sort_metadata(save(tensors, metadata)))
    cases = {key.split("/")[0] for key in tensors}
    print(f"{path.name}: {len(cases)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")


def check(name: str, path: Path) -> bool:
    """Whether the file at `path` holds what this script computes; prints what it does not."""
    if not path.exists():
        print(f"{path.name}: missing")
        return False
    wrong = differences(load_file(path), golden(name))
    for line in wrong:
        print(f"{path.name}: {line}")
    if not wrong:
        print(f"{path.name}: agrees")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the golden tensors.")
    parser.add_argument(
        "--check", action="store_true", help="compare the files with a new computation instead"
    )
    arguments = parser.parse_args()

    # A sum's order depends on the number of threads, and the files must not.
    torch.set_num_threads(1)
    paths = {name: GOLDENS / f"{name}.safetensors" for name in [*GATES, *NETWORKS]}
    if arguments.check:
        agreed = [check(name, path) for name, path in paths.items()]
        return 0 if all(agreed) else 1
    for name, path in paths.items():
        write(name, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
