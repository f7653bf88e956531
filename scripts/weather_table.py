#!/usr/bin/env python3
"""The README's table of forecasts: each cell with several seeds on the embedded weather, beside the naive forecasts.

usage: python3 scripts/weather_table.py [--seeds 0 1 2] [--models rnn lstm gru] [-- FORECAST SETTINGS ...]

Every run is `train forecast --data weather --model M --seed S` with the default recipe, into a folder of its own that
is removed afterwards. Prints a table in Markdown: RMSE and skill of each, and seconds a run.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def forecast(model: str, seed: int, settings: list[str], folder: pathlib.Path) -> tuple[list[dict], float]:
    """Trains one network and gives its table of scores and how many seconds it took."""
    out = folder / f"{model}-{seed}"
    command = ["cargo", "run", "--release", "--quiet", "-p", "train", "--", "forecast", "--data", "weather"]
    command += ["--model", model, "--seed", str(seed), "--out", str(out), *settings]
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    return json.loads((out / "scores.json").read_text())[0]["rows"], seconds


def row(name: str, score: dict, seconds: str) -> str:
    skill = "–" if score["skill"] is None else f"{score['skill']:.3f}"
    return f"| {name} | {score['mae']:.3f} | {score['rmse']:.3f} | {skill} | {seconds} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", default=["rnn", "lstm", "gru"])
    parser.add_argument("settings", nargs="*", help="further settings of `train forecast`")
    args = parser.parse_args()

    subprocess.run(["cargo", "build", "--release", "-p", "train"], cwd=ROOT, check=True)
    print("| forecaster | MAE, °C | RMSE, °C | skill | seconds |\n|---|---|---|---|---|")
    naive: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            for seed in args.seeds:
                scores, seconds = forecast(model, seed, args.settings, pathlib.Path(folder))
                print(row(f"{scores[0]['name']}, seed {seed}", scores[0]["score"], f"{seconds:.0f}"), flush=True)
                naive = scores[1:]
    for baseline in naive:
        print(row(baseline["name"], baseline["score"], "0"))


if __name__ == "__main__":
    main()
