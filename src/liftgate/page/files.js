// All files: found by name, type and state, in an order, page by page; chosen ones are deleted or asked about.
import { html, useEffect, useState } from "./htm-preact.js";
import { ask, query } from "./api.js";
import { Confirm, Empty, Heading, Name, Problem, Select, Waiting, afterPaint, useKept, useLoaded } from "./parts.js";
import { uploader } from "./uploading.js";
import { COPY_STATES, count, kind, kinds, left, plain, sentence, size, until, when } from "./words.js";

const PAGE = 100;
// What fits in a window is drawn at once, the rest of a page after that was seen: a row is 41 pixels high or higher.
const AT_ONCE = Math.max(10, Math.ceil(innerHeight / 48));
const NAMED = 5;
// An address has no room for more.
const MOST_ASKED = 50;
const TYPES = [["", "All types"], ...kinds];
const STATES = [["", "All states"], ["processed", "Ready"], ["uploaded", "On the way to Google"], ["error", "Refused by Google"]];
const PURPOSES = ["", "user_data", "assistants", "batch", "fine-tune", "vision", "evals"].map((each) => [each, each || "All purposes"]);
const ORDERS = [
  ["created_at desc", "Newest first"],
  ["created_at asc", "Oldest first"],
  ["filename asc", "By name"],
  ["filename desc", "By name, from Z"],
  ["bytes desc", "Largest first"],
  ["bytes asc", "Smallest first"],
];
const SHOWN_STATE = { processed: "ready", uploaded: "on the way", error: "refused" };
const ALL = { search: "", type: "", purpose: "", status: "", sort: "created_at", order: "desc" };

function atGoogle(file) {
  const states = Object.entries(file.copies);
  if (!states.length) return "–";
  if (file.copies.active) return html`<span title=${until(file.copies_until)}>${left(file.copies_until)}</span>`;
  return states.map(([state, number]) => `${number} ${COPY_STATES[state] || state}`).join(", ");
}

function Sorted({ by, children, wanted, sort }) {
  const here = wanted.sort === by;
  const down = wanted.order === "desc";
  return html`<th scope="col" class=${by === "filename" ? "" : "wide"} aria-sort=${here ? (down ? "descending" : "ascending") : "none"}>
    <button type="button" class="plain" onClick=${() => sort(by)}>${children}<span aria-hidden="true">${here ? (down ? " ↓" : " ↑") : ""}</span></button>
  </th>`;
}

async function deleteAll(files, done) {
  const failed = [];
  const left = [...files];
  const one = async () => {
    for (let file = left.pop(); file; file = left.pop()) {
      try {
        await ask("DELETE", `/v1/files/${file.id}`);
        done(file);
      } catch (error) {
        if (error.status === 404) done(file);
        else failed.push(`${plain(file.filename)}: ${sentence(error.message)}`);
      }
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  if (failed.length) throw new Error(`${count(failed.length, "file")} could not be deleted. ${failed[0]}`);
}

export function Files() {
  const [wanted, setWanted] = useKept("files", ALL);
  const [typed, setTyped] = useState(wanted.search);
  const [more, setMore] = useState({ of: null, files: [], next: null, error: null, busy: false });
  const [gone, setGone] = useState(new Set());
  const [chosen, setChosen] = useState(new Map());
  const [deleting, setDeleting] = useState(false);
  const [said, setSaid] = useState("");
  const [whole, setWhole] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWanted((before) => (before.search === typed ? before : { ...before, search: typed })), 200);
    return () => clearTimeout(timer);
  }, [typed]);
  const first = useLoaded((signal) => ask("GET", `/liftgate/files${query({ ...wanted, limit: PAGE })}`, { signal }), [wanted]);
  useEffect(() => uploader.onDone(first.reload), []);
  useEffect(() => (first.data ? afterPaint(() => setWhole(true)) : undefined), [!first.data]);
  const added = more.of === first.data ? more : { files: [], next: first.data?.next, error: null };
  const files = [...(first.data?.data || []), ...added.files].filter((file) => !gone.has(file.id));
  const change = (name) => (value) => setWanted({ ...wanted, [name]: value });
  const sort = (by) => setWanted({ ...wanted, sort: by, order: wanted.sort === by ? (wanted.order === "desc" ? "asc" : "desc") : by === "filename" ? "asc" : "desc" });
  const narrowed = ["search", "type", "purpose", "status"].some((name) => wanted[name]);
  const showMore = async () => {
    setMore({ ...added, of: first.data, busy: true });
    try {
      const page = await ask("GET", `/liftgate/files${query({ ...wanted, limit: PAGE, after: added.next })}`);
      setMore({ of: first.data, files: [...added.files, ...page.data], next: page.next, error: null });
      setSaid(`${count(page.data.length, "more file")} shown.`);
    } catch (error) {
      setMore({ ...added, of: first.data, error });
    }
  };
  const choose = (file, on) => {
    const next = new Map(chosen);
    if (on) next.set(file.id, file);
    else next.delete(file.id);
    setChosen(next);
  };
  const chooseAll = (on) => {
    const next = new Map(chosen);
    for (const file of files) {
      if (on) next.set(file.id, file);
      else next.delete(file.id);
    }
    setChosen(next);
  };
  const removed = (file) => {
    setGone((before) => new Set(before).add(file.id));
    setChosen((before) => {
      const next = new Map(before);
      next.delete(file.id);
      return next;
    });
  };
  const remove = async () => {
    const number = chosen.size;
    await deleteAll(chosen.values(), removed);
    setSaid(`${count(number, "file")} deleted.`);
  };
  const all = files.length > 0 && files.every((file) => chosen.has(file.id));
  return html`
    <div class="row between"><${Heading} title="Files" /><a class="button main" href="#/upload">Upload files</a></div>
    <form class="row filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label class="grow"><span>Search by name</span><input type="search" value=${typed} maxlength="200" onInput=${(event) => setTyped(event.target.value)} /></label>
      <${Select} label="Type" value=${wanted.type} options=${TYPES} onChange=${change("type")} />
      <${Select} label="State" value=${wanted.status} options=${STATES} onChange=${change("status")} />
      <${Select} label="Purpose" value=${wanted.purpose} options=${PURPOSES} onChange=${change("purpose")} />
      <${Select} label="Order" narrow value=${`${wanted.sort} ${wanted.order}`} options=${ORDERS} onChange=${(value) => setWanted({ ...wanted, sort: value.split(" ")[0], order: value.split(" ")[1] })} />
    </form>
    <p class="hidden" role="status">${said || (first.loading ? "" : `${count(files.length, "file")} shown${added.next ? ", and there are more" : ""}.`)}</p>
    <${Problem} error=${first.error} again=${first.reload} />
    ${chosen.size > 0 && html`<div class="row chosen">
      <span>${count(chosen.size, "file")} chosen, ${size([...chosen.values()].reduce((sum, file) => sum + file.bytes, 0))}</span>
      <a class="button" href=${`#/ask?files=${[...chosen.keys()].slice(0, MOST_ASKED).join(",")}`}>Ask about ${chosen.size === 1 ? "it" : chosen.size > MOST_ASKED ? `the first ${MOST_ASKED}` : "them"}</a>
      <button type="button" class="danger" onClick=${() => setDeleting(true)}>Delete</button>
      <button type="button" class="plain" onClick=${() => setChosen(new Map())}>Choose none</button>
    </div>`}
    ${!first.data && first.loading && html`<${Waiting} what="Loading the files" />`}
    ${first.data && !files.length && !added.next && (narrowed
      ? html`<${Empty}><p>No file fits.</p><button type="button" onClick=${() => (setTyped(""), setWanted(ALL))}>Show all files</button></${Empty}>`
      : html`<${Empty}><p>There is no file yet. A file that you upload stays here until you delete it, and can be asked about at any time.</p>
          <a class="button main" href="#/upload">Upload the first one</a></${Empty}>`)}
    ${files.length > 0 && html`<table class="files" aria-busy=${first.loading}>
      <caption class="hidden">Files</caption>
      <thead><tr>
        <td class="tick"><input type="checkbox" aria-label="Choose all that are shown" checked=${all} onChange=${(event) => chooseAll(event.target.checked)} /></td>
        <${Sorted} by="filename" wanted=${wanted} sort=${sort}>Name</${Sorted}>
        <th scope="col" class="wide">Type</th>
        <${Sorted} by="bytes" wanted=${wanted} sort=${sort}>Size</${Sorted}>
        <${Sorted} by="created_at" wanted=${wanted} sort=${sort}>Added</${Sorted}>
        <th scope="col" class="wide">State</th>
        <th scope="col" class="wide">At Google</th>
      </tr></thead>
      <tbody>${(whole ? files : files.slice(0, AT_ONCE)).map((file) => html`<${Row} key=${file.id} file=${file} chosen=${chosen.has(file.id)} choose=${choose} />`)}</tbody>
    </table>`}
    <${Problem} error=${added.error} />
    ${added.next && html`<p><button type="button" onClick=${showMore} disabled=${added.busy}>${files.length ? "Show more" : "Look further"}</button></p>`}
    ${deleting && html`<${Confirm} title=${`Delete ${count(chosen.size, "file")}?`} verb="Delete" act=${remove} close=${() => setDeleting(false)}>
      <ul class="names">
        ${[...chosen.values()].slice(0, NAMED).map((file) => html`<li key=${file.id}><${Name} of=${file.filename} /></li>`)}
        ${chosen.size > NAMED && html`<li>and ${chosen.size - NAMED} more</li>`}
      </ul>
      <p>Their copies at Google go too. This cannot be taken back.</p>
    </${Confirm}>`}`;
}

function Row({ file, chosen, choose }) {
  return html`<tr class=${chosen ? "is-chosen" : ""}>
    <td class="tick"><input type="checkbox" aria-label=${`Choose ${plain(file.filename)}`} checked=${chosen} onChange=${(event) => choose(file, event.target.checked)} /></td>
    <th scope="row"><a href=${`#/files/${file.id}`}><${Name} of=${file.filename} /></a>
      <small class="narrow">${kind(file.mime_type)} · ${size(file.bytes)} · ${when(file.created_at)}</small>
      ${file.status_details && html`<small>${file.status_details}</small>`}</th>
    <td class="wide">${kind(file.mime_type)}</td>
    <td class="wide number">${size(file.bytes)}</td>
    <td class="wide number">${when(file.created_at)}</td>
    <td class="wide">${SHOWN_STATE[file.status] || file.status}</td>
    <td class="wide">${atGoogle(file)}</td>
  </tr>`;
}
