"""What is learned from closed deals: by logistic regression, or by boosted trees where those are better under cross-validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GroupKFold
from threadpoolctl import ThreadpoolController

from plugins.forecast.deals import CHOICES, NUMBERS, Stay

type_array = NDArray[np.float64]
LEAST, MOST = 0.01, 0.99
FOLDS, BINS = 5, 10
FARTHEST = 3.0
"""Standard deviations."""
FEWEST_FOR_TREES = 500
FEWEST_OF_A_WORD, MOST_WORDS = 5, 15
STAGE = "stage"
TOP_REASONS = 3


@dataclass(frozen=True)
class Columns:
    """From stays to numbers: standardised figures, and a column for each word that is frequent enough."""

    middle: type_array
    spread: type_array
    words: Sequence[tuple[str, str]]
    rest: type_array
    """The mean of each word's column."""

    @classmethod
    def of(cls, stays: Sequence[Stay]) -> Columns:
        """As these stays suggest; what came of the deals plays no part."""
        numbers = np.array([[stay.numbers[name] for name in NUMBERS] for stay in stays])
        known = ~np.isnan(numbers)
        counts_known = np.maximum(known.sum(axis=0), 1)
        middle = np.where(known, numbers, 0.0).sum(axis=0) / counts_known
        spread = np.sqrt((np.where(known, numbers - middle, 0.0) ** 2).sum(axis=0) / counts_known)
        words: list[tuple[str, str]] = []
        for name in CHOICES:
            counts: dict[str, int] = {}
            for stay in stays:
                word = stay.choices.get(name)
                if word is not None:
                    counts[word] = counts.get(word, 0) + 1
            frequent = sorted((word for word, count in counts.items() if count >= FEWEST_OF_A_WORD), key=lambda word: (-counts[word], word))
            words += [(name, word) for word in frequent[:MOST_WORDS]]
        made = cls(middle, np.where(spread > 0, spread, 1.0), words, np.zeros(len(words)))
        return replace(made, rest=np.nanmean(made.chosen(stays), axis=0) if words else made.rest)

    @property
    def names(self) -> list[str]:
        """Of all columns: `amount`, `stage=proposal`."""
        return [*NUMBERS, *(f"{name}={word}" for name, word in self.words)]

    def matrix(self, stays: Sequence[Stay]) -> type_array:
        """A row for each stay."""
        numbers, chosen = np.array([[stay.numbers[name] for name in NUMBERS] for stay in stays]), self.chosen(stays)
        # What is unknown counts as usual, and what is beyond all that was seen no more than the farthest of it.
        relative = np.nan_to_num((numbers - self.middle) / self.spread).clip(-FARTHEST, FARTHEST)
        return np.hstack([relative, np.where(np.isnan(chosen), self.rest, chosen)])

    def chosen(self, stays: Sequence[Stay]) -> type_array:
        """Which words each stay has; a stage that is not known is none of them, nor no stage. No source is a source like others."""
        known = [[name != STAGE or STAGE in stay.choices for name, _word in self.words] for stay in stays]
        there = [[float(stay.choices.get(name) == word) for name, word in self.words] for stay in stays]
        shape = (len(stays), len(self.words))
        return np.where(np.array(known, dtype=bool).reshape(shape), np.array(there).reshape(shape), np.nan)

    def groups(self) -> dict[str, list[int]]:
        """The columns of each feature that varies."""
        found: dict[str, list[int]] = {name: [place] for place, name in enumerate(NUMBERS)}
        for place, (name, _word) in enumerate(self.words, len(NUMBERS)):
            found.setdefault(name, []).append(place)
        return found

    def usual(self) -> type_array:
        """A row in which nothing is special."""
        return np.concatenate([np.zeros(len(NUMBERS)), self.rest])


@dataclass(frozen=True)
class Score:
    """How good probabilities were on deals that they had not seen."""

    brier: float
    log_loss: float


@dataclass(frozen=True)
class Learned:
    """A model and its worth beside the stage's probability; `rows` are those that it was trained on.

    Where no stage was known, `base` is the share of wins beside which it was measured: it moves what the stage says by as much as it moves that.
    """

    algorithm: str
    columns: Columns
    model: LogisticRegression | HistGradientBoostingClassifier
    score: Score
    of_stage: Score
    calibration: list[dict[str, float]] = field(default_factory=list)
    rows: Sequence[Stay] = ()
    base: float | None = None

    @property
    def better(self) -> bool:
        """Better by both measures."""
        return self.score.brier < self.of_stage.brier and self.score.log_loss < self.of_stage.log_loss

    def knows(self, stay: Stay) -> bool:
        """Whether it has seen deals in its stage, a new one say; where it has learned without stages, it begins with what the stage says."""
        return self.base is not None or stay.choices.get(STAGE) in self._stages

    @cached_property
    def _stages(self) -> frozenset[object]:
        stayed = Counter(stay.choices.get(STAGE) for stay in self.rows)
        return frozenset(stage for stage, count in stayed.items() if count >= FEWEST_OF_A_WORD)

    def shares(self, stays: Sequence[Stay]) -> type_array:
        """The chance of each stay, from 1 to 99 %."""
        shares = _shares(self.model, self.columns.matrix(stays))
        if self.base is None:
            return shares
        said = np.array([self.base if stay.stage_share is None else stay.stage_share for stay in stays]).clip(LEAST, MOST)
        moved = _logits(said) + _logits(shares) - _logits(np.array(self.base))
        return np.asarray(1 / (1 + np.exp(-moved))).clip(LEAST, MOST)

    def reasons(self, stays: Sequence[Stay]) -> list[list[dict[str, object]]]:
        """For each stay the three features that move its chance most: by how much, in logits, against the usual."""
        matrix, usual, columns = self.columns.matrix(stays), self.columns.usual(), self.columns.groups()
        whole, effects = _logits(_raw(self.model, matrix)), dict[str, type_array]()
        for name, places in columns.items():
            other = matrix.copy()
            other[:, places] = usual[places]
            effects[name] = whole - _logits(_raw(self.model, other))
        made = list[list[dict[str, object]]]()
        for row in range(len(stays)):
            ranked = sorted(effects, key=lambda name: (-abs(effects[name][row]), name))
            top = [name for name in ranked if abs(effects[name][row]) >= 0.005][:TOP_REASONS]
            made.append([{"feature": name, "effect": round(float(effects[name][row]), 3)} for name in top])
        return made

    def coefficients(self) -> Mapping[str, float]:
        """Of the regression; trees have none."""
        if not isinstance(self.model, LogisticRegression):
            return {}
        named = dict(zip(self.columns.names, self.model.coef_[0], strict=True))
        return {name: float(f"{value:.9g}") for name, value in {"intercept": self.model.intercept_[0], **named}.items()}


def learn(stays: Sequence[Stay], plain: Sequence[Stay] = ()) -> Learned:
    """Train on all and measure by five folds, each deal whole in one of them. Needs both outcomes in every fold's rest.

    Other deals (`plain`, of which less is known) are trained on as well where that makes it better on the stays; they are measured by nothing.
    """
    won, weights = _outcomes(stays)
    _names, groups = np.unique([str(stay.deal) for stay in stays], return_inverse=True)
    folds = list(GroupKFold(FOLDS).split(won.reshape(-1, 1), won, groups))
    tried = [
        (algorithm, rows, _unseen(algorithm, rows, folds, len(stays)))
        for rows in ([*stays], *([[*stays, *plain]] if plain else []))
        for algorithm in ("logistic_regression", *(["boosted_trees"] if len({stay.deal for stay in rows}) >= FEWEST_FOR_TREES else []))
    ]
    algorithm, rows, shares = min(tried, key=lambda one: _score(won, one[2], weights).log_loss)
    usual = float(np.average(won, weights=weights))
    stage = np.array([usual if stay.stage_share is None else stay.stage_share for stay in stays]).clip(LEAST, MOST)
    columns = Columns.of(rows)
    happened, counted = _outcomes(rows)
    model = _fitted(algorithm, columns.matrix(rows), happened, counted)
    base = None if any(STAGE in stay.choices for stay in stays) else usual
    scores = _score(won, shares, weights), _score(won, stage, weights)
    return Learned(algorithm, columns, model, *scores, _calibration(won, shares, weights), rows, base)


def _outcomes(stays: Sequence[Stay]) -> tuple[type_array, type_array]:
    """Whether each was won, and how much it counts."""
    return np.array([float(stay.won) for stay in stays]), np.array([stay.weight for stay in stays])


def _new(algorithm: str) -> LogisticRegression | HistGradientBoostingClassifier:
    if algorithm == "boosted_trees":
        return HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=8, learning_rate=0.08, early_stopping=False, random_state=0)
    return LogisticRegression(C=0.5, max_iter=500)


def _fitted(
    algorithm: str, matrix: type_array, won: type_array, weights: type_array
) -> LogisticRegression | HistGradientBoostingClassifier:
    with _one_thread():
        return _new(algorithm).fit(matrix, won, sample_weight=weights)


def _one_thread() -> AbstractContextManager[object]:
    """Deals are thousands, not millions: threads of OpenMP and BLAS wait for each other by turning round, which takes many times the work."""
    alone: AbstractContextManager[object] = _pools().limit(limits=1)
    return alone


@lru_cache(maxsize=1)
def _pools() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all libraries that are loaded


def _unseen(algorithm: str, rows: Sequence[Stay], folds: Sequence[tuple[type_array, type_array]], measured: int) -> type_array:
    """The chance of each of the first rows, which the folds are of, by a model that has not seen its deal; it has seen all rows after them."""
    matrix, (won, weights) = Columns.of(rows).matrix(rows), _outcomes(rows)
    shares, others = np.zeros(measured), np.arange(measured, len(rows))
    for part, unseen in folds:
        seen = np.concatenate([part, others])
        model = _fitted(algorithm, matrix[seen], won[seen], weights[seen])
        shares[unseen] = _shares(model, matrix[unseen])
    return shares


def _raw(model: LogisticRegression | HistGradientBoostingClassifier, matrix: type_array) -> type_array:
    with _one_thread():
        return np.asarray(model.predict_proba(matrix)[:, 1], dtype=float)


def _shares(model: LogisticRegression | HistGradientBoostingClassifier, matrix: type_array) -> type_array:
    return _raw(model, matrix).clip(LEAST, MOST)


def _logits(shares: type_array) -> type_array:
    shares = shares.clip(1e-9, 1 - 1e-9)
    return np.asarray(np.log(shares / (1 - shares)))


def _score(won: type_array, shares: type_array, weights: type_array) -> Score:
    return Score(float(brier_score_loss(won, shares, sample_weight=weights)), float(log_loss(won, shares, sample_weight=weights)))


def _calibration(won: type_array, shares: type_array, weights: type_array) -> list[dict[str, float]]:
    """What was said and what happened, by tenths."""
    bins, made = np.minimum((shares * BINS).astype(int), BINS - 1), []
    for number in range(BINS):
        there = bins == number
        if there.any():
            said, happened = (float(np.average(part[there], weights=weights[there])) for part in (shares, won))
            made.append(
                {
                    "from": number / BINS,
                    "said": round(said, 4),
                    "happened": round(happened, 4),
                    "weight": round(float(weights[there].sum()), 3),
                }
            )
    return made
