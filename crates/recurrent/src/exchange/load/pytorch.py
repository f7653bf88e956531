"""Loads the network of this folder into PyTorch, and compares it with the outputs in `example.safetensors`.

    pip install torch safetensors numpy
    python load.py

`network = load(folder)` gives an `nn.Module`: `network(ids, features, lengths)`, of which it takes what `config.json` says.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def recurrent(config: dict) -> nn.Module:
    names = ["input_size", "hidden_size", "num_layers", "bidirectional", "bias"]
    options = {name: config[name] for name in names} | {"batch_first": True}
    match config["cell"]:
        case "lstm":
            return nn.LSTM(**options)
        case "gru":
            return nn.GRU(**options)
        case _:
            return nn.RNN(**options, nonlinearity=config["nonlinearity"])


class Network(nn.Module):
    """An embedding, recurrent layers, what is between them and the output, and dense layers."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        self.head = config["head"]
        if config["vocab_size"]:
            self.embedding = nn.Embedding(config["vocab_size"], config["embedding_dim"])
        self.recurrent = nn.ModuleList(recurrent(of) for of in config["recurrent"])
        dense = config["dense"]
        if self.head == "attention":
            width = dense[0]["inputs"]
            self.attention = nn.ModuleDict({"hidden": nn.Linear(width, width), "energy": nn.Linear(width, 1, bias=False)})
        self.dense = nn.ModuleList(nn.Linear(of["inputs"], of["outputs"], of["bias"]) for of in dense)
        if config["tied"]:
            self.dense[-1].weight = self.embedding.weight

    def forward(self, ids: Tensor | None, features: Tensor | None, lengths: Tensor | None) -> Tensor:
        """Logits: `[batch, time, outputs]` with the head `each_step`, else `[batch, outputs]`."""
        parts = [] if ids is None else [self.embedding(ids)]
        x = torch.cat(parts + ([] if features is None else [features]), dim=2)
        for layer in self.recurrent:
            x, last = run(layer, x, lengths)
        if lengths is not None:
            x = self.pool(x, last, lengths)
        for layer in self.dense:
            x = layer(x)
        return x

    def pool(self, x: Tensor, last: Tensor, lengths: Tensor) -> Tensor:
        valid = (torch.arange(x.shape[1]) < lengths[:, None])[:, :, None]
        match self.head:
            case "last":
                return last
            case "mean":
                return x.sum(dim=1) / lengths[:, None]
            case "max":
                return x.masked_fill(~valid, float("-inf")).amax(dim=1)
            case _:
                energy = self.attention["energy"](torch.tanh(self.attention["hidden"](x)))
                return (x * energy.masked_fill(~valid, float("-inf")).softmax(dim=1)).sum(dim=1)


def run(layer: nn.Module, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """The outputs of all steps, zero past a row's end, and the final hidden state of the top layer."""
    if lengths is None:
        outputs, final = layer(x)
    else:
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, final = layer(packed)
        outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    hidden = final[0] if isinstance(final, tuple) else final
    return outputs, torch.cat([hidden[-2], hidden[-1]], dim=1) if layer.bidirectional else hidden[-1]


class Ensemble(nn.Module):
    """The mean of the members' outputs, which are probabilities if `softmax` says so."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        self.members = nn.ModuleList(Network(config) for _ in range(config["members"]))
        self.softmax = config["softmax"]

    def forward(
        self, ids: Tensor | None = None, features: Tensor | None = None, lengths: Tensor | None = None
    ) -> Tensor:
        outputs = torch.stack([member(ids, features, lengths) for member in self.members])
        return (outputs.softmax(dim=-1) if self.softmax else outputs).mean(dim=0)


def load(folder: Path) -> nn.Module:
    config = json.loads((folder / "config.json").read_text())
    network = Ensemble(config).eval()
    weights = load_file(folder / "model.safetensors")
    if config["members"] == 1:
        weights = {f"members.0.{name}": tensor for name, tensor in weights.items()}
    if config["tied"]:
        output = f"dense.{len(config['dense']) - 1}.weight"
        for member in range(config["members"]):
            weights[f"members.{member}.{output}"] = weights[f"members.{member}.embedding.weight"]
    network.load_state_dict(weights, strict=True)
    return network


def main() -> int:
    folder = Path(__file__).resolve().parent
    example = load_file(folder / "example.safetensors")
    expected = example.pop("output")
    with torch.no_grad():
        output = load(folder)(**example)
    difference = (output - expected).abs().max().item()
    print(f"the outputs differ by at most {difference:.2g}")
    return 0 if difference < 1e-5 * max(1.0, expected.abs().max().item()) else 1


if __name__ == "__main__":
    sys.exit(main())
