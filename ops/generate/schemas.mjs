// Reads the Smithy schemas that npm's @aws-sdk/client-* export (and botocore-models.mjs builds): members with where they
// travel, sensitive paths, what the answer is. [9, namespace, name, traits, input, output] is an operation.

const traitBits = ["httpLabel", "idempotent", "idempotencyToken", "sensitive", "httpPayload", "httpResponseCode", "httpQueryParams"];
export function traitsOf(indicator) {
  if (indicator && typeof indicator === "object") return indicator;
  const traits = {};
  traitBits.forEach((name, i) => { if ((indicator >> i) & 1) traits[name] = 1; });
  return traits;
}
// A schema reference -> {kind, traits, …}. References are functions, numbers (simple types) or arrays.
export function resolve(ref) {
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
  return { kind: "structure", union: kind === 4, traits, name, names: ref[4] ?? [], members: ref[5] ?? [], required: ref[6] ?? 0 };
}
const typeLetter = (shape) =>
  shape.traits.streaming ? (shape.kind === "structure" ? "e" : "X") : { list: "l", map: "m", structure: "o", unit: "o" }[shape.kind] ?? shape.kind;

// Paths of sensitive members: "A.B[].C", "M{}" for map values. Depth is bounded: schemas are recursive.
export function sensitivePaths(ref, prefix, depth, seen, out) {
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

/// Whether the protocol heeds the traits that bind members to path, query and headers.
export const isRest = (protocol) => ["rest-json", "rest-xml", "s3"].includes(protocol);

export function membersOf(input, protocol) {
  const shape = resolve(input);
  if (shape.kind !== "structure") return [];
  return shape.names.map((name, i) => {
    const member = resolve(shape.members[i]);
    const t = member.traits;
    let kind = "b", wire = "";
    // Some JSON services carry REST traits that their protocol ignores.
    if (!isRest(protocol)) {
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

// A member's name inside of a structure, as it stands in a decoded body.
function innerName(name, traits, protocol) {
  if (protocol === "ec2") return traits.ec2QueryName ?? (traits.xmlName ?? name).replace(/^./, (c) => c.toUpperCase());
  return (/^json|rpc/.test(protocol) ? traits.jsonName : traits.jsonName ?? traits.xmlName) ?? name;
}

/// Every string of the input at any depth: {name: "A.B[].C" ("M{}" for map values), leaf: "C", type: "s", kind: "b"}.
export function stringsOf(input, protocol) {
  const out = [];
  const visit = (ref, path, leaf, depth, seen) => {
    const shape = resolve(ref);
    if (shape.kind === "s" && path !== "") out.push({ name: path, leaf, type: "s", kind: "b", flags: "" });
    if (depth > 9 || out.length > 5000) return;
    if (shape.kind === "list") visit(shape.member, `${path}[]`, leaf, depth + 1, seen);
    else if (shape.kind === "map") visit(shape.value, `${path}{}`, leaf, depth + 1, seen);
    else if (shape.kind === "structure" && !seen.has(shape.name)) {
      const inside = new Set(seen).add(shape.name);
      shape.names.forEach((name, i) => {
        const inner = path === "" ? name : innerName(name, resolve(shape.members[i]).traits, protocol);
        visit(shape.members[i], path === "" ? inner : `${path}.${inner}`, name, depth + 1, inside);
      });
    }
  };
  visit(input, "", "", 0, new Set());
  return out;
}

/// "E" events, "o" data (the body is a blob or a stream), "" neither.
export function answerOf(output) {
  const shape = resolve(output);
  const members = shape.kind === "structure" ? shape.members.map((m) => resolve(m)) : [];
  if (members.some((m) => m.traits.streaming && m.kind === "structure")) return "E";
  const data = members.some((m) => m.kind === "X" || m.traits.streaming || (m.traits.httpPayload && (m.kind === "x" || m.kind === "s")));
  return data ? "o" : "";
}
