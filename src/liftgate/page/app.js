// The frame of the page: who is signed in, which view is shown, and the way between them.
import { html, render, useEffect, useLayoutEffect, useRef, useState } from "./htm-preact.js";
import { actFor, ask, signInOver } from "./api.js";
import { Accounts } from "./accounts.js";
import { Ask } from "./ask.js";
import { File } from "./file.js";
import { Files } from "./files.js";
import { Health } from "./health.js";
import { keepPlace } from "./keyboard.js";
import { Keys } from "./keys.js";
import { Name, Problem, Waiting } from "./parts.js";
import { SignIn } from "./signin.js";
import { Spend } from "./spend.js";
import { Uploads } from "./uploads.js";
import { uploader, useUploader } from "./uploading.js";
import { plain } from "./words.js";

// The other tabs of this browser: they share its cookie.
const tabs = new BroadcastChannel("liftgate.session");

const VIEWS = { files: Files, upload: Uploads, ask: Ask, accounts: Accounts, keys: Keys, spend: Spend, health: Health };

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function place() {
  const [path, rest] = location.hash.slice(2).split("?");
  const [view, id] = path.split("/").map(decoded);
  return { view: view || "", id: id || "", query: new URLSearchParams(rest || "") };
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
      <${Name} of=${session.owner} title=${`Whose files these are: ${plain(session.owner)}`} />
      ${session.keys && html`<button type="button" class="plain" onClick=${signOut}>Sign out</button>`}
    </div>
  </header>`;
}

function App() {
  const [session, setSession] = useState(null);
  const [notice, setNotice] = useState("");
  const [error, setError] = useState(null);
  const asked = usePlace();
  const shown = useRef(null);
  shown.current = session;
  const enter = (found) => {
    setError(null);
    const owner = found.signed_in ? found.owner : null;
    actFor(owner);
    uploader.belongsTo(owner);
    setSession(found);
  };
  // `whyOver`: what to tell whoever was signed in until now.
  const look = (whyOver) =>
    ask("GET", "/liftgate/session").then((found) => {
      if (found.signed_in) setNotice("");
      else if (shown.current?.signed_in) setNotice(whyOver);
      enter(found);
    }, setError);
  // Before anything is painted: the answer is there already, see the page's head.
  useLayoutEffect(() => void look(), []);
  useEffect(() => {
    // A wrong key is refused too, where nobody is signed in.
    const over = () => shown.current?.signed_in && look("Your sign-in is over. Sign in again to go on.");
    const changed = () => {
      uploader.pauseAll();
      look("You have signed out in another tab.");
    };
    // Come back to as it was left, perhaps long ago, it shows nothing before it is known whose it is.
    const back = (event) => event.persisted && (setSession(null), look());
    signInOver.addEventListener("over", over);
    addEventListener("pageshow", back);
    tabs.addEventListener("message", changed);
    return () => {
      signInOver.removeEventListener("over", over);
      removeEventListener("pageshow", back);
      tabs.removeEventListener("message", changed);
    };
  }, []);
  if (session === null) return html`<main class="alone">${error ? html`<${Problem} error=${error} again=${() => look()} />` : html`<${Waiting} what="Looking who you are" />`}</main>`;
  if (!session.signed_in) {
    const entered = (found) => {
      setNotice("");
      enter(found);
      tabs.postMessage("signed in");
    };
    return html`<${SignIn} notice=${notice} entered=${entered} />`;
  }
  const signOut = async () => {
    uploader.pauseAll();
    try {
      enter(await ask("DELETE", "/liftgate/session"));
      setNotice("You have signed out.");
      tabs.postMessage("signed out");
    } catch (failed) {
      setError({ message: `You are still signed in. ${failed.message}` });
    }
  };
  // A key that opens no files begins where it can do something.
  const at = { ...asked, view: asked.view || (session.files ? "files" : session.master ? "keys" : "accounts") };
  const View = at.view === "files" && at.id ? File : (Object.hasOwn(VIEWS, at.view) ? VIEWS[at.view] : Files);
  return html`
    <${Bar} session=${session} at=${at} signOut=${signOut} />
    <main id="main">
      <${Problem} error=${error} />
      <${View} key=${session.owner + at.view + at.id + (at.query.get("key") || "")} id=${at.id} query=${at.query} session=${session} />
    </main>`;
}

// A file that is dropped beside the place for it would be shown in place of the page, and end its uploads.
for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

const page = document.getElementById("page");
page.replaceChildren();
keepPlace(page);
render(html`<${App} />`, page);
