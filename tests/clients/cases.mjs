// What the JavaScript programs share: cases by name, each of which passes or says what went wrong.
export const MODEL = "gemini-3-flash-preview";
export const KEY = "sk-ann";
export const URL = `${process.argv[2]}/v1`;
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

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
