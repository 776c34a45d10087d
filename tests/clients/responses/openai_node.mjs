// OpenAI's client for JavaScript: `node openai_node.mjs URL`.
import OpenAI, { toFile } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { check, ERRORS, held, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

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
  "tools in streams": async () => {
    const input = [{ role: "user", content: "Look around." }];
    for (let turn = 0; turn < 3; turn++) {
      const stream = client.responses.stream({ model: MODEL, input, tools: [LOOK], tool_choice: "required" });
      const seen = [];
      for await (const event of stream) seen.push(event.type);
      check(seen.includes("response.function_call_arguments.delta"), seen);
      const { output } = await stream.finalResponse();
      const [call] = output.filter((item) => item.type === "function_call");
      input.push(...output, { type: "function_call_output", call_id: call.call_id, output: `wall ${turn}` });
    }
  },
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
  "file of a tool": async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from(PNG, "base64"), "a.png"), purpose: "user_data" });
    const input = [{ role: "user", content: 'call look({"at":"x"})' }];
    const got = await client.responses.create({ model: MODEL, input, tools: [LOOK] });
    const [call] = got.output.filter((item) => item.type === "function_call");
    const output = [{ type: "input_file", file_id: file.id }];
    input.push(...got.output, { type: "function_call_output", call_id: call.call_id, output });
    const last = await client.responses.create({ model: MODEL, input, tools: [LOOK] });
    check(last.output_text.includes("1 file"), last.output_text);
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
  "background, read on from a number": async () => {
    const stream = await client.responses.create({ model: MODEL, input: "Hello", background: true, stream: true });
    let first;
    for await (const event of stream) { first = event; break; }
    const again = await client.responses.retrieve(first.response.id, { stream: true, starting_after: first.sequence_number });
    let last;
    for await (const event of again) last = event;
    check(last.type === "response.completed", last);
  },
  "web search": async () => {
    const tools = [{ type: "web_search" }];
    check((await client.responses.create({ model: MODEL, input: "What is new?", tools })).output_text);
  },
  "background, asked for until its end": async () => {
    let got = await client.responses.create({ model: MODEL, input: "Hello", background: true });
    while (["queued", "in_progress"].includes(got.status)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      got = await client.responses.retrieve(got.id);
    }
    check(got.status === "completed" && got.output_text, got);
  },
  cancel: async () => {
    let begun;
    await held(async () => {
      begun = await client.responses.create({ model: MODEL, input: "Hello", background: true });
      const ended = await client.responses.cancel(begun.id);
      check(ended.status === "cancelled" && ended.output.length === 0, ended);
    });
    check((await client.responses.retrieve(begun.id)).status === "cancelled");
  },
  compact: async () => {
    const { output } = await client.responses.compact({ model: MODEL, input: "I am Ann." });
    const input = [...output, { role: "user", content: "Who?" }];
    check((await client.responses.create({ model: MODEL, input })).output_text);
  },
  count: async () => check((await client.responses.inputTokens.count({ model: MODEL, input: "Hello" })).input_tokens > 0),
  errors: async () => {
    for (const { body, without, status, code, param } of ERRORS) {
      for (const stream of [false, true]) {
        const asked = { model: MODEL, ...body, stream };
        delete asked[without];
        const refused = await client.responses.create(asked).then(() => null, (error) => error);
        check(refused instanceof OpenAI.APIError, { asked });
        check(refused.status === status && (refused.code ?? null) === code && (refused.param ?? null) === param, { asked, refused });
      }
    }
  },
});
