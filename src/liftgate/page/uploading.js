// All uploads of this browser: several at once, and those that a reload interrupted.
import { useEffect, useState } from "./htm-preact.js";
import { ask } from "./api.js";
import { Upload, keep, stored } from "./upload.js";

// The tabs of this browser tell each other what they carry: it is not unfinished here, and not sent twice.
const tabs = new BroadcastChannel("liftgate.uploads");
const ME = crypto.getRandomValues(new Uint32Array(2)).join();
// Milliseconds. A tab that is not seen may speak once a minute; one that is silent for longer is gone.
const SAID_EVERY = 30_000;
const GONE = 150_000;

class Uploader {
  constructor() {
    this.uploads = [];
    this.owner = null;
    this.listeners = new Set();
    this.doneListeners = new Set();
    this.told = false;
    this.elsewhere = new Map();
    this.said = "[]";
    tabs.onmessage = ({ data: { tab, keys } }) => {
      if (keys) this.elsewhere.set(tab, { keys, at: Date.now() });
      else this.say(true);
      this.tell();
    };
    tabs.postMessage({ tab: ME });
    setInterval(() => this.said !== "[]" && this.say(true), SAID_EVERY);
    addEventListener("pagehide", () => tabs.postMessage({ tab: ME, keys: [] }));
    addEventListener("pageshow", ({ persisted }) => persisted && this.say(true));
  }

  say(anyway = false) {
    const keys = this.uploads.filter((each) => each.state !== "done").map((each) => each.key);
    const said = JSON.stringify(keys);
    if (said === this.said && !anyway) return;
    this.said = said;
    tabs.postMessage({ tab: ME, keys });
  }

  isElsewhere(key) {
    return [...this.elsewhere.values()].some(({ keys, at }) => Date.now() - at < GONE && keys.includes(key));
  }

  // What another owner's browser began here is left for that owner. Called before the page is drawn for `owner`.
  belongsTo(owner) {
    if (owner === this.owner) return;
    // What is not begun yet would otherwise begin as the next owner's.
    this.pauseAll();
    if (owner !== null && this.last !== undefined && this.last !== owner) this.uploads = [];
    if (owner !== null) this.last = owner;
    this.owner = owner;
  }

  keyOf = (file) => JSON.stringify([this.owner, file.name, file.size, file.lastModified]);

  // Gives those that another tab has.
  add(files) {
    const others = [];
    for (const file of files) {
      const key = this.keyOf(file);
      if (this.isElsewhere(key)) {
        others.push(file);
        continue;
      }
      const known = this.uploads.find((each) => each.key === key && each.state !== "done");
      if (known) {
        if (!known.active) {
          known.file = file;
          known.gone = false;
          known.run();
        }
        continue;
      }
      const upload = new Upload(key, file, () => {
        this.tell();
        if (upload.state === "done" && !upload.announced) {
          upload.announced = true;
          this.doneListeners.forEach((listener) => listener(upload.result));
        }
      });
      this.uploads.push(upload);
      upload.run();
    }
    this.tell();
    return others;
  }

  pauseAll() {
    this.uploads.forEach((each) => each.pause());
  }

  async remove(upload) {
    upload.pause();
    this.uploads = this.uploads.filter((each) => each !== upload);
    const { record } = upload;
    upload.forget();
    this.tell();
    if (record && upload.state !== "done") await ask("POST", `/v1/uploads/${record.id}/cancel`).catch(() => {});
  }

  clearDone() {
    this.uploads.filter((each) => each.state === "done").forEach((each) => this.remove(each));
  }

  // Begun earlier, before a reload: the same file must be chosen again.
  get unfinished() {
    const here = new Set(this.uploads.map((each) => each.key));
    return Object.entries(stored())
      .filter(([key]) => !here.has(key) && !this.isElsewhere(key) && JSON.parse(key)[0] === this.owner)
      .map(([key, record]) => {
        const sizes = Object.keys(record.parts).map((at) => Math.min(record.part, record.size - at * record.part));
        return { key, ...record, stored: sizes.reduce((sum, each) => sum + each, 0) };
      });
  }

  async discard(found) {
    keep(found.key, null);
    this.tell();
    await ask("POST", `/v1/uploads/${found.id}/cancel`).catch(() => {});
  }

  onDone(listener) {
    this.doneListeners.add(listener);
    return () => this.doneListeners.delete(listener);
  }

  // At most once in a frame: progress comes far oftener than a screen is drawn.
  tell() {
    if (this.told) return;
    this.told = true;
    setTimeout(() => {
      this.told = false;
      this.say();
      this.listeners.forEach((listener) => listener());
    }, 100);
  }
}

export const uploader = new Uploader();

export function useUploader() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const heard = () => setTurn((before) => before + 1);
    uploader.listeners.add(heard);
    return () => uploader.listeners.delete(heard);
  }, []);
  return { uploads: uploader.uploads, running: uploader.uploads.filter((each) => each.active).length };
}
