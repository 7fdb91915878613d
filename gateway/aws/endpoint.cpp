#include "gateway/aws/endpoint.hpp"

#include <charconv>

#include "gateway/aws/table.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::string_view kHostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

// Instance metadata, container credentials and whatever else answers on the link.
bool is_forbidden_address(std::string_view host) {
  const std::string lower = to_lower(host);
  return lower.starts_with("169.254.") || lower.starts_with("[fe8") || lower.starts_with("[fe9") ||
         lower.starts_with("[fea") || lower.starts_with("[feb") || lower == "[fd00:ec2::254]" ||
         lower.starts_with("[::ffff:169.254.") || lower.starts_with("[::ffff:a9fe:");
}

std::string with_region(std::string_view text, std::string_view region) {
  std::string out(text);
  for (std::size_t at = out.find("$R"); at != std::string::npos; at = out.find("$R", at + region.size()))
    out.replace(at, 2, region);
  return out;
}

// The table writes China's hosts with the other partitions' suffix.
std::string with_suffix(std::string host, std::string_view region) {
  if (!region.starts_with("cn-")) return host;
  if (host.ends_with(".amazonaws.com")) return host + ".cn";
  if (host.ends_with(".api.aws")) return host.substr(0, host.size() - 8) + ".api.amazonwebservices.com.cn";
  return host;
}

}  // namespace

std::string Endpoint::authority() const {
  const bool usual = port == (tls ? 443 : 80);
  return usual ? host : host + ":" + std::to_string(port);
}

bool is_region(std::string_view region) {
  // AA-word[-word]-N; ISO partitions are not served.
  if (region.size() < 8 || region.size() > 24 || region.find("iso") != std::string_view::npos) return false;
  std::size_t dashes = 0;
  for (std::size_t i = 0; i < region.size(); ++i) {
    const char c = region[i];
    if (c == '-') {
      ++dashes;
      if (i == 0 || region[i - 1] == '-') return false;
    } else if (!((c >= 'a' && c <= 'z') || (i + 1 == region.size() && c >= '1' && c <= '9'))) {
      return false;
    }
  }
  const char last = region.back();
  return (dashes == 2 || dashes == 3) && region[2] == '-' && last >= '1' && last <= '9' &&
         region[region.size() - 2] == '-';
}

Result<Endpoint> parse_endpoint_url(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return fail(Code::configuration, "the endpoint \"" + display(url, 200) + "\" " + std::string(why));
  };
  Endpoint out;
  out.overridden = true;
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    out.tls = false;
    out.port = 80;
    url.remove_prefix(7);
  } else {
    return bad("must begin with http:// or https://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  const bool bracketed = url.starts_with('[');
  const std::size_t host_end = bracketed ? url.find(']') + 1 : std::min(url.find(':'), url.size());
  if (host_end == 0 || host_end > url.size()) return bad("has no host");
  out.host = url.substr(0, host_end);
  const std::string_view name =
      bracketed ? std::string_view(out.host).substr(1, out.host.size() - 2) : std::string_view(out.host);
  if (name.empty() ||
      name.find_first_not_of(bracketed ? "0123456789abcdefABCDEF:." : kHostCharacters) != std::string_view::npos) {
    return bad("has no valid host: http(s)://host[:port] is all it may be");
  }
  if (is_forbidden_address(out.host)) return bad("is a link-local or metadata address");
  url.remove_prefix(host_end);
  if (url.empty()) return out;
  const std::string_view digits = url.substr(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (url.front() != ':' || error != std::errc() || end != digits.data() + digits.size() || out.port == 0)
    return bad("has no valid port");
  return out;
}

Result<Endpoint> endpoint(std::string_view service_id, std::string_view region,
                          const std::map<std::string, std::string>& overrides) {
  const ServiceModel* service = Table::instance().service(service_id);
  if (service == nullptr || service->scopes.empty())
    return fail(Code::not_found, "unknown service " + display(service_id, 80));
  if (!is_region(region)) return fail(Code::not_found, "unknown region " + display(region, 80));
  // "HOST@REGION" of the rule, then "region=HOST@REGION" of exceptions.
  std::string_view rest = service->endpoints;
  std::string_view chosen = rest.substr(0, rest.find(' '));
  while (true) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) break;
    rest.remove_prefix(space + 1);
    const std::string_view entry = rest.substr(0, rest.find(' '));
    const std::size_t equals = entry.find('=');
    if (entry.substr(0, equals) == region) chosen = entry.substr(equals + 1);
  }
  const std::size_t at = chosen.find('@');
  if (at == std::string_view::npos)
    return fail(Code::not_found, std::string(service_id) + " has no endpoint in " + std::string(region));
  Endpoint out;
  if (const auto own = overrides.find(std::string(service_id)); own != overrides.end()) {
    auto parsed = parse_endpoint_url(own->second);
    if (!parsed) return parsed;
    out = std::move(*parsed);
  } else {
    out.host = with_suffix(with_region(chosen.substr(0, at), region), region);
    if (out.host.find_first_not_of(kHostCharacters) != std::string::npos) {
      return fail(Code::not_found, std::string(service_id) + " has no endpoint that the table can name");
    }
  }
  out.signing_region = with_region(chosen.substr(at + 1), region);
  out.signing_name = service->scopes.front();
  return out;
}

}  // namespace holdpoint::aws
