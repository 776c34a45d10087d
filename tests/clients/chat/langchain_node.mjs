// LangChain.js over OpenAI's chat and over Gemini's own form: `node langchain_node.mjs URL`.
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { check, KEY, MODEL, run, URL } from "./cases.mjs";

const MODELS = {
  openai: new ChatOpenAI({ model: MODEL, apiKey: KEY, maxRetries: 0, configuration: { baseURL: URL } }),
  google: new ChatGoogleGenerativeAI({ model: MODEL, apiKey: KEY, maxRetries: 0, baseUrl: URL.replace(/\/v1$/, "") }),
};
const look = tool(async ({ at }) => `${at}: a wall`, { name: "look", description: "Looks.", schema: z.object({ at: z.string() }) });

const cases = {};
for (const [name, model] of Object.entries(MODELS)) {
  cases[`${name}: plain`] = async () => check((await model.invoke("Hello")).text.includes("Hello"));
  cases[`${name}: streamed`] = async () => {
    let text = "";
    for await (const chunk of await model.stream("Hello")) text += chunk.text;
    check(text.includes("Hello"), text);
  };
  cases[`${name}: tools`] = async () => {
    const bound = model.bindTools([look]);
    const messages = [new HumanMessage('call look({"at":"1"}) call look({"at":"2"})')];
    const called = await bound.invoke(messages);
    check(called.tool_calls.length === 2, called);
    messages.push(called);
    for (const call of called.tool_calls) {
      messages.push(new ToolMessage({ content: await look.invoke(call.args), tool_call_id: call.id, name: call.name }));
    }
    check((await bound.invoke(messages)).text.includes("a wall"));
  };
  cases[`${name}: structured output`] = async () => {
    const found = await model.withStructuredOutput(z.object({ n: z.number() }), { name: "count" }).invoke("Count");
    check(typeof found.n === "number", found);
  };
}
await run(cases);
