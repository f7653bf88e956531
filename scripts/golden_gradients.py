"""Writes the golden norms that the gradient-flow measure is tested against.

    python3 -m venv .venv
    .venv/bin/pip install torch numpy
    .venv/bin/python scripts/golden_gradients.py            # write the file
    .venv/bin/python scripts/golden_gradients.py --check    # recompute and compare

It is crates/recurrent/tests/goldens/gradients.json, with the version of PyTorch and a list of
cases: every cell, two layers deep, in one direction and in two, with a loss of the last output
and with one of all outputs. A case holds

    cell, bidirectional
    x              [batch, time, input]
    weights        weight_ih_l0, weight_hh_l0, bias_ih_l0, ..., weight_ih_l0_reverse, ...
    loss_output    [batch, time, directions * hidden]; the loss is sum(output * loss_output)
    norms          [layer * directions + direction][step], the norm of the gradient of the
                   hidden state over the batch and the units

The layers run step by step with `torch.lstm_cell`, `torch.gru_cell` and `torch.rnn_tanh_cell`, so
that autograd has the gradient of each hidden state; each run asserts that the output is that of
`torch.nn`. Inputs are drawn in float32 and everything is computed in float64.
"""

import argparse
import json
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

GOLDENS = Path(__file__).resolve().parents[1] / "crates/recurrent/tests/goldens"

SEED = 11
TOLERANCE = 1e-9

BATCH, TIME, INPUT, HIDDEN, LAYERS = 2, 7, 2, 3, 2

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STEPS = {"rnn": torch.rnn_tanh_cell, "lstm": torch.lstm_cell, "gru": torch.gru_cell}

Json = dict[str, Any]


def drawn(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(shape, dtype=torch.float32).uniform_(-bound, bound, generator=generator).double()


def norm(state: Tensor) -> float:
    # A state that the loss does not depend on has no gradient.
    return 0.0 if state.grad is None else state.grad.norm().item()


def scan(cell: str, x: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """The hidden states of one layer in one direction, x [time, batch, features]."""
    zeros = x.new_zeros(BATCH, HIDDEN)
    state: Any = (zeros, zeros) if cell == "lstm" else zeros
    states = []
    for step in x:
        state = STEPS[cell](step, state, *weights)
        states.append(state[0] if cell == "lstm" else state)
        states[-1].retain_grad()
    return states


def case(cell: str, bidirectional: bool, last: bool, generator: torch.Generator) -> Json:
    suffixes = ["", "_reverse"] if bidirectional else [""]
    module = MODULES[cell](
        INPUT, HIDDEN, LAYERS, batch_first=True, bidirectional=bidirectional, dtype=torch.float64
    )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(drawn(tuple(parameter.shape), 0.8, generator))
    weights = dict(module.named_parameters())
    x = drawn((BATCH, TIME, INPUT), 1.0, generator)
    loss_output = drawn((BATCH, TIME, HIDDEN * len(suffixes)), 1.0, generator)
    if last:
        loss_output[:, :-1] = 0.0

    rows: list[list[Tensor]] = []
    output = x
    for layer in range(LAYERS):
        sides = []
        for suffix in suffixes:
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            own = [weights[f"{name}_l{layer}{suffix}"] for name in names]
            steps = output.transpose(0, 1)
            if suffix:
                states = scan(cell, steps.flip(0), own)[::-1]
            else:
                states = scan(cell, steps, own)
            rows.append(states)
            sides.append(torch.stack(states, dim=1))
        output = torch.cat(sides, dim=-1)
    expected, _ = module(x)
    assert torch.allclose(output, expected, rtol=0, atol=1e-12), f"not torch.nn's {cell}"
    (output * loss_output).sum().backward()

    return {
        "cell": cell,
        "bidirectional": bidirectional,
        "x": x.tolist(),
        "weights": {name: weight.tolist() for name, weight in weights.items()},
        "loss_output": loss_output.tolist(),
        "norms": [[norm(state) for state in states] for states in rows],
    }


def golden() -> Json:
    generator = torch.Generator().manual_seed(SEED)
    choices = product(MODULES, [False, True], [True, False])
    cases = [case(cell, bidirectional, last, generator) for cell, bidirectional, last in choices]
    return {"torch": torch.__version__, "seed": SEED, "cases": cases}


def differences(actual: Any, expected: Any, tolerance: float, where: str = "") -> list[str]:
    """One line for each pair of values that differ by more than the tolerance."""
    if isinstance(actual, float) and isinstance(expected, float):
        return [] if abs(actual - expected) <= tolerance else [f"{where}: {actual}, expected {expected}"]
    if isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        return [line for key in actual for line in differences(actual[key], expected[key], tolerance, f"{where}/{key}")]
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        pairs = enumerate(zip(actual, expected))
        return [line for index, (a, b) in pairs for line in differences(a, b, tolerance, f"{where}/{index}")]
    return [] if actual == expected else [f"{where}: {actual}, expected {expected}"]


def run(golden: Callable[[], Json], name: str, tolerance: float) -> int:
    """Writes a golden file, or compares it with a new computation; returns the exit status."""
    parser = argparse.ArgumentParser(description=f"Write or check {name}.")
    parser.add_argument("--check", action="store_true", help="compare the file with a new computation instead")
    arguments = parser.parse_args()

    # A sum's order depends on the number of threads, and the file must not.
    torch.set_num_threads(1)
    path = GOLDENS / name
    computed = golden()
    if not arguments.check:
        head = {key: value for key, value in computed.items() if key != "cases"}
        # One line per case, so that a diff shows which cases changed.
        cases = ",\n".join(json.dumps(case) for case in computed["cases"])
        path.write_text(f'{json.dumps(head)[:-1]}, "cases": [\n{cases}\n]}}\n')
        print(f"{path.name}: {len(computed['cases'])} cases, {path.stat().st_size} bytes")
        return 0
    wrong = differences(json.loads(path.read_text())["cases"], computed["cases"], tolerance)
    for line in wrong:
        print(f"{path.name}: {line}")
    if not wrong:
        print(f"{path.name}: agrees")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run(golden, "gradients.json", TOLERANCE))
