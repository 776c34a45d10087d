// OpenAI's Agents SDK for JavaScript: `node agents_node.mjs URL`.
import { Agent, OpenAIConversationsSession, run as ask, setDefaultOpenAIClient, setTracingDisabled, tool, webSearchTool } from "@openai/agents";
import OpenAI, { toFile } from "openai";
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

async function threeTurns(modelSettings, options = {}) {
  let items = [];
  for (let turn = 0; turn < 3; turn++) {
    const asked = { role: "user", content: `call look({"at":"${turn}"})` };
    const result = await ask(agent({ tools: [look], modelSettings }), [...items, asked], options);
    if (options.stream) await result.completed;
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
  "tools in streams": () => threeTurns({}, { stream: true }),
  "tools, nothing stored": () =>
    threeTurns({ store: false, providerData: { include: ["reasoning.encrypted_content"] } }),
  "structured output": async () => {
    const result = await ask(agent({ outputType: z.object({ n: z.number() }) }), "Count");
    check(typeof result.finalOutput.n === "number", result.finalOutput);
  },
  "file by id": async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from("hello"), "a.txt"), purpose: "user_data" });
    const content = [{ type: "input_text", text: "What?" }, { type: "input_file", file: { id: file.id } }];
    check((await ask(agent(), [{ role: "user", content }])).finalOutput.includes("1 file"));
  },
  "file by data": async () => {
    const data = "data:application/pdf;base64," + Buffer.from("%PDF-1.4 hello").toString("base64");
    const content = [{ type: "input_text", text: "What?" }, { type: "input_file", file: data, filename: "a.pdf" }];
    check((await ask(agent(), [{ role: "user", content }])).finalOutput.includes("1 file"));
  },
  "file of a tool": async () => {
    const page = tool({
      name: "page", description: "A page.", parameters: z.object({ at: z.string() }),
      execute: async () => ({ type: "image", image: { data: PNG, mediaType: "image/png" } }),
    });
    const result = await ask(agent({ tools: [page] }), 'call page({"at":"1"})');
    check(result.finalOutput.includes("1 file"), result.finalOutput);
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
  conversation: async () => {
    const made = await client.conversations.create({});
    await ask(agent(), "I am Ann.", { conversationId: made.id });
    const second = await ask(agent(), "Who?", { conversationId: made.id });
    check(second.finalOutput.includes("Turns: 3"), second.finalOutput);
  },
  session: async () => {
    const session = new OpenAIConversationsSession({ client });
    await ask(agent({ tools: [look] }), 'call look({"at":"x"})', { session });
    check((await ask(agent({ tools: [look] }), "And now?", { session })).finalOutput.includes("And now?"));
    check((await session.getItems()).length === 6, await session.getItems());
    await session.clearSession();
  },
  "web search": async () => check((await ask(agent({ tools: [webSearchTool()] }), "What is new?")).finalOutput),
  handoff: async () => {
    const other = agent({ name: "other" });
    const result = await ask(agent({ handoffs: [other] }), "call transfer_to_other({})");
    check(result.lastAgent.name === "other", result.lastAgent.name);
  },
  errors: async () => {
    const wrong = [
      [{}, { previousResponseId: "resp_none" }, 400, "previous_response_not_found"],
      [{}, { conversationId: "conv_none" }, 404, null],
      [{ modelSettings: { providerData: { bogus: 1 } } }, {}, 400, "unknown_parameter"],
      [{ modelSettings: { providerData: { include: ["soup"] } } }, {}, 400, "invalid_value"],
    ];
    for (const [more, options, status, code] of wrong) {
      const refused = await ask(agent(more), "x", options).then(() => null, (error) => error);
      check(refused && refused.status === status && (refused.code ?? null) === code, { more, options, refused });
    }
  },
});
