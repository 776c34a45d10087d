// What the views are made of.
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from "./htm-preact.js";
import { whose } from "./api.js";
import { plain, sentence } from "./words.js";

// What `load(signal)` gives, again whenever `deps` change, and every so many milliseconds while the page is seen.
export function useLoaded(load, deps, every = 0) {
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const asking = useRef(false);
  // Asked before the view is painted: the answer is on its way meanwhile.
  useLayoutEffect(() => {
    const control = new AbortController();
    asking.current = true;
    const ended = (next) => {
      if (control.signal.aborted) return;
      asking.current = false;
      setState(next);
    };
    setState((before) => (before.loading ? before : { ...before, loading: true }));
    load(control.signal).then(
      (data) => ended({ data, error: null, loading: false }),
      (error) => ended((before) => ({ data: before.data, error, loading: false })),
    );
    return () => control.abort();
  }, [...deps, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    if (!every) return undefined;
    // Over a slow line an answer takes longer: it is waited for, not asked for again.
    const timer = setInterval(() => document.hidden || asking.current || reload(), every);
    return () => clearInterval(timer);
  }, [every]);
  return { ...state, reload };
}

// A state that comes back with the view, by the browser's Back and Forward and by a reload; to its owner only.
export function useKept(name, usual) {
  const [value, setValue] = useState(() => (history.state?.owner === whose() && history.state[name]) || usual);
  const keep = (next) =>
    setValue((before) => {
      const now = typeof next === "function" ? next(before) : next;
      const others = history.state?.owner === whose() ? history.state : {};
      try {
        history.replaceState({ ...others, owner: whose(), [name]: now }, "");
      } catch {
        // Some browsers take only so many in a while: it comes back as it was a moment before.
      }
      return now;
    });
  return [value, keep];
}

// Calls `act` after what is drawn now was seen: an effect alone may come before it, where the machine is busy.
export function afterPaint(act) {
  let frame = requestAnimationFrame(() => (frame = requestAnimationFrame(act)));
  return () => cancelAnimationFrame(frame);
}

// A view's heading: the keyboard and a screen reader begin here when the view changes.
export function Heading({ children, title }) {
  const heading = useRef();
  useEffect(() => {
    document.title = `${title} – Liftgate`;
    if (document.activeElement === document.body) heading.current.focus({ preventScroll: true });
  }, [title]);
  return html`<h1 ref=${heading} tabindex="-1">${children || title}</h1>`;
}

export const Problem = ({ error, again }) =>
  error &&
  html`<div class="problem" role="alert">
    <p>${sentence(error.message)}</p>
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
  </div>`;

// A name among other words, whichever way its script is written. Where it is cut short, the pointer shows the whole.
export const Name = ({ of, title }) => html`<bdi title=${title || (of.length > 80 ? plain(of) : undefined)}>${plain(of)}</bdi>`;

export const Empty = ({ children }) => html`<div class="empty">${children}</div>`;

export const Waiting = ({ what }) => html`<p class="quiet" role="status">${what} …</p>`;

export function Select({ label, value, options, onChange, narrow }) {
  return html`<label class=${narrow ? "narrow" : ""}>
    <span>${label}</span>
    <select value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(([given, shown]) => html`<option key=${given} value=${given} selected=${given === value}>${shown}</option>`)}
    </select>
  </label>`;
}

// Asks before something that cannot be taken back. `act` is awaited; what it throws is shown here.
export function Confirm({ title, children, verb, act, close }) {
  const dialog = useRef();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => dialog.current.showModal(), []);
  const left = useRef(false);
  // Closed by the browser's own means, it gives the keyboard back to whatever opened it. The event of that comes later,
  // when the same dialog may be open again: it is left once, and at once.
  const leave = () => {
    if (left.current) return;
    left.current = true;
    dialog.current?.close();
    close();
  };
  const cancel = (event) => {
    if (busy) event.preventDefault();
    else leave();
  };
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      leave();
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return html`<dialog ref=${dialog} aria-labelledby="confirm-title" onClose=${leave} onCancel=${cancel}>
    <h2 id="confirm-title">${title}</h2>
    ${children}
    <${Problem} error=${error} />
    <div class="row end">
      <button type="button" onClick=${leave} disabled=${busy} autofocus>Cancel</button>
      <button type="button" class="danger" onClick=${go} disabled=${busy}>${busy ? "Working …" : verb}</button>
    </div>
  </dialog>`;
}

export const Facts = ({ facts }) =>
  html`<dl class="facts">
    ${facts.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

// A table that scrolls by itself where the window is narrower.
export const Table = ({ caption, heads, children }) =>
  html`<div class="scroll" role="region" aria-label=${caption} tabindex="0">
    <table>
      <caption class="hidden">${caption}</caption>
      <thead><tr>${heads.map((head) => html`<th scope="col" key=${head}>${head}</th>`)}</tr></thead>
      <tbody>${children}</tbody>
    </table>
  </div>`;
