"""Letters for groups that are not significantly different, from all pairs of what was compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_lowercase


def compact_letters(names: Sequence[str], different: Collection[frozenset[str]]) -> Mapping[str, str]:
    """The letters of each name: two names share one exactly where their pair is not among those `different`.

    The first name has the letter a. Insert and absorb (Piepho 2004, J. Comput. Graph. Stat. 13:456-466): each group is
    a largest set without a significant pair.
    """
    groups = [frozenset(names)]
    for pair in different:
        parts = [group - {name} for group in groups if pair <= group for name in pair]
        candidates = [group for group in groups if not pair <= group] + parts
        groups = [one for one in set(candidates) if not any(one < other for other in candidates)]
    order = {name: position for position, name in enumerate(names)}
    ranked = sorted(groups, key=lambda group: sorted(map(order.__getitem__, group)))
    labelled = list(zip(_labels(), ranked, strict=False))
    return {name: "".join(label for label, group in labelled if name in group) for name in names}


def _labels() -> Iterator[str]:
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))
