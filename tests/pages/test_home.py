"""The overview runs, and its links lead to pages that exist."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.driver import ROUTER


def test_the_overview_shows_a_card_for_each_page() -> None:
    app = AppTest.from_file(ROUTER, default_timeout=30).run()
    assert not app.exception
    assert app.title[0].value == "Deep Learning Demo Explorer"
    assert [card.value for card in app.subheader] == ["Classifier", "Embeddings", "Char-RNN", "GAN", "Adversarial"]
    links = [link.proto for link in app.get("page_link")]
    prefixes = ("clf_", "emb_", "rnn_", "gan_", "adv_")
    assert {link.page: prefix for link in links for prefix in prefixes if prefix in link.query_string} == {
        "classifier": "clf_", "embeddings": "emb_", "char_rnn": "rnn_", "gan": "gan_",
        "adversarial": "adv_",
    }  # fmt: skip
    assert all("preset=1" in link.query_string for link in links)
