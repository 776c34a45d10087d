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

async function files() {
  const blob = new File([Buffer.from("%PDF-1.4\n%%EOF")], "a.pdf", { type: "application/pdf" });
  const pdf = await client.files.upload({ file: blob });
  const source = (file_id) => ({ type: "document", source: { type: "file", file_id } });
  const content = [source(pdf.id), source(theirs), { type: "text", text: "What is in these files?" }];
  const answer = await client.messages.create({ model: MODEL, max_tokens: 4000, messages: [{ role: "user", content }] });
  const listed = [];
  for await (const each of client.files.list({ limit: 1 })) listed.push(each.id);
  const bytes = await (await client.files.download(pdf.id)).text();
  const type = (await client.files.delete(pdf.id)).type;
  const seen = textOf(answer).split("\n").filter((line) => line.startsWith("File "));
  return { seen: seen.length, pages: [pdf.id, theirs].every((each) => listed.includes(each)), bytes: bytes.length, type };
}

async function refusals() {
  const told = {};
  for (const [name, more] of [["field", { foo: 1 }], ["model", { model: "claude-none" }], ["busy", {}], ["overloaded", {}]]) {
    try {
      await client.messages.create({ model: MODEL, max_tokens: 10, messages: HELLO, ...more });
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
  told.loop = [await loop(false, {}), await loop(true, {})];
  const thinking = { type: "enabled", budget_tokens: 1024 };
  told.thinking = [await loop(false, { thinking }), await loop(true, { thinking })];
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
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
