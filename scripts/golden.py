"""Writes the golden tensors that the recurrent layers are tested against.

    python3 -m venv .venv
    .venv/bin/pip install torch safetensors numpy
    .venv/bin/python scripts/golden.py            # write the files
    .venv/bin/python scripts/golden.py --check    # recompute and compare

There is one file for each kind of cell, in crates/recurrent-models/tests/goldens.
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

Past a row's length `x` is PADDING, which is far from anything else in it: a layer that
reads it cannot agree with these files.

All but one kind come from `torch.nn`. The GRU that applies its reset gate before the
product (Cho et al. 2014) is not in PyTorch, so it comes from `explicit_gru` below. The
same code also knows PyTorch's variant, and each run asserts that it agrees with
`torch.nn.GRU` there. Both GRU files hold the same inputs and weights.

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
        """What PyTorch puts behind a parameter's name for each direction."""
        return ["", "_reverse"] if self.bidirectional else [""]

    @property
    def lengths(self) -> list[int]:
        if not self.ragged:
            return [TIME] * BATCH
        # The second has its longest row in the middle, and none that fills the time axis.
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
    """Everything that defines a case: x, lengths, initial state, weights and loss weights."""
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


def evaluate(forward: Forward, inputs: Tensors) -> Tensors:
    """The results of a forward pass, and the gradients of the loss, in float64."""
    leaves = {
        name: nn.Parameter(value.double())
        for name, value in inputs.items()
        if name != "lengths" and not name.startswith("loss_")
    }
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


def golden(kind: str) -> Tensors:
    """All tensors of a kind's file."""
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for case in CASES:
        inputs = draw_inputs(kind, case, generator)
        results = evaluate_case(kind, case, inputs)
        dead = [name for name, value in results.items() if not value.any()]
        assert not dead, f"{kind}, {case.name}: zeros test nothing: {dead}"
        for name, value in (inputs | results).items():
            stored = value.float() if value.is_floating_point() else value
            tensors[f"{case.name}/{name}"] = stored.contiguous()
    return tensors


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


def write(kind: str, path: Path) -> None:
    tensors = golden(kind)
    metadata = {"torch": torch.__version__, "script": "scripts/golden.py", "seed": str(SEED)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sort_metadata(save(tensors, metadata)))
    print(f"{path.name}: {len(CASES)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")


def check(kind: str, path: Path) -> bool:
    """Whether the file at `path` holds what this script computes; prints what it does not."""
    if not path.exists():
        print(f"{path.name}: missing")
        return False
    wrong = differences(load_file(path), golden(kind))
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
    paths = {kind: GOLDENS / f"{kind}.safetensors" for kind in GATES}
    if arguments.check:
        agreed = [check(kind, path) for kind, path in paths.items()]
        return 0 if all(agreed) else 1
    for kind, path in paths.items():
        write(kind, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
