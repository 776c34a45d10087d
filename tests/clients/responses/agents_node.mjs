// OpenAI's Agents SDK for JavaScript: `node agents_node.mjs URL`.
import { Agent, OpenAIConversationsSession, run as ask, setDefaultOpenAIClient, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { check, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

const client = new OpenAI({ baseURL: URL, apiKey: KEY, maxRetries: 0 });
setDefaultOpenAIClient(client);
setTracingDisabled(true);
const look = tool({
  name: "look", description: "Looks.", parameters: z.object({ at: z.string() }),
  execute: async ({ at }) => `${at}: a wall`,
});
const agent = (more) => new Agent({ name: "a", instructions: "Be brief.", model: MODEL, ...more });

async function threeTurns(modelSettings) {
  let items = [];
  for (let turn = 0; turn < 3; turn++) {
    const asked = { role: "user", content: `call look({"at":"${turn}"})` };
    const result = await ask(agent({ tools: [look], modelSettings }), [...items, asked]);
    check(result.finalOutput.includes(`${turn}: a wall`), result.finalOutput);
    items = result.history;
  }
}

await run({
  plain: async () => check((await ask(agent(), "Hello")).finalOutput.includes("Hello")),
  streamed: async () => {
    const result = await ask(agent(), "Hello", { stream: true });
    let text = "";
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    check(text && text === result.finalOutput, text);
  },
  "tools over three turns": () => threeTurns({}),
  "tools, nothing stored": () =>
    threeTurns({ store: false, providerData: { include: ["reasoning.encrypted_content"] } }),
  "structured output": async () => {
    const result = await ask(agent({ outputType: z.object({ n: z.number() }) }), "Count");
    check(typeof result.finalOutput.n === "number", result.finalOutput);
  },
  image: async () => {
    const content = [
      { type: "input_text", text: "What?" },
      { type: "input_image", image: `data:image/png;base64,${PNG}` },
    ];
    check((await ask(agent(), [{ role: "user", content }])).finalOutput.includes("1 file"));
  },
  chain: async () => {
    const first = await ask(agent(), "I am Ann.");
    const second = await ask(agent(), "Who?", { previousResponseId: first.lastResponseId });
    check(second.finalOutput.includes("Turns: 3"), second.finalOutput);
  },
  session: async () => {
    const session = new OpenAIConversationsSession({ client });
    await ask(agent({ tools: [look] }), 'call look({"at":"x"})', { session });
    check((await ask(agent({ tools: [look] }), "And now?", { session })).finalOutput.includes("And now?"));
    check((await session.getItems()).length === 6, await session.getItems());
    await session.clearSession();
  },
  error: async () => {
    try {
      await ask(agent(), "x", { previousResponseId: "resp_none" });
    } catch (error) {
      check(error.code === "previous_response_not_found", error);
      return;
    }
    check(false, "nothing was raised");
  },
});
