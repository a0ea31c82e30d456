"""The sections of a study file that say what a run is: sound, sources, training, targets and the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict

from study.core import extensions
from study.core.backbones import BACKBONES
from study.core.extensions import BASELINES, SOURCES, TARGETS
from study.core.field_types import (
    Count,
    Flag,
    Int,
    Location,
    Name,
    Number,
    Positive,
    Repeats,
    SampleRate,
    Scalar,
    Section,
    Store,
    Text,
    distinct,
    one_of,
)
from study.core.learners import BASE
from study.core.objectives import default_objective

BALANCED = ("strategy", "sources", "n_sources")
"""What a sequential phase balances where its file does not say; `anytime` every further factor besides."""
FIRST_TRAINING_KEYS = ("epochs", "iterations", "batch_size", "learning_rate", "l2", "width", "precision")
"""Keys of `[training]` that always enter a run's id; any other key enters it only if it is off its default."""
LABELS = ("self", "gmm", "plsa", "tags", "classes", "ordinal", "number")
"""Kinds of labels; installed packages may add others."""
LEVEL_LABELS = ("classes", "ordinal")
"""Label kinds with one factor per level of their table, so that the table determines the number of factors."""
TASKS = ("classification", "regression", "multilabel", "recommendation", "score")
"""Tasks of targets; installed packages may add others."""
METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("r2", "pearson"),
    "multilabel": ("roc_auc", "average_precision"),
    "recommendation": ("ndcg@500", "ndcg@500_heldout"),
}
"""The metrics of each task; larger is better, and the first is the default. Cut-offs other than 500 are allowed."""


class Header(Section):
    name: Name
    seed: Annotated[Int, Field(ge=0, lt=2**63)]  # a result's column is of 64 bits
    store: Store = Field(default=Path("."), validate_default=True)
    protocol: Literal["paper", "authors"] = "paper"


class RunSection(Section):
    """A run as a function of the user's, `package:name`; `version` is raised by hand when it would score otherwise."""

    function: Annotated[str, Strict(), Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    version: Annotated[Int, Field(ge=0)] = 0


class Corpus(Section):
    """The sound that runs learn from: `tracks` has columns track_id, path and, for `split_by = "artist"`, artist."""

    tracks: Location
    sample_rate_hz: SampleRate
    channels: Literal[1, 2]
    use: Literal["common", "any"] = "common"
    on_broken: Literal["stop", "drop"] = "stop"
    validation: Annotated[Number, Field(ge=0, le=0.9)] = 0.1
    split_by: Literal["track", "artist"] = "track"


class Mel(Section):
    """Power mel spectrogram in dB; the defaults are the paper's (3.1.1)."""

    n_fft: Annotated[Int, Field(ge=64, le=65536)] = 1024
    hop_samples: Annotated[Int, Field(ge=16, le=65536)] = 256
    n_mels: Annotated[Int, Field(ge=32, le=512)] = 128
    crop_s: Annotated[Number, Field(gt=0, le=600)] = 2.5
    store: Literal["uint8", "float16"] = "uint8"

    def crop_frames(self, sample_rate_hz: int) -> int:
        """Frames in a crop, with centred frames: 216 for 2.5 s at 22,050 Hz and hops of 256."""
        return 1 + int(self.crop_s * sample_rate_hz / self.hop_samples)


class Source(Section):
    """A learning source. `labels` determines how its table becomes a distribution over factors (paper 2.3)."""

    labels: Annotated[Text, one_of(SOURCES, LABELS), Field(examples=list(LABELS))] | None = None
    table: Location | None = None
    factors: Annotated[Int, Field(ge=2, le=10000)] = 50
    tf_idf: Flag = False
    resolution: Annotated[Number, Field(gt=0)] | None = None
    order: Annotated[tuple[Text, ...], Field(min_length=2), AfterValidator(distinct)] | None = None
    objective: Text | None = None
    reader: Text | None = None
    path: Location | None = None

    @property
    def file(self) -> Path | None:
        """What its labels are made from, if it names any."""
        return self.table or self.path

    @property
    def stated_factors(self) -> int | None:
        """The number of factors stated in the file; None if the source has none or the table determines it."""
        if self.labels == "number":
            return 1
        return None if self.labels in ("self", *LEVEL_LABELS) else self.factors

    def identity(self) -> dict[str, Any]:
        """The settings that enter a run's id: those of its labels, and its objective off its default.

        Of tags, whose default is `loss` of `[training]`, it always enters if it is given.
        """
        default = None if self.labels == "tags" else default_objective(str(self.labels), "")
        named = {} if self.objective in (None, default) else {"objective": self.objective}
        return self.label_settings() | named

    def objective_under(self, training: Training) -> str:
        """Its objective; without one, the default for its labels (`default_objective`)."""
        return self.objective or default_objective(str(self.labels), training.loss)

    def label_settings(self) -> dict[str, Any]:
        """The settings that its labels are made by: never the table's path, and keys added after version 0.1 only off
        their default. `factors` of levels is left out, since it can only repeat the table.
        """
        settings: dict[str, Any] = {"labels": self.labels}
        if self.stated_factors is not None:
            settings["factors"] = self.stated_factors
        if self.labels == "plsa":
            settings["tf_idf"] = self.tf_idf
        later = {"resolution": self.resolution, "order": self.order}
        return settings | {key: value for key, value in later.items() if value is not None}


class Training(Section):
    """Algorithm 1; the defaults are the paper's (3.3, 4.3)."""

    epochs: Positive = 200
    iterations: Literal["lm", "l"] = "lm"
    batch_size: Annotated[Int, Field(ge=2, le=10**6)] = 128
    learning_rate: Annotated[Number, Field(gt=0)] = 0.00025
    l2: Annotated[Number, Field(ge=0)] = 1e-6
    width: Annotated[Number, Field(gt=0, le=16)] = 1.0
    precision: Literal["auto", "float32", "bf16"] = "auto"
    checkpoint_minutes: Annotated[Number, Field(gt=0)] = 10
    backbone: Annotated[Text, one_of(extensions.BACKBONES, tuple(BACKBONES)), Field(examples=list(BACKBONES))] = "base"
    activation: Literal["relu", "elu", "gelu"] = "relu"
    optimiser: Literal["adam", "sgd", "nadam"] = "adam"
    loss: Literal["kl", "bce", "focal"] = "kl"
    reduction: Literal["batchmean", "mean"] = "batchmean"
    initialisation: Literal["pytorch", "glorot"] = "pytorch"
    compile: Literal["auto", True, False] = "auto"
    schedule: Literal["one", "sum"] = "one"
    weights: dict[Name, Annotated[Number, Field(gt=0)]] = Field(default={})
    select: Literal["last", "best"] = "last"
    patience: Positive | None = None
    dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.5
    learning_rate_schedule: Literal["constant", "linear", "cosine"] = "constant"
    clip_norm: Annotated[Number, Field(gt=0)] | None = None
    weight_decay: Literal["coupled", "decoupled"] = "coupled"
    learner: Text = BASE

    def sources_in_turn(self, n_sources: int) -> int:
        """How many sources take turns at steps: all of them, or none where each step has every source."""
        return n_sources if self.schedule == "one" else 1

    def identity(self, sources: Iterable[str] = ()) -> dict[str, Any]:
        """The training settings that enter the id of a run with these sources. Settings added by later versions enter
        it only off their defaults, so that earlier runs keep their ids."""
        settings = self.model_dump(mode="json", exclude={"checkpoint_minutes"})
        settings["weights"] = {name: self.weights[name] for name in sources if self.weights.get(name, 1) != 1}
        defaults = type(self).model_fields
        return {
            key: value
            for key, value in settings.items()
            if key in FIRST_TRAINING_KEYS or value != defaults[key].default
        }


class LearnerSection(Section):
    """A learner (`study.core.learners`): the function, by default of the section's name, and what it is called with."""

    learner: Text | None = None
    weights: Location | None = None
    settings: dict[Name, Scalar] = Field(default={})


class Target(Section):
    """A data set on which every representation is evaluated (paper 4.1)."""

    task: Annotated[Text, one_of(TARGETS, TASKS), Field(examples=list(TASKS))]
    tracks: Location | None = None
    source: Name | None = None
    metrics: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(distinct)] | None = None
    probe: Literal["mlp", "logistic", "knn", "svm"] = "mlp"
    features: Literal["standardised", "raw"] = "standardised"
    repeats: Repeats = 5
    folds: Annotated[Int, Field(ge=2, le=1000)] | None = None
    split: Text | None = None
    unsplit: Literal["random", "folds"] = "random"
    interactions: Location | None = None
    holdout: Annotated[Number, Field(gt=0, lt=1)] | None = None
    keep: Annotated[tuple[Literal["representation"], ...], AfterValidator(distinct)] = ()
    on_broken: Literal["stop", "drop"] = "stop"
    reader: Text | None = None
    path: Location | None = None

    def identity(self) -> dict[str, Any]:
        """The settings that enter its fingerprint; keys of later versions only off their defaults."""
        without = {"tracks", "interactions", "keep", "metrics", "on_broken"}
        without |= {"unsplit"} if self.unsplit == "random" else set()
        without |= {"source"} if self.source is None else set()
        return self.model_dump(mode="json", exclude=without)

    @property
    def possible_splits(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Repeat and fold of each split. Two series where it depends on the table whether a split is published; none
        where a function says how often it scores."""
        if self.task == "score":
            return ()
        folds = tuple((0, fold) for fold in range(self.folds or self.repeats))
        if self.folds:
            return (folds,)
        repeats = tuple((repeat, 0) for repeat in range(self.repeats))
        return (repeats, folds) if self.unsplit == "folds" else (repeats,)

    @property
    def primary_metric(self) -> str:
        """The metric that the models analyse."""
        return self.metric_names[0]

    @property
    def metric_names(self) -> tuple[str, ...]:
        return self.metrics or METRICS.get(self.task, ())[:1]


class FineTuning(Section):
    """How a network is trained on a target, if `[factors] transfer` has a level that does so."""

    epochs: Positive = 30
    batch_size: Annotated[Int, Field(ge=2, le=10**6)] = 32
    learning_rate: Annotated[Number, Field(gt=0)] = 0.0005


class Baselines(Section):
    mfcc: Flag = True
    random: Annotated[Int, Field(ge=0, le=1000)] = 5
    choi: Location | None = None
    own: Annotated[tuple[Annotated[Name, one_of(BASELINES, ())], ...], AfterValidator(distinct)] = ()


class Cluster(Section):
    gpus: Count | None = None
    gpu_share: Annotated[Number, Field(gt=0, le=1)] = 1.0
    runtime_env: dict[Literal["pip", "uv", "conda", "env_vars", "py_modules"], Any] = Field(default={})


class Compute(Section):
    threads: Positive = 1
