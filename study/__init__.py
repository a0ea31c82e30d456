"""Large statistical studies of learned representations: design, train, evaluate, analyse.

    import study

    s = study.new("mystudy", template="demo")    # or study.open("mystudy")
    s.check(); s.design(budget=11); s.launch(); s.status()
    s.plan(), s.runs(), s.results()              # data frames
    a = s.analyze()                              # nothing is written; shows itself
    a.write_report("report")

    study.analyze(frame)                         # any table of scores
    study.fit_mixed("reaction ~ days + (days | subject)", frame)

Each name is imported when it is first used, so `import study` loads neither NumPy nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from study.core.version import __version__

if TYPE_CHECKING:
    from study.core.errors import InputFaults, MissingExtra, RunFailed, StudyError
    from study.folder import StudyFolder, analyze, embed, fit_mixed, new, open

__all__ = [
    "InputFaults",
    "MissingExtra",
    "RunFailed",
    "StudyError",
    "StudyFolder",
    "__version__",
    "analyze",
    "embed",
    "fit_mixed",
    "new",
    "open",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        home = "study.core.errors" if name.endswith(("Faults", "Extra", "Failed", "Error")) else "study.folder"
        return getattr(import_module(home), name)
    raise AttributeError(f"module 'study' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
