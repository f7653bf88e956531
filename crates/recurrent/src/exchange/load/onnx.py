"""Runs the network of this folder in ONNX Runtime, and compares it with the outputs in `example.safetensors`.

    pip install onnxruntime safetensors numpy
    python load.py

`model.onnx` has the inputs `ids`, `features`, `lengths`, and the initial states `h_0` and `c_0`, of which it takes what
`config.json` says.
"""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from safetensors.numpy import load_file


def initial_state(config: dict, batch: int) -> dict:
    """Zeros, for a network with an output at each step. The next call takes `h_n` and `c_n` in their place."""
    state = {}
    for index, of in enumerate(config["recurrent"]):
        prefix = f"s{index}_" if index > 0 else ""
        shape = (of["num_layers"] * (2 if of["bidirectional"] else 1), batch, of["hidden_size"])
        for part in ["h", "c"] if of["cell"] == "lstm" else ["h"]:
            state[f"{prefix}{part}_0"] = numpy.zeros(shape, numpy.float32)
    return state


def load(folder: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def main() -> int:
    folder = Path(__file__).resolve().parent
    config = json.loads((folder / "config.json").read_text())
    example = load_file(folder / "example.safetensors")
    expected = example.pop("output")
    if config["head"] == "each_step":
        example |= initial_state(config, len(expected))
    [output] = load(folder).run(["output"], example)
    difference = float(numpy.abs(output - expected).max())
    print(f"the outputs differ by at most {difference:.2g}")
    return 0 if difference < 1e-5 * max(1.0, float(numpy.abs(expected).max())) else 1


if __name__ == "__main__":
    sys.exit(main())
