#!/usr/bin/env python3
"""What several ranks cost and bring on this machine, and what that lets one expect elsewhere.

usage: python3 scripts/scale.py [--program PROGRAM] [--example EXAMPLE]

Builds `train` and the example all_reduce with `--features mpi`, runs them under `mpirun` on this machine, and writes
docs/measured/scale.json and docs/src/scale.svg; `scripts/tables.py --write` puts the tables into docs/src/scale.md. Takes a few
minutes. PROGRAM and EXAMPLE are builds that exist.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

from measured.plot import log_log
from measured.record import ROOT, load
from tables import built

# Language models: their hidden size. A step has 32 streams of 128 characters.
NETWORKS = [64, 256, 512]
TRAIN = ["generate", "--data", "fables", "--batch-size", "32", "--bptt", "128", "--dropout", "0", "--epochs", "2"]
TRAIN += ["--patience", "0", "--keep", "1"]
# Open MPI counts cores, and refuses root: neither matters to a measurement on one machine.
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
# Bytes a second of a network of 10 Gbit/s, and the seconds of a message without contents.
NETWORK_RATE, NETWORK_LATENCY = 1.25e9, 50e-6
# The seconds that a card computes for one step, for which the estimate is made.
STEPS = [0.01, 0.1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--example", type=pathlib.Path)
    args = parser.parse_args()
    features = ["--features", "mpi"]
    program = args.program or built(["-p", "train", *features])
    example = args.example or built(["-p", "recurrent-examples", "--example", "all_reduce", *features])

    sums = {ranks: all_reduce(example, ranks) for ranks in (2, 4)}
    messages = [
        {"parameters": size, "megabytes": 4 * size / 1e6, **{f"ranks{ranks}": sums[ranks][size] for ranks in sums}}
        for size in sums[2]
    ]
    efficiencies = [efficiency(program, hidden) for hidden in NETWORKS]
    estimates = [estimate(sums[2], size, step) for size in sums[2] for step in STEPS]
    load("scale").measured_now({"scale-messages": messages, "scale-ranks": efficiencies, "scale-estimate": estimates}).save()
    lines = {f"{ranks} ranks": list(times.items()) for ranks, times in sums.items()}
    lines["10 Gbit/s"] = [(size, 1e3 * over_network(size)) for size in sums[2]]
    (ROOT / "docs/src/scale.svg").write_text(log_log(lines, "parameters", "ms per step"), encoding="utf-8")


def mpirun(ranks: int, threads: int, command: list) -> str:
    environment = {**ENVIRONMENT, "RAYON_NUM_THREADS": str(threads)}
    command = ["mpirun", "-n", str(ranks), *map(str, command)]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def all_reduce(example: pathlib.Path, ranks: int) -> dict[int, float]:
    """Milliseconds of the sum of so many numbers."""
    lines = [line.split() for line in mpirun(ranks, 1, [example]).splitlines()]
    return {int(size): float(milliseconds) for size, milliseconds in lines}


def efficiency(program: pathlib.Path, hidden: int) -> dict:
    """Seconds of an epoch of two ranks with a thread each, beside one rank with two threads and one with one."""
    seconds = {}
    for ranks, threads in ((1, 1), (1, 2), (2, 1)):
        with tempfile.TemporaryDirectory() as folder:
            run = pathlib.Path(folder) / "run"
            mpirun(ranks, threads, [program, *TRAIN, "--hidden-size", str(hidden), "--out", run])
            epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
            seconds[ranks, threads] = min(epoch["seconds"] for epoch in epochs)
    return {
        "hidden": hidden,
        "one": round(seconds[1, 1], 2),
        "threads": round(seconds[1, 2], 2),
        "ranks": round(seconds[2, 1], 2),
        "efficiency": round(100 * seconds[1, 2] / seconds[2, 1]),
    }


def over_network(size: int) -> float:
    """Seconds of the sum between two hosts: each sends half of the numbers, and then half of the sums."""
    return NETWORK_LATENCY + 4 * size / NETWORK_RATE


def estimate(two: dict[int, float], size: int, step: float) -> dict:
    """What remains of the speed of all cards together, if nothing overlaps.

    Eight cards of one machine sum through its memory: each number crosses it 2 · 7/8 times, where with two ranks it is once.
    """
    eight = 1e-3 * two[size] * 2 * 7 / 8
    share = lambda message: round(100 * step / (step + message))  # noqa: E731
    return {"parameters": size, "step": 1e3 * step, "cards": share(eight), "hosts": share(over_network(size))}


if __name__ == "__main__":
    main()
