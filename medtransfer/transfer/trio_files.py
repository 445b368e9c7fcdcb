"""The files of a model that is a trio: what learning and answering agree on."""

from __future__ import annotations

DISEASE = "disease.safetensors"
"""The file with what the network that learnt disease in general does not have in common with the trunk."""
SPACE = "space.safetensors"
"""The file with what Siamese components start from: see :class:`medtransfer.transfer.siamese.Space`."""


def second_file(label: str) -> str:
    """Return the name of the file with component B's tensors that are in neither of the shared files."""
    return f"second-{label}.safetensors"


def trio_file(label: str) -> str:
    """Return the name of the file with the Siamese component and the learners."""
    return f"trio-{label}.safetensors"
