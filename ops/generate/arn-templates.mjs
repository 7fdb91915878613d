// Which member of an operation's input fills which placeholder of an ARN format. The reference names placeholders and
// SDKs name members, each in its own words; a placeholder that no member clearly means stays open ("*"), because a wrong
// guess would let policy decide on another resource than the one that the call touches. No member fills two of them.

const bare = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, "");
const sameWord = (text) => text.replace(/application/g, "app").replace(/environment/g, "env").replace(/repository/g, "repo").replace(/organization/g, "org").replace(/^db/, "");
const stem = (name) => sameWord(bare(name).replace(/(identifiers?|ids?|names?|arns?|keys?)$/, ""));
const singular = (text) => text.replace(/ies$/, "y").replace(/s$/, "");
const generic = new Set(["", "resource", "name", "id", "arn", "identifier", "key"]);
const nameLike = (name) => /(identifier|id|name|arn|key)s?$/i.test(name);
// "SourceTable" is not the table that an operation on "Table" works on.
const another = /^(source|src|target|destination|dest|parent|child|new|old|original|default|from|to|previous|next|peer|accepter|requester|filter|linked|related|associated|replica|base|starting|exclusive|max|min|vpc|global)/;

const lettersOf = (member) => (member.type === "l" ? member.element : member.type);
const shown = (member) => member.name.replaceAll("{}", "()") + (member.type === "l" && !member.name.endsWith("[]") ? "[]" : "");

// What stands where the account does is the caller's account, or left open.
const fieldAt = (text, at) => text.slice(0, at).split(":").length - 1;
const isAccount = (name) => /^account(id)?$/i.test(name);

// The placeholders of one format (after "arn:PARTITION:"): {name, at, before: the word in front of it}.
function placeholdersOf(text) {
  const placeholders = [];
  const pattern = /\$\{(\w+)\}/g;
  let match, from = 0;
  while ((match = pattern.exec(text))) {
    const literal = text.slice(from, match.index);
    from = pattern.lastIndex;
    if (fieldAt(text.replace(/\$\{\w+\}/g, (p) => "x".repeat(p.length)), match.index) < 3) continue;
    const segment = /([A-Za-z][A-Za-z0-9_-]*)[^A-Za-z0-9]*$/.exec(literal);
    placeholders.push({ name: match[1], at: match.index, before: segment ? bare(segment[1]) : "" });
  }
  return placeholders;
}

// The placeholder that stands for the resource itself: named as its type, or the last.
function ownPlaceholder(placeholders, type) {
  const wanted = stem(type);
  return placeholders.find((p) => stem(p.name) === wanted) ?? placeholders.find((p) => wanted !== "" && stem(p.name).startsWith(wanted)) ?? placeholders.at(-1);
}

// How well a member fits a placeholder; 0 for not at all.
function score(placeholder, member, { own, type, operation, uri }) {
  const [wanted, given] = [bare(placeholder.name), bare(member.leaf ?? member.name)];
  const [wantedStem, givenStem] = [stem(placeholder.name), stem(member.leaf ?? member.name)];
  const named = nameLike(member.leaf ?? member.name);
  const label = member.kind === "l" ? 2 : 0;
  if (given === wanted || given === wanted + "s") return 100 + label;
  if (!generic.has(wantedStem)) {
    if (givenStem === wantedStem && named) return 90 + label;
    if ([wantedStem, wantedStem + "s"].includes(sameWord(given))) return 88 + label;
  }
  if (member.type === "n") return 0;
  // …/apps/{ApplicationId} in the path and apps/${AppId} in the format.
  const related = (a, b) => generic.has(a) || a.includes(b) || b.includes(a);
  if (label && placeholder.before !== "" && related(givenStem, sameWord(singular(placeholder.before)))) {
    const before = new RegExp(`([A-Za-z0-9_.-]+)/\\{${member.name}\\+?\\}`).exec(uri);
    if (before && singular(bare(before[1])) === singular(placeholder.before)) return 85;
  }
  if (own === placeholder && !generic.has(stem(type))) {
    if (givenStem === stem(type) && named) return 80;
    if ([stem(type), stem(type) + "s"].includes(sameWord(given))) return 78;
  }
  const literal = sameWord(singular(placeholder.before));
  if (related(wantedStem, literal) && !generic.has(literal) && literal.length > 2) {
    if (givenStem === literal && named) return 70;
    if (sameWord(singular(given)) === literal) return 68;
  }
  if (own === placeholder && generic.has(givenStem) && member.flags.includes("!")) {
    // "Name" of CreateTopic is the topic's.
    const noun = sameWord(bare(operation.replace(/^[A-Z][a-z]+/, "")));
    if ([wantedStem, stem(type)].some((s) => !generic.has(s) && (noun === s || noun === s + "s"))) return 50;
  }
  return 0;
}

// "VectorBucketName" for ${BucketName}: only when it is the one member that ends so.
function onlyEnding(placeholder, members) {
  const wanted = stem(placeholder.name);
  if (generic.has(wanted) || wanted.length < 4) return undefined;
  const ends = (long, short) => long.length > short.length && long.length <= short.length + 8 && long.endsWith(short) && !another.test(long);
  const found = members.filter((m) => nameLike(m.name) && stem(m.name).length > 3 && !generic.has(stem(m.name)) && ends(stem(m.name), wanted));
  return found.length === 1 ? found[0] : undefined;
}

// Map from placeholder to member: the best pairs first, each placeholder and each member once.
// `claimed`: members that clearly name another type of the action.
function assign(placeholders, type, { operation, uri, members }, claimed = new Set()) {
  const own = ownPlaceholder(placeholders, type);
  const usable = members.filter((m) => lettersOf(m) === "s" || m.type === "n");
  const pairs = [];
  placeholders.forEach((placeholder, i) => usable.forEach((member, j) => {
    const points = score(placeholder, member, { own, type, operation, uri });
    if (points > 0) pairs.push({ placeholder, member, points, order: i * 1000 + j });
  }));
  pairs.sort((a, b) => b.points - a.points || a.order - b.order);
  const filled = new Map();
  let total = 0;
  for (const { placeholder, member, points } of pairs) {
    if (filled.has(placeholder) || [...filled.values()].includes(member)) continue;
    filled.set(placeholder, member);
    total += points;
  }
  for (const placeholder of placeholders) {
    if (filled.has(placeholder)) continue;
    const member = onlyEnding(placeholder, usable.filter((m) => m.type !== "n" && !claimed.has(m) && ![...filled.values()].includes(m)));
    if (member) filled.set(placeholder, member);
  }
  return { own, filled, total };
}

// The members that name a type by its own words.
function clearlyNamed(type, { operation, uri, members }) {
  return formatsOf(type.format).flatMap((format) => {
    const own = ownPlaceholder(placeholdersOf(format), type.name);
    return own ? members.filter((m) => score(own, m, { own, type: type.name, operation, uri }) >= 78) : [];
  });
}

const write = (format, placeholders, filled) =>
  format.replace(/\$\{(\w+)\}/g, (_, name, at) => {
    if (name === "Region") return "$R";
    if (name === "Account" || (isAccount(name) && fieldAt(format, at) === 2)) return "$A";
    const member = filled.get(placeholders.find((p) => p.at === at));
    return member ? `{${shown(member)}}` : "*";
  });

// A few types have two formats in one text.
const formatsOf = (text) => text.split(/,\s*(?=arn:)/).map((format) => format.replace(/^arn:(\$\{Partition\}|aws[a-z-]*):/, ""));
const opened = (format) => write(format, [], new Map());

// resources_ssm.cpp reads how a call chooses machines.
const machines = new Set(["instance", "managed-instance"]);

// Members inside of structures that can only mean the type ("Entries[].InstanceId").
function nestedNames(placeholders, type, inner) {
  const own = ownPlaceholder(placeholders, type);
  if (!own || machines.has(type)) return [];
  const context = { own, type, operation: "", uri: "" };
  const wire = (m) => ({ ...m, leaf: m.name.replace(/\[\]|\{\}/g, "").split(".").at(-1) });
  return inner.filter((m) => !/filter|tag/i.test(m.name) && score(own, m, context) >= 78 && score(own, wire(m), context) >= 78).slice(0, 6);
}

/// The templates of one action: "!" required type; then what follows "arn:PARTITION:", $R and $A for region and account;
/// or "@Member" for a whole ARN; "%text" where nothing else is named
/// (needless beside a required one).
/// `types`: {name, required, format}; `operation`: {name, uri, members, inner (string members inside)}.
export function templatesOf(types, operation) {
  const out = [];
  const context = { ...operation, operation: operation.name };
  const claimed = new Map(types.map((type) => [type, clearlyNamed(type, context)]));
  for (const type of types) {
    const others = new Set(types.filter((other) => other !== type).flatMap((other) => claimed.get(other)));
    const mark = type.required ? "!" : "";
    const alternatives = formatsOf(type.format).map((format) => {
      const placeholders = placeholdersOf(format);
      return { format, placeholders, ...assign(placeholders, type.name, context, others) };
    });
    const best = Math.max(...alternatives.map((a) => a.total));
    let named = false;
    for (const { format, placeholders, own, filled } of alternatives.filter((a) => a.total === best)) {
      const self = filled.get(own);
      if (self && /arns?$/i.test(self.name)) out.push(`${mark}@${shown(self)}`);
      else if (filled.size > 0) out.push(mark + write(format, placeholders, filled));
      else {
        const whole = placeholders.length > 0 && operation.members.find((m) => m.type === "s" && ["resourcearn", "arn"].includes(bare(m.name)));
        if (whole) out.push(`${mark}@${whole.name}`);
        else if (type.required) out.push(mark + opened(format));
      }
      named ||= filled.size > 0 && filled.has(own);
      // Of an action without required types nobody says which of a list's entries leave the member out.
      if (type.required || named || !types.some((t) => t.required)) continue;
      for (const member of nestedNames(placeholders, type.name, operation.inner)) out.push(write(format, placeholders, new Map([...filled, [own, member]])));
    }
  }
  out.push(...fallback(types).map((text) => `%${text}`));
  return [...new Set(out)];
}

// Where a request names nothing it may touch any resource of the action's types.
function fallback(types) {
  const open = [...new Set(types.flatMap((type) => formatsOf(type.format)).map(opened))];
  if (open.length <= 4) return open;
  return [...new Set(open.map((text) => text.split(":").slice(0, 3).join(":") + ":*"))];
}
