// Anthropic's JavaScript client against a gateway: `node client.cjs PACKAGES URL OPENAI_FILE`. Prints JSON.
const [packages, baseURL, theirs] = process.argv.slice(2);
const sdk = require(`${packages}/node_modules/@anthropic-ai/sdk`);
const Anthropic = sdk.default ?? sdk;
const { betaTool } = require(`${packages}/node_modules/@anthropic-ai/sdk/helpers/beta/json-schema`);
const client = new Anthropic({ baseURL, apiKey: "sk-ann", maxRetries: 0 });
const [MODEL, SIGNED] = ["gemini-2.5-flash", "gemini-3-flash-preview"];
const HELLO = [{ role: "user", content: "Hello" }];
const TWICE = 'call look({"at": "door"}) and call turn()';
const input_schema = { type: "object", properties: { at: { type: "string" } }, required: ["at"] };
const tools = [{ name: "look", input_schema }, { name: "turn", input_schema: { type: "object", properties: {} } }];
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const HEAD = "524946462c00000057415645666d74201000000001000100401f0000803e0000020010006461746108000000";
const WAV = Buffer.concat([Buffer.from(HEAD, "hex"), Buffer.alloc(8)]);
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

async function loop(stream, more) {
  const messages = [{ role: "user", content: TWICE }];
  const kinds = [];
  for (let step = 0; step < 3; step++) {
    const given = { model: SIGNED, max_tokens: 4000, messages, tools, ...more };
    const message = stream ? await client.messages.stream(given).finalMessage() : await client.messages.create(given);
    if (message.stop_reason !== "tool_use") throw new Error(JSON.stringify(message));
    const used = message.content.filter((block) => block.type === "tool_use");
    messages.push({ role: "assistant", content: message.content });
    const results = used.map((each) => ({ type: "tool_result", tool_use_id: each.id, content: `step ${step}` }));
    messages.push({ role: "user", content: [...results.reverse(), { type: "text", text: TWICE }] });
    kinds.push(...message.content.map((block) => block.type));
  }
  return kinds;
}

const byId = (type, file_id) => ({ type, source: { type: "file", file_id } });

// What the model was given: the types of the files, as the sandbox tells them.
async function askedAbout(...blocks) {
  const content = [...blocks, { type: "text", text: "What is in these files?" }];
  const answer = await client.messages.create({ model: MODEL, max_tokens: 4000, messages: [{ role: "user", content }] });
  const lines = textOf(answer).split("\n").filter((line) => line.startsWith("File "));
  return lines.map((line) => line.split(": ")[1].split(",")[0]);
}

async function files() {
  const upload = (data, name, type) => client.files.upload({ file: new File([data], name, { type }) });
  const pdf = await upload(Buffer.from("%PDF-1.4\n%%EOF"), "a.pdf", "application/pdf");
  const image = await upload(PNG, "a.png", "");
  const sound = await upload(WAV, "größe.wav", "audio/wav");
  const told = { names: [pdf, image, sound].map((each) => each.filename), types: [image.mime_type, sound.mime_type] };
  const documents = [pdf.id, sound.id, theirs].map((each) => byId("document", each));
  told.seen = await askedAbout(byId("image", image.id), ...documents);
  const source = { type: "base64", media_type: "image/png", data: PNG.toString("base64") };
  const text = { type: "document", title: "B", source: { type: "text", media_type: "text/plain", data: "hello" } };
  told.inline = await askedAbout({ type: "image", source }, text);
  const listed = [];
  for await (const each of client.files.list({ limit: 2 })) listed.push(each.id);
  told.pages = [pdf.id, image.id, sound.id, theirs].every((each) => listed.includes(each));
  told.metadata = (await client.files.retrieveMetadata(sound.id)).size_bytes === WAV.length;
  told.bytes = WAV.equals(Buffer.from(await (await client.files.download(sound.id)).arrayBuffer()));
  told.deleted = (await client.files.delete(pdf.id)).type;
  return told;
}

async function refusals() {
  const told = {};
  const stranger = new Anthropic({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
  const missing = { messages: [{ role: "user", content: [byId("document", "file_x")] }] };
  const wrong = [["field", { foo: 1 }], ["model", { model: "claude-none" }], ["file", missing], ["key", {}, stranger]];
  for (const [name, more, who] of [...wrong, ["busy", {}], ["overloaded", {}], ["late", {}]]) {
    try {
      await (who ?? client).messages.create({ model: MODEL, max_tokens: 10, messages: HELLO, ...more });
    } catch (error) {
      told[name] = [error.constructor.name, error.error.error.type, error.requestID === error.error.request_id];
    }
  }
  return told;
}

async function main() {
  const told = { errors: await refusals() };
  const plain = await client.messages.create({ model: MODEL, max_tokens: 100, messages: HELLO });
  told.plain = [plain.type, plain.stop_reason, plain._request_id.slice(0, 4), textOf(plain) !== ""];
  let pieces = "";
  const stream = client.messages.stream({ model: MODEL, max_tokens: 100, messages: HELLO });
  stream.on("text", (piece) => (pieces += piece));
  const final = await stream.finalMessage();
  told.stream = [textOf(final) === pieces, final.stop_reason, final.usage.output_tokens > 0];
  told.raw = [];
  const raw = await client.messages.create({ model: MODEL, max_tokens: 100, messages: HELLO, stream: true });
  for await (const event of raw) told.raw.push(event.type);
  told.raw = [told.raw[0], ...told.raw.slice(-2)];
  told.beta = (await client.beta.messages.create({ model: MODEL, max_tokens: 100, messages: HELLO })).stop_reason;
  told.loop = [await loop(false, {}), await loop(true, {})];
  const thinking = { type: "enabled", budget_tokens: 1024 };
  told.thinking = [await loop(false, { thinking }), await loop(true, { thinking })];
  const thought = await client.messages.create({ model: MODEL, max_tokens: 4000, messages: HELLO, thinking });
  told.thought = thought.content.map((block) => block.type);
  const ran = [];
  const run = async ({ at }) => (ran.push(at), "nothing");
  const look = betaTool({ name: "look", description: "Looks.", inputSchema: input_schema, run });
  const asked = [{ role: "user", content: 'call look({"at": "sky"}) and call look({"at": "sea"})' }];
  const last = await client.beta.messages.toolRunner({ model: SIGNED, max_tokens: 4000, tools: [look], messages: asked });
  told.runner = [last.stop_reason, ...ran];
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
  const output_config = { format: { type: "json_schema", schema } };
  const parsed = await client.messages.create({ model: MODEL, max_tokens: 4000, messages: HELLO, output_config });
  told.parsed = Object.keys(JSON.parse(textOf(parsed)));
  told.files = await files();
  told.counted = (await client.messages.countTokens({ model: MODEL, messages: HELLO })).input_tokens > 0;
  told.models = [];
  for await (const each of client.models.list({ limit: 1 })) told.models.push(each.id);
  told.model = (await client.models.retrieve(SIGNED)).display_name;
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
