"""Sets a checkout up and runs it. Standard library only: nothing is installed when this starts."""
