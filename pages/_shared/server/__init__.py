"""How the app is served: the command line and the socket, the process, what is tuned in Streamlit, turns."""
