"""A program that times what it is asked to.

It says `READY` and who it is. For each line of its input, `SHAPE CELL MODE WARM-UPS ITERATIONS`, it says `OK` and the
seconds of every iteration, by the clock and of the processor (`WALL:CPU`), or `SKIP` and why. It ends at `quit`.
"""
import dataclasses
import os
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

    def ask(self, case: Case) -> Answer | None:
        """How long it took, or nothing if it does not do this."""
        print(case.title, case.warm, case.iterations, file=self.process.stdin, flush=True)
        said = self.process.stdout.readline().strip()
        if said.startswith("OK "):
            pairs = [tuple(map(float, pair.split(":"))) for pair in said.removeprefix("OK ").split()]
            return Answer([wall for wall, _ in pairs], [cpu for _, cpu in pairs])
        print(f"  {self.name}: {case.title}: {said or 'it died'}", flush=True)
        if not said:
            self.process.wait()
            self.start()
        return None

    def quit(self) -> None:
        print("quit", file=self.process.stdin, flush=True)
        self.process.wait()
