"""How far a batch is, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass

from logistics.words import text

PATIENCE_S = 2.0
"""Seconds without any worker after which that is said."""


@dataclass(frozen=True)
class BatchState:
    """How far a batch is.

    Parameters
    ----------
    found
        Runs that were done before.
    done, failed
        Runs of this call.
    remaining
        Runs without an outcome.
    steps
        Pieces and other steps done.
    seconds
        Since it began.
    deserted_s
        Seconds for which there have been no workers; 0 while there are some.
    """

    found: int
    done: int
    failed: int
    remaining: int
    steps: int
    seconds: float
    deserted_s: float = 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds still to go at the pace so far; None before the first run."""
        own = self.done + self.failed
        return self.seconds / own * self.remaining if own else None

    @property
    def is_deserted(self) -> bool:
        """Whether it waits for workers in vain."""
        return self.deserted_s >= PATIENCE_S


def progress_words(state: BatchState, lang: str) -> str:
    """How far a batch is, in a line; without workers, what to do about that."""
    if state.is_deserted:
        return text("batch.no_workers", lang)
    eta = state.eta_s
    left = text("batch.no_eta", lang) if eta is None else text("batch.eta", lang, minutes=f"{eta / 60:.1f}")
    done = state.found + state.done
    return text("batch.progress", lang, done=done, failed=state.failed, remaining=state.remaining, eta=left)
