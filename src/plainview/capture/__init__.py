"""The half that runs in the user's process. Nothing here raises into, blocks or hangs the application."""
