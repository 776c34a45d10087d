// Drives a gateway with @google/genai, of which only the base URL and the key are changed.
// node native_client.cjs DIRECTORY_OF_PACKAGES BASE_URL KEY MODEL PATH; prints what it found as JSON.
const { createRequire } = require("node:module");
const [packages, baseUrl, apiKey, model, path] = process.argv.slice(2);
const { GoogleGenAI, createPartFromUri } = createRequire(`${packages}/`)("@google/genai");

async function main() {
  const ai = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
  const file = await ai.files.upload({ file: path, config: { mimeType: "text/plain", displayName: "ünï" } });
  const blob = new Blob(["from a blob"], { type: "text/csv" });
  const small = await ai.files.upload({ file: blob, config: { name: "files/from-js" } });
  const contents = ["What is in it?", createPartFromUri(file.uri, file.mimeType)];
  const reply = await ai.models.generateContent({ model, contents });
  let streamed = "";
  let chunks = 0;
  for await (const chunk of await ai.models.generateContentStream({ model, contents })) {
    streamed += chunk.text ?? "";
    chunks += 1;
  }
  const counted = await ai.models.countTokens({ model, contents });
  const listed = [];
  for await (const each of await ai.files.list({ config: { pageSize: 1 } })) listed.push(each.name);
  const got = await ai.files.get({ name: file.name });
  await ai.files.delete({ name: file.name });
  let gone = 0;
  try {
    await ai.files.get({ name: file.name });
  } catch (error) {
    gone = error.status;
  }
  const models = [];
  for await (const each of await ai.models.list()) models.push(each.name);
  return { file, small, reply: reply.text, streamed, chunks, counted: counted.totalTokens, listed, got, gone, models };
}

main().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
