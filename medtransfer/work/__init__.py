"""The use cases. The command line and the window call these and nothing below them."""
