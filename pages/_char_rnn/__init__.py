"""The char-RNN page, in parts."""
