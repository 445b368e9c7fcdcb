"""The learning space: from a table of labelled cases to a published model."""
