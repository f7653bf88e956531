"""What stands between two markers: a table of a record, or a table made of several."""
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

    weather, stocks = rows("weather"), rows("stocks")
    phrases, interface, reviews = rows("phrases"), rows("home-assistant"), rows("vader-reviews")
    text = rows("tiny-shakespeare")
    recipe = [row for row in weather if row["forecaster"].startswith("RNN, seed")]
    rivals = [row for row in weather if ", seed" not in row["forecaster"]]
    seeds = [row for row in reviews if "seed" in row["classifier"]]
    lines = [
        line("forecast", "Seattle, daily maximum temperature, 7 days ahead", "RMSE, °C, lower is better",
             f"{mean(recipe, 'rmse'):.2f}", *least(rivals, "forecaster", "rmse", 2)),
        line("forecast", "Apple, adjusted close, 1 day ahead", "RMSE, USD, lower is better",
             f"{stocks[0]['rmse']:.3f}", *least(stocks[1:], "forecaster", "rmse", 3)),
        line("generate", "Tiny Shakespeare, by characters", "bits per character, lower is better",
             f"{min(row['valid'] for row in text) / 0.6931471805599453:.2f}", "6.02", "uniform over 65 characters"),
        line("translate", "embedded phrases, English to Russian", "BLEU", f"{phrases[0]['bleu']:.2f}",
             *best(phrases[1:], "translator", "bleu", 2)),
        line("translate", "Home Assistant, English to Russian", "BLEU", f"{interface[0]['bleu']:.2f}",
             *best([row for row in interface if row["perplexity"] is None], "translator", "bleu", 2)),
        line("classify", "movie reviews, positive or negative", "accuracy", f"{mean(seeds, 'accuracy'):.3f}",
             *best([row for row in reviews if row not in seeds], "classifier", "accuracy", 3)),
    ]
    columns = [{"key": key, "title": key} for key in ("task", "data", "metric", "network", "baseline")]
    return table(columns, lines)


def line(task: str, data: str, metric: str, network: str, value: str, baseline: str) -> dict:
    return {"task": task, "data": data, "metric": metric, "network": network, "baseline": f"{value} ({baseline})"}


def least(rows: list[dict], label: str, key: str, decimals: int) -> tuple[str, str]:
    row = min(rows, key=lambda row: row[key])
    return f"{row[key]:.{decimals}f}", row[label]


def best(rows: list[dict], label: str, key: str, decimals: int) -> tuple[str, str]:
    row = max(rows, key=lambda row: row[key])
    return f"{row[key]:.{decimals}f}", row[label]
