"""A program that times the cases it is asked for.

It prints `READY` and its name. For each line of its input, `SHAPE CELL MODE WARM-UPS ITERATIONS`, it prints `OK` and the
seconds of every iteration, by the clock and of the processor (`WALL:CPU`), or `SKIP` and the reason. It ends at `quit`.
"""
import dataclasses
import os
import re
import subprocess
import sys

from bench.cases import Case


@dataclasses.dataclass
class Answer:
    wall: list[float]
    cpu: list[float]


class Worker:
    """A running program; one that dies at a case is started again for the next."""

    def __init__(self, name: str, command: list, threads: int):
        self.name = name
        self.command = [str(word) for word in command]
        self.threads = threads
        self.start()

    def start(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(self.command, env={**os.environ, "NT": str(self.threads)}, **pipes)
        ready = self.process.stdout.readline().strip()
        if not ready.startswith("READY "):
            sys.exit(f"{self.name} did not start: {' '.join(self.command)}")
        self.version = ready.removeprefix("READY ")

    @property
    def number(self) -> str:
        """The number in its version, `2.15.0`."""
        found = re.search(r"\d+(\.\d+)+", self.version)
        return found[0] if found else self.version

    def ask(self, case: Case) -> Answer | None:
        """How long the case took, or nothing if the program does not know it."""
        print(case.title, case.warm, case.iterations, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline().strip()
        if line.startswith("OK "):
            pairs = [tuple(map(float, pair.split(":"))) for pair in line.removeprefix("OK ").split()]
            return Answer([wall for wall, _ in pairs], [cpu for _, cpu in pairs])
        print(f"  {self.name}: {case.title}: {line or 'the program died'}", flush=True)
        if not line:
            self.process.wait()
            self.start()
        return None

    def quit(self) -> None:
        print("quit", file=self.process.stdin, flush=True)
        self.process.wait()
