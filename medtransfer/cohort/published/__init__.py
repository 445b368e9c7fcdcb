"""Published data sets, read as their authors hand them out: one module for each, all of them listed in ``registry``."""
