"""DSPy over LiteLLM's client, as it comes: `python dspy_python.py URL`."""

import asyncio
import sys

import dspy

from cases import KEY, MODEL, PNG, run

SHARED = {"api_base": f"{sys.argv[1]}/v1", "api_key": KEY, "cache": False, "num_retries": 0}


def with_model(adapter: dspy.Adapter, **more: object) -> object:
    return dspy.context(lm=dspy.LM(f"openai/{MODEL}", **SHARED, **more), adapter=adapter)


def plain() -> None:
    answer = dspy.LM(f"openai/{MODEL}", **SHARED)("Hello")[0]
    assert "Hello" in (answer if isinstance(answer, str) else answer["text"])


def structured() -> None:
    with with_model(dspy.JSONAdapter()):
        assert dspy.Predict("question: str -> age: int")(question="How old?").age is not None


def several() -> None:
    assert len(dspy.LM("openai/gpt-4o", **SHARED)("Hello", n=2)) == 2


def image() -> None:
    with with_model(dspy.JSONAdapter()):
        found = dspy.Predict("picture: dspy.Image, question: str -> age: int")(
            picture=dspy.Image(f"data:image/png;base64,{PNG}"), question="How old?"
        )
        assert found.age is not None


def error() -> None:
    try:
        dspy.LM("openai/gemini-none", **SHARED)("x")
    except Exception as refused:
        assert "gemini-none" in str(refused)
        return
    raise AssertionError("nothing was raised")


asyncio.run(run({"plain": plain, "structured output": structured, "several": several, "image": image, "error": error}))
