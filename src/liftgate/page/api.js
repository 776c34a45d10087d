// What the page asks of the gateway: the public routes, with the browser's sign-in.
import { told } from "./words.js";

// Under which path it is reached, where a proxy has one.
export const base = location.pathname.replace(/\/+ui$/, "");
export const ours = { "X-Liftgate-Page": "1" };
const OWNER = "X-Liftgate-Owner";
export const signInOver = new EventTarget();

// Whose page this is: another tab may sign in as somebody else, and what this one asks is refused then.
export function actFor(owner) {
  if (owner === null) delete ours[OWNER];
  else ours[OWNER] = encodeURIComponent(owner);
}

// Whose page this is; null while nobody has signed in.
export const whose = () => ours[OWNER] || null;

export class Failed extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export const AWAY = "The gateway cannot be reached. Check that it runs and that you are connected.";

const BROKEN_OFF = "The answer broke off: the line to the gateway is cut. Ask again.";
const NOT_OURS = "What answered is not the gateway: a proxy on the way may want a sign-in of its own. Load the page again.";
const SILENT = "The gateway has not answered for a minute. Check that you are connected.";
// Milliseconds for what is only looked at: a line that is dead says nothing.
const LONGEST = 60_000;

// What stands between says by its status alone.
function between(status) {
  if (status === 0) return AWAY;
  if (status === 413) return "A proxy on the way takes no request of this size (status 413). Whoever runs it raises its limit, as docs/operations.md says.";
  if (status >= 502 && status <= 504) return `A proxy on the way has no answer of the gateway (status ${status}). Try again in a moment.`;
  return `The gateway answered with status ${status}. Try again.`;
}

// The JSON of an answer; what else comes in its place is a proxy's, or a portal's.
export function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failed(NOT_OURS);
  }
}

// A sentence for what an answer that is no success says.
export function failure(status, text) {
  if (status === 401) signInOver.dispatchEvent(new Event("over"));
  let message = "";
  try {
    message = JSON.parse(text).error.message;
  } catch {
    // It is not the gateway's.
  }
  return new Failed(typeof message === "string" && message ? message : between(status), status);
}

export async function request(method, path, { body, headers, signal } = {}) {
  const known = ours[OWNER] ? { [OWNER]: ours[OWNER] } : {};
  const sent = { ...(method === "GET" ? known : ours), ...(body ? { "Content-Type": "application/json" } : {}), ...headers };
  let answer;
  let said = "";
  try {
    answer = await fetch(base + path, { method, headers: sent, body: body && JSON.stringify(body), signal });
    if (!answer.ok) said = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failed(AWAY);
  }
  told(answer.headers.get("date"));
  if (!answer.ok) throw failure(answer.status, said);
  return answer;
}

// What `take(answer)` gives. What is only looked at is waited for a minute, and no longer.
export async function fetched(method, path, take, { signal, ...more } = {}) {
  const control = new AbortController();
  const stop = () => control.abort();
  signal?.addEventListener("abort", stop);
  const timer = method === "GET" ? setTimeout(stop, LONGEST) : 0;
  try {
    const answer = await request(method, path, { ...more, signal: control.signal });
    return await take(answer);
  } catch (error) {
    if (signal?.aborted || error instanceof Failed) throw error;
    throw new Failed(control.signal.aborted ? SILENT : AWAY);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

export const ask = (method, path, more) => fetched(method, path, async (answer) => read(await answer.text()), more);

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

// The data of server-sent events, as they come, up to [DONE]; null for a comment, which only says that it goes on.
export async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        throw error.name === "AbortError" ? error : new Failed(BROKEN_OFF);
      });
      if (done) throw new Failed(BROKEN_OFF);
      rest += value;
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        const lines = rest.slice(0, end).split("\n");
        rest = rest.slice(end + 2);
        const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim());
        if (data[0] === "[DONE]") return;
        yield data.length ? JSON.parse(data.join("\n")) : null;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
