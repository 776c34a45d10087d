// Questions about files, with the answers as they come, and what they cost.
import { html, useEffect, useMemo, useRef, useState } from "./htm-preact.js";
import { ask, events, query, request } from "./api.js";
import { markdown } from "./markdown.js";
import { Heading, Name, Problem, Select, useKept, useLoaded } from "./parts.js";
import { count, money, plain, size } from "./words.js";

const MODEL = "liftgate.model";
const NO_MODEL = "No model can be asked with this key. Whoever runs the gateway names models in its config, and in each key which of them it may ask.";
// As `liftgate chat` chooses: the usual one, else the first flash, else the first, of those that answer in words.
const USUAL = [/(^|\/)gemini-flash-latest$/, /flash/, /./];
const NO_CHAT = /embedding|tts|image|banana|audio|live|veo|imagen|lyria|robotics|computer-use|aqa|transcribe/;
// Milliseconds: an answer comes in more pieces than a person can read.
const REDRAWN = 100;
const UNSEEN = "The model answered with sound or an image, which this page does not show. A program gets it from /v1/chat/completions.";
const ENDED_EARLY = {
  length: "The answer stops here: the model has written as much as it may.",
  content_filter: "Google's filter ended the answer here.",
};

const content = (text, files) => [{ type: "text", text }, ...files.map((file) => ({ type: "file", file: { file_id: file.id } }))];

function useModels() {
  const { data, error, reload } = useLoaded((signal) => ask("GET", "/v1/models", { signal }), []);
  const names = data ? data.data.map((each) => each.id) : [];
  const [chosen, setChosen] = useState(localStorage.getItem(MODEL) || "");
  const answering = names.filter((name) => !NO_CHAT.test(name));
  const usual = USUAL.map((those) => answering.find((name) => those.test(name))).find(Boolean);
  const model = names.includes(chosen) ? chosen : usual || names[0] || "";
  const choose = (name) => {
    localStorage.setItem(MODEL, name);
    setChosen(name);
  };
  return { names, model, choose, again: error && reload, error: error || (data && !names.length ? { message: NO_MODEL } : null) };
}

const Answer = ({ text }) => useMemo(() => markdown(text), [text]);

function cost(usage) {
  if (!usage) return "";
  const tokens = `${count(usage.prompt_tokens, "token")} in, ${usage.completion_tokens.toLocaleString("en")} out`;
  const dollars = usage.cost ?? usage.response_cost;
  return dollars == null ? tokens : `${tokens}, ${money(Number(dollars))}`;
}

// The turns before go along, each file with the question at which it came; what was left out since goes along no more.
function history(turns, files, text) {
  const chosen = new Set(files.map((file) => file.id));
  const still = (given) => given.filter((file) => chosen.has(file.id));
  const told = turns.flatMap((turn) => still(turn.files));
  const fresh = files.filter((file) => !told.some((each) => each.id === file.id));
  const messages = turns.flatMap((turn) => [
    { role: "user", content: content(turn.text, still(turn.files)) },
    { role: "assistant", content: turn.answer },
  ]);
  return { fresh, messages: [...messages, { role: "user", content: content(text, fresh) }] };
}

// One question after the other about files; each is asked with those before it.
export function Conversation({ files, ended }) {
  const { names, model, choose, again, error: noModels } = useModels();
  const [turns, setTurns] = useState([]);
  const [running, setRunning] = useState(null);
  const [phase, setPhase] = useState("");
  const [error, setError] = useState(null);
  const field = useRef();
  const form = useRef();
  useEffect(() => () => running?.abort(), [running]);
  const last = (change) => setTurns((before) => [...before.slice(0, -1), { ...before[before.length - 1], ...change }]);

  const go = async (event) => {
    event.preventDefault();
    if (running || !model) return;
    const text = field.current.value.trim();
    if (!text) {
      setError({ message: "Type a question first." });
      return;
    }
    const before = turns.filter((turn) => turn.answer);
    const { fresh, messages } = history(before, files, text);
    const control = new AbortController();
    setRunning(control);
    setError(null);
    setPhase(files.length ? "Bringing the files to Google" : "Asking");
    setTurns([...before, { text, files: fresh, answer: "", cost: "" }]);
    field.current.value = "";
    let answer = "";
    let note = "";
    let unseen = "";
    let drawing = 0;
    const draw = () => {
      drawing = 0;
      setPhase("Answering");
      last({ answer });
    };
    try {
      const body = { model, messages, stream: true, stream_options: { include_usage: true } };
      const stream = await request("POST", "/v1/chat/completions", { body, signal: control.signal });
      for await (const chunk of events(stream)) {
        if (chunk?.error) throw new Error(chunk.error.message);
        const choice = chunk?.choices?.[0];
        const text = choice?.delta?.content;
        if (text) {
          answer += text;
          drawing ||= setTimeout(draw, answer === text ? 0 : REDRAWN);
        }
        if (choice?.delta?.audio || choice?.delta?.images) unseen = UNSEEN;
        note ||= ENDED_EARLY[choice?.finish_reason] || "";
        if (chunk?.usage) last({ cost: cost(chunk.usage) });
      }
      clearTimeout(drawing);
      note ||= unseen;
      if (!answer) throw new Error(note || "The model gave no answer. Ask in other words, or another model.");
      last({ answer, note });
      setPhase("Answered");
    } catch (failed) {
      clearTimeout(drawing);
      if (answer) last({ answer });
      setPhase("");
      if (control.signal.aborted) setPhase("Stopped");
      else setError(failed);
      if (!answer && field.current) {
        field.current.value ||= text;
        setTurns(before);
      }
    }
    setRunning(null);
    ended?.();
    // Whoever went on elsewhere meanwhile stays there.
    const at = document.activeElement;
    if (at === document.body || form.current?.contains(at)) field.current?.focus();
  };

  return html`<div class="conversation">
    ${turns.length > 0 && html`<h2 class="hidden">Answers</h2><ol class="turns">
      ${turns.map((turn, at) => html`<li key=${at}>
        <p class="question"><span class="hidden">You asked: </span>${turn.text}</p>
        <div class="answer" aria-busy=${running && at === turns.length - 1 ? "true" : "false"}><${Answer} text=${turn.answer} /></div>
        ${turn.note && html`<p class="quiet">${turn.note}</p>`}
        ${turn.cost && html`<p class="quiet cost">${turn.cost}</p>`}
      </li>`)}
    </ol>`}
    <p role="status" class=${running ? "quiet" : "hidden"}>${phase}${running ? " …" : ""}</p>
    <${Problem} error=${error} />
    <${Problem} error=${noModels} again=${again} />
    <form ref=${form} onSubmit=${go}>
      <label><span>${turns.length ? "Ask further" : "Your question"}</span>
        <textarea ref=${field} rows="2" onKeyDown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go(event)}></textarea>
      </label>
      <div class="row">
        <${Select} label="Model" value=${model} options=${names.map((name) => [name, name])} onChange=${choose} />
        ${running
          ? html`<button type="button" onClick=${() => running.abort()}>Stop</button>`
          : html`<button class="main" disabled=${!model}>Ask</button>`}
        ${turns.length > 0 && !running && html`<button type="button" class="plain" onClick=${() => setTurns([])}>Begin anew</button>`}
      </div>
    </form>
  </div>`;
}

function Picker({ chosen, add }) {
  const [typed, setTyped] = useState("");
  const load = (signal) => (typed.trim() ? ask("GET", `/liftgate/files${query({ search: typed, limit: 8 })}`, { signal }) : Promise.resolve({ data: [] }));
  const { data, error } = useLoaded(load, [typed]);
  const found = (data?.data || []).filter((file) => !chosen.some((each) => each.id === file.id));
  return html`<div class="picker">
    <label><span>Add a file by its name</span><input type="search" value=${typed} maxlength="200" onInput=${(event) => setTyped(event.target.value)} /></label>
    <${Problem} error=${error} />
    ${typed.trim() && data && html`<ul aria-label="Files that fit">
      ${found.map((file) => html`<li key=${file.id}><button type="button" onClick=${() => (add(file), setTyped(""))}>Add <${Name} of=${file.filename} /><small> ${size(file.bytes)}</small></button></li>`)}
      ${!found.length && html`<li class="quiet">No other file fits.</li>`}
    </ul>`}
  </div>`;
}

export function Ask({ query: asked }) {
  const [ids, setIds] = useKept("asked", (asked.get("files") || "").split(",").filter(Boolean));
  const found = (signal) => async (id) => {
    try {
      return await ask("GET", `/liftgate/files/${encodeURIComponent(id)}`, { signal });
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  };
  const given = useLoaded((signal) => Promise.all(ids.map(found(signal))), []);
  const [files, setShown] = useState([]);
  const setFiles = (next) => {
    setShown(next);
    setIds(next.map((file) => file.id));
  };
  useEffect(() => given.data && setShown(given.data.filter(Boolean)), [given.data]);
  const gone = given.data ? given.data.filter((file) => !file).length : 0;
  return html`
    <${Heading} title="Ask" />
    <${Problem} error=${given.error} again=${given.reload} />
    ${gone > 0 && html`<${Problem} error=${{ message: gone === given.data.length ? "There are no such files any more." : `${count(gone, "file")} of those that were chosen ${gone === 1 ? "is" : "are"} not there any more.` }} />`}
    <${Picker} chosen=${files} add=${(file) => setFiles([...files, file])} />
    ${files.length
      ? html`<ul class="chips" aria-label="Files that are asked about">${files.map((file) => html`<li key=${file.id}>
          <a href=${`#/files/${file.id}`}><${Name} of=${file.filename} /></a>
          <button type="button" class="plain" aria-label=${`Leave out ${plain(file.filename)}`} onClick=${() => setFiles(files.filter((each) => each !== file))}>✕</button>
        </li>`)}</ul>`
      : !given.loading && html`<p class="quiet">Ask without a file, or add some by name. In <a href="#/files">Files</a> several can be chosen at once.</p>`}
    <${Conversation} files=${files} />`;
}
