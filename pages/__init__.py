"""What people see: one lecture page a file, run by Streamlit through _router.py."""
