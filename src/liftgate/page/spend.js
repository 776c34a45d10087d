// What was used and spent, day by day: of all, or of one key.
import { html } from "./htm-preact.js";
import { ask, query } from "./api.js";
import { Empty, Facts, Heading, Name, Problem, Select, Table, Waiting, useKept, useLoaded } from "./parts.js";
import { budgetWindow, count, money, now, when } from "./words.js";

const DAY = 86_400;
const dayOf = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const SPANS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["365", "a year"]];
const WIDTH = 720;
const HEIGHT = 160;

// Every day from the first to today, in UTC as the gateway counts, those without a call too.
function filled(rows, days) {
  const known = new Map(rows.map((row) => [row.day, row]));
  const today = now();
  return Array.from({ length: days }, (_, at) => {
    const day = dayOf(today - (days - 1 - at) * DAY);
    return known.get(day) || { day, cost: 0, requests: 0 };
  });
}

function Curve({ rows, label }) {
  const most = Math.max(...rows.map((row) => row.cost)) || 1;
  const x = (at) => (rows.length > 1 ? (at * WIDTH) / (rows.length - 1) : WIDTH / 2);
  const y = (row) => HEIGHT - (row.cost / most) * (HEIGHT - 8);
  const line = rows.map((row, at) => `${x(at).toFixed(1)},${y(row).toFixed(1)}`).join(" ");
  return html`<figure class="curve">
    <figcaption class="row between"><span>up to ${money(most)} a day</span></figcaption>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${label} preserveAspectRatio="none">
      <polygon points=${`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} class="area" />
      <polyline points=${line} class="line" />
    </svg>
    <div class="row between quiet"><span>${rows[0].day}</span><span>${rows[rows.length - 1].day}</span></div>
  </figure>`;
}

const Sums = ({ title, what, rows, nameOf }) =>
  rows.length > 0 &&
  html`<section><h2>${title}</h2>
    <${Table} caption=${title} heads=${[what, "Spent", "Requests", "Tokens in", "Tokens out"]}>
      ${rows.map((row) => html`<tr key=${nameOf(row)}>
        <th scope="row"><${Name} of=${nameOf(row)} /></th>
        <td class="number">${money(row.cost)}${row.unpriced > 0 && html`<small>and ${count(row.unpriced, "request")} without a price</small>`}</td>
        <td class="number">${row.requests.toLocaleString("en")}${row.failed > 0 && html`<small>${row.failed} failed</small>`}</td>
        <td class="number">${row.input_tokens.toLocaleString("en")}</td>
        <td class="number">${(row.output_tokens + row.reasoning_tokens).toLocaleString("en")}</td>
      </tr>`)}
    </${Table}>
  </section>`;

// What the key may spend, and how far it is: of one key, or of whoever looks.
const budgets = (info) =>
  (info?.budgets || []).map((each) => [
    `Budget ${budgetWindow(each.budget_duration)}`,
    html`${money(each.spend)} of ${money(each.max_budget)}${each.budget_reset_at && html`<small>begins again ${when(Date.parse(each.budget_reset_at) / 1000)}</small>`}`,
  ]);

// A key's own terms, or those of whoever looks; null where they cannot be seen.
async function about(asked, signal) {
  const token = asked.get("token");
  if (asked.get("key") && !token) return null;
  try {
    // In a query `key` is who asks, as Google's clients write it.
    if (token) return (await ask("POST", "/v2/key/info", { body: { keys: [token] }, signal })).info[0];
    return (await ask("GET", "/key/info", { signal })).info;
  } catch {
    return null;
  }
}

export function Spend({ query: asked }) {
  const key = asked.get("key") || "";
  const [days, setDays] = useKept("days", "30");
  const start = dayOf(now() - (Number(days) - 1) * DAY);
  const load = async (signal) => {
    const sums = (by) => ask("GET", `/liftgate/usage${query({ by, start, key_id: key })}`, { signal });
    const [byDay, byModel, byKey, info] = await Promise.all([sums("day"), sums("model"), sums("key,owner"), about(asked, signal)]);
    return { byDay, byModel, byKey, info };
  };
  const { data, error, reload } = useLoaded(load, [days, key], 5000);
  const name = key && data && (data.info?.key_alias || data.byKey.data[0]?.key_name || key);
  const rows = data && filled(data.byDay.data, Number(days));
  const dearest = (found) => [...found.data].sort((one, other) => other.cost - one.cost);
  return html`
    <${Heading} title="Spend" />
    ${key && html`<p>Of the key <b><${Name} of=${name || key} /></b>. <a href="#/spend">All spend</a></p>`}
    <form class="row filters" onSubmit=${(event) => event.preventDefault()}><${Select} label="The last" value=${days} options=${SPANS} onChange=${setDays} /></form>
    <${Problem} error=${error} again=${reload} />
    ${!data && !error && html`<${Waiting} what="Adding up" />`}
    ${data && html`
      <${Facts} facts=${[
        ["Spent", money(data.byDay.total.cost)],
        ["Requests", data.byDay.total.requests.toLocaleString("en")],
        data.byDay.total.failed > 0 && ["Failed", data.byDay.total.failed.toLocaleString("en")],
        ...budgets(data.info),
        data.byDay.total.unpriced > 0 && ["Without a price", data.byDay.total.unpriced.toLocaleString("en")],
      ]} />
      ${data.byDay.data.length
        ? html`<${Curve} rows=${rows} label=${`Spend of ${rows.length} days: ${money(data.byDay.total.cost)} in all, at most ${money(Math.max(...rows.map((row) => row.cost)))} a day`} />`
        : html`<${Empty}><p>Nothing was asked in this time.</p></${Empty}>`}
      <${Sums} title="By model" what="Model" rows=${dearest(data.byModel)} nameOf=${(row) => row.model || "refused before a model was asked"} />
      ${!key && html`<${Sums} title="By key" what="Key" rows=${dearest(data.byKey)} nameOf=${(row) => row.key_name || row.key || "no key"} />`}
      <${Sums} title="By day" what="Day" rows=${[...data.byDay.data].reverse()} nameOf=${(row) => row.day} />
      <p class="quiet">Days are in UTC. What was asked in the last seconds may still be missing.</p>`}`;
}
