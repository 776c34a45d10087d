// OpenAI's client for JavaScript: `node openai_node.mjs URL`.
import OpenAI, { toFile } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { check, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

const client = new OpenAI({ baseURL: URL, apiKey: KEY, maxRetries: 0 });
const LOOK = {
  type: "function", name: "look", description: "Looks.", strict: false,
  parameters: { type: "object", properties: { at: { type: "string" } }, required: ["at"] },
};

async function threeTurns(more) {
  const input = [{ role: "user", content: "Look around." }];
  for (let turn = 0; turn < 3; turn++) {
    const got = await client.responses.create({ model: MODEL, input, tools: [LOOK], tool_choice: "required", ...more });
    const [call] = got.output.filter((item) => item.type === "function_call");
    input.push(...got.output, { type: "function_call_output", call_id: call.call_id, output: `wall ${turn}` });
  }
  const last = await client.responses.create({ model: MODEL, input, tools: [LOOK], tool_choice: "none", ...more });
  check(last.output_text, last);
}

async function ask(part) {
  const input = [{ role: "user", content: [part, { type: "input_text", text: "What?" }] }];
  return (await client.responses.create({ model: MODEL, input })).output_text;
}

await run({
  plain: async () => check((await client.responses.create({ model: MODEL, input: "Hello" })).output_text.includes("Hello")),
  streamed: async () => {
    const stream = client.responses.stream({ model: MODEL, input: "Hello" });
    let text = "";
    for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
    check(text && (await stream.finalResponse()).output_text === text, text);
  },
  "tools over three turns": () => threeTurns({}),
  "tools, nothing stored": () => threeTurns({ store: false, include: ["reasoning.encrypted_content"] }),
  "structured output": async () => {
    const format = zodTextFormat(z.object({ n: z.number() }), "count");
    const got = await client.responses.parse({ model: MODEL, input: "Count", text: { format } });
    check(typeof got.output_parsed.n === "number", got.output_parsed);
  },
  "file by id": async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from("hello"), "a.txt"), purpose: "user_data" });
    check((await ask({ type: "input_file", file_id: file.id })).includes("1 file"));
  },
  "file by data": async () => {
    const data = "data:text/plain;base64," + Buffer.from("hello").toString("base64");
    check((await ask({ type: "input_file", file_data: data, filename: "a.txt" })).includes("1 file"));
  },
  image: async () => {
    const part = { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "auto" };
    check((await ask(part)).includes("1 file"));
  },
  chain: async () => {
    const first = await client.responses.create({ model: MODEL, input: "I am Ann." });
    const second = await client.responses.create({ model: MODEL, input: "Who?", previous_response_id: first.id });
    check(second.output_text.includes("Turns: 3"), second.output_text);
    check((await client.responses.retrieve(second.id)).output_text === second.output_text);
    await client.responses.delete(first.id);
  },
  conversation: async () => {
    const made = await client.conversations.create({});
    await client.responses.create({ model: MODEL, input: "I am Ann.", conversation: made.id });
    const second = await client.responses.create({ model: MODEL, input: "Who?", conversation: made.id });
    check(second.output_text.includes("Turns: 3"), second.output_text);
  },
  background: async () => {
    const stream = await client.responses.create({ model: MODEL, input: "Hello", background: true, stream: true });
    let first;
    for await (const event of stream) { first = event; break; }
    const again = await client.responses.retrieve(first.response.id, { stream: true, starting_after: first.sequence_number });
    let last;
    for await (const event of again) last = event;
    check(last.type === "response.completed", last);
  },
  error: async () => {
    try {
      await client.responses.create({ model: MODEL, input: "x", previous_response_id: "resp_none" });
    } catch (error) {
      check(error instanceof OpenAI.BadRequestError && error.code === "previous_response_not_found", error);
      return;
    }
    check(false, "nothing was raised");
  },
});
