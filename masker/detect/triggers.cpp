#include "masker/detect/triggers.hpp"

#include <hs/hs.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "bus/base/result.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::uint16_t unbounded = 4096;  // a token's tail; longer ones are something else

using enum Action;
// Formats as their vendors publish them. Tails are lower bounds on purpose: vendors lengthen their tokens.
constexpr Trigger table[] = {
    {"AKIA", access_key_id, false, "A", 16, 16, Class::access_key_id},
    {"ASIA", access_key_id, false, "A", 16, 16, Class::access_key_id},
    {"ABIA", access_key_id, false, "A", 16, 16, Class::access_key_id},
    {"ACCA", access_key_id, false, "A", 16, 16, Class::access_key_id},
    {"IQoJb3JpZ2lu", session_token, false, "b", 60, unbounded, Class::session_token},
    {"FwoGZXIvYXdz", session_token, false, "b", 60, unbounded, Class::session_token},
    {"FQoGZXIvYXdz", session_token, false, "b", 60, unbounded, Class::session_token},
    {"AQoDYXdz", session_token, false, "b", 60, unbounded, Class::session_token},
    {"eyJ", jwt},
    {"-----BEGIN ", pem},
    {"$2a$", hash},
    {"$2b$", hash},
    {"$2y$", hash},
    {"$2x$", hash},
    {"$1$", hash},
    {"$5$", hash},
    {"$6$", hash},
    {"$7$", hash},
    {"$y$", hash},
    {"$gy$", hash},
    {"$argon2", hash},
    {"$pbkdf2", hash},
    {"pbkdf2_sha", hash},
    {"pbkdf2:sha", hash},
    {"$apr1$", hash},
    {"$scrypt$", hash},
    {"scrypt:", hash},
    {"{SSHA", hash},
    {"{SHA512", hash},
    {"SCRAM-SHA-", hash},
    {"$P$", hash},
    {"$S$", hash},
    {"bcrypt_sha256$", hash},
    {"sha512_crypt", hash},
    {"$sha1$", hash},
    {"{PBKDF2", hash},
    {"{CRYPT}", hash},
    {"argon2$argon2", hash},
    {"://", url},
    {"@", at},
    {"%40", at},
    {"bearer", scheme, true},
    {"basic ", scheme, true},
    {"cookie", cookie, true},
    {"curl ", command},
    {"wget ", command},
    {"mysql", command},
    {"redis-cli", command},
    {"docker login", command},
    {"sshpass", command},
    {"ldapsearch", command},
    {"mongo", command},
    {"podman login", command},
    {"helm registry login", command},
    {"H4sI", gzip_base64},
    {":5432:", special},
    {":5433:", special},
    {":6432:", special},
    // GitHub, GitLab
    {"ghp_", token, false, "w", 30, 255},
    {"gho_", token, false, "w", 30, 255},
    {"ghu_", token, false, "w", 30, 255},
    {"ghs_", token, false, "u", 30, 1024},
    {"ghr_", token, false, "w", 30, 255},
    {"github_pat_", token, false, "w", 40, 255},
    {"glpat-", token, false, ".", 18, 320},
    {"gldt-", token, false, "u", 18, 255},
    {"glptt-", token, false, "u", 18, 255},
    {"glrt-", token, false, ".", 18, 255},
    {"glsoat-", token, false, "u", 18, 255},
    {"glcbt-", token, false, "u", 18, 255},
    {"gloas-", token, false, "u", 40, 255},
    {"glagent-", token, false, "u", 40, 255},
    {"glft-", token, false, "u", 18, 255},
    {"glimt-", token, false, "u", 18, 255},
    {"glffct-", token, false, "u", 18, 255},
    {"GR1348941", token, false, "u", 18, 64},
    // Slack, Discord, Telegram
    {"xoxb-", token, false, "u", 20, 255},
    {"xoxp-", token, false, "u", 20, 255},
    {"xoxa-", token, false, "u", 20, 255},
    {"xoxr-", token, false, "u", 20, 255},
    {"xoxs-", token, false, "u", 20, 255},
    {"xoxo-", token, false, "u", 20, 255},
    {"xoxc-", token, false, "u", 20, 255},
    {"xoxd-", token, false, "%", 20, 512},
    {"xoxe", token, false, ".", 20, 512},
    {"xapp-", token, false, "u", 20, 255},
    {"hooks.slack.com/", special},
    {"/api/webhooks/", special},
    {":AA", special},
    {"webhook.office.com/", special},
    // Payments
    {"sk_live_", token, false, "a", 16, 255},
    {"rk_live_", token, false, "a", 16, 255},
    {"sk_test_", token, false, "a", 16, 255},
    {"rk_test_", token, false, "a", 16, 255},
    {"whsec_", token, false, "b", 24, 128},
    {"sq0atp-", token, false, "u", 22, 64},
    {"sq0csp-", token, false, "u", 43, 64},
    {"EAAA", token, false, "u", 50, 128},
    {"sandbox-sq0", token, false, "u", 22, 80},
    {"shpat_", token, false, "h", 32, 40},
    {"shpss_", token, false, "h", 32, 40},
    {"shpca_", token, false, "h", 32, 40},
    {"shppa_", token, false, "h", 32, 40},
    {"access_token$production$", token, false, "$", 40, 80},
    {"EZAK", token, false, "a", 54, 54},
    // Package registries, registries, build systems
    {"npm_", token, false, "a", 30, 64},
    {"pypi-AgE", token, false, "u", 50, 1024},
    {"rubygems_", token, false, "h", 48, 48},
    {"dckr_pat_", token, false, "u", 20, 64},
    {"dckr_oat_", token, false, "u", 20, 64},
    {"CLOJARS_", token, true, "a", 60, 60},
    {"oy2", token, false, "a", 43, 43},
    {"bkua_", token, false, "h", 40, 40},
    {"CCIPAT_", token, false, "w", 40, 128},
    {"cio", token, false, "a", 32, 32},
    {"sqp_", token, false, "h", 40, 40},
    {"squ_", token, false, "h", 40, 40},
    {"sqa_", token, false, "h", 40, 40},
    // Clouds, platforms
    {"AIza", token, false, "u", 35, 35},
    {"ya29.", token, false, ".", 20, 2048},
    {"GOCSPX-", token, false, "u", 20, 64},
    {"1//0", token, false, "u", 40, 512},
    {"dop_v1_", token, false, "h", 64, 64},
    {"doo_v1_", token, false, "h", 64, 64},
    {"dor_v1_", token, false, "h", 64, 64},
    {"HRKU-", token, false, "u", 36, 128},
    {"fm2_", token, false, "b", 60, unbounded},
    {"fo1_", token, false, "u", 40, 80},
    {"ABSK", token, false, "b", 80, 512},
    {"bedrock-api-key-", token, false, "b", 40, unbounded},
    {"LTAI", token, false, "a", 12, 26},
    {"AKID", token, false, "a", 32, 36},
    {"nfp_", token, false, "a", 36, 64},
    {"Q~", special},
    {"v1.0-", token, false, "u", 100, 512},
    {"EAAG", token, false, "a", 60, 400},
    {"t1.9eu", token, false, ".", 60, 400},
    // Machine learning
    {"sk-ant-", token, false, "u", 30, 256},
    {"sk-proj-", token, false, "u", 30, 256},
    {"sk-svcacct-", token, false, "u", 30, 256},
    {"sk-admin-", token, false, "u", 30, 256},
    {"sk-or-v1-", token, false, "h", 64, 64},
    {"sk-", token, false, "a", 32, 64},
    {"hf_", token, false, "a", 30, 64},
    {"api_org_", token, false, "a", 34, 34},
    {"gsk_", token, false, "a", 48, 64},
    {"pplx-", token, false, "a", 40, 64},
    {"r8_", token, false, "a", 37, 40},
    {"xai-", token, false, "a", 70, 90},
    {"tgp_v1_", token, false, "u", 40, 64},
    {"pcsk_", token, false, "w", 40, 100},
    // Operations
    {"hvs.", token, false, "u", 20, 400},
    {"hvb.", token, false, "u", 20, 400},
    {"hvr.", token, false, "u", 20, 400},
    {"atlasv1.", special},
    {"dp.pt.", token, false, "a", 40, 48},
    {"dp.st.", token, false, ".", 40, 80},
    {"dp.ct.", token, false, "a", 40, 48},
    {"dp.sa.", token, false, "a", 40, 48},
    {"dp.scim.", token, false, "a", 40, 48},
    {"dp.audit.", token, false, "a", 40, 48},
    {"dapi", token, false, "h", 32, 34},
    {"dkea", token, false, "h", 32, 34},
    {"glsa_", token, false, "w", 38, 64},
    {"glc_", token, false, "b", 32, 400},
    {"NRAK-", token, false, "a", 24, 32},
    {"NRII-", token, false, "u", 24, 40},
    {"NRRA-", token, false, "h", 40, 42},
    {"PMAK-", token, false, "u", 50, 64},
    {"pul-", token, false, "h", 40, 40},
    {"sntrys_", token, false, "b", 40, 400},
    {"sntryu_", token, false, "h", 64, 64},
    {"tskey-", token, false, "u", 16, 96},
    {"dt0c01.", token, false, ".", 80, 120},
    {"dt0s01.", token, false, ".", 80, 120},
    {"sbp_", token, false, "h", 40, 40},
    {"sb_secret_", token, false, "u", 20, 64},
    {"pscale_tkn_", token, false, ".", 30, 64},
    {"pscale_pw_", token, false, ".", 30, 64},
    {"pscale_oauth_", token, false, ".", 30, 64},
    {"ops_eyJ", token, false, "u", 100, unbounded},
    {"AGE-SECRET-KEY-1", token, false, "A", 50, 64},
    {"PRIVATE-TOKEN", keyword, true},
    {"ATATT3", token, false, "e", 100, 300},
    {"ATCTT3", token, false, "e", 100, 300},
    {"ATBB", token, false, "a", 32, 64},
    {"lin_api_", token, false, "a", 32, 64},
    {"lin_oauth_", token, false, "h", 64, 64},
    {"ntn_", token, false, "a", 40, 64},
    {"secret_", token, false, "a", 43, 43},
    {"figd_", token, false, "u", 30, 64},
    {"figu", token, false, "u", 40, 64},
    {"pat", special},
    {"CFPAT-", token, false, "u", 40, 64},
    {"SG.", token, false, ".", 60, 80},
    {"key-", token, false, "h", 32, 32},
    {"SK", token, false, "h", 32, 32},
    {"tfp_", token, false, ".", 40, 80},
    {"rdme_", token, false, "a", 70, 70},
    {"sdk-", token, false, "u", 36, 36},
    {"phc_", token, false, "a", 40, 60},
    {"phx_", token, false, "a", 40, 60},
    {"xkeysib-", token, false, "u", 70, 90},
    {"duffel_", token, false, "u", 45, 64},
    {"shippo_live_", token, false, "h", 40, 40},
    {"mfa.", token, false, "u", 80, 100},
    {"PRVT_", token, false, "a", 40, 60},
    {"ASANA", keyword, true},
    {"kv1.", token, false, "u", 40, 80},
    {"ory_at_", token, false, ".", 40, 120},
    {"ory_rt_", token, false, ".", 40, 120},
    {"rpa_", token, false, "A", 40, 50},
    // Names
    {"passw", keyword, true},
    {"passphrase", keyword, true},
    {"passcode", keyword, true},
    {"pwd", keyword, true},
    {"pass=", keyword, true},
    {"pass:", keyword, true},
    {"pass\"", keyword, true},
    {"secret", keyword, true},
    {"token", keyword, true},
    {"key", keyword, true},
    {"credential", keyword, true},
    {"signature", keyword, true},
    {"sig=", keyword, true},
    {"auth", keyword, true},
    {"ssn", keyword, true},
    {"social security", keyword, true},
    {"dob", keyword, true},
    {"birth", keyword, true},
    {"born", keyword, true},
    {"passport", keyword, true},
    {"licen", keyword, true},
    {"aadha", keyword, true},
    {"cpf", keyword, true},
    {"nhs", keyword, true},
    {"insurance", keyword, true},
    {"tax", keyword, true},
    {"national", keyword, true},
    {"account", keyword, true},
    {"acct", keyword, true},
    {"iban", keyword, true},
    {"card", keyword, true},
    {"phone", keyword, true},
    {"mobile", keyword, true},
    {"jwt", keyword, true},
    {"otp", keyword, true},
    {"mfa", keyword, true},
    {"sid=", keyword, true},
    {"sessionid", keyword, true},
    {"creds", keyword, true},
    {"keymaterial", keyword, true},
    {"seed", keyword, true},
};

class Database {
 public:
  Database() {
    std::vector<const char*> literals;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    std::vector<std::size_t> lengths;
    for (std::size_t i = 0; i < std::size(table); ++i) {
      literals.push_back(table[i].literal.data());
      lengths.push_back(table[i].literal.size());
      flags.push_back(table[i].any_case ? HS_FLAG_CASELESS : 0);
      ids.push_back(static_cast<unsigned>(i));
    }
    hs_compile_error_t* error = nullptr;
    HOLDPOINT_INVARIANT(hs_valid_platform() == HS_SUCCESS);
    const hs_error_t code =
        hs_compile_lit_multi(literals.data(), flags.data(), ids.data(), lengths.data(),
                             static_cast<unsigned>(literals.size()), HS_MODE_BLOCK, nullptr, &database_, &error);
    HOLDPOINT_INVARIANT(code == HS_SUCCESS);
  }
  [[nodiscard]] const hs_database_t* get() const { return database_; }

 private:
  hs_database_t* database_ = nullptr;
};

const hs_database_t* database() {
  static const Database compiled;  // lives as long as the process
  return compiled.get();
}

struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

hs_scratch_t* scratch() {
  thread_local const std::unique_ptr<hs_scratch_t, FreeScratch> own = [] {
    hs_scratch_t* made = nullptr;
    HOLDPOINT_INVARIANT(hs_alloc_scratch(database(), &made) == HS_SUCCESS);
    return std::unique_ptr<hs_scratch_t, FreeScratch>(made);
  }();
  return own.get();
}

int collect(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/, void* context) {
  auto& out = *static_cast<std::vector<Hit>*>(context);
  const Trigger& trigger = table[id];
  const auto end = static_cast<std::uint32_t>(to);
  out.push_back({end - static_cast<std::uint32_t>(trigger.literal.size()), end, &trigger});
  return 0;
}

}  // namespace

bool find_triggers(std::string_view text, std::vector<Hit>& out) {
  if (text.empty()) return true;
  if (text.size() > UINT32_MAX) return false;
  return hs_scan(database(), text.data(), static_cast<unsigned>(text.size()), 0, scratch(), collect, &out) ==
         HS_SUCCESS;
}

void prepare_triggers() { (void)scratch(); }

}  // namespace holdpoint::masker
