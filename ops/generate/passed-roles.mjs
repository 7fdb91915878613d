// Which members of an operation's input name a role, or an instance profile, that the service is to act with: AWS asks
// iam:PassRole for each. Members are known by their names, wherever in the input they stand; aws-overrides.json adds
// those that hide ("passes") and tells which service gets the role ("passedTo").

// Services whose "roles" are people's, or that work on roles as such.
const without = new Set(["iam", "sts", "sso", "sso-admin", "sso-oidc", "auditmanager", "securityhub", "license-manager", "organizations"]);
const notRoles = /(participant|membership|member|user|grafana|key|channel|geographic|columndata|property|receiver|dash|snowflake|databaseaccesscontrol|target|approver|participants?|rbac[a-z]*)roles?$/i;

const last = (path) => path.replace(/\[\]|\{\}/g, "").split(".").at(-1);
const isProfile = (path) => /instanceprofile(arn|name)?s?$/i.test(last(path)) || /instanceprofile\.(arn|name)$/i.test(path);

// "%" an instance profile, "=" only if the value is an ARN (a plain word may mean anything), else an ARN or a name.
function markOf(service, path) {
  const name = last(path);
  if (/messages?\[\]|conversational|resourceIdentifier\./.test(path)) return undefined;
  if (isProfile(path)) return ["database-migration-service", "device-farm"].includes(service) ? undefined : "%";
  if (service === "emr" && name === "JobFlowRole") return "%";
  if (service === "batch" && name === "instanceRole") return "%";
  if (!/role(arns?|names?|override)?s?$/i.test(name) || /rolebasedaccess/i.test(name)) return undefined;
  if (/arns?$/i.test(name)) return "";
  if (["glue:Role", "ecs:role"].includes(`${service}:${name}`)) return "";
  return notRoles.test(name) || /^(roles?|rolenames?|instancerole)$/i.test(name) ? "=" : "";
}

// The service that gets the role: one for all members, or by patterns of "Operation.path"; "" when it is not known.
function principalOf(own, operation, path) {
  if (typeof own.passedTo !== "object") return own.passedTo ?? "";
  return Object.entries(own.passedTo).find(([pattern]) => new RegExp(pattern).test(`${operation}.${path}`))?.[1] ?? "";
}

/// "@PRINCIPAL path path…" with another "@PRINCIPAL" where it changes ("@" for one that is not known); "-" for no roles.
/// `operation`: {name, inner, reads}; `own`: the service's entry of aws-overrides.json.
export function passedRoles(service, operation, own) {
  const given = own.passes?.[operation.name] ?? [];
  const paths = without.has(service) || operation.reads ? [] :
    operation.inner.map((m) => m.name).filter((path) => markOf(service, path) !== undefined).map((path) => markOf(service, path) + path);
  const all = [...new Set([...given, ...paths])].map((path) => ({ path, principal: principalOf(own, operation.name, path.replace(/^[%=]/, "")) }));
  if (all.length === 0) return "-";
  const out = [];
  let current = "";
  for (const { path, principal } of all.sort((a, b) => (a.principal < b.principal ? -1 : a.principal > b.principal ? 1 : 0))) {
    if (principal !== current) out.push(`@${principal}`);
    out.push(path);
    current = principal;
  }
  return out.join(" ");
}
