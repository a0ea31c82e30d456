"""Which objectives a source may name, by its labels. `jobs/learning/objectives` says what they are."""

from __future__ import annotations

from study.core.extensions import OBJECTIVES, extension_names

OF_LABELS = {
    "self": ("pairs", "contrastive"),
    "tags": ("kl", "bce", "focal"),
    "classes": ("kl", "cross-entropy"),
    "ordinal": ("kl", "cross-entropy"),
    "gmm": ("kl",),
    "number": ("squared-error",),
    "plsa": ("kl",),
}
"""For each kind of labels the objectives that suit it, the default first."""


def suited(labels: str) -> tuple[str, ...]:
    """The objectives that a source with these labels may name, the default first; those of packages come last.

    Labels of a package may be learned by any objective that needs labels.
    """
    every = dict.fromkeys(name for kind, names in OF_LABELS.items() if kind != "self" for name in names)
    return (*OF_LABELS.get(labels, tuple(every)), *extension_names(OBJECTIVES))


def default_objective(labels: str, loss: str) -> str:
    """Pairs for `self`, `loss` of the training for tags, and otherwise the first that suits the labels."""
    return loss if labels == "tags" else OF_LABELS.get(labels, OF_LABELS["plsa"])[0]
