"""Which objectives a source may name, by its labels. `jobs/learning/objectives` says what they are."""

from __future__ import annotations

from importlib.metadata import entry_points

GROUP = "study.objectives"
"""The entry points by which installed packages add objectives of their own."""
OF_LABELS = {
    "self": ("pairs", "contrastive"),
    "tags": ("kl", "bce", "focal"),
    "classes": ("kl", "cross-entropy"),
    "ordinal": ("kl", "cross-entropy"),
    "gmm": ("kl",),
    "plsa": ("kl",),
}
"""For each kind of labels the objectives that suit it, the default first."""
WITHOUT_LABELS = OF_LABELS["self"]
"""They draw two crops for an item, and need no table."""


def installed() -> tuple[str, ...]:
    """The names that installed packages add, by their metadata: nothing is loaded."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))
