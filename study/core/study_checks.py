"""Faults between sections of a study file, and factors that cannot be launched. Each section has a file of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from study.core.analysis_checks import analysis_faults
from study.core.backbones import BACKBONES
from study.core.design_checks import constraint_faults, factor_faults, nuisance_faults, phase_faults, scale_faults
from study.core.errors import Fault, nearest
from study.core.evaluation_checks import evaluation_faults
from study.core.evaluation_factors import of_evaluation
from study.core.factors import TRAINING_FACTORS
from study.core.function_checks import (
    function_faults,
    score_target_faults,
    source_of_function_faults,
)
from study.core.learner_checks import learner_faults
from study.core.own_strategies import TYPICAL_CROP, faults_of_strategies, known_strategies
from study.core.paths import FILE_NAME
from study.core.sections import Corpus, Mel, Source, Target, Training
from study.core.source_checks import source_faults
from study.core.source_targets import held_out_faults
from study.core.strategies import BUILT_IN, NONE, OF_FUNCTIONS, Strategies, Strategy
from study.core.study_file import Study
from study.core.target_checks import target_faults
from study.core.training_checks import training_faults


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
        yield from source_of_function_faults(name, source) if is_function else source_faults(name, source)
    for name, target in targets.items():
        of_score = is_function or target.task == "score"
        yield from score_target_faults(name, target, is_function) if of_score else target_faults(name, target)


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
            yield from factor_faults(name, levels, known)
    evaluated = {} if is_function else of_evaluation(factors)
    if not is_function and sources and "targets" in sections:
        yield from held_out_faults(sections["targets"], sources, sections.get("corpus"))
    if not is_function:
        yield from evaluation_faults(sections)
    if not is_function and "training" in sections:
        levels = factors.get("strategy", tuple(known))
        yield from faults_of_strategies(sections.get("own_strategies", {}), _backbones(sections), levels)
        yield from learner_faults(sections)
    yield from scale_faults(sections.get("scale", {}), factors, evaluated)
    nuisance = (
        {name for phase in sections["design"].phase for name in phase.nuisance} if "design" in sections else set()
    )
    designed = {name: levels for name, levels in factors.items() if name not in evaluated and name not in nuisance}
    yield from nuisance_faults(nuisance, factors, evaluated)
    has_sources = sources or is_function
    if "analysis" in sections and has_sources:
        scored = {name: levels for name, levels in factors.items() if name not in nuisance} | evaluated
        yield from analysis_faults(sections["analysis"], sources, scored, known, nuisance)
    if "design" in sections and has_sources:
        levels = tuple(known) if is_function else designed.get("strategy", tuple(known))
        named = {str(name): known[str(name)] for name in levels if name in known}
        yield from phase_faults(sections["design"].phase, named, designed, list(sources))
        yield from constraint_faults(sections["design"].constraint, sources, {"strategy": levels, **designed})


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
