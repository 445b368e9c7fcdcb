"""The window: it shows what the use cases in ``medtransfer.work`` say, and never runs a network itself."""
