"""The process that runs one plug-in: it takes jobs from the host over its pipes, one after another."""
