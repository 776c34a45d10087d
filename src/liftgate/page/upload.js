// One upload: in parts over /v1/uploads, it goes on after a cut and after a reload.
import { Failed, ask, base, failure, ours, read } from "./api.js";

const MIB = 1024 * 1024;
// Parts of all uploads that are sent at the same time. A cut costs so many parts at most: each is a hundredth of a large file.
const AT_ONCE = 2;
const partOf = (size) => MIB * 2 ** Math.min(4, Math.max(0, Math.floor(Math.log2(size / MIB / 128))));
const SILENCE = 60_000;
const LONGEST_PAUSE = 30_000;
const STORE = "liftgate.uploads";

const wait = (ms, signal) =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
    signal.addEventListener("abort", end);
  });

// Whether it is what this page keeps, and not what another version of it did.
const sound = ([key, record]) => Array.isArray(JSON.parse(key)) && typeof record.id === "string" && record.part > 0 && record.size > 0 && Object.keys(record.parts);

// Uploads that were begun in this browser, by their file: what is known of their parts.
export function stored() {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(STORE)) || {}).filter(sound));
  } catch {
    return {};
  }
}

export function keep(key, record) {
  const all = stored();
  if (record) all[key] = record;
  else delete all[key];
  try {
    localStorage.setItem(STORE, JSON.stringify(all));
  } catch {
    // Full: the upload goes on, only not after a reload.
  }
}

const UNREADABLE = "This file cannot be read any more: it was changed, moved or deleted since it was chosen. Choose it again.";

const again = (error) => error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500;

let counted = 0;

// One file on its way. `number`: of its own; the same file may come again. `state`: waiting, running, paused, retrying, finishing, done, failed.
export class Upload {
  constructor(key, file, tell) {
    this.key = key;
    this.number = counted++;
    this.file = file;
    this.tell = tell;
    this.state = "waiting";
    this.error = null;
    this.result = null;
    this.sending = new Map();
    this.seen = [];
    this.control = null;
    const before = stored()[key];
    this.record = before || null;
  }

  get part() {
    return this.record ? this.record.part : partOf(this.file.size);
  }

  get parts() {
    return Math.max(1, Math.ceil(this.file.size / this.part));
  }

  sizeOf(at) {
    return Math.min(this.part, this.file.size - at * this.part);
  }

  get sent() {
    let sum = 0;
    for (const at of Object.keys(this.record?.parts || {})) sum += this.sizeOf(Number(at));
    for (const loaded of this.sending.values()) sum += loaded;
    return Math.min(sum, this.file.size);
  }

  // Bytes a second over the last seconds; 0 while nothing is known.
  get rate() {
    const [first] = this.seen;
    const last = this.seen[this.seen.length - 1];
    return first && last[0] - first[0] > 500 ? (1000 * (last[1] - first[1])) / (last[0] - first[0]) : 0;
  }

  get left() {
    return this.rate > 0 ? (this.file.size - this.sent) / this.rate : null;
  }

  get active() {
    return ["waiting", "running", "retrying", "finishing"].includes(this.state);
  }

  change(state, error = null) {
    this.state = state;
    this.error = error;
    this.tell();
  }

  noted() {
    const now = performance.now();
    this.seen.push([now, this.sent]);
    while (this.seen.length > 2 && now - this.seen[0][0] > 6000) this.seen.shift();
    this.tell();
  }

  pause() {
    if (!this.active) return;
    this.change("paused");
    this.control?.abort();
  }

  async run() {
    if (!this.file.size) {
      this.change("failed", new Error("The file is empty: there is nothing in it to ask about. Choose one with content."));
      return;
    }
    this.control = new AbortController();
    const { signal } = this.control;
    this.seen = [];
    this.change("running");
    let renewed = false;
    for (let tries = 0; !signal.aborted; ) {
      try {
        await this.carry(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if ((error.status === 404 || error.status === 400) && this.record && !renewed) {
          // It has ended at the gateway meanwhile: from the beginning, once.
          renewed = true;
          this.forget();
          continue;
        }
        if (error.status === 401) {
          // Whoever signs in again goes on with it.
          this.change("paused");
          return;
        }
        if (error.status === 0 && !(await this.readable())) {
          this.gone = true;
          this.change("failed", new Failed(UNREADABLE));
          return;
        }
        if (signal.aborted) return;
        if (!again(error)) {
          this.change("failed", error);
          return;
        }
        this.change("retrying", error);
        tries = this.progressed ? 0 : tries + 1;
        this.progressed = false;
        await wait(Math.min(LONGEST_PAUSE, 1000 * 2 ** Math.min(tries, 5)), signal);
      }
    }
  }

  async carry(signal) {
    const { file } = this;
    if (!this.record) {
      const body = { filename: file.name, bytes: file.size, mime_type: file.type || "application/octet-stream", purpose: "user_data" };
      const made = await ask("POST", "/v1/uploads", { body, signal });
      this.record = { id: made.id, name: file.name, size: file.size, part: this.part, parts: {}, at: Date.now() };
      this.remember();
    }
    const left = [...Array(this.parts).keys()].filter((at) => !(at in this.record.parts));
    const stop = new AbortController();
    const end = () => stop.abort();
    signal.addEventListener("abort", end);
    const carrier = async () => {
      for (let at = left.shift(); at !== undefined && !stop.signal.aborted; at = left.shift()) {
        await slots.take(stop.signal);
        try {
          if (stop.signal.aborted) return;
          const part = await this.send(at, stop.signal);
          this.record.parts[at] = part.id;
          this.progressed = true;
          this.remember();
        } finally {
          slots.give();
        }
        this.noted();
        if (this.state === "retrying") this.change("running");
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, carrier));
    } finally {
      end();
      signal.removeEventListener("abort", end);
    }
    if (signal.aborted) return;
    this.change("finishing");
    const ids = [...Array(this.parts).keys()].map((at) => this.record.parts[at]);
    const done = await ask("POST", `/v1/uploads/${this.record.id}/complete`, { body: { part_ids: ids }, signal });
    this.forget();
    this.result = done.file;
    this.change("done");
  }

  // XMLHttpRequest: fetch tells no progress of what it sends.
  send(at, signal) {
    return new Promise((resolve, reject) => {
      const form = new FormData();
      form.append("data", this.file.slice(at * this.part, at * this.part + this.sizeOf(at)), "part");
      const sender = new XMLHttpRequest();
      let silence;
      const watch = () => {
        clearTimeout(silence);
        silence = setTimeout(() => sender.abort(), SILENCE);
      };
      const ended = (act, value) => {
        clearTimeout(silence);
        signal.removeEventListener("abort", cut);
        this.sending.delete(at);
        act(value);
      };
      const cut = () => sender.abort();
      signal.addEventListener("abort", cut);
      sender.upload.onprogress = (event) => {
        watch();
        this.sending.set(at, Math.min(event.loaded, this.sizeOf(at)));
        this.noted();
      };
      sender.onload = () => {
        try {
          if (sender.status !== 200) throw failure(sender.status, sender.responseText);
          ended(resolve, read(sender.responseText));
        } catch (error) {
          ended(reject, error);
        }
      };
      sender.onerror = sender.onabort = () => ended(reject, failure(0, ""));
      sender.open("POST", `${base}/v1/uploads/${this.record.id}/parts`);
      for (const [name, value] of Object.entries(ours)) sender.setRequestHeader(name, value);
      watch();
      sender.send(form);
    });
  }

  // A browser gives no bytes of a file that is another one now, and says of the line that it broke.
  readable() {
    return this.file.slice(0, 1).arrayBuffer().then(
      () => true,
      () => false,
    );
  }

  remember() {
    keep(this.key, this.record);
  }

  // Of the same file another upload may have been begun since.
  forget() {
    if (this.record && stored()[this.key]?.id === this.record.id) keep(this.key, null);
    this.record = null;
  }
}

// Whose turn it is: so many parts are on the way at once, however many files there are.
const slots = {
  free: AT_ONCE,
  waiting: [],
  async take(signal) {
    while (this.free === 0 && !signal.aborted) {
      await new Promise((resolve) => {
        this.waiting.push(resolve);
        signal.addEventListener("abort", resolve, { once: true });
      });
    }
    this.free -= 1;
  },
  give() {
    this.free += 1;
    this.waiting.splice(0).forEach((resolve) => resolve());
  },
};
