"""What this computer trains on: a GPU when there is one; bfloat16 where it is fast."""
import os
import platform

import torch


def device():
    """QUELL_DEVICE chooses ("cpu", "cuda:1"); otherwise a GPU if there is one."""
    return torch.device(os.environ.get("QUELL_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu"))


def has_bfloat16(where):
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()  # the CPU's own instructions, not an emulation


def autocast(where):
    return torch.autocast(where.type, torch.bfloat16, enabled=has_bfloat16(where))


def versions():
    """What a figure's conditions are stated with."""
    return {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine(),
            "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu", "threads": torch.get_num_threads()}
