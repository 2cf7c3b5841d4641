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


class Replayed:
    """Calls `work()`. On a GPU the calls with one key are recorded once as a CUDA graph and then replayed: a step of a small
    network is thousands of small kernels, and Python takes longer to start them than they take to run.

    `work` reads its inputs from tensors that stay where they are, takes no decision on values, and gives tensors back, which
    the next call with this key overwrites. Use inside `with replayed:`, on whose stream all of it runs.
    """
    FIRST = 3   # ordinary calls before: cuDNN's choices and an optimiser's state are made by then

    def __init__(self, where, worth=True):
        """worth: whether there are enough calls to make up for recording, some tenths of a second."""
        self.graphs, self.seen, self.pool = {}, {}, None
        self.stream = torch.cuda.Stream(where) if where.type == "cuda" and worth else None

    def __enter__(self):
        if self.stream:
            self.stream.wait_stream(torch.cuda.current_stream())
            self.context = torch.cuda.stream(self.stream)
            self.context.__enter__()
        return self

    def __exit__(self, *error):
        if self.stream:
            self.context.__exit__(*error)
            torch.cuda.current_stream().wait_stream(self.stream)
            self.graphs.clear()

    def __call__(self, key, work):
        if not self.stream:
            return work()
        if key not in self.graphs:
            self.seen[key] = self.seen.get(key, 0) + 1
            if self.seen[key] <= self.FIRST:
                return work()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                result = work()
            self.pool, self.graphs[key] = graph.pool(), (graph, result)
        graph, result = self.graphs[key]
        graph.replay()
        return result


def versions():
    """What a figure's conditions are stated with."""
    return {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.machine(),
            "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu", "threads": torch.get_num_threads()}
