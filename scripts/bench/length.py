"""The time of one step against the length of the sequence, as a plot: a flat line is linear cost."""
from bench.cases import Times
from bench.report import NAMES
from measured.plot import log_log


def draw(times: list[Times], names: list[str]) -> str | None:
    """An SVG with logarithmic axes and one line per program; nothing if there are not two lengths."""
    lines = {NAMES[name].strip("`"): points(times, name) for name in names}
    return log_log(lines, "length of the sequence, steps", "µs per step in training")


def points(times: list[Times], name: str) -> list[tuple[int, float]]:
    """Lengths, and microseconds per step."""
    found = [(each.case.steps, each.best(name)) for each in times if each.case.steps is not None]
    return sorted((steps, 1e6 * best / steps) for steps, best in found if best)
