"""The cases that are timed.

A shape is a network and its batch, in 32 bits:

  keras    two layers of 50 on [32, 100, 1], a dense layer on the last step, the mean squared error
  seq2seq  an encoder of 128 on [32, 20, 100], its final state into a decoder of 128 on as much, a dense layer to 100
           symbols, the cross-entropy
  charlm   an embedding of 128 for 65 symbols, a layer of 512 on [64, 100], a dense layer to the symbols, the
           cross-entropy
  big      a layer of 1024 on [64, 50, 1024], the mean squared error
  stream   a layer of 256 on one row of 64 features, 1000 steps one by one with the state carried
  longN    keras with N steps
  gemm     a product of two square matrices: the peak of the machine

`infer` is a forward pass whose output is read back; `train` is a forward pass, the loss, a backward pass and a step of
Adam, and the loss is read back.
"""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Case:
    shape: str
    cell: str
    mode: str
    warm: int
    iterations: int

    @property
    def title(self) -> str:
        return f"{self.shape} {self.cell} {self.mode}"

    @property
    def operations(self) -> float | None:
        """Floating-point operations of a matrix product, or of a network that is nearly nothing but products."""
        if self.shape == "gemm":
            return 2.0 * int(self.cell) ** 3
        if self.shape == "big":
            gates = {"rnn": 1, "gru": 3, "lstm": 4}[self.cell]
            forward = 2.0 * 64 * 50 * (1024 + 1024) * gates * 1024
            # Backward: as many for the weights, half as many for the states, none for the input.
            return forward * (2.5 if self.mode == "train" else 1)
        return None

    @property
    def steps(self) -> int | None:
        """The length of the sequence, in the cases that vary it."""
        return int(self.shape.removeprefix("long")) if self.shape.startswith("long") else None


class Times:
    """The seconds that each program took for one case."""

    def __init__(self, case: Case):
        self.case = case
        self.walls: dict[str, list[float]] = {}

    def of(self, name: str) -> list[float]:
        return self.walls.setdefault(name, [])

    def best(self, name: str) -> float | None:
        return min(self.walls[name]) if self.walls.get(name) else None

    def __str__(self) -> str:
        lines = [self.case.title]
        for name, walls in self.walls.items():
            best, median = 1e3 * min(walls), 1e3 * statistics.median(walls)
            lines.append(f"  {name:10} best {best:10.3f} ms  median {median:10.3f} ms  of {len(walls)}")
        return "\n".join(lines)


ALL = [
    Case("gemm", "2048", "infer", 2, 8),
    Case("keras", "lstm", "infer", 3, 20),
    Case("keras", "gru", "infer", 3, 20),
    Case("keras", "lstm", "train", 3, 20),
    Case("keras", "gru", "train", 3, 20),
    Case("keras", "rnn", "train", 3, 20),
    Case("seq2seq", "lstm", "infer", 3, 20),
    Case("seq2seq", "lstm", "train", 3, 20),
    Case("charlm", "lstm", "infer", 1, 6),
    Case("charlm", "gru", "infer", 1, 6),
    Case("charlm", "lstm", "train", 1, 6),
    Case("charlm", "gru", "train", 1, 6),
    Case("big", "lstm", "infer", 1, 5),
    Case("big", "lstm", "train", 1, 5),
    Case("big", "gru", "train", 1, 5),
    Case("stream", "gru", "infer", 2, 5),
    Case("stream", "lstm", "infer", 2, 5),
    *(Case(f"long{steps}", "lstm", "train", 1, max(2, 1600 // steps)) for steps in (100, 200, 400, 800, 1600, 3200)),
]
