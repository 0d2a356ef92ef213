"""Several searches at once, on one event loop.

Prints:

    wings: The lift of a wing in the slipstream of a propeller.
    temperature: Heat conduction in slabs of several layers.
"""

import asyncio

import onevec

TEXTS = {
    "1": "The lift of a wing in the slipstream of a propeller.",
    "2": "Heat conduction in slabs of several layers.",
}


async def main() -> None:
    async with onevec.connect_async("memory://", embedder="wordllama") as store:
        papers = await store.create_collection("papers")
        await papers.upsert({"id": id, "text": text} for id, text in TEXTS.items())
        questions = ["wings", "temperature"]
        answers = await asyncio.gather(*(papers.search(question, top_k=1) for question in questions))
        for question, hits in zip(questions, answers, strict=True):
            print(f"{question}: {hits[0].text}")


asyncio.run(main())
