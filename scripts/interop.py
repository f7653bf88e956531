"""Runs what recurrent-zoo exports in PyTorch, Keras and ONNX Runtime.

    python3 -m venv .venv
    .venv/bin/pip install torch safetensors numpy keras h5py onnx onnxruntime
    .venv/bin/python scripts/interop.py --check

exports layers of every kind with `cargo run -p recurrent-zoo --features flex --example export_cases`, loads each file
strictly, and compares outputs and final states with those of the layers. `--folder` takes files that are there. Then it exports
pretrained models with `cargo run --release -p train`, or with `--program`, and runs the script in each export.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
import onnx
import onnxruntime
import torch
from keras import layers
from safetensors.torch import load_file
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 1e-5
LENGTHS = [5, 2, 3]
COMMAND = ["cargo", "run", "--quiet", "-p", "recurrent-zoo", "--features", "flex", "--example", "export_cases", "--"]
PROGRAM = ["cargo", "run", "--quiet", "--release", "-p", "train", "--"]
FORMATS = {
    "fables": ["pytorch", "keras", "onnx"],
    "sentiment-en": ["pytorch", "keras", "onnx"],
    "english-russian": ["pytorch"],
}

Results = dict[str, Tensor]


class Case:
    """A case by its name, such as `gru-after-2l-bi-bias`."""

    def __init__(self, name: str) -> None:
        self.name = name
        kind, num_layers, direction, bias = name.rsplit("-", 3)
        self.kind, self.num_layers = kind, int(num_layers.removesuffix("l"))
        self.bidirectional, self.bias = direction == "bi", bias == "bias"

    def torch_layer(self, input_size: int, hidden_size: int) -> nn.Module:
        options = dict(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            bias=self.bias,
            batch_first=True,
        )
        match self.kind:
            case "lstm":
                return nn.LSTM(**options)
            case "gru-after":
                return nn.GRU(**options)
            case _:
                return nn.RNN(**options, nonlinearity=self.kind.removeprefix("rnn-"))

    def keras_model(self, input_size: int, hidden_size: int) -> keras.Model:
        options = dict(units=hidden_size, return_sequences=True, use_bias=self.bias)
        stack = []
        for _ in range(self.num_layers):
            match self.kind:
                case "lstm":
                    layer = layers.LSTM(**options)
                case "gru-after" | "gru-before":
                    layer = layers.GRU(**options, reset_after=self.kind == "gru-after")
                case _:
                    layer = layers.SimpleRNN(**options, activation=self.kind.removeprefix("rnn-"))
            stack.append(layers.Bidirectional(layer) if self.bidirectional else layer)
        return keras.Sequential([keras.Input((None, input_size)), *stack])


def run_torch(case: Case, folder: Path, expected: Results, x: Tensor, hidden: int) -> Results:
    state = load_file(folder / "pytorch.safetensors")
    layer = case.torch_layer(x.shape[2], hidden)
    prefix = f"{case.name}."
    own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    layer.load_state_dict(own, strict=True)
    with torch.no_grad():
        output, final = layer(x)
        results = {"output": output}
        results |= dict(zip(["h_n", "c_n"], final if isinstance(final, tuple) else (final,)))
        initial = tuple(expected[f"{case.name}/{part}"] for part in ["h_0", "c_0"][: len(results) - 1])
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
        output, final = layer(packed, initial if len(initial) == 2 else initial[0])
        output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
        results["lengths/output"] = output
        finals = final if isinstance(final, tuple) else (final,)
        results |= dict(zip(["lengths/h_n", "lengths/c_n"], finals))
    return results


def run_keras(case: Case, folder: Path, x: Tensor, hidden: int) -> Results:
    model = case.keras_model(x.shape[2], hidden)
    for weight in model.weights:
        weight.assign(numpy.full(weight.shape, numpy.nan, "float32"))
    model.load_weights(folder / f"{case.name}.weights.h5")
    with torch.no_grad():
        return {"output": model(x).detach()}


def run_onnx(case: Case, folder: Path, expected: Results, x: Tensor) -> Results:
    results = {}
    for prefix, file in [("", f"{case.name}.onnx"), ("lengths/", f"{case.name}.lengths.onnx")]:
        path = folder / file
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        values = {
            "x": x.numpy(),
            "lengths": numpy.array(LENGTHS, numpy.int32),
            **{part: expected.get(f"{case.name}/{part}", x).numpy() for part in ["h_0", "c_0"]},
        }
        given = {of.name: values[of.name] for of in session.get_inputs()}
        names = [of.name for of in session.get_outputs()]
        for name, value in zip(names, session.run(names, given), strict=True):
            results[f"{prefix}{name}"] = torch.from_numpy(value)
    return results


def compare(folder: Path) -> int:
    """The number of results that differ."""
    expected = load_file(folder / "expected.safetensors")
    x = expected["x"]
    names = sorted({key.split("/")[0] for key in expected} - {"x"})
    wrong, count, largest = 0, 0, 0.0
    for case in map(Case, names):
        hidden = expected[f"{case.name}/h_n"].shape[2]
        results = {"keras": run_keras(case, folder, x, hidden), "onnx": run_onnx(case, folder, expected, x)}
        if case.kind != "gru-before":
            results["pytorch"] = run_torch(case, folder, expected, x, hidden)
        for framework, of in results.items():
            for key, value in of.items():
                ours = expected[f"{case.name}/{key}"]
                difference = (ours - value).abs().max().item() if ours.shape == value.shape else float("nan")
                count += 1
                largest = max(largest, difference)
                if not difference <= TOLERANCE:
                    wrong += 1
                    print(f"{framework} {case.name} {key}: differs by {difference:.3g}")
    print(f"{len(names)} layers, {count} results, {wrong} differ; the largest difference is {largest:.2g}")
    return wrong


def run_exports(program: list[str], folder: Path) -> int:
    """The number of exported models whose script fails."""
    wrong = 0
    for model, frameworks in FORMATS.items():
        for framework in frameworks:
            out = folder / f"{model}-{framework}"
            subprocess.run([*program, "export", f"zoo:{model}", "--format", framework, "--out", out], check=True, cwd=ROOT)
            result = subprocess.run([sys.executable, out / "load.py"], capture_output=True, text=True)
            print(f"zoo:{model} in {framework}: {result.stdout.strip() or result.stderr.strip()}")
            wrong += result.returncode != 0
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Run exported layers in PyTorch, Keras and ONNX Runtime.")
    parser.add_argument("--check", action="store_true", required=True, help="export, run and compare")
    parser.add_argument("--folder", type=Path, help="a folder of exported layers; they are made without it")
    parser.add_argument("--program", help="a built `train`; it is built without it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cases = arguments.folder or Path(folder) / "layers"
        if not arguments.folder:
            subprocess.run([*COMMAND, cases], check=True, cwd=ROOT)
        wrong = compare(cases)
        wrong += run_exports([arguments.program] if arguments.program else PROGRAM, Path(folder))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
