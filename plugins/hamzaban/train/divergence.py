"""Stop training that has diverged, and keep no model that is not finite."""

import logging
import math

import torch
from espnet2.train.reporter import SubReporter

from hamzaban.weights.values import list_not_finite

_REMEDY = (
    "nothing of this epoch is kept; train into another --output_dir, from the last "
    "epoch or from the beginning, with a lower optim_conf.lr or grad_clip, a longer "
    "warm-up, or autocast_dtype null"
)


class DivergedError(ValueError):
    """Training has diverged: a loss, gradient or weight is not finite."""


def check_gradients(is_invalid: bool, reporter: SubReporter) -> None:
    """Check that some batch of an epoch had a finite gradient.

    Raises:
        DivergedError: No batch had one.
    """
    if is_invalid:
        raise DivergedError(
            f"epoch {reporter.get_epoch()}: no batch gave a finite gradient; {_REMEDY}"
        )


def check_losses(reporter: SubReporter) -> None:
    """Check that the validation loss of an epoch is finite.

    Raises:
        DivergedError: The loss is not finite in any batch.
    """
    losses = [v.value for v in reporter.stats.get("loss", [])]
    bad = sum(not math.isfinite(loss) for loss in losses)
    if losses and bad == len(losses):
        raise DivergedError(
            f"epoch {reporter.get_epoch()}: the validation loss is {losses[-1]}; "
            f"{_REMEDY}"
        )
    if bad:
        logging.warning(
            f"epoch {reporter.get_epoch()}: the validation loss of {bad} of "
            f"{len(losses)} batches is not finite; the mean leaves them out"
        )


def check_model(model: torch.nn.Module, epoch: int) -> None:
    """Check that a model is finite.

    Args:
        model: The model without wrappers.
        epoch: Number of the epoch.

    Raises:
        DivergedError: A parameter is not finite.
    """
    bad = list_not_finite(model.state_dict())
    if bad:
        raise DivergedError(
            f"epoch {epoch}: {len(bad)} parameters of the model are not finite, such "
            f"as {bad[0]}; {_REMEDY}"
        )
