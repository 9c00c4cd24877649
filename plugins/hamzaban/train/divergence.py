"""Training that ends in no numbers is an error, and its model is not kept."""

import logging
import math

import torch
from espnet2.train.reporter import SubReporter

from hamzaban.weights.values import list_not_finite

_REMEDY = (
    "nothing of this epoch is kept; train into another --output_dir, from the last "
    "whole epoch or anew, with a lower optim_conf.lr or grad_clip, a longer warm-up, "
    "or autocast_dtype null"
)


class DivergedError(ValueError):
    """Training gave numbers that are not finite."""


def check_gradients(is_invalid: bool, reporter: SubReporter) -> None:
    """Check that a batch of an epoch gave a finite gradient.

    Raises:
        DivergedError: None did.
    """
    if is_invalid:
        raise DivergedError(
            f"epoch {reporter.get_epoch()}: no batch gave a finite gradient; {_REMEDY}"
        )


def check_losses(reporter: SubReporter) -> None:
    """Check that the validation of an epoch gave a loss.

    Raises:
        DivergedError: The loss of no batch is finite.
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
            f"{len(losses)} batches is not finite; they do not count in the mean"
        )


def check_model(model: torch.nn.Module, epoch: int) -> None:
    """Check that a model may be kept.

    Args:
        model: The bare model.
        epoch: Its number.

    Raises:
        DivergedError: A parameter is not finite.
    """
    bad = list_not_finite(model.state_dict())
    if bad:
        raise DivergedError(
            f"epoch {epoch}: {len(bad)} parameters of the model are not finite, such "
            f"as {bad[0]}; {_REMEDY}"
        )
