"""Faults between keys or sections of a study file, and missing files that it names."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from study.core.analysis_checks import analysis_faults
from study.core.backbones import BACKBONES
from study.core.design_models import model_faults
from study.core.errors import Fault, nearest
from study.core.evaluation_checks import evaluation_faults
from study.core.evaluation_factors import of_evaluation
from study.core.factors import TRAINING_FACTORS, Level
from study.core.file_checks import faults_of_validation
from study.core.function_checks import (
    NO_STRATEGIES,
    function_faults,
    score_target_faults,
    source_of_function_faults,
)
from study.core.learner_checks import learner_faults
from study.core.objectives import suited
from study.core.own_strategies import TYPICAL_CROP, faults_of_strategies, known_strategies
from study.core.paths import FILE_NAME
from study.core.plan_sections import Constraint, Phase
from study.core.scales import are_numbers
from study.core.sections import LABELS, METRICS, Corpus, Mel, Source, Target, Training
from study.core.source_targets import held_out_faults, source_target_faults
from study.core.strategies import ALONE, BUILT_IN, NONE, OF_FUNCTIONS, Strategies, Strategy, single_of
from study.core.study_file import Study
from study.core.training_checks import training_faults

RESERVED_FACTORS = ("strategy", "sources", "n_sources", "replicate", "phase", "target")


def named_files(study: Study) -> list[tuple[str, Path]]:
    """The files that the study names, each with its key. `study` may lack faulty sections."""
    named: list[tuple[str, Path | None]] = []
    if "corpus" in study.model_fields_set:
        named.append(("[corpus] tracks", study.corpus.tracks))
    for name, source in study.sources.items():
        named += [(f"[sources.{name}] table", source.table), (f"[sources.{name}] path", source.path)]
    for name, target in study.targets.items():
        named += [(f"[targets.{name}] tracks", target.tracks), (f"[targets.{name}] interactions", target.interactions)]
    named += [(f"[learners.{name}] weights", learner.weights) for name, learner in study.learners.items()]
    return [(key, path) for key, path in named if path is not None]


def missing_files(study: Study) -> list[Fault]:
    """A fault for every missing file that the study names."""
    faults = []
    for key, path in named_files(study):
        if not path.is_file():
            siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            faults.append(Fault(FILE_NAME, key, str(path), "no such file", nearest(path.name, siblings)))
    return faults


def not_launchable(study: Study) -> list[Fault]:
    """A fault for every factor that this version can design and analyse but not train."""
    return (
        []
        if study.run is not None
        else [
            Fault(
                FILE_NAME,
                f"[factors] {name}",
                list(levels),
                "has no effect on training, so it can be designed and analysed but not launched; factors that can be "
                f"launched: the sources, strategy, {', '.join((*TRAINING_FACTORS, *study.learner_factors))}, and what "
                "[learners.NAME.settings] declares",
                nearest(name, (*TRAINING_FACTORS, *study.learner_factors)),
            )
            for name, levels in study.further_factors.items()
            if name not in (*TRAINING_FACTORS, *study.learner_factors)
        ]
    )


def between_keys(
    sources: Mapping[str, Source] = {}, targets: Mapping[str, Target] = {}, is_function: bool = False
) -> Iterator[Fault]:
    """Faults between the keys of one source or target; of a study whose runs are a function, or learn from sound."""
    for name, source in sources.items():
        yield from source_of_function_faults(name, source) if is_function else _source_faults(name, source)
    for name, target in targets.items():
        of_score = is_function or target.task == "score"
        yield from score_target_faults(name, target, is_function) if of_score else _target_faults(name, target)


def between_sections(sections: Mapping[str, Any], is_function: bool = False) -> Iterator[Fault]:
    """Faults between sections. Sections that are faulty themselves are absent from `sections`."""
    sources: Mapping[str, Source] = sections.get("sources", {})
    if "baselines" in sections and sections["baselines"].choi is not None:
        yield Fault(FILE_NAME, "[baselines] choi", None, "the Choi baseline is not supported by this version")
    for name in sections["baselines"].own if "baselines" in sections else ():
        if name in sections.get("strategies", {}):
            yield Fault(FILE_NAME, "[baselines] own", name, "is a strategy of [strategies]; rename that")
    factors = sections.get("factors")
    if is_function:
        yield from function_faults(sections)
    if factors is None:
        return
    if not is_function and {"corpus", "mel", "training"} <= sections.keys():
        yield from _crop_faults(sections["corpus"], sections["mel"], sections["training"], factors)
    if "training" in sections and sources and not is_function:
        yield from training_faults(sections["training"], sources, factors, sections.get("corpus"))
    known = OF_FUNCTIONS if is_function else _known_strategies(sections)
    for name, levels in factors.items():
        if not (is_function and name == "strategy"):  # which is a fault by itself
            yield from _factor_faults(name, levels, known)
    evaluated = {} if is_function else of_evaluation(factors)
    if not is_function and sources and "targets" in sections:
        yield from held_out_faults(sections["targets"], sources, sections.get("corpus"))
    if not is_function:
        yield from evaluation_faults(sections)
    if not is_function and "training" in sections:
        levels = factors.get("strategy", tuple(known))
        yield from faults_of_strategies(sections.get("own_strategies", {}), _backbones(sections), levels)
        yield from learner_faults(sections)
    yield from _scale_faults(sections.get("scale", {}), factors, evaluated)
    nuisance = (
        {name for phase in sections["design"].phase for name in phase.nuisance} if "design" in sections else set()
    )
    designed = {name: levels for name, levels in factors.items() if name not in evaluated and name not in nuisance}
    yield from _nuisance_faults(nuisance, factors, evaluated)
    has_sources = sources or is_function
    if "analysis" in sections and has_sources:
        scored = {name: levels for name, levels in factors.items() if name not in nuisance} | evaluated
        yield from analysis_faults(sections["analysis"], sources, scored, known, nuisance)
    if "design" in sections and has_sources:
        levels = tuple(known) if is_function else designed.get("strategy", tuple(known))
        named = {str(name): known[str(name)] for name in levels if name in known}
        yield from _phase_faults(sections["design"].phase, named, designed, list(sources))
        yield from _constraint_faults(sections["design"].constraint, sources, {"strategy": levels, **designed})


def _source_faults(name: str, source: Source) -> Iterator[Fault]:
    section = f"[sources.{name}]"
    if source.labels is None:
        yield Fault(FILE_NAME, f"{section} labels", None, "missing")
        return
    if source.labels not in LABELS:  # of a package, which reads what it likes
        if source.table is not None and source.path is not None:
            yield Fault(FILE_NAME, f"{section} path", str(source.path), "expected either `table` or `path`")
    elif source.reader is not None or source.path is not None:
        yield Fault(
            FILE_NAME,
            f"{section} reader",
            source.reader,
            "published formats are not supported by this version; expected `table`",
        )
    elif source.labels == "self" and source.table is not None:
        yield Fault(FILE_NAME, f"{section} table", str(source.table), 'labels = "self" has no table')
    elif source.labels != "self" and source.table is None:
        yield Fault(FILE_NAME, f"{section} table", None, f'missing; labels = "{source.labels}" needs a table')
    if source.objective is not None:
        valid = suited(source.labels)
        if source.objective not in valid:
            expected = f'expected one of {", ".join(valid)} for labels = "{source.labels}"'
            near = nearest(source.objective, valid)
            yield Fault(FILE_NAME, f"{section} objective", source.objective, expected, near)
    if source.tf_idf and source.labels != "plsa":
        yield Fault(FILE_NAME, f"{section} tf_idf", True, 'only for labels = "plsa"')
    if source.resolution is not None and source.labels != "gmm":
        yield Fault(FILE_NAME, f"{section} resolution", source.resolution, 'only for labels = "gmm"')
    if source.order is not None and source.labels != "ordinal":
        yield Fault(FILE_NAME, f"{section} order", list(source.order), 'only for labels = "ordinal"')
    elif source.order is not None and "factors" in source.model_fields_set and source.factors != len(source.order):
        yield Fault(
            FILE_NAME,
            f"{section} factors",
            source.factors,
            f"expected {len(source.order)}, the number of levels in `order`; or leave it out",
        )
    if source.labels in ("self", "number") and "factors" in source.model_fields_set:
        yield Fault(FILE_NAME, f"{section} factors", source.factors, f'labels = "{source.labels}" has no factors')


def _target_faults(name: str, target: Target) -> Iterator[Fault]:
    section = f"[targets.{name}]"
    if target.source is not None:
        yield from source_target_faults(name, target)
        return
    if target.task == "multilabel":
        expected = "tables are not supported by this version; expected `source`, a source of tags"
        yield Fault(FILE_NAME, f"{section} task", "multilabel", expected)
        return
    if target.reader is not None or target.path is not None:
        yield Fault(
            FILE_NAME,
            f"{section} reader",
            target.reader,
            "published data sets are not supported by this version; expected `tracks`",
        )
    elif target.tracks is None:
        yield Fault(FILE_NAME, f"{section} tracks", None, "missing")
    recommends, is_ours = target.task == "recommendation", target.task in METRICS
    if recommends != (target.interactions is not None):
        expected = 'missing; task = "recommendation" needs one' if recommends else 'only for task = "recommendation"'
        yield Fault(FILE_NAME, f"{section} interactions", None, expected)
    if target.holdout is not None and not recommends:
        yield Fault(FILE_NAME, f"{section} holdout", target.holdout, 'only for task = "recommendation"')
    without = ("probe", "folds", "split", "unsplit") if recommends else () if is_ours else ("probe",)
    for key in without:
        if key in target.model_fields_set:
            yield Fault(FILE_NAME, f"{section} {key}", getattr(target, key), f'not for task = "{target.task}"')
    if target.split not in (None, "published", "random"):
        yield Fault(
            FILE_NAME,
            f"{section} split",
            target.split,
            'a split file is not supported by this version; expected "published" (the column `split` of the '
            'tracks table) or "random"',
            nearest(target.split or "", ("published", "random")),
        )
    if target.folds is not None and target.split == "published":
        yield Fault(FILE_NAME, f"{section} folds", target.folds, 'cannot be combined with split = "published"')
    if target.unsplit == "folds":
        if target.split == "random" or target.folds is not None:
            yield Fault(FILE_NAME, f"{section} unsplit", "folds", 'cannot be combined with `folds` or split = "random"')
        if target.repeats < 2:
            yield Fault(FILE_NAME, f"{section} repeats", target.repeats, 'expected 2 or more, the folds of "folds"')
    if target.task == "regression" and target.probe == "logistic":
        yield Fault(FILE_NAME, f"{section} probe", "logistic", 'classification only; expected "mlp", "knn" or "svm"')
    yield from _metric_faults(section, target)


def _metric_faults(section: str, target: Target) -> Iterator[Fault]:
    recommends, is_ours = target.task == "recommendation", target.task in METRICS
    if not is_ours and not target.metrics:
        expected = f'missing; task = "{target.task}" of a package has no default'
        yield Fault(FILE_NAME, f"{section} metrics", None, expected)
    for metric in target.metric_names if is_ours else ():
        head, _, cut = metric.partition("@")
        sized = recommends and head == "ndcg" and cut.removesuffix("_heldout").isdigit() and not cut.startswith("0")
        if metric not in METRICS[target.task] and not sized:
            yield Fault(
                FILE_NAME,
                f"{section} metrics",
                metric,
                f"expected one of {', '.join(METRICS[target.task])}",
                nearest(metric, METRICS[target.task]),
            )


def _crop_faults(corpus: Corpus, mel: Mel, training: Training, factors: Mapping[str, Any]) -> Iterator[Fault]:
    """Crops too small for a backbone of the study."""
    frames = mel.crop_frames(corpus.sample_rate_hz)
    for name, section in _backbones({"training": training, "factors": factors}).items():
        if name not in BACKBONES:
            continue
        least_frames, least_bands = BACKBONES[name].minimum_crop
        because = f'{section} backbone = "{name}" needs'
        if frames < least_frames:
            # rounded up to a millisecond, so that `Mel.crop_frames` does not round it down again
            least_s = (math.floor(1000 * (least_frames - 1) * mel.hop_samples / corpus.sample_rate_hz) + 1) / 1000
            yield Fault(
                FILE_NAME,
                "[mel] crop_s",
                mel.crop_s,
                f"a crop has {frames} frames, and {because} {least_frames}; expected {least_s:g} or more at "
                "this sample_rate_hz and hop_samples, or another backbone",
            )
        if mel.n_mels < least_bands:
            yield Fault(FILE_NAME, "[mel] n_mels", mel.n_mels, f"{because} {least_bands} or more")


def _backbones(sections: Mapping[str, Any]) -> dict[str, str]:
    """The backbones of the study, each with the section that names it."""
    of_factor = dict.fromkeys(map(str, sections["factors"].get("backbone", ())), "[factors]")
    return of_factor or {sections["training"].backbone: "[training]"}


def _known_strategies(sections: Mapping[str, Any]) -> Strategies:
    """The six and the study's own; where `[strategies]` is faulty itself, any name."""
    own = sections.get("own_strategies")
    if own is None:
        named = sections["factors"].get("strategy", ())
        return {**BUILT_IN, **{str(name): Strategy(NONE, "any") for name in named if name not in BUILT_IN}}
    crop = TYPICAL_CROP
    if {"corpus", "mel"} <= sections.keys():
        corpus, mel = sections["corpus"], sections["mel"]
        crop = corpus.channels, mel.crop_frames(corpus.sample_rate_hz), mel.n_mels
    backbones = tuple(_backbones(sections)) if "training" in sections else ()
    return known_strategies(own, backbones, crop)


def _factor_faults(name: str, levels: tuple[Level, ...], known: Strategies) -> Iterator[Fault]:
    key = f"[factors] {name}"
    if name == "strategy":
        for level in levels:
            if level not in known:
                yield Fault(FILE_NAME, key, level, f"expected one of {', '.join(known)}", nearest(str(level), known))
        return
    if name in RESERVED_FACTORS:
        yield Fault(FILE_NAME, key, None, "this name is taken; expected a different one")
    if len(levels) < 2:
        yield Fault(FILE_NAME, key, list(levels), "expected two levels or more")
    numeric = [isinstance(level, int | float) and not isinstance(level, bool) for level in levels]
    if not all(numeric) and len({type(level) for level in levels}) > 1:
        yield Fault(FILE_NAME, key, list(levels), "expected levels of one kind: all numbers, all text or all booleans")
    if name in TRAINING_FACTORS:
        for level in levels:
            try:
                Training.model_validate({name: level})
            except ValidationError as error:
                yield from faults_of_validation(FILE_NAME, "factors", Training, error)


def _scale_faults(scales: Mapping[str, str], factors: Mapping[str, Any], evaluated: Container[str]) -> Iterator[Fault]:
    further = [name for name in factors if name != "strategy" and name not in evaluated]
    for name, scale in scales.items():
        key = f"[scale] {name}"
        if name not in further:
            expected = f"not a further factor of the study: {', '.join(further) or 'there is none'}"
            yield Fault(FILE_NAME, key, scale, expected, nearest(name, further))
        elif scale != "levels" and not are_numbers(factors[name]):
            yield Fault(FILE_NAME, key, scale, 'only numbers have distances; expected "levels", or leave it out')
        elif scale == "log" and min(factors[name]) <= 0:
            yield Fault(FILE_NAME, key, scale, f"{min(factors[name])} has no logarithm; expected levels above 0")


def _nuisance_faults(names: Iterable[str], factors: Mapping[str, Any], evaluated: Iterable[str]) -> Iterator[Fault]:
    valid = [name for name in factors if name not in ("strategy", *evaluated, *TRAINING_FACTORS)]
    for name in sorted(names):
        if name not in valid:
            others = f"of {', '.join(valid)}" if valid else "there is none"
            expected = f"expected a factor of [factors] that acts neither on training nor on evaluation: {others}"
            yield Fault(FILE_NAME, "[[design.phase]] nuisance", name, expected, nearest(name, valid))


def _phase_faults(
    phases: tuple[Phase, ...], strategies: Strategies, factors: Mapping[str, Any], sources: Sequence[str]
) -> Iterator[Fault]:
    """`strategies` are those that the study runs."""
    is_function = ALONE in strategies
    seen: set[str] = set()
    for number, phase in enumerate(phases, 1):
        key = f"[[design.phase]] {number} ({phase.name})"
        if phase.name in seen or phase.name == "baseline":
            yield Fault(FILE_NAME, f"{key} name", phase.name, "this name is taken; expected a different one")
        seen.add(phase.name)
        asked = phase.strategy if "strategy" in phase.model_fields_set else tuple(strategies)
        if "n_sources" not in phase.model_fields_set and not is_function:
            yield Fault(FILE_NAME, f"{key} n_sources", None, "missing")
            continue
        if is_function and "strategy" in phase.model_fields_set:
            yield Fault(FILE_NAME, f"{key} strategy", list(asked), NO_STRATEGIES)
            continue
        for strategy in asked:
            if strategy not in strategies:
                yield Fault(
                    FILE_NAME,
                    f"{key} strategy",
                    strategy,
                    f"not a level of [factors] strategy: {', '.join(strategies)}",
                    nearest(strategy, strategies),
                )
        for n in phase.n_sources:
            if n > len(sources):
                yield Fault(FILE_NAME, f"{key} n_sources", n, f"expected at most {len(sources)}, the number of sources")
        possible = [strategies[s] for s in asked if s in strategies]
        if phase.n_sources and possible and not any(one.allows(n) for one in possible for n in phase.n_sources):
            expected = f"no run is possible: {single_of(strategies)} has one source, the other strategies two or more"
            yield Fault(FILE_NAME, f"{key} n_sources", list(phase.n_sources), expected)
        if phase.criterion is not None and phase.repeats != 1:
            expected = "of factorial phases alone; `repeat_share` repeats some of a sequential phase's runs"
            yield Fault(FILE_NAME, f"{key} repeats", phase.repeats, expected)
        if phase.criterion is None and phase.repeat_share:
            yield Fault(
                FILE_NAME,
                f"{key} repeat_share",
                phase.repeat_share,
                "of sequential phases alone; `repeats` repeats a factorial one",
            )
        further = {name: levels for name, levels in factors.items() if name != "strategy"}
        yield from model_faults(phase.model, phase.want_if_possible, sources, further, FILE_NAME, key)
        valid = ("strategy", "sources", "n_sources", *further)
        for name in phase.balance:
            if name not in valid:
                yield Fault(
                    FILE_NAME, f"{key} balance", name, f"expected one of {', '.join(valid)}", nearest(name, valid)
                )


def _constraint_faults(
    constraints: tuple[Constraint, ...], sources: Mapping[str, Source], factors: Mapping[str, Any]
) -> Iterator[Fault]:
    levels: dict[str, tuple[Any, ...]] = {**factors, "sources": tuple(sources)}
    levels["n_sources"] = tuple(range(1, len(sources) + 1))
    for number, constraint in enumerate(constraints, 1):
        section = f"[[design.constraint]] {number}"
        if (constraint.forbid is None) == (constraint.require is None):
            yield Fault(FILE_NAME, section, None, "expected either `forbid` or `require`")
        elif constraint.forbid is not None and constraint.when is not None:
            yield Fault(FILE_NAME, f"{section} when", None, "works only with `require`; put it all under `forbid`")
        named = {"forbid": constraint.forbid, "when": constraint.when, "require": constraint.require}
        for role, combination in named.items():
            for name, value in (combination or {}).items():
                yield from _entry_faults(f"{section} {role}.{name}", name, value, levels)


def _entry_faults(key: str, name: str, value: Any, levels: Mapping[str, tuple[Any, ...]]) -> Iterator[Fault]:
    if name not in levels:
        yield Fault(FILE_NAME, key, None, f"expected one of {', '.join(levels)}", nearest(name, levels))
        return
    for level in value if isinstance(value, tuple) else (value,):
        if level not in levels[name]:
            yield Fault(
                FILE_NAME,
                key,
                level,
                f"expected one of {', '.join(map(str, levels[name]))}",
                nearest(str(level), map(str, levels[name])),
            )
