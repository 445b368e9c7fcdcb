"""The command line: it reads options, calls a use case, and prints."""
