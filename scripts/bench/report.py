"""The times as rows of the record `docs/measured/speed.json`, and as Markdown."""
from bench.cases import Times
from measured.markdown import caption, table
from measured.record import Record

# Of the programs, in the order of the columns.
NAMES = {"recurrent": "Recurrent", "torch": "PyTorch", "ort": "ONNX Runtime", "burn-nn": "`burn::nn`"}
OURS = "recurrent"
MODES = {"infer": "forward", "train": "training step"}


def rows(times: list[Times]) -> dict[str, list[dict]]:
    """The rows of each of the record's tables."""
    return {
        "speed": [case_row(each) for each in times if each.case.shape != "gemm" and each.case.steps is None],
        "speed-by-length": [length_row(each) for each in times if each.case.steps is not None],
        "peak": peak_rows(times),
    }


def case_row(times: Times) -> dict:
    """The best time of each program in milliseconds, and how many times ours each peer's is."""
    best = {name: times.best(name) for name in NAMES}
    row: dict = {"case": title(times), **{name: seconds and rounded(1e3 * seconds) for name, seconds in best.items()}}
    for name, seconds in best.items():
        if name != OURS:
            row[f"{name}-ratio"] = rounded(seconds / best[OURS]) if seconds and best[OURS] else None
    return row


def length_row(times: Times) -> dict:
    """Microseconds of one time step in training: the same for all lengths, if the cost grows linearly."""
    steps = times.case.steps
    best = {name: times.best(name) for name in NAMES}
    return {"steps": steps, **{name: seconds and rounded(1e6 * seconds / steps) for name, seconds in best.items()}}


def peak_rows(times: list[Times]) -> list[dict]:
    """The fastest matrix product of all programs, and which fraction of its speed our large networks reach."""
    product = next((each for each in times if each.case.shape == "gemm"), None)
    if product is None:
        return []
    limit = max(gflops(product, name) for name in NAMES if product.best(name))
    found = [{"work": f"matrix product, {int(product.case.cell):,}³", "gflops": rounded(limit), "percent": 100}]
    for each in times:
        if each.case.shape == "big" and each.best(OURS):
            speed = gflops(each, OURS)
            found.append({"work": title(each), "gflops": rounded(speed), "percent": round(100 * speed / limit)})
    return found


def gflops(times: Times, name: str) -> float:
    return times.case.operations / times.best(name) / 1e9


def title(times: Times) -> str:
    case = times.case
    return f"`{case.shape}`, {case.cell.upper()}, {'1,000 steps' if case.shape == 'stream' else MODES[case.mode]}"


def rounded(value: float) -> float:
    """Four significant digits: more are noise."""
    return float(f"{value:.4g}")


def report(record: Record) -> str:
    """All tables that have rows, as Markdown."""
    tables = [table(each["columns"], each["rows"]) for each in record.tables.values() if each["rows"]]
    return "\n\n".join([*tables, caption(record)]) + "\n"
