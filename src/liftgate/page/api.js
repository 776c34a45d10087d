// What the page asks of the gateway: the public routes, with the browser's sign-in.
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

export class Failed extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export const AWAY = "The gateway cannot be reached. Check that it runs and that you are connected.";

const BROKEN_OFF = "The answer broke off: the line to the gateway is cut. Ask again.";

// A sentence for what an answer that is no success says.
export function failure(status, text) {
  if (status === 401) signInOver.dispatchEvent(new Event("over"));
  let message = "";
  try {
    message = JSON.parse(text).error.message;
  } catch {
    message = status === 0 ? AWAY : `The gateway answered with status ${status}. Try again.`;
  }
  return new Failed(message, status);
}

export async function request(method, path, { body, headers, signal } = {}) {
  const known = ours[OWNER] ? { [OWNER]: ours[OWNER] } : {};
  const sent = { ...(method === "GET" ? known : ours), ...(body ? { "Content-Type": "application/json" } : {}), ...headers };
  let answer;
  try {
    answer = await fetch(base + path, { method, headers: sent, body: body && JSON.stringify(body), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failed(AWAY);
  }
  if (!answer.ok) throw failure(answer.status, await answer.text());
  return answer;
}

export const ask = async (method, path, more) => (await request(method, path, more)).json();

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
