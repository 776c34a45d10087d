// Signing in: a key is changed for a cookie, and forgotten.
import { html, useEffect, useRef, useState } from "./htm-preact.js";
import { ask } from "./api.js";
import { Problem } from "./parts.js";

export function SignIn({ notice, entered }) {
  const field = useRef();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => {
    document.title = "Sign in – Liftgate";
    field.current.focus();
  }, []);
  const go = async (event) => {
    event.preventDefault();
    const key = field.current.value.trim();
    if (!key) {
      setError({ message: "Type your key first." });
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const found = await ask("POST", "/liftgate/session", { body: { key } });
      field.current.value = "";
      entered(found);
    } catch (failed) {
      setError(failed.status === 401 ? { message: "This key is not known here. Check it, or ask whoever runs this gateway for one." } : failed);
      setBusy(false);
      field.current.select();
    }
  };
  return html`<main class="alone">
    <h1>Liftgate</h1>
    ${notice && html`<p role="status">${notice}</p>`}
    <form onSubmit=${go}>
      <label><span>Your key</span>
        <input ref=${field} type="password" name="key" autocomplete="current-password" spellcheck="false" aria-describedby="key-note" />
      </label>
      <p class="quiet" id="key-note">The key that your programs use. This browser keeps a cookie in its place, for 12 hours.</p>
      <${Problem} error=${error} />
      <button class="main" disabled=${busy}>${busy ? "Signing in …" : "Sign in"}</button>
    </form>
  </main>`;
}
