"""Writes the golden files that exponential smoothing and autocorrelations are tested against.

    python3 -m venv .venv
    .venv/bin/pip install scipy statsmodels
    .venv/bin/python scripts/golden_forecast.py            # write the files
    .venv/bin/python scripts/golden_forecast.py --check    # recompute and compare

There are two files in crates/recurrent/tests/goldens, each with the version of statsmodels and a
list of cases:

    ets.json                every form of exponential smoothing with additive errors on a series
                            that it suits: trend (N, A, Ad), season (N, A, M) and its rows, values;
                            given: log-likelihood and forecast with parameters and a first state
                            that are given; fitted: those of the maximum
    autocorrelation.json    values; autocorrelations from lag 1 on; the Ljung-Box statistic and its
                            p-value over all of these lags

The first state has the seasonal value of the first row first. statsmodels numbers them from the
last row before the series backwards, and searches all of them, though only their differences
matter beside the level. Where seasonal values are factors, its smoother divides the error by the
new level, not by the old one as Hyndman et al. (2008, table 2.2) and R do; there, the equations of
the book are computed here, and the maximum is searched with scipy.
"""

import argparse
import json
import sys
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import statsmodels
from scipy.optimize import minimize
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.stattools import acf

GOLDENS = Path(__file__).resolve().parents[1] / "crates/recurrent/tests/goldens"

SEED = 14
ROWS, PERIOD, HORIZON = 72, 4, 6
LAGS = 8
# A maximum is found by a search, whose last digits depend on the machine.
TOLERANCE = 1e-4

Json = dict[str, Any]


def series(trend: str, season: str, generator: np.random.Generator) -> np.ndarray:
    """A series of the form, with a random walk as its level."""
    time = np.arange(ROWS)
    level = 60 + np.cumsum(generator.normal(scale=0.6, size=ROWS))
    slope = {"N": 0 * time, "A": 0.7 * time, "Ad": 20 * (1 - 0.93**time)}[trend]
    pattern = np.tile([0.16, -0.05, 0.11, -0.22], ROWS // PERIOD)
    base = level + slope
    seasonal = {"N": base, "A": base + 40 * pattern, "M": base * (1 + pattern)}[season]
    return np.round(seasonal + generator.normal(scale=1.2, size=ROWS), 3)


def model(values: np.ndarray, trend: str, season: str) -> ETSModel:
    return ETSModel(
        values,
        error="add",
        trend=None if trend == "N" else "add",
        damped_trend=trend == "Ad",
        seasonal="add" if season == "A" else None,
        seasonal_periods=PERIOD if season == "A" else None,
    )


def smooth(values: np.ndarray, smoothing: list[float], state: list[float]) -> tuple[float, list[float]]:
    """Log-likelihood and forecast with a multiplicative season; the state is level, slope, seasons."""
    alpha, beta, gamma, phi = smoothing
    level, slope, seasons = state[0], state[1], list(state[2:])
    squares = 0.0
    for row, value in enumerate(values):
        base, season = level + phi * slope, seasons[row % PERIOD]
        error = value - base * season
        squares += error * error
        level, slope = base + alpha * error / season, phi * slope + beta * error / season
        seasons[row % PERIOD] = season + gamma * error / base
    powers = np.cumsum(phi ** np.arange(1, HORIZON + 1))
    ahead = [seasons[(len(values) + step) % PERIOD] for step in range(HORIZON)]
    count = len(values)
    likelihood = -0.5 * count * (np.log(2 * np.pi * squares / count) + 1)
    return float(likelihood), ((level + powers * slope) * ahead).tolist()


def search(values: np.ndarray, trend: str) -> Json:
    """The maximum with a multiplicative season, within the bounds of statsmodels."""

    def unpack(x: np.ndarray) -> tuple[list[float], list[float]]:
        alpha, beta, gamma, phi, level, slope, *seasons = x
        slope, beta = (0.0, 0.0) if trend == "N" else (slope, alpha * beta)
        damping = phi if trend == "Ad" else 1.0
        return [alpha, beta, (1 - alpha) * gamma, damping], [level, slope, *seasons, PERIOD - sum(seasons)]

    bounds = [(1e-4, 1 - 1e-4)] * 3 + [(0.8, 0.98)] + [(1, 200), (-20, 20)] + [(0.3, 2)] * (PERIOD - 1)
    best = None
    for alpha in [0.1, 0.4, 0.8]:
        x = np.array([alpha, 0.1, 0.1, 0.9, values[:PERIOD].mean(), 0.1, 1.1, 0.95, 1.1])
        for method in ["L-BFGS-B", "Nelder-Mead", "L-BFGS-B", "Nelder-Mead"]:
            options = {"maxiter": 20_000, "maxfev": 20_000} if method == "Nelder-Mead" else {}
            found = minimize(lambda x: -smooth(values, *unpack(x))[0], x, method=method, bounds=bounds, options=options)
            x = found.x
        best = found if best is None or found.fun < best.fun else best
    likelihood, forecast = smooth(values, *unpack(best.x))
    return {"log_likelihood": likelihood, "forecast": forecast}


def given(values: np.ndarray, trend: str, season: str) -> Json:
    alpha, beta = 0.4, 0.0 if trend == "N" else 0.12
    gamma, phi = (0.0 if season == "N" else 0.15), (0.9 if trend == "Ad" else 1.0)
    level, slope = 58.5, 0.0 if trend == "N" else 0.8
    seasons = {"N": [], "A": [5.5, -2.0, 4.0, -7.5], "M": [1.15, 0.95, 1.1, 0.8]}[season]
    named = {
        "smoothing_level": alpha,
        "smoothing_trend": beta,
        "smoothing_seasonal": gamma,
        "damping_trend": phi,
        "initial_level": level,
        "initial_trend": slope,
    } | {f"initial_seasonal.{index}": value for index, value in enumerate(reversed(seasons))}
    if season == "M":
        likelihood, forecast = smooth(values, [alpha, beta, gamma, phi], [level, slope, *seasons])
    else:
        of_form = model(values, trend, season)
        result = of_form.smooth([named[name] for name in of_form.param_names])
        likelihood, forecast = float(result.llf), result.forecast(HORIZON).tolist()
    return {
        "smoothing": [alpha, beta, gamma, phi],
        "level": level,
        "slope": slope,
        "seasons": seasons,
        "log_likelihood": likelihood,
        "forecast": forecast,
    }


def fitted(values: np.ndarray, trend: str, season: str) -> Json:
    """The best of several searches."""
    if season == "M":
        return search(values, trend)
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = model(values, trend, season).fit(disp=False, maxiter=5000)
        for _ in range(4):
            start = model(values, trend, season).fit(start_params=start.params, disp=False, maxiter=5000)
            results.append(start)
    best = max(results, key=lambda result: result.llf)
    return {"log_likelihood": float(best.llf), "forecast": best.forecast(HORIZON).tolist()}


def ets() -> list[Json]:
    generator = np.random.default_rng(SEED)
    cases = []
    for trend, season in product(["N", "A", "Ad"], ["N", "A", "M"]):
        values = series(trend, season, generator)
        case = {"trend": trend, "season": season, "rows": 0 if season == "N" else PERIOD, "values": values.tolist()}
        cases.append(case | {"given": given(values, trend, season), "fitted": fitted(values, trend, season)})
    return cases


def autocorrelation() -> list[Json]:
    generator = np.random.default_rng(SEED)
    noise = generator.normal(size=60)
    walk = np.cumsum(noise)
    wave = np.sin(2 * np.pi * np.arange(60) / 7) + 0.3 * noise
    cases = []
    for name, values in [("noise", noise), ("walk", walk), ("wave", wave)]:
        values = np.round(values, 4)
        test = acorr_ljungbox(values, lags=[LAGS])
        cases.append(
            {
                "name": name,
                "values": values.tolist(),
                "autocorrelations": acf(values, nlags=LAGS, fft=False)[1:].tolist(),
                "statistic": float(test["lb_stat"].iloc[0]),
                "p_value": float(test["lb_pvalue"].iloc[0]),
            }
        )
    return cases


FILES = {"ets.json": ets, "autocorrelation.json": autocorrelation}


def text(cases: list[Json]) -> str:
    # One line per case, so that a diff shows which ones changed.
    lines = ",\n".join("    " + json.dumps(case) for case in cases)
    return f'{{\n  "statsmodels": "{statsmodels.__version__}",\n  "seed": {SEED},\n  "cases": [\n{lines}\n  ]\n}}\n'


def differs(found: Any, expected: Any) -> bool:
    if isinstance(found, dict):
        return found.keys() != expected.keys() or any(differs(found[key], expected[key]) for key in found)
    if isinstance(found, list):
        return len(found) != len(expected) or any(map(differs, found, expected))
    if isinstance(found, float):
        return abs(found - expected) > TOLERANCE * max(1, abs(expected))
    return found != expected


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the golden files.")
    parser.add_argument("--check", action="store_true", help="compare the files with a new computation")
    check, failed = parser.parse_args().check, False
    for name, cases in FILES.items():
        path = GOLDENS / name
        if not check:
            path.write_text(text(cases()))
        elif differs(cases(), json.loads(path.read_text())["cases"]):
            print(f"{name}: differs from a new computation")
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
