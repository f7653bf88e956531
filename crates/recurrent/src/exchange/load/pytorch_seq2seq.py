"""Loads the translator of this folder into PyTorch, and compares it with the outputs in `example.safetensors`.

    pip install torch safetensors numpy
    python load.py

`network = load(folder)` gives an `nn.Module`: `network(source, lengths, inputs)` are the logarithms of the probabilities of each
next token, and `network.greedy(source)` decodes a sentence of token ids.
"""

import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

State = tuple[Tensor, ...]


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


def parts(final: Tensor | State) -> State:
    return final if isinstance(final, tuple) else (final,)


class Translator(nn.Module):
    """An encoder whose final state starts the decoder, with attention (Luong et al. 2015) and a copy gate (See et al. 2017)."""

    def __init__(self, config: dict, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.config = config
        for name in ["source", "target"]:
            self.add_module(name, nn.Embedding(*weights[f"{name}.weight"].shape) if f"{name}.weight" in weights else None)
        for name in ["bridge_hidden", "bridge_cell", "query", "key", "energy", "combine", "gate", "projection", "output"]:
            self.add_module(name, self.linear(name, weights))
        self.encoder, self.decoder = recurrent(config["encoder"]), recurrent(config["decoder"])
        if config["tied"]:
            self.output.weight = (self.target or self.source).weight

    def linear(self, name: str, weights: dict[str, Tensor]) -> nn.Linear | None:
        if name == "output" and self.config["tied"]:
            return nn.Linear((self.target or self.source).embedding_dim, self.config["target_vocab_size"])
        weight = weights.get(f"{name}.weight")
        return None if weight is None else nn.Linear(weight.shape[1], weight.shape[0], f"{name}.bias" in weights)

    def embed(self, embedding: nn.Embedding | None, ids: Tensor, size: int) -> Tensor:
        return functional.one_hot(ids, size).float() if embedding is None else embedding(ids)

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, State]:
        x = self.embed(self.source, source, self.config["source_vocab_size"])
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, final = self.encoder(packed)
        outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=source.shape[1])
        state = parts(final)
        if self.bridge_hidden is not None:
            both = [torch.cat([part[0::2], part[1::2]], dim=2) for part in state]
            state = (torch.tanh(self.bridge_hidden(both[0])), *(self.bridge_cell(part) for part in both[1:]))
        return outputs, state

    def decode(self, source: Tensor, lengths: Tensor, outputs: Tensor, state: State, inputs: Tensor) -> tuple[Tensor, State]:
        x = self.embed(self.target if self.config["own_target"] else self.source, inputs, self.config["target_vocab_size"])
        hidden, final = self.decoder(x, state if len(state) == 2 else state[0])
        attention = None
        if self.combine is not None:
            attention, context = self.attend(outputs, lengths, hidden)
            hidden = torch.tanh(self.combine(torch.cat([context, hidden], dim=2)))
        logits = self.output(hidden if self.projection is None else self.projection(hidden))
        if self.gate is None:
            return logits.log_softmax(dim=2), parts(final)
        excluded = torch.isin(source, torch.tensor(self.config["copy_except"]))[:, None]
        copied = attention.masked_fill(excluded, 0) * (1 - torch.sigmoid(self.gate(hidden)))
        generated = logits.softmax(dim=2) * (1 - copied.sum(dim=2, keepdim=True))
        ids = source[:, None].expand(-1, inputs.shape[1], -1)
        return generated.scatter_add(2, ids, copied).clamp_min(1e-30).log(), parts(final)

    def attend(self, outputs: Tensor, lengths: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        keys = outputs
        if self.config["sum_directions"]:
            keys = sum(outputs.chunk(2, dim=2))
        projected = keys if self.key is None else self.key(keys)
        if self.energy is not None:
            scores = self.energy(torch.tanh(self.query(hidden)[:, :, None] + projected[:, None]))[..., 0]
        else:
            scores = hidden @ projected.transpose(1, 2) / math.sqrt(hidden.shape[2])
        padding = torch.arange(keys.shape[1]) >= lengths[:, None]
        weights = scores.masked_fill(padding[:, None], float("-inf")).softmax(dim=2)
        return weights, weights @ keys

    def forward(self, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
        """`source [batch, time]`, `inputs [batch, steps]` from the start token → `[batch, steps, vocab]`."""
        outputs, state = self.encode(source, lengths)
        return self.decode(source, lengths, outputs, state, inputs)[0]

    @torch.no_grad()
    def greedy(self, source: list[int], limit: int = 100) -> list[int]:
        """The likeliest token after each other, without the end token."""
        source, lengths = torch.tensor([source]), torch.tensor([len(source)])
        outputs, state = self.encode(source, lengths)
        ids = [self.config["bos"]]
        while len(ids) <= limit and ids[-1] != self.config["eos"]:
            scores, state = self.decode(source, lengths, outputs, state, torch.tensor([[ids[-1]]]))
            ids.append(scores[0, -1].argmax().item())
        return [token for token in ids[1:] if token != self.config["eos"]]


def load(folder: Path) -> Translator:
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    network = Translator(config, weights).eval()
    if config["tied"]:
        weights["output.weight"] = weights["target.weight" if config["own_target"] else "source.weight"]
    network.load_state_dict(weights, strict=True)
    return network


def main() -> int:
    folder = Path(__file__).resolve().parent
    example = load_file(folder / "example.safetensors")
    expected = example.pop("output")
    with torch.no_grad():
        output = load(folder)(**example)
    difference = (output.exp() - expected.exp()).abs().max().item()
    print(f"the probabilities differ by at most {difference:.2g}")
    return 0 if difference < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
