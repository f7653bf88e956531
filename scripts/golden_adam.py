"""Writes the golden losses of training with Adam in PyTorch, whose layers have two biases per gate.

    python3 -m venv .venv
    .venv/bin/pip install torch numpy
    .venv/bin/python scripts/golden_adam.py            # write the file
    .venv/bin/python scripts/golden_adam.py --check    # recompute and compare

It is crates/recurrent/tests/goldens/adam.json, with the version of PyTorch and a case for an RNN
and an LSTM of one layer. A case holds

    cell, lr
    x              [batch, time, input]
    target         [batch, time, hidden]; the loss is mean((output - target)^2)
    weights        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, before training
    losses         [step], before each step of `torch.optim.Adam` on all four, with Burn's epsilon

Everything is computed in float32, as it is trained.
"""

import sys

import torch
from torch import nn

from golden_gradients import BATCH, HIDDEN, INPUT, TIME, Json, drawn, run

SEED = 12
STEPS = 100
LR = 1e-2
# The default of Burn; that of PyTorch is 1e-8.
EPSILON = 1e-5
# Rounding differs between processors, and training carries it on.
TOLERANCE = 1e-4

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM}


def case(cell: str, generator: torch.Generator) -> Json:
    module = MODULES[cell](INPUT, HIDDEN, batch_first=True)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(drawn(tuple(parameter.shape), 0.8, generator))
    weights = {name: weight.tolist() for name, weight in module.named_parameters()}
    x = drawn((BATCH, TIME, INPUT), 1.0, generator).float()
    target = drawn((BATCH, TIME, HIDDEN), 1.0, generator).float()
    optimizer = torch.optim.Adam(module.parameters(), lr=LR, eps=EPSILON)
    losses = []
    for _ in range(STEPS):
        loss = (module(x)[0] - target).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"cell": cell, "lr": LR, "x": x.tolist(), "target": target.tolist(), "weights": weights, "losses": losses}


def golden() -> Json:
    generator = torch.Generator().manual_seed(SEED)
    return {"torch": torch.__version__, "seed": SEED, "cases": [case(cell, generator) for cell in MODULES]}


if __name__ == "__main__":
    sys.exit(run(golden, "adam.json", TOLERANCE))
