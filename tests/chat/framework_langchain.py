"""LangChain's ChatOpenAI: a tool loop, structured output beside tools, and a history of its own making:
`python framework_langchain.py URL`.

Runs where `requirements-clients.lock` is installed; prints one JSON object.
"""

import json
import sys
from functools import reduce
from operator import add

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"It rains in {city}."


def main(url: str, name: str) -> dict[str, object]:
    model = ChatOpenAI(model=name, base_url=f"{url}/v1", api_key="sk-none", max_retries=0)
    bound = model.bind_tools([weather], parallel_tool_calls=False)
    question = HumanMessage('call weather({"city": "Bonn"}) call weather({"city": "Ulm"})')
    called = bound.invoke([question])
    result = ToolMessage(weather.invoke(called.tool_calls[0]["args"]), tool_call_id=called.tool_calls[0]["id"])
    told = bound.invoke([question, called, result])
    cut = bound.invoke([SystemMessage("Be brief."), called, result])
    prefilled = model.invoke([HumanMessage("hello"), AIMessage("Well,")])
    person = model.with_structured_output(Person, method="json_schema", tools=[weather], strict=True).invoke("Who?")
    streamed = reduce(add, bound.stream([question]))
    return {
        "calls": [call["args"] for call in called.tool_calls],
        "told": bool(told.text),
        "cut": bool(cut.text),
        "prefilled": bool(prefilled.text),
        "person": sorted(person.model_dump()),
        "streamed": [call["args"] for call in streamed.tool_calls],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
