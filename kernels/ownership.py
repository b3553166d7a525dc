"""A plan belongs to the thread that made it: its buffers are written by each call, and a second call would mix two batches."""

import contextlib
import os
import threading

import torch

from kernels.recording import autocast, grad_enabled, refuse_recording


class Owned:
    """What belongs to one thread of one process, is called by one call at a time, and is never copied."""

    def __init__(self) -> None:
        self._thread, self._process, self._running = threading.get_ident(), os.getpid(), False

    @contextlib.contextmanager
    def alone(self, x: torch.Tensor):
        """Inference without autocast. ValueError if this is not the owner, if a call is still running, if torch records, or if somebody
        wants a gradient of x."""
        if self._thread != threading.get_ident() or self._process != os.getpid():
            raise ValueError("a plan belongs to the thread and process that made it: make one for each thread.")
        if self._running:
            raise ValueError("this plan is computing already: make another one for calls within a call.")
        refuse_recording("a plan's calls")
        if grad_enabled() and x.requires_grad:
            raise ValueError("a plan has no gradient: call it under torch.inference_mode().")
        self._running = True
        try:
            with torch.inference_mode(), torch.autocast(x.device.type, enabled=False) if autocast() else UNCHANGED:
                yield
        finally:
            self._running = False

    def __reduce__(self):
        raise TypeError(
            "a plan cannot be copied or saved, as it is bound to its buffers: save the network and plan it again."
        )


UNCHANGED = contextlib.nullcontext()
