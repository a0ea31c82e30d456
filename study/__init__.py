"""Large statistical studies of learned representations."""

from study.core.version import __version__

__all__ = ["__version__"]
