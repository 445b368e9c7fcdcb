from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import JPEGLSLossless

from medtransfer.study.frame_decoding import decode

PIXELS = np.random.default_rng(1).integers(0, 4000, (64, 48)).astype(np.uint16)
FRAME = bytes(imagecodecs.jpegls_encode(PIXELS))


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_a_whole_frame_is_decoded_with_its_padding(padding: bytes) -> None:
    assert np.array_equal(decode(FRAME + padding, JPEGLSLossless), PIXELS)


@pytest.mark.parametrize("length", [1, 60, len(FRAME) // 2, len(FRAME) - 1])
def test_a_frame_cut_short_never_reaches_the_decoder(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagecodecs, "jpegls_decode", lambda _: pytest.fail("it would search for seconds"))
    with pytest.raises(ValueError, match="ends before its picture does"):
        decode(FRAME[:length], JPEGLSLossless)
