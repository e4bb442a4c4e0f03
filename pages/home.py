"""Overview: what there is to try, as small living pictures with links into settings; lessons; the course's figures."""

from __future__ import annotations

from pages._home import cards, lesson_cards, table
from pages._shared import heading

corner = heading.draw("Deep Learning Demo Explorer", "Change one thing, and see the two results side by side.")
moving = corner.toggle("Motion", True, key="home_motion", bind="query-params")
cards.draw(moving)
lesson_cards.draw()
table.draw()
