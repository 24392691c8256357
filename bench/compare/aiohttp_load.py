"""aiohttp's side of the case `small`: the phases of http/load.mjs. Takes the parameters as JSON, prints the result."""

import asyncio
import json
import resource
import sys
import time

import aiohttp


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def phase(session, url, requests, concurrency, text):
    left = requests

    async def work():
        nonlocal left
        while left > 0:
            left -= 1
            async with session.get(url) as response:
                got = await response.text()
            if got != text:
                raise ValueError(f"Cannot compare as the body has to be {text}: it is {got}")

    started = time.perf_counter()
    before = cpu_seconds()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return cpu_seconds() - before, time.perf_counter() - started


async def main(url, requests, concurrency, text, **_):
    async with aiohttp.ClientSession() as session:
        cold, _ = await phase(session, url, requests, concurrency, text)
        warm, wall = await phase(session, url, requests, concurrency, text)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"warm": warm * 1e6 / requests, "cold": cold * 1e6 / requests, "rate": requests / wall, "rss": rss}


print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))
