// Answers are Markdown. What is read here becomes elements and text, never HTML: tags in an answer are shown as they stand.
import { html } from "./htm-preact.js";

// Nothing is looked for further than this, so that no text takes long.
const INLINE = [
  [/^(`{1,3})(?!`)([^]{0,1000}?[^`])\1(?!`)/, ([, , text]) => html`<code>${text.trim()}</code>`],
  [/^(\*\*|__)(?=\S)([^]{0,500}?\S)\1/, ([, , text], deep) => html`<strong>${inline(text, deep)}</strong>`],
  [/^([*_])(?=[^\s*_])([^]{0,500}?[^\s*_])\1(?!\w)/, ([, , text], deep) => html`<em>${inline(text, deep)}</em>`],
  [/^~~(?=\S)([^]{0,500}?\S)~~/, ([, text], deep) => html`<del>${inline(text, deep)}</del>`],
  [/^!?\[([^\]]{1,500})\]\(<?([^\s()<>]{1,2000})>?(?: "[^"]{0,200}")?\)/, ([all, text, url]) => link(url, text) || all],
  [/^https?:\/\/[^\s<>()*`"']{1,2000}[^\s<>()*`"'.,;:!?]/, ([url]) => link(url, url) || url],
  [/^\\([!-/:-@[-`{-~])/, ([, text]) => text],
];
const BEGINS = /[`*_~![\\]|https?:\/\//g;
const DEEPEST = 8;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}#{1,6}\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,7})([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?/;
const DIVIDER = /^ {0,3}\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?$/;

// Away from here only where an address plainly leads to: not to scripts, data or this gateway.
function link(address, text) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol) || url.username || url.password) return null;
  return html`<a href=${url.href} target="_blank" rel="noopener noreferrer">${text}</a>`;
}

function inline(text, deep = 0) {
  if (deep > DEEPEST) return [text];
  const out = [];
  let plain = 0;
  BEGINS.lastIndex = 0;
  for (let at = 0; at < text.length; ) {
    BEGINS.lastIndex = at;
    const begin = BEGINS.exec(text);
    if (!begin) break;
    at = begin.index;
    const rest = text.slice(at, at + 3000);
    // In the middle of a word they are only letters: snake_case.
    const inWord = begin[0] === "_" && /\w/.test(text[at - 1] || "");
    const made = inWord ? null : INLINE.map(([form, make]) => [form.exec(rest), make]).find(([match]) => match);
    if (made) {
      const [match, make] = made;
      out.push(text.slice(plain, at), make(match, deep + 1));
      plain = at += match[0].length;
    } else at += 1;
  }
  out.push(text.slice(plain));
  return out.filter((each) => each !== "");
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((each) => each.trim().replaceAll("\\|", "|"));

function table(lines, from) {
  const heads = cells(lines[from]);
  const rows = [];
  let at = from + 2;
  for (; at < lines.length && lines[at].includes("|"); at += 1) rows.push(cells(lines[at]));
  const made = html`<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>
    <thead><tr>${heads.map((each) => html`<th scope="col">${inline(each)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${heads.map((_, column) => html`<td>${inline(row[column] || "")}</td>`)}</tr>`)}</tbody>
  </table></div>`;
  return [made, at];
}

// All items from a line on that are marked alike; what is indented further belongs to the item before it.
function list(lines, from, deep) {
  const [, indent, first] = ITEM.exec(lines[from]);
  const numbered = /\d/.test(first);
  const items = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const item = ITEM.exec(lines[at]);
    if (item && item[1].length <= indent.length + 1 && /\d/.test(item[2]) === numbered) items.push([item[3]]);
    else if (/^ {2,}\S/.test(lines[at])) items[items.length - 1].push(lines[at].slice(Math.min(indent.length + 2 + numbered, lines[at].search(/\S/))));
    else if (!lines[at].trim() && (ITEM.test(lines[at + 1] || "") || /^ {2,}\S/.test(lines[at + 1] || ""))) items[items.length - 1].push("");
    else break;
  }
  const made = items.map((each) => html`<li>${blocks(each, deep + 1)}</li>`);
  return [numbered ? html`<ol start=${parseInt(first, 10)}>${made}</ol>` : html`<ul>${made}</ul>`, at];
}

function fenced(lines, from) {
  const [, fence] = FENCE.exec(lines[from]);
  let end = from + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
  return [html`<pre class="text"><code>${lines.slice(from + 1, end).join("\n")}</code></pre>`, end + 1];
}

function quoted(lines, from, deep) {
  let end = from;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  return [html`<blockquote>${blocks(lines.slice(from, end).map((each) => each.replace(QUOTE, "")), deep + 1)}</blockquote>`, end];
}

const divides = (lines, at) => lines[at].includes("|") && DIVIDER.test(lines[at + 1] || "");

// The block that begins with a line, and where the next one does; null where it is a paragraph's.
function block(lines, at, deep) {
  const line = lines[at];
  if (FENCE.test(line)) return fenced(lines, at);
  if (HEADING.test(line)) return [html`<h3>${inline(HEADING.exec(line)[1].trim().replace(/\s#+$/, ""))}</h3>`, at + 1];
  if (RULE.test(line)) return [html`<hr />`, at + 1];
  if (QUOTE.test(line) && deep < DEEPEST) return quoted(lines, at, deep);
  if (ITEM.test(line) && deep < DEEPEST) return list(lines, at, deep);
  return divides(lines, at) ? table(lines, at) : null;
}

function blocks(lines, deep) {
  const out = [];
  let words = [];
  const paragraph = () => {
    if (words.length) out.push(html`<p>${inline(words.join("\n"))}</p>`);
    words = [];
  };
  for (let at = 0; at < lines.length; ) {
    const found = lines[at].trim() ? block(lines, at, deep) : null;
    if (found || !lines[at].trim()) paragraph();
    if (found) out.push(found[0]);
    else if (lines[at].trim()) words.push(lines[at]);
    at = found ? found[1] : at + 1;
  }
  paragraph();
  return out;
}

export const markdown = (text) => blocks(text.replaceAll("\r", "").replaceAll("\t", "    ").split("\n"), 0);
