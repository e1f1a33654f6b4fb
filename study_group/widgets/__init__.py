"""One module a widget; `StudyWidget` is the base of all."""
from .base import StudyWidget

__all__ = ["StudyWidget"]
