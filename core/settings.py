"""Checks of the settings of a config, the same for every topic. Each raises a ValueError that says what is possible."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any


def check_types(config: Any) -> None:
    """Every setting has the type of its default; a whole number where a fraction may stand becomes one.

    So 1 and 1.0 are one run, and have one name.
    """
    for setting in fields(config):
        value, kind = getattr(config, setting.name), type(setting.default)
        if kind is float and type(value) is int:
            object.__setattr__(config, setting.name, float(value))
        elif not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{setting.name} must be of type {kind.__name__}, not {value!r}.")


def check_names(config: Any, **known: Iterable[str]) -> None:
    """These settings, by name, are among the names that are known."""
    for name, names in known.items():
        if getattr(config, name) not in names:
            raise ValueError(f"{name} {getattr(config, name)!r} is unknown: choose one of {', '.join(names)}.")


def check_bounds(config: Any, **bounds: tuple[float, float]) -> None:
    """These settings, by name, lie between the lowest and the highest value; NaN does not."""
    for name, (low, high) in bounds.items():
        if not low <= getattr(config, name) <= high:
            raise ValueError(f"{name} must be between {low:g} and {high:g}, not {getattr(config, name)}.")
