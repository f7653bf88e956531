#!/usr/bin/env python3
"""The README's tables, measured anew: runs of `train`, each beside what costs nothing, as Markdown.

usage: python3 scripts/tables.py TABLE [--train PROGRAM] [-- SETTINGS ...]

TABLE is one of
  weather      each cell with three seeds on the embedded weather
  sentiment    three seeds on vader-reviews, network and bag of words
  translation  home-assistant with attention and without

Sentiment and translation need their data: `train data fetch vader-reviews`, `train data fetch home-assistant`. Every
run goes into a folder of its own that is removed afterwards; SETTINGS are added to each.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = (0, 1, 2)


class Runs:
    """Runs of `train`, in a folder that goes away."""

    def __init__(self, program: list[str], settings: list[str], folder: str):
        self.program, self.settings, self.folder = program, settings, pathlib.Path(folder)
        self.made = 0

    def __call__(self, *command: str):
        """Trains a network; gives its scores and how many seconds it took."""
        out = self.folder / str(self.made)
        self.made += 1
        start = time.monotonic()
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*self.program, *command, "--out", str(out), *self.settings], cwd=ROOT, check=True, **silent)
        seconds = time.monotonic() - start
        return json.loads((out / "scores.json").read_text()), seconds


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(*cells: str) -> None:
    row(*cells)
    print("|" + "---|" * len(cells), flush=True)


def weather(runs: Runs) -> None:
    def show(name: str, score: dict, seconds: str) -> None:
        skill = "–" if score["skill"] is None else f"{score['skill']:.3f}"
        row(name, f"{score['mae']:.3f}", f"{score['rmse']:.3f}", skill, seconds)

    head("forecaster", "MAE, °C", "RMSE, °C", "skill", "seconds")
    naive: list[dict] = []
    for model in ("rnn", "lstm", "gru"):
        for seed in SEEDS:
            tables, seconds = runs("forecast", "--data", "weather", "--model", model, "--seed", str(seed))
            network, *naive = tables[0]["rows"]
            show(f"{network['name']}, seed {seed}", network["score"], f"{seconds:.0f}")
    for baseline in naive:
        show(baseline["name"], baseline["score"], "0")


def sentiment(runs: Runs) -> None:
    def show(name: str, score: dict, seconds: str) -> None:
        figures = (score["accuracy"], score["macro_f1"], score["auroc"], score["calibration_error"])
        row(name, *(f"{figure:.3f}" for figure in figures), seconds)

    head("classifier", "accuracy", "macro F1", "AUROC", "calibration error", "seconds")
    scores: dict = {}
    for seed in SEEDS:
        scores, seconds = runs("sentiment", "--data", "vader-reviews", "--seed", str(seed))
        show(f"{scores['name']}, seed {seed}", scores["network"], f"{seconds:.0f}")
    show("bag of words with logistic regression", scores["baseline"], "–")


def translation(runs: Runs) -> None:
    head("translator", "BLEU", "chrF", "exact", "perplexity", "seconds")
    baselines: list[dict] = []
    recipe = "--vocabulary 3000 --hidden 192 --dropout 0.2 --lr 0.002 --longest 40 --epochs 10".split()
    for attention in ("additive", "general", "none"):
        scores, seconds = runs("translate", "--data", "home-assistant", "--attention", attention, *recipe)
        network, *baselines = scores["rows"]
        figures = (f"{network['bleu']['score']:.2f}", f"{network['chrf']:.2f}", f"{100 * network['exact']:.1f} %")
        row(network["name"], *figures, f"{2.718281828 ** scores['loss']:.1f}", f"{seconds:.0f}")
    for baseline in baselines:
        figures = (f"{baseline['bleu']['score']:.2f}", f"{baseline['chrf']:.2f}", f"{100 * baseline['exact']:.1f} %")
        row(baseline["name"], *figures, "–", "–")


def main() -> None:
    tables = {"weather": weather, "sentiment": sentiment, "translation": translation}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=tables)
    parser.add_argument("--train", help="a `train` that is built already; by default it is built in release")
    parser.add_argument("settings", nargs="*", help="further settings of each run")
    args = parser.parse_args()

    program = [args.train] if args.train else ["cargo", "run", "--release", "--quiet", "-p", "train", "--"]
    if not args.train:
        subprocess.run(["cargo", "build", "--release", "-p", "train"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        tables[args.table](Runs(program, args.settings, folder))


if __name__ == "__main__":
    main()
