"""What stands between two markers: a table of a record, or a table made of several."""
from collections.abc import Callable

from measured import study
from measured.markdown import caption, table
from measured.record import Record

# The README shows these cases, the guide all of them.
README_CASES = (
    "`keras`, LSTM, training step",
    "`keras`, GRU, training step",
    "`charlm`, LSTM, forward",
    "`charlm`, LSTM, training step",
    "`big`, LSTM, training step",
    "`stream`, LSTM, 1,000 steps",
)


def contents(records: list[Record]) -> dict[str, str]:
    """The text of each marker."""
    by_name = {record.name: record for record in records}
    found: dict[str, str] = {}
    for record in records:
        for name, each in record.tables.items():
            if name in found:
                raise ValueError(f"{record.path}: table `{name}` is in another record too")
            text = study.table(each) if record.name == "compare" else table(each["columns"], each["rows"])
            found[name] = f"{text}\n\n{caption(record)}"
    found["quality"] = quality(by_name)
    found["speed-summary"] = speed_summary(by_name["speed"])
    return found


def speed_summary(record: Record) -> str:
    """Some cases, in milliseconds, without ratios."""
    speed = record.tables["speed"]
    columns = [column for column in speed["columns"] if column["key"] == "case" or column.get("unit") == "ms"]
    rows = [row for row in speed["rows"] if row["case"] in README_CASES]
    return f"{table(columns, rows)}\n\n{caption(record, with_command=False)}"


def quality(records: dict[str, Record]) -> str:
    """One line for each task and data set: the network beside the strongest baseline."""

    def rows(record: str, name: str | None = None) -> list[dict]:
        return records[record].tables[name or record]["rows"]

    def mean(of: list[dict], key: str) -> float:
        return sum(row[key] for row in of) / len(of)

    weather, electricity, stocks = rows("weather"), rows("electricity"), rows("stocks")
    phrases, interface, reviews = rows("phrases"), rows("home-assistant"), rows("vader-reviews")
    text, speech = rows("tiny-shakespeare", "tiny-shakespeare-models"), rows("spoken-digits")
    music = rows("chorales")
    recipe = [row for row in weather if row["forecaster"].startswith("RNN, seed")]
    rivals = [row for row in weather if ", seed" not in row["forecaster"]]
    networks = [row for row in reviews if "LSTM" in row["classifier"]]
    lines = [
        line("forecast", "Seattle, daily maximum temperature, 7 days ahead", "RMSE, °C", min, 2,
             mean(recipe, "rmse"), named(rivals, "forecaster", "rmse")),
        line("forecast", "Victoria, electricity demand, 48 half-hours ahead", "RMSE, MW", min, 0,
             mean(electricity[:3], "rmse"), named(electricity[3:], "forecaster", "rmse")),
        line("forecast", "Apple, adjusted close, 1 day ahead", "RMSE, USD", min, 3,
             stocks[0]["rmse"], named(stocks[1:], "forecaster", "rmse")),
        line("generate", "Tiny Shakespeare, by characters", "bits per character", min, 2,
             text[0]["bits"], named(text[1:], "model", "bits")),
        line("translate", "embedded phrases, English to Russian", "BLEU", max, 2,
             phrases[0]["bleu"], named(phrases[1:], "translator", "bleu")),
        line("translate", "Home Assistant, English to Russian", "BLEU", max, 2,
             max(row["bleu"] for row in interface if row["perplexity"]),
             named([row for row in interface if row["perplexity"] is None], "translator", "bleu")),
        line("classify", "movie reviews, positive or negative", "accuracy", max, 3,
             networks[-1]["accuracy"], named([row for row in reviews if row not in networks], "classifier", "accuracy")),
        line("transcribe", "synthetic digits and commands, unseen speakers", "word error rate in %", min, 2,
             mean(speech[:-1], "wer"), named(speech[-1:], "recognizer", "wer")),
        line("compose", "hymns by rule", "nats a frame, lower is better", min, 2,
             mean(music[:-2], "nats"), named(music[-2:-1], "model", "nats")),
    ]
    columns = [{"key": key, "title": key} for key in ("task", "data", "metric", "network", "baseline")]
    return table(columns, lines)


def named(rows: list[dict], label: str, key: str) -> dict[str, float]:
    """The scores of baselines by their names."""
    return {row[label]: row[key] for row in rows}


def line(task: str, data: str, metric: str, better: Callable, decimals: int, network: float, rivals: dict[str, float]) -> dict:
    """The network and the best of its rivals, the better of the two in bold; `better` is `min` or `max`."""
    name = better(rivals, key=rivals.get)
    scores = [network, rivals[name]]
    texts = [f"{score:.{decimals}f}" for score in scores]
    winner = 0 if float(texts[0]) == better(map(float, texts)) else 1
    texts[winner] = f"**{texts[winner]}**"
    if better is min:
        metric += ", lower is better"
    return {"task": task, "data": data, "metric": metric, "network": texts[0], "baseline": f"{texts[1]} ({name})"}
