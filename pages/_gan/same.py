"""Same or different? The bet, then the two ingredients of the course's code, one at a time and together."""

from __future__ import annotations

import streamlit as st

from pages._gan import bet, ingredients
from pages._gan.library import Found
from pages._gan.settings import Settings

PARTS = {"1 · The bet": bet.draw, "2 · The leak": ingredients.leak, "3 · The naive log": ingredients.log,
         "4 · All four": ingredients.all_four}  # fmt: skip


def draw(settings: Settings, found: Found, iteration: int) -> None:
    """One part of the story at a time."""
    first = next(iter(PARTS))
    part = st.segmented_control("Part", list(PARTS), default=first, required=True, key="gan_part", bind="query-params",
                                label_visibility="collapsed")  # fmt: skip
    PARTS[part]()
