"""Voice activity detection by Silero VAD, run in ONNX Runtime."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FRAME_SAMPLES = 512  # 32 ms at 16 kHz
BLOCK_FRAMES = 128  # frames per call
BLOCK_SAMPLES = FRAME_SAMPLES * BLOCK_FRAMES
_CONTEXT = 64  # samples of the previous frame that are input with each frame
_STATE = (1, 1, 128)
_WEIGHTS = (
    "silero_vad_16k_sequence.onnx"  # the streaming model, for many frames per call
)


class VoiceActivity:
    """The probabilities of speech of the frames of one recording.

    The state continues from call to call, so the probabilities are those of Silero's
    streaming model for a recording of any length.
    """

    def __init__(self) -> None:
        """Start a recording."""
        self._session = _open_session()
        self._context = np.zeros(_CONTEXT, np.float32)
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)

    def __call__(self, speech: np.ndarray) -> np.ndarray:
        """Return the probabilities of the next frames.

        Args:
            speech: Samples at 16 kHz, float32, shape (num_frames * 512,). Blocks of
                the same lengths give the same numbers to the last bit.

        Returns:
            Probabilities 0..1, float32, shape (num_frames,).
        """
        if not len(speech):
            return np.zeros(0, np.float32)
        joined = np.concatenate([self._context, speech])
        width = _CONTEXT + FRAME_SAMPLES
        frames = np.lib.stride_tricks.sliding_window_view(joined, width)
        inputs = {
            "input": np.ascontiguousarray(frames[::FRAME_SAMPLES]),  # (T, 576)
            "h": self._hidden,
            "c": self._cell,
        }
        names = ["speech_probs", "hn", "cn"]
        probs, self._hidden, self._cell = self._session.run(names, inputs)
        self._context = joined[-_CONTEXT:]
        return probs.reshape(-1)  # (T,)


def find_weights() -> Path:
    """Return the file of the weights, without importing the package, which needs torch.

    Raises:
        FileNotFoundError: silero-vad is missing or too old.
    """
    spec = importlib.util.find_spec("silero_vad")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        path = Path(folder) / "data" / _WEIGHTS
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"silero_vad/data/{_WEIGHTS}: no such file in this Python; install "
        "silero-vad 6.2.3 or later"
    )


@cache
def _open_session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # files are read in parallel, see --nj
    options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(str(find_weights()), options, providers)
