// Numbers and times as people read them.
export function size(bytes) {
  if (bytes == null) return "–";
  if (bytes < 1024) return `${bytes} B`;
  let unit = -1;
  do {
    bytes /= 1024;
    unit += 1;
  } while (bytes >= 1023.95 && unit < 3);
  return `${bytes.toFixed(1)} ${["KiB", "MiB", "GiB", "TiB"][unit]}`;
}

export function span(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// Milliseconds by which this browser's clock is ahead of the gateway's; what is less than a minute is the way between them.
let ahead = 0;
export function told(date) {
  const by = Date.now() - Date.parse(date || "");
  if (!Number.isNaN(by)) ahead = Math.abs(by) > 60_000 ? by : 0;
}

// By the gateway's clock, whose times are shown.
export const now = () => (Date.now() - ahead) / 1000;
// Made once: to make one takes longer than to draw a row.
const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat([], { day: "numeric", month: "short", year: "numeric" });

export function when(seconds) {
  if (seconds == null) return "–";
  const time = new Date(seconds * 1000);
  const today = new Date(now() * 1000);
  if (time.toDateString() === today.toDateString()) return `today ${CLOCK.format(time)}`;
  const date = time.getFullYear() === today.getFullYear() ? DATE : YEAR;
  return `${date.format(time)}, ${CLOCK.format(time)}`;
}

export function ago(seconds) {
  return seconds == null ? "never" : `${span(Math.max(0, now() - seconds))} ago`;
}

export function left(seconds) {
  return seconds > now() ? `${span(seconds - now())} left` : "over";
}

export function until(seconds) {
  if (seconds == null) return "–";
  const left = seconds - now();
  return left <= 0 ? "over" : `until ${when(seconds)} (in ${span(left)})`;
}

export const count = (number, noun, plural = `${noun}s`) => `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;

export function money(dollars) {
  if (dollars === 0 || dollars >= 0.01) return `$${dollars.toFixed(2)}`;
  return dollars < 1e-6 ? "less than $0.000001" : `$${dollars.toPrecision(2)}`;
}

// What belongs to a character before it: of a flag, a key, an emoji, an ideograph, Mongolian, and of scripts that join letters.
const JOINED = [
  String.raw`\u{1f3f4}[\u{e0020}-\u{e007e}]+\u{e007f}`,
  String.raw`[0-9#*]\ufe0f\u20e3`,
  String.raw`\p{ExtPict}\p{EMod}?[\ufe0e\ufe0f]?(?:\u200d(?=\p{ExtPict}))?`,
  String.raw`\p{sc=Han}[\u{e0100}-\u{e01ef}]`,
  String.raw`\p{sc=Mong}[\u180b-\u180d\u180f]`,
  String.raw`(?![\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{DI}])[\p{L}\p{M}][\u200c\u200d](?=\p{L})`,
];
const UNSEEN = new RegExp(`(${JOINED.join("|")})|[\\p{Cc}\\p{Zl}\\p{Zp}\\p{DI}\u2800]`, "gu");
const SIMPLE = /^[ -~]*$/;

// A name as it is written: what is not seen, or turns the letters round, could pass one name off as another. It is shown.
export const plain = (name) => (SIMPLE.test(name) ? name : name.replace(UNSEEN, (_, joined) => joined ?? "\ufffd"));

// A sentence that came from elsewhere, in one line that is no longer than a person reads.
const LONGEST = 800;
export function sentence(text) {
  const line = plain(String(text).slice(0, 2 * LONGEST).replace(/\s+/g, " ").trim());
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

// Over which time a budget holds.
export const WINDOWS = [["", "in all"], ["1d", "each day"], ["1w", "each week"], ["1mo", "each month"]];
export const budgetWindow = (duration) => (WINDOWS.find(([known]) => known === (duration || "")) || [])[1] || `each ${duration}`;

const KINDS = [
  ["video/", "Video"],
  ["audio/", "Audio"],
  ["image/", "Image"],
  ["application/pdf", "PDF"],
  ["text/", "Text"],
];
export const kind = (type) => (KINDS.find(([begins]) => type.startsWith(begins)) || ["", type])[1];
export const kinds = KINDS;

// The state of a copy at Google.
export const COPY_STATES = {
  none: "not there",
  uploading: "on its way",
  processing: "Google processes it",
  active: "there",
  failed: "refused",
  expired: "over",
};
