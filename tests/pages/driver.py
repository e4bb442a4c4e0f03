"""Driving the app without a browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROUTER = Path(__file__).resolve().parents[2] / "pages" / "_router.py"


def opened(page: str, query: dict[str, str]) -> AppTest:
    """The page ``pages/<page>.py`` as a link with this query shows it; fails if it raises."""
    app = AppTest.from_file(ROUTER, default_timeout=90)
    app.query_params.update(query)
    app.switch_page(f"{page}.py").run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def text(app: AppTest) -> str:
    """All that the page says in words, a line each."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(part.value for part in parts)
