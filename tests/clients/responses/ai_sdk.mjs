// The AI SDK over its provider for OpenAI, which speaks Responses by default: `node ai_sdk.mjs URL`.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { check, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

let sent = "";
const fetching = (url, init) => { sent = init.body; return fetch(url, init); };
const openai = createOpenAI({ baseURL: URL, apiKey: KEY, fetch: fetching });
const model = openai(MODEL);
const shared = { model, maxRetries: 0 };
const look = tool({
  description: "Looks.", inputSchema: z.object({ at: z.string() }), execute: async ({ at }) => `${at}: a wall`,
});
const steps = (stepCountIs ?? isStepCount)(5);

async function threeTurns(more) {
  const messages = [];
  for (let turn = 0; turn < 3; turn++) {
    messages.push({ role: "user", content: `call look({"at":"${turn}"})` });
    const result = await generateText({ ...shared, messages, tools: { look }, stopWhen: steps, ...more });
    check(result.text.includes(`${turn}: a wall`), result.text);
    messages.push(...result.response.messages);
  }
}

async function ask(part) {
  const content = [{ type: "text", text: "What?" }, part];
  return (await generateText({ ...shared, messages: [{ role: "user", content }] })).text;
}

await run({
  plain: async () => check((await generateText({ ...shared, prompt: "Hello" })).text.includes("Hello")),
  streamed: async () => {
    const result = streamText({ ...shared, prompt: "Hello", onError: ({ error }) => { throw error; } });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    check(text.includes("Hello"), text);
  },
  "tools over three turns": () => threeTurns({}),
  "tools in streams": async () => {
    const messages = [];
    for (let turn = 0; turn < 3; turn++) {
      messages.push({ role: "user", content: `call look({"at":"${turn}"})` });
      const onError = ({ error }) => { throw error; };
      const result = streamText({ ...shared, messages, tools: { look }, stopWhen: steps, onError });
      let text = "";
      for await (const piece of result.textStream) text += piece;
      check(text.includes(`${turn}: a wall`), text);
      messages.push(...(await result.response).messages);
    }
  },
  "tools, nothing stored": () =>
    threeTurns({ providerOptions: { openai: { store: false, include: ["reasoning.encrypted_content"] } } }),
  "structured output": async () => {
    const output = Output.object({ schema: z.object({ n: z.number() }) });
    const result = await generateText({ ...shared, prompt: "Count", output });
    check(typeof (result.output ?? result.experimental_output).n === "number");
  },
  "file by id": async () => {
    const form = new FormData();
    form.set("purpose", "user_data");
    form.set("file", new Blob(["%PDF-1.4 hello"], { type: "application/pdf" }), "a.pdf");
    const answer = await fetch(`${URL}/files`, { method: "POST", body: form, headers: { Authorization: `Bearer ${KEY}` } });
    const data = { type: "reference", reference: { openai: (await answer.json()).id } };
    check((await ask({ type: "file", data, mediaType: "application/pdf" })).includes("1 file"), sent);
  },
  "file of a tool": async () => {
    const page = tool({
      description: "A page.", inputSchema: z.object({ at: z.string() }), execute: async () => PNG,
      toModelOutput: ({ output }) => ({
        type: "content",
        value: [{ type: "file", data: { type: "data", data: output }, mediaType: "image/png" }],
      }),
    });
    const result = await generateText({ ...shared, prompt: 'call page({"at":"1"})', tools: { page }, stopWhen: steps });
    check(result.text.includes("1 file"), sent);
  },
  conversation: async () => {
    const headers = { Authorization: `Bearer ${KEY}` };
    const made = await (await fetch(`${URL}/conversations`, { method: "POST", headers })).json();
    const providerOptions = { openai: { conversation: made.id } };
    await generateText({ ...shared, prompt: "I am Ann.", providerOptions });
    const second = await generateText({ ...shared, prompt: "Who?", providerOptions });
    check(second.text.includes("Turns: 3"), second.text);
  },
  "file by data": async () => {
    const data = Buffer.from("%PDF-1.4 hello").toString("base64");
    check((await ask({ type: "file", data, mediaType: "application/pdf", filename: "a.pdf" })).includes("1 file"));
  },
  image: async () => check((await ask({ type: "file", data: PNG, mediaType: "image/png" })).includes("1 file")),
  chain: async () => {
    const first = await generateText({ ...shared, prompt: "I am Ann." });
    const previousResponseId = first.providerMetadata.openai.responseId;
    const second = await generateText({ ...shared, prompt: "Who?", providerOptions: { openai: { previousResponseId } } });
    check(second.text.includes("Turns: 3"), second.text);
  },
  "references to stored items": async () => {
    const messages = [{ role: "user", content: "I am Ann." }];
    const first = await generateText({ ...shared, messages });
    messages.push(...first.response.messages, { role: "user", content: "Who?" });
    const second = await generateText({ ...shared, messages });
    check(sent.includes("item_reference"), sent);
    check(second.text.includes("Turns: 3"), second.text);
  },
  "web search": async () => {
    const tools = { web_search: openai.tools.webSearch({}) };
    check((await generateText({ ...shared, prompt: "What is new?", tools })).text);
  },
  errors: async () => {
    const wrong = [
      [{ previousResponseId: "resp_none" }, 400, "previous_response_not_found"],
      [{ conversation: "conv_none" }, 404, null],
      [{ metadata: Object.fromEntries([..."abcdefghijklmnopq"].map((key) => [key, ""])) }, 400, "object_above_max_properties"],
      [{ maxToolCalls: 0 }, 400, "integer_below_min_value"],
    ];
    for (const [options, status, code] of wrong) {
      const asked = { ...shared, prompt: "x", providerOptions: { openai: options } };
      const refused = await generateText(asked).then(() => null, (error) => error);
      check(refused && refused.statusCode === status && (refused.data.error.code ?? null) === code, { options, refused });
    }
  },
});
