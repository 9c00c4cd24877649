"""A recognizer of two layers without ESPnet; importing it imports torch."""

import torch

from hamzaban.wav2vec2.frames import count_frames

CONV = [(400, 320)]


class Ctc(torch.nn.Module):
    def log_softmax(self, out):
        return out.log_softmax(-1)


class Model(torch.nn.Module):
    """One convolution, whose output for a frame depends on that frame only."""

    def __init__(self, num_tokens):
        super().__init__()
        self.layer = torch.nn.Conv1d(1, num_tokens - 1, 400, 320)
        self.ctc = Ctc()

    def encode(self, speech, lengths):
        out = self.layer(speech[:, None]).transpose(1, 2)  # (B, T, V - 1)
        out = torch.nn.functional.pad(out * 8, (0, 1), value=-50.0)
        frames = [count_frames(int(length), CONV) for length in lengths]
        return out, torch.tensor(frames)
