// What the JavaScript programs share: cases by name, each of which passes or says what went wrong.
import { readFileSync } from "node:fs";

export const MODEL = "gemini-3-flash-preview";
export const KEY = "sk-ann";
export const URL = `${process.argv[2]}/v1`;
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

// Requests of Responses that OpenAI refuses, each with the refusal; `without`: what is left out of it.
export const ERRORS = JSON.parse(readFileSync(new globalThis.URL("./responses_errors.json", import.meta.url), "utf8"));

// Gemini answers nothing until the work ends. The sandbox stands second in the program's arguments.
export async function held(work) {
  const faults = `${process.argv[3]}/sandbox/faults`;
  const body = JSON.stringify({ kind: "stall", operation: "generate", after_bytes: 0, times: null });
  await fetch(faults, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  try {
    await work();
  } finally {
    await fetch(faults, { method: "DELETE" });
  }
}

export function check(truth, what) {
  if (!truth) throw new Error(`not so: ${typeof what === "string" ? what : JSON.stringify(what)}`.slice(0, 300));
}

export async function run(cases) {
  const told = {};
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
      told[name] = "ok";
    } catch (error) {
      console.error(name, error);
      told[name] = `${error.name}: ${error.message}`.slice(0, 300);
    }
  }
  console.log(JSON.stringify(told));
}
