// Keys that are made at run time, for whoever has the master key.
import { html } from "./htm-preact.js";
import { Heading } from "./parts.js";

export const Keys = () => html`<${Heading} title="Keys" />`;
