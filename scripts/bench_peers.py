#!/usr/bin/env python3
"""The speed of the layers beside PyTorch, ONNX Runtime and Burn's own: the same networks, on one machine, at one time.

usage: python3 scripts/bench_peers.py [--peers torch,ort,burn-nn] [--cases keras,big …] [--rounds 3] [--threads 2] [--record]

Builds `crates/train/examples/bench_worker`, installs the Python packages of the peers into a virtual environment
(`--venv`; PyTorch takes some gigabytes, once), starts one process for each program and asks them for the same case in
turn, so that a noisy machine is noisy for all. The best time of each is compared: threads of PyTorch at times wait for
one another, and the machine for other programs.

Into `--out` it writes

  times.jsonl   every time that was taken, with the versions and the machine
  table.md      the tables: cases, time against the length of the sequence, and the fraction of the peak of a matrix product
  length.svg    the time against the length as a plot, if there were cases of it

`--record` also writes docs/measured/speed.json, from which `scripts/tables.py --write` makes the tables of the pages.
It needs all cases; leave `--cases` out.

A case is `SHAPE CELL MODE`; `--cases` takes what cases begin with, such as `charlm` or `keras lstm` or `long`.
`scripts/bench/cases.py` has them all and says what they are.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import venv

from bench.cases import ALL, Case, Times
from bench.length import draw
from bench.report import NAMES, OURS, report, rows
from bench.worker import Worker
from measured.record import ROOT, Record, load

SCRIPTS = pathlib.Path(__file__).resolve().parent
PEERS = ("torch", "ort", "burn-nn")
# What each peer in Python needs. PyTorch's tensors are read back by way of NumPy.
PACKAGES = {"torch": ["torch", "numpy"], "ort": ["onnxruntime", "onnx", "numpy"]}


def built(device: str) -> pathlib.Path:
    """Builds the worker with the device compiled in; returns its path."""
    command = ["cargo", "build", "--release", "-p", "train", "--example", "bench_worker", "--features", device]
    command += ["--message-format", "json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    return next(pathlib.Path(message["executable"]) for message in reversed(messages) if message.get("executable"))


def python_with(packages: list[str], folder: pathlib.Path) -> pathlib.Path:
    """A Python that can import the packages: the one in `folder`, which is made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    if subprocess.run([python, "-c", f"import {', '.join(packages)}"], stderr=subprocess.DEVNULL, check=False).returncode:
        subprocess.run([python, "-m", "pip", "install", *packages], check=True)
    return python


def selected(cases: list[Case], wanted: list[str]) -> list[Case]:
    """The cases that begin with one of what is wanted; all if nothing is."""
    unknown = [beginning for beginning in wanted if not any(case.title.startswith(beginning) for case in cases)]
    if unknown:
        sys.exit(f"no case begins with {', '.join(unknown)}: there are {', '.join(case.title for case in cases)}")
    return [case for case in cases if not wanted or any(case.title.startswith(beginning) for beginning in wanted)]


def measure(workers: list[Worker], cases: list[Case], rounds: int, log) -> list[Times]:
    """Asks the workers in turn, and logs every answer."""
    taken = []
    for case in cases:
        times = Times(case)
        for _ in range(rounds):
            for worker in workers:
                answer = worker.ask(case)
                if answer is None:
                    continue
                times.of(worker.name).extend(answer.wall)
                line = {"case": case.title, "worker": worker.name, "version": worker.version, "wall": answer.wall}
                log.write(json.dumps({**line, "cpu": answer.cpu, "load": os.getloadavg()[0]}) + "\n")
                log.flush()
        print(times, flush=True)
        taken.append(times)
    return taken


def recorded(times: list[Times], workers: list[Worker], args: argparse.Namespace) -> Record:
    """The record with what was measured, and the versions of all programs."""
    command = f"python3 scripts/bench_peers.py --peers {','.join(args.peers)} --rounds {args.rounds} --record"
    record = load("speed").measured_now(rows(times), command)
    versions = {NAMES[worker.name]: worker.number for worker in workers if worker.name in PACKAGES}
    return dataclasses.replace(
        record,
        machine=f"{args.machine or record.machine}, {args.threads} threads, Burn on {args.device}",
        versions={**record.versions, **versions},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: [word.strip() for word in text.split(",") if word.strip()]
    parser.add_argument("--peers", type=words, default=["torch"], help=f"of {', '.join(PEERS)}; the default is torch")
    parser.add_argument("--cases", type=words, default=[], help="what cases begin with; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is asked; 3 by default")
    parser.add_argument("--threads", type=int, default=2, help="2 by default")
    parser.add_argument("--device", default="flex", help="of this project and Burn; PyTorch takes a GPU for `cuda` only")
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / "runs/bench/venv", help="the virtual environment")
    parser.add_argument("--worker", type=pathlib.Path, help="a bench_worker that is built already")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs/bench", help="a folder; runs/bench by default")
    parser.add_argument("--machine", help="what the record calls this machine; by default, its processor and cores")
    parser.add_argument("--record", action="store_true", help="write docs/measured/speed.json")
    args = parser.parse_args()
    if unknown := [peer for peer in args.peers if peer not in PEERS]:
        parser.error(f"unknown peers {', '.join(unknown)}: expected {', '.join(PEERS)}")
    if args.record and args.cases:
        parser.error("--record needs all cases: leave --cases out")
    cases = selected(ALL, args.cases)

    ours = args.worker or built(args.device)
    commands = {OURS: [ours, args.device]}
    if "torch" in args.peers:
        on = "cuda" if args.device == "cuda" else "cpu"
        commands["torch"] = [python_with(PACKAGES["torch"], args.venv), SCRIPTS / "bench/torch_worker.py", on]
    if "ort" in args.peers:
        commands["ort"] = [python_with(PACKAGES["ort"], args.venv), SCRIPTS / "bench/ort_worker.py"]
    if "burn-nn" in args.peers:
        commands["burn-nn"] = [ours, args.device, "burn-nn"]

    args.out.mkdir(parents=True, exist_ok=True)
    workers = [Worker(name, command, args.threads) for name, command in commands.items()]
    with open(args.out / "times.jsonl", "w", encoding="utf-8") as log:
        about = recorded([], workers, args)
        programs = {worker.name: worker.version for worker in workers}
        log.write(json.dumps({"date": about.date, "machine": about.machine, "programs": programs}) + "\n")
        times = measure(workers, cases, args.rounds, log)
    for worker in workers:
        worker.quit()

    record = recorded(times, workers, args)
    if args.record:
        record.save()
    (args.out / "table.md").write_text(report(record), encoding="utf-8")
    plot = draw(times, list(commands))
    if plot:
        (args.out / "length.svg").write_text(plot, encoding="utf-8")
    print(f"\n{report(record)}\n{args.out}")


if __name__ == "__main__":
    main()
