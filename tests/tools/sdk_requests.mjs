// Writes requests as the AWS SDK for JavaScript v3 itself serialises and signs them, one JSON line each, for
// tests/tools/check_decode.py: every operation of every client in a folder of npm packages, with the required members
// alone and with all of them. Nothing leaves the machine: the client's HTTP handler keeps the request.
//
// usage: node sdk_requests.mjs FOLDER_WITH_NODE_MODULES BOTOCORE_DATA [ENDPOINT [CLIENT…]] > requests.jsonl
//
// ENDPOINT (http://127.0.0.1:7400) may be "aws" for the hosts that the SDK would really call. Inputs of clients that
// export no schemas are built from botocore's models, which name the same members.
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { createRequire } from "node:module";
import { readBotocore } from "../../ops/generate/botocore-models.mjs";
import { resolve } from "../../ops/generate/schemas.mjs";

const [root, botocoreFolder, endpoint = "http://127.0.0.1:7400", ...wanted] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(root), "x.js"));
const modules = path.join(path.resolve(root), "node_modules");
const models = readBotocore(botocoreFolder, () => { throw new Error("no endpoints here"); });
const depthMax = 4;

// Values that the SDK itself reads and would refuse otherwise.
const given = { Bucket: "some-bucket", Key: "folder/some key+ü.txt", CopySource: "other-bucket/source%20key", AccountId: "123456789012",
  QueueUrl: "http://127.0.0.1:7400/123456789012/some-queue", MLModelId: "model", PredictEndpoint: "http://127.0.0.1:7400",
  SSECustomerKey: "k".repeat(32), SSECustomerAlgorithm: "AES256", CopySourceSSECustomerKey: "k".repeat(32) };
const never = new Set(["ChecksumAlgorithm", "ContentMD5", "SSECustomerKeyMD5", "CopySourceSSECustomerKeyMD5"]);

function text(name, shape) {
  if (given[name] !== undefined) return given[name];
  if (/^(max|limit|page_?size)/i.test(name)) return "7";
  if (/arn$/i.test(name)) return "arn:aws:iam::123456789012:role/some-role";
  return shape.traits.httpLabel && !shape.traits.hostLabel ? "some " + name : "some-" + name.toLowerCase();
}

function value(ref, name, full, depth) {
  const shape = resolve(ref);
  switch (shape.kind) {
    case "n": return name === "PartNumber" ? 3 : 7;
    case "b": return true;
    case "t": return new Date("2026-01-02T03:04:05Z");
    case "x": return Buffer.from("blob");
    case "X": return Readable.from([Buffer.from("data")]);
    case "d": return { some: ["document"] };
    case "unit": return {};
    case "list": { const one = depth > depthMax ? undefined : value(shape.member, name, full, depth + 1); return one === undefined ? [] : [one]; }
    case "map": { const one = depth > depthMax ? undefined : value(shape.value, name, full, depth + 1); return one === undefined ? {} : { key1: one }; }
    case "structure": return structure(shape, full, depth);
    default: return text(name, shape);
  }
}

function structure(shape, full, depth) {
  if (shape.traits.streaming) return (async function* none() {})();
  if (depth > depthMax + 1) return undefined;
  const out = {};
  for (const [i, name] of shape.names.entries()) {
    const all = full && depth < 3;
    const traits = resolve(shape.members[i]).traits;
    const needed = i < shape.required || traits.httpLabel || traits.hostLabel;
    if (!needed && (never.has(name) || (!all && !shape.union))) continue;
    const made = value(shape.members[i], name, full, depth + 1);
    if (made !== undefined) out[name] = made;
    if (shape.union) break;
  }
  return out;
}

async function bytesOf(body) {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === "string" || body instanceof Uint8Array) return Buffer.from(body);
  const chunks = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

class Captured extends Error {}
const escape = (part) => encodeURIComponent(part).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
const queryOf = (query) => Object.keys(query).sort().flatMap((key) => (Array.isArray(query[key]) ? query[key].map((v) => `${escape(key)}=${escape(v)}`)
  : typeof query[key] === "string" ? [`${escape(key)}=${escape(query[key])}`] : [escape(key)])).join("&");

async function requestsOf(name, out) {
  const module = require(`@aws-sdk/${name}`);
  const clientName = Object.keys(module).find((key) => key.endsWith("Client") && key !== "__Client" && typeof module[key] === "function");
  let captured;
  const handle = async (request) => { captured = { request, body: await bytesOf(request.body) }; throw new Captured(); };
  const client = new module[clientName]({ region: "eu-west-1", credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" },
    token: { token: "bearer" }, maxAttempts: 1, authSchemePreference: ["sigv4"], requestHandler: { handle, metadata: { handlerProtocol: "http/1.1" }, destroy() {} },
    eventStreamPayloadHandlerProvider: () => ({ handle: (next, args) => next(args) }), ...(endpoint === "aws" ? {} : { endpoint }) });
  const service = (client.config.serviceId ?? name).toLowerCase().replace(/ /g, "-");
  const schemas = new Map(Object.values(module).filter((v) => Array.isArray(v) && v[0] === 9).map((v) => [v[2], v]));
  for (const op of models.get(service)?.operations ?? []) if (!schemas.has(op.schema[2])) schemas.set(op.schema[2], op.schema);
  for (const [operation, schema] of schemas) {
    const command = module[operation + "Command"];
    if (!command) continue;
    for (const full of [false, true]) {
      captured = undefined;
      const input = resolve(schema[4]);
      try {
        await client.send(new command(input.kind === "structure" ? structure(input, full, 0) : {}));
      } catch (error) {
        if (!captured) { out.skipped.push(`${service}:${operation} ${full ? "full" : "minimal"}: ${error.message.split("\n")[0]}`); continue; }
      }
      const { request, body } = captured;
      const query = queryOf(request.query ?? {});
      const line = { id: `${service}:${operation}:${full ? "full" : "minimal"}`, method: request.method, target: request.path + (query ? "?" + query : ""),
        headers: Object.entries(request.headers).map(([k, v]) => [k, String(v)]), body: body.toString("base64"), service, operation };
      if (!line.headers.some(([k]) => k.toLowerCase() === "host")) line.headers.push(["host", request.hostname + (request.port ? ":" + request.port : "")]);
      if (!fs.writeSync(1, JSON.stringify(line) + "\n")) throw new Error("short write");
    }
  }
}

const out = { skipped: [] };
for (const name of fs.readdirSync(path.join(modules, "@aws-sdk")).filter((entry) => entry.startsWith("client-") && (wanted.length === 0 || wanted.includes(entry))).sort()) {
  try { await requestsOf(name, out); } catch (error) { out.skipped.push(`${name}: ${error.message.split("\n")[0]}`); }
}
console.error(out.skipped.join("\n"));
process.exit(0);
