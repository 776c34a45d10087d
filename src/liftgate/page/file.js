// One file: what it is, a preview, where its copies are, a question about it.
import { html, useState } from "./htm-preact.js";
import { ask, base, fetched } from "./api.js";
import { Conversation } from "./ask.js";
import { Confirm, Facts, Heading, Name, Problem, Table, Waiting, useLoaded } from "./parts.js";
import { COPY_STATES, ago, count, money, plain, sentence, size, until, when } from "./words.js";

const HEAD = 64 * 1024;
const TEXTS = ["application/json", "application/xml", "application/yaml", "application/javascript", "application/x-python"];
const bare = (type) => type.split(";")[0].trim();

// In which encoding: as its mark says, or its type; else UTF-8, and where it is none, Western Europe's. It may end in the
// middle of a letter.
function decoded(bytes, type) {
  const mark = bytes[0] * 256 + bytes[1];
  const told = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }[mark] || (/charset="?([^";\s]+)/i.exec(type) || [])[1];
  for (const encoding of [told, "utf-8"].filter(Boolean)) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
    } catch {
      // It is another one.
    }
  }
  return new TextDecoder("windows-1252").decode(bytes);
}

function TextPreview({ file }) {
  const load = async (signal) => {
    if (!file.bytes) return "";
    const more = { headers: { Range: `bytes=0-${HEAD - 1}` }, signal };
    return decoded(new Uint8Array(await fetched("GET", `/v1/files/${file.id}/content`, (answer) => answer.arrayBuffer(), more)), file.mime_type);
  };
  const { data, error, loading, reload } = useLoaded(load, [file.id]);
  if (loading) return html`<${Waiting} what="Loading the text" />`;
  return html`<${Problem} error=${error} again=${reload} />
    ${data != null && html`<pre class="text" tabindex="0" role="region" aria-label=${`Text of ${plain(file.filename)}`}>${data}</pre>`}
    ${file.bytes > HEAD && html`<p class="quiet">These are the first ${size(HEAD)} of ${size(file.bytes)}.</p>`}`;
}

function Preview({ file }) {
  const [broken, setBroken] = useState(false);
  const again = () => setBroken(false);
  const url = `${base}/v1/files/${file.id}/content`;
  const type = bare(file.mime_type);
  const name = `Preview of ${plain(file.filename)}`;
  const failed = () => setBroken(true);
  // The browser does not say which of the two it was.
  if (broken) return html`<p class="quiet">It cannot be shown: this browser does not know how, or the line broke. Try again, or download it.</p>
    <button type="button" onClick=${again}>Try again</button>`;
  if (type.startsWith("image/")) return html`<img src=${url} alt=${name} onError=${failed} />`;
  if (type.startsWith("video/")) return html`<video controls preload="metadata" src=${url} aria-label=${name} onError=${failed}></video>`;
  if (type.startsWith("audio/")) return html`<audio controls preload="metadata" src=${url} aria-label=${name} onError=${failed}></audio>`;
  if (type === "application/pdf") return html`<iframe src=${`${base}/liftgate/files/${file.id}/preview`} title=${name}></iframe>`;
  if (type.startsWith("text/") || TEXTS.includes(type)) return html`<${TextPreview} file=${file} />`;
  return html`<p class="quiet">There is no preview of this type (${type}). Download it to look at it.</p>`;
}

function Copies({ id, turn }) {
  const { data, error, reload } = useLoaded((signal) => ask("GET", `/liftgate/files/${id}/copies`, { signal }), [id, turn], 5000);
  return html`<section>
    <h2>Copies at Google</h2>
    <p class="quiet">The file stays here. Google keeps a copy for 48 hours; when a question needs it later, it is made again.</p>
    <${Problem} error=${error} again=${reload} />
    ${data && html`<${Table} caption="Copies at Google" heads=${["Account", "State", "Size", "Kept", "Last use", "Last error"]}>
      ${data.data.map((each) => html`<tr key=${each.account + each.mime_type}>
        <th scope="row">${each.account}</th>
        <td>${COPY_STATES[each.state] || each.state}</td>
        <td class="number">${size(each.bytes)}</td>
        <td>${each.state === "active" ? `${until(each.until)}, then made again on use` : "–"}</td>
        <td>${each.state === "none" ? "–" : ago(each.last_used_at)}</td>
        <td>${each.last_error ? sentence(each.last_error) : "–"}</td>
      </tr>`)}
    </${Table}>`}
  </section>`;
}

// What the requests with it cost, each the whole: Google names no part of it.
function cost({ requests, unpriced, cost }) {
  if (!requests) return "no request with it was counted yet";
  return html`${money(cost)} in ${count(requests, "request")} with it${unpriced > 0 && html`<small>${unpriced} of them without a price</small>`}`;
}

export function File({ id }) {
  const [deleting, setDeleting] = useState(false);
  const [turn, setTurn] = useState(0);
  const { data: file, error, reload } = useLoaded((signal) => ask("GET", `/liftgate/files/${encodeURIComponent(id)}`, { signal }), [id, turn], turn ? 5000 : 0);
  if (error && (!file || error.status === 404)) {
    const missing = error.status === 404;
    return html`<${Heading} title="File" /><${Problem} error=${missing ? { message: "There is no such file. It was deleted, or it is not yours." } : error} again=${missing ? null : reload} />
      <p><a href="#/files">All files</a></p>`;
  }
  if (!file) return html`<${Waiting} what="Loading the file" />`;
  const remove = async () => {
    await ask("DELETE", `/v1/files/${file.id}`);
    location.hash = "#/files";
  };
  return html`
    <p><a href="#/files">All files</a></p>
    <${Heading} title=${plain(file.filename)}><${Name} of=${file.filename} /></${Heading}>
    <div class="row">
      <a class="button" href=${`${base}/v1/files/${file.id}/content`} download=${file.filename}>Download</a>
      <button type="button" class="danger" onClick=${() => setDeleting(true)}>Delete</button>
    </div>
    <${Facts} facts=${[
      ["Type", file.mime_type],
      ["Size", size(file.bytes)],
      ["Added", when(file.created_at)],
      ["Deleted by itself", file.expires_at ? until(file.expires_at).replace("until ", "") : "never"],
      ["Purpose", file.purpose],
      file.usage && ["Cost", cost(file.usage)],
      ["Id", html`<code>${file.id}</code>`],
      file.status_details && ["Note", sentence(file.status_details)],
    ]} />
    <section class="preview"><h2>Preview</h2><${Preview} file=${file} /></section>
    <section><h2>Ask about it</h2><${Conversation} files=${[file]} ended=${() => setTurn((before) => before + 1)} /></section>
    <${Copies} id=${file.id} turn=${turn} />
    ${deleting && html`<${Confirm} title="Delete this file?" verb="Delete" act=${remove} close=${() => setDeleting(false)}>
      <p><${Name} of=${file.filename} /> and its copies at Google go. This cannot be taken back.</p>
    </${Confirm}>`}`;
}
