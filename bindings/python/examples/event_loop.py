# SPDX-License-Identifier: MIT
"""Many calls at once in an event loop, one of which is given up.

event_loop.py [OPTION VALUE]..; the API key is in EXAMPLE_TOKEN.
"""

import asyncio
import os
import sys

import plastiq


async def one(client: plastiq.AsyncClient, limit: asyncio.Semaphore) -> int:
    async with limit:
        with await client.client_secrets.create(end_user_ip="192.0.2.1") as created:
            return created.client_secret.life_ms


async def main() -> None:
    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    async with plastiq.AsyncClient(options, access_token=os.environ["EXAMPLE_TOKEN"]) as client:
        limit = asyncio.Semaphore(50)
        lives = await asyncio.gather(*[one(client, limit) for _ in range(200)])
        given_up = asyncio.ensure_future(client.client_secrets.create())
        await asyncio.sleep(0)
        given_up.cancel()  # the call is cancelled with it
        print(f"{len(lives)} secrets, the shortest life {min(lives)} ms, given up: {await settled(given_up)}")


async def settled(task: "asyncio.Future[plastiq.ClientSecretsCreateResponse]") -> bool:
    await asyncio.wait([task])
    return task.cancelled()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except plastiq.Error as error:
        sys.exit(f"{error.status_name}: {error}")
