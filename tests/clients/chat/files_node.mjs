// Files as axios, undici and Node's own fetch send them, with a length and in chunks: `node files_node.mjs URL`.
import { Blob } from "node:buffer";
import { Readable } from "node:stream";
import axios from "axios";
import FormDataStream from "form-data";
import { fetch as undiciFetch, FormData as UndiciForm, request } from "undici";
import { check, KEY, run, URL } from "./cases.mjs";

const headers = { Authorization: `Bearer ${KEY}` };
const BYTES = Buffer.from("from JavaScript ".repeat(20000));
const NAME = "größe (1).txt";

async function kept(file, type = "text/plain") {
  check(file.filename === NAME && file.bytes === BYTES.length, file);
  const answer = await fetch(`${URL}/files/${file.id}/content`, { headers });
  check(answer.headers.get("content-type").startsWith(type), answer.headers.get("content-type"));
  check(Buffer.from(await answer.arrayBuffer()).equals(BYTES), "other bytes");
}

function filled(form) {
  form.set("purpose", "user_data");
  form.set("file", new Blob([BYTES], { type: "text/plain" }), NAME);
  return form;
}

function streaming(withLength) {
  const form = new FormDataStream();
  form.append("purpose", "user_data");
  const known = withLength ? { knownLength: BYTES.length } : {};
  form.append("file", Readable.from([BYTES]), { filename: NAME, contentType: "text/plain", ...known });
  return form;
}

await run({
  "axios, a form": async () => kept((await axios.post(`${URL}/files`, filled(new FormData()), { headers })).data),
  "axios, a stream in chunks": async () => {
    const form = streaming(false);
    kept((await axios.post(`${URL}/files`, form, { headers: { ...headers, ...form.getHeaders() } })).data);
  },
  "axios, a chat's error": async () => {
    try {
      await axios.post(`${URL}/chat/completions`, { model: "gemini-none", messages: [] }, { headers });
    } catch (error) {
      return check(error.response.status >= 400 && error.response.data.error.message, error);
    }
    check(false, "nothing was raised");
  },
  "undici's fetch": async () => {
    const answer = await undiciFetch(`${URL}/files`, { method: "POST", headers, body: filled(new UndiciForm()) });
    await kept(await answer.json());
  },
  "undici's request, a stream": async () => {
    const form = streaming(true);
    const answer = await request(`${URL}/files`, { method: "POST", headers: { ...headers, ...form.getHeaders() }, body: form });
    await kept(await answer.body.json());
  },
  "Node's fetch": async () => {
    const answer = await fetch(`${URL}/files`, { method: "POST", headers, body: filled(new FormData()) });
    await kept(await answer.json());
  },
  "Node's fetch, a streamed chat": async () => {
    const body = JSON.stringify({ model: "gemini-3-flash-preview", stream: true, messages: [{ role: "user", content: "Hello" }] });
    const answer = await fetch(`${URL}/chat/completions`, { method: "POST", headers, body });
    check((await answer.text()).trimEnd().endsWith("data: [DONE]"));
  },
});
