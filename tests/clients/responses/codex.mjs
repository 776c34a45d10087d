// Codex CLI with a provider of one's own, which always streams and stores nothing: `node codex.mjs URL`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, KEY, PNG, run, URL } from "./cases.mjs";

const program = new globalThis.URL("./node_modules/.bin/codex", import.meta.url).pathname;
const place = mkdtempSync(join(tmpdir(), "codex-"));

function home(model) {
  const made = mkdtempSync(join(place, "home-"));
  writeFileSync(join(made, "config.toml"), `
model = "${model}"
model_provider = "here"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.here]
name = "here"
base_url = "${URL}"
env_key = "CODEX_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`);
  return made;
}

// What it says last, and how it ended.
function ask(at, ...given) {
  const last = join(at, "last.txt");
  writeFileSync(last, "");
  const env = { PATH: process.env.PATH, HOME: at, CODEX_HOME: at, CODEX_KEY: KEY };
  const command = ["exec", "--skip-git-repo-check", "-C", place, "--output-last-message", last, ...given];
  const done = spawnSync(program, command, { env, encoding: "utf8", timeout: 120000, stdio: ["ignore", "pipe", "pipe"] });
  return { text: readFileSync(last, "utf8"), status: done.status, told: done.stdout + done.stderr };
}

await run({
  streamed: () => {
    const got = ask(home("gpt-5"), "Hello");
    check(got.status === 0 && got.text.includes("Hello"), got);
  },
  "tools in streams": () => {
    const at = home("gpt-5");
    for (let turn = 0; turn < 3; turn++) {
      const path = join(place, `made-${turn}`);
      const wanted = `call exec_command(${JSON.stringify({ cmd: `echo wall-${turn} | tee ${path}` })})`;
      const got = turn ? ask(at, "resume", "--last", wanted) : ask(at, wanted);
      check(got.status === 0 && got.text.includes(`wall-${turn}`), got);
      check(readFileSync(path, "utf8") === `wall-${turn}\n`, got);
    }
  },
  "structured output": () => {
    const schema = join(place, "schema.json");
    const properties = { n: { type: "integer" } };
    writeFileSync(schema, JSON.stringify({ type: "object", properties, required: ["n"], additionalProperties: false }));
    const got = ask(home("gpt-5"), "--output-schema", schema, "Count");
    check(typeof JSON.parse(got.text).n === "number", got);
  },
  image: () => {
    const path = join(place, "a.png");
    writeFileSync(path, Buffer.from(PNG, "base64"));
    const got = ask(home("gpt-5"), "-i", path, "--", "What?");
    check(got.status === 0 && got.text.includes("1 file"), got);
  },
  errors: () => {
    const got = ask(home("none"), "Hello");
    check(got.status !== 0 && got.told.includes("does not exist"), got);
  },
});
