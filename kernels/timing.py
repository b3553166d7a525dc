"""How long calls take beside each other on a machine that does other things too."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch


def compare(
    calls: Sequence[Callable[[], object]],
    rounds: int = 5,
    seconds: float = 0.005,
    device: torch.device | str = "cpu",
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Median seconds of each call; see `interleaved`."""
    return [statistics.median(one) for one in interleaved(calls, rounds, seconds, device, clock)]


def interleaved(
    calls: Sequence[Callable[[], object]],
    rounds: int = 5,
    seconds: float = 0.005,
    device: torch.device | str = "cpu",
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Seconds of each call in each round. Rounds are interleaved, so that what disturbs one call disturbs its rivals as well.

    seconds: about how long one call is repeated in a round. clock: time.thread_time counts only this thread's work, which tells more
    where a single thread shares a busy machine.
    """
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else (lambda: None)

    def measure(call: Callable[[], object], repeats: int) -> float:
        wait()
        start = clock()
        for _ in range(repeats):
            call()
        wait()
        return (clock() - start) / repeats

    repeats = []
    for call in calls:
        call()  # the first call builds, lays out and allocates
        repeats.append(max(1, int(seconds / max(measure(call, 1), 1e-7))))
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for index, call in enumerate(calls):
            times[index].append(measure(call, repeats[index]))
    return times
