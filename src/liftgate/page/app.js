// The frame of the page: who is signed in, which view is shown, and the way between them.
import { html, render, useEffect, useState } from "./htm-preact.js";
import { ask, signInOver } from "./api.js";
import { Accounts } from "./accounts.js";
import { Ask } from "./ask.js";
import { File } from "./file.js";
import { Files } from "./files.js";
import { Health } from "./health.js";
import { Keys } from "./keys.js";
import { Problem, Waiting } from "./parts.js";
import { SignIn } from "./signin.js";
import { Spend } from "./spend.js";
import { Uploads } from "./uploads.js";
import { uploader, useUploader } from "./uploading.js";

const VIEWS = { files: Files, upload: Uploads, ask: Ask, accounts: Accounts, keys: Keys, spend: Spend, health: Health };

function place() {
  const [path, rest] = location.hash.slice(2).split("?");
  const [view, id] = path.split("/").map(decodeURIComponent);
  return { view: view || "files", id: id || "", query: new URLSearchParams(rest || "") };
}

function usePlace() {
  const [at, setAt] = useState(place);
  useEffect(() => {
    const moved = () => {
      document.activeElement?.blur();
      setAt(place());
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return at;
}

function Bar({ session, at, signOut }) {
  const { running } = useUploader();
  // A key of the type management opens keys and spend only, one that only looks no files.
  const looks = session.files || !session.master;
  const links = [
    session.files && ["files", "Files"],
    session.files && ["upload", running ? `Upload (${running})` : "Upload"],
    session.files && ["ask", "Ask"],
    looks && ["accounts", "Accounts"],
    session.master && session.keys && ["keys", "Keys"],
    session.spend && ["spend", "Spend"],
    looks && ["health", "Health"],
  ].filter(Boolean);
  return html`<header class="bar">
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      document.querySelector("h1")?.focus();
    }}>Skip to the content</a>
    <a class="name" href="#/files">Liftgate</a>
    <nav aria-label="Views">
      ${links.map(([view, title]) => html`<a key=${view} href=${`#/${view}`} aria-current=${at.view === view ? "page" : undefined}>${title}</a>`)}
    </nav>
    <div class="who">
      <span title="Whose files these are">${session.owner}</span>
      ${session.keys && html`<button type="button" class="plain" onClick=${signOut}>Sign out</button>`}
    </div>
  </header>`;
}

function App() {
  const [session, setSession] = useState(null);
  const [notice, setNotice] = useState("");
  const [error, setError] = useState(null);
  const at = usePlace();
  const look = () =>
    ask("GET", "/liftgate/session").then((found) => {
      setError(null);
      setSession(found);
      return found;
    }, setError);
  useEffect(() => {
    look();
    const over = async () => {
      const found = await look();
      if (found && !found.signed_in) setNotice("Your sign-in is over. Sign in again to go on.");
    };
    signInOver.addEventListener("over", over);
    return () => signInOver.removeEventListener("over", over);
  }, []);
  useEffect(() => uploader.belongsTo(session?.signed_in ? session.owner : null), [session]);
  if (session === null) return html`<main class="alone">${error ? html`<${Problem} error=${error} again=${look} />` : html`<${Waiting} what="Looking who you are" />`}</main>`;
  if (!session.signed_in) {
    const entered = (found) => {
      setNotice("");
      setSession(found);
    };
    return html`<${SignIn} notice=${notice} entered=${entered} />`;
  }
  const signOut = async () => {
    uploader.pauseAll();
    try {
      setSession(await ask("DELETE", "/liftgate/session"));
      setNotice("You have signed out.");
    } catch (failed) {
      setError(failed);
    }
  };
  // A key that opens no files begins where it can do something.
  if (!session.files && !location.hash) location.replace(session.master ? "#/keys" : "#/accounts");
  const View = at.view === "files" && at.id ? File : VIEWS[at.view] || Files;
  return html`
    <${Bar} session=${session} at=${at} signOut=${signOut} />
    <main id="main">
      <${Problem} error=${error} />
      <${View} key=${at.view + at.id + (at.query.get("key") || "")} id=${at.id} query=${at.query} session=${session} />
    </main>`;
}

render(html`<${App} />`, document.getElementById("page"));
