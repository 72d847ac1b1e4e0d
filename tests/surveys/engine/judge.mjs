// Reads an XForm from standard input, loads it in @getodk/xforms-engine and prints {question: [{value, relevant, required, constraint,
// options}]}: each node with what it holds, whether it is asked, whether its rules are kept (null: not judged), what it offers.
// usage: node judge.mjs <folder of node_modules>
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const modules = path.resolve(process.argv[2]);
const require = createRequire(path.join(modules, "judge.js"));
const { JSDOM } = require("jsdom");
const window = new JSDOM("<!doctype html>", { url: "https://localhost/" }).window;
for (const name of ["window", "document", "DOMParser", "XMLSerializer", "Node", "Element", "Document", "XPathResult", "XPathEvaluator",
  "Attr", "Text", "CDATASection", "Comment", "ProcessingInstruction", "DocumentFragment", "Blob", "File", "FormData", "XMLDocument", "XPathExpression", "NodeFilter"]) {
  if (window[name] !== undefined) globalThis[name] = name === "window" ? window : window[name];
}
globalThis.__dirname = modules;
globalThis.require = require;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const xform = Buffer.concat(chunks).toString("utf8");
const main = path.join(modules, "@getodk/xforms-engine/dist/index.js");
const engine = await import(pathToFileURL(main).href);
const missing = async () => new Response("name,label\n", { status: 200, headers: { "content-type": "text/csv" } });
const loaded = await engine.loadForm(xform, { fetchFormAttachment: missing, missingResourceBehavior: engine.MISSING_RESOURCE_BEHAVIOR?.BLANK });
if (loaded.status === "failure") { console.error(String(loaded.error?.message ?? loaded.error)); process.exit(1); }
const instance = loaded.createInstance ? loaded.createInstance() : loaded;
const root = (instance.root ?? instance);
const told = {};
const walk = (node) => {
  const state = node.currentState;
  const name = state.reference.split("/").pop().replace(/\[.*/, "");
  if (Array.isArray(state.children)) for (const child of state.children) walk(child);
  else {
    const value = state.value ?? state.instanceValue ?? "";
    const judged = node.validationState ?? {};
    (told[name] ??= []).push({
      value: state.relevant === false ? null : state.instanceValue ?? String(value ?? ""),
      relevant: state.relevant,
      required: judged.required?.valid ?? null,
      constraint: judged.constraint?.valid ?? null,
      options: Array.isArray(state.valueOptions) ? state.valueOptions.map((option) => String(option.value)) : null,
    });
  }
};
walk(root);
process.stdout.write(JSON.stringify(told), () => process.exit(0));
