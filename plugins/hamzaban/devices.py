"""What GPUs and CPUs of this machine can do, as torch sees them."""

import logging

NARROW = "bfloat16"


def require_gpus(ngpu: int) -> None:
    """Check that torch can use as many GPUs as an option asks for.

    Raises:
        ValueError: There are fewer.
    """
    if ngpu < 1:
        return
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found < ngpu:
        raise ValueError(
            f"--ngpu is {ngpu}, but torch finds {found} GPUs here; give --ngpu "
            f"{found}{' for the CPU' if not found else ''}, or check the driver with "
            "nvidia-smi and CUDA_VISIBLE_DEVICES"
        )


def has_fast_bfloat16() -> bool:
    """Return whether torch multiplies bfloat16 on this CPU with native instructions.

    Without them, each product is emulated, and minutes of training become hours.
    """
    import torch

    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    probes = [getattr(torch.cpu, name, None) for name in names]
    if any(probe() for probe in probes if probe is not None):
        return True
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return False
    is_supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return bool(is_supported is not None and is_supported())


def usable_dtype(dtype: str | None, ngpu: int) -> str | None:
    """Return the type to train in: float32 (None) where bfloat16 would be emulated.

    Args:
        dtype: Value of autocast_dtype.
        ngpu: GPUs of the training; 0 for the CPU.
    """
    if dtype != NARROW or ngpu > 0 or has_fast_bfloat16():
        return dtype
    logging.warning(
        "autocast_dtype: bfloat16 is ignored: this CPU has no instructions for it and "
        "would take many times as long; training uses float32; set autocast_dtype: "
        "null to silence this warning"
    )
    return None
