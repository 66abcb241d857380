"""Where the keys of a study stand in its scenario file."""

from __future__ import annotations

from logistics.errors import Where
from logistics.scenario.case import Case


class StudyPlaces:
    """Places of the study's keys in the scenario file."""

    def __init__(self, case: Case) -> None:
        self._document = case.scenario.document

    def at(self, *key: str | int) -> Where:
        """Where a key of the study stands."""
        return self._document.where(("study", *key)) if self._document else Where()
