"""Fine-tuning of wav2vec 2.0 to a CTC recognizer, inside ESPnet2."""


def register() -> None:
    """Add our classes to ESPnet's choices, so that its own tools build our models.

    A process that loads a model of ours through ESPnet calls this first. Importing this
    package alone does not import ESPnet.
    """
    from hamzaban.asr.choices import register_classes

    register_classes()
