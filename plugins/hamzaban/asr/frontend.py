"""wav2vec 2.0 as a frontend of ESPnet: independent of padding, trainable in parts."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from espnet2.asr.frontend.s3prl import S3prlFrontend
from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Model
from torch import Tensor, nn
from torch.nn import functional as F

from hamzaban.asr import upstream as wav2vec2
from hamzaban.asr.frontend_options import FineTuning, read_options
from hamzaban.asr.masking import mask_latent
from hamzaban.train.precision import checkpoint_wav2vec2
from hamzaban.train.task import check_prefixes
from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg
from hamzaban.wav2vec2.convert.source import read_source
from hamzaban.wav2vec2.frames import count_frames

UPSTREAMS = ("wav2vec2_custom", "wav2vec2_local", "wav2vec2_url")
KEYS = ("upstream", "path_or_url", "normalize", "extra_conf", "tile_factor")


class HamzabanS3prlFrontend(S3prlFrontend):
    """wav2vec 2.0 features, with the keys of ESPnet's `frontend: s3prl` and more.

    Parameters have the same names (`frontend.upstream.upstream.model.*`). There are
    four differences: the features of an utterance do not depend on its batch, and
    there are as many as the convolutions make frames; only the requested layer is
    kept; latent features are masked in training; frozen parts are in eval mode and
    build no graph.
    """

    def __init__(
        self,
        fs: int | str = 16000,
        frontend_conf: Mapping[str, Any] | None = None,
        download_dir: str | None = None,
        multilayer_feature: bool = False,
        layer: int = -1,
        **options: Any,
    ) -> None:
        """Build the model, from a checkpoint or with random weights.

        Args:
            fs: Sampling rate, 16000 Hz.
            frontend_conf: upstream, path_or_url (file with task_cfg, model_cfg and
                model_weight), normalize (layer norm of the output), tile_factor.
            download_dir: Not used; nothing is downloaded.
            multilayer_feature: Return a learnt mean of all layers.
            layer: Return the input of this layer, counted from 0; -1: the output.
            **options: The options of `FineTuning`.

        Raises:
            ValueError: If a value is not understood.
            FileNotFoundError: If the checkpoint is missing.
        """
        super(S3prlFrontend, self).__init__()
        conf = dict(frontend_conf or {})
        self.options = read_options(options)
        _check_conf(conf, fs)
        model = _build_model(conf.get("path_or_url"), self.options)
        _freeze(model, self.options)
        if self.options.gradient_checkpointing:
            checkpoint_wav2vec2(model)
        self.upstream = nn.ModuleDict({"upstream": nn.ModuleDict({"model": model})})
        _check_layer(layer, multilayer_feature, self.options, len(model.encoder.layers))
        depth = len(model.encoder.layers) + 1 if multilayer_feature else 0
        self.featurizer = LayerMean(depth) if depth else None
        self.multilayer_feature, self.layer = multilayer_feature, layer
        self.normalize = bool(conf.get("normalize", False))
        self.tile_factor = conf.get("tile_factor") or 1
        self.frontend_type = "hamzaban_s3prl"
        self.conv = wav2vec2.read_conv(model)
        self.hop_length = math.prod(stride for _, stride in self.conv)
        self.num_updates = 0

    @property
    def model(self) -> Wav2Vec2Model:
        """The wav2vec 2.0 model."""
        expert: Any = self.upstream["upstream"]
        return expert["model"]

    def output_size(self) -> int:
        """Return the number of channels of the features."""
        return self.model.encoder.embedding_dim

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features.

        Args:
            input: Waveforms in -1..1, shape (B, S) or (B, S, 1).
            input_lengths: Samples of each utterance, shape (B,).

        Returns:
            Features, shape (B, T, C), and the number of frames of each utterance, shape
            (B,), 0 for one shorter than a frame.
        """
        speech = input.squeeze(-1) if input.dim() == 3 else input
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            feats, num_frames = self._run(speech, input_lengths)
        if self.normalize:
            feats = F.layer_norm(feats, feats.shape[-1:])
        if self.tile_factor != 1:
            feats = self._tile_representations(feats)
        frames = torch.tensor(num_frames, device=input.device) * self.tile_factor
        return feats, frames

    def _run(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, list[int]]:
        if self.model.wav_normalize:
            speech = wav2vec2.normalize_waveforms(speech, lengths)
        num_samples = lengths.tolist()
        num_frames = [count_frames(n, self.conv) for n in num_samples]
        field = wav2vec2.receptive_field(self.conv)
        if speech.size(1) < field:
            speech = F.pad(speech, (0, field - speech.size(1)))
        shown = [max(n, 1) for n in num_frames]  # attention over no frames gives NaN
        num_samples = [max(n, field) for n in num_samples]
        feats = wav2vec2.extract_latent(self.model, speech, num_samples)  # (B, T, C)
        if self.training:
            feats = mask_latent(feats, shown, self.model.mask_emb, self.options)
        return self._encode(feats, wav2vec2.padding_mask(shown, feats)), num_frames

    def _encode(self, feats: Tensor, padding: Tensor | None) -> Tensor:
        if self.featurizer is None and self.layer == -1:
            return wav2vec2.encode(self.model, feats, padding)
        layers = wav2vec2.encode_layers(self.model, feats, padding)
        return self.featurizer(layers) if self.featurizer else layers[self.layer]

    def load_pretrained(
        self, weights: Mapping[str, Tensor], place: str, *, strict: bool = True
    ) -> None:
        """Fill the model from a checkpoint's weights, as `upstream.load_pretrained`."""
        wav2vec2.load_pretrained(
            self.model,
            weights,
            place,
            reinit_layers=self.options.reinit_layers,
            strict=strict,
        )

    @property
    def is_frozen(self) -> bool:
        """Return whether the next training step leaves the whole model as it is."""
        return self.training and self.num_updates < self.options.freeze_updates

    def set_num_updates(self, num_updates: int) -> None:
        """Set the number of optimizer updates so far, which ends `freeze_updates`."""
        was_frozen, self.num_updates = self.is_frozen, num_updates
        if was_frozen != self.is_frozen:
            self.train(self.training)

    def train(self, mode: bool = True) -> "HamzabanS3prlFrontend":
        """Set training mode, except for parts whose parameters are all frozen."""
        super().train(mode)
        if mode and self.is_frozen:
            self.upstream.eval()
        elif mode:
            for module in self.model.modules():
                parameters = list(module.parameters())
                if parameters and not any(p.requires_grad for p in parameters):
                    module.eval()
        return self

    def reload_pretrained_parameters(self) -> None:
        """Refuse ESPnet's option `init`, since no second copy of the weights is kept.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "init is set, expected null; the checkpoint gives the weights of the model"
        )


class LayerMean(nn.Module):
    """Weighted mean of hidden states with learnt weights, as S3PRL's `Featurizer`."""

    def __init__(self, num_layers: int) -> None:
        """Start from equal weights of `num_layers` states."""
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(num_layers))

    def forward(self, states: list[Tensor]) -> Tensor:
        """Average states of shape (B, T, C)."""
        weights = self.weights.softmax(0)
        return sum(w * state for w, state in zip(weights, states, strict=True))


def _build_model(path: str | None, options: FineTuning) -> Wav2Vec2Model:
    weights = None
    if path is not None:
        task_cfg, model_cfg, weights = read_source(path).checkpoint
    elif options.model_cfg is not None:
        model_cfg = make_model_cfg(options.model_cfg, "frontend_conf.model_cfg")
        task_cfg = make_task_cfg(options.task_cfg or {}, "frontend_conf.task_cfg")
    else:
        raise ValueError(
            "frontend_conf: no checkpoint and no model_cfg found; give "
            "--ssl_checkpoint FILE, or model_cfg to start from random weights"
        )
    model = wav2vec2.build_wav2vec2(model_cfg, options.overrides)
    if weights is not None:
        wav2vec2.load_pretrained(
            model, weights, str(path), reinit_layers=options.reinit_layers
        )
    model.wav_normalize = bool(task_cfg["normalize"])
    return model


def _freeze(model: nn.Module, options: FineTuning) -> None:
    names = [name for name, _ in model.named_parameters()]
    check_prefixes(names, options.freeze, "frontend_conf.freeze")
    for name, parameter in model.named_parameters():
        if any(f"{name}.".startswith(f"{prefix}.") for prefix in options.freeze):
            parameter.requires_grad_(False)
    if options.mask_prob <= 0:
        model.mask_emb.requires_grad_(False)


def _check_conf(conf: Mapping[str, Any], fs: int | str) -> None:
    for name in conf:
        if name not in KEYS:
            raise ValueError(
                f"frontend_conf.frontend_conf: '{name}' is unknown; known: "
                f"{', '.join(KEYS)}"
            )
    upstream = conf.get("upstream", UPSTREAMS[0])
    if upstream not in UPSTREAMS or conf.get("extra_conf"):
        raise ValueError(
            f"frontend_conf.frontend_conf: upstream {upstream} with extra_conf "
            f"{conf.get('extra_conf')} is not supported; known: {', '.join(UPSTREAMS)} "
            "without extra_conf; give a Hugging Face directory of wav2vec 2.0 as "
            "--ssl_checkpoint; other models need --frontend s3prl, without the options "
            "of fine-tuning such as layerdrop"
        )
    if str(fs).lower() not in ("16000", "16k"):
        raise ValueError(
            f"frontend_conf: fs is {fs}, expected 16000; run format-audio --fs 16000"
        )


def _check_layer(layer: int, is_mean: bool, options: FineTuning, num: int) -> None:
    if not -1 <= layer <= num or (is_mean and layer != -1):
        raise ValueError(
            f"frontend_conf: layer is {layer}, expected -1..{num}, and -1 with "
            "multilayer_feature"
        )
    if (is_mean or layer != -1) and options.layerdrop > 0:
        raise ValueError(
            f"frontend_conf: layerdrop is {options.layerdrop}, expected 0 with layer "
            "or multilayer_feature"
        )
