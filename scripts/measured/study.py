"""The tables of `train compare`: the claims of the lecture, each with what was measured."""
import collections
import math

from measured import markdown

CELLS = ("rnn", "lstm", "gru")
NAMES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
# What the lecture says: the property, and its word for RNN, LSTM and GRU.
CLAIMS = {
    "memory": ("memory", ("bad", "good", "good")),
    "gates": ("gates", ("1", "3", "2")),
    "complexity": ("complexity", ("low", "high", "medium")),
    "speed": ("training speed", ("high", "slow", "fast")),
    "vanishing": ("vanishing gradient", ("yes", "no", "no")),
    "exploding": ("exploding gradient", ("can be", "can be", "can be")),
    "order": ("order of data", ("matters", "matters", "matters")),
    "long-sequences": ("long sequences", ("hard", "hard", "hard")),
    "bad-data": ("bad data", ("sensitive", "sensitive", "sensitive")),
}
OF_A_CELL = ("memory", "gates", "complexity", "speed", "vanishing")
# A claim without a test, and how it is decided.
UNTESTED = {"gates": "counted", "complexity": "counted", "vanishing": "by the rule, without a test",
            "exploding": "by the rule, without a test"}
SAME_CELL = {"above": "{first} loses: p {p}", "below": "{first} gains: p {p}", "none": "{first} loses no more than chance: p {p}"}
TWO_CELLS = {"above": "{first} above {second}: p {p}", "below": "{first} below {second}: p {p}",
             "none": "{first} and {second} differ no more than by chance: p {p}"}
LEVEL = 0.05


def table(each: dict) -> str:
    """A table of claims, or of the lengths at which each cell fails."""
    if "columns" in each:
        return markdown.table(each["columns"], each["rows"])
    columns = [{"key": key, "title": title} for key, title in [
        ("property", "property"), *((cell, NAMES[cell]) for cell in CELLS), ("verdict", "verdict"), ("evidence", "evidence")]]
    return markdown.table(columns, [claim(row) for row in each["rows"]])


def claim(row: dict) -> dict:
    name, words = CLAIMS[row["claim"]]
    cells = {cell: f"{word}: {spread(row[cell])}" for cell, word in zip(CELLS, words)}
    return {"property": name, **cells, "verdict": row["verdict"].replace("-", " "), "evidence": evidence(row)}


def evidence(row: dict) -> str:
    if row["verdict"] == "not-measured":
        return ""
    if row["claim"] in UNTESTED:
        return UNTESTED[row["claim"]]
    return "; ".join(tested(test) for test in row["tests"]) or "too few seeds to test"


def tested(test: dict) -> str:
    first, second, p = test["first"], test["second"], test["p"]
    if not isinstance(p, str):
        p = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    words = SAME_CELL if first == second else TWO_CELLS
    return words[test["difference"]].format(first=NAMES[first], second=NAMES[second], p=p)


def spread(value: dict | None) -> str:
    """A mean and its standard deviation, with three significant digits of the mean."""
    if value is None:
        return "not measured"
    mean, std = value["mean"], value.get("std")
    if abs(mean) >= 1e6:
        mantissa, exponent = f"{mean:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if value.get("count") == 1 and mean == int(mean):
        return f"{int(mean):,}"
    size = abs(mean)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.1 or size == 0 else 4
    return f"{mean:.{decimals}f}" if value.get("count") == 1 else f"{mean:.{decimals}f} ± {std:.{decimals}f}"


def reduced(study: dict) -> dict[str, list[dict]]:
    """The rows of the tables, from the `compare.json` of a run."""
    claims = [claim_of(each) for each in study["claims"]]
    return {
        "study-cells": [row for row in claims if row["claim"] in OF_A_CELL],
        "study-problems": [row for row in claims if row["claim"] not in OF_A_CELL],
        "study-failure-lengths": failure_lengths(study),
    }


def claim_of(each: dict) -> dict:
    tests = [
        {"first": test["first"], "second": test["second"], "difference": difference(test["welch"]), "p": test["welch"]["p_value"]}
        for test in each["tests"]
    ]
    return {"claim": each["claim"], "verdict": each["verdict"], **dict(zip(CELLS, each["values"])), "tests": tests}


def difference(welch: dict) -> str:
    if welch["p_value"] >= LEVEL:
        return "none"
    return "above" if welch["difference"] > 0 else "below"


# The loss of chance: of a network that remembers nothing, at length T.
CHANCE = {
    "recall": lambda length: math.log(8),
    "adding": lambda length: 1 / 6,
    "copy": lambda length: 10 * math.log(8) / (length + 20),
}


def failure_lengths(study: dict) -> list[dict]:
    """The shortest length of each task at which the mean skill of the seeds is below a half."""
    rows = []
    for task, chance in CHANCE.items():
        skills = {cell: collections.defaultdict(list) for cell in CELLS}
        for each in study["trials"]:
            trial, loss = each["trial"], each["result"]["loss"]
            if trial["task"] == task and trial["corruption"] == "none":
                skill = 0.0 if loss is None else min(max(1 - loss / chance(trial["length"]), 0.0), 1.0)
                skills[trial["cell"]][trial["length"]].append(skill)
        if any(skills.values()):
            rows.append({"task": task, **{cell: failure(skills[cell]) for cell in CELLS}})
    return rows


def failure(by_length: dict[int, list[float]]) -> str:
    failed = [length for length, skills in sorted(by_length.items()) if sum(skills) / len(skills) < 0.5]
    return f"T = {failed[0]}" if failed else "none"
