"""The lab: data, models, training and runs. Nothing in here knows of Streamlit."""
