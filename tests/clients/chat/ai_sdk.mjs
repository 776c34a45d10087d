// The AI SDK over three providers, of OpenAI's chat, of what is like it, and of Gemini's own form: `node ai_sdk.mjs URL`.
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { check, KEY, MODEL, PNG, run, URL } from "./cases.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const MODELS = {
  compatible: createOpenAICompatible({
    name: "lifted", baseURL: URL, apiKey: KEY, supportsStructuredOutputs: true, includeUsage: true,
  })(MODEL),
  openai: createOpenAI({ baseURL: URL, apiKey: KEY }).chat(MODEL),
  google: createGoogleGenerativeAI({ baseURL: URL.replace(/v1$/, "v1beta"), apiKey: KEY })(MODEL),
};
const look = tool({
  description: "Looks.", inputSchema: z.object({ at: z.string() }), execute: async ({ at }) => `${at}: a wall`,
});
const onError = ({ error }) => { throw error; };

async function streamed(request) {
  const result = streamText({ maxRetries: 0, onError, ...request });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  check((await result.usage).totalTokens > 0, await result.usage);
  return text;
}

const cases = {};
for (const [name, model] of Object.entries(MODELS)) {
  const ask = async (request) => (await generateText({ model, maxRetries: 0, ...request })).text;
  const loop = { prompt: 'call look({"at":"1"}) call look({"at":"2"})', tools: { look }, stopWhen: stepCountIs(3) };
  cases[`${name}: plain`] = async () => check((await ask({ prompt: "Hello" })).includes("Hello"));
  cases[`${name}: streamed`] = async () => check((await streamed({ model, prompt: "Hello" })).includes("Hello"));
  cases[`${name}: tools`] = async () => check((await ask(loop)).includes("a wall"));
  cases[`${name}: tools, streamed`] = async () => check((await streamed({ model, ...loop })).includes("a wall"));
  cases[`${name}: structured output`] = async () => {
    for (const output of [Output.object({ schema: z.object({ n: z.number() }) }), Output.choice({ options: ["a", "b"] })]) {
      const found = (await generateText({ model, maxRetries: 0, prompt: "Count", output })).output;
      check(["a", "b"].includes(found) || typeof found.n === "number", found);
    }
  };
  cases[`${name}: files by data`] = async () => {
    const data = Buffer.from("%PDF-1.4 hello").toString("base64");
    const content = [
      { type: "text", text: "What?" },
      { type: "image", image: PNG, mediaType: "image/png" },
      { type: "file", data, mediaType: "application/pdf", filename: "a.pdf" },
    ];
    check((await ask({ messages: [{ role: "user", content }] })).includes("2 files"));
  };
  cases[`${name}: error`] = async () => {
    try {
      await ask({ prompt: "x", temperature: 9 });
    } catch (error) {
      return check(error.statusCode === 400 && error.message.length > 10, error);
    }
    check(false, "nothing was raised");
  };
}
await run(cases);
