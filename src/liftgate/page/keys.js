// Keys that are made at run time: made, shown once, changed, blocked, deleted.
import { html, useEffect, useRef, useState } from "./htm-preact.js";
import { ask, query } from "./api.js";
import { Confirm, Empty, Heading, Name, Problem, Select, Table, Waiting, useKept, useLoaded } from "./parts.js";
import { WINDOWS, budgetWindow, count, money, now, plain, until, when } from "./words.js";

const PAGE = 50;
const LIVES = [["", "for ever"], ["1d", "1 day"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "a year"]];
const TYPES = [["", "Models and files"], ["management", "Keys"], ["read_only", "Looking only"]];
const NUMBERS = [
  ["rpm_limit", "Requests a minute"],
  ["tpm_limit", "Tokens a minute"],
  ["max_parallel_requests", "Requests at one time"],
];
const seconds = (iso) => (iso ? Date.parse(iso) / 1000 : null);
const names = (text) => text.split(/[\s,]+/).filter(Boolean);
const nameOf = (key) => plain(key.key_alias || key.key_name);

function state(key) {
  if (key.blocked) return "blocked";
  if (key.expires && seconds(key.expires) <= now()) return "over";
  return key.expires ? `good ${until(seconds(key.expires))}` : "good";
}

function limits(key) {
  const said = [
    key.models.length > 0 && key.models.join(", "),
    key.max_budget != null && `${money(key.max_budget)} ${budgetWindow(key.budget_duration)}`,
    key.rpm_limit != null && `${count(key.rpm_limit, "request")} a minute`,
    key.tpm_limit != null && `${count(key.tpm_limit, "token")} a minute`,
    key.max_parallel_requests != null && `${count(key.max_parallel_requests, "request")} at one time`,
  ].filter(Boolean);
  return said.join(" · ") || "none";
}

function Secret({ made, close }) {
  const field = useRef();
  const [said, setSaid] = useState("");
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(made.key);
      setSaid("Copied.");
    } catch {
      setSaid("It is selected: copy it with your keyboard.");
    }
  };
  useEffect(() => field.current.select(), []);
  return html`<section class="card secret" aria-label="The new key">
    <h2>${nameOf(made)} is made</h2>
    <p>Copy it now. It is shown this once, and kept nowhere.</p>
    <label><span>The key</span><input ref=${field} readonly value=${made.key} /></label>
    <div class="row"><button type="button" class="main" onClick=${copy}>Copy</button><button type="button" onClick=${close}>I have it</button>
      <span role="status">${said}</span></div>
  </section>`;
}

// Makes a key, or changes one. What is left empty limits nothing.
function Form({ key_, done, close }) {
  const form = useRef();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [life, setLife] = useState("");
  const [type, setType] = useState("");
  const [window, setWindow] = useState(key_?.budget_duration || "");
  // It stands above the list: whoever was far down in that is brought to it.
  useEffect(() => form.current.querySelector("input").focus(), []);
  const windows = WINDOWS.some(([duration]) => duration === window) ? WINDOWS : [...WINDOWS, [window, `each ${window}`]];
  const go = async (event) => {
    event.preventDefault();
    const given = new FormData(form.current);
    const body = { models: names(given.get("models")) };
    for (const name of ["max_budget", ...NUMBERS.map(([name]) => name)]) {
      const value = given.get(name).trim();
      if (value) body[name] = Number(value);
      else if (key_?.[name] != null) body[name] = null;
    }
    if (body.max_budget != null && window) body.budget_duration = window;
    else if (key_?.budget_duration) body.budget_duration = null;
    if (life) body.duration = life;
    if (key_) body.key = key_.token;
    else {
      for (const name of ["key_alias", "user_id"]) if (given.get(name).trim()) body[name] = given.get(name).trim();
      if (type) body.key_type = type;
    }
    setBusy(true);
    setError(null);
    try {
      done(await ask("POST", key_ ? "/key/update" : "/key/generate", { body }));
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return html`<form class="card form" ref=${form} onSubmit=${go} aria-label=${key_ ? `Change ${nameOf(key_)}` : "Make a key"}>
    <h2>${key_ ? `Change ${nameOf(key_)}` : "Make a key"}</h2>
    <div class="fields">
      ${!key_ && html`
        <label><span>Name, for lists and logs</span><input name="key_alias" maxlength="200" /></label>
        <label><span>Owner, whose files it sees</span><input name="user_id" maxlength="200" placeholder="one of its own" /></label>
        <${Select} label="It is for" value=${type} options=${TYPES} onChange=${setType} />`}
      <label><span>Models, with commas between</span><input name="models" placeholder="all" defaultValue=${key_ ? key_.models.join(", ") : ""} /></label>
      <${Select} label=${key_ ? "Good from now on" : "Good for"} value=${life} options=${key_ ? [["", "as it was"], ["-1", "for ever"], ...LIVES.slice(1)] : LIVES} onChange=${setLife} />
      <label><span>Budget in dollars</span><input name="max_budget" type="number" min="0" step="any" placeholder="no limit" defaultValue=${key_?.max_budget ?? ""} /></label>
      <${Select} label="The budget holds" value=${window} options=${windows} onChange=${setWindow} />
      ${NUMBERS.map(([name, label]) => html`<label key=${name}><span>${label}</span><input name=${name} type="number" min="1" step="1" placeholder="no limit" defaultValue=${key_?.[name] ?? ""} /></label>`)}
    </div>
    <${Problem} error=${error} />
    <div class="row"><button class="main" disabled=${busy}>${key_ ? "Change it" : "Make it"}</button><button type="button" onClick=${close}>Cancel</button></div>
  </form>`;
}

export function Keys({ session }) {
  const [{ typed, page }, setLooked] = useKept("keys", { typed: "", page: 1 });
  const [making, setMaking] = useState(false);
  const [changed, setChanged] = useState(null);
  const [made, setMade] = useState(null);
  const [asked, setAsked] = useState(null);
  const [error, setError] = useState(null);
  const listed = useLoaded(
    (signal) => ask("GET", `/key/list${query({ return_full_object: "true", size: PAGE, page, search: typed.trim() })}`, { signal }),
    [typed, page],
  );
  const act = async (path, body) => {
    setError(null);
    try {
      await ask("POST", path, { body });
      listed.reload();
    } catch (failed) {
      setError(failed);
    }
  };
  const done = (answer) => {
    setMaking(false);
    setChanged(null);
    if (answer.token_id) setMade(answer);
    listed.reload();
  };
  const { data } = listed;
  // The last key of the last page was deleted, perhaps elsewhere.
  useEffect(() => data && page > Math.max(1, data.total_pages) && setLooked({ typed, page: Math.max(1, data.total_pages) }), [data]);
  return html`
    <div class="row between"><${Heading} title="Keys" />${session.master && !making && html`<button type="button" class="main" onClick=${() => (setMaking(true), setChanged(null))}>Make a key</button>`}</div>
    ${made && html`<${Secret} key=${made.key} made=${made} close=${() => setMade(null)} />`}
    ${making && html`<${Form} done=${done} close=${() => setMaking(false)} />`}
    ${changed && html`<${Form} key=${changed.token} key_=${changed} done=${done} close=${() => setChanged(null)} />`}
    <form class="row filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label class="grow"><span>Search by name or owner</span><input type="search" value=${typed} maxlength="200" onInput=${(event) => setLooked({ typed: event.target.value, page: 1 })} /></label>
    </form>
    <${Problem} error=${listed.error} again=${listed.reload} /><${Problem} error=${error} />
    ${!data && listed.loading && html`<${Waiting} what="Loading the keys" />`}
    ${data && !data.keys.length && page === 1 && html`<${Empty}><p>${typed ? "No key fits." : "No key was made yet. Give each program and each team one of its own: then one can be blocked or deleted, and the others work on."}</p></${Empty}>`}
    ${data && data.keys.length > 0 && html`<${Table} caption="Keys" heads=${["Name", "Owner", "State", "Limits", "Made", "What to do"]}>
      ${data.keys.map((key) => html`<tr key=${key.token}>
        <th scope="row"><${Name} of=${key.key_alias || key.key_name} /><small>${key.key_name}</small></th>
        <td class="break">${key.owner === key.id ? "its own" : html`<${Name} of=${key.owner} />`}</td>
        <td>${state(key)}</td>
        <td class="break">${limits(key)}</td>
        <td class="number">${when(seconds(key.created_at))}</td>
        <td><div class="row tight">
          ${session.spend && html`<a class="button" aria-label=${`Spend of ${nameOf(key)}`} href=${`#/spend?key=${key.id}&token=${key.token}`}>Spend</a>`}
          <button type="button" aria-label=${`Change ${nameOf(key)}`} onClick=${() => (setChanged(key), setMaking(false))}>Change</button>
          ${key.blocked
            ? html`<button type="button" aria-label=${`Unblock ${nameOf(key)}`} onClick=${() => act("/key/unblock", { key: key.token })}>Unblock</button>`
            : html`<button type="button" aria-label=${`Block ${nameOf(key)}`} onClick=${() => act("/key/block", { key: key.token })}>Block</button>`}
          <button type="button" class="danger" aria-label=${`Delete ${nameOf(key)}`} onClick=${() => setAsked(key)}>Delete</button>
        </div></td>
      </tr>`)}
    </${Table}>`}
    ${data && data.total_pages > 1 && html`<nav class="row" aria-label="Pages of keys">
      <button type="button" disabled=${page === 1} onClick=${() => setLooked({ typed, page: page - 1 })}>Before</button>
      <span>Page ${page} of ${data.total_pages}</span>
      <button type="button" disabled=${page >= data.total_pages} onClick=${() => setLooked({ typed, page: page + 1 })}>Next</button>
    </nav>`}
    <p class="quiet">Keys of the config are not listed here.</p>
    ${asked && html`<${Confirm} title=${`Delete ${nameOf(asked)}?`} verb="Delete" close=${() => setAsked(null)}
      act=${async () => (await ask("POST", "/key/delete", { body: { keys: [asked.token] } }), listed.reload())}>
      <p>Programs that use it are refused within a second. Its owner's files stay.</p>
    </${Confirm}>`}`;
}
