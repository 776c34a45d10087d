// Uploading: files are dropped or chosen; each shows how far it is, and can be paused and resumed.
import { html, useRef, useState } from "./htm-preact.js";
import { Heading, Name, Problem } from "./parts.js";
import { uploader, useUploader } from "./uploading.js";
import { count, plain, sentence, size, span } from "./words.js";

// What was dropped: a folder is named like a file, and has no bytes to read. Asked for while the event lasts.
function sorted(dropped) {
  const items = [...dropped.items].filter((item) => item.kind === "file");
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory;
  return [items.filter((item) => !isFolder(item)).map((item) => item.getAsFile()), items.filter(isFolder).map((item) => item.webkitGetAsEntry().name)];
}

function told(upload) {
  const of = `${size(upload.sent)} of ${size(upload.file.size)}`;
  const left = upload.left == null ? "" : `, ${span(upload.left)} left`;
  const states = {
    waiting: "Waiting for its turn",
    running: `${of}${upload.rate ? `, ${size(upload.rate)}/s${left}` : ""}`,
    paused: `Paused at ${of}`,
    retrying: `Cut off at ${of}. It goes on by itself`,
    finishing: "All bytes are there; making the file",
    done: `${size(upload.file.size)}, done`,
    failed: upload.file.size ? `Stopped at ${of}` : "Not uploaded",
  };
  return states[upload.state];
}

function Row({ upload }) {
  const { file, state } = upload;
  const name = plain(file.name);
  const stopped = state === "paused" || (state === "failed" && file.size > 0 && !upload.gone);
  const turn = stopped ? "Resume" : upload.active && state !== "finishing" ? "Pause" : "";
  const leave = state === "done" || (state === "failed" && !file.size) ? "Clear" : "Cancel";
  return html`<li class="card">
    <div class="row between one">
      <strong class="break">${state === "done" ? html`<a href=${`#/files/${upload.result.id}`}><${Name} of=${file.name} /></a>` : html`<${Name} of=${file.name} />`}</strong>
      <span class="row">
        ${turn && html`<button type="button" aria-label=${`${turn} ${name}`} onClick=${() => (upload.active ? upload.pause() : upload.run())}>${turn}</button>`}
        ${state !== "finishing" && html`<button type="button" class="plain" aria-label=${`${leave} ${name}`} onClick=${() => uploader.remove(upload)}>${leave}</button>`}
      </span>
    </div>
    <progress max=${Math.max(1, file.size)} value=${state === "done" ? Math.max(1, file.size) : upload.sent} aria-label=${`Progress of ${name}`}></progress>
    <p class="quiet">${told(upload)}</p>
    ${state === "retrying" && upload.error.status > 0 && html`<p class="quiet">${sentence(upload.error.message)}</p>`}
    ${state === "failed" && html`<${Problem} error=${upload.error} />`}
  </li>`;
}

export function Uploads({ session }) {
  const { uploads, running } = useUploader();
  const { unfinished } = uploader;
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState([]);
  const picker = useRef();
  const take = (files, folders = []) => {
    const elsewhere = uploader.add([...files].filter(Boolean)).map((file) => file.name);
    const said = [["a folder is not taken. Choose the files in it.", folders], ["another tab of this browser has it already.", elsewhere]];
    setRefused(said.filter(([, names]) => names.length).map(([why, names]) => `${names.map((name) => `“${name}”`).join(", ")}: ${why}`));
  };
  const chosen = (event) => {
    take(event.target.files);
    event.target.value = "";
  };
  const dropped = (event) => {
    event.preventDefault();
    setOver(false);
    take(...sorted(event.dataTransfer));
  };
  const dragged = (event) => {
    event.preventDefault();
    setOver(true);
  };
  const done = uploads.filter((each) => each.state === "done").length;
  return html`
    <${Heading} title="Upload" />
    <label class=${`drop ${over ? "over" : ""}`} onDragOver=${dragged} onDragLeave=${() => setOver(false)} onDrop=${dropped}>
      <span><b>Choose files</b> or drop them here</span>
      <small>Up to ${size(session.largest_file)} each. An upload goes on after a cut, and after a reload when you choose the same file again.</small>
      <input ref=${picker} type="file" multiple onChange=${chosen} />
    </label>
    ${refused.map((message) => html`<${Problem} error=${{ message }} />`)}
    <p class="hidden" role="status">${uploads.length ? `${count(done, "upload")} done, ${running} under way.` : ""}</p>
    ${unfinished.length > 0 && html`<section>
      <h2>Not finished</h2>
      <ul class="cards">${unfinished.map((each) => html`<li class="card" key=${each.key}>
        <div class="row between"><strong class="break"><${Name} of=${each.name} /></strong><span class="row">
          <button type="button" aria-label=${`Choose ${plain(each.name)} again`} onClick=${() => picker.current.click()}>Choose it again</button>
          <button type="button" class="plain" aria-label=${`Discard ${plain(each.name)}`} onClick=${() => uploader.discard(each)}>Discard</button>
        </span></div>
        <progress max=${Math.max(1, each.size)} value=${each.stored} aria-label=${`Stored of ${plain(each.name)}`}></progress>
        <p class="quiet">${size(each.stored)} of ${size(each.size)} are stored. Choose the same file again, and the rest follows.</p>
      </li>`)}</ul>
    </section>`}
    ${uploads.length > 0 && html`<section>
      <div class="row between"><h2>Uploads</h2>${done > 1 && html`<button type="button" class="plain" onClick=${() => uploader.clearDone()}>Clear what is done</button>`}</div>
      <ul class="cards">${uploads.map((each) => html`<${Row} key=${each.number} upload=${each} />`)}</ul></section>`}`;
}
