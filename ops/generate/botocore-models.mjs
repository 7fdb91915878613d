// Reads botocore's service models (service-2.json and its endpoint rules) into the form that the schemas of
// @aws-sdk/client-* have, so that aws-table.mjs works on both alike. npm's clients come first there; botocore fills in
// the services and operations that npm has not or only in a generation without schemas.
//
// Not here: which source wins, and what goes into the table (aws-table.mjs).
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

function readJson(folder, stem) {
  const packed = path.join(folder, `${stem}.json.gz`);
  if (fs.existsSync(packed)) return JSON.parse(zlib.gunzipSync(fs.readFileSync(packed)));
  return JSON.parse(fs.readFileSync(path.join(folder, `${stem}.json`), "utf8"));
}

const simple = { string: 0, character: 0, boolean: 2, byte: 1, short: 1, integer: 1, long: 1, float: 1, double: 1, bigdecimal: 1, timestamp: 4, blob: 21 };
const protocolNames = { "rest-json": "rest-json", "rest-xml": "rest-xml", query: "query", ec2: "ec2", "smithy-rpc-v2-cbor": "rpc-v2-cbor" };

// JSON stands before CBOR: the table's "rpc-v2-cbor" is a service that speaks nothing else.
function protocolsOf(metadata) {
  const names = (metadata.protocols ?? [metadata.protocol]).map((name) => (name === "json" ? `json-${metadata.jsonVersion ?? "1.0"}` : protocolNames[name]));
  const json = names.filter((name) => name?.startsWith("json-"));
  return json.length > 0 ? [...json, ...names.filter((name) => name === "query")] : names;
}

// One model's shapes as schemas: [1 list | 2 map | 3 structure | 4 union, namespace, name, traits, …].
class Shapes {
  constructor(model, protocol) {
    this.shapes = model.shapes;
    this.rest = protocol.startsWith("rest-") || protocol === "s3";
    this.bucketless = protocol === "s3";  // the bucket may stand in the host
    this.done = new Map();
  }

  ref(name) {
    return () => this.schema(name);
  }

  schema(name) {
    if (!this.done.has(name)) this.done.set(name, this.build(name));
    return this.done.get(name);
  }

  build(name) {
    const shape = this.shapes[name];
    const traits = {};
    if (shape.sensitive) traits.sensitive = 1;
    if (shape.streaming || shape.eventstream) traits.streaming = 1;
    if (shape.document) return [0, "", name, traits, 15];
    if (shape.type === "list") return [1, "", name, traits, this.ref(shape.member.shape)];
    if (shape.type === "map") return [2, "", name, traits, this.ref(shape.key.shape), this.ref(shape.value.shape)];
    if (shape.type !== "structure") {
      if (simple[shape.type] === undefined) throw new Error(`shape type ${shape.type}`);
      return [0, "", name, traits, shape.streaming ? 42 : simple[shape.type]];
    }
    // Schemas say how many of the first members are required.
    const required = new Set(shape.required ?? []);
    const members = Object.keys(shape.members ?? {});
    const names = [...members.filter((member) => required.has(member)), ...members.filter((member) => !required.has(member))];
    return [shape.union ? 4 : 3, "", name, traits, names, names.map((member) => this.member(shape, member)), required.size];
  }

  member(shape, name) {
    const member = shape.members[name];
    const target = this.shapes[member.shape];
    const traits = {};
    if (member.sensitive) traits.sensitive = 1;
    if (member.streaming) traits.streaming = 1;
    if (member.idempotencyToken) traits.idempotencyToken = 1;
    if (member.hostLabel) traits.hostLabel = 1;
    if (member.queryName) traits.ec2QueryName = member.queryName;
    const wire = member.locationName ?? name;
    switch (this.rest ? member.location : undefined) {
      case "uri": traits.httpLabel = 1; break;
      case "querystring": if (target.type === "map") traits.httpQueryParams = 1; else traits.httpQuery = wire; break;
      case "header": traits.httpHeader = wire; break;
      case "headers": traits.httpPrefixHeaders = member.locationName ?? ""; break;
      default:
        if (this.rest && shape.payload === name) traits.httpPayload = 1;
        else if (member.locationName) traits.xmlName = member.locationName;
    }
    const ref = this.ref(member.shape);
    return [member.streaming && target.type === "blob" ? 42 : ref, traits];
  }

  // botocore's path labels are wire names; the schemas' are member names.
  uri(http, input) {
    const members = Object.entries(this.shapes[input]?.members ?? {}).filter(([, member]) => member.location === "uri");
    const names = new Map(members.map(([name, member]) => [member.locationName ?? name, name]));
    const bucketless = this.bucketless ? http.requestUri.replace(/^\/\{Bucket\}\/?/, "/") : http.requestUri;
    return bucketless.replace(/\{([^}+]+)(\+?)\}/g, (_, label, greedy) => `{${names.get(label) ?? label}${greedy}}`);
  }
}

const isUnsigned = (operation) => operation.authtype === "none" || (operation.auth?.length > 0 && operation.auth.every((scheme) => !scheme.startsWith("aws.auth#sigv4")));

function readService(folder, resolveEndpoint) {
  const model = readJson(folder, "service-2");
  const { metadata } = model;
  const id = metadata.serviceId.toLowerCase().replace(/ /g, "-");
  const protocols = id === "s3" ? ["s3"] : protocolsOf(metadata);
  const shapes = new Shapes(model, protocols[0]);
  const operations = Object.entries(model.operations).map(([name, operation]) => {
    const traits = { http: [operation.http.method, shapes.uri(operation.http, operation.input?.shape), 200] };
    if (operation.endpoint?.hostPrefix) traits.endpoint = [operation.endpoint.hostPrefix];
    const refOf = (direction) => (operation[direction] ? shapes.ref(operation[direction].shape) : "unit");
    return { schema: [9, "", name, traits, refOf("input"), refOf("output")], unsigned: isUnsigned(operation) };
  });
  return {
    id, protocols, operations,
    signing: metadata.signingName ?? metadata.endpointPrefix,
    compatible: metadata.awsQueryCompatible !== undefined,
    target: metadata.targetPrefix ?? "-",
    version: metadata.apiVersion,
    endpointProvider: (parameters) => resolveEndpoint(readJson(folder, "endpoint-rule-set-1"), { endpointParams: parameters }),
  };
}

/// Every service of botocore's data folder, the newest version of each, by the SDK's service id.
export function readBotocore(folder, resolveEndpoint) {
  const services = new Map();
  for (const name of fs.readdirSync(folder).sort()) {
    const home = path.join(folder, name);
    if (!fs.statSync(home).isDirectory()) continue;
    const version = fs.readdirSync(home).sort().pop();
    const service = readService(path.join(home, version), resolveEndpoint);
    // Pinpoint SMS Voice is there under two names, with one model.
    if (!services.has(service.id)) services.set(service.id, service);
  }
  return services;
}
