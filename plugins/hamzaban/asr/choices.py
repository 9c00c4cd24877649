"""Our classes among the choices of ESPnet's ASR task."""

from hamzaban import compat

compat.prepare()

from espnet2.tasks import asr as espnet_asr  # noqa: E402
from espnet2.train.class_choices import ClassChoices  # noqa: E402

from hamzaban.asr.frontend import HamzabanS3prlFrontend  # noqa: E402
from hamzaban.asr.joint import JointCTC  # noqa: E402
from hamzaban.asr.model import HamzabanCTC  # noqa: E402
from hamzaban.text.cleaner import PREFIX, find_cleaner  # noqa: E402

FRONTEND = "hamzaban_s3prl"
MODEL = "hamzaban_ctc"
JOINT_MODEL = "hamzaban_joint_ctc"


def register_classes() -> None:
    """Add frontend and models to the lists ESPnet builds models from, and cleaners."""
    add_choice(espnet_asr.frontend_choices, FRONTEND, HamzabanS3prlFrontend)
    add_choice(espnet_asr.model_choices, MODEL, HamzabanCTC)
    add_choice(espnet_asr.model_choices, JOINT_MODEL, JointCTC)
    compat.add_text_cleaner(PREFIX, find_cleaner)


def add_choice(choices: ClassChoices, name: str, cls: type) -> None:
    """Add one class to the choices of an option.

    Args:
        choices: ESPnet's choices, such as those of `--frontend`.
        name: What the option and the YAML call it; lower case.
        cls: The class.

    Raises:
        TypeError: If ESPnet cannot use the class there.
        ValueError: If the name is taken by another class or is not in lower case.
    """
    base = choices.base_type
    if base is not None and not issubclass(cls, base):
        raise TypeError(
            f"--{choices.name} {name}: {cls.__name__} must inherit {base.__name__}"
        )
    if name != name.lower() or name in ("none", "nil", "null"):
        raise ValueError(f"--{choices.name}: '{name}' cannot be a name; use lower case")
    found = choices.classes.setdefault(name, cls)
    if found is not cls:
        raise ValueError(f"--{choices.name} {name} is {found}; use another name")
