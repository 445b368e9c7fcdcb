"""medtransfer: adapt a pretrained imaging network to your own patients, and see what it found and why.

Research use only. Import the floor you need (``medtransfer.study``, ``medtransfer.cohort``, ...): this module
imports nothing, so that the command line starts quickly.
"""

__version__ = "0.1.0"
