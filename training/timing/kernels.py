"""Which kernels a stage's time goes to, as CUPTI tells of them through PyTorch's profiler, which sees every kernel of its process,
those of the product, too. Times are of the card; watching makes the gaps between kernels longer."""
import json
import tempfile
from collections import defaultdict
from pathlib import Path

STAGES = ("sample_loop", "decode", "clip_vision", "synchformer", "text_t5", "text_clip")
PREFIX = "kernels of "  # before the name of a stage, that it is to be watched
MOST = 60  # kernels told of one stage
IN_ORDER = 700  # events from its middle, one after the other: two steps of the loop


def watched(work) -> list[dict]:
    """The card's events while `work` runs once, in the order of their beginnings."""
    from torch import profiler
    with tempfile.TemporaryDirectory() as folder:
        with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as watch:
            work()
        trace = Path(folder, "trace.json")
        watch.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    return sorted((event for event in events if event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset")), key=lambda event: event["ts"])


def summary(events: list[dict]) -> dict:
    """Microseconds: from the first beginning to the last end, with anything running, and of each kernel by its grid; of events from
    the middle [place in `kernels` or null, stream, beginning, duration]."""
    if not events:
        raise ValueError("the profiler saw no kernel")

    def key_of(event: dict) -> tuple:
        about = event.get("args", {})
        return event["name"], *map(tuple, (about.get("grid", ()), about.get("block", ()))), about.get("registers per thread"), about.get("shared memory")
    kernels, busy, until = defaultdict(lambda: [0, 0.0, float("inf")]), 0.0, float("-inf")
    for event in events:
        begin, end = event["ts"], event["ts"] + event["dur"]
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
        row = kernels[key_of(event)]
        row[0] += 1
        row[1] += event["dur"]
        row[2] = min(row[2], event["dur"])
    order = sorted(kernels.items(), key=lambda kernel: -kernel[1][1])
    rows = [{"name": key[0], "grid": key[1], "block": key[2], "registers": key[3], "shared_bytes": key[4], "count": count, "us": total, "least_us": least}
            for key, (count, total, least) in order]
    places = {key: place for place, (key, _) in enumerate(order[:MOST])}
    first = max(0, (len(events) - IN_ORDER) // 2)
    in_order = [[places.get(key_of(event)), event.get("args", {}).get("stream"), round(event["ts"] - events[first]["ts"], 3), round(event["dur"], 3)]
                for event in events[first:first + IN_ORDER]]
    return {"span_us": until - events[0]["ts"], "busy_us": busy, "launches": len(events), "kernels": rows[:MOST], "others_us": sum(row["us"] for row in rows[MOST:]),
            "in_order": in_order}
