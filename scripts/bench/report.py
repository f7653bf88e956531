"""The times as Markdown."""
from bench.cases import Times

HEAD = {"recurrent": "Recurrent", "torch": "PyTorch", "burn-nn": "`burn::nn`"}
MODES = {"infer": "forward", "train": "training step"}


def report(times: list[Times], names: list[str], about: dict) -> str:
    """A table of cases, a sentence on the peak, a table of sequence lengths, and where all of it was measured."""
    parts = [
        cases([each for each in times if each.case.shape != "gemm" and each.case.steps is None], names),
        peak(times, names),
        lengths([each for each in times if each.case.steps is not None], names),
        measured(about),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def cases(times: list[Times], names: list[str]) -> str:
    if not times:
        return ""
    ours, *peers = names
    head = ["case", *(f"{HEAD[name]}, ms" for name in names), *(f"{HEAD[peer]} : {HEAD[ours]}" for peer in peers)]
    return table(head, ([title(each), *row(each, names, 1e3)] for each in times))


def lengths(times: list[Times], names: list[str]) -> str:
    """Time a step of a sequence, which is the same for all lengths if it is all that there is to do."""
    if not times:
        return ""
    ours, *peers = names
    head = ["steps", *(f"{HEAD[name]}, µs a step" for name in names)]
    head += [f"{HEAD[peer]} : {HEAD[ours]}" for peer in peers]
    return table(head, ([f"{each.case.steps:,}", *row(each, names, 1e6 / each.case.steps)] for each in times))


def row(times: Times, names: list[str], scale: float) -> list[str]:
    """The best time of each program, and how many times as long as ours each peer's is."""
    ours, *others = best = [times.best(name) for name in names]
    seconds = [number(scale * each) if each else "–" for each in best]
    return seconds + [f"{other / ours:.2f}" if other and ours else "–" for other in others]


def peak(times: list[Times], names: list[str]) -> str:
    """The speed of a product, and which part of it a network reaches that is nearly nothing but products."""
    product = next((each for each in times if each.case.shape == "gemm"), None)
    if product is None:
        return ""

    def speed(each: Times, name: str) -> float | None:
        return each.case.operations / each.best(name) / 1e9 if each.best(name) else None

    speeds = [(name, speed(product, name)) for name in names if speed(product, name)]
    said = ", ".join(f"{each:.0f} GFLOP/s by {HEAD[name]}" for name, each in speeds)
    text = f"A product of two matrices of {int(product.case.cell):,}²: {said}."
    limit = max(each for _, each in speeds)
    shares = [
        f"{title(each)}: " + ", ".join(f"{HEAD[name]} {speed(each, name) / limit:.0%}" for name in names if each.best(name))
        for each in times
        if each.case.shape == "big"
    ]
    return text + (f" Of the higher of these, {'; '.join(shares)}." if shares else "")


def measured(about: dict) -> str:
    """Where and when."""
    programs = ", ".join(f"{HEAD[name]} is {version}" for name, version in about["programs"].items())
    return f"{about['processor']}, {about['threads']} threads, {about['date']}; {programs}; Burn {about['burn']}."


def title(times: Times) -> str:
    case = times.case
    return f"{case.shape}, {case.cell.upper()}, {'1,000 steps' if case.shape == 'stream' else MODES[case.mode]}"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def table(head: list[str], rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
