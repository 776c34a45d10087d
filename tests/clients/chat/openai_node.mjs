// OpenAI's client for JavaScript, its chat and its files: `node openai_node.mjs URL`.
import OpenAI, { toFile } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { check, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

const client = new OpenAI({ baseURL: URL, apiKey: KEY, maxRetries: 0 });
const chats = client.chat.completions;
const user = (content) => [{ role: "user", content }];
const LOOK = {
  type: "function",
  function: {
    name: "look", description: "Looks.", parse: JSON.parse, function: ({ at }) => `${at}: a wall`,
    parameters: { type: "object", properties: { at: { type: "string" } }, required: ["at"] },
  },
};
const TWICE = user('call look({"at":"1"}) call look({"at":"2"})');

async function refused(request, type, status) {
  try {
    await chats.create(request);
  } catch (error) {
    return check(error instanceof type && error.status === status && error.requestID, error);
  }
  check(false, "nothing was raised");
}

await run({
  plain: async () => check((await chats.create({ model: MODEL, messages: user("Hello") })).choices[0].message.content),
  streamed: async () => {
    const stream = chats.stream({ model: MODEL, messages: user("Hello"), stream_options: { include_usage: true } });
    let text = "";
    stream.on("content", (delta) => { text += delta; });
    const whole = await stream.finalChatCompletion();
    check(text && whole.choices[0].message.content === text && whole.usage.total_tokens > 0, whole);
  },
  tools: async () => {
    const runner = chats.runTools({ model: MODEL, messages: TWICE, tools: [LOOK] });
    check((await runner.finalContent()).includes("a wall"));
  },
  "tools, streamed": async () => {
    const runner = chats.runTools({ model: MODEL, messages: TWICE, tools: [LOOK], stream: true });
    check((await runner.finalContent()).includes("a wall"));
  },
  "structured output": async () => {
    const leaf = z.object({ kind: z.literal("leaf"), n: z.number() });
    const node = z.object({ kind: z.literal("node"), name: z.string() });
    for (const schema of [z.object({ n: z.number() }), z.object({ item: z.union([leaf, node]) })]) {
      const response_format = zodResponseFormat(schema, "found");
      const got = await chats.parse({ model: MODEL, messages: user("Count"), response_format });
      check(schema.safeParse(got.choices[0].message.parsed).success, got.choices[0].message);
    }
  },
  "file by id": async () => {
    const file = await client.files.create({ file: await toFile(Buffer.from("hello"), "größe.txt"), purpose: "user_data" });
    check(file.filename === "größe.txt", file);
    const content = [{ type: "text", text: "What?" }, { type: "file", file: { file_id: file.id } }];
    check((await chats.create({ model: MODEL, messages: user(content) })).choices[0].message.content.includes("1 file"));
    check((await (await client.files.content(file.id)).text()) === "hello");
    check((await client.files.delete(file.id)).deleted);
  },
  image: async () => {
    const content = [{ type: "text", text: "?" }, { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } }];
    check((await chats.create({ model: MODEL, messages: user(content) })).choices[0].message.content.includes("1 file"));
  },
  error: async () => {
    await refused({ model: "gemini-none", messages: user("x") }, OpenAI.NotFoundError, 404);
    await refused({ model: MODEL, messages: user("x"), n: 0 }, OpenAI.BadRequestError, 400);
  },
  cancel: async () => {
    const controller = new AbortController();
    const stream = await chats.create({ model: MODEL, messages: user("Hello"), stream: true }, { signal: controller.signal });
    for await (const chunk of stream) {
      check(chunk.object === "chat.completion.chunk", chunk);
      controller.abort();
    }
  },
});
