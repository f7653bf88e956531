"""Writes the golden files that the metrics of texts, transcripts and classifications are tested against.

    python3 -m venv .venv
    .venv/bin/pip install sacrebleu scikit-learn jiwer
    .venv/bin/python scripts/golden_metrics.py            # write the files
    .venv/bin/python scripts/golden_metrics.py --check    # recompute and compare

There are three files in crates/recurrent/tests/goldens, each with the package version and a list
of cases with their inputs and expected outputs:

    texts.json             hypotheses, and one or more references each; bleu and chrf by
                           sacreBLEU, exact_match by this script
    transcripts.json       hypotheses, and a reference each; rate and errors of all in words and
                           characters by jiwer, and split (substitutions, deletions and
                           insertions), or null if other alignments with as few edits differ
    classification.json    labels, and the truth and probabilities of each example (judged);
                           score, bins and roc (one curve per class; empty if the class has no
                           examples, or all of them) by scikit-learn

scikit-learn has no expected calibration error. This script computes it from the bins of
`calibration_curve`, applied to whether the predicted class is the true one.

jiwer gets texts with single spaces: it would count others as characters, and would not split words
at tabs and lines.
"""

import argparse
import json
import math
import random
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import sacrebleu
import sklearn
from sacrebleu.metrics import BLEU, CHRF
from sklearn import metrics
from sklearn.calibration import calibration_curve

GOLDENS = Path(__file__).resolve().parents[1] / "crates/recurrent/tests/goldens"

SEED = 7
TOLERANCE = 1e-9
BINS = 10

Json = dict[str, Any]

# Hypotheses and references: identical, similar and dissimilar ones; one hypothesis is empty.
ENGLISH = [
    ("The cat is sleeping on the warm windowsill.", "The cat sleeps on the warm windowsill."),
    ("It has been raining since early morning.", "It has been raining since early morning."),
    ("We missed the last train to the city.", "We were late for the last train into town."),
    ("She opened the letter and began to laugh.", "She opened the letter and started laughing."),
    ("My grandfather planted this apple tree.", "This apple tree was planted by my grandfather."),
    ("The museum is closed on Mondays.", "The museum is closed on Mondays."),
    ("He speaks three languages, but he writes in one.", "He speaks three languages but writes in only one."),
    ("Where did you leave the keys?", "Where have you left the keys?"),
    ("The river froze in the night.", "Overnight the river froze over."),
    ("Nobody knew the answer to her question.", "No one knew the answer to her question."),
    ("Turn left after the bridge.", "Turn left after the bridge."),
    ("The children built a castle out of sand.", "The children were building a castle of sand."),
    ("I will call you when the plane lands.", "I will call you as soon as the plane has landed."),
    ("There is not enough salt in the soup.", "The soup needs more salt."),
    ("The film was long, loud and very funny.", "The film was long, loud and terribly funny."),
    ("Her brother works at a hospital in the north.", "Her brother works in a hospital up north."),
    ("Do not touch the stove, it is hot!", "Don't touch the stove, it's hot!"),
    ("The old clock stopped at noon.", "The old clock stopped at noon."),
    ("They sold the house for half its price.", "They sold the house at half price."),
    ("A strong wind tore the roof off the barn.", "The storm tore the roof off the barn."),
    ("You can pay by card or in cash.", "You can pay in cash or by card."),
    ("", "The shop opens at nine."),
    ("The dog barked at the postman.", "The dog barks at every postman."),
    ("He read the book in one evening.", "He read the whole book in a single evening."),
    ("The price rose from 1,200 to 1,350 euros.", "The price went up from 1,200 to 1,350 euros."),
    ("Snow fell.", "It was snowing."),
    ("Our neighbours keep bees in the garden.", "Our neighbours keep bees in their garden."),
    ("The bus the bus the bus is late late.", "The bus is late again."),
    ("Please close the window before you leave.", "Please shut the window before leaving."),
    ("Tomorrow we start at 7:30.", "We begin tomorrow at 7:30."),
]
RUSSIAN = [
    ("Кошка спит на тёплом подоконнике.", "Кошка спит на тёплом подоконнике."),
    ("С самого утра идёт дождь.", "Дождь идёт с раннего утра."),
    ("Мы опоздали на последний поезд.", "Мы опоздали на последнюю электричку."),
    ("Она открыла письмо и засмеялась.", "Она открыла письмо и рассмеялась."),
    ("Эту яблоню посадил мой дед.", "Эту яблоню посадил ещё мой дед."),
    ("По понедельникам музей закрыт.", "Музей закрыт по понедельникам."),
    ("Он говорит на трёх языках, а пишет на одном.", "Он говорит на трёх языках, но пишет только на одном."),
    ("Где ты оставил ключи?", "Где ты оставила ключи?"),
    ("Ночью река замёрзла.", "За ночь реку сковало льдом."),
    ("Никто не знал ответа на её вопрос.", "Никто не знал, что ей ответить."),
    ("После моста поверните налево.", "После моста поверните налево."),
    ("Дети построили замок из песка.", "Дети строили замок из песка."),
    ("Я позвоню тебе, когда самолёт сядет.", "Позвоню, как только самолёт приземлится."),
    ("В супе не хватает соли.", "В суп надо добавить соли."),
    ("Фильм был длинный, громкий и очень смешной.", "Фильм был длинным, громким и очень смешным."),
    ("Её брат работает в больнице на севере.", "Её брат работает в северной больнице."),
    ("Не трогай плиту, она горячая!", "Не трогай плиту — она горячая!"),
    ("Старые часы остановились в полдень.", "Старые часы остановились ровно в полдень."),
    ("Они продали дом за полцены.", "Дом они продали за полцены."),
    ("Сильный ветер сорвал крышу с сарая.", "Сильным ветром сорвало крышу с сарая."),
    ("Платить можно картой или наличными.", "Можно заплатить картой или наличными."),
    ("Магазин открывается в девять.", "Магазин открывается в девять утра."),
    ("Собака лаяла на почтальона.", "Собака лает на каждого почтальона."),
    ("Книгу он прочитал за один вечер.", "Он прочёл книгу за один вечер."),
    ("Цена выросла с 1200 до 1350 рублей.", "Цена поднялась с 1200 до 1350 рублей."),
    ("Снег.", "Шёл снег."),
    ("Наши соседи держат пчёл.", "Соседи держат в саду пчёл."),
    ("Автобус автобус опять опять опаздывает.", "Автобус опять опаздывает."),
    ("Закройте, пожалуйста, окно перед уходом.", "Уходя, закройте, пожалуйста, окно."),
    ("Завтра начинаем в 7:30.", "Завтра мы начинаем в 7:30."),
]
PUNCTUATION = [
    ("It cost $1,234.56 - not 1,234 , or .5!", "It cost $1,234.56, not 1,234 or 0.5!"),
    ("A well-known, 20-year-old law (1998-2018).", "A well-known 20-year-old law (1998 - 2018)."),
    ("&quot;Q&amp;A&quot; he said &lt;b&gt;", '"Q&A", he said. <b>'),
    ("&amp;lt; is &lt; twice &amp;amp;", "< is &lt; twice &"),
    ("[see {note} 3/4; a_b ~ c^d | e\\f @ #1]", "[see {note} 3/4: a_b ~c^d| e \\f @ #1]"),
    ("«Да», — сказал он... и ушёл…", "«Да», — сказал он и ушёл…"),
    ("“Don't,” they're told; it's 5 o'clock.", '"Don\'t", they are told: it\'s 5 o\'clock.'),
    ("3.14.15, 1,000,000. 5, 6,7 .8 9.", "3.14.15, 1,000,000; 5,6,7, .8 9."),
    ("over-\nlapping lines\nand more -\n", "overlapping lines and more -"),
    ("<skipped> nothing<skipped> here", "nothing here"),
    ("tab\tand\u00a0hard\u2003space\u3000kept\u001capart", "tab and hard space kept apart"),
    ("e\u0301t\u00e9 \U0001f600\U0001f600 日本語。", "\u00e9t\u00e9 \U0001f600 日本語。"),
]
PARAPHRASES = [
    ("the cat sat on the mat", ["the cat sat on a mat", "a cat was sitting on the mat"]),
    ("he went home early that day", ["that day he went home early", "he left early", "he went home"]),
    ("the the the the the", ["the dog and the cat", "the cat, the dog and the bird"]),
    ("a b c d", ["a b", "a b c d e f"]),
    ("кот сидит на окне", ["на окне сидит кот", "кот сидит у окна"]),
]
COUNTS_DIFFER = [
    ("the cat sat on the mat", ["the cat sat on a mat"]),
    ("he went home early that day", ["that day he went home early", "he left early", "he went home"]),
    ("it rains again and again", ["once more it is raining", "it rains again and again"]),
    ("nothing here is alike", ["кот", "пёс", ""]),
    ("снова идёт дождь и снег", ["опять идёт дождь, и снег тоже идёт"]),
]
TRANSCRIPTS = {
    "identical": [("the cat sat on the mat", "the cat sat on the mat")],
    "an empty hypothesis": [("the cat sat", "")],
    "an empty reference": [("", "uh huh yes")],
    "both empty": [("", " ")],
    "a substitution": [("please turn on the lights", "please turn off the lights")],
    "a deletion": [("please turn on the lights", "please turn on lights")],
    "insertions only": [("turn on", "please turn it on again")],
    "more insertions than words": [("no", "oh no no no")],
    "repeated words": [("the the the cat", "the the cat cat cat"), ("no no no", "no no"), ("a b a b a", "b a b a b")],
    "no common word": [("one two three four", "five six")],
    "order": [("he went home early", "early he went home")],
    "case and punctuation": [("Stop, it's late.", "stop its late")],
    "split and joined words": [("some one is in the living room", "someone is in the livingroom")],
    "spaces": [("  two\twords\n", "two  words "), ("hard\u00a0space", "hard space")],
    "Russian": [
        ("включи свет на кухне", "выключи свет в кухне"),
        ("ещё не вечер", "еще не вечер"),
        ("сколько времени", "сколько сейчас времени"),
    ],
    "unicode": [
        ("e\u0301te\u0301 caf\u00e9", "\u00e9t\u00e9 cafe\u0301"),
        ("日本語 です", "日本 語です"),
        ("\U0001f600 \U0001f601", "\U0001f601"),
        ("naïve façade", "naive facade"),
    ],
    "an empty one of several": [("", "yes"), ("go left", "go"), ("stop", "")],
}
# The pieces of random texts.
SOUP = (
    "the a cat on кот и на , . ! ? - -- ... 1 20 3.5 1,000 2-3 7.x x.7 ( ) [ ] { } / \\ & &amp; "
    "&quot; &lt; &gt; &amp;lt; &nbsp; <skipped> ' it's don't “ ” « » — % $ # @ * + = ~ ` ^ _ | ; : "
    "… 😀 e\u0301 日本 -\n \n \t \u00a0 \u001d \u2028"
).split(" ")


def one_each(sentences: list[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    return [(hypothesis, [reference]) for hypothesis, reference in sentences]


def soup(generator: random.Random, sentences: int, most: int) -> list[tuple[str, list[str]]]:
    """Random texts with up to `most` references, each a corrupted copy of the hypothesis or drawn anew."""

    def draw(length: int) -> list[str]:
        return [generator.choice(SOUP) for _ in range(length)]

    def join(pieces: list[str]) -> str:
        return "".join(piece + generator.choice(["", " ", " "]) for piece in pieces)

    def corrupt(pieces: list[str]) -> list[str]:
        kept = [piece for piece in pieces if generator.random() < 0.85]
        at = generator.randint(0, len(kept))
        return kept[:at] + draw(generator.randint(0, 3)) + kept[at:]

    rows = []
    for _ in range(sentences):
        hypothesis = draw(generator.randint(0, 20))
        references = [
            corrupt(hypothesis) if generator.random() < 0.8 else draw(generator.randint(0, 20))
            for _ in range(generator.randint(1, most))
        ]
        rows.append((join(hypothesis), [join(reference) for reference in references]))
    return rows


def text_inputs() -> dict[str, list[tuple[str, list[str]]]]:
    generator = random.Random(SEED)
    same = [(reference, [reference]) for _, reference in ENGLISH[:5] + RUSSIAN[:5]]
    strange = [("abc def ghi jkl mno", ["щщ ъъ ыы ээ юю яя"]), ("pqr", ["жж"])]
    cases = {
        "english": one_each(ENGLISH),
        "russian": one_each(RUSSIAN),
        "sixty sentences": one_each(ENGLISH + RUSSIAN),
        "punctuation": one_each(PUNCTUATION),
        "several references": PARAPHRASES,
        "differing numbers of references": COUNTS_DIFFER,
        "identical": same,
        "no match": strange,
        "an empty hypothesis": [("", ["one two three four"]), ("five six seven eight nine", ["five six seven eight"])],
        "only empty hypotheses": [("", ["one two"]), (" \n", ["three"])],
        "only empty references": [("one two three four", [""]), ("five", ["", " "])],
        "everything empty": [("", [""])],
        "three tokens": [("one two three", ["one two three"])],
        "one character": [("a", ["a"])],
        "no match of three and four": [("a b c d e f", ["b a d c f e"]), ("g h", ["g h i j"])],
    }
    for sentences, most in [(1, 1), (3, 2), (40, 1), (40, 4), (100, 3)]:
        cases[f"soup of {sentences} with up to {most}"] = soup(generator, sentences, most)
    return cases


def text_case(name: str, rows: list[tuple[str, list[str]]]) -> Json:
    hypotheses = [hypothesis for hypothesis, _ in rows]
    references = [of_one for _, of_one in rows]
    # sacreBLEU takes the first references of all sentences, then the second, ..., and `None` for a missing one.
    most = max(map(len, references))
    streams = [[of_one[i] if i < len(of_one) else None for of_one in references] for i in range(most)]
    bleu = BLEU().corpus_score(hypotheses, streams)
    matches = [hypothesis.split() in [one.split() for one in of_one] for hypothesis, of_one in rows]
    return {
        "name": name,
        "hypotheses": hypotheses,
        "references": references,
        "bleu": {
            "score": bleu.score,
            "precisions": bleu.precisions,
            "brevity_penalty": bleu.bp,
            "hypothesis_length": bleu.sys_len,
            "reference_length": bleu.ref_len,
        },
        "chrf": CHRF().corpus_score(hypotheses, streams).score,
        "exact_match": sum(matches) / len(matches),
    }


def texts() -> Json:
    cases = [text_case(name, rows) for name, rows in text_inputs().items()]
    return {"sacrebleu": sacrebleu.__version__, "seed": SEED, "cases": cases}


def transcript_inputs() -> dict[str, list[tuple[str, str]]]:
    generator = random.Random(SEED)
    cases = dict(TRANSCRIPTS)
    cases["sixty sentences"] = [(reference, hypothesis) for hypothesis, reference in ENGLISH + RUSSIAN]
    for sentences in [1, 20]:
        drawn = soup(generator, sentences, 1)
        cases[f"soup of {sentences}"] = [(reference, hypothesis) for hypothesis, [reference] in drawn]
    few = [generator.choice("abc") for _ in range(300)]
    heard = [word for word in few if generator.random() < 0.9]
    cases["a long text of three words"] = [(" ".join(few), " ".join(heard))]
    long = [generator.choice(ENGLISH)[1] for _ in range(40)]
    cases["a long text"] = [(" ".join(long), " ".join(long[:11] + long[13:30] + ["and"] + long[31:]))]
    return cases


def split(reference: list[str], hypothesis: list[str]) -> tuple[int, int, int] | None:
    """The substitutions, deletions and insertions of all alignments with the fewest edits; None if they differ."""
    # For each prefix of the hypothesis the fewest edits, and the fewest and most substitutions among these.
    row = [(j, 0, 0) for j in range(len(hypothesis) + 1)]
    for element in reference:
        before, row = row, [(row[0][0] + 1, 0, 0)]
        for j, other in enumerate(hypothesis):
            one = int(element != other)
            ways = [tuple(cost + one for cost in before[j])]
            ways += [(edits + 1, least, most) for edits, least, most in (before[j + 1], row[j])]
            fewest = min(way[0] for way in ways)
            ways = [way for way in ways if way[0] == fewest]
            row.append((fewest, min(way[1] for way in ways), max(way[2] for way in ways)))
    edits, least, most = row[-1]
    deletions = (edits - least + len(reference) - len(hypothesis)) // 2
    return (least, deletions, edits - least - deletions) if least == most else None


def transcript_case(name: str, rows: list[tuple[str, str]]) -> Json:
    references, hypotheses = ([" ".join(text.split()) for text in texts] for texts in zip(*rows))
    outputs = {
        "words": (jiwer.process_words(references, hypotheses), "wer", str.split),
        "characters": (jiwer.process_characters(references, hypotheses), "cer", list),
    }
    case: Json = {
        "name": name,
        "references": [reference for reference, _ in rows],
        "hypotheses": [hypothesis for _, hypothesis in rows],
    }
    for unit, (output, rate, elements) in outputs.items():
        counts = (output.substitutions, output.deletions, output.insertions)
        splits = [split(elements(text), elements(other)) for text, other in zip(references, hypotheses)]
        unique = None not in splits
        if unique and tuple(map(sum, zip(*splits))) != counts:
            raise ValueError(f"{name}: jiwer counts {counts}, which cannot be: {splits}")
        case[unit] = {
            "rate": float(getattr(output, rate)),
            "errors": sum(counts),
            "reference": output.hits + output.substitutions + output.deletions,
            "split": list(counts) if unique else None,
        }
    return case


def transcripts() -> Json:
    cases = [transcript_case(name, rows) for name, rows in transcript_inputs().items()]
    return {"jiwer": version("jiwer"), "seed": SEED, "cases": cases}


def draw_probabilities(generator: np.random.Generator, truth: list[int], classes: int, steps: int) -> list[list[float]]:
    """Multiples of 1/steps that correlate with the truth; few steps give ties."""
    rows = []
    for label in truth:
        weights = np.full(classes, 1.0)
        weights[label] += 1.0
        parts = generator.multinomial(steps, generator.dirichlet(weights))
        rows.append([int(part) / steps for part in parts])
    return rows


def classification_inputs() -> dict[str, tuple[list[str], list[int], list[list[float]]]]:
    generator = np.random.default_rng(SEED)
    two, three, four = ["ham", "spam"], ["плохо", "так себе", "хорошо"], ["north", "east", "south", "west"]

    def drawn(labels: list[str], of: list[int], count: int, steps: int) -> tuple:
        truth = [int(label) for label in generator.choice(of, count)]
        return labels, truth, draw_probabilities(generator, truth, len(labels), steps)

    def certain(labels: list[str], truth: list[int], predicted: list[int]) -> tuple:
        return labels, truth, [[float(label == one) for label in range(len(labels))] for one in predicted]

    # The last class is never predicted.
    never_predicted = [[a, b, 0.0] for a, b in draw_probabilities(generator, [0, 1] * 10, 2, 100)]
    return {
        "binary": drawn(two, [0, 1], 80, 1000),
        "binary with few spam": drawn(two, [0] * 9 + [1], 80, 1000),
        "binary with ties": drawn(two, [0, 1], 50, 4),
        "all the same": (two, [0, 1, 1, 0, 1], [[0.5, 0.5]] * 5),
        "three classes": drawn(three, [0, 1, 2], 90, 1000),
        "three classes with ties": drawn(three, [0, 1, 2], 60, 4),
        "four classes in steps of a tenth": drawn(four, [0, 1, 2, 3], 100, 10),
        "binary without spam": drawn(two, [0], 20, 100),
        "binary without ham": drawn(two, [1], 20, 100),
        "three classes without the last": drawn(three, [0, 1], 40, 100),
        "four classes without two": drawn(four, [1, 3], 40, 100),
        "a class that is never said": (three, [0, 1, 2, 0] * 5, never_predicted),
        "a class that never is and is never said": (three, [0, 1, 1, 0] * 5, never_predicted),
        "perfect": certain(two, [0, 1, 1, 0, 1], [0, 1, 1, 0, 1]),
        "perfect with three classes": certain(three, [0, 1, 2, 2], [0, 1, 2, 2]),
        "wrong beyond doubt": certain(two, [0, 1, 1, 0], [1, 0, 0, 1]),
        "one example": (two, [1], [[0.25, 0.75]]),
    }


def area(truth: np.ndarray, probabilities: np.ndarray) -> float | None:
    classes = probabilities.shape[1]
    if len(set(truth)) < classes:
        return None
    if classes == 2:
        return metrics.roc_auc_score(truth, probabilities[:, 1])
    return metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")


def curve(truth: np.ndarray, probabilities: np.ndarray, label: int) -> list[list[float]]:
    own = truth == label
    if own.all() or not own.any():
        return []
    false, true, _ = metrics.roc_curve(own, probabilities[:, label], drop_intermediate=False)
    return np.stack([false, true], axis=1).tolist()


def calibration(truth: np.ndarray, probabilities: np.ndarray) -> list[Json]:
    correct = (probabilities.argmax(axis=1) == truth).astype(int)
    confidence = probabilities.max(axis=1)
    accuracies, confidences = calibration_curve(correct, confidence, n_bins=BINS, pos_label=1)
    # `calibration_curve` does not return the counts of its bins, which have these edges.
    bins = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], confidence)
    counts = [int(count) for count in np.bincount(bins, minlength=BINS) if count > 0]
    return [
        {"confidence": float(confidence), "accuracy": float(accuracy), "count": count}
        for confidence, accuracy, count in zip(confidences, accuracies, counts, strict=True)
    ]


def classification_case(name: str, labels: list[str], truth: list[int], probabilities: list[list[float]]) -> Json:
    y, p = np.array(truth), np.array(probabilities)
    predicted, all_classes = p.argmax(axis=1), list(range(len(labels)))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y, predicted, labels=all_classes, zero_division=0
    )
    bins = calibration(y, p)
    error = sum(b["count"] * abs(b["accuracy"] - b["confidence"]) for b in bins) / len(truth)
    score = {
        "accuracy": metrics.accuracy_score(y, predicted),
        "macro_f1": metrics.f1_score(y, predicted, labels=all_classes, average="macro", zero_division=0),
        "auroc": area(y, p),
        "calibration_error": error,
        "log_loss": metrics.log_loss(y, p, labels=all_classes),
        "confusion": metrics.confusion_matrix(y, predicted, labels=all_classes).tolist(),
        "classes": [
            {
                "label": label,
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
            }
            for i, label in enumerate(labels)
        ],
    }
    return {
        "name": name,
        "labels": labels,
        "judged": [{"truth": label, "probabilities": row} for label, row in zip(truth, probabilities)],
        "score": score,
        "bins": bins,
        "roc": [curve(y, p, label) for label in all_classes],
    }


def classification() -> Json:
    cases = [classification_case(name, *inputs) for name, inputs in classification_inputs().items()]
    return {"scikit-learn": sklearn.__version__, "seed": SEED, "cases": cases}


FILES = {"texts": texts, "transcripts": transcripts, "classification": classification}


def differences(actual: Any, expected: Any, at: str = "") -> list[str]:
    """One line for each difference; floats are compared within TOLERANCE."""
    if isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        return [line for key in actual for line in differences(actual[key], expected[key], f"{at}/{key}")]
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        pairs = enumerate(zip(actual, expected))
        return [line for i, (a, e) in pairs for line in differences(a, e, f"{at}/{i}")]
    if isinstance(actual, float) and isinstance(expected, (int, float)):
        same = math.isclose(actual, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    else:
        same = actual == expected
    return [] if same else [f"{at}: {actual!r}, expected {expected!r}"]


def write(name: str, path: Path) -> None:
    golden = FILES[name]()
    head = {key: value for key, value in golden.items() if key != "cases"}
    # One line per case, so that a diff shows which ones changed.
    cases = ",\n".join(json.dumps(case, ensure_ascii=False) for case in golden["cases"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{json.dumps(head)[:-1]}, "cases": [\n{cases}\n]}}\n', encoding="utf-8")
    print(f"{path.name}: {len(golden['cases'])} cases, {path.stat().st_size} bytes")


def check(name: str, path: Path) -> bool:
    """Whether the file at `path` agrees with a new computation; prints the differences."""
    if not path.exists():
        print(f"{path.name}: missing")
        return False
    computed = json.loads(json.dumps(FILES[name]()))
    wrong = differences(computed["cases"], json.loads(path.read_text(encoding="utf-8"))["cases"])
    for line in wrong:
        print(f"{path.name}: {line}")
    if not wrong:
        print(f"{path.name}: agrees")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the golden files.")
    parser.add_argument("--check", action="store_true", help="compare the files with a new computation")
    arguments = parser.parse_args()

    paths = {name: GOLDENS / f"{name}.json" for name in FILES}
    if arguments.check:
        agreed = [check(name, path) for name, path in paths.items()]
        return 0 if all(agreed) else 1
    for name, path in paths.items():
        write(name, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
