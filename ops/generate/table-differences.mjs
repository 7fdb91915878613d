// What a newly written table of operations has that the one before it had not: for the person who regenerates it, and
// for the commit's message.

function parse(text) {
  const services = new Map();
  let operations;
  for (const line of text.split("\n")) {
    const columns = line.split("\t");
    if (columns[0] === "S") services.set(columns[1], { columns, operations: (operations = new Map()) });
    if (columns[0] !== "O") continue;
    const [, name, , method, uri] = columns;
    operations.set(operations.has(name) ? `${name} at ${method} ${uri}` : name, columns);  // an older route stands second
  }
  return services;
}

const serviceColumns = ["", "", "scopes", "protocols", "target", "version", "iam prefix", "flags", "endpoints"];
const operationColumns = ["", "", "flags", "method", "uri", "host prefix", "access", "actions", "members", "sensitive input", "sensitive output", "passed roles"];
const changed = (names, before, after) => names.filter((name, i) => name && before[i] !== after[i]);

/// One line for each: "new service", "gone service", "new", "gone" and "changed" operations ("service:Operation").
export function tableDifferences(before, after) {
  const [old, now] = [parse(before), parse(after)];
  const out = [];
  for (const [id, service] of now) {
    const known = old.get(id);
    if (!known) { out.push(`new service ${id}, ${service.operations.size} operations`); continue; }
    const columns = changed(serviceColumns, known.columns, service.columns);
    if (columns.length > 0) out.push(`changed service ${id}: ${columns.join(", ")}`);
    for (const [name, operation] of service.operations) {
      if (!known.operations.has(name)) { out.push(`new ${id}:${name}`); continue; }
      const what = changed(operationColumns, known.operations.get(name), operation);
      if (what.length > 0) out.push(`changed ${id}:${name}: ${what.join(", ")}`);
    }
    for (const name of known.operations.keys()) if (!service.operations.has(name)) out.push(`gone ${id}:${name}`);
  }
  for (const id of old.keys()) if (!now.has(id)) out.push(`gone service ${id}`);
  return out;
}
