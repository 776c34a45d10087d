// Google's accounts: how full each is, what is on its way there, what Google refused.
import { html } from "./htm-preact.js";
import { ask } from "./api.js";
import { Empty, Heading, Name, Problem, Table, Waiting, useLoaded } from "./parts.js";
import { COPY_STATES, ago, count, sentence, size } from "./words.js";

function Account({ use }) {
  const { active, uploading, processing, failed } = use.copies;
  const facts = [
    count(active, "copy", "copies"),
    uploading && `${uploading} on the way`,
    processing && `${processing} processed by Google`,
    failed && `${failed} refused`,
    use.to_purge && `${use.to_purge} to be deleted there`,
  ].filter(Boolean);
  return html`<li class="card">
    <h2>${use.account}</h2>
    <meter min="0" max=${use.limit_bytes} high=${use.limit_bytes * 0.9} value=${use.bytes} aria-label=${`Storage of ${use.account}`}></meter>
    <p>${size(use.bytes)} of ${size(use.limit_bytes)} · ${facts.join(" · ")}</p>
    <p class="quiet">${use.models.join(", ") || "no model"}</p>
  </li>`;
}

// How far a copy is on its way; another process's is known by its state only.
const state = (copy) => (copy.sent_bytes == null || !copy.bytes ? COPY_STATES[copy.state] : `${Math.min(100, Math.floor((100 * copy.sent_bytes) / copy.bytes))} % sent`);

export const Copies = ({ title, none, copies, last }) => html`<section>
  <h2>${title}</h2>
  ${copies.length
    ? html`<${Table} caption=${title} heads=${["File", "State", "Account", "Size", last]}>
        ${copies.map((each) => html`<tr key=${each.file_id + each.account + each.mime_type}>
          <th scope="row"><a href=${`#/files/${each.file_id}`}><${Name} of=${each.filename} /></a></th>
          <td>${state(each)}</td><td>${each.account}</td><td class="number">${size(each.bytes)}</td>
          <td>${each.last_error ? sentence(each.last_error) : ago(each.last_used_at)}</td>
        </tr>`)}
      </${Table}>`
    : html`<p class="quiet">${none}</p>`}
</section>`;

export function Accounts() {
  const { data, error, reload } = useLoaded((signal) => ask("GET", "/liftgate/accounts", { signal }), [], 5000);
  return html`
    <${Heading} title="Accounts" />
    <${Problem} error=${error} again=${reload} />
    ${!data && !error && html`<${Waiting} what="Loading the accounts" />`}
    ${data && html`
      <p class="quiet">What Liftgate keeps at Google${data.scope === "all owners" ? "" : html` for <${Name} of=${data.scope} />`}. When one of Google's projects is full, copies that nobody used lately make room.</p>
      ${data.data.length
        ? html`<ul class="cards">${data.data.map((use) => html`<${Account} key=${use.account} use=${use} />`)}</ul>`
        : html`<${Empty}><p>No Google key is configured. Set GEMINI_API_KEY, or name one in the config, and start the gateway again.</p></${Empty}>`}
      <${Copies} title="On the way" none="No copy is on its way." copies=${data.under_way} last="Begun" />
      <${Copies} title="Refused by Google" none="Google refused no file." copies=${data.failed} last="Reason" />`}`;
}
