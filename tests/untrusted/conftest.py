"""The fixtures of the tests of pages: an empty folder of one's own runs for each, and one queue for all of them."""

from __future__ import annotations

from tests.pages.conftest import own_runs, queue

__all__ = ["own_runs", "queue"]
