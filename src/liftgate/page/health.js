// Whether the gateway is ready, and how each deployment does.
import { html } from "./htm-preact.js";
import { ask } from "./api.js";
import { Copies } from "./accounts.js";
import { Empty, Heading, Problem, Table, Waiting, useLoaded } from "./parts.js";
import { count, sentence, span } from "./words.js";

export function Health() {
  const { data, error, reload } = useLoaded((signal) => ask("GET", "/liftgate/health", { signal }), [], 5000);
  const state = (each) => (each.state === "up" ? "answers" : `failed ${count(each.failures, "time")}, asked again in ${span(each.cooling_seconds)}`);
  return html`
    <${Heading} title="Health" />
    <${Problem} error=${error} again=${reload} />
    ${!data && !error && html`<${Waiting} what="Looking how it does" />`}
    ${data && html`
      <p class=${data.ready ? "good" : "problem"} role="status">${data.ready ? "The gateway is ready." : `The gateway is not ready. ${sentence(data.problem)}`}</p>
      <p>${data.page_ins ? `${count(data.page_ins, "copy", "copies")} on the way to Google.` : "No copy is on its way to Google."}</p>
      ${data.under_way.length > 0 && html`<${Copies} title="Yours on the way" copies=${data.under_way} last="Begun" />`}
      ${data.deployments.length
        ? html`<h2>Deployments</h2><${Table} caption="Deployments" heads=${["Model", "State", "Account", "At Google", "Being answered"]}>
            ${data.deployments.map((each) => html`<tr key=${each.id}>
              <th scope="row">${each.model_name}</th><td>${state(each)}</td><td>${each.account}</td>
              <td>${each.model}</td><td class="number">${each.in_flight}</td>
            </tr>`)}
          </${Table}>`
        : html`<${Empty}><p>No model is configured.</p></${Empty}>`}
      <p class="quiet">This is what the process that answered knows. Each process of the gateway learns the state of its deployments by itself.</p>`}`;
}
