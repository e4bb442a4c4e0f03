"""The lesson that a viewer follows: its steps at the lower edge of every page, and questions before the picture."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages._shared import folded
from pages._shared.lessons import Lesson, Step, lessons
from pages._shared.links import PRESET

NAME, STEP = "lesson", "step"  # in the link
PLACE = "lesson_place"  # in the session state: name and step of the last one, to go on with
VOTES = "lesson_votes"  # in the session state: (name, step) → what was chosen


@dataclass(frozen=True)
class Here:
    """Where the viewer is in a lesson."""

    lesson: Lesson
    number: int  # of the step, from 1

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.number - 1]

    @property
    def at(self) -> tuple[str, int]:
        """Lesson and step, as the session state has them."""
        return self.lesson.name, self.number

    @property
    def vote(self) -> int | None:
        """What the viewer chose here, a place in the question's choices."""
        return st.session_state.get(VOTES, {}).get(self.at)

    @property
    def asked(self) -> bool:
        """Whether a question waits for an answer."""
        return self.step.question is not None and self.vote is None


def here() -> Here | None:
    """Where the link says that the viewer is; None outside of a lesson."""
    name = st.query_params.get(NAME)
    lesson = lessons().get(name) if name else None
    if lesson is None:
        return None
    number = st.query_params.get(STEP, "1")
    return Here(lesson, min(max(int(number), 1), len(lesson.steps)) if number.isdecimal() and len(number) < 4 else 1)


def arrive() -> None:
    """Go to the setting of the step where a link names nothing but the step: a short link to it. Ends this run then."""
    place = here()
    if place and set(st.query_params) <= {NAME, STEP} and st.session_state.get(PLACE) != place.at:
        st.session_state[PLACE] = place.at
        st.switch_page(f"{place.step.page}.py", query_params=query(place.lesson, place.number))


def query(lesson: Lesson, number: int) -> dict[str, str]:
    """The query of the link to a step, numbered from 1."""
    return {**lesson.steps[number - 1].settings, NAME: lesson.name, STEP: str(number), PRESET: "1"}


def link(lesson: Lesson, number: int, label: str, icon: str | None = None) -> None:
    """A link to a step."""
    st.page_link(f"{lesson.steps[number - 1].page}.py", label=label, icon=icon, query_params=query(lesson, number))


def draw() -> None:
    """Draw the step, or its question; nothing outside of a lesson. Before the page: a training would hold it up."""
    with st.container(key="lesson"):
        place = here()
        if place is None:
            return
        st.session_state[PLACE] = place.at
        if place.asked:
            _ask(place)
        else:
            _bar(place)


def _ask(place: Here) -> None:
    question = place.step.question
    with st.container(key="lesson_question"):
        st.caption(f"{place.lesson.title} · step {place.number} of {len(place.lesson.steps)}")
        st.subheader(question.text, anchor=False)
        with st.container(horizontal=True, gap="small"):
            for i, choice in enumerate(question.choices):
                st.button(choice, key=f"lesson_choice_{i + 1}", on_click=_choose, args=(place, i), type="primary")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption("Bet first; then the picture shows.", width="content")
            _steps(place)


def _choose(place: Here, choice: int) -> None:
    st.session_state.setdefault(VOTES, {})[place.at] = choice


def _bar(place: Here) -> None:
    with st.container(key="lesson_bar", horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{place.lesson.title}** :small[{place.number} of {len(place.lesson.steps)}]", width="content")
        st.markdown(_answered(place) + place.step.say, width="stretch")
        _steps(place)


def _answered(place: Here) -> str:
    question = place.step.question
    if question is None:
        return ""
    chosen, right = question.choices[place.vote], question.choices[question.right]
    return f"**{right}: right.** " if chosen == right else f"**{right}.** You bet “{chosen}”. "


def _steps(place: Here) -> None:
    """Back, on and out."""
    with st.container(horizontal=True, gap="xsmall", width="content", key="lesson_steps"):
        last = len(place.lesson.steps)
        if place.number > 1:
            with st.container(key="lesson_back", width="content"):
                link(place.lesson, place.number - 1, "Back", ":material/chevron_left:")
        if place.number < last:
            with st.container(key="lesson_next", width="content"):
                link(place.lesson, place.number + 1, "Next", ":material/chevron_right:")
        st.button("End", icon=":material/close:", key="lesson_end", on_click=_end, type="tertiary")


def _end() -> None:
    for name in (NAME, STEP):
        st.query_params.pop(name, None)
    st.session_state.pop(PLACE, None)


def menu() -> None:
    """A button with a link to every lesson, and one that goes on with the last."""
    place = here()  # in the key: who has followed a link finds the menu closed
    folded.popover("Lessons", ":material/school:", f"lessons_{place.lesson.name if place else ''}", _menu)


def _menu() -> None:
    known = lessons()
    name, number = st.session_state.get(PLACE, ("", 0))
    if name in known and here() is None:
        link(known[name], number, f"Go on with “{known[name].title}”, step {number}", ":material/play_arrow:")
    for lesson in known.values():
        link(lesson, 1, f"{lesson.title} · {lesson.minutes} minutes", ":material/arrow_forward:")
