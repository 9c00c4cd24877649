"""Read a recording of any format as mono samples, and note what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hamzaban.audio.container import check_truncation
from hamzaban.audio.signal import Mixer
from hamzaban.audio.source import open_file
from hamzaban.mine.decode import probe_media, read_media
from hamzaban.transcribe.transcribe_options import FS

MAX_SHORTFALL_S = 1.0  # a file may be this much shorter than its container says


class Recording:
    """A file that ffmpeg can read.

    Attributes:
        path: The file.
        duration_s: Duration that it states; None if it states none.
        faults: What is wrong with it; complete after `blocks` has ended.
    """

    def __init__(self, path: str, channel: int | None = None) -> None:
        """Open a file and decode its first frame.

        Args:
            path: The file.
            channel: Number of the channel to use, from 0; None mixes all.

        Raises:
            audio.source.UnreadableError: There is no audio to read.
        """
        self.path = path
        self._media = probe_media(Path(path))
        self._channel = channel
        self.duration_s = self._media.duration_s
        with open_file(Path(path)) as file:
            cut = check_truncation(file)
        self.faults = [f"truncated: {cut}"] if cut else []

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield samples at 16 kHz, float32, shape (num_samples,) each.

        Raises:
            audio.source.UnreadableError: The file is gone, or lacks the channel.
        """
        mixer, count = Mixer(self._channel, self.path), 0
        for block in read_media(self._media, 0, FS, self.faults, mixer=mixer):
            count += len(block)
            yield block
        stated_s = self.duration_s if self._media.is_exact else None
        if stated_s is not None and stated_s - count / FS > MAX_SHORTFALL_S:
            found = f"{count / FS:.1f} of {stated_s:.1f} s could be read"
            self.faults.append(found)
