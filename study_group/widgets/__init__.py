"""One module a widget; `StudyWidget` is the base of all."""
from .base import StudyWidget as StudyWidget
