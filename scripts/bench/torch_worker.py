"""PyTorch's layers on the cases of `cases.py`, asked as `worker.py` says.

usage: torch_worker.py [cpu|cuda]
"""
import os
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
DEVICE = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
# batch, time, input, hidden, symbols
SIZES = {
    "seq2seq": (32, 20, 100, 128, 100),
    "charlm": (64, 100, 128, 512, 65),
    "big": (64, 50, 1024, 1024, None),
    "stream": (1, 1000, 64, 256, None),
}


class Skip(Exception):
    """There is no such case."""


def sizes(shape: str) -> tuple:
    if shape == "keras" or shape.startswith("long"):
        return 32, int(shape.removeprefix("long")) if shape != "keras" else 100, 1, 50, None
    if shape not in SIZES:
        raise Skip(f"unknown shape {shape}")
    return SIZES[shape]


class Network(nn.Module):
    """A network, its batch, and its loss."""

    def __init__(self, shape: str, cell: str):
        super().__init__()
        self.shape = "forecast" if shape == "keras" or shape.startswith("long") else shape
        batch, steps, inputs, hidden, symbols = sizes(shape)
        layer = lambda features: CELLS[cell](features, hidden, batch_first=True)
        self.bottom = layer(inputs)
        if self.shape == "forecast":
            self.top, self.dense = layer(hidden), nn.Linear(hidden, 1)
        if self.shape == "seq2seq":
            self.top, self.dense = layer(inputs), nn.Linear(hidden, symbols)
        if self.shape == "charlm":
            self.embedding, self.dense = nn.Embedding(symbols, inputs), nn.Linear(hidden, symbols)
        self.to(DEVICE)

        self.x = torch.randn(batch, steps, inputs, device=DEVICE)
        self.decoded = torch.randn(batch, steps, inputs, device=DEVICE)
        self.ids = torch.randint(symbols or 2, (batch, steps), device=DEVICE)
        if symbols:
            self.target = torch.randint(symbols, (batch * steps,), device=DEVICE)
        else:
            self.target = torch.randn((batch, 1) if self.shape == "forecast" else (batch, steps, hidden), device=DEVICE)

    def forward(self) -> Tensor:
        if self.shape == "forecast":
            return self.dense(self.top(self.bottom(self.x)[0])[0][:, -1])
        if self.shape == "seq2seq":
            return self.dense(self.top(self.decoded, self.bottom(self.x)[1])[0])
        if self.shape == "charlm":
            return self.dense(self.bottom(self.embedding(self.ids))[0])
        return self.bottom(self.x)[0]

    def loss(self) -> Tensor:
        output = self()
        if self.shape in ("seq2seq", "charlm"):
            return functional.cross_entropy(output.flatten(0, 1), self.target)
        return functional.mse_loss(output, self.target)


def product(asked: str) -> Callable[[], object]:
    numbers = [int(number) for number in asked.split("x")]
    rows, inner, columns = numbers if len(numbers) == 3 else numbers * 3
    left, right = torch.rand(rows, inner, device=DEVICE), torch.rand(inner, columns, device=DEVICE)
    return lambda: left @ right


def stream(network: Network) -> Callable[[], object]:
    steps = [step.contiguous() for step in network.x.split(1, 1)]

    def run() -> None:
        state = None
        for step in steps:
            output, state = network.bottom(step, state)
            output.cpu().numpy()

    return run


def train(network: Network) -> Callable[[], object]:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def run() -> float:
        optimizer.zero_grad()
        loss = network.loss()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def work(shape: str, cell: str, mode: str) -> Callable[[], object]:
    """What an iteration does."""
    if shape == "gemm":
        return product(cell)
    if cell not in CELLS:
        raise Skip(f"unknown cell {cell}")
    network = Network(shape, cell)
    if shape == "stream":
        return stream(network.eval())
    if mode == "train":
        return train(network)
    network.eval()
    return lambda: network().cpu().numpy()


def timed(run: Callable[[], object]) -> str:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return f"{time.perf_counter() - wall:.9f}:{time.process_time() - cpu:.9f}"


def answer(shape: str, cell: str, mode: str, warm: str, iterations: str) -> str:
    try:
        run = work(shape, cell, mode)
    except Skip as why:
        return f"SKIP {why}"
    with torch.inference_mode(mode == "infer"):
        for _ in range(int(warm)):
            run()
        return " ".join(["OK", *(timed(run) for _ in range(int(iterations)))])


def main() -> None:
    torch.set_num_threads(int(os.environ.get("NT", "2")))
    print(f"READY torch {torch.__version__}, {DEVICE.type}, {torch.get_num_threads()} threads", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        if words:
            print(answer(*words), flush=True)


if __name__ == "__main__":
    main()
