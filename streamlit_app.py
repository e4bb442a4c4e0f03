"""The entry of the Deep Learning Demo Explorer: an ASGI app.

    python streamlit_app.py [--host 127.0.0.1] [--port 8501] [--public]     serves itself, tuned (make run)
    streamlit run streamlit_app.py                                          works too, with slower answers

The main script is pages/_router.py and not this file: beside the main script, Streamlit takes a folder called ``pages``
for its old kind of multipage app, and shows the wrong menu if a deep link is the first request that a server gets.
"""

from __future__ import annotations

import streamlit as st

from pages._shared.server import launch, serving

app = st.App(serving.ROUTER, lifespan=serving.warm_up, middleware=serving.MIDDLEWARE, on_script_error=serving.apologize)

if __name__ == "__main__":
    launch.main(app)
