"""Components with scripts of their own in the browser: what is drawn there answers without asking Python."""
