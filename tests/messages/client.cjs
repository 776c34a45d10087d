// Anthropic's JavaScript client against a gateway: `node client.cjs PACKAGES URL OPENAI_FILE`. Prints JSON.
const [packages, baseURL, theirs] = process.argv.slice(2);
const sdk = require(`${packages}/node_modules/@anthropic-ai/sdk`);
const { version } = require(`${packages}/node_modules/@anthropic-ai/sdk/package.json`);
const Anthropic = sdk.default ?? sdk;
const { betaTool } = require(`${packages}/node_modules/@anthropic-ai/sdk/helpers/beta/json-schema`);
const client = new Anthropic({ baseURL, apiKey: "sk-ann", maxRetries: 0 });
const [MODEL, SIGNED, SCRIPTED] = ["gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash"];
const HELLO = [{ role: "user", content: "Hello" }];
const TWICE = 'call look({"at": "door"}) and call turn()';
const input_schema = { type: "object", properties: { at: { type: "string" } }, required: ["at"] };
const tools = [{ name: "look", input_schema }, { name: "turn", input_schema: { type: "object", properties: {} } }];
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const PDF = Buffer.from(
  "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF",
);
const HEAD = "524946462c00000057415645666d74201000000001000100401f0000803e0000020010006461746108000000";
const WAV = Buffer.concat([Buffer.from(HEAD, "hex"), Buffer.alloc(8)]);
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

// One turn of the user's with three steps, in which the model demands the signature of each of its calls.
async function steps(more) {
  const messages = [{ role: "user", content: "Look around." }];
  const kinds = [];
  for (let step = 0; step < 3; step++) {
    const given = { model: SIGNED, max_tokens: 4000, messages, tools: [tools[0]], tool_choice: { type: "any" }, ...more };
    const { content } = await client.messages.create(given);
    messages.push({ role: "assistant", content });
    const used = content.filter((block) => block.type === "tool_use");
    const results = used.map((each) => ({ type: "tool_result", tool_use_id: each.id, content: `step ${step}` }));
    messages.push({ role: "user", content: results });
    kinds.push(...content.map((block) => block.type));
  }
  return kinds;
}

// Three turns with two calls each, answered in the wrong order and with words behind. The kinds of all blocks.
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
  const last = { model: SIGNED, max_tokens: 4000, messages, tools, tool_choice: { type: "none" } };
  const { stop_reason } = await client.messages.create(last);
  if (stop_reason !== "end_turn") throw new Error(stop_reason);
  return kinds;
}

// The client's own runner: it runs what the model calls, two at a time, until nothing is called.
async function runTools(stream) {
  const ran = [];
  const run = async ({ at }) => (ran.push(at), "nothing");
  const look = betaTool({ name: "look", description: "Looks.", inputSchema: input_schema, run });
  const messages = [{ role: "user", content: "Look around." }];
  const last = await client.beta.messages.toolRunner({ model: SCRIPTED, max_tokens: 4000, tools: [look], messages, stream });
  return [last.stop_reason, ...ran];
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
  const image = await upload(PNG, "a.png", "");
  const pdf = await upload(PDF, "a.pdf", "application/pdf");
  const sound = await upload(WAV, "größe.wav", "audio/wav");
  const told = { names: [image.filename.split(".")[1], pdf.filename, sound.filename] };
  told.types = [image, pdf, sound].map((each) => each.mime_type);
  const documents = [pdf.id, sound.id, theirs].map((each) => byId("document", each));
  told.seen = await askedAbout(byId("image", image.id), ...documents);
  const source = { type: "base64", media_type: "image/png", data: PNG.toString("base64") };
  const text = { type: "document", title: "B", source: { type: "text", media_type: "text/plain", data: "hello" } };
  told.inline = await askedAbout({ type: "image", source }, text);
  told.pages = [];
  for (const api of [client.files, client.beta.files]) {
    const listed = [];
    for await (const each of api.list({ limit: 2 })) listed.push(each.id);
    told.pages.push([pdf.id, image.id, sound.id, theirs].every((each) => listed.includes(each)));
  }
  told.metadata = (await client.files.retrieveMetadata(pdf.id)).size_bytes === PDF.length;
  told.bytes = WAV.equals(Buffer.from(await (await client.files.download(sound.id)).arrayBuffer()));
  told.deleted = (await client.files.delete(image.id)).type;
  told.kept = sound.id;
  return told;
}

async function refusals() {
  const told = {};
  const stranger = new Anthropic({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
  const missing = { messages: [{ role: "user", content: [byId("document", "file_x")] }] };
  const large = { messages: [{ role: "user", content: "x".repeat(5_000_000) }] };
  const wrong = [["field", { foo: 1 }], ["model", { model: "claude-none" }], ["file", missing], ["key", {}, stranger]];
  for (const [name, more, who] of [...wrong, ["large", large], ["denied"], ["busy"], ["broken"], ["overloaded"], ["late"]]) {
    try {
      await (who ?? client).messages.create({ model: MODEL, max_tokens: 10, messages: HELLO, ...more });
    } catch (error) {
      told[name] = [error.constructor.name, error.error.error.type, error.requestID === error.error.request_id];
    }
  }
  return told;
}

async function main() {
  const told = { version, errors: await refusals() };
  const plain = await client.messages.create({ model: MODEL, max_tokens: 100, system: "Be brief.", messages: HELLO });
  if (!textOf(plain) || !plain._request_id || !plain.usage.input_tokens || !plain.usage.output_tokens) throw new Error();
  told.plain = [plain.type, plain.role, plain.model, plain.stop_reason];
  let pieces = "";
  const stream = client.messages.stream({ model: MODEL, max_tokens: 100, messages: HELLO });
  stream.on("text", (piece) => (pieces += piece));
  const final = await stream.finalMessage();
  told.stream = [textOf(final) === pieces && pieces !== "", final.stop_reason, final.usage.output_tokens > 0];
  const raw = [];
  const events = await client.messages.create({ model: MODEL, max_tokens: 100, messages: HELLO, stream: true });
  for await (const event of events) raw.push(event.type);
  told.raw = [raw[0], ...raw.slice(-2)];
  told.beta = (await client.beta.messages.create({ model: MODEL, max_tokens: 100, messages: HELLO })).stop_reason;
  const thinking = { type: "enabled", budget_tokens: 1024 };
  told.steps = [await steps({}), await steps({ thinking })];
  told.loop = [await loop(false, {}), await loop(true, {})];
  told["thinking loop"] = [await loop(false, { thinking }), await loop(true, { thinking })];
  const thought = await client.messages.create({ model: MODEL, max_tokens: 4000, messages: HELLO, thinking });
  told.thought = thought.content.map((block) => block.type);
  told.runner = [await runTools(false), await runTools(true)];
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
  const output_config = { format: { type: "json_schema", schema } };
  const parsed = await client.messages.parse({ model: MODEL, max_tokens: 4000, messages: HELLO, output_config });
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
