// What a page of another origin does with OpenAI's and Google's own clients, bundled for it.
import OpenAI, { toFile } from "openai";
import { GoogleGenAI, createPartFromUri } from "@google/genai";

globalThis.useOpenAI = async (base, key, model) => {
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, dangerouslyAllowBrowser: true, maxRetries: 0 });
  const file = await client.files.create({ file: await toFile(new Blob(["from a page"]), "page.txt"), purpose: "user_data" });
  const content = [{ type: "text", text: "What is it?" }, { type: "file", file: { file_id: file.id } }];
  const stream = await client.chat.completions.create({ model, stream: true, messages: [{ role: "user", content }] });
  let answer = "";
  let chunks = 0;
  for await (const chunk of stream) {
    answer += chunk.choices[0]?.delta?.content ?? "";
    chunks += 1;
  }
  const bytes = await (await client.files.content(file.id)).text();
  const names = [];
  for await (const each of client.files.list()) names.push(each.filename);
  const gone = (await client.files.delete(file.id)).deleted;
  const missing = await client.files.retrieve(file.id).then(() => 200, (error) => [error.status, error.requestID.slice(0, 4)]);
  return { answer, chunks, bytes, names, gone, missing };
};

globalThis.useGoogle = async (base, key, model) => {
  const ai = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } });
  const large = new Blob([new Uint8Array(9 << 20).fill(97)], { type: "text/plain" });
  const file = await ai.files.upload({ file: large, config: { displayName: "large" } });
  const contents = ["What is it?", createPartFromUri(file.uri, file.mimeType)];
  let answer = "";
  for await (const chunk of await ai.models.generateContentStream({ model, contents })) answer += chunk.text ?? "";
  await ai.files.delete({ name: file.name });
  return { size: file.sizeBytes, answer };
};
