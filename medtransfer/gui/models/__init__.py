"""The space of models: what each one is, how good it is, and where it came from."""
